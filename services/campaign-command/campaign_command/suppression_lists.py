"""Uploaded do-not-call lists: from the file on the disk to the last entry, and back when the list is undone.

What must stay true: a chunk's entries and how far the list has come are one transaction, so a restart goes on where it
stopped and puts nothing on twice; a list counts as complete (and fresh) only when all of its file is in.
"""

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import Refused
from campaign_command.contact_file import Layout, read_rows
from campaign_command.csv_rows import BadRow, Limits, Row
from campaign_command.do_not_call import read_wildcard
from campaign_command.import_chunks import layout_of
from campaign_command.import_spool import spool_file
from campaign_command.phone_numbers import NumberRefused, read_number
from campaign_command.store import UNAVAILABLE, Store, Transaction, now_of
from campaign_command.suppressions import lift_entries, suppress
from campaign_command.workers import Workers
from campaign_events.facts import NumberSuppressed
from campaign_service.logs import Log
from campaign_service.process import told_to_stop

BATCH = 1000
TURN_SECONDS = 0.5
CLAIM_SECONDS = 15.0
MAX_SHOWN_REJECTED = 100
"""Refused rows whose text is kept for whoever uploaded the list; all of them are counted, by reason."""
MAX_SHOWN_CHARS = 60
ORPHAN_SECONDS = 3600.0
"""A file that no list needs, so old that no upload of it goes on, is removed."""

_OPEN = """
INSERT INTO suppression_lists (list_id, workspace, name, scope, list_date, max_age_days, expires_at, state,
                               default_country, layout, uploaded_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'running', %s, %s, %s)
"""
_IN_WORK = """
SELECT 1 FROM suppression_lists
WHERE state IN ('running', 'undoing') AND (claimed_until IS NULL OR claimed_until < now() OR claimed_by = %s) LIMIT 1
"""
_CLAIM = """
UPDATE suppression_lists
SET claimed_by = %(me)s, claimed_until = now() + make_interval(secs => %(seconds)s)
WHERE list_id = (
    SELECT list_id FROM suppression_lists
    WHERE state IN ('running', 'undoing') AND (claimed_until IS NULL OR claimed_until < now() OR claimed_by = %(me)s)
    ORDER BY created_at LIMIT 1
)
RETURNING *
"""
_PROGRESS = """
UPDATE suppression_lists
SET line_done = %(line)s, rows_done = rows_done + %(rows)s, accepted = accepted + %(accepted)s,
    duplicate = duplicate + %(duplicate)s, rejected = rejected + %(rejected)s,
    reasons = %(reasons)s, first_rejected = %(first_rejected)s,
    claimed_until = now() + make_interval(secs => %(seconds)s),
    state = CASE WHEN %(is_last)s THEN 'completed' ELSE state END, finished_at = CASE WHEN %(is_last)s THEN now() END
WHERE list_id = %(list)s
"""
_FAIL = """
UPDATE suppression_lists SET state = 'failed', error_code = %s, finished_at = now()
WHERE list_id = %s AND state = 'running'
"""
_UNDO = """
UPDATE suppression_lists
SET state = 'undoing', undone_by = %s, undo_reason = %s, claimed_by = NULL, claimed_until = NULL
WHERE list_id = %s AND state IN ('running', 'completed', 'failed')
"""
_STANDING = """
SELECT * FROM suppressions WHERE list_id = %s AND lifted_at IS NULL ORDER BY suppression_id LIMIT %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewList:
    """What an upload says of its list. `scope`: one campaign, or null for the workspace."""

    name: str
    scope: UUID | None = None
    list_date: date | None = None
    max_age_days: int | None = None
    expires_at: datetime | None = None
    default_country: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that names nobody. `line` is where it starts in the file; the header is line 1."""

    line: int
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 1,000 rows behind line `after`, read."""

    after: int
    line: int
    rows: int
    numbers: tuple[str, ...]
    rejected: tuple[RejectedRow, ...]
    is_last: bool


def open_list(tx: Transaction, list_id: UUID, new: NewList, *, workspace: UUID, layout: Layout, by: str) -> None:
    """Note a list whose file is on the disk. Refused when its campaign is not there."""
    if new.scope is not None:
        campaign = tx.campaign(new.scope, workspace=workspace)
        if campaign is None or campaign.deleted:
            raise Refused("unknown_campaign", "There is no such campaign.")
    stored = orjson.dumps(asdict(layout)).decode()
    tx.cursor.execute(
        _OPEN,
        (
            list_id,
            workspace,
            new.name,
            new.scope,
            new.list_date,
            new.max_age_days,
            new.expires_at,
            new.default_country,
            stored,
            by,
        ),
    )


def find_list(tx: Transaction, list_id: UUID, *, workspace: UUID) -> DictRow:
    """The list. Refused when unknown, or another workspace's."""
    row = tx.cursor.execute(
        "SELECT * FROM suppression_lists WHERE list_id = %s AND workspace = %s", (list_id, workspace)
    ).fetchone()
    if row is None:
        raise Refused("unknown_list", "There is no such list.")
    return row


