"""The dialer's queue, rebuilt from the topic while facts come in: what was wrong is right, the rest is as it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from campaign_events.envelope import Event, wrap
from campaign_events.facts import (
    CampaignCreated,
    CampaignDeleted,
    CampaignFact,
    CampaignPaused,
    CampaignStarted,
    ContactsAdded,
    ContactStatusChanged,
    Fact,
)
from campaign_events.positions import Received, UnknownLog
from campaign_events.settings import CampaignSettings, ContactStatus
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.logs import configure_logs
from campaign_service.publisher import Publisher, partition_of
from campaign_service.topic_admin import ensure_topics
from dialer.database import migrate, open_pool
from dialer.intake import Intake
from dialer.rebuild import REBUILD_LOCK, SCHEMA, Rebuild, Refused
from local_stack.servers import Servers

WORKSPACE = uuid4()
TABLES = ("campaigns", "zone_lists", "queue", "positions")
Eventually = Callable[..., Awaitable[Any]]


class Stage:
    """A topic, who writes it, the dialer's database with its intake, and the rebuild."""

    def __init__(self, servers: Servers, prefix: str, dsn: str, pool: Any) -> None:
        self.servers, self.prefix, self.dsn, self.pool = servers, prefix, dsn, pool
        self.log, self.position, self.priors = uuid4(), 0, [0] * 12
        self.campaigns: list[UUID] = []
        self.logs = configure_logs("test", level="error", log_format="json")
        self.intake = Intake(pool, changed=lambda _: None, log=self.logs)

    def events(self, facts: Sequence[Fact]) -> list[Event[Any]]:
        found = []
        for fact in facts:
            assert isinstance(fact, CampaignFact)
            self.position += 1
            partition = partition_of(str(fact.campaign_id))
            event = wrap(
                fact,
                log=self.log,
                position=self.position,
                prior=self.priors[partition],
                stream_version=1,
                workspace=WORKSPACE,
                correlation_id=None,
                causation_id=None,
            )
            self.priors[partition] = self.position
            found.append(event)
        return found

    async def tell(self, *facts: Fact, live: bool = True) -> None:
        """Publish the facts; `live`: the dialer that runs takes them in."""
        events = self.events(facts)
        async with Publisher(self.servers.kafka_bootstrap, topic_prefix=self.prefix, client_id="test") as publisher:
            await publisher.publish([(CAMPAIGN_EVENTS, event) for event in events])
        if live:
            await self.take_in(events)

    async def take_in(self, events: Sequence[Event[Any]]) -> None:
        for event in events:
            await self.intake.apply([Received(CAMPAIGN_EVENTS, partition_of(event.subject), event.position, event)])

    async def campaign(self, contacts: int = 6) -> tuple[UUID, tuple[UUID, ...]]:
        """A running campaign, one of its contacts waiting for its second call."""
        campaign_id, ids, now = uuid4(), tuple(uuid4() for _ in range(contacts)), datetime.now(UTC)
        self.campaigns.append(campaign_id)
        await self.tell(
            CampaignCreated(
                at=now, campaign_id=campaign_id, workspace=WORKSPACE, settings=CampaignSettings(name="Spring")
            ),
            ContactsAdded(
                at=now,
                campaign_id=campaign_id,
                contact_ids=ids,
                zone_lists=(("Europe/Berlin",), ("America/New_York",)),
                zone_index=tuple(number % 2 for number in range(contacts)),
                pending_count=contacts,
            ),
            CampaignStarted(at=now, campaign_id=campaign_id, settings_version=1),
            self.tried(campaign_id, ids[0]),
        )
        return campaign_id, ids

    def tried(self, campaign_id: UUID, contact_id: UUID) -> ContactStatusChanged:
        now = datetime.now(UTC)
        return ContactStatusChanged(
            at=now,
            campaign_id=campaign_id,
            contact_id=contact_id,
            previous=ContactStatus.PENDING,
            status=ContactStatus.NO_ANSWER,
            attempt=1,
            due_at=now + timedelta(hours=2),
        )

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: [tuple(row) for row in await self.pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in TABLES
        }

    async def rebuild(self) -> dict[str, int]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.servers.kafka_bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        live = await asyncpg.connect(self.dsn)
        aside = await asyncpg.create_pool(self.dsn, min_size=1, max_size=1, server_settings={"search_path": SCHEMA})
        try:
            await consumer.start()
            return dict(await Rebuild(live, aside, consumer, topic_prefix=self.prefix, log=self.logs).run())
        finally:
            await consumer.stop()
            await aside.close()
            await live.close()


@pytest.fixture
async def stage(servers: Servers, database: Callable[[], str], topic_prefix: str) -> AsyncIterator[Stage]:
    dsn = database()
    await migrate(dsn)
    await ensure_topics(servers.kafka_bootstrap, [topic_prefix + CAMPAIGN_EVENTS])
    async with await open_pool(dsn) as pool:
        yield Stage(servers, topic_prefix, dsn, pool)


