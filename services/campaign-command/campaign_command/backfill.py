"""Publishes the log again into a topic: the same ids, positions and order, at a limited rate, and resumably.

Readers of a live topic are not disturbed: they skip every position they have applied, and nothing is published that the
relay has not published before. What must stay true: what is done is saved only after Kafka has stored it, so a backfill
that was killed goes on without a gap; into a topic of its own it repeats nothing either.

A run:
1. be the only backfill of this topic (a session lock), and make the topic if it is missing;
2. take up the saved run, or begin one that ends where the relay is now;
3. of a run taken up, look what the killed one had published beyond what it saved;
4. page by page: publish, save, rest as long as the rate says;
5. forget the run.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import orjson
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity
from psycopg.rows import DictRow, dict_row

from campaign_command.relay import PAGE, in_envelopes
from campaign_command.store import EVENTS_TABLE, Store
from campaign_events.envelope import Malformed, decode
from campaign_events.facts import SUPPRESSION_FACTS
from campaign_events.topics import (
    CAMPAIGN_COMMAND,
    CAMPAIGN_EVENTS,
    PARTITIONS,
    SUPPRESSION_EVENTS,
    WRITERS,
    address_of,
)
from campaign_service.logs import Log
from campaign_service.publisher import Publisher, partition_of
from campaign_service.topic_admin import ensure_topics

RATE = 5000
"""Facts a second, unless another rate is asked for."""
SOURCES = (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS)
_LOCK_SPACE = 7155423  # beside the locks of one bigint
_LAST_OF_CAMPAIGNS = "SELECT campaign_id, max(position) AS position FROM campaign_facts WHERE position < %s GROUP BY 1"
_OTHERS = f"""
SELECT * FROM {EVENTS_TABLE} WHERE notification_id < %s AND topic = ANY(%s) ORDER BY notification_id
"""  # noqa: S608
_BEGIN = """
INSERT INTO backfills (topic, source, first, up_to, done, priors)
SELECT %(topic)s, %(source)s, %(first)s, published, %(first)s - 1, %(priors)s FROM relay
ON CONFLICT (topic) DO UPDATE SET source = excluded.source, first = excluded.first, up_to = excluded.up_to,
    done = excluded.done, priors = excluded.priors, started_at = now()
RETURNING *
"""
Show = Callable[[int, int], None]
"""Told (facts done, facts in all) after each page."""


class Refused(Exception):
    """The backfill can't be done as asked."""


