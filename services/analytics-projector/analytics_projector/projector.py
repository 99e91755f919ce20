"""Folds batches of facts into the views: effect and positions are one transaction.

What must stay true: a fact is applied once, in order, and only to the live generation. A fact that can't be read or
can't follow what is known stops the process and names its place; nothing is skipped but types of a later contract.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from prometheus_client import Counter, Gauge

from analytics_projector import campaign_analytics, campaign_list, campaign_settings, rows
from analytics_projector.rows import Connection, Pool
from campaign_events.envelope import Malformed, UnknownFact
from campaign_events.facts import CampaignFact
from campaign_events.positions import Applied, Received, TopicPartition, admit
from campaign_events.settings import CampaignSettings
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.logs import Log

GROUP = "analytics-projector"
CHANNEL = "campaigns_changed"
IDS_PER_NOTICE = 200  # 33 bytes each; a NOTIFY carries less than 8,000

# Writers share this lock; a switch of generations holds it alone. The lock manager's queue is fair, a row's is not.
GENERATION_LOCK = 7155421
SHARE_GENERATION = f"SELECT pg_advisory_xact_lock_shared({GENERATION_LOCK})"
READ_LIVE = "SELECT generation, retired_logs FROM live"
LOCK_POSITIONS = """
SELECT partition, log, position FROM positions
WHERE generation = $1 AND topic = $2 AND partition = ANY($3) ORDER BY partition FOR UPDATE
"""
APPLIED_LOG = "SELECT log FROM positions WHERE generation = $1 AND topic = $2 AND log IS NOT NULL LIMIT 1"
SAVE_POSITION = """
UPDATE positions SET log = $4, position = $5, event_time = $6 WHERE generation = $1 AND topic = $2 AND partition = $3
"""
LAST_EVENT_TIMES = f"SELECT partition, event_time FROM positions WHERE generation = {rows.LIVE} AND log IS NOT NULL"  # noqa: S608
NOTIFY = "SELECT pg_notify($1, $2)"

PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
)
"""Errors of PostgreSQL that go away by themselves."""

_facts = Counter("projection_facts_total", "Facts applied")
_position = Gauge("projection_position", "Last applied position of the log", ["partition"])
_behind = Gauge("projection_lag_seconds", "Now - time of the last applied fact while facts wait, else 0")
_waiting = Gauge("projection_lag_records", "Records in Kafka that have not been read yet", ["partition"])


class Unavailable(Exception):
    """The database can't do it now; the same batch again later."""


class MissingPositions(Exception):
    """A partition has no row in `positions`: the database was migrated for another number of partitions."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch did."""

    facts: int
    campaigns: Collection[UUID]
    positions: dict[TopicPartition, Applied]


class Projector:
    """The effect of the subscription to `campaign-events`."""

    def __init__(self, pool: Pool, *, log: Log) -> None:
        self._pool, self._log = pool, log
        self._event_times: dict[int, datetime] = {}
        self.behind_seconds = 0.0

    async def apply(self, received: Sequence[Received]) -> None:
        """Apply a batch: 1. share the generation lock, 2. read which one is live, 3. fold and save, then commit."""
        began = time.perf_counter()
        with database_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                # 1
                await connection.execute(SHARE_GENERATION)
                # 2
                [(generation, retired)] = await connection.fetch(READ_LIVE)
                current = [item for item in received if item.event.log not in retired]
                # 3
                changes = await fold_batch(connection, generation, current)
                if changes.campaigns:
                    await connection.executemany(NOTIFY, [(CHANNEL, notice) for notice in _notices(changes.campaigns)])
        self._count(received, changes)
        self._log.info(
            "facts_applied",
            received=len(received),
            applied=changes.facts,
            campaigns=len(changes.campaigns),
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )

    async def measure(self, waiting: dict[int, int]) -> None:
        """Set the lag's metrics from the number of records that wait in each assigned partition."""
        if any(partition not in self._event_times for partition in waiting):
            with database_errors():
                for partition, event_time in await self._pool.fetch(LAST_EVENT_TIMES):
                    self._event_times.setdefault(partition, event_time)
        _waiting.clear()  # partitions that another member reads now
        for partition, count in waiting.items():
            _waiting.labels(partition).set(count)
        late = [self._event_times[p] for p, count in waiting.items() if count and p in self._event_times]
        self.behind_seconds = max(0.0, (datetime.now(UTC) - min(late)).total_seconds()) if late else 0.0
        _behind.set(self.behind_seconds)

    def _count(self, received: Sequence[Received], changes: Changes) -> None:
        _facts.inc(changes.facts)
        for (_, partition), done in changes.positions.items():
            _position.labels(partition).set(done.position)
        for item in received:
            self._event_times[item.partition] = item.event.time


