"""Publishes a log's events to Kafka in order: per partition one batch in flight, and nothing after a failed one.

What must stay true: a batch never passes a failed one of its partition. So any failure, or an ack that does not come,
ends the publisher; its owner makes a new one and starts again from its saved positions. Readers skip what repeats.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity
from prometheus_client import Counter

from campaign_events.envelope import Event, encode, headers_of
from campaign_events.topics import PARTITIONS
from campaign_service.tracing import batch_span

MAX_EVENT_BYTES = 900_000
ACK_TIMEOUT_SECONDS = 30.0
STOP_SECONDS = 5.0


_published = Counter(
    "publisher_events_total", "Events that Kafka has stored; those published again count again", ["topic"]
)


class TooLarge(Exception):
    """The event does not fit into a Kafka batch."""


def partition_of(key: str) -> int:
    """The partition of a key, as Kafka's default partitioner chooses it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS)


class Publisher:
    """An idempotent producer that keeps the order of each partition. Use it as an async context manager."""

    def __init__(
        self, bootstrap: str, *, topic_prefix: str, client_id: str, security: BaseSecurity | None = None
    ) -> None:
        self._prefix = topic_prefix
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=MAX_EVENT_BYTES,
            max_request_size=MAX_EVENT_BYTES + 100_000,
            request_timeout_ms=10_000,
            **parse_security(security),
        )

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        try:
            await asyncio.wait_for(self._producer.stop(), STOP_SECONDS)
        except TimeoutError:
            # It waits for its last batch as long as Kafka is away. The owner begins anew without it, so it must not
            # be sent later either.
            await self._producer._sender.close()
            await self._producer.client.close()

    async def publish(self, events: Sequence[tuple[str, Event[Any]]]) -> None:
        """Publish (topic, event) pairs and return when Kafka has stored them all; raises on the first failure."""
        by_partition: dict[tuple[str, int], list[Event[Any]]] = defaultdict(list)
        for topic, event in events:
            by_partition[topic, partition_of(event.subject)].append(event)
        with batch_span(
            "publish",
            kind="producer",
            traces=(event.traceparent for _, event in events),
            attributes={"messaging.system": "kafka", "messaging.batch.message_count": len(events)},
        ):
            async with asyncio.TaskGroup() as group:
                for (topic, partition), queue in by_partition.items():
                    group.create_task(self._publish_partition(self._prefix + topic, partition, queue))
        for topic in {topic for topic, _ in by_partition}:
            _published.labels(topic).inc(sum(one == topic for one, _ in events))

    async def _publish_partition(self, topic: str, partition: int, queue: list[Event[Any]]) -> None:
        rest = iter(queue)
        event = next(rest, None)
        while event is not None:
            batch = self._producer.create_batch()
            while event is not None:
                stamp = int(event.time.timestamp() * 1000)
                added = batch.append(
                    key=event.subject.encode(), value=encode(event), timestamp=stamp, headers=headers_of(event)
                )
                if added is None:
                    break
                event = next(rest, None)
            if batch.record_count() == 0:
                raise TooLarge(f"{topic}: event {event and event.id} is larger than {MAX_EVENT_BYTES} bytes")
            batch.close()
            ack = await self._producer.send_batch(batch, topic, partition=partition)
            await asyncio.wait_for(ack, ACK_TIMEOUT_SECONDS)