class Backfill:
    """One backfill of this service's log."""

    def __init__(
        self,
        store: Store,
        *,
        dsn: str,
        bootstrap: str,
        topic_prefix: str,
        show: Show,
        log: Log,
        rate: int = RATE,
        security: BaseSecurity | None = None,
    ) -> None:
        self._store, self._dsn, self._bootstrap, self._prefix = store, dsn, bootstrap, topic_prefix
        self._rate, self._show, self._log, self._security = rate, show, log, security

    async def run(self, to: str, *, source: str | None = None, first: int | None = None) -> int:
        """Publish `source` (the topic `to` itself, if it is one of ours, else campaign-events) into `to`, from the
        position `first` on. Without `first` a run that was interrupted goes on. Returns how many facts were published.
        """
        source = source_of(to, source)
        connection = await psycopg.AsyncConnection[DictRow].connect(
            self._dsn, autocommit=True, row_factory=dict_row, application_name="backfill"
        )
        async with connection:
            # 1
            if not await _one(connection, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK_SPACE, to)):
                raise Refused(f"another backfill into {to} is running")
            await ensure_topics(self._bootstrap, [self._prefix + to], security=self._security)
            # 2
            cursor = await connection.execute("SELECT * FROM backfills WHERE topic = %s", (to,))
            saved = await cursor.fetchone() if first is None else None
            if saved is not None and saved["source"] != source:
                raise Refused(f"an unfinished backfill of {saved['source']} into {to}: begin anew with --from")
            # 3
            published = await self._tails(to) if saved is not None and to not in WRITERS else {}
            run = saved or await self._begin(connection, to, source, first or 1)
            # 4
            client_id = f"{self._prefix}campaign-command-backfill"
            async with Publisher(
                self._bootstrap, topic_prefix=self._prefix, client_id=client_id, security=self._security
            ) as publisher:
                count = await self._publish(connection, publisher, run, published)
            # 5
            await connection.execute("DELETE FROM backfills WHERE topic = %s", (to,))
        self._log.info("backfill_finished", topic=to, source=source, published=count, up_to=run["up_to"])
        return count

    async def _begin(
        self, connection: psycopg.AsyncConnection[DictRow], to: str, source: str, first: int
    ) -> dict[str, Any]:
        priors = orjson.dumps(await asyncio.to_thread(self._priors, source, first)).decode()
        cursor = await connection.execute(_BEGIN, {"topic": to, "source": source, "first": first, "priors": priors})
        run = await cursor.fetchone()
        assert run is not None
        return run

    def _priors(self, source: str, first: int) -> dict[str, int]:
        """The last position below `first` in each partition of the source."""
        keys: dict[str, int] = {}
        if source == CAMPAIGN_EVENTS:
            rows = self._store.read(lambda cursor: cursor.execute(_LAST_OF_CAMPAIGNS, (first,)).fetchall())
            keys = {str(row["campaign_id"]): row["position"] for row in rows}
        else:
            names = [fact.__name__ for fact in SUPPRESSION_FACTS]
            for row in self._store.read(lambda cursor: cursor.execute(_OTHERS.encode(), (first, names)).fetchall()):
                keys[address_of(self._store.recorded(row).fact).key] = row["notification_id"]
        priors: dict[str, int] = {}
        for key, position in keys.items():
            partition = f"{source}/{partition_of(key)}"
            priors[partition] = max(priors.get(partition, 0), position)
        return priors

    async def _publish(
        self,
        connection: psycopg.AsyncConnection[DictRow],
        publisher: Publisher,
        run: dict[str, Any],
        published: dict[int, int],
    ) -> int:
        done, priors, count = cast(int, run["done"]), cast(dict[str, int], run["priors"]), 0
        log, size = await asyncio.to_thread(lambda: self._store.log), min(PAGE, self._rate)
        while done < run["up_to"]:
            began, after = time.monotonic(), done
            page = await asyncio.to_thread(
                self._store.read,
                lambda cursor: self._store.facts(cursor, after=after, limit=size),  # noqa: B023
            )
            page = [(position, recorded) for position, recorded in page if position <= run["up_to"]]
            done = page[-1][0] if page else run["up_to"]
            wanted = [one for one in page if address_of(one[1].fact).topic == run["source"]]
            events, priors = in_envelopes(wanted, priors, log=log)
            fresh = [
                (run["topic"], event)
                for _, event in events
                if event.position > published.get(partition_of(event.subject), 0)
            ]
            await publisher.publish(fresh)
            await connection.execute(
                "UPDATE backfills SET done = %s, priors = %s WHERE topic = %s",
                (done, orjson.dumps(priors).decode(), run["topic"]),
            )
            count += len(fresh)
            self._show(done - run["first"] + 1, run["up_to"] - run["first"] + 1)
            await asyncio.sleep(max(0.0, began + len(fresh) / self._rate - time.monotonic()))
        return count

    async def _tails(self, to: str) -> dict[int, int]:
        """The last position of our log in each partition of the topic."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            **parse_security(self._security),
        )
        await consumer.start()
        found: dict[int, int] = {}
        try:
            partitions = [TopicPartition(self._prefix + to, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            log = await asyncio.to_thread(lambda: self._store.log)
            for partition in partitions:
                if ends[partition] > begins[partition]:
                    consumer.seek(partition, ends[partition] - 1)
                    record = await consumer.getone(partition)
                    event = decode(record.value or b"")
                    if event.log == log:
                        found[partition.partition] = event.position
        except Malformed as error:
            raise Refused(f"{to} holds what is no event: {error}") from None
        finally:
            await consumer.stop()
        return found


def source_of(to: str, source: str | None) -> str:
    """Which of our topics is published into `to`. Refused where another writes, or where it does not belong."""
    if WRITERS.get(to, CAMPAIGN_COMMAND) != CAMPAIGN_COMMAND:
        raise Refused(f"{to} is written by {WRITERS[to]} alone; allowed: {', '.join(SOURCES)}, or a new name")
    source = source or (to if to in SOURCES else CAMPAIGN_EVENTS)
    if source not in SOURCES or (to in SOURCES and to != source):
        raise Refused(f"{source} can't be published into {to}; allowed: each into itself or a topic of another name")
    return source


async def _one(connection: psycopg.AsyncConnection[DictRow], query: str, values: tuple[Any, ...]) -> Any:
    row = await (await connection.execute(query.encode(), values)).fetchone()
    assert row is not None
    return next(iter(row.values()))
