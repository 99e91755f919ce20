"""Reads a contact list from a CSV as people export it: any of the usual encodings, delimiters and line ends.

What must stay true: no row is lost silently, no value shifts into another column, and memory does not grow with the
file. `inspect_file` passes over the whole file once and refuses it whole before a row of it is used; `read_rows` then
gives each row, or why it can't be read, with the physical line where it starts.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

from campaign_command.csv_rows import BadRow, Limits, Lines, Row, records

FileCode = Literal[
    "empty_file",
    "no_rows",
    "not_csv",
    "no_phone_column",
    "several_phone_columns",
    "duplicate_column",
    "unknown_column",
    "too_many_columns",
    "file_too_large",
]
Field = Literal[
    "phone",
    "first_name",
    "last_name",
    "name",
    "email",
    "time_zone",
    "external_id",
    "consent_basis",
    "consent_at",
    "consent_source",
]
Meaning = Field | Literal["variable", "ignored"]
"""What a column can be said to be; a variable goes into the contact's variables under the column's name."""
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1252": "cp1252", "iso-8859-1": "latin-1"}
"""What a file may be declared to be, and Python's name of it."""
ENCODING_NAMES = {python: name for name, python in ENCODINGS.items()}
PHONE_COLUMNS = frozenset(
    {"phone", "phonenumber", "mobile", "mobilenumber", "mobilephone", "mobilephonenumber", "cell", "cellphone"}
    | {"telephone", "tel", "number", "contactnumber", "tonumber", "msisdn", "primaryphone", "workphone", "phone1"}
)
# A field's names in order of precedence: of two columns that could be it, the other one stays a variable.
_FIELD_NAMES: tuple[tuple[Field, tuple[str, ...]], ...] = (
    ("first_name", ("firstname",)),
    ("last_name", ("lastname", "surname")),
    ("name", ("name",)),
    ("email", ("email",)),
    ("time_zone", ("timezone", "tz")),
    ("external_id", ("externalid", "id")),
    ("consent_basis", ("consentbasis",)),
    ("consent_at", ("consentat",)),
    ("consent_source", ("consentsource",)),
)
_KNOWN = frozenset(name for _, names in _FIELD_NAMES for name in names)
ERROR_COLUMNS = ("error_line", "error_reason")
"""What the file of refused rows puts in front; read back, these two are no variables."""
_BINARY = (
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"%PDF",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\xff\xfe\0\0",
    b"\x89PNG",
)
_BLOCK = 1 << 20
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


