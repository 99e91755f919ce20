"""Rebuilds what the dialer knows from facts (campaigns, zone lists, queue), while it dials.

The whole topic is folded by the same `Intake` into a schema of its own; then each partition's rows are compared with
the live ones, and what differs is put right, in one transaction with the partition's position. Dialling goes on: calls
and epochs are not touched, nor is what was only held back (a right row keeps its hold), and a permit decides about
every call whatever the queue says. So no call is lost or doubled.
What must stay true: a partition is put right only by a fold that knows at least as much as the live one does, while no
fact of that partition can come in.
"""

from collections import Counter
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from campaign_events.positions import UnknownLog
from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS
from campaign_service.logs import Log
from campaign_service.subscription import MAX_RECORDS, read
from dialer.database import Pool
from dialer.intake import READ_POSITIONS, SEED_POSITIONS, WRITE_POSITION, Intake

SCHEMA = "rebuild"
REBUILD_LOCK = 7155424
FOLDED = ("zone_lists", "queue", "campaigns")
"""What a partition's facts make; last what says whose partition the others are of."""
FOLDED_ASIDE = ("positions", "wordless_campaigns")
"""What the fold writes as well: it needs tables, and nothing of them is taken over."""
KEYS = {"campaigns": ("id",), "zone_lists": ("campaign_id", "key"), "queue": ("campaign_id", "contact_id")}
LOCAL = {"queue": ("hold_until", "hold_reason", "not_callable_version")}
"""Columns that no fact makes: a row that is put right loses them, as by any fact about it."""
COLUMNS = """
SELECT column_name::text FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' AND column_name <> ALL($2::text[])
ORDER BY ordinal_position
"""


class Refused(Exception):
    """The rebuild can't be done as asked."""


class Rebuild:
    """One rebuild. `live` is a connection to the dialer's tables, `aside` a pool whose search path is SCHEMA alone."""

    def __init__(
        self,
        live: "asyncpg.Connection[asyncpg.Record]",
        aside: Pool,
        consumer: AIOKafkaConsumer,
        *,
        topic_prefix: str,
        log: Log,
    ) -> None:
        self._live, self._consumer, self._prefix, self._log = live, consumer, topic_prefix, log
        self._intake = Intake(aside, changed=lambda _: None, log=log)
        self._aside = aside
        self._partitions = [TopicPartition(topic_prefix + CAMPAIGN_EVENTS, n) for n in range(PARTITIONS)]
        self._put_right: Counter[str] = Counter()

    async def run(self) -> Counter[str]:
        """How many rows were put right, by table.

        1. One rebuild at a time; leavings of one that died are removed. 2. The whole topic is folded aside. 3. Each
        partition is put right. 4. What was aside goes.
        """
        # 1
        if not await self._live.fetchval("SELECT pg_try_advisory_lock($1)", REBUILD_LOCK):
            raise Refused("another rebuild is running")
        await self._make_aside()
        # 2
        self._consumer.assign(self._partitions)
        # Not seek_to_beginning: what the consumer looks up by itself after an assignment may come after it.
        for partition, begin in (await self._consumer.beginning_offsets(self._partitions)).items():
            self._consumer.seek(partition, begin)
        await self._catch_up()
        for table in FOLDED:
            await self._live.execute(f"ANALYZE {SCHEMA}.{table}")
        # 3
        for partition in range(PARTITIONS):
            await self._put_partition_right(partition)
        # 4
        await self._live.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        self._log.info("rebuild_finished", put_right=dict(self._put_right))
        return self._put_right

    async def _make_aside(self) -> None:
        async with self._live.transaction():
            await self._live.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
            for table in (*FOLDED, *FOLDED_ASIDE):
                await self._live.execute(f"CREATE TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)")

    async def _catch_up(self) -> None:
        """Fold what the topic holds by now."""
        ends = await self._consumer.end_offsets(self._partitions)
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            by_partition = await self._consumer.getmany(timeout_ms=1000, max_records=MAX_RECORDS)
            for records in by_partition.values():
                await self._intake.apply([read(record, topic_prefix=self._prefix) for record in records])

    async def _put_partition_right(self, partition: int) -> None:
        """1. Hold the facts of the partition. 2. Know at least what the live fold knows. 3. Put right what differs.
        4. Take over the position, and let go."""
        async with self._live.transaction():
            # 1
            position = await self._position(partition)
            if position is not None:
                await self._live.execute(SEED_POSITIONS, CAMPAIGN_EVENTS, [partition], position[0])
            known = await self._live.fetchrow(READ_POSITIONS, CAMPAIGN_EVENTS, [partition])
            if known is None:
                return  # nothing of it is in the topic, nor was ever read
            # 2
            if position is None or position[1] < known["position"]:
                await self._catch_up()
                position = await self._position(partition)
            if position is None or position[1] < known["position"]:
                raise Refused(f"the dialer knows more of partition {partition} than the topic holds")
            if position[0] != known["log"]:
                raise UnknownLog(f"the topic holds log {position[0]}, the dialer knows {known['log']}")
            # 3
            for table in FOLDED:
                self._put_right[table] += await self._put_table_right(table, partition)
            # 4
            await self._live.execute(WRITE_POSITION, CAMPAIGN_EVENTS, partition, *position)

    async def _position(self, partition: int) -> tuple[UUID, int] | None:
        row = await self._aside.fetchrow("SELECT log, position FROM positions WHERE partition = $1", partition)
        return None if row is None else (row["log"], row["position"])

    async def _put_table_right(self, table: str, partition: int) -> int:
        local = LOCAL.get(table, ())
        columns = [row["column_name"] for row in await self._live.fetch(COLUMNS, table, list(local))]
        statements = (_remove(table), _change(table, columns, local), _add(table, columns))
        done = [await self._live.execute(statement, partition) for statement in statements]
        return sum(int(tag.rpartition(" ")[2]) for tag in done)