NOTHING = {"campaigns": 0, "zone_lists": 0, "queue": 0}


async def test_a_rebuild_of_a_right_queue_changes_nothing_and_keeps_what_is_held_back(stage: Stage) -> None:
    for _ in range(4):
        campaign_id, contacts = await stage.campaign()
    await stage.tell(CampaignPaused(at=datetime.now(UTC), campaign_id=campaign_id))
    gone, _ = await stage.campaign()
    await stage.tell(CampaignDeleted(at=datetime.now(UTC), campaign_id=gone, previous="paused"))
    await stage.pool.execute(
        "UPDATE queue SET hold_until = now() + interval '1 hour', hold_reason = 'frequency_cap',"
        " not_callable_version = 1 WHERE contact_id = $1",
        contacts[1],
    )
    before = await stage.rows()
    assert await stage.rebuild() == NOTHING
    assert await stage.rows() == before
    assert await stage.pool.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = $1", SCHEMA) == 0


async def test_a_rebuild_puts_right_whatever_was_wrong_and_frees_what_it_put_right(stage: Stage) -> None:
    made = [await stage.campaign() for _ in range(3)]
    (first, people), (second, others), (third, _) = made
    right = await stage.rows()
    run = stage.pool.execute
    await run(
        "UPDATE queue SET status = 'completed', hold_until = now() + interval '1 h' WHERE contact_id = $1", people[0]
    )
    await run("DELETE FROM queue WHERE contact_id = $1", people[1])
    await run("DELETE FROM queue WHERE campaign_id = $1", second)
    await run("INSERT INTO queue SELECT $2, $1, 1, 'pending', 0, NULL, now(), true, NULL, now()", uuid4(), first)
    await run("UPDATE campaigns SET status = 'cancelled' WHERE id = $1", second)
    await run("DELETE FROM campaigns WHERE id = $1", third)
    await run("DELETE FROM zone_lists WHERE campaign_id = $1", third)
    put_right = await stage.rebuild()
    assert await stage.rows() == right
    assert put_right == {"campaigns": 2, "zone_lists": 2, "queue": 1 + 1 + len(others) + 1}


async def test_facts_that_come_in_meanwhile_are_neither_lost_nor_applied_twice(
    stage: Stage, eventually: Eventually
) -> None:
    made = [await stage.campaign(20) for _ in range(6)]
    await stage.pool.execute("UPDATE queue SET attempt = 7 WHERE contact_id = $1", made[0][1][5])
    running = asyncio.create_task(stage.rebuild())
    number = 0
    while not running.done():
        campaign_id, contacts = made[number % 6]
        await stage.tell(stage.tried(campaign_id, contacts[1 + number % 19]))
        number += 1
    await running
    assert number > 1
    after = await stage.rows()
    assert await stage.rebuild() == NOTHING, "what the live fold made of them is what the topic makes"
    assert await stage.rows() == after


async def test_a_dialer_that_lags_behind_takes_over_what_the_rebuild_knew(stage: Stage) -> None:
    campaign_id, contacts = await stage.campaign()
    late = stage.tried(campaign_id, contacts[2])
    await stage.tell(late, live=False)
    assert (await stage.rebuild())["queue"] == 1
    rows = await stage.rows()
    events = [
        wrap(
            late,
            log=stage.log,
            position=stage.position,
            prior=stage.position - 1,
            stream_version=1,
            workspace=WORKSPACE,
            correlation_id=None,
            causation_id=None,
        )
    ]
    await stage.take_in(events)
    assert await stage.rows() == rows


async def test_a_topic_that_knows_less_or_is_another_log_does_not_take_over(stage: Stage) -> None:
    campaign_id, contacts = await stage.campaign()
    await stage.take_in(stage.events([stage.tried(campaign_id, contacts[1])]))  # never published
    rows = await stage.rows()
    with pytest.raises(Refused, match="knows more of partition"):
        await stage.rebuild()
    assert await stage.rows() == rows
    stage.log = uuid4()
    await stage.pool.execute("UPDATE positions SET log = $1, position = 1", stage.log)
    with pytest.raises(UnknownLog):
        await stage.rebuild()


async def test_one_rebuild_of_the_queue_at_a_time(stage: Stage) -> None:
    other = await asyncpg.connect(stage.dsn)
    await other.execute("SELECT pg_advisory_lock($1)", REBUILD_LOCK)
    with pytest.raises(Refused, match="another rebuild is running"):
        await stage.rebuild()
    await other.close()


async def test_the_leavings_of_a_rebuild_of_the_queue_that_died_are_removed(stage: Stage) -> None:
    await stage.campaign()
    await stage.pool.execute(f"CREATE SCHEMA {SCHEMA}; CREATE TABLE {SCHEMA}.queue (x integer)")
    assert await stage.rebuild() == NOTHING