def undo(tx: Transaction, list_id: UUID, *, workspace: UUID, by: str, reason: str | None) -> DictRow:
    """Take the whole list off again: from now on it counts for nothing that needs it, and its entries go one batch
    after the other. A list that is undone already stays as it is."""
    find_list(tx, list_id, workspace=workspace)
    tx.cursor.execute(_UNDO, (by, reason, list_id))
    return find_list(tx, list_id, workspace=workspace)


def read_chunks(
    file: BinaryIO, layout: Layout, *, limits: Limits, after: int, default_country: str | None, size: int = BATCH
) -> Iterator[Chunk]:
    """The file's rows behind line `after`, in chunks; the last one says so, and may be empty."""
    rows = (row for row in read_rows(file, layout, limits=limits) if row.line > after)
    ahead = list(islice(rows, size))
    while True:
        read, ahead = ahead, list(islice(rows, size))
        found = [_read(row, layout, default_country) for row in read]
        chunk = Chunk(
            after=after,
            line=read[-1].line if read else after,
            rows=len(read),
            numbers=tuple(one for one in found if isinstance(one, str)),
            rejected=tuple(one for one in found if isinstance(one, RejectedRow)),
            is_last=not ahead,
        )
        yield chunk
        if chunk.is_last:
            return
        after = chunk.line


def add_chunk(tx: Transaction, list_id: UUID, chunk: Chunk) -> bool:
    """Put a chunk's numbers on the list. False when the list is being undone, or somebody else went on with it."""
    row = tx.cursor.execute("SELECT * FROM suppression_lists WHERE list_id = %s", (list_id,)).fetchone()
    assert row is not None, "lists are not removed"
    if row["state"] == "completed" and chunk.is_last and row["line_done"] == chunk.line:
        return True  # committed before the connection was lost
    if row["state"] != "running" or row["line_done"] not in (chunk.after, chunk.line):
        return False
    if row["line_done"] == chunk.line and chunk.rows:
        return True
    suppress(
        tx,
        chunk.numbers,
        workspace=row["workspace"],
        source="list",
        now=now_of(tx.cursor),
        scope=row["scope"],
        list_id=list_id,
        expires_at=row["expires_at"],
    )
    accepted = sum(isinstance(fact, NumberSuppressed) for _, fact in tx.appended)
    shown = [*row["first_rejected"], *(asdict(one) for one in chunk.rejected)][:MAX_SHOWN_REJECTED]
    reasons: Counter[str] = Counter(row["reasons"])
    reasons.update(one.reason for one in chunk.rejected)
    tx.cursor.execute(
        _PROGRESS,
        {
            "list": list_id,
            "line": chunk.line,
            "rows": chunk.rows,
            "accepted": accepted,
            "duplicate": len(chunk.numbers) - accepted,
            "rejected": len(chunk.rejected),
            "reasons": orjson.dumps(dict(reasons)).decode(),
            "first_rejected": orjson.dumps(shown).decode(),
            "seconds": CLAIM_SECONDS,
            "is_last": chunk.is_last,
        },
    )
    return True


def lift_batch(tx: Transaction, list_id: UUID) -> bool:
    """Take up to 1,000 entries of a list that is being undone off. False when there is none left."""
    row = tx.cursor.execute("SELECT * FROM suppression_lists WHERE list_id = %s", (list_id,)).fetchone()
    assert row is not None, "lists are not removed"
    if row["state"] != "undoing":
        return False
    entries = tx.cursor.execute(_STANDING, (list_id, BATCH)).fetchall()
    if entries:
        now, by, reason = now_of(tx.cursor), row["undone_by"], row["undo_reason"]
        lift_entries(tx, entries, workspace=row["workspace"], now=now, reason=reason, by=by)
    if len(entries) < BATCH:
        tx.cursor.execute(
            "UPDATE suppression_lists SET state = 'undone', undone_at = now(), first_rejected = '[]'"
            " WHERE list_id = %s",
            (list_id,),
        )
        return False
    return True