# The campaigns of a partition, as both know them: a row can be wrong on either side.
_OF_PARTITION = f"""
(SELECT id FROM public.campaigns WHERE partition = $1 UNION SELECT id FROM {SCHEMA}.campaigns WHERE partition = $1)
"""  # noqa: S608


def _owner(table: str) -> str:
    return "id" if table == "campaigns" else "campaign_id"


def _same_key(table: str) -> str:
    return " AND ".join(f"old.{column} = new.{column}" for column in KEYS[table])


def _remove(table: str) -> str:
    return f"""
    DELETE FROM public.{table} old WHERE old.{_owner(table)} IN {_OF_PARTITION}
    AND NOT EXISTS (SELECT 1 FROM {SCHEMA}.{table} new WHERE {_same_key(table)})
    """  # noqa: S608


def _change(table: str, columns: list[str], local: tuple[str, ...]) -> str:
    free = [column for column in columns if column not in KEYS[table]]
    if not free:
        return f"SELECT 1 FROM public.{table} WHERE $1::integer < 0"  # noqa: S608
    sets = ", ".join([f"{column} = new.{column}" for column in free] + [f"{column} = NULL" for column in local])
    differ = f"({', '.join(f'old.{c}' for c in free)}) IS DISTINCT FROM ({', '.join(f'new.{c}' for c in free)})"
    return f"""
    UPDATE public.{table} old SET {sets} FROM {SCHEMA}.{table} new
    WHERE {_same_key(table)} AND new.{_owner(table)} IN {_OF_PARTITION} AND {differ}
    """  # noqa: S608


def _add(table: str, columns: list[str]) -> str:
    names = ", ".join(columns)
    return f"""
    INSERT INTO public.{table} ({names}) SELECT {names} FROM {SCHEMA}.{table} new
    WHERE new.{_owner(table)} IN {_OF_PARTITION}
    AND NOT EXISTS (SELECT 1 FROM public.{table} old WHERE {_same_key(table)})
    """  # noqa: S608
