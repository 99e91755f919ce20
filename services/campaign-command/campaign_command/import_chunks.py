"""One chunk of an import: some rows of the file, and all that becomes of them.

What must stay true: a chunk's contacts, its rows' results and how far the import has come are one transaction, so a
process that dies at any moment loses nothing and adds nothing twice.

A chunk's transaction, in order:
1. the import still runs, here, and stands where the chunk begins; otherwise nothing happens;
2. rows whose number came earlier in the chunk are duplicates of that line;
3. the others are added to the campaign (a dry run only looks), or are duplicates of an earlier line or of a contact;
4. the rows' results and the import's progress are written.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO, Literal
from uuid import UUID

import orjson

from campaign_command.campaign import require_editable
from campaign_command.contact import DO_NOT_CALL, PENDING
from campaign_command.contact_file import Layout, read_rows
from campaign_command.contact_rows import Candidate, Note, Rejected, read_contact
from campaign_command.contact_updates import update_contacts
from campaign_command.contacts import (
    MAX_CHUNK,
    NULL,
    Added,
    NewContact,
    Rendered,
    add_contacts,
    known_contacts,
    render,
)
from campaign_command.csv_rows import BadRow, Limits, Row
from campaign_command.store import Transaction, now_of
from campaign_command.suppressed import suppressed_numbers

CLAIM_SECONDS = 15.0
"""So long an import belongs to the process that works on it, from each chunk on."""

# One look into the index for each: a planner that knows nothing yet of a growing table would read all of it instead.
_EARLIER_BY_KEY = """
SELECT k.number_key AS known, r.line FROM unnest(%s::uuid[]) AS k (number_key)
CROSS JOIN LATERAL (
    SELECT line FROM import_rows WHERE import_id = %s AND number_key = k.number_key LIMIT 1
) AS r
"""
_EARLIER_BY_CONTACT = """
SELECT k.contact_id AS known, r.line FROM unnest(%s::uuid[]) AS k (contact_id)
CROSS JOIN LATERAL (
    SELECT line FROM import_rows WHERE import_id = %s AND of_contact = k.contact_id LIMIT 1
) AS r
"""
_COPY_ROWS = """
COPY import_rows (import_id, line, result, reason, note, changes, number_key, contact_id, of_line, of_contact,
                  row_values)
FROM STDIN
"""
_PROGRESS = """
UPDATE imports
SET line_done = %(line)s, bytes_done = %(bytes)s, rows_done = rows_done + %(rows)s, accepted = accepted + %(accepted)s,
    duplicate = duplicate + %(duplicate)s, rejected = rejected + %(rejected)s, reasons = %(reasons)s, notes = %(notes)s,
    do_not_call = do_not_call + %(do_not_call)s,
    worked_seconds = worked_seconds + least(extract(epoch FROM clock_timestamp() - updated_at), %(seconds)s),
    claimed_until = now() + make_interval(secs => %(seconds)s), updated_at = clock_timestamp(),
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
class Ready:
    """A row that can be added as it is. `contact` is there when the import may update one that is known already."""

    line: int
    note: Note | None
    rendered: Rendered
    contact: NewContact | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows in the order of the file. `after` is the line of the row before the first one."""

    after: int
    rows: Sequence[Ready | Rejected]
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
    first_lines: dict[str, int] = {}
    fresh = [
        row
        for row in chunk.rows
        if isinstance(row, Ready) and first_lines.setdefault(row.rendered.number, row.line) == row.line
    ]
    # 3
    options = Options(**found["options"])
    campaign_id: UUID = found["campaign_id"]
    keys: dict[str, UUID] = {}
    if options.dry_run:
        secret = hashlib.blake2b(hash_key.encode(), digest_size=64).digest()
        keys = {row.rendered.number: _number_key(row.rendered.number, secret) for row in fresh}
        answers = _would_add(tx, campaign_id, import_id, keys)
    else:
        answers = _add(tx, campaign_id, import_id, fresh)
    changes: Mapping[UUID, tuple[str, ...]] = {}
    if options.on_duplicate == "update":
        known = {
            answer.contact_id: row.contact
            for row in fresh
            if row.contact is not None
            and (answer := answers[row.rendered.number]).result == "duplicate"
            and answer.of_line is None
        }
        changes = update_contacts(tx, campaign_id, known, dry_run=options.dry_run) if known else {}
    # 4
    results = [_result(row, first_lines, answers, changes, keys) for row in chunk.rows]
    with cursor.copy(_COPY_ROWS) as copy:
        of_import = str(import_id)
        # Most rows are accepted: their text is quicker made here than by the driver.
        copy.write("".join(_accepted_text(of_import, values) for values in results if values[1] == "accepted"))
        for values in results:
            if values[1] != "accepted":
                copy.write_row((import_id, *values))
    counts = Counter(values[1] for values in results)
    suppressed = sum(a.result == "accepted" and a.status is DO_NOT_CALL for a in answers.values())
    cursor.execute(
        _PROGRESS,
        {
            "import": import_id,
            "line": chunk.line,
            "bytes": chunk.bytes_done,
            "rows": len(chunk.rows),
            **{result: counts[result] for result in ("accepted", "duplicate", "rejected")},
            "do_not_call": suppressed,
            "reasons": _plus(found["reasons"], [values[2] for values in results]),
            "notes": _plus(found["notes"], [values[3] for values in results]),
            "state": "completed" if chunk.is_last else "running",
            "seconds": CLAIM_SECONDS,
        },
    )
    return True


def read_chunks(
    file: BinaryIO, layout: Layout, *, limits: Limits, after: int, options: Options, size: int = MAX_CHUNK
) -> Iterator[Chunk]:
    """The file's rows behind line `after`, in chunks; the last one says so, and may be empty."""
    may_update = options.on_duplicate == "update"
    rows: Iterator[Row | BadRow] = (row for row in read_rows(file, layout, limits=limits) if row.line > after)
    ahead = list(islice(rows, size))
    while True:
        read, ahead = ahead, list(islice(rows, size))
        chunk = Chunk(
            after=after,
            rows=[
                _ready(read_contact(row, layout, default_country=options.default_country), may_update=may_update)
                for row in read
            ],
            bytes_done=file.tell(),
            is_last=not ahead,
        )
        yield chunk
        if chunk.is_last:
            return
        after = chunk.line