class ListWorker:
    """Works through lists that were uploaded or are being undone, one at a time, and goes on after a restart."""

    def __init__(
        self,
        store: Store,
        *,
        spool_dir: Path,
        limits: Limits,
        instance_id: str,
        log: Log,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._folder, self._limits = store, lists_folder(spool_dir), limits
        self._me, self._log, self._beat = instance_id, log, beat
        # A thread of its own: a chunk must not take the place of somebody's Pause.
        self._workers = Workers("suppression-lists", threads=1)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping`. A database that is away is waited for."""
        try:
            is_tidy = False
            while not stopping.is_set():
                try:
                    if not is_tidy:
                        await self._workers.run(self._remove_orphans)
                        is_tidy = True
                    while await self._workers.run(lambda: self.turn(stopping.is_set)) and not stopping.is_set():
                        pass
                except UNAVAILABLE as error:
                    self._log.warning("suppression_lists_unavailable", error=type(error).__name__)
                self._beat()
                await told_to_stop(stopping, within_seconds=TURN_SECONDS)
        finally:
            self._workers.close()

    def turn(self, is_stopping: Callable[[], bool] = lambda: False) -> bool:
        """Work on the oldest list that waits, to its end unless stopped. False when none waits."""
        if self._store.read(lambda cursor: cursor.execute(_IN_WORK, (self._me,)).fetchone()) is None:
            return False
        values = {"me": self._me, "seconds": CLAIM_SECONDS}
        claimed = self._store.transact(lambda tx: tx.cursor.execute(_CLAIM, values).fetchone())
        if claimed is None:
            return False
        if claimed["state"] == "undoing":
            self._undo(claimed["list_id"], is_stopping)
        else:
            self._fill(claimed, is_stopping)
        return True

    def _fill(self, claimed: DictRow, is_stopping: Callable[[], bool]) -> None:
        list_id: UUID = claimed["list_id"]
        path = spool_file(self._folder, list_id)
        try:
            with path.open("rb") as file:
                chunks = read_chunks(
                    file,
                    layout_of(claimed["layout"]),
                    limits=self._limits,
                    after=claimed["line_done"],
                    default_country=claimed["default_country"],
                )
                for chunk in chunks:
                    if is_stopping() or not self._store.transact(partial(add_chunk, list_id=list_id, chunk=chunk)):
                        return
                    self._beat()
        except FileNotFoundError:
            # Every instance needs the same SPOOL_DIR.
            self._fail(list_id, "spool_missing")
            return
        except UNAVAILABLE:
            raise
        except Exception as error:
            # One file that meets a bug of ours ends its list, not every campaign's calls. The message may hold a row's
            # data, so the log says only what and where.
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._log.error("suppression_list_bug", error=type(error).__name__, where=f"{where.name}:{where.lineno}")
            self._fail(list_id, "internal_error")
        else:
            self._log.info("suppression_list_completed", list_id=str(list_id))
        path.unlink(missing_ok=True)

    def _undo(self, list_id: UUID, is_stopping: Callable[[], bool]) -> None:
        while not is_stopping() and self._store.transact(lambda tx: lift_batch(tx, list_id)):
            self._beat()
        spool_file(self._folder, list_id).unlink(missing_ok=True)

    def _fail(self, list_id: UUID, code: str) -> None:
        self._store.transact(lambda tx: tx.cursor.execute(_FAIL, (code, list_id)))
        self._log.warning("suppression_list_failed", list_id=str(list_id), code=code)

    def _remove_orphans(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.glob("*.csv"):
            if time.time() - path.stat().st_mtime > ORPHAN_SECONDS and not self._store.read(partial(_needs, path.stem)):
                path.unlink(missing_ok=True)


def lists_folder(spool_dir: Path) -> Path:
    """Where the files of lists lie: apart from the contacts', which are swept by the imports."""
    return spool_dir / "do-not-call"


def _needs(name: str, cursor: Cursor[DictRow]) -> bool:
    cursor.execute("SELECT 1 FROM suppression_lists WHERE list_id::text = %s AND state = 'running'", (name,))
    return cursor.fetchone() is not None


def _read(row: Row | BadRow, layout: Layout, default_country: str | None) -> str | RejectedRow:
    """The number a row names, or why it names none."""
    text = row.values[layout.phone] if len(row.values) > layout.phone else ""
    if isinstance(row, BadRow):
        return RejectedRow(row.line, row.reason, text[:MAX_SHOWN_CHARS])
    if read_wildcard(text) is not None:
        return RejectedRow(row.line, "wildcard", text[:MAX_SHOWN_CHARS])
    number = read_number(text, default_country)
    if isinstance(number, NumberRefused):
        return RejectedRow(row.line, number.reason, text[:MAX_SHOWN_CHARS])
    return number.e164
