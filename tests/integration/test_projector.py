"""The projector on a real Kafka and a real PostgreSQL: what it shows equals the offline fold of the log, whatever
happens to the processes in between."""

import asyncio
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
from aiokafka import AIOKafkaProducer

from analytics_projector import live, oracle
from analytics_projector.projector import Projector, Unavailable, database_errors
from analytics_projector.rebuild import REBUILD_LOCK
from analytics_projector.rows import OwnConnection
from campaign_events.envelope import Event, encode, headers_of, wrap
from campaign_events.facts import (
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignFact,
    CampaignStarted,
    ContactCorrected,
    ContactsAdded,
    ContactStatusChanged,
    Verdict,
)
from campaign_events.positions import Received
from campaign_events.settings import CampaignSettings, ContactStatus, Outcome
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.logs import configure_logs
from campaign_service.problems import Problem
from campaign_service.publisher import Publisher, partition_of
from campaign_service.topic_admin import ensure_topics
from local_stack.servers import Servers

Eventually = Callable[..., Awaitable[Any]]
SECRET = "a secret of more than thirty-two bytes"
OURS, THEIRS = uuid4(), uuid4()
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PYTHON = [sys.executable]


def token(workspace: UUID = OURS) -> dict[str, str]:
    claims = {"sub": "u", "workspace": str(workspace), "role": "viewer", "exp": int(time.time()) + 600}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class Writer:
    """Stands in for campaign-command: numbers facts, keeps the priors, publishes."""

    bootstrap: str
    prefix: str
    log: UUID = field(default_factory=uuid4)
    events: list[Event[Any]] = field(default_factory=list)
    published: int = 0
    priors: dict[int, int] = field(default_factory=dict)
    workspaces: dict[UUID, UUID] = field(default_factory=dict)

    def tell(self, *facts: CampaignFact) -> int:
        """Number the facts; returns the last position. `publish` sends them."""
        for fact in facts:
            if isinstance(fact, CampaignCreated):
                self.workspaces[fact.campaign_id] = fact.workspace
            position, partition = len(self.events) + 1, partition_of(str(fact.campaign_id))
            self.events.append(
                wrap(
                    fact,
                    log=self.log,
                    position=position,
                    prior=self.priors.get(partition, 0),
                    stream_version=position,
                    workspace=self.workspaces[fact.campaign_id],
                    correlation_id=None,
                    causation_id=None,
                )
            )
            self.priors[partition] = position
        return len(self.events)

    def create(self, name: str = "Spring", *, workspace: UUID = OURS, contacts: int = 0, **settings: Any) -> UUID:
        id_ = uuid4()
        at = NOW + timedelta(seconds=len(self.events))
        self.tell(
            CampaignCreated(
                at=at, campaign_id=id_, workspace=workspace, settings=CampaignSettings(name=name, **settings)
            )
        )
        if contacts:
            self.tell(
                ContactsAdded(
                    at=at,
                    campaign_id=id_,
                    contact_ids=tuple(uuid4() for _ in range(contacts)),
                    zone_lists=(("UTC",),),
                    zone_index=(0,) * contacts,
                    pending_count=contacts,
                ),
                CampaignStarted(at=at, campaign_id=id_, settings_version=1),
            )
        return id_

    def call(self, campaign: UUID, rng: random.Random) -> int:
        """One contact is called, and perhaps corrected: facts that are valid as long as contacts are pending."""
        contact, call_id = uuid4(), uuid4()
        fact: dict[str, Any] = {"at": NOW, "campaign_id": campaign, "contact_id": contact}
        day = date(2026, 3, rng.randint(1, 9))
        seconds = rng.uniform(1, 300)
        answered = rng.random() < 0.5
        abandoned = answered and rng.random() < 0.2
        picked_up = ContactStatus.FAILED if abandoned else ContactStatus.COMPLETED
        status = picked_up if answered else ContactStatus.NO_ANSWER
        self.tell(
            ContactStatusChanged(
                **fact, previous="pending", previous_attempt=0, status="in_progress", attempt=1, call_id=call_id
            ),
            ContactStatusChanged(
                **fact,
                previous="in_progress",
                previous_attempt=1,
                status=status,
                attempt=1,
                call_id=call_id,
                due_at=None if answered else NOW,
                placed=True,
                answered=answered,
                first_reached=answered,
                duration_seconds=seconds if answered else None,
                outcome=Outcome.ABANDONED if abandoned else None,
                day=day,
            ),
        )
        if answered and rng.random() < 0.3:
            old = Verdict(status=status, answered=True, reached=True, duration_seconds=seconds, abandoned=abandoned)
            new = Verdict(status="voicemail", answered=False, reached=False)
            self.tell(ContactCorrected(**fact, call_id=call_id, old=old, new=new, day=day, attempt=1))
        return len(self.events)

    async def publish(self, *, again: int = 0) -> None:
        """Publish what was told; `again` goes back by so many events, as a relay does after a crash."""
        async with Publisher(self.bootstrap, topic_prefix=self.prefix, client_id="test") as publisher:
            start = max(self.published - again, 0)
            await publisher.publish([(CAMPAIGN_EVENTS, event) for event in self.events[start:]])
        self.published = len(self.events)


