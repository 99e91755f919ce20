"""Brings events to the caller's webhook, and the voice agent's reports to where the caller wants them.

The one thing that must stay true: the events of one url go out in the order they were handed over, one batch at a
time, and a batch is sent again until it was received or its events are too old.
"""

import asyncio
import hashlib
import hmac
import time
from collections import deque
from dataclasses import dataclass

import structlog

from simulated_carrier.poster import Poster
from simulated_carrier.stats import Stats

BATCH_EVENTS = 100
BATCH_SECONDS = 0.02
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.2, 5.0
GIVE_UP_SECONDS = 600.0
REPORTERS = 32  # reports on their way at once

log = structlog.get_logger()


def retry_seconds(failures: int) -> float:
    """0.2, 0.4, 0.8 … 5 seconds after the 1st, 2nd, 3rd … failure in a row."""
    return float(min(FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10), LAST_RETRY_SECONDS))


class Webhooks:
    def __init__(self, poster: Poster, *, secret: str, stats: Stats) -> None:
        self._poster = poster
        self._secret = secret.encode()
        self._stats = stats
        self._queues: dict[str, deque[tuple[bytes, float]]] = {}
        self._senders = asyncio.TaskGroup()
        self._closing = asyncio.Event()
        self.waiting = 0

    def send(self, url: str, event: bytes) -> None:
        """Queues one event (a JSON object) for a url."""
        self.waiting += 1
        queue = self._queues.get(url)
        if queue is None:
            queue = self._queues[url] = deque()
            self._senders.create_task(self._deliver(url, queue))
        queue.append((event, time.monotonic()))

    async def run(self) -> None:
        """Delivers until `close`, then returns when all queues are empty."""
        async with self._senders:
            await self._closing.wait()

    def close(self) -> None:
        self._closing.set()

    async def _deliver(self, url: str, queue: deque[tuple[bytes, float]]) -> None:
        failures = 0
        while queue:
            if not failures and len(queue) < BATCH_EVENTS:
                await asyncio.sleep(BATCH_SECONDS)
            batch = [queue[index][0] for index in range(min(len(queue), BATCH_EVENTS))]
            trouble = await self._post(url, batch)
            if trouble is None:
                self._take(queue, len(batch))
                self._stats.events_delivered += len(batch)
                if failures:
                    log.info("webhook_recovered", failures=failures)
                failures = 0
                continue
            failures += 1
            if failures == 1:
                log.warning("webhook_failed", trouble=trouble, waiting=len(queue))
            await asyncio.sleep(retry_seconds(failures))
            too_old = time.monotonic() - GIVE_UP_SECONDS
            expired = sum(1 for _, queued in queue if queued < too_old)
            if expired:
                self._take(queue, expired)
                self._stats.events_given_up += expired
                log.error("events_given_up", events=expired, trouble=trouble)
        # No await between the empty queue and here: an event handed over now finds no queue and starts a new sender.
        del self._queues[url]

    def _take(self, queue: deque[tuple[bytes, float]], count: int) -> None:
        for _ in range(count):
            queue.popleft()
        self.waiting -= count

    async def _post(self, url: str, batch: list[bytes]) -> str | None:
        """None when received, else what went wrong."""
        body = b'{"events":[' + b",".join(batch) + b"]}"
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-carrier-signature": f"sha256={signature}"}
        return await _post(self._poster, url, body=body, headers=headers)


@dataclass(slots=True)
class AgentReport:
    url: str
    token: str
    body: bytes
    queued: float
    failures: int = 0


class AgentReports:
    """The voice agent's half: each report on its own, in no order, again after 5xx and connection errors."""

    def __init__(self, poster: Poster, *, stats: Stats) -> None:
        self._poster = poster
        self._stats = stats
        self._queue: asyncio.Queue[AgentReport] = asyncio.Queue()
        self._closing = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.waiting = 0

    def send(self, *, url: str, token: str, body: bytes) -> None:
        self.waiting += 1
        self._idle.clear()
        self._queue.put_nowait(AgentReport(url, token, body, time.monotonic()))

    async def run(self) -> None:
        """Reports until `close`, then returns when none is waiting."""
        async with asyncio.TaskGroup() as group:
            reporters = [group.create_task(self._report()) for _ in range(REPORTERS)]
            await self._closing.wait()
            await self._idle.wait()
            for reporter in reporters:
                reporter.cancel()

    def close(self) -> None:
        self._closing.set()

    async def _report(self) -> None:
        while True:
            report = await self._queue.get()
            headers = {"content-type": "application/json", "authorization": f"Bearer {report.token}"}
            trouble = await _post(self._poster, report.url, body=report.body, headers=headers)
            if trouble is None:
                self._stats.agent_reported += 1
            elif trouble.startswith("4"):
                self._stats.agent_refused += 1
            elif time.monotonic() - report.queued > GIVE_UP_SECONDS:
                self._stats.agent_given_up += 1
                log.error("agent_report_given_up", trouble=trouble)
            else:
                report.failures += 1
                again = asyncio.get_running_loop().call_later
                again(retry_seconds(report.failures), self._queue.put_nowait, report)
                continue
            self.waiting -= 1
            if not self.waiting:
                self._idle.set()


async def _post(poster: Poster, url: str, *, body: bytes, headers: dict[str, str]) -> str | None:
    """None after a 2xx, else the status code or the kind of failure."""
    try:
        status = await poster.post(url, body=body, headers=headers)
    except (OSError, ValueError) as error:
        return type(error).__name__
    return None if 200 <= status < 300 else str(status)