def _ready(row: Candidate | Rejected, *, may_update: bool) -> Ready | Rejected:
    if isinstance(row, Rejected):
        return row
    return Ready(row.line, row.note, render(row.contact), row.contact if may_update else None)


def layout_of(stored: dict[str, Any]) -> Layout:
    """A layout as it was stored."""
    lists = ("columns", "fields", "warnings")
    values: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in stored.items()}
    return Layout(**values)


def _add(tx: Transaction, campaign_id: UUID, import_id: UUID, fresh: Sequence[Ready]) -> dict[str, Added]:
    """What became of these rows' numbers."""
    if not fresh:
        return {}
    added = add_contacts(
        tx,
        campaign_id,
        [row.rendered for row in fresh],
        now=now_of(tx.cursor),
        import_id=import_id,
        lines=[row.line for row in fresh],
    )
    answers = {row.rendered.number: answer for row, answer in zip(fresh, added, strict=True)}
    there = [a.contact_id for a in added if a.result == "duplicate" and a.of_line is None]
    if there:
        earlier = _earlier(tx, _EARLIER_BY_CONTACT, there, import_id)
        for number, answer in answers.items():
            if answer.contact_id in earlier:
                answers[number] = replace(answer, of_line=earlier[answer.contact_id])
    return answers


def _would_add(tx: Transaction, campaign_id: UUID, import_id: UUID, keys: Mapping[str, UUID]) -> dict[str, Added]:
    """What would become of these numbers; whoever would be accepted has no id yet."""
    if not keys:
        return {}
    campaign = require_editable(tx.campaign(campaign_id))
    known = known_contacts(tx.cursor, campaign_id, list(keys))
    suppressed = suppressed_numbers(tx, campaign, list(keys))
    earlier = _earlier(tx, _EARLIER_BY_KEY, list(keys.values()), import_id)
    answers = {}
    for number, key in keys.items():
        there = known.get(number)
        if key in earlier:
            answers[number] = Added("duplicate", there.contact_id if there else key, PENDING, earlier[key])
        elif there is not None:
            answers[number] = there
        else:
            answers[number] = Added("accepted", key, DO_NOT_CALL if number in suppressed else PENDING)
    return answers


def _earlier(tx: Transaction, query: str, known: Sequence[UUID], import_id: UUID) -> dict[UUID, int]:
    tx.cursor.execute(query.encode(), (list(known), import_id), prepare=False)
    return {row["known"]: row["line"] for row in tx.cursor.fetchall()}


def _number_key(number: str, key: bytes) -> UUID:
    """Stands for a number among the rows of a dry run; a row is no place to keep one."""
    return UUID(bytes=hashlib.blake2b(number.encode(), key=key, digest_size=16).digest())


def _result(
    row: Ready | Rejected,
    first_lines: Mapping[str, int],
    answers: Mapping[str, Added],
    changes: Mapping[UUID, tuple[str, ...]],
    keys: Mapping[str, UUID],
) -> tuple[Any, ...]:
    """The columns of import_rows behind the import's id."""
    if isinstance(row, Rejected):
        return (row.line, "rejected", row.reason, None, None, None, None, None, None, row.values)
    number = row.rendered.number
    answer = answers[number]
    first = first_lines[number] if first_lines[number] != row.line else answer.of_line
    if first is not None:
        return (row.line, "duplicate", None, None, None, None, None, first, None, None)
    key = keys.get(number)
    if answer.result == "duplicate":
        changed = changes.get(answer.contact_id)
        note = "updated" if changed else None
        listed = list(changed) if changed else None
        return (row.line, "duplicate", None, note, listed, key, None, None, answer.contact_id, None)
    contact_id = answer.contact_id if key is None else None
    return (row.line, "accepted", None, row.note, None, key, contact_id, None, None, None)


def _accepted_text(of_import: str, values: tuple[Any, ...]) -> str:
    line, result, _, note, _, key, contact_id, *_ = values
    return (
        f"{of_import}\t{line}\t{result}\t{NULL}\t{note or NULL}\t{NULL}\t{key or NULL}\t{contact_id or NULL}"
        f"\t{NULL}\t{NULL}\t{NULL}\n"
    )


def _plus(counts: dict[str, int], more: Sequence[str | None]) -> str:
    total = Counter(counts)
    total.update(name for name in more if name is not None)
    return orjson.dumps(dict(total)).decode()
