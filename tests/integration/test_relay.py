"""The relay on a real PostgreSQL and Kafka: in order, at least once, one at a time, whatever breaks meanwhile."""

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from campaign_command import commands, relay
from campaign_command.commands import Target
from campaign_command.relay import RELAY_LOCK, Relay
from campaign_command.store import Transaction, now_of
from campaign_command.suppressions import suppress
from campaign_events.envelope import decode
from campaign_events.facts import CampaignPaused
from campaign_events.positions import Received, admit
from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS
from campaign_service.logs import configure_logs
from campaign_service.publisher import partition_of
from campaign_service.topic_admin import ensure_topics
from local_stack.servers import Servers

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

TOPICS = (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS)
Eventually = Callable[..., Any]


class Stage:
    """The topics of one test, who publishes to them, and what has arrived."""

    def __init__(self, desk: "Desk", servers: Servers, prefix: str) -> None:
        self.desk, self.servers, self.prefix = desk, servers, prefix
        self.records: list[ConsumerRecord[bytes, bytes]] = []
        self._log = configure_logs("test", level="error", log_format="json")

    def relay(self) -> Relay:
        return Relay(
            self.desk.store,
            dsn=self.desk.dsn,
            bootstrap=self.servers.kafka_bootstrap,
            topic_prefix=self.prefix,
            log=self._log,
            beat=lambda: None,
        )

    @contextlib.asynccontextmanager
    async def running(self, made: Relay | None = None) -> AsyncIterator[Relay]:
        """A relay that runs; its failure is the test's."""
        made = made or self.relay()
        stopping = asyncio.Event()
        task = asyncio.ensure_future(made.run(stopping))
        try:
            yield made
        finally:
            stopping.set()
            done, _ = await asyncio.wait([task], timeout=10)
            task.cancel()
            assert done, "the relay does not stop"
            task.result()

    async def read(self) -> None:
        """Read along into `records`, until cancelled."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.servers.kafka_bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        try:
            await consumer.start()
            consumer.assign([TopicPartition(self.prefix + t, p) for t in TOPICS for p in range(PARTITIONS)])
            while True:
                for found in (await consumer.getmany(timeout_ms=100)).values():
                    self.records.extend(found)
        finally:
            await consumer.stop()

    def received(self) -> list[Received]:
        return [
            Received(r.topic.removeprefix(self.prefix), r.partition, r.offset, decode(r.value or b""))
            for r in self.records
        ]

    def published(self) -> int:
        row = self.desk.row("SELECT published FROM relay")
        assert row is not None
        return int(row["published"])

    def has_all(self) -> bool:
        return {item.event.position for item in self.received()} == {position for position, _ in self.desk.log()}

    def check(self) -> int:
        """Whatever was repeated: each partition, read with the position guard, is the log. Returns the repetitions."""
        fresh, _ = admit({}, self.received())
        by_partition: dict[tuple[str, int], list[Received]] = defaultdict(list)
        for item in fresh:
            by_partition[item.topic, item.partition].append(item)
        for items in by_partition.values():
            positions = [item.event.position for item in items]
            assert positions == sorted(positions)
            assert [item.event.prior for item in items] == [0, *positions[:-1]], "each names the one before it"
        log = dict(self.desk.log())
        assert {item.event.position for item in fresh} == set(log)
        assert len(fresh) == len(log)
        for item in fresh:
            recorded = log[item.event.position]
            assert item.event.data == recorded.fact
            assert item.event.workspace == recorded.workspace
            assert item.event.streamversion == recorded.originator_version
            assert item.event.correlationid == recorded.correlation_id
            assert item.event.log == self.desk.store.log
            assert item.event.id == f"{item.event.log}:{item.event.position}"
            assert item.partition == partition_of(item.event.subject)
        # A repetition is the same event, byte for byte.
        values: dict[str, set[bytes | None]] = defaultdict(set)
        for record, item in zip(self.records, self.received(), strict=True):
            values[item.event.id].add(record.value)
            assert record.key == item.event.subject.encode()
            assert dict(record.headers)["ce_type"] == item.event.type.encode()
            assert dict(record.headers)["ce_position"] == str(item.event.position).encode()
        assert all(len(found) == 1 for found in values.values())
        return len(self.records) - len(fresh)


@pytest.fixture
async def stage(desk: "Desk", servers: Servers, topic_prefix: str) -> AsyncIterator[Stage]:
    await ensure_topics(servers.kafka_bootstrap, [topic_prefix + topic for topic in TOPICS])
    made = Stage(desk, servers, topic_prefix)
    reading = asyncio.ensure_future(made.read())
    yield made
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading


def _start(tx: Transaction, *, target: Target) -> dict[str, Any]:
    return commands.start(tx, target)


def _live(desk: "Desk", campaigns: int = 5) -> list[UUID]:
    """A few campaigns with facts of every kind of stream, and a number suppressed."""
    ids = [desk.draft(3) for _ in range(campaigns)]
    for number, campaign_id in enumerate(ids):
        target = desk.target(campaign_id)
        desk.store.transact(partial(_start, target=target), correlation_id=f"request-{number}")
        desk.granted(desk.contact(campaign_id))
    number = desk.rows("SELECT number FROM contacts ORDER BY seq DESC LIMIT 1")[0]["number"]
    desk.do(lambda tx: suppress(tx, [number], workspace=desk.workspace, source="api", now=now_of(tx.cursor)))
    return ids


def _append(desk: "Desk", campaign_ids: Sequence[UUID], turns: int, stopping: threading.Event | None = None) -> int:
    """Facts one by one, to each campaign in turn. Returns how many turns it came to."""
    versions = dict.fromkeys(campaign_ids, 100)
    for turn in range(turns):
        if stopping is not None and stopping.is_set():
            return turn
        campaign_id = campaign_ids[turn % len(campaign_ids)]
        fact = CampaignPaused(at=desk.now(), campaign_id=campaign_id)
        desk.append([fact], {campaign_id: versions[campaign_id]})
        versions[campaign_id] += 1
    return turns


async def test_everything_is_published_in_order_and_names_what_came_before(
    stage: Stage, desk: "Desk", eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAGE", 7)  # several pages
    ids = await asyncio.to_thread(_live, desk)
    async with stage.running():
        await eventually(stage.has_all)
        await asyncio.to_thread(_append, desk, ids, 60)
        await eventually(stage.has_all)
        await eventually(lambda: stage.published() == desk.log()[-1][0])
    assert stage.check() == 0, "nothing broke, so nothing is repeated"
    # A relay that starts again has nothing to add, and goes on with the same chain.
    async with stage.running():
        await asyncio.to_thread(_append, desk, [uuid4()], 3)
        await eventually(stage.has_all)
    assert stage.check() == 0


async def test_what_was_stored_but_not_saved_is_published_again_the_same(
    stage: Stage, desk: "Desk", eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between Kafka's ack and the save of the position."""
    ids = await asyncio.to_thread(_live, desk)
    crashed = stage.relay()
    save, crashes = crashed._save, 0

    async def crash_first(*args: Any, **more: Any) -> None:
        nonlocal crashes
        crashes += 1
        if crashes in (1, 3):
            raise psycopg.OperationalError("the connection is lost")
        await save(*args, **more)

    monkeypatch.setattr(crashed, "_save", crash_first)
    async with stage.running(crashed):
        await eventually(lambda: crashes >= 2)
        await asyncio.to_thread(_append, desk, ids, 10)
        await eventually(lambda: crashes >= 4)
        await eventually(lambda: stage.published() == desk.log()[-1][0])
    await eventually(stage.has_all)
    assert stage.check() > 0, "it was repeated"