@dataclass(eq=False)
class Process:
    """A running projector, its address and what it printed."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    output: Path

    async def get(self, path: str, *, workspace: UUID = OURS, **parameters: Any) -> httpx.Response:
        return await self.client.get(path, params=parameters, headers=token(workspace))

    async def shows(self, events: list[Event[Any]]) -> bool:
        """Whether every campaign of the log, in every answer, is what the offline fold says."""
        for id_, view in oracle.views(events).items():
            workspace = view.row.workspace
            campaign = await self.get(f"/v1/campaigns/{id_}", workspace=workspace)
            analytics = await self.get(f"/v1/campaigns/{id_}/analytics", workspace=workspace)
            if view.row.deleted:
                assert (campaign.status_code, analytics.status_code) == (404, 404)
                continue
            assert campaign.status_code == 200, campaign.text
            assert campaign.json() == view.campaign()
            assert analytics.json() == view.analytics()
        return True

    async def stop(self, signum: int = signal.SIGTERM) -> int:
        with suppress(ProcessLookupError):
            self.process.send_signal(signum)
        return await asyncio.wait_for(self.process.wait(), 20)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]


class Stack:
    """One test's database, topics and processes."""

    def __init__(self, servers: Servers, dsn: str, prefix: str, folder: Path, eventually: Eventually) -> None:
        self.bootstrap, self.dsn, self.prefix, self.folder = servers.kafka_bootstrap, dsn, prefix, folder
        self.eventually = eventually
        self.processes: list[Process] = []

    def writer(self) -> Writer:
        return Writer(self.bootstrap, self.prefix)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_DSN": self.dsn,
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "TOPIC_PREFIX": self.prefix,
            "JWT_SECRET": SECRET,
            **more,
        }

    async def command(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *PYTHON, "-m", "analytics_projector", *arguments, env=self.environment(), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        return await process.wait(), output.decode()

    async def start(self, *, instance: str = "0", program: tuple[str, ...] = ("-m", "analytics_projector")) -> Process:
        port = free_port()
        output = self.folder / f"projector-{len(self.processes)}.log"
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *PYTHON,
                *program,
                env=self.environment(HTTP_PORT=str(port), INSTANCE_ID=instance),
                stdout=file,
                stderr=file,
            )
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)
        self.processes.append(Process(process, client, output))
        return self.processes[-1]

    async def ready(self, *, instance: str = "0") -> Process:
        one = await self.start(instance=instance)

        async def is_ready() -> bool:
            assert one.process.returncode is None, one.output.read_text()
            try:
                return (await one.client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await self.eventually(is_ready, within_seconds=30)
        return one


@pytest.fixture
async def stack(
    servers: Servers, database: Callable[[], str], topic_prefix: str, tmp_path: Path, eventually: Eventually
) -> AsyncIterator[Stack]:
    one = Stack(servers, database(), topic_prefix, tmp_path, eventually)
    await ensure_topics(one.bootstrap, [topic_prefix + CAMPAIGN_EVENTS])
    code, output = await one.command("migrate")
    assert code == 0, output
    try:
        yield one
    finally:
        for process in one.processes:
            await process.client.aclose()
            if process.process.returncode is None:
                await process.stop(signal.SIGKILL)


@asynccontextmanager
async def database_of(stack: Stack) -> AsyncIterator[OwnConnection]:
    connection = await asyncpg.connect(stack.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_same_records_twice_count_once(stack: Stack, eventually: Eventually) -> None:
    writer, projector = stack.writer(), await stack.ready()
    campaigns = [writer.create(f"Campaign {n}", contacts=200) for n in range(5)]
    rng = random.Random(1)
    for n in range(300):
        writer.call(campaigns[n % 5], rng)
    writer.tell(CampaignDeleted(at=NOW, campaign_id=campaigns[0], previous="paused"))
    await writer.publish()
    await writer.publish(again=500)
    writer.call(campaigns[1], rng)
    await writer.publish(again=10_000)
    await eventually(lambda: projector.shows(writer.events))
    assert await projector.stop() == 0


async def test_members_that_join_and_leave_lose_and_double_nothing(stack: Stack, eventually: Eventually) -> None:
    writer, rng = stack.writer(), random.Random(2)
    campaigns = [writer.create(f"Campaign {n}", contacts=500) for n in range(24)]

    async def some_calls() -> None:
        for n in range(400):
            writer.call(campaigns[n % 24], rng)
            if n % 100 == 99:
                await writer.publish(again=rng.randint(0, 50))

    first = await stack.ready()
    await some_calls()
    second = await stack.ready(instance="1")
    await some_calls()
    assert await first.stop() == 0
    await some_calls()
    await eventually(lambda: second.shows(writer.events), within_seconds=30)


async def test_a_kill_between_the_effect_and_the_commit_of_offsets_doubles_nothing(
    stack: Stack, eventually: Eventually
) -> None:
    writer, rng = stack.writer(), random.Random(3)
    campaign = writer.create(contacts=100)
    for _ in range(50):
        writer.call(campaign, rng)
    await writer.publish()
    killed = await stack.start(
        program=(
            "-c",
            "import os, signal\n"
            "from analytics_projector import projector, __main__ as main\n"
            "apply = projector.Projector.apply\n"
            "async def apply_and_die(self, received):\n"
            "    await apply(self, received)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
            "projector.Projector.apply = apply_and_die\n"
            "import sys; sys.argv = ['projector']; main.main()\n",
        )
    )
    assert await asyncio.wait_for(killed.process.wait(), 30) == -signal.SIGKILL
    async with database_of(stack) as connection:
        assert await connection.fetchval("SELECT max(position) FROM positions") > 0, "the effect was stored"
    projector = await stack.ready()
    await eventually(lambda: projector.shows(writer.events))


async def test_lost_connections_to_the_database_lose_and_double_nothing(stack: Stack, eventually: Eventually) -> None:
    writer, rng, projector = stack.writer(), random.Random(4), await stack.ready()
    campaign = writer.create(contacts=1000)
    async with database_of(stack) as connection:
        for _ in range(5):
            for _ in range(100):
                writer.call(campaign, rng)
            await writer.publish()
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    await eventually(lambda: projector.shows(writer.events), within_seconds=20)
    await eventually(lambda: _is_ready(projector))


async def _is_ready(projector: Process) -> bool:
    return (await projector.client.get("/readyz")).status_code == 200


async def test_a_gap_stops_the_process_and_says_where(stack: Stack) -> None:
    writer = stack.writer()
    campaign = writer.create(contacts=10)
    lost = len(writer.events)
    writer.call(campaign, random.Random(5))
    del writer.events[lost]
    await writer.publish()
    projector = await stack.start()
    assert await asyncio.wait_for(projector.process.wait(), 30) == 70
    (failure,) = [line for line in projector.lines() if line["event"] == "loop_failed"]
    place = f"topic campaign-events, partition {partition_of(str(campaign))}, offset {lost}"
    assert (failure["error"], place in failure["detail"]) == ("Gap", True), failure
    async with database_of(stack) as connection:
        assert await connection.fetchval("SELECT count(*) FROM campaigns") == 0, "the batch was not applied"


@pytest.mark.parametrize("value", [b"not json", b"{}"])
async def test_a_malformed_record_stops_the_process_and_says_where(stack: Stack, value: bytes) -> None:
    topic = stack.prefix + CAMPAIGN_EVENTS
    async with AIOKafkaProducer(bootstrap_servers=stack.bootstrap) as producer:
        await producer.send_and_wait(topic, value, partition=7)
    projector = await stack.start()
    assert await asyncio.wait_for(projector.process.wait(), 30) == 70
    (failure,) = [line for line in projector.lines() if line["event"] == "loop_failed"]
    assert failure["error"] == "Malformed"
    assert f"topic {topic}, partition 7, offset 0" in failure["detail"]


async def test_facts_that_cannot_follow_each_other_stop_the_process_and_say_where(stack: Stack) -> None:
    writer = stack.writer()
    campaign = writer.create(contacts=0)
    writer.call(campaign, random.Random(6))
    await writer.publish()
    projector = await stack.start()
    assert await asyncio.wait_for(projector.process.wait(), 30) == 70
    (failure,) = [line for line in projector.lines() if line["event"] == "loop_failed"]
    assert "offset 1: a contact leaves pending, where there is none" in failure["detail"]


async def test_an_unknown_type_is_skipped_and_its_position_counts(stack: Stack, eventually: Eventually) -> None:
    writer = stack.writer()
    campaign = writer.create()
    await writer.publish()
    position = writer.tell(CampaignStarted(at=NOW, campaign_id=campaign, settings_version=1))
    known = writer.events.pop()
    value = encode(known).replace(b"CampaignStarted", b"CampaignBlessed")
    headers = [(name, v.replace(b"CampaignStarted", b"CampaignBlessed")) for name, v in headers_of(known)]
    async with AIOKafkaProducer(bootstrap_servers=stack.bootstrap) as producer:
        await producer.send_and_wait(
            stack.prefix + CAMPAIGN_EVENTS, value, partition=partition_of(str(campaign)), headers=headers
        )
    projector = await stack.ready()
    answer = (await projector.get(f"/v1/campaigns/{campaign}", min_position=position)).json()
    assert (answer["position"], answer["status"]) == (position, "draft")


async def test_a_rebuild_while_reads_and_writes_go_on_gives_the_live_views(
    stack: Stack, eventually: Eventually
) -> None:
    writer, rng = stack.writer(), random.Random(7)
    campaigns = [writer.create(f"Campaign {n}", contacts=900) for n in range(12)]
    projector = await stack.ready()
    for n in range(1200):
        writer.call(campaigns[n % 12], rng)
    await writer.publish()
    await eventually(lambda: projector.shows(writer.events))
    async with database_of(stack) as connection:  # what a rebuild has to repair
        await connection.execute("UPDATE campaigns SET calls_placed = calls_placed + 1000")
        await connection.execute("DELETE FROM campaign_days WHERE day < '2026-03-04'")

    done = asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            for n in range(20):
                writer.call(campaigns[n % 12], rng)
            await writer.publish()

    async def read() -> int:
        reads = 0
        while not done.is_set():
            response = await projector.get("/v1/campaigns")
            assert response.status_code == 200
            assert response.json()["total"] == 12, "every read sees one whole generation"
            reads += 1
        return reads

    writing, reading = asyncio.create_task(write()), asyncio.create_task(read())
    try:
        code, output = await stack.command("rebuild")
    finally:
        done.set()
        await writing
    assert code == 0, output
    assert await reading > 3
    writer.call(campaigns[0], rng)
    await writer.publish()
    await eventually(lambda: projector.shows(writer.events))
    async with database_of(stack) as connection:
        assert await connection.fetchval("SELECT generation FROM live") == 2
        for table in ("campaigns", "campaign_days", "campaign_settings", "positions"):
            assert await connection.fetch(f"SELECT DISTINCT generation FROM {table}") == [(2,)]


async def test_a_rebuild_that_knows_less_than_the_live_views_does_not_take_over(stack: Stack) -> None:
    writer = stack.writer()
    campaign = writer.create()
    await writer.publish()
    projector = await stack.ready()
    assert (await projector.get(f"/v1/campaigns/{campaign}", min_position=1)).status_code == 200
    async with database_of(stack) as connection:
        await connection.execute("UPDATE positions SET position = 99 WHERE position > 0")
    code, output = await stack.command("rebuild")
    assert (code, "know more than the topic" in output) == (1, True), output
    assert (await projector.get(f"/v1/campaigns/{campaign}")).status_code == 200


async def test_an_unknown_log_is_refused_until_a_rebuild_from_it(stack: Stack, eventually: Eventually) -> None:
    old, projector = stack.writer(), await stack.ready()
    rng = random.Random(8)
    lost = old.create("Only in the lost database", contacts=10)
    await old.publish()
    await eventually(lambda: projector.shows(old.events))
    new = stack.writer()
    kept = [new.create(f"Campaign {n}", contacts=100) for n in range(30)]
    await new.publish()
    assert await asyncio.wait_for(projector.process.wait(), 30) == 70
    (failure,) = [line for line in projector.lines() if line["event"] == "loop_failed"]
    assert failure["error"] == "UnknownLog"

    code, output = await stack.command("rebuild", "--log", str(new.log))
    assert code == 0, output
    projector = await stack.ready()
    new.call(kept[0], rng)
    await new.publish()
    await eventually(lambda: projector.shows(new.events))
    assert (await projector.get(f"/v1/campaigns/{lost}")).status_code == 404
    old.call(lost, rng)
    await old.publish()  # a relay that has not heard: its log is retired
    new.call(kept[1], rng)
    await new.publish()
    await eventually(lambda: projector.shows(new.events))


async def test_a_topic_that_ends_with_two_logs_needs_a_choice(stack: Stack) -> None:
    first = stack.writer()
    partition = partition_of(str(first.create()))
    second = stack.writer()
    while partition_of(str(second.create())) == partition:
        second = stack.writer()
    await first.publish()
    await second.publish()
    code, output = await stack.command("rebuild")
    assert (code, "choose one with --log" in output) == (1, True), output
    assert str(first.log) in output
    assert str(second.log) in output


async def test_one_rebuild_at_a_time(stack: Stack) -> None:
    async with database_of(stack) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", REBUILD_LOCK)
        code, output = await stack.command("rebuild")
    assert (code, "another rebuild is running" in output) == (1, True), output


async def test_the_leavings_of_a_rebuild_that_died_are_removed(stack: Stack, eventually: Eventually) -> None:
    writer, projector = stack.writer(), await stack.ready()
    writer.create(contacts=5)
    await writer.publish()
    await eventually(lambda: projector.shows(writer.events))
    async with database_of(stack) as connection:
        await connection.execute("INSERT INTO positions SELECT 2, topic, partition, log, 77 FROM positions")
    code, output = await stack.command("rebuild")
    assert code == 0, output
    await eventually(lambda: projector.shows(writer.events))


async def test_a_read_waits_for_the_position_of_its_campaign(stack: Stack) -> None:
    writer, projector = stack.writer(), await stack.ready()
    campaign = writer.create("Spring")
    reading = asyncio.create_task(projector.get(f"/v1/campaigns/{campaign}", min_position=1))
    await asyncio.sleep(0.3)  # not for a condition: the read must already be waiting
    assert not reading.done()
    await writer.publish()
    assert (await reading).json()["name"] == "Spring"

    edit = CampaignEdited(
        at=NOW, campaign_id=campaign, settings=CampaignSettings(name="Summer"), settings_version=2, changed=("name",)
    )
    position = writer.tell(edit)
    await writer.publish()
    listed = await projector.get("/v1/campaigns", min_position=position, campaign_id=str(campaign))
    assert [item["name"] for item in listed.json()["items"]] == ["Summer"]
    position = writer.tell(CampaignDeleted(at=NOW, campaign_id=campaign, previous="draft"))
    await writer.publish()
    listed = await projector.get("/v1/campaigns", min_position=position, campaign_id=str(campaign))
    assert listed.json() == {"items": [], "next_cursor": None, "total": 0}
    assert (await projector.get(f"/v1/campaigns/{campaign}", min_position=position)).status_code == 404

    waiting: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/campaigns/{campaign}", {}),
        (f"/v1/campaigns/{campaign}/analytics", {}),
        ("/v1/campaigns", {"campaign_id": str(campaign)}),
    ]
    for path, parameters in waiting:
        began = time.monotonic()
        late = await projector.get(path, min_position=position + 1, **parameters)
        assert (late.status_code, late.json()["code"]) == (503, "not_caught_up")
        assert int(late.headers["retry-after"]) >= 1
        assert 1.8 < time.monotonic() - began < 4


async def test_no_workspace_sees_anything_of_another(stack: Stack, eventually: Eventually) -> None:
    writer, projector = stack.writer(), await stack.ready()
    ours, theirs = writer.create("Ours"), writer.create("Theirs", workspace=THEIRS)
    await writer.publish()
    await eventually(lambda: projector.shows(writer.events))
    for path in (f"/v1/campaigns/{theirs}", f"/v1/campaigns/{theirs}/analytics"):
        response = await projector.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
        unknown = await projector.get(path.replace(str(theirs), str(uuid4())))
        assert unknown.json().keys() == response.json().keys()
        assert (await projector.get(path, min_position=2)).status_code == 503, "as one that does not exist (yet)"
    listed = (await projector.get("/v1/campaigns")).json()
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([str(ours)], 1)
    assert (await projector.get("/v1/campaigns", q="Theirs")).json()["total"] == 0
    foreign = await projector.get("/v1/campaigns", min_position=2, campaign_id=str(theirs))
    assert foreign.status_code == 503
    for path in ("/v1/campaigns", f"/v1/campaigns/{ours}", f"/v1/campaigns/{ours}/analytics", "/v1/events"):
        assert (await projector.client.get(path)).status_code == 401


async def test_the_list_is_filtered_searched_ordered_and_paged(stack: Stack, eventually: Eventually) -> None:
    writer, projector = stack.writer(), await stack.ready()
    for n, name in enumerate(["Delta", "alpha", "Charlie 100%", "bravo"]):
        writer.create(name, contacts=n % 2, description=f"Number {n}", type="inbound" if n == 0 else "outbound")
    await writer.publish()
    await eventually(lambda: projector.shows(writer.events))

    async def names(**parameters: Any) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            response = await projector.get(
                "/v1/campaigns", **parameters, **({"cursor": cursor} if cursor else {}), limit=1
            )
            assert response.status_code == 200, response.text
            found += [item["name"] for item in response.json()["items"]]
            cursor = response.json()["next_cursor"]
            if cursor is None:
                assert response.json()["total"] == len(found)
                return found

    assert await names() == ["bravo", "Charlie 100%", "alpha", "Delta"], "newest first"
    assert await names(order="asc") == ["Delta", "alpha", "Charlie 100%", "bravo"]
    assert await names(sort="name") == ["alpha", "bravo", "Charlie 100%", "Delta"]
    assert set((await names(sort="status"))[:2]) == {"Delta", "Charlie 100%"}, "drafts before running ones"
    assert set(await names(status="running,paused")) == {"alpha", "bravo"}
    assert set(await names(status=["draft", "running"])) == {"alpha", "bravo", "Charlie 100%", "Delta"}
    assert await names(type="inbound") == ["Delta"]
    assert await names(q="CHAR") == ["Charlie 100%"]
    assert await names(q="number 3") == ["bravo"]
    assert await names(q="%") == ["Charlie 100%"]
    assert await names(q="_") == []

    for parameters, field_name in (
        ({"status": "running,asleep"}, "status"),
        ({"type": "sideways"}, "type"),
        ({"sort": "luck"}, "sort"),
        ({"limit": 201}, "limit"),
        ({"q": "a\0b"}, "q"),
        ({"min_position": 3}, "min_position"),
    ):
        refused = await projector.get("/v1/campaigns", **parameters)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), refused.text
        assert refused.json()["errors"][0]["field"] == field_name
    assert (await projector.get("/v1/campaigns", status="asleep")).json()["allowed"] == [
        "draft",
        "running",
        "paused",
        "completed",
        "cancelled",
    ]
    page = (await projector.get("/v1/campaigns", limit=1, sort="name")).json()
    for cursor, sort in ((page["next_cursor"], "created_at"), ("nonsense", "name"), ("W10", "name")):
        refused = await projector.get("/v1/campaigns", cursor=cursor, sort=sort)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")


