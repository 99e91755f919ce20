"""Reads topics in batches for one effect; a fact is never dropped.

Built on FastStream with the settings that were measured not to lose records: explicit NACK, raw records, and a
middleware that ends the process on whatever the handler could not mend itself. What must stay true: a record is acked
only after its effect is stored, and a record that can't be read stops the process, naming topic, partition and offset.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError
from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity
from prometheus_client import Counter, Gauge, Histogram

from campaign_events.envelope import Malformed, decode
from campaign_events.positions import Received
from campaign_service.logs import Log
from campaign_service.tracing import batch_span

Effect = Callable[[Sequence[Received]], Awaitable[None]]
OnPartitions = Callable[[set[int]], Awaitable[None]]
MAX_RECORDS = 2000
SESSION_TIMEOUT_MS = 10_000
MEASURE_SECONDS = 2.0

_handled = Counter("consumer_records_total", "Records whose effect is stored", ["topic"])
_seconds = Histogram(
    "consumer_batch_seconds",
    "For a batch's effect, waiting for the world included",
    ["group"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_waits = Counter(
    "consumer_unavailable_total", "Batches that had to be tried again, since the world was away", ["group"]
)
_behind = Gauge("consumer_lag_records", "Records of the partitions read here that wait", ["group", "topic"])
_late = Gauge(
    "consumer_lag_seconds", "Now - time of the last event whose effect is stored, while records wait, else 0", ["group"]
)


def read(record: ConsumerRecord[bytes, bytes], *, topic_prefix: str) -> Received:
    """One Kafka record as an event of the contract. Malformed says topic, partition and offset."""
    type_name = next((value.decode() for name, value in record.headers if name == "ce_type"), None)
    try:
        event = decode(record.value or b"", type_name=type_name)
    except Malformed as error:
        place = f"topic {record.topic}, partition {record.partition}, offset {record.offset}"
        raise Malformed(f"{place}: {error}") from None
    return Received(record.topic.removeprefix(topic_prefix), record.partition, record.offset, event)


class Subscription:
    """A consumer group member that hands batches of events to an effect.

    The effect stores positions and effect in one transaction and skips what was applied (campaign_events.positions).
    Errors listed in `unavailable` are retried for ever with back-off, same batch; any other error ends `run()`.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Sequence[str],
        effect: Effect,
        *,
        group: str,
        instance_id: str,
        topic_prefix: str,
        unavailable: tuple[type[Exception], ...],
        log: Log,
        security: BaseSecurity | None = None,
        on_assigned: OnPartitions | None = None,
        on_revoked: OnPartitions | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._effect, self._unavailable, self._log, self._prefix = effect, unavailable, log, topic_prefix
        self._beat, self._group, self._topics = beat, group, topics
        self._event_times: dict[TopicPartition, float] = {}
        self._measured_at = 0.0
        self._failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        failure = self._failure

        class DieOnError(BaseMiddleware):
            # Runs before the ack, so the record is neither acked nor fetched again while the process ends.
            async def __aexit__(
                self,
                exc_type: type[BaseException] | None = None,
                exc_val: BaseException | None = None,
                exc_tb: TracebackType | None = None,
            ) -> bool | None:
                if exc_val is not None and not isinstance(exc_val, asyncio.CancelledError):
                    if not failure.done():
                        failure.set_result(exc_val)
                    await asyncio.Event().wait()
                return False

        self._broker = KafkaBroker(
            bootstrap,
            security=security,
            consumer_only=True,
            allow_auto_create_topics=False,
            middlewares=[DieOnError],
            apply_types=False,
            logger=None,
            graceful_timeout=10.0,
        )
        self._subscriber = self._broker.subscriber(
            *(topic_prefix + topic for topic in topics),
            group_id=topic_prefix + group,
            group_instance_id=f"{topic_prefix}{group}-{instance_id}",
            batch=True,
            max_records=MAX_RECORDS,
            batch_timeout_ms=10,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            decoder=_raw,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            rebalance_timeout_ms=60_000,
            listener=_Listener(on_assigned, on_revoked, failure),
        )
        self._subscriber(self._handle)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping`, then finish the batch in hand. Raises what could not be mended."""
        await self._broker.start()
        stop = asyncio.create_task(stopping.wait())
        ends: list[asyncio.Future[Any]] = [stop, self._failure]
        try:
            while not stop.done() and not self._failure.done():
                if self._polls():
                    self._beat()
                await self._measure()
                await asyncio.wait(ends, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not self._failure.done():
                await self._broker.stop()
        if self._failure.done():
            raise self._failure.result()

    @property
    def assigned(self) -> set[int]:
        """The partitions this member reads now."""
        consumer = self._subscriber.consumer
        return {tp.partition for tp in consumer.assignment()} if consumer else set()

    async def waiting(self) -> dict[int, int]:
        """How many records each assigned partition holds that were not handed on yet, as of the last fetch."""
        return {tp.partition: count for tp, count in (await self._waiting()).items()}

    async def _waiting(self) -> dict[TopicPartition, int]:
        consumer = self._subscriber.consumer
        found: dict[TopicPartition, int] = {}
        if consumer is None:
            return found
        for tp in consumer.assignment():
            try:
                end = consumer.highwater(tp)
                if end is not None:  # known since the first fetch, and so is the position
                    found[tp] = max(end - await consumer.position(tp), 0)
            except IllegalStateError:
                continue  # revoked meanwhile
        return found

    async def _measure(self) -> None:
        if time.monotonic() - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = time.monotonic()
        waiting = await self._waiting()
        for topic in self._topics:
            _behind.labels(self._group, topic).set(
                sum(count for tp, count in waiting.items() if tp.topic == self._prefix + topic)
            )
        late = [self._event_times[tp] for tp, count in waiting.items() if count and tp in self._event_times]
        _late.labels(self._group).set(max(0.0, time.time() - min(late)) if late else 0)

    async def check(self) -> str | None:
        """For readiness: null once the member has joined its group (a standby without partitions has joined too)."""
        consumer = self._subscriber.consumer
        coordinator = consumer._coordinator if consumer else None
        if coordinator is None or coordinator.generation < 0:
            return "has not joined its consumer group"
        return None

    def _polls(self) -> bool:
        # aiokafka counts how long nobody has asked it for records: the truth about a stuck or dead handler.
        consumer = self._subscriber.consumer
        return consumer is not None and consumer._subscription.fetcher_idle_time < SESSION_TIMEOUT_MS / 1000

    async def _handle(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        received = [read(record, topic_prefix=self._prefix) for record in records]
        began = time.perf_counter()
        with batch_span(
            f"process {self._group}",
            kind="consumer",
            traces=(item.event.traceparent for item in received),
            attributes={"messaging.system": "kafka", "messaging.batch.message_count": len(received)},
        ):
            await self._store(received)
        _seconds.labels(self._group).observe(time.perf_counter() - began)
        # The last one of each partition counts.
        last = {(item.topic, item.partition): item.event.time for item in received}
        for (topic, partition), at in last.items():
            self._event_times[TopicPartition(self._prefix + topic, partition)] = at.timestamp()
        for topic in {topic for topic, _ in last}:
            _handled.labels(topic).inc(sum(item.topic == topic for item in received))

    async def _store(self, received: Sequence[Received]) -> None:
        delay = 0.05
        while True:
            try:
                return await self._effect(received)
            except self._unavailable as error:
                _waits.labels(self._group).inc()
                self._beat()  # waiting for the world is a turn, too: a restart would not bring it back
                self._log.warning("effect_unavailable", error=type(error).__name__, retry_in_seconds=round(delay, 2))
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                delay = min(delay * 2, 5.0)


async def _raw(message: Any) -> Any:
    return message.raw_message


class _Listener(ConsumerRebalanceListener):
    # aiokafka logs and swallows what a listener raises, so a failure is handed on by hand.
    def __init__(
        self, on_assigned: OnPartitions | None, on_revoked: OnPartitions | None, failure: asyncio.Future[BaseException]
    ) -> None:
        self._on_assigned, self._on_revoked, self._failure = on_assigned, on_revoked, failure

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._tell(self._on_assigned, assigned)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._tell(self._on_revoked, revoked)

    async def _tell(self, callback: OnPartitions | None, partitions: set[TopicPartition]) -> None:
        if callback is None:
            return
        try:
            await callback({tp.partition for tp in partitions})
        except Exception as error:
            if not self._failure.done():
                self._failure.set_result(error)