class FileRefused(Exception):
    """The file can't be imported: see `code` and `detail`; `columns` are the column names it is about."""

    def __init__(self, code: FileCode, detail: str, *, columns: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: FileCode = code
        self.detail, self.columns = detail, tuple(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is to be read. `fields[i]` is what column i means, null for a variable; it can be stored as JSON."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    fields: tuple[Field | Literal["ignored"] | None, ...]
    header_lines: int
    warnings: tuple[str, ...] = ()
    is_error_file: bool = False

    @property
    def phone(self) -> int:
        """The index of the phone column."""
        return self.fields.index("phone")


def inspect_file(
    file: BinaryIO,
    *,
    limits: Limits,
    encoding: str | None = None,
    delimiter: str | None = None,
    mapping: Mapping[str, Meaning] | None = None,
    require_phone: bool = True,
) -> Layout:
    """Find out how to read a seekable file. FileRefused when it can't be imported at all.

    `encoding` (a key of ENCODINGS), `delimiter` and `mapping` (what columns are, by their names) overrule what would be
    guessed. Without `require_phone` a file whose phone column is not certain has a layout too, without one.
    """
    size = file.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        raise FileRefused("file_too_large", f"The file has {size} bytes; allowed: {limits.max_bytes}.")
    python_encoding, lines = _find_encoding(file, encoding)
    header, delimiter = _header_of(Lines(file, encoding=python_encoding, limits=limits), delimiter, limits=limits)
    warnings = ["encoding_guessed"] if encoding is None and python_encoding == "cp1252" else []
    columns, fields, unnamed = _columns_of(
        header.values, mapping=mapping or {}, limits=limits, require_phone=require_phone
    )
    if unnamed:
        warnings.append("unnamed_columns_ignored")
    layout = Layout(
        encoding=python_encoding,
        delimiter=delimiter,
        columns=columns,
        fields=fields,
        header_lines=header.last_line,
        warnings=tuple(warnings),
        is_error_file=set(ERROR_COLUMNS) <= set(columns),
    )
    rows = read_rows(file, layout, limits=limits)
    if next(rows, None) is None:
        raise FileRefused("no_rows", "The file has a header and no rows.")
    if lines > limits.max_rows and 1 + sum(1 for _ in rows) > limits.max_rows:
        raise FileRefused("file_too_large", f"The file has more than {limits.max_rows} rows, the most allowed.")
    return layout


def read_rows(file: BinaryIO, layout: Layout, *, limits: Limits) -> Iterator[Row | BadRow]:
    """The rows below the header, from the file's start, without the blank ones."""
    lines = Lines(file, encoding=layout.encoding, limits=limits)
    for _ in range(layout.header_lines):
        lines.next()
    width = len(layout.columns)
    for row in records(lines, delimiter=layout.delimiter, limits=limits):
        values = row.values
        if layout.is_error_file:
            values[:] = [value[1:] if _ESCAPED.match(value) else value for value in values]
        if isinstance(row, Row):
            if len(values) < width:
                values.extend([""] * (width - len(values)))
            elif len(values) > width:
                if any(value.strip() for value in values[width:]):
                    yield BadRow(row.line, row.last_line, "extra_fields", values)
                    continue
                del values[width:]  # trailing delimiters
        yield row


# --- the header ----------------------------------------------------------------------------------------------


def _header_of(lines: Lines, delimiter: str | None, *, limits: Limits) -> tuple[Row, str]:
    """The first row that is not blank, and the delimiter it is written with."""
    while (line := lines.next()) is not None:
        if (hint := re.fullmatch(r"sep=(.)\s*", line[1])) and hint[1] in DELIMITERS:
            delimiter = delimiter or hint[1]  # a spreadsheet's own first line
        elif line[1].strip():
            break
    if line is None:
        raise FileRefused("empty_file", "The file is empty.")
    lines.again([line])
    delimiter = delimiter or _delimiter_of(line[1]) or ","
    row = next(records(lines, delimiter=delimiter, limits=limits), None)
    if row is None:
        raise FileRefused("empty_file", "The file holds nothing but delimiters.")
    if isinstance(row, BadRow):
        raise FileRefused("not_csv", f"The header can't be read: {row.reason}.")
    if any(character < " " and character not in "\t\r\n\v\f" for value in row.values for character in value):
        raise FileRefused("not_csv", "The header holds control characters: this is not a CSV file.")
    return row, delimiter


def _delimiter_of(header: str) -> str | None:
    unquoted = re.sub(r'"[^"]*("|$)', "", header)
    best = max(DELIMITERS, key=unquoted.count)
    return best if best in unquoted else None


def _columns_of(
    names: list[str], *, mapping: Mapping[str, Meaning], limits: Limits, require_phone: bool
) -> tuple[tuple[str, ...], tuple[Field | Literal["ignored"] | None, ...], bool]:
    columns = [name.strip() for name in names]
    while columns and not columns[-1]:
        columns.pop()
    if set(ERROR_COLUMNS) <= set(columns):
        columns = [name[1:] if _ESCAPED.match(name) else name for name in columns]
    if len(columns) > limits.max_columns:
        raise FileRefused(
            "too_many_columns", f"The file has {len(columns)} columns; allowed: {limits.max_columns}.", columns=columns
        )
    folded = [_fold(name) for name in columns]
    keys = [fold if fold in _KNOWN else name.casefold() for fold, name in zip(folded, columns, strict=True)]
    repeated = [name for key, name in zip(keys, columns, strict=True) if name and keys.count(key) > 1]
    if repeated:
        raise FileRefused(
            "duplicate_column", f"Several columns have the same name: {', '.join(repeated)}.", columns=repeated
        )
    told = _told(columns, folded, mapping)
    meanings: dict[int, Meaning] = dict(told)
    if set(ERROR_COLUMNS) <= set(columns):
        meanings |= {columns.index(name): "ignored" for name in ERROR_COLUMNS}
    if "phone" not in told.values():
        phone = _phone_index(columns, folded, told, required=require_phone)
        if phone is not None:
            meanings[phone] = "phone"
    for field, accepted in _FIELD_NAMES:
        free = [folded.index(name) for name in accepted if name in folded and folded.index(name) not in meanings]
        if free and field not in told.values():
            meanings[free[0]] = field
    fields: list[Field | Literal["ignored"] | None] = []
    for index, name in enumerate(columns):
        meaning = meanings.get(index, "variable" if name else "ignored")
        fields.append(None if meaning == "variable" else meaning)
    return tuple(columns), tuple(fields), "" in columns


def _told(columns: list[str], folded: list[str], mapping: Mapping[str, Meaning]) -> dict[int, Meaning]:
    """The mapping by the columns' indexes."""
    shown = _shown(columns)
    told: dict[int, Meaning] = {}
    for name, meaning in mapping.items():
        if name.strip() in shown:
            index = columns.index(name.strip())
        elif _fold(name) and _fold(name) in folded:
            index = folded.index(_fold(name))
        else:
            code: FileCode = "no_phone_column" if meaning == "phone" else "unknown_column"
            raise FileRefused(code, f"There is no column {name!r}; columns found: {', '.join(shown)}.", columns=shown)
        others = [columns[i] for i, other in told.items() if other == meaning or i == index]
        if others and (meaning not in ("variable", "ignored") or index in told):
            several = [*others, columns[index]]
            code = "several_phone_columns" if meaning == "phone" else "duplicate_column"
            raise FileRefused(
                code, f"Only one column can be the {meaning}; given: {', '.join(several)}.", columns=several
            )
        told[index] = meaning
    return told


def _phone_index(columns: list[str], folded: list[str], told: Mapping[int, Meaning], *, required: bool) -> int | None:
    found = [index for index, name in enumerate(folded) if name in PHONE_COLUMNS and index not in told]
    if len(found) == 1:
        return found[0]
    if not required:
        return None
    if not found:
        shown = _shown(columns)
        raise FileRefused(
            "no_phone_column",
            f"No column is known as a phone number's: map one to phone; columns found: {', '.join(shown)}.",
            columns=shown,
        )
    several = [columns[index] for index in found]
    raise FileRefused(
        "several_phone_columns",
        f"Several columns may hold the phone number: map one to phone; found: {', '.join(several)}.",
        columns=several,
    )


def _shown(columns: list[str]) -> list[str]:
    return [name for name in columns if name and name not in ERROR_COLUMNS]


def _fold(name: str) -> str:
    return re.sub(r"[\s_\-#.]", "", name).casefold()


# --- encodings -----------------------------------------------------------------------------------------------


def _find_encoding(file: BinaryIO, declared: str | None) -> tuple[str, int]:
    """The encoding in which the whole file can be read, and its number of line ends (a quick upper bound of rows)."""
    file.seek(0)
    head = file.read(8)
    if head.startswith(_BINARY):
        raise FileRefused("not_csv", "This is a binary file (a spreadsheet or an archive): save it as CSV.")
    if declared is not None:
        candidates = [ENCODINGS[declared]]
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    elif head.startswith(b"\xef\xbb\xbf"):
        candidates = ["utf-8-sig"]
    else:
        candidates = ["utf-8-sig", "cp1252"]
    problems = []
    for encoding in candidates:
        try:
            return encoding, _count_lines(file, encoding)
        except UnicodeError as error:
            problems.append(f"not {encoding.removesuffix('-sig')} ({getattr(error, 'reason', error)})")
    raise FileRefused("not_csv", f"The file's text can't be read: {', '.join(problems)}.")


def _count_lines(file: BinaryIO, encoding: str) -> int:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors="strict", newline="")
    feeds = returns = 0
    try:
        while block := text.read(_BLOCK):
            if "\0" in block:
                raise FileRefused("not_csv", "The file holds zero bytes: this is not a CSV file.")
            feeds += block.count("\n")
            returns += block.count("\r")
    finally:
        text.detach()
    return max(feeds, returns)