async def test_a_bug_in_the_relay_ends_it(stage: Stage, desk: "Desk", monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.to_thread(_live, desk, 1)
    made = stage.relay()

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(made, "_save", broken)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(made.run(asyncio.Event()), 10)
    assert stage.published() == 0


async def test_of_two_relays_one_is_active_and_the_other_takes_over(
    stage: Stage, desk: "Desk", eventually: Eventually
) -> None:
    ids = await asyncio.to_thread(_live, desk)
    async with contextlib.AsyncExitStack() as first_stack, contextlib.AsyncExitStack() as second_stack:
        first = await first_stack.enter_async_context(stage.running())
        await eventually(lambda: first.active)
        second = await second_stack.enter_async_context(stage.running())
        appending = asyncio.ensure_future(asyncio.to_thread(_append, desk, ids, 100))
        while not appending.done():
            assert (first.active, second.active) == (True, False)
            await asyncio.sleep(0.02)
        await eventually(lambda: stage.published() == desk.log()[-1][0])
        await first_stack.aclose()
        await eventually(lambda: second.active)
        await asyncio.to_thread(_append, desk, [uuid4()], 20)
        await eventually(stage.has_all)
        assert not first.active
    assert stage.check() == 0


async def test_a_frozen_relay_that_wakes_up_is_overtaken(
    stage: Stage, desk: "Desk", eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has published a page, and sleeps before saving; meanwhile another one has taken over."""
    ids = await asyncio.to_thread(_live, desk)
    frozen, wakes, is_frozen = stage.relay(), asyncio.Event(), asyncio.Event()
    save, outcomes = frozen._save, list[Exception]()

    async def sleep_first(*args: Any, **more: Any) -> None:
        if not is_frozen.is_set():
            is_frozen.set()
            await wakes.wait()
        try:
            await save(*args, **more)
        except Exception as error:
            outcomes.append(error)
            raise

    monkeypatch.setattr(frozen, "_save", sleep_first)
    async with stage.running(frozen):
        await asyncio.wait_for(is_frozen.wait(), 10)
        # The server takes its session for dead, as after a network split, and gives the lock to the next.
        ended = desk.rows(
            "SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_locks"
            " WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (RELAY_LOCK,),
        )
        assert ended == [{"ended": True}]
        async with stage.running() as second:
            await eventually(lambda: second.active)
            await asyncio.to_thread(_append, desk, ids, 30)
            await eventually(lambda: stage.published() == desk.log()[-1][0])
            before = stage.published()
            wakes.set()
            await eventually(lambda: outcomes)
            assert stage.published() >= before, "it has not set the position back"
            assert second.active
            await asyncio.to_thread(_append, desk, [uuid4()], 10)
            await eventually(stage.has_all)
        await eventually(lambda: frozen.active)
        await asyncio.to_thread(_append, desk, [uuid4()], 10)
        await eventually(stage.has_all)
    (error,) = outcomes
    assert isinstance(error, psycopg.OperationalError)
    assert stage.check() > 0


async def test_a_relay_whose_position_somebody_has_moved_begins_again_from_there(
    stage: Stage, desk: "Desk", eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session still stands, and yet it is not alone: the conditional save is the last line."""
    ids = await asyncio.to_thread(_live, desk)
    made = stage.relay()
    save, outcomes = made._save, list[str]()

    async def late(connection: Any, **more: Any) -> None:
        if not outcomes:  # another relay, faster by all of this page
            await save(connection, **more)
        try:
            await save(connection, **more)
            outcomes.append("saved")
        except Exception as error:
            outcomes.append(type(error).__name__)
            raise

    monkeypatch.setattr(made, "_save", late)
    async with stage.running(made):
        await eventually(lambda: outcomes)
        await asyncio.to_thread(_append, desk, ids, 10)
        await eventually(stage.has_all)
        await eventually(lambda: stage.published() == desk.log()[-1][0])
    assert outcomes[0] == "Overtaken"
    assert set(outcomes[1:]) == {"saved"}
    assert stage.check() == 0


async def test_a_commit_wakes_the_relay(
    stage: Stage, desk: "Desk", eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the next poll: that one would come in an hour."""
    monkeypatch.setattr(relay, "IDLE_SECONDS", 3600.0)
    stream = uuid4()
    task = asyncio.ensure_future(stage.relay().run(asyncio.Event()))
    try:
        await asyncio.to_thread(_append, desk, [stream], 1)
        await eventually(stage.has_all)
        for turn in range(15):
            # Some while it waits, some while it reads, publishes or saves.
            await asyncio.sleep(0.007 * (turn % 4))
            await asyncio.to_thread(_append, desk, [uuid4()], 1 + turn % 3)
        await eventually(stage.has_all)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert stage.check() == 0


async def test_when_postgres_is_restarted_the_relay_goes_on(
    stage: Stage, desk: "Desk", servers: Servers, eventually: Eventually
) -> None:
    if servers.postgres is None:
        pytest.skip("PostgreSQL is not ours to restart")
    ids = await asyncio.to_thread(_live, desk)
    async with stage.running():
        await eventually(stage.has_all)
        await asyncio.to_thread(servers.restart_postgres)

        def readable() -> bool:
            try:
                return bool(desk.log())
            except Exception:
                return False

        await eventually(readable, within_seconds=20)
        await asyncio.to_thread(_append, desk, ids, 10)
        await eventually(stage.has_all, within_seconds=20)
    stage.check()


async def test_a_kafka_that_dies_midstream_loses_and_reorders_nothing(
    stage: Stage, desk: "Desk", servers: Servers, eventually: Eventually
) -> None:
    if servers.kafka is None:
        pytest.skip("Kafka is not ours to restart")
    ids = await asyncio.to_thread(_live, desk)
    enough = threading.Event()
    async with stage.running():
        await eventually(stage.has_all)
        appending = asyncio.ensure_future(asyncio.to_thread(_append, desk, ids, 20_000, enough))
        await eventually(lambda: stage.published() > 60)
        await asyncio.to_thread(servers.restart_kafka)
        resumed = stage.published()
        await eventually(lambda: stage.published() > resumed + 50, within_seconds=30)
        enough.set()
        assert await appending > 0
        await eventually(lambda: stage.published() == desk.log()[-1][0], within_seconds=30)
        await eventually(stage.has_all, within_seconds=30)
    stage.check()


async def test_a_kafka_that_stays_away_is_waited_for(
    stage: Stage, desk: "Desk", servers: Servers, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay gives up a batch whose ack does not come, and beats all the while."""
    if servers.kafka is None:
        pytest.skip("Kafka is not ours to stop")
    monkeypatch.setattr("campaign_service.publisher.ACK_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr("campaign_service.publisher.STOP_SECONDS", 0.5)
    ids = await asyncio.to_thread(_live, desk)
    attempts = 0
    made = stage.relay()
    attempt = made._attempt

    async def counted(stopping: asyncio.Event) -> None:
        nonlocal attempts
        attempts += 1
        await attempt(stopping)

    monkeypatch.setattr(made, "_attempt", counted)
    async with stage.running(made):
        await eventually(stage.has_all)
        await asyncio.to_thread(servers.kafka.kill)
        await asyncio.to_thread(_append, desk, ids, 10)
        seen = attempts
        await eventually(lambda: attempts >= seen + 2, within_seconds=30)
        await asyncio.to_thread(servers.kafka.start)
        await eventually(lambda: stage.published() == desk.log()[-1][0], within_seconds=30)
        await eventually(stage.has_all, within_seconds=30)
    stage.check()
