"""Tells readers what has changed: requests that wait for a position, and live pages (server-sent events).

Each batch's transaction names its campaigns in a NOTIFY, so every process hears of every batch, whoever applied it. A
page gets at most one message a tick; its memory is bounded, and a page that doesn't keep up is dropped: it comes back
and reads everything anew.
"""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import UUID
from weakref import WeakSet

import asyncpg
import orjson

from analytics_projector import answers, rows
from analytics_projector.campaign_list import CampaignRow
from analytics_projector.projector import CHANNEL, Unavailable, database_errors
from analytics_projector.rows import Pool
from campaign_service.logs import Log
from campaign_service.problems import Problem
from campaign_service.process import told_to_stop

TICK_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
STREAM_SECONDS = 900.0  # then the page connects again, with a token that is still valid
MAX_PAGES = 1000
MAX_WAITING_MESSAGES = 32
CAMPAIGNS_PER_MESSAGE = 200
RETRY_AFTER_SECONDS = 1
FALLBACK_POLL_SECONDS = 0.25
REFETCH = b"event: refetch\ndata: {}\n\n"


class Page:
    """One open stream. Messages are shared by the pages of a workspace; null ends the stream."""

    def __init__(self, workspace: UUID) -> None:
        self.workspace = workspace
        self.messages: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING_MESSAGES)

    def end(self) -> None:
        """Forget what waits, and end."""
        while not self.messages.empty():
            self.messages.get_nowait()
        self.messages.put_nowait(None)


class Live:
    """The process's ears, and those who listen to it."""

    def __init__(self, dsn: str, pool: Pool, *, log: Log, beat: Callable[[], None] = lambda: None) -> None:
        self._dsn, self._pool, self._log, self._beat = dsn, pool, log, beat
        self._changed: set[UUID] = set()
        self._refetch = False
        self._waiting: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        # Weak: a page whose client left before its stream began is nobody's.
        self._pages: WeakSet[Page] = WeakSet()
        self._stopped = False

    # --- requests that wait ---

    async def wait_for(self, position: int, campaign: UUID, *, workspace: UUID, seconds: float) -> bool:
        """Whether the campaign's row has the position, at the latest after `seconds`."""
        deadline = time.monotonic() + seconds
        with self._told_of(campaign) as changed:
            while True:
                changed.clear()
                reached = await self._pool.fetchval(rows.READ_POSITION, campaign, workspace)
                if reached is not None and reached >= position:
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, FALLBACK_POLL_SECONDS)):
                        await changed.wait()

    @contextlib.contextmanager
    def _told_of(self, campaign: UUID) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting[campaign].add(event)
        try:
            yield event
        finally:
            self._waiting[campaign].discard(event)
            if not self._waiting[campaign]:
                del self._waiting[campaign]

    # --- live pages ---

    def open(self, workspace: UUID) -> Page:
        """A page of this workspace listens from now on. Problem 503 when there are too many."""
        if self._stopped or len(self._pages) >= MAX_PAGES:
            raise Problem(503, "too_many_streams", f"{MAX_PAGES} live pages are open.", headers={"Retry-After": "5"})
        page = Page(workspace)
        self._pages.add(page)
        return page

    async def stream(self, page: Page) -> AsyncIterator[bytes]:
        """The page's stream, until it is dropped, the process stops, or its time is up."""
        deadline = time.monotonic() + STREAM_SECONDS
        try:
            yield b"retry: 2000\n: connected\n\n"
            while time.monotonic() < deadline:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        message = await page.messages.get()
                except TimeoutError:
                    message = b": heartbeat\n\n"
                if message is None:
                    return
                yield message
        finally:
            self._pages.discard(page)

    async def push(self, stopping: asyncio.Event) -> None:
        """Every tick, send what has changed to the pages it concerns."""
        try:
            while not stopping.is_set():
                try:
                    await self._push_changes()
                except Unavailable as error:
                    self._log.warning("live_push_unavailable", error=str(error))
                    self._refetch = True
                await told_to_stop(stopping, within_seconds=TICK_SECONDS)
        finally:
            self._stopped = True
            for page in self._pages:
                page.end()

    async def _push_changes(self) -> None:
        changed, self._changed = self._changed, set()
        refetch, self._refetch = self._refetch, False
        workspaces = {page.workspace for page in self._pages}
        if refetch:
            self._send([REFETCH], to=workspaces)
        if not changed or not workspaces:
            return
        with database_errors():
            records = await self._pool.fetch(rows.READ_CHANGED, list(changed))
        by_workspace: dict[UUID, list[CampaignRow]] = defaultdict(list)
        for record in records:
            if record["workspace"] in workspaces:
                by_workspace[record["workspace"]].append(rows.row_from(record))
        for workspace, found in by_workspace.items():
            found.sort(key=lambda row: row.position)
            parts = [found[n : n + CAMPAIGNS_PER_MESSAGE] for n in range(0, len(found), CAMPAIGNS_PER_MESSAGE)]
            self._send([_message(part) for part in parts], to={workspace})

    def _send(self, messages: list[bytes], *, to: set[UUID]) -> None:
        for page in [page for page in self._pages if page.workspace in to]:
            if page.messages.qsize() + len(messages) >= MAX_WAITING_MESSAGES:
                self._pages.discard(page)
                page.end()
                self._log.warning("slow_page_dropped", waiting=MAX_WAITING_MESSAGES)
                continue
            for message in messages:
                page.messages.put_nowait(message)

    # --- the ears ---

    async def listen(self, stopping: asyncio.Event) -> None:
        """Hear of every committed batch. While the connection is lost, waiting requests fall back to polling, and
        pages read everything anew once it is back."""
        while not stopping.is_set():
            try:
                with database_errors():
                    await self._listen_once(stopping)
            except Unavailable as error:
                self._log.warning("listen_unavailable", error=str(error))
            self._beat()
            await told_to_stop(stopping, within_seconds=random.uniform(0.25, 1.0))  # noqa: S311 - jitter, not a secret

    async def _listen_once(self, stopping: asyncio.Event) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            await connection.add_listener(CHANNEL, self._on_notice)
            self._on_notice(connection, 0, CHANNEL, "")
            while not stopping.is_set() and not connection.is_closed():
                self._beat()
                await told_to_stop(stopping, within_seconds=0.5)
        finally:
            connection.terminate()

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        ids = [UUID(part) for part in str(payload).split(",") if part]
        if not ids:  # everything may have changed: a new generation, or notices were missed
            self._refetch = True
        self._changed.update(ids)
        for waiting in [self._waiting[id_] for id_ in ids if id_ in self._waiting] if ids else self._waiting.values():
            for event in waiting:
                event.set()


def _message(found: list[CampaignRow]) -> bytes:
    patches = [
        {"id": str(row.id), "position": row.position, "deleted": True}
        if row.deleted
        else answers.patch_of(row).model_dump(mode="json")
        for row in found
    ]
    return b"id: %d\nevent: campaigns\ndata: %s\n\n" % (found[-1].position, orjson.dumps(patches))
