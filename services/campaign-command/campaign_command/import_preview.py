"""What an import would make of a file's beginning: its encoding, delimiter, columns, and its first rows as contacts.

What must stay true: a row that is shown is read as the import would read it. What is only suggested says so.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from campaign_command.contact_file import FileRefused, Layout, Meaning, inspect_file, read_rows
from campaign_command.contact_rows import Candidate, Rejected, read_contact
from campaign_command.csv_rows import BadRow, Limits, Row
from campaign_command.phone_numbers import ReadNumber, read_number, read_time_zone

HEAD_BYTES = 64 * 1024
SHOWN_ROWS = 20
SAMPLED_ROWS = 200
SURE = 0.8
"""The share of values that must be numbers for a column with an unknown name to be suggested as the phone column."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What a column is taken for. `confidence` is the share of its values that fit; 1 where anything would.

    `by`: the caller's mapping, the column's name, its values (a suggestion only), or nothing but being there.
    """

    name: str
    meaning: Meaning
    confidence: float
    by: Literal["mapping", "name", "values", "none"]
    numbers: float
    """The share of its values that are telephone numbers."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file. `refused`: what the import would answer without a better mapping."""

    layout: Layout
    columns: Sequence[ColumnGuess]
    rows: Sequence[tuple[Row | BadRow, Candidate | Rejected]]
    refused: FileRefused | None


def preview(
    head: bytes,
    *,
    is_whole: bool,
    limits: Limits,
    encoding: str | None,
    delimiter: str | None,
    mapping: Mapping[str, Meaning],
    default_country: str | None,
) -> Preview:
    """Look at the beginning of a file's text. FileRefused when no mapping could help."""
    file = io.BytesIO(head if is_whole else _whole_lines(head, encoding))

    def inspect(mapping: Mapping[str, Meaning], *, require_phone: bool) -> Layout:
        return inspect_file(
            file,
            limits=limits,
            encoding=encoding,
            delimiter=delimiter,
            mapping=mapping,
            require_phone=require_phone,
        )

    refused = None
    try:
        layout = inspect(mapping, require_phone=True)
    except FileRefused as error:
        if error.code not in ("no_phone_column", "several_phone_columns"):
            raise
        refused = error
        layout = inspect(mapping, require_phone=False)
    rows = list(islice(read_rows(file, layout, limits=limits), SAMPLED_ROWS))
    if not is_whole and len(rows) > 1 and isinstance(rows[-1], BadRow):
        rows.pop()  # a row that is cut off, most likely
    shares = _shares(layout, rows, default_country)
    suggested = _suggested_phone(layout, shares) if refused is not None and refused.code == "no_phone_column" else None
    if suggested is not None:
        fields = list(layout.fields)
        fields[suggested] = "phone"
        layout = replace(layout, fields=tuple(fields))
    shown = rows[:SHOWN_ROWS] if "phone" in layout.fields else []
    return Preview(
        layout=layout,
        columns=_guesses(layout, shares, mapping, suggested),
        rows=[(row, read_contact(row, layout, default_country=default_country)) for row in shown],
        refused=refused,
    )


@dataclass(frozen=True, slots=True)
class _Shares:
    """Of a column's values that are not empty, the shares that are numbers, e-mail addresses and zones."""

    phone: float
    email: float
    time_zone: float


def _shares(layout: Layout, rows: Sequence[Row | BadRow], default_country: str | None) -> list[_Shares]:
    found = []
    for index in range(len(layout.columns)):
        values = [value for row in rows if isinstance(row, Row) if (value := row.values[index].strip())]
        most = max(1, len(values))
        found.append(
            _Shares(
                phone=sum(isinstance(read_number(value, default_country), ReadNumber) for value in values) / most,
                email=sum(_EMAIL.fullmatch(value) is not None for value in values) / most,
                time_zone=sum(read_time_zone(value) is not None for value in values) / most,
            )
        )
    return found


def _suggested_phone(layout: Layout, shares: Sequence[_Shares]) -> int | None:
    """The one column whose values are numbers; null when none is, or several are."""
    likely = [i for i, share in enumerate(shares) if share.phone >= SURE and layout.fields[i] is None]
    return likely[0] if len(likely) == 1 else None


def _guesses(
    layout: Layout, shares: Sequence[_Shares], mapping: Mapping[str, Meaning], suggested: int | None
) -> list[ColumnGuess]:
    told = {name.strip().casefold() for name in mapping}
    guesses = []
    for index, (name, field, share) in enumerate(zip(layout.columns, layout.fields, shares, strict=True)):
        by: Literal["mapping", "name", "values", "none"] = "none" if field in (None, "ignored") else "name"
        if name.casefold() in told:
            by = "mapping"
        elif index == suggested:
            by = "values"
        confidence = {"phone": share.phone, "email": share.email, "time_zone": share.time_zone}.get(field or "", 1.0)
        guesses.append(ColumnGuess(name, field or "variable", round(confidence, 2), by, round(share.phone, 2)))
    return guesses


def _whole_lines(head: bytes, encoding: str | None) -> bytes:
    """The beginning up to its last line end, so that neither a row nor a character is cut in two."""
    if encoding == "utf-16" or (encoding is None and head[:2] in (b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) // 2 * 2].decode("utf-16", errors="ignore")
        end = max(text.rfind("\n"), text.rfind("\r"))
        return text[: end + 1].encode("utf-16") if end >= 0 else head
    end = max(head.rfind(b"\n"), head.rfind(b"\r"))
    return head[: end + 1] if end >= 0 else head
