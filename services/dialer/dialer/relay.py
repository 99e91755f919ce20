"""Publishes the outbox to call-events, in order, from where it stopped.

What must stay true: a saved position means that everything up to it is in Kafka; an event is always published with the
same `prior`, since both are computed from the saved row. Any failure ends the attempt: it starts again from there.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from campaign_events.envelope import Event, wrap
from campaign_events.facts import FACTS, CallEnded
from campaign_events.schedule import STORED
from campaign_events.topics import CALL_EVENTS
from campaign_service.logs import Log
from campaign_service.process import told_to_stop
from campaign_service.publisher import Publisher, partition_of
from dialer.call_log import OUTBOX_CHANNEL
from dialer.database import COMMAND_TIMEOUT_SECONDS, UNAVAILABLE

RELAY_LOCK = 7155422
PAGE = 2000
POLL_SECONDS = 0.5
SILENCE_MILLISECONDS = 60_000
"""More than Kafka may take to store a batch."""
LONGEST_PAUSE_SECONDS = 10.0

lag_events = Gauge("dialer_relay_lag_events", "Facts in the outbox that are not in Kafka yet")
lag_seconds = Gauge("dialer_relay_lag_seconds", "Age of the oldest of them")
ended_total = Counter("dialer_calls_ended_total", "Calls whose end was told, as it was told first", ["kind", "outcome"])

READ_PAGE = """
SELECT position, workspace, call_id, stream_version, type, fact, traceparent, recorded_at
FROM outbox WHERE position > $1 ORDER BY position LIMIT $2
"""
LAG = "SELECT count(*) AS events, extract(epoch FROM now() - min(recorded_at)) AS age FROM outbox WHERE position > $1"


class Lost(Exception):
    """Another relay has saved a position: this one ends."""


class Relay:
    """One is active among all processes; the others wait for its lock."""

    def __init__(self, dsn: str, *, publisher: Callable[[], Publisher], log: Log) -> None:
        self._dsn, self._publisher, self._log = dsn, publisher, log

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Publish until `stopping`. What Kafka or the database can't do now is tried again with back-off."""
        failures = 0
        while not stopping.is_set():
            beat()
            try:
                await self._attempt(stopping, beat)
            except Exception as error:
                if not _is_unavailable(error):
                    raise
                failures += 1
                pause = min(0.2 * 2 ** min(failures, 10), LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.5)  # noqa: S311
                self._log.warning("relay_unavailable", error=type(error).__name__, retry_in_seconds=round(pause, 2))
                await told_to_stop(stopping, within_seconds=pause)
            else:
                failures = 0

    async def _attempt(self, stopping: asyncio.Event, beat: Callable[[], None]) -> None:
        connection = await connect(self._dsn)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", RELAY_LOCK):
                beat()
                if await told_to_stop(stopping, within_seconds=POLL_SECONDS):
                    return
            news = asyncio.Event()
            await connection.add_listener(OUTBOX_CHANNEL, lambda *_: news.set())
            log_id: UUID = await connection.fetchval("SELECT id FROM log")
            row = await connection.fetchrow("SELECT position, priors FROM relay")
            assert row is not None
            position, priors = row["position"], list(row["priors"])
            await self._measure(connection, position)  # before Kafka is needed, since it may be what is away
            async with self._publisher() as publisher:
                self._log.info("relay_active", position=position)
                while True:
                    beat()
                    news.clear()
                    page = await connection.fetch(READ_PAGE, position, PAGE)
                    if page:
                        position, priors = await self._publish(connection, publisher, log_id, position, priors, page)
                        continue
                    lag_events.set(0)
                    lag_seconds.set(0)
                    if stopping.is_set():
                        return
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), POLL_SECONDS)
        finally:
            with contextlib.suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    async def _measure(self, connection: "asyncpg.Connection[asyncpg.Record]", position: int) -> None:
        lag = await connection.fetchrow(LAG, position)
        assert lag is not None
        lag_events.set(lag["events"])
        lag_seconds.set(max(0.0, float(lag["age"] or 0)))

    async def _publish(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        publisher: Publisher,
        log_id: UUID,
        position: int,
        priors: list[int],
        page: Sequence[asyncpg.Record],
    ) -> tuple[int, list[int]]:
        if len(page) == PAGE:
            await self._measure(connection, position)
        priors = list(priors)
        events: list[tuple[str, Event[Any]]] = [(CALL_EVENTS, _event(row, log_id, priors)) for row in page]
        await publisher.publish(events)
        last: int = page[-1]["position"]
        saved = await connection.execute(
            "UPDATE relay SET position = $2, priors = $3 WHERE position = $1", position, last, priors
        )
        if saved != "UPDATE 1":
            raise Lost(f"the saved position is no longer {position}")
        for _, event in events:
            if isinstance(event.data, CallEnded):
                ended_total.labels(event.data.kind, event.data.outcome.value).inc()
        return last, priors


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """The session that holds the relay's lock; one that says nothing for so long (a stopped process) loses it."""
    return await asyncpg.connect(
        dsn,
        timeout=10,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings={"application_name": "dialer relay", "idle_session_timeout": str(SILENCE_MILLISECONDS)},
    )


def _event(row: asyncpg.Record, log_id: UUID, priors: list[int]) -> Event[Any]:
    """The event of an outbox row; moves its partition's prior on."""
    fact = FACTS[row["type"]].model_validate_json(row["fact"], context=STORED)
    partition = partition_of(str(fact.campaign_id))  # type: ignore[attr-defined]
    event = wrap(
        fact,
        log=log_id,
        position=row["position"],
        prior=priors[partition],
        stream_version=row["stream_version"],
        workspace=row["workspace"],
        correlation_id=str(row["call_id"]) if row["call_id"] else None,
        causation_id=None,
        traceparent=row["traceparent"],
    )
    priors[partition] = row["position"]
    return event


def _is_unavailable(error: Exception) -> bool:
    """Whether it may go better next time. Partitions are published side by side, so errors come in groups."""
    if isinstance(error, ExceptionGroup):
        return all(_is_unavailable(one) for one in error.exceptions)
    return isinstance(error, (*UNAVAILABLE, KafkaError, Lost))