async def fold_batch(connection: Connection, generation: int, received: Sequence[Received]) -> Changes:
    """Apply what is new of a batch to a generation, inside the caller's transaction.

    Gap, UnknownLog and Malformed say topic, partition and offset; the transaction is then to be rolled back.
    """
    applied = await _lock_positions(connection, generation, {item.partition for item in received})
    fresh, positions = admit(applied, received)
    if not fresh:
        return Changes(0, (), {})
    owned = [(id_, item) for item in fresh if (id_ := _campaign_of(item))]
    before = await rows.load_campaigns(connection, generation, {id_ for id_, _ in owned})
    asked_days = {(id_, day) for id_, item in owned if (day := campaign_analytics.day_of(item.event))}
    folded = _fold(owned, before, await rows.load_days(connection, generation, asked_days))
    gone = [id_ for id_, row in folded.campaigns.items() if row.deleted]
    await rows.save_campaigns(connection, generation, folded.campaigns.values())
    await rows.save_days(connection, generation, folded.days)
    await rows.save_settings(connection, generation, folded.settings)
    await rows.forget(connection, generation, gone)
    times = {item.partition: item.event.time for item in fresh}
    moved = {key: done for key, done in positions.items() if key[1] in times}
    await connection.executemany(
        SAVE_POSITION,
        [
            (generation, topic, partition, done.log, done.position, times[partition])
            for (topic, partition), done in moved.items()
        ],
    )
    return Changes(len(fresh), folded.campaigns.keys(), moved)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turns what the database may get over into Unavailable, and leaves what is our mistake as it is."""
    try:
        yield
    # The internal one is of a connection that was just about to say that the server is gone.
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, *PASSING) as error:
        if isinstance(error, ValueError):  # asyncpg's word for an argument that doesn't fit its column
            raise
        raise Unavailable(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Folded:
    campaigns: dict[UUID, campaign_list.CampaignRow]
    days: dict[UUID, campaign_analytics.Days]
    settings: dict[UUID, CampaignSettings]


def _fold(
    owned: Sequence[tuple[UUID, Received]],
    before: dict[UUID, campaign_list.CampaignRow],
    days_before: Mapping[UUID, campaign_analytics.Days],
) -> _Folded:
    known = dict(before)
    folded = _Folded({}, {}, {})
    for id_, item in owned:
        try:
            row = campaign_list.evolve(known.get(id_), item.event)
            if row is None:
                continue
            known[id_] = folded.campaigns[id_] = row
            if row.deleted:
                folded.days.pop(id_, None)
                folded.settings.pop(id_, None)
                continue
            if campaign_analytics.day_of(item.event):
                days = folded.days.get(id_, days_before.get(id_))
                folded.days[id_] = campaign_analytics.evolve(days, item.event)
            settings = campaign_settings.evolve(folded.settings.get(id_), item.event)
            if settings is not None:
                folded.settings[id_] = settings
        except Malformed as error:
            raise Malformed(f"{item.place}: {error}") from None
    return folded


def _campaign_of(item: Received) -> UUID | None:
    """The campaign an event belongs to; null for an unknown fact that is about no campaign."""
    fact = item.event.data
    if isinstance(fact, CampaignFact):
        return fact.campaign_id
    if not isinstance(fact, UnknownFact):
        raise Malformed(f"{item.place}: {item.event.type} does not belong into {CAMPAIGN_EVENTS}")
    try:
        return UUID(item.event.subject)
    except ValueError:
        return None


async def _lock_positions(
    connection: Connection, generation: int, partitions: Collection[int]
) -> dict[TopicPartition, Applied]:
    locked = await connection.fetch(LOCK_POSITIONS, generation, CAMPAIGN_EVENTS, list(partitions))
    if len(locked) != len(partitions):
        raise MissingPositions(f"partitions {sorted(partitions)}, positions of {[r['partition'] for r in locked]}")
    applied = {(CAMPAIGN_EVENTS, r["partition"]): Applied(r["log"], r["position"]) for r in locked if r["log"]}
    if not applied:
        # The batch's partitions are all new: another one knows which log this generation belongs to.
        log = await connection.fetchval(APPLIED_LOG, generation, CAMPAIGN_EVENTS)
        if log is not None:
            applied = {(CAMPAIGN_EVENTS, r["partition"]): Applied(log, 0) for r in locked}
    return applied


def _notices(campaigns: Collection[UUID]) -> list[str]:
    ids = [id_.hex for id_ in campaigns]
    return [",".join(ids[n : n + IDS_PER_NOTICE]) for n in range(0, len(ids), IDS_PER_NOTICE)]
