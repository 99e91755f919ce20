"""The carrier's own record of every call it accepted: in memory, and line by line in a file that a restart reads.

The one thing that must stay true: a call is in the file before it rings, once, and no line is ever rewritten. A call's
first line holds all its fields, each later line only what changed.
"""

import fcntl
import os
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson

MAX_ENTRIES = 2_000_000  # about a kilobyte each in memory
_INSTANTS = ("arrived_at", "ringing_at", "answered_at", "ended_at")


class MalformedLedger(Exception):
    """The ledger file holds a line that is not this carrier's: move the file away, or give another CARRIER_LEDGER."""


class LedgerInUse(Exception):
    """Another process has this ledger open: one carrier a file."""


class LedgerFull(Exception):
    """The ledger holds as many calls as it may: start the carrier with a new CARRIER_LEDGER."""


@dataclass(slots=True)
class Entry:
    n: int  # 1, 2, … in the order of acceptance
    call_id: str
    to: str
    from_number: str
    nth: int  # the nth call to this number; inbound: from that one
    webhook_url: str | None  # None: this call's events go nowhere
    arrived_at: datetime  # when the create request was accepted
    monotonic_arrived: float  # the same instant on the machine's monotonic clock, seconds
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    final_status: str | None = None
    sip_code: int | None = None
    q850_cause: int | None = None
    reason: str | None = None
    answered_by: str | None = None  # AMD's verdict
    attended: bool | None = None  # of a call that a person answered, once it has ended: whether an agent was there
    direction: Literal["outbound", "inbound"] = "outbound"
    sequence: int = 0  # of the last event
    requests: int = 1  # create requests seen for this call_id, from the accepted one on

    @property
    def status(self) -> Literal["queued", "ringing", "answered", "ended"]:
        if self.ended_at:
            return "ended"
        if self.answered_at:
            return "answered"
        return "ringing" if self.ringing_at else "queued"

    @property
    def duration_seconds(self) -> float | None:
        """Answer to end, as stamped; None while live and for calls nobody answered."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.answered_at).total_seconds(), 6)


_FIELDS = tuple(field.name for field in fields(Entry))


class Ledger:
    def __init__(self, path: Path) -> None:
        """Reads the file, or makes it. Raises MalformedLedger, LedgerInUse, OSError."""
        self.entries: list[Entry] = []
        self.writable = True
        self._by_call_id: dict[str, Entry] = {}
        self._calls_to: dict[str, int] = {}
        self._calls_from: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise LedgerInUse(str(path)) from error
        self._size = self._load(path)
        os.ftruncate(self._file, self._size)  # a line cut short by a kill was never answered for

    def close(self) -> None:
        os.close(self._file)

    def find(self, call_id: str) -> Entry | None:
        return self._by_call_id.get(call_id)

    def next_call_to(self, number: str) -> int:
        """1 for the first call to a number."""
        return self._calls_to.get(number, 0) + 1

    def next_call_from(self, number: str) -> int:
        """1 for the first call that comes in from a number."""
        return self._calls_from.get(number, 0) + 1

    def accept(self, entry: Entry) -> None:
        """Writes, then remembers: if the write fails, the call was never accepted. Raises OSError, LedgerFull."""
        if len(self.entries) >= MAX_ENTRIES:
            raise LedgerFull
        self._write({name: getattr(entry, name) for name in _FIELDS})
        self._remember(entry)

    def record(self, entry: Entry, **changes: Any) -> None:
        """Changes fields of an entry, here and in the file. Raises OSError."""
        self._write({"n": entry.n, **changes})
        for name, value in changes.items():
            setattr(entry, name, value)

    def _remember(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._by_call_id[entry.call_id] = entry
        if entry.direction == "inbound":
            self._calls_from[entry.from_number] = entry.nth
        else:
            self._calls_to[entry.to] = entry.nth

    def _write(self, fields_: dict[str, Any]) -> None:
        # Straight to the operating system: a killed process loses nothing that it answered for.
        line = orjson.dumps(fields_, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
        try:
            if os.write(self._file, line) != len(line):
                os.ftruncate(self._file, self._size)
                raise OSError("the disk took only a part of the line")
        except OSError:
            self.writable = False
            raise
        self.writable = True
        self._size += len(line)

    def _load(self, path: Path) -> int:
        """Returns the size up to the end of the last whole line."""
        size = 0
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self._apply(orjson.loads(line))
                except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
                    os.close(self._file)
                    raise MalformedLedger(f"{path}, line {number}: {type(error).__name__}") from error
                size += len(line)
        return size

    def _apply(self, changes: dict[str, Any]) -> None:
        for name in _INSTANTS:
            if changes.get(name) is not None:
                changes[name] = datetime.fromisoformat(changes[name])
        n = changes["n"]
        if n == len(self.entries) + 1:
            self._remember(Entry(**changes))
            return
        if not 1 <= n <= len(self.entries) or not changes.keys() <= set(_FIELDS):
            raise ValueError("a line out of turn")
        for name, value in changes.items():
            setattr(self.entries[n - 1], name, value)
