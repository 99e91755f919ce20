"""Rebuilds the views from the whole topic, while the old ones are read and written.

A new generation of rows and positions is filled from offset 0 and takes over in one step. What must stay true: the new
generation knows at least what the live one knows, partition by partition, when it takes over.
"""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from analytics_projector.projector import CHANNEL, GENERATION_LOCK, NOTIFY, fold_batch
from analytics_projector.rows import OwnConnection
from campaign_events.positions import Received
from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS
from campaign_service.logs import Log
from campaign_service.subscription import MAX_RECORDS, read

REBUILD_LOCK = 7155422
HOLD_GENERATION = f"SELECT pg_advisory_xact_lock({GENERATION_LOCK})"
TABLES = ("campaigns", "campaign_days", "campaign_settings", "positions")
NEW_POSITIONS = (
    "INSERT INTO positions (generation, topic, partition) SELECT $1, $2, generate_series(0, $3::integer - 1)"
)
BEHIND = """
SELECT old.partition FROM positions old JOIN positions new USING (topic, partition)
WHERE old.generation = $1 AND new.generation = $2
    AND ($3::uuid IS NULL OR old.log = $3) AND new.position < old.position
"""
OLD_LOGS = """
SELECT DISTINCT log FROM (SELECT log FROM positions WHERE generation = $1 UNION SELECT unnest(retired_logs) FROM live
    UNION SELECT unnest($3::uuid[])) AS logs (log) WHERE log IS NOT NULL AND log <> $2
"""
SWITCH = "UPDATE live SET generation = $1, retired_logs = $2"


class Refused(Exception):
    """The rebuild can't be done as asked."""


class Rebuild:
    """One rebuild: its connections, the generation it fills, and what it has read."""

    def __init__(
        self,
        connection: OwnConnection,
        switcher: OwnConnection,
        consumer: AIOKafkaConsumer,
        *,
        topic_prefix: str,
        log: Log,
    ) -> None:
        self._connection, self._switcher, self._consumer = connection, switcher, consumer
        self._prefix, self._log = topic_prefix, log
        self._partitions = [TopicPartition(topic_prefix + CAMPAIGN_EVENTS, n) for n in range(PARTITIONS)]
        self._skipped: Counter[UUID] = Counter()
        self._read = 0

    async def run(self, wanted_log: UUID | None = None) -> int:
        """Returns the new live generation.

        1. One rebuild at a time; leavings of one that died are removed. 2. The log is chosen. 3. Everything is read
        and folded. 4. With the writers held, the rest is read and the new generation takes over. 5. The old one goes.
        """
        # 1
        if not await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", REBUILD_LOCK):
            raise Refused("another rebuild is running")
        live = await self._connection.fetchval("SELECT generation FROM live")
        await self._remove_all_but(live)
        new: int = live + 1
        await self._connection.execute(NEW_POSITIONS, new, CAMPAIGN_EVENTS, PARTITIONS)
        # 2
        self._consumer.assign(self._partitions)
        log_id = wanted_log or await self._only_log()
        self._log.info("rebuild_started", generation=new, live_generation=live, log_id=log_id)
        # 3
        await self._consumer.seek_to_beginning(*self._partitions)
        await self._catch_up(new, log_id)
        # 4
        await self._switch(live, new, log_id)
        # 5
        await self._remove_all_but(new)
        self._log.info(
            "rebuild_finished",
            generation=new,
            records=self._read,
            skipped={str(log): count for log, count in self._skipped.items()},
        )
        return new

    async def _only_log(self) -> UUID | None:
        """The log that all partitions end with; null when the topic is empty."""
        begins = await self._consumer.beginning_offsets(self._partitions)
        ends = await self._consumer.end_offsets(self._partitions)
        logs: dict[UUID, list[int]] = {}
        for tp, end in ends.items():
            if end == begins[tp]:
                continue
            self._consumer.seek(tp, end - 1)
            record = await self._consumer.getone(tp)
            logs.setdefault(read(record, topic_prefix=self._prefix).event.log, []).append(tp.partition)
        if len(logs) > 1:
            ends_with = "; ".join(f"{log} in partitions {partitions}" for log, partitions in logs.items())
            raise Refused(f"the topic ends with facts of several logs ({ends_with}): choose one with --log")
        return next(iter(logs), None)

    async def _catch_up(self, generation: int, log_id: UUID | None) -> None:
        ends = await self._consumer.end_offsets(self._partitions)
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            by_partition = await self._consumer.getmany(timeout_ms=1000, max_records=MAX_RECORDS)
            received = [
                read(record, topic_prefix=self._prefix) for records in by_partition.values() for record in records
            ]
            if received:
                await self._fold(generation, log_id, received)

    async def _fold(self, generation: int, log_id: UUID | None, received: Sequence[Received]) -> None:
        wanted = [item for item in received if log_id in (None, item.event.log)]
        self._skipped.update(item.event.log for item in received if log_id not in (None, item.event.log))
        self._read += len(received)
        async with self._connection.transaction():
            await fold_batch(self._connection, generation, wanted)

    async def _switch(self, live: int, new: int, log_id: UUID | None) -> None:
        async with self._switcher.transaction():
            await self._switcher.execute(HOLD_GENERATION)
            await self._catch_up(new, log_id)
            behind = await self._switcher.fetch(BEHIND, live, new, log_id)
            if behind:
                raise Refused(f"the live views know more than the topic, in partitions {[r[0] for r in behind]}")
            old_logs = await self._switcher.fetch(OLD_LOGS, live, log_id, list(self._skipped))
            await self._switcher.execute(SWITCH, new, [r["log"] for r in old_logs])
            await self._switcher.execute(NOTIFY, CHANNEL, "")

    async def _remove_all_but(self, generation: int) -> None:
        async with self._connection.transaction():
            for table in TABLES:
                await self._connection.execute(f"DELETE FROM {table} WHERE generation <> $1", generation)  # noqa: S608