async def test_live_pages_are_told_of_changes_of_their_workspace(stack: Stack, eventually: Eventually) -> None:
    writer, projector = stack.writer(), await stack.ready()
    other = await stack.ready(instance="1")  # some partitions are applied by the other process
    heard: dict[Process, dict[str, dict[str, Any]]] = {projector: {}, other: {}}
    connected: set[Process] = set()

    async def page(process: Process) -> None:
        async with process.client.stream("GET", "/v1/events", headers=token()) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            event = ""
            async for line in response.aiter_lines():
                connected.add(process)
                event = line.removeprefix("event: ") if line.startswith("event: ") else event
                if line.startswith("data: ") and event == "campaigns":
                    for patch in json.loads(line.removeprefix("data: ")):
                        heard[process][patch["id"]] = patch

    pages = [asyncio.create_task(page(process)) for process in heard]
    await eventually(lambda: len(connected) == 2)
    campaigns = [writer.create(f"Campaign {n}", contacts=10) for n in range(8)]
    writer.create("Theirs", workspace=THEIRS)
    for campaign in campaigns:
        writer.call(campaign, random.Random(9))
    writer.tell(CampaignDeleted(at=NOW, campaign_id=campaigns[0], previous="paused"))
    await writer.publish()
    views = oracle.views(writer.events)

    def all_heard() -> bool:
        for patches in heard.values():
            assert set(patches) == {str(campaign) for campaign in campaigns}
            assert patches[str(campaigns[0])].get("deleted") is True
            for campaign in campaigns[1:]:
                patch = patches[str(campaign)]
                item = views[campaign].list_item()
                assert patch == {name: item[name] for name in patch}
                assert patch["contacts"]["pending"] == 9
        return True

    await eventually(all_heard)
    assert [await one.stop() for one in heard] == [0, 0], "an open stream does not hold up the end"
    await asyncio.wait_for(asyncio.gather(*pages), 5)


