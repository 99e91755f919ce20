"""Reads a contact list from a CSV as people export it: any of the usual encodings, delimiters and line ends.

What must stay true: no row is lost silently, no value shifts into another column, and memory does not grow with the
file. `inspect_file` passes over the whole file once and refuses it whole before a row of it is used; `read_rows` then
gives each row, or why it can't be read, with the physical line where it starts.
"""

import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

FileCode = Literal[
    "empty_file",
    "no_rows",
    "not_csv",
    "no_phone_column",
    "several_phone_columns",
    "duplicate_column",
    "too_many_columns",
    "file_too_large",
]
RowReason = Literal["extra_fields", "unclosed_quote", "field_too_long"]
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
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1252": "cp1252", "iso-8859-1": "latin-1"}
"""What a file may be declared to be, and Python's name of it."""
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
_MAX_HEADER_LINES = 100
_MAX_REWIND = 1 << 18
"""Characters of a row with broken quotes that are kept to read its later lines as rows of their own."""
_MAX_VALUES = 1000
"""Values of a row that are kept apart; far more than columns are allowed."""
_OPENING = re.compile(r'[ \u00a0]*"')
_SPACES = re.compile(r"[ \u00a0]*")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


class FileRefused(Exception):
    """The file can't be imported: see `code` and `detail`; `columns` are the column names it is about."""

    def __init__(self, code: FileCode, detail: str, *, columns: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: FileCode = code
        self.detail, self.columns = detail, tuple(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may hold at most."""

    max_bytes: int = 200 * 1024 * 1024
    max_rows: int = 5_000_000
    max_columns: int = 64
    max_field_chars: int = 4096


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


@dataclass(frozen=True, slots=True)
class Row:
    """A row with exactly one value a column. `line` is the physical line where it starts, `last_line` where it ends."""

    line: int
    last_line: int
    values: list[str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read. `values` is what could be told apart, cut to the longest allowed field."""

    line: int
    last_line: int
    reason: RowReason
    values: list[str]


def inspect_file(
    file: BinaryIO,
    *,
    limits: Limits,
    encoding: str | None = None,
    delimiter: str | None = None,
    phone_column: str | None = None,
) -> Layout:
    """Find out how to read a seekable file. FileRefused when it can't be imported at all.

    `encoding` (a key of ENCODINGS), `delimiter` and `phone_column` (a column's name) overrule what would be guessed.
    """
    size = file.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        raise FileRefused("file_too_large", f"The file has {size} bytes; allowed: {limits.max_bytes}.")
    python_encoding, lines = _find_encoding(file, encoding)
    reader = _Lines(file, encoding=python_encoding, limits=limits)
    header = _header_text(reader)
    if header is None:
        raise FileRefused("empty_file", "The file is empty.")
    delimiter = delimiter or _delimiter_of(header) or ","
    row = next(_records(_Pushed([(1, header)]), delimiter=delimiter, limits=limits), None)
    if isinstance(row, BadRow):
        raise FileRefused("not_csv", f"The header can't be read: {row.reason}.")
    names = row.values if row else []
    warnings = ["encoding_guessed"] if encoding is None and python_encoding == "cp1252" else []
    columns, fields, unnamed = _columns_of(names, phone_column=phone_column, limits=limits)
    if unnamed:
        warnings.append("unnamed_columns_ignored")
    layout = Layout(
        encoding=python_encoding,
        delimiter=delimiter,
        columns=columns,
        fields=fields,
        header_lines=reader.number,
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
    lines = _Lines(file, encoding=layout.encoding, limits=limits)
    for _ in range(layout.header_lines):
        lines.next()
    width = len(layout.columns)
    for row in _records(lines, delimiter=layout.delimiter, limits=limits):
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


def _header_text(lines: "_Lines") -> str | None:
    """The first row that is not blank, whole, with the line ends inside its quotes."""
    while (line := lines.next()) is not None:
        if (separator := re.fullmatch(r"sep=(.)\s*", line[1])) and separator[1] in DELIMITERS:
            continue  # a spreadsheet's hint; the header itself says it too
        if line[1].strip():
            break
    else:
        return None
    text = line[1]
    while text.count('"') % 2 and lines.number < _MAX_HEADER_LINES and (more := lines.next()) is not None:
        text += more[1]
    if len(text) >= lines.longest:
        raise FileRefused("not_csv", f"The header is longer than {lines.longest} characters.")
    if any(character < " " and character not in "\t\r\n\v\f" for character in text):
        raise FileRefused("not_csv", "The header holds control characters: this is not a CSV file.")
    return text


def _delimiter_of(header: str) -> str | None:
    unquoted = re.sub(r'"[^"]*"', "", header)
    best = max(DELIMITERS, key=unquoted.count)
    return best if best in unquoted else None


def _columns_of(
    names: list[str], *, phone_column: str | None, limits: Limits
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
    phone = _phone_index(columns, folded, phone_column)
    fields: list[Field | Literal["ignored"] | None] = [None if name else "ignored" for name in columns]
    for field, accepted in _FIELD_NAMES:
        found = next((folded.index(name) for name in accepted if name in folded), None)
        if found is not None:
            fields[found] = field
    fields[phone] = "phone"
    if set(ERROR_COLUMNS) <= set(columns):
        for name in ERROR_COLUMNS:
            fields[columns.index(name)] = "ignored"
    return tuple(columns), tuple(fields), "" in columns


def _phone_index(columns: list[str], folded: list[str], phone_column: str | None) -> int:
    shown = [name for name in columns if name and name not in ERROR_COLUMNS]
    if phone_column is not None:
        if phone_column.strip() in shown:
            return columns.index(phone_column.strip())
        wanted = _fold(phone_column)
        if not wanted or wanted not in folded:
            raise FileRefused(
                "no_phone_column",
                f"There is no column {phone_column!r}; columns found: {', '.join(shown)}.",
                columns=shown,
            )
        return folded.index(wanted)
    found = [index for index, name in enumerate(folded) if name in PHONE_COLUMNS]
    if not found:
        raise FileRefused(
            "no_phone_column",
            f"No column is known as a phone number's: name it with phone_column; columns found: {', '.join(shown)}.",
            columns=shown,
        )
    if len(found) > 1:
        several = [columns[index] for index in found]
        raise FileRefused(
            "several_phone_columns",
            f"Several columns may hold the phone number: name one with phone_column; found: {', '.join(several)}.",
            columns=several,
        )
    return found[0]


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


# --- physical lines ------------------------------------------------------------------------------------------


class _Lines:
    """Physical lines with their ends, numbered from 1. A line without an end, before the file's, goes on in the next.

    Lines are cut at a length that no row within the limits reaches, so a file without line ends fills no memory.
    """

    def __init__(self, file: BinaryIO, *, encoding: str, limits: Limits) -> None:
        file.seek(0)
        # The file outlives its reader: a reader that is dropped must not close it.
        raw = _Kept(file)
        self._text = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
        self.longest = limits.max_columns * (2 * limits.max_field_chars + 3)
        self._carry = ""
        self._again: deque[tuple[int, str]] = deque()
        self._ended = True
        self.number = 0

    def next(self) -> tuple[int, str] | None:
        """The next line, or null at the end."""
        if self._again:
            return self._again.popleft()
        line = self._text.readline(self.longest)
        if self._carry:
            line, self._carry = self._carry + line, ""
        if not line:
            return None
        if line.endswith("\r") and len(line) >= self.longest:  # cut between CR and LF
            after = self._text.readline(1)
            if after == "\n":
                line += after
            else:
                self._carry = after
        if self._ended:
            self.number += 1
        self._ended = line[-1] in "\r\n"
        return self.number, line

    def again(self, lines: Sequence[tuple[int, str]]) -> None:
        """Give these lines once more."""
        self._again.extendleft(reversed(lines))


class _Pushed(_Lines):
    """Lines that are already there."""

    def __init__(self, lines: Sequence[tuple[int, str]]) -> None:
        self._again = deque(lines)

    def next(self) -> tuple[int, str] | None:
        return self._again.popleft() if self._again else None


class _Kept(io.BufferedReader):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(_Unclosed(file), buffer_size=1 << 16)


class _Unclosed(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        block = self._file.read(len(view))
        view[: len(block)] = block
        return len(block)


# --- rows ----------------------------------------------------------------------------------------------------


def _records(lines: _Lines, *, delimiter: str, limits: Limits) -> Iterator[Row | BadRow]:
    """Rows as RFC 4180 parts them, without the blank ones; values are not yet one a column."""
    blank = " \t\r\n\v\f\u00a0" + delimiter
    longest = limits.max_field_chars
    while (line := lines.next()) is not None:
        number, text = line
        if not text.strip(blank):
            continue
        if '"' in text or text[-1] not in "\r\n":
            row = _read_quoted(lines, line, delimiter=delimiter, longest=longest)
            if any(value.strip() for value in row.values) or isinstance(row, BadRow):
                yield row
            continue
        values = text.rstrip("\r\n").split(delimiter)
        if len(text) > longest and any(len(value) > longest for value in values):
            yield BadRow(number, number, "field_too_long", [value[:longest] for value in values])
        else:
            yield Row(number, number, values)


def _read_quoted(lines: _Lines, first: tuple[int, str], *, delimiter: str, longest: int) -> Row | BadRow:
    """One row that has quotes, or is longer than a line may be. Reads on over line ends inside quotes.

    Text behind a closing quote means that the quotes are out of step: the row is refused and its later lines are read
    as rows, so that one stray quote costs one row. A quote that never closes costs the rest of the file.
    """
    row = _QuotedRow(lines, first, delimiter=delimiter, longest=longest)
    reason = row.read()
    return BadRow(first[0], row.number, reason, row.values) if reason else Row(first[0], row.number, row.values)


class _QuotedRow:
    def __init__(self, lines: _Lines, first: tuple[int, str], *, delimiter: str, longest: int) -> None:
        self._lines, self._delimiter, self._longest = lines, delimiter, longest
        self._start, self._text = first
        self._position = 0
        self._used = len(self._text)
        self._later: list[tuple[int, str]] = []
        self._too_long = self._too_many = False
        self.number = self._start
        self.values: list[str] = []

    def read(self) -> RowReason | None:
        """Read the row's values; null when it is sound."""
        while True:
            opening = _OPENING.match(self._text, self._position)
            if opening is None:
                at_end = self._read_plain()
            else:
                self._position = opening.end()
                if not self._read_between_quotes():
                    return "unclosed_quote"
                closed = _SPACES.match(self._text, self._position)
                assert closed is not None, "the pattern matches the empty text"
                self._position = closed.end()
                rest = self._text[self._position : self._position + 1]
                if rest not in ("", "\r", "\n", self._delimiter):
                    self._skip_line()
                    if self._used <= _MAX_REWIND:
                        self._lines.again([line for line in self._later if line[0] != self._start])
                        self.number = self._start
                    return "unclosed_quote"
                at_end = rest != self._delimiter
                self._position += 1
            if at_end:
                self._too_long |= self._skip_line()
                if self._too_many:
                    return "extra_fields"
                return "field_too_long" if self._too_long else None

    def _read_plain(self) -> bool:
        """Read a value without quotes; true when it is the line's last."""
        end = self._text.find(self._delimiter, self._position)
        value = self._text[self._position :].rstrip("\r\n") if end < 0 else self._text[self._position : end]
        self._too_long |= len(value) > self._longest
        self._keep(value[: self._longest])
        self._position = end + 1
        return end < 0

    def _read_between_quotes(self) -> bool:
        """Read a value from behind its opening quote to behind the closing one; false when the file ends before."""
        parts: list[str] = []
        room = self._longest
        while True:
            quote = self._text.find('"', self._position)
            part = self._text[self._position :] if quote < 0 else self._text[self._position : quote]
            if quote >= 0 and self._quote_after(quote):
                part += '"'
                closed = False
            else:
                closed = quote >= 0
            if len(part) > room:
                self._too_long = True
            if room:
                parts.append(part[:room])
                room = max(0, room - len(part))
            if quote < 0 and not self._more():
                closed = True
            if closed:
                self._keep("".join(parts))
                return quote >= 0

    def _quote_after(self, quote: int) -> bool:
        """Move behind a quote; true when another follows and both stand for one in the value."""
        self._position = quote + 1
        if self._position == len(self._text) and not self._more():  # a line that was cut between the two
            return False
        if self._text[self._position] != '"':
            return False
        self._position += 1
        return True

    def _more(self) -> bool:
        """Go on with the next line, or the next piece of this one."""
        line = self._lines.next()
        if line is None:
            return False
        self.number, self._text = line
        self._position = 0
        self._used += len(self._text)
        if self._used <= _MAX_REWIND:
            self._later.append(line)
        return True

    def _skip_line(self) -> bool:
        """Leave the rest of the physical line; true when there was more of it than a line may have."""
        cut = False
        while self._text[-1] not in "\r\n" and self._more():
            cut = True
        return cut

    def _keep(self, value: str) -> None:
        if len(self.values) < _MAX_VALUES:
            self.values.append(value)
        elif value.strip():
            self._too_many = True
