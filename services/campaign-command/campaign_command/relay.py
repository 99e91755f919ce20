"""Publishes the log to Kafka, in order and at least once.

What must stay true: what is published after position p was appended after p, and the saved position never passes an
event that Kafka has not stored. Readers skip what repeats.

A turn:
1. be the one active relay (a session lock; a frozen one that wakes up is stopped by step 5);
2. read the events after the saved position;
3. give each its `prior`, the position before it in its Kafka partition, counted from the saved ones;
4. publish; wait until Kafka has stored them all;
5. save position and priors, unless somebody else has moved them.
Whatever fails ends the attempt; the next begins at step 1 with a new producer and the saved positions.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import orjson
import psycopg
from aiokafka.errors import KafkaError
from faststream.security import BaseSecurity
from prometheus_client import Gauge
from psycopg.rows import DictRow, dict_row

from campaign_command import store
from campaign_command.store import EVENTS_TABLE, Recorded, Store
from campaign_events.envelope import Event, wrap
from campaign_events.topics import address_of
from campaign_service.logs import Log, leaves_of
from campaign_service.process import told_to_stop
from campaign_service.publisher import Publisher, partition_of

PAGE = 1000
IDLE_SECONDS = 0.5
RELAY_LOCK = 7155422
UNAVAILABLE = (*store.UNAVAILABLE, psycopg.OperationalError, psycopg.InterfaceError, KafkaError, TimeoutError, OSError)

_lag = Gauge("relay_lag_events", "Facts stored and not yet published")
_position = Gauge("relay_position", "Last published position")
_oldest = Gauge("relay_lag_seconds", "Age of the oldest fact that is stored and not yet published")

_LAG = f"""
SELECT oldest.*, (SELECT max(notification_id) FROM {EVENTS_TABLE}) - relay.published AS behind
FROM relay LEFT JOIN LATERAL (
    SELECT * FROM {EVENTS_TABLE} WHERE notification_id > relay.published ORDER BY notification_id LIMIT 1
) AS oldest ON true
"""  # noqa: S608


class Overtaken(Exception):
    """Another relay has moved the saved position."""


class Relay:
    """Tails the event table. `run` ends only when told to."""

    def __init__(
        self,
        store: Store,
        *,
        dsn: str,
        bootstrap: str,
        topic_prefix: str,
        log: Log,
        beat: Callable[[], None],
        security: BaseSecurity | None = None,
    ) -> None:
        self._store, self._dsn, self._bootstrap, self._prefix = store, dsn, bootstrap, topic_prefix
        self._log, self._beat, self._security = log, beat, security
        self.active = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until `stopping`; start again, with back-off, after whatever the world does."""
        delay = 0.1
        while not stopping.is_set():
            started = time.monotonic()
            try:
                await self._attempt(stopping)
            except* (*UNAVAILABLE, Overtaken) as errors:
                names = sorted({type(error).__name__ for error in leaves_of(errors)})
                delay = 0.1 if time.monotonic() - started > 10 else min(delay * 2, 5.0)
                self._log.warning("relay_attempt_ended", errors=names, retry_in_seconds=round(delay, 2))
                self._beat()
                await told_to_stop(stopping, within_seconds=delay)
            finally:
                self.active = False

    async def _attempt(self, stopping: asyncio.Event) -> None:
        connection = await psycopg.AsyncConnection[DictRow].connect(
            self._dsn, autocommit=True, row_factory=dict_row, application_name="relay"
        )
        async with connection:
            while not await self._take_lock(connection):  # 1
                self._beat()
                if await told_to_stop(stopping, within_seconds=1.0):
                    return
            self.active = True
            await self._measure_lag(connection)  # before Kafka is needed, since it may be what is away
            client_id = f"{self._prefix}campaign-command-relay"
            async with Publisher(
                self._bootstrap, topic_prefix=self._prefix, client_id=client_id, security=self._security
            ) as publisher:
                await self._publish(connection, publisher, stopping)

    async def _publish(
        self, connection: psycopg.AsyncConnection[DictRow], publisher: Publisher, stopping: asyncio.Event
    ) -> None:
        log = await asyncio.to_thread(lambda: self._store.log)
        await connection.execute(f"LISTEN {EVENTS_TABLE}")
        cursor = await connection.execute("SELECT published, priors FROM relay")
        saved = await cursor.fetchone()
        assert saved is not None
        published, priors = cast(int, saved["published"]), cast(dict[str, int], saved["priors"])
        while not stopping.is_set():
            self._beat()
            page = await self._read(connection, published)  # 2
            if not page:
                _lag.set(0)
                _oldest.set(0)
                async for _ in connection.notifies(timeout=IDLE_SECONDS, stop_after=1):
                    pass
                continue
            if len(page) == PAGE:
                await self._measure_lag(connection)
            events, priors = in_envelopes(page, priors, log=log)  # 3
            await publisher.publish(events)  # 4
            await self._save(connection, was=published, now=page[-1][0], priors=priors)  # 5
            published = page[-1][0]
            _position.set(published)

    async def _take_lock(self, connection: psycopg.AsyncConnection[DictRow]) -> bool:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS taken", (RELAY_LOCK,))
        row = await cursor.fetchone()
        return bool(row and row["taken"])

    async def _read(self, connection: psycopg.AsyncConnection[DictRow], after: int) -> list[tuple[int, Recorded]]:
        cursor = await connection.execute(
            f"SELECT * FROM {EVENTS_TABLE} WHERE notification_id > %s ORDER BY notification_id LIMIT %s",  # noqa: S608
            (after, PAGE),
            prepare=True,
        )
        return [(row["notification_id"], self._store.recorded(row)) for row in await cursor.fetchall()]

    async def _save(
        self, connection: psycopg.AsyncConnection[DictRow], *, was: int, now: int, priors: dict[str, int]
    ) -> None:
        cursor = await connection.execute(
            "UPDATE relay SET published = %s, priors = %s WHERE published = %s",
            (now, orjson.dumps(priors).decode(), was),
        )
        if cursor.rowcount != 1:
            raise Overtaken

    async def _measure_lag(self, connection: psycopg.AsyncConnection[DictRow]) -> None:
        cursor = await connection.execute(_LAG)
        row = await cursor.fetchone()
        assert row is not None
        waiting = row["notification_id"] is not None
        _lag.set(row["behind"] if waiting else 0)
        _oldest.set(max(0.0, time.time() - self._store.recorded(row).fact.at.timestamp()) if waiting else 0)


def in_envelopes(
    page: list[tuple[int, Recorded]], priors: dict[str, int], *, log: UUID
) -> tuple[list[tuple[str, Event[Any]]], dict[str, int]]:
    """The events of a page of the log, each with its topic; and the last position per Kafka partition after them."""
    priors = dict(priors)
    events = []
    for position, recorded in page:
        address = address_of(recorded.fact)
        partition = f"{address.topic}/{partition_of(address.key)}"
        event = wrap(
            recorded.fact,
            log=log,
            position=position,
            prior=priors.get(partition, 0),
            stream_version=recorded.originator_version,
            workspace=recorded.workspace,
            correlation_id=recorded.correlation_id,
            causation_id=recorded.causation_id,
            traceparent=recorded.traceparent,
        )
        priors[partition] = position
        events.append((address.topic, event))
    return events, priors
