"""One chunk of an import: up to 1,000 rows of the file, and all that becomes of them.

What must stay true: a chunk's contacts, its rows' results and how far the import has come are one transaction, so a
process that dies at any moment loses nothing and adds nothing twice.

A chunk's transaction, in order:
1. the import still runs, here, and stands where the chunk begins; otherwise nothing happens;
2. rows whose number came earlier in the file are duplicates of that line;
3. the others are added to the campaign, or are duplicates of a contact;
4. the rows' results and the import's progress are written.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Literal
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.contact_file import Layout, read_rows
from campaign_command.contact_rows import Candidate, Rejected, read_contact
from campaign_command.contact_updates import update_contacts
from campaign_command.contacts import MAX_CHUNK, Added, add_contacts
from campaign_command.csv_rows import BadRow, Limits, Row
from campaign_command.store import Transaction, now_of

CLAIM_SECONDS = 15.0
"""So long an import belongs to the process that works on it, from each chunk on."""

_EARLIER = "SELECT number_key, line FROM import_rows WHERE import_id = %s AND number_key = ANY(%s)"
_COPY_ROWS = """
COPY import_rows (import_id, line, result, reason, note, number_key, contact_id, of_line, of_contact, row_values)
FROM STDIN
"""
_PROGRESS = """
UPDATE imports
SET line_done = %(line)s, bytes_done = %(bytes)s, rows_done = rows_done + %(rows)s, accepted = accepted + %(accepted)s,
    duplicate = duplicate + %(duplicate)s, rejected = rejected + %(rejected)s, reasons = %(reasons)s, notes = %(notes)s,
    claimed_until = now() + make_interval(secs => %(seconds)s), updated_at = now(),
    state = %(state)s, finished_at = CASE WHEN %(state)s = 'completed' THEN now() END
WHERE id = %(import)s
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the import was asked to do. `default_country` is the campaign's, unless the import has its own."""

    default_country: str | None
    on_duplicate: Literal["skip", "update"] = "skip"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 1,000 rows in the order of the file. `after` is the line of the row before the first one."""

    after: int
    rows: Sequence[Candidate | Rejected]
    bytes_done: int
    is_last: bool

    @property
    def line(self) -> int:
        """The line of the last row."""
        return self.rows[-1].line if self.rows else self.after


def add_chunk(tx: Transaction, import_id: UUID, chunk: Chunk, *, claimed_by: str, hash_key: str) -> bool:
    """Steps 1 to 4 of the module's docstring. False when this process must not go on with the import."""
    cursor = tx.cursor
    # 1
    cursor.execute("SELECT * FROM imports WHERE id = %s", (import_id,))
    found = cursor.fetchone()
    if found is None or found["state"] != "running" or found["claimed_by"] != claimed_by:
        return False
    if found["line_done"] == chunk.line and chunk.rows:
        return True  # committed before the connection was lost
    if found["line_done"] != chunk.after:
        return False
    # 2
    candidates = [row for row in chunk.rows if isinstance(row, Candidate)]
    secret = hashlib.blake2b(hash_key.encode(), digest_size=64).digest()
    keys = {row.line: _number_key(row.contact.number, secret) for row in candidates}
    cursor.execute(_EARLIER, (import_id, list(keys.values())))
    first_lines: dict[UUID, int] = {row["number_key"]: row["line"] for row in cursor.fetchall()}
    fresh = []
    for row in candidates:
        if first_lines.setdefault(keys[row.line], row.line) == row.line:
            fresh.append(row)
    # 3
    options = Options(**found["options"])
    added: Mapping[str, Added] = {}
    if options.dry_run:
        added = _would_add(cursor, found["campaign_id"], [row.contact.number for row in fresh])
    elif fresh:
        contacts = [row.contact for row in fresh]
        answers = add_contacts(tx, found["campaign_id"], contacts, now=now_of(cursor), import_id=import_id)
        added = {row.contact.number: answer for row, answer in zip(fresh, answers, strict=True)}
    updated: set[UUID] = set()
    if options.on_duplicate == "update" and not options.dry_run:
        known = {
            added[row.contact.number].contact_id: row.contact
            for row in fresh
            if added[row.contact.number].result == "duplicate"
        }
        updated = update_contacts(tx, found["campaign_id"], known)
    # 4
    results = [_result(row, keys, first_lines, added, updated) for row in chunk.rows]
    with cursor.copy(_COPY_ROWS) as copy:
        for values in results:
            copy.write_row((import_id, *values))
    counts = Counter(values[1] for values in results)
    cursor.execute(
        _PROGRESS,
        {
            "import": import_id,
            "line": chunk.line,
            "bytes": chunk.bytes_done,
            "rows": len(chunk.rows),
            **{result: counts[result] for result in ("accepted", "duplicate", "rejected")},
            "reasons": _plus(found["reasons"], [values[2] for values in results]),
            "notes": _plus(found["notes"], [values[3] for values in results]),
            "state": "completed" if chunk.is_last else "running",
            "seconds": CLAIM_SECONDS,
        },
    )
    return True


