"""Imports of contact files: from the upload's first byte to the last chunk, across restarts.

What must stay true: an import that was cancelled, or whose campaign was, adds nothing more, and a file lies in the
spool just as long as an import needs it.
"""

import asyncio
import random
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Literal, TypeVar
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import Refused, require_editable
from campaign_command.contact_file import Layout
from campaign_command.csv_rows import Limits
from campaign_command.import_chunks import CLAIM_SECONDS, Chunk, Options, add_chunk, layout_of
from campaign_command.import_parser import Parser, ParserDied, Parsing, open_parser
from campaign_command.import_spool import spool_file
from campaign_command.settings import Settings
from campaign_command.store import UNAVAILABLE, Store, Transaction
from campaign_command.workers import Workers
from campaign_service.logs import Log

State = Literal["uploading", "queued", "running", "completed", "failed", "interrupted", "cancelled"]
ACTIVE: tuple[State, ...] = ("uploading", "queued", "running")
UPLOAD_SILENCE_SECONDS = 60.0
"""An upload that has not been heard of for so long has died with its process."""
TURN_SECONDS = 0.5
SWEEP_SECONDS = 10.0
SWITCH_SECONDS = 0.0005
MAX_AT_ONCE = 2
PURGE_BATCH = 10_000
T = TypeVar("T")

_OPEN = """
INSERT INTO imports (id, workspace, campaign_id, state, options) VALUES (%s, %s, %s, 'uploading', %s)
"""
_QUEUE = """
UPDATE imports SET state = 'queued', layout = %s, bytes_total = %s, updated_at = now()
WHERE id = %s AND state = 'uploading'
"""
_CLAIM = """
UPDATE imports
SET state = 'running', claimed_by = %(me)s, claimed_until = now() + make_interval(secs => %(seconds)s),
    started_at = coalesce(started_at, now()), updated_at = clock_timestamp()
WHERE id = (
    SELECT id FROM imports
    WHERE state IN ('queued', 'running') AND NOT id = ANY(%(mine)s)
      AND (claimed_until IS NULL OR claimed_until < now() OR claimed_by = %(me)s)
    ORDER BY created_at LIMIT 1
)
RETURNING *
"""
_WAITING = "SELECT 1 FROM imports WHERE state IN ('queued', 'running') AND NOT id = ANY(%s) LIMIT 1"
_END = """
UPDATE imports
SET state = %s, error_code = %s, error_detail = %s, updated_at = now(), finished_at = now()
WHERE id = %s AND state IN ('uploading', 'queued', 'running')
"""
_INTERRUPT_SILENT = """
UPDATE imports SET state = 'interrupted', updated_at = now(), finished_at = now()
WHERE state = 'uploading' AND updated_at < now() - make_interval(secs => %s)
"""
_PURGE = """
DELETE FROM import_rows WHERE ctid = ANY(ARRAY(
    SELECT r.ctid FROM campaigns g JOIN imports i USING (campaign_id) JOIN import_rows r ON r.import_id = i.id
    WHERE g.deleted LIMIT %s
))
"""


def open_import(
    tx: Transaction,
    campaign_id: UUID,
    *,
    workspace: UUID,
    import_id: UUID,
    default_country: str | None,
    on_duplicate: Literal["skip", "update"],
    dry_run: bool,
) -> None:
    """Note that an upload begins, which keeps the campaign from starting. Refused unless its contacts can be edited."""
    campaign = require_editable(tx.campaign(campaign_id, workspace=workspace))
    country = default_country or campaign.settings.default_country
    options = Options(default_country=country, on_duplicate=on_duplicate, dry_run=dry_run)
    tx.cursor.execute(_OPEN, (import_id, workspace, campaign_id, orjson.dumps(asdict(options)).decode()))


def queue_import(tx: Transaction, import_id: UUID, *, layout: Layout, size: int) -> bool:
    """Hand the spooled file to the importer. False when the import was cancelled during the upload."""
    tx.cursor.execute(_QUEUE, (orjson.dumps(asdict(layout)).decode(), size, import_id))
    return tx.cursor.rowcount == 1


