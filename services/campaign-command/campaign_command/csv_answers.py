"""CSV that the API answers with. What must stay true: no cell is taken for a formula by a spreadsheet that opens it."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

BOM = b"\xef\xbb\xbf"
"""In front of the header: spreadsheets read the rest as UTF-8 then."""
_UNSAFE = re.compile(r"'*[=+\-@\t\r]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def csv_lines(rows: Iterable[Sequence[str | None]]) -> bytes:
    """Rows as UTF-8 text, lines ended by CR LF; null is an empty cell."""
    text = io.StringIO()
    csv.writer(text).writerows([safe_cell(value or "") for value in row] for row in rows)
    return text.getvalue().encode()


def safe_cell(value: str) -> str:
    """The value with `'` in front where it could be a formula. A clean number stays: it is to be imported again."""
    return "'" + value if _UNSAFE.match(value) and not _E164.fullmatch(value) else value
