"""Reads what the audit compares: the event table with its seals, the topics, the call history. It writes nowhere.

What must stay true: the topics are read before the table, so that what is published is stored by the time it is looked
for; and only what the relay had published before is expected in a topic.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2

from auditor.integrity import Published, Seal
from auditor.rules import Kept
from campaign_events.seals import StoredFact
from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS

PAGE = 1000
_ROWS = """
SELECT notification_id, originator_id, originator_version, topic, state FROM campaign_command_events
WHERE notification_id > $1 ORDER BY notification_id LIMIT $2
"""
_CALLS = """
SELECT id, workspace, campaign_id, contact_id, kind, number_hash, started_at, ended_at, not_after, outcome,
    ringing_at IS NOT NULL OR answered_at IS NOT NULL AS rang
FROM calls WHERE $1::uuid IS NULL OR workspace = $1
"""


@dataclass(frozen=True, slots=True)
class Log:
    """The log's identity, its seals, and how far the relay is."""

    id: UUID
    seals: list[Seal]
    published: int


async def read_log(connection: "asyncpg.Connection[asyncpg.Record]") -> Log:
    """What there is to say of the log as a whole."""
    # First: what it has published is sealed by what is read next.
    published = await connection.fetchval("SELECT published FROM relay")
    rows = await connection.fetch("SELECT prior, up_to, facts, digest FROM seals ORDER BY up_to")
    seals = [Seal(row["prior"], row["up_to"], row["facts"], row["digest"]) for row in rows]
    return Log(await connection.fetchval("SELECT log FROM log"), seals, published)


async def rows_of(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[StoredFact]:
    """The whole event table, in order."""
    after = 0
    while page := await connection.fetch(_ROWS, after, PAGE):
        for position, stream, version, name, state in page:
            yield StoredFact(position, stream, version, name, state)
        after = page[-1][0]


async def workspace_of(connection: "asyncpg.Connection[asyncpg.Record]", campaign: UUID) -> UUID | None:
    """The workspace of a campaign; None: there is no such campaign."""
    state = await connection.fetchval(
        "SELECT state FROM campaign_command_events WHERE originator_id = $1 AND originator_version = 1", campaign
    )
    return None if state is None else UUID(orjson.loads(state)["workspace"])


async def now_of(connection: "asyncpg.Connection[asyncpg.Record]") -> datetime:
    """The database's clock."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


async def calls_of(connection: "asyncpg.Connection[asyncpg.Record]", workspace: UUID | None) -> list[Kept]:
    """The call history of one workspace, or of all."""
    return [
        Kept(
            call_id=row["id"],
            workspace=row["workspace"],
            campaign_id=row["campaign_id"],
            contact_id=row["contact_id"],
            kind=row["kind"],
            number_hash=row["number_hash"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            not_after=row["not_after"],
            rang=row["rang"],
            outcome=row["outcome"],
        )
        for row in await connection.fetch(_CALLS, workspace)
    ]


def partition_of(key: str) -> int:
    """The partition of a key, as Kafka's default partitioner chooses it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS)


class Topics:
    """The topics of the log: all their partitions, or those that hold anything about one campaign."""

    def __init__(self, consumer: AIOKafkaConsumer, *, topic_prefix: str, log: UUID, campaign: UUID | None) -> None:
        self._consumer, self._prefix, self._log = consumer, topic_prefix, str(log)
        of_campaigns = range(PARTITIONS) if campaign is None else (partition_of(str(campaign)),)
        self.partitions = {
            *((CAMPAIGN_EVENTS, number) for number in of_campaigns),
            *((SUPPRESSION_EVENTS, number) for number in range(PARTITIONS)),
        }

    async def published(self) -> Published:
        """All of it, as digests."""
        found = Published()
        async for partition, event in self._events():
            found.take(
                partition,
                position=int(event["position"]),
                prior=int(event["prior"]),
                name=event["type"],
                canonical=canonical(event["data"]),
            )
            if event["type"] == "LogSealed":
                found.anchors.append((int(event["position"]), event["data"]))
        return found

    async def data_of(self, positions: set[int]) -> Mapping[int, dict[str, Any]]:
        """The data of these events."""
        return {
            int(event["position"]): event["data"]
            async for _, event in self._events()
            if int(event["position"]) in positions
        }

    async def _events(self) -> AsyncIterator[tuple[tuple[str, int], dict[str, Any]]]:
        assigned = {TopicPartition(self._prefix + topic, number): (topic, number) for topic, number in self.partitions}
        self._consumer.assign(list(assigned))
        ends = await self._consumer.end_offsets(list(assigned))
        # Not seek_to_beginning: what the consumer looks up by itself after an assignment may come after it.
        for partition, begin in (await self._consumer.beginning_offsets(list(assigned))).items():
            self._consumer.seek(partition, begin)
        while any([await self._consumer.position(partition) < end for partition, end in ends.items()]):
            for partition, records in (await self._consumer.getmany(timeout_ms=1000, max_records=2000)).items():
                for record in records:
                    event = orjson.loads(record.value or b"")
                    if event["log"] == self._log and record.offset < ends[partition]:
                        yield assigned[partition], event


def canonical(data: dict[str, Any]) -> bytes:
    """JSON that depends on nothing but the values."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