def end_import(
    tx: Transaction, import_id: UUID, state: State, *, code: str | None = None, detail: str | None = None
) -> bool:
    """End an import early; what it has added stays. False when it was over already."""
    tx.cursor.execute(_END, (state, code, detail, import_id))
    return tx.cursor.rowcount == 1


def still_uploading(cursor: Cursor[DictRow], import_id: UUID) -> bool:
    """Note that the upload goes on. False when the import was cancelled meanwhile."""
    cursor.execute("UPDATE imports SET updated_at = now() WHERE id = %s AND state = 'uploading'", (import_id,))
    return cursor.rowcount == 1


def forget_import(tx: Transaction, import_id: UUID) -> None:
    """Leave no trace of an upload that was refused."""
    tx.cursor.execute("DELETE FROM imports WHERE id = %s AND state IN ('uploading', 'cancelled')", (import_id,))


def limits_of(settings: Settings) -> Limits:
    """The limits a file has to keep."""
    return Limits(max_bytes=settings.max_import_bytes, max_rows=settings.max_import_rows)


class Importer:
    """Works through the imports that wait, a few at once, and goes on with those a restart left behind."""

    def __init__(
        self,
        store: Store,
        *,
        settings: Settings,
        log: Log,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._spool_dir, self._limits = store, settings.spool_dir, limits_of(settings)
        self._hash_key, self._me, self._log, self._beat = (
            settings.hash_key.get_secret_value(),
            settings.instance_id,
            log,
            beat,
        )
        self._chunk_rows = settings.import_chunk_rows
        # Threads of its own: a chunk must not take the place of somebody's Pause.
        self._workers = Workers("imports", threads=2 * MAX_AT_ONCE)
        self._running: dict[UUID, asyncio.Task[None]] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Import until `stopping`, then finish the chunks in hand."""
        # A command waits for the interpreter at each of its steps while a chunk is worked on: at the default of 5 ms a
        # turn that adds up to tens of milliseconds.
        sys.setswitchinterval(SWITCH_SECONDS)
        self._spool_dir.mkdir(parents=True, exist_ok=True)
        next_sweep = 0.0
        clock = asyncio.get_running_loop().time
        try:
            while not stopping.is_set():
                try:
                    if clock() >= next_sweep:
                        await self._workers.run(self._sweep)
                        next_sweep = clock() + SWEEP_SECONDS
                    while len(self._running) < MAX_AT_ONCE and (claimed := await self._workers.run(self._claim)):
                        task = asyncio.create_task(self._import(claimed, stopping))
                        self._running[claimed["id"]] = task
                except UNAVAILABLE as error:
                    self._log.warning("imports_unavailable", error=type(error).__name__)
                self._beat()
                stop = asyncio.ensure_future(stopping.wait())
                await asyncio.wait({stop, *self._running.values()}, timeout=TURN_SECONDS, return_when="FIRST_COMPLETED")
                stop.cancel()
                for import_id, task in list(self._running.items()):
                    if task.done():
                        del self._running[import_id]
                        task.result()
        finally:
            if self._running:
                await asyncio.wait(self._running.values())
            self._workers.close()
        for task in self._running.values():
            task.result()

    def _claim(self) -> DictRow | None:
        mine = list(self._running)
        if self._store.read(lambda cursor: cursor.execute(_WAITING, (mine,)).fetchone()) is None:
            return None
        values = {"me": self._me, "seconds": CLAIM_SECONDS, "mine": mine}
        return self._store.transact(lambda tx: tx.cursor.execute(_CLAIM, values).fetchone())

    async def _import(self, claimed: DictRow, stopping: asyncio.Event) -> None:
        import_id: UUID = claimed["id"]
        path = spool_file(self._spool_dir, import_id)
        parsing = Parsing(
            path=path,
            layout=layout_of(claimed["layout"]),
            limits=self._limits,
            after=claimed["line_done"],
            options=Options(**claimed["options"]),
            chunk_rows=self._chunk_rows,
        )
        try:
            parser = await asyncio.to_thread(open_parser, parsing)
        except FileNotFoundError:
            detail = "The spooled file is gone: every instance needs the same SPOOL_DIR."
            await self._end(import_id, "spool_missing", detail)
            return
        try:
            is_over = await self._add_all(import_id, parser, stopping)
        except Refused as error:
            await self._end(import_id, error.code, error.message)
            is_over = True
        except ParserDied as error:
            self._log.warning("import_parser_died", import_id=str(import_id), detail=str(error))
            is_over = False  # it is claimed again at the next turn, and goes on where it stands
        except Exception as error:
            # One file that meets a bug of ours ends its import, not every campaign's calls. The message may hold
            # a row's data, so the log says only what and where.
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._log.error("import_bug", error=type(error).__name__, where=f"{where.name}:{where.lineno}")
            await self._end(import_id, "internal_error", "A bug of this service; what was added so far stays.")
            is_over = True
        finally:
            await asyncio.to_thread(parser.close)
        if is_over:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _add_all(self, import_id: UUID, parser: Parser, stopping: asyncio.Event) -> bool:
        ahead = asyncio.ensure_future(self._workers.run(parser.next))
        try:
            while not stopping.is_set():
                chunk = await ahead
                if not chunk.is_last:
                    ahead = asyncio.ensure_future(self._workers.run(parser.next))
                rest: Chunk | None = chunk
                while rest is not None and (rest is chunk or rest.rows) and not stopping.is_set():
                    rest = await self._patiently(
                        lambda tx, rest=rest: add_chunk(  # type: ignore[misc]
                            tx, import_id, rest, claimed_by=self._me, hash_key=self._hash_key
                        )
                    )
                if rest is None:
                    self._log.info("import_left", import_id=str(import_id))
                    return False  # cancelled, or taken over: the sweep removes the file once nobody needs it
                if rest.rows or rest is chunk:
                    return False  # told to stop
                if chunk.is_last:
                    self._log.info("import_completed", import_id=str(import_id))
                    return True
            return False
        finally:
            await asyncio.gather(ahead, return_exceptions=True)  # a thread still reads there

    async def _end(self, import_id: UUID, code: str, detail: str) -> None:
        await self._patiently(lambda tx: end_import(tx, import_id, "failed", code=code, detail=detail))
        self._log.warning("import_failed", import_id=str(import_id), code=code)

    async def _patiently(self, work: Callable[[Transaction], T]) -> T:
        """One transaction, tried again while the database is away."""
        delay = 0.05
        while True:
            try:
                return await self._workers.run(lambda: self._store.transact(work))
            except UNAVAILABLE as error:
                self._log.warning("import_unavailable", error=type(error).__name__, retry_in_seconds=round(delay, 2))
                self._beat()
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                delay = min(delay * 2, 5.0)

    def _sweep(self) -> None:
        """Interrupt uploads that died, remove what deleted campaigns left, and files that no import needs."""
        self._store.transact(lambda tx: tx.cursor.execute(_INTERRUPT_SILENT, (UPLOAD_SILENCE_SECONDS,)))
        with self._store.recorder.datastore.transaction(commit=True) as cursor:
            cursor.execute(_PURGE, (PURGE_BATCH,))
            if cursor.rowcount < PURGE_BATCH:
                cursor.execute(
                    "DELETE FROM imports i USING campaigns g WHERE g.campaign_id = i.campaign_id AND g.deleted"
                )
        files = {path.stem: path for path in self._spool_dir.glob("*.csv")}
        if files:
            needed = self._store.read(
                lambda cursor: cursor.execute(
                    "SELECT id FROM imports WHERE id = ANY(%s) AND state = ANY(%s)",
                    ([UUID(name) for name in files], list(ACTIVE)),
                ).fetchall()
            )
            for name in set(files) - {str(row["id"]) for row in needed}:
                files[name].unlink(missing_ok=True)
