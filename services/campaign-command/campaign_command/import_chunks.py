"""One chunk of an import: some rows of the file, and all that becomes of them.

What must stay true: a chunk's contacts, its rows' results and how far the import has come are one transaction, so a
process that dies at any moment loses nothing and adds nothing twice.

A chunk's transaction, in order:
1. the import still runs, here, and stands where the chunk begins or in it; otherwise nothing happens;
2. rows whose number came earlier in the chunk are duplicates of that line;
3. the others are added to the campaign (a dry run only looks), or are duplicates of an earlier line or of a contact.
   Steps 2 and 3 take a piece of the chunk at a time: when somebody waits for the append lock, the chunk ends there;
4. the rows' results and the import's progress are written.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO, Literal, NamedTuple
from uuid import UUID

import orjson
import prometheus_client

from campaign_command.campaign import require_editable
from campaign_command.contact import DO_NOT_CALL, PENDING
from campaign_command.contact_file import Layout, read_rows
from campaign_command.contact_rows import Candidate, Note, Rejected, read_contact
from campaign_command.contact_updates import update_contacts
from campaign_command.contacts import MAX_CHUNK, Added, Adding, NewContact, Rendered, known_contacts, render
from campaign_command.csv_rows import BadRow, Limits, Row
from campaign_command.import_results import Result, save_results
from campaign_command.store import Transaction, now_of
from campaign_command.suppressed import suppressed_numbers

CLAIM_SECONDS = 15.0
"""So long an import belongs to the process that works on it, from each chunk on."""
PIECE_ROWS = 250
"""After so many rows a chunk looks whether somebody waits."""
_rows = prometheus_client.Counter("import_rows_total", "Rows of contact files worked on, dry runs included", ["result"])

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
_PROGRESS = """
UPDATE imports
SET line_done = %(line)s, bytes_done = bytes_done + ((%(bytes)s - bytes_done) * %(share)s)::bigint,
    rows_done = rows_done + %(rows)s, accepted = accepted + %(accepted)s, duplicate = duplicate + %(duplicate)s,
    rejected = rejected + %(rejected)s, reasons = %(reasons)s, notes = %(notes)s,
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


class Ready(NamedTuple):
    """A row that can be added as it is. `contact` is there when the import may update one that is known already.

    A tuple, since a million are made.
    """

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

    def behind(self, line: int) -> "Chunk | None":
        """What follows the row that starts at `line`; null when there is no such row."""
        for index, row in enumerate(self.rows, start=1):
            if row.line == line:
                return replace(self, after=line, rows=self.rows[index:])
        return None


def add_chunk(tx: Transaction, import_id: UUID, chunk: Chunk, *, claimed_by: str, hash_key: str) -> Chunk | None:
    """Steps 1 to 4 of the module's docstring. Returns what is left of the chunk, which has no rows as a rule.

    Null when this process must not go on with the import.
    """
    cursor = tx.cursor
    # 1
    cursor.execute("SELECT * FROM imports WHERE id = %s", (import_id,))
    found = cursor.fetchone()
    if found is None or found["state"] != "running" or found["claimed_by"] != claimed_by:
        return None
    if found["line_done"] != chunk.after:  # committed, all or a beginning, before the connection was lost
        rest = chunk.behind(found["line_done"])
        if rest is None or not rest.rows:
            return rest
        chunk = rest
    options = Options(**found["options"])
    work = _Work(tx, found["campaign_id"], import_id, options, chunk, hash_key=hash_key)
    results: list[Result] = []
    while True:
        # 2 and 3
        piece = chunk.rows[len(results) : len(results) + PIECE_ROWS]
        work.take(piece)
        results += [work.result(row) for row in piece]
        if len(results) == len(chunk.rows) or tx.is_awaited():
            break
    work.end()
    # 4
    save_results(cursor, import_id, results)
    done = len(results)
    rest = replace(chunk, after=results[-1].line if results else chunk.after, rows=chunk.rows[done:])
    counts = Counter(result.result for result in results)
    for result, count in counts.items():
        _rows.labels(result).inc(count)
    cursor.execute(
        _PROGRESS,
        {
            "import": import_id,
            "line": rest.after,
            "bytes": chunk.bytes_done,
            "share": done / len(chunk.rows) if rest.rows else 1,
            "rows": done,
            **{result: counts[result] for result in ("accepted", "duplicate", "rejected")},
            "do_not_call": work.do_not_call,
            "reasons": _plus(found["reasons"], [result.reason for result in results]),
            "notes": _plus(found["notes"], [result.note for result in results]),
            "state": "completed" if chunk.is_last and not rest.rows else "running",
            "seconds": CLAIM_SECONDS,
        },
    )
    return rest


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