async def test_a_page_that_does_not_keep_up_is_dropped_and_the_others_go_on(
    stack: Stack, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.01)
    writer, stopping = stack.writer(), asyncio.Event()
    campaign = writer.create(contacts=200)
    log = configure_logs("test", level="error")
    async with asyncpg.create_pool(stack.dsn, min_size=1, max_size=4) as pool:
        told = live.Live(stack.dsn, pool, log=log)
        projector = Projector(pool, log=log)
        slow, quick = told.open(OURS), told.open(OURS)
        heard: list[bytes] = []

        async def read_on() -> None:
            async for message in told.stream(quick):
                heard.append(message)

        tasks = [asyncio.create_task(one) for one in (told.listen(stopping), told.push(stopping), read_on())]
        applied = 0

        async def one_more_change() -> bool:
            nonlocal applied
            writer.call(campaign, random.Random(applied))
            partition = partition_of(str(campaign))
            await projector.apply([Received(CAMPAIGN_EVENTS, partition, 0, event) for event in writer.events[applied:]])
            applied = len(writer.events)
            return len(heard) > live.MAX_WAITING_MESSAGES + 5

        await eventually(one_more_change)
        stopping.set()
        await asyncio.gather(*tasks)
        assert [message async for message in told.stream(slow)][1:] == [], "nothing is kept for it"
        with pytest.raises(Problem, match="too_many_streams"):
            told.open(OURS)


