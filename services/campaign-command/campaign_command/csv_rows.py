"""Parts text into the rows of a CSV, as RFC 4180 says and as people export it, with the physical lines they stand on.

What must stay true: what is kept in memory is bounded, whatever the text is, and a row that can't be read costs itself
only. The one exception is a quote that never closes: it costs the rest of the file, because nobody can tell its end.
"""

import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, NamedTuple

RowReason = Literal["extra_fields", "unclosed_quote", "field_too_long"]
_MAX_REWIND = 1 << 18
"""Characters of a row with broken quotes that are kept to read its later lines as rows of their own."""
_MAX_VALUES = 1000
"""Values of a row that are kept apart; far more than columns are allowed."""
_OPENING = re.compile(r'[ \u00a0]*"')
_SPACES = re.compile(r"[ \u00a0]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may hold at most."""

    max_bytes: int = 200 * 1024 * 1024
    max_rows: int = 5_000_000
    max_columns: int = 64
    max_field_chars: int = 4096


class Row(NamedTuple):
    """A row with exactly one value a column. `line` is the physical line where it starts, `last_line` where it ends.

    A tuple, since an import makes millions.
    """

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


class Lines:
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


def records(lines: Lines, *, delimiter: str, limits: Limits) -> Iterator[Row | BadRow]:
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


def _read_quoted(lines: Lines, first: tuple[int, str], *, delimiter: str, longest: int) -> Row | BadRow:
    """One row that has quotes, or is longer than a line may be. Reads on over line ends inside quotes.

    Text behind a closing quote means that the quotes are out of step: the row is refused and its later lines are read
    as rows, so that one stray quote costs one row. A quote that never closes costs the rest of the file.
    """
    row = _QuotedRow(lines, first, delimiter=delimiter, longest=longest)
    reason = row.read()
    return BadRow(first[0], row.number, reason, row.values) if reason else Row(first[0], row.number, row.values)


class _QuotedRow:
    def __init__(self, lines: Lines, first: tuple[int, str], *, delimiter: str, longest: int) -> None:
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