class _Work:
    """A chunk under way: what became of its rows so far."""

    def __init__(
        self, tx: Transaction, campaign_id: UUID, import_id: UUID, options: Options, chunk: Chunk, *, hash_key: str
    ) -> None:
        self._tx, self._campaign_id, self._import_id, self._options = tx, campaign_id, import_id, options
        self._hash_key = hash_key
        self._first_lines: dict[str, int] = {}
        self._answers: dict[str, Added] = {}
        self._changes: dict[UUID, tuple[str, ...]] = {}
        self._keys: dict[str, UUID] = {}
        numbers = list(dict.fromkeys(row.rendered.number for row in chunk.rows if isinstance(row, Ready)))
        self._adding = None
        if numbers and not options.dry_run:
            self._adding = Adding(tx, campaign_id, numbers, import_id=import_id)
        self.do_not_call = 0

    def take(self, piece: Sequence[Ready | Rejected]) -> None:
        """Steps 2 and 3 for some rows."""
        lines = self._first_lines
        fresh = [
            row
            for row in piece
            if isinstance(row, Ready) and lines.setdefault(row.rendered.number, row.line) == row.line
        ]
        if not fresh:
            return
        answers = self._would_add(fresh) if self._adding is None else self._add(self._adding, fresh)
        self.do_not_call += sum(a.status is DO_NOT_CALL and a.result == "accepted" for a in answers.values())
        self._answers |= answers
        if self._options.on_duplicate == "update":
            known = {
                answer.contact_id: row.contact
                for row in fresh
                if row.contact is not None
                and (answer := answers[row.rendered.number]).result == "duplicate"
                and answer.of_line is None
            }
            if known:
                self._changes |= update_contacts(self._tx, self._campaign_id, known, dry_run=self._options.dry_run)

    def end(self) -> None:
        """Append the fact of all that was added."""
        if self._adding is not None:
            self._adding.end(now=now_of(self._tx.cursor))

    def result(self, row: Ready | Rejected) -> Result:
        """What became of a row that was taken."""
        if isinstance(row, Rejected):
            return Result(row.line, "rejected", row.reason, row_values=row.values)
        number = row.rendered.number
        answer = self._answers[number]
        first = self._first_lines[number]
        if first != row.line or answer.of_line is not None:
            return Result(row.line, "duplicate", of_line=first if first != row.line else answer.of_line)
        key = self._keys.get(number)
        if answer.result == "accepted":
            return Result(row.line, "accepted", None, row.note, None, key, answer.contact_id if key is None else None)
        changed = self._changes.get(answer.contact_id)
        return Result(
            row.line,
            "duplicate",
            note="updated" if changed else None,
            changes=list(changed) if changed else None,
            number_key=key,
            of_contact=answer.contact_id,
        )

    def _add(self, adding: Adding, fresh: Sequence[Ready]) -> dict[str, Added]:
        """What became of these rows' numbers."""
        added = adding.add([row.rendered for row in fresh], lines=[row.line for row in fresh])
        answers = {row.rendered.number: answer for row, answer in zip(fresh, added, strict=True)}
        there = [a.contact_id for a in added if a.result == "duplicate" and a.of_line is None]
        if there:
            earlier = self._earlier(_EARLIER_BY_CONTACT, there)
            for number, answer in answers.items():
                if answer.contact_id in earlier:
                    answers[number] = answer._replace(of_line=earlier[answer.contact_id])
        return answers

    def _would_add(self, fresh: Sequence[Ready]) -> dict[str, Added]:
        """What would become of these rows' numbers; whoever would be accepted has no id yet."""
        secret = hashlib.blake2b(self._hash_key.encode(), digest_size=64).digest()
        keys = {row.rendered.number: _number_key(row.rendered.number, secret) for row in fresh}
        self._keys |= keys
        campaign = require_editable(self._tx.campaign(self._campaign_id))
        known = known_contacts(self._tx.cursor, self._campaign_id, list(keys))
        suppressed = suppressed_numbers(self._tx, campaign, list(keys))
        earlier = self._earlier(_EARLIER_BY_KEY, list(keys.values()))
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

    def _earlier(self, query: str, known: Sequence[UUID]) -> dict[UUID, int]:
        self._tx.cursor.execute(query.encode(), (list(known), self._import_id), prepare=False)
        return {row["known"]: row["line"] for row in self._tx.cursor.fetchall()}


def _number_key(number: str, key: bytes) -> UUID:
    """Stands for a number among the rows of a dry run; a row is no place to keep one."""
    return UUID(bytes=hashlib.blake2b(number.encode(), key=key, digest_size=16).digest())


def _plus(counts: dict[str, int], more: Sequence[str | None]) -> str:
    total = Counter(counts)
    total.update(name for name in more if name is not None)
    return orjson.dumps(dict(total)).decode()