async def test_a_page_whose_client_left_before_its_stream_began_takes_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "MAX_PAGES", 1)
    pool: Any = None
    told = live.Live("", pool, log=configure_logs("test", level="error"))
    told.open(OURS)  # nobody holds it
    page = told.open(OURS)
    with pytest.raises(Problem, match="too_many_streams"):
        told.open(OURS)
    assert page.messages.empty()


@pytest.mark.parametrize(
    "gone", [ConnectionResetError(), asyncpg.InterfaceError("closed"), asyncpg.InternalClientError("state")]
)
def test_a_database_that_is_just_going_is_away_and_not_a_fault(gone: Exception) -> None:
    with pytest.raises(Unavailable), database_errors():
        raise gone


async def test_health_and_metrics_tell_the_projection_s_state(stack: Stack, eventually: Eventually) -> None:
    writer, projector = stack.writer(), await stack.ready()
    writer.create()
    position = len(writer.events)
    await writer.publish()
    await eventually(lambda: projector.shows(writer.events))
    assert (await projector.client.get("/livez")).status_code == 200
    metrics = (await projector.client.get("/metrics")).text
    partition = partition_of(str(writer.events[0].subject))
    assert f'projection_position{{partition="{partition}"}} {float(position)}' in metrics

    async def is_measured() -> bool:
        text = (await projector.client.get("/metrics")).text
        return f'projection_lag_records{{partition="{partition}"}} 0.0' in text and (
            "projection_lag_seconds 0.0" in text
        )

    await eventually(is_measured)
    lag = await projector.get("/v1/lag")
    assert lag.json() == {"behind_seconds": 0.0}
    assert (await projector.client.get("/v1/lag")).status_code == 401