def read_chunks(
    file: BinaryIO, layout: Layout, *, limits: Limits, after: int, default_country: str | None, size: int = MAX_CHUNK
) -> Iterator[Chunk]:
    """The file's rows behind line `after`, in chunks; the last one says so, and may be empty."""
    rows: Iterator[Row | BadRow] = (row for row in read_rows(file, layout, limits=limits) if row.line > after)
    ahead = list(islice(rows, size))
    while True:
        read, ahead = ahead, list(islice(rows, size))
        chunk = Chunk(
            after=after,
            rows=[read_contact(row, layout, default_country=default_country) for row in read],
            bytes_done=file.tell(),
            is_last=not ahead,
        )
        yield chunk
        if chunk.is_last:
            return
        after = chunk.line


def layout_of(stored: dict[str, Any]) -> Layout:
    """A layout as it was stored."""
    lists = ("columns", "fields", "warnings")
    values: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in stored.items()}
    return Layout(**values)


def _number_key(number: str, key: bytes) -> UUID:
    """Stands for a number among an import's rows; a row is no place to keep one."""
    return UUID(bytes=hashlib.blake2b(number.encode(), key=key, digest_size=16).digest())


def _would_add(cursor: Cursor[DictRow], campaign_id: UUID, numbers: Sequence[str]) -> dict[str, Added]:
    """What add_contacts would answer about the numbers the campaign has already."""
    cursor.execute(
        "SELECT number, contact_id, status FROM contacts WHERE campaign_id = %s AND number = ANY(%s)",
        (campaign_id, list(numbers)),
    )
    return {row["number"]: Added("duplicate", row["contact_id"], row["status"]) for row in cursor.fetchall()}


def _result(
    row: Candidate | Rejected,
    keys: Mapping[int, UUID],
    first_lines: Mapping[UUID, int],
    added: Mapping[str, Added],
    updated: Collection[UUID],
) -> tuple[Any, ...]:
    """The columns of import_rows behind the import's id."""
    if isinstance(row, Rejected):
        return (row.line, "rejected", row.reason, None, None, None, None, None, row.values)
    key = keys[row.line]
    if first_lines[key] != row.line:
        return (row.line, "duplicate", None, None, None, None, first_lines[key], None, None)
    answer = added.get(row.contact.number)
    if answer is not None and answer.result == "duplicate":
        note = "updated" if answer.contact_id in updated else None
        return (row.line, "duplicate", None, note, key, None, None, answer.contact_id, None)
    return (row.line, "accepted", None, row.note, key, answer.contact_id if answer else None, None, None, None)


def _plus(counts: dict[str, int], more: Sequence[str | None]) -> str:
    total = Counter(counts)
    total.update(name for name in more if name is not None)
    return orjson.dumps(dict(total)).decode()
