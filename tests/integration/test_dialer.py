"""The dialer as a process, against real PostgreSQL and Kafka, the simulated carrier, and a campaign-command that the
test plays: it appends facts, grants permits and reads what the dialer tells."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
import uvicorn
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI, Request, Response

from campaign_events.envelope import Event, decode, wrap
from campaign_events.facts import (
    CallAnswered,
    CallEnded,
    CallPlaced,
    CallVerdict,
    CampaignCancelled,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignPaused,
    CampaignStarted,
    ContactNotCallable,
    ContactsAdded,
    ContactStatusChanged,
    Fact,
    WorkspaceSettingsChanged,
)
from campaign_events.positions import Gap, Received, UnknownLog
from campaign_events.schedule import WEEKDAYS, Schedule
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus, Conversation, Limits, Outcome
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS
from campaign_events.trunks import PhoneNumber, Trunk
from campaign_service.logs import configure_logs
from campaign_service.publisher import Publisher, partition_of
from campaign_service.topic_admin import ensure_topics
from dialer.call_log import Outgoing, change, tell
from dialer.calls import Patience, refused
from dialer.carriers import Absent, Placed, PlaceRequest, Sighting
from dialer.claims import CALLS_OF_DAY, Placing, Tenure, claim, to_placing
from dialer.database import migrate, open_pool
from dialer.intake import Intake, raise_epochs
from dialer.reconciler import Reconciler
from dialer.relay import Relay, connect
from local_stack.ports import free_port

WORKSPACE = UUID("00000000-0000-4000-8000-000000000001")
JWT_SECRET = "0123456789abcdef0123456789abcdef"
CALL_TOKEN_SECRET = "fedcba9876543210fedcba9876543210"
ALWAYS = Schedule(time_zone="UTC", use_callee_time_zone=False, weekly=dict.fromkeys(WEEKDAYS, (("00:00", "24:00"),)))
HUMAN, BUSY, NO_END, NO_WEBHOOKS = "9900", "9930", "9980", "9990"
Eventually = Callable[..., Awaitable[Any]]


def settings(schedule: Schedule = ALWAYS, **limits: Any) -> CampaignSettings:
    return CampaignSettings(
        name="Reminders",
        agent_id="reminder",
        caller_numbers=("+493012345678",),
        limits=Limits(**{"max_simultaneous_calls": 50, "calls_per_second": 50, **limits}),
        schedule=schedule,
    )


def token(*, workspace: UUID = WORKSPACE, role: str = "operator", secret: str = JWT_SECRET) -> dict[str, str]:
    claims = {
        "sub": "somebody",
        "workspace": str(workspace),
        "role": role,
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    return {"authorization": f"Bearer {jwt.encode(claims, secret, algorithm='HS256')}"}


class Command:
    """Plays campaign-command: one log, permits, and a contact's next fact for each of its calls' ends."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.prefix, self.port = bootstrap, prefix, free_port()
        self.log, self.position, self.priors = uuid4(), 0, [0] * 12
        self.workspace_prior = 0
        self.numbers: dict[UUID, str] = {}
        self.attempts: Counter[UUID] = Counter()
        self.asked: list[list[UUID]] = []
        self.granted: dict[UUID, UUID] = {}
        self.told: list[Any] = []
        self.expires_in_seconds = 2.0
        self.ring_timeout_seconds = 30
        self.permit_more: dict[str, Any] = {}
        self.refused: dict[UUID, dict[str, Any]] = {}
        self.trial: dict[str, Any] = {"result": "refused", "kind": "permanent", "code": "not_ready"}
        self.trials: list[dict[str, Any]] = []
        self.before_answer: Callable[[int], Awaitable[Response | None]] | None = None
        self._writing = asyncio.Lock()

    async def append(self, *facts: Fact) -> None:
        async with self._writing:
            events: list[tuple[str, Event[Any]]] = []
            for fact in facts:
                self.position += 1
                partition = partition_of(str(fact.campaign_id))  # type: ignore[attr-defined]
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
                events.append((CAMPAIGN_EVENTS, event))
            await self.publisher.publish(events)

    async def workspace(self, *trunks: Trunk, numbers: dict[str, str]) -> None:
        """The workspace's trunks, and the trunk of each of its numbers."""
        async with self._writing:
            self.position += 1
            fact = WorkspaceSettingsChanged(
                at=datetime.now(UTC),
                workspace=WORKSPACE,
                settings_version=1,
                retention_days=1826,
                changed=("trunks", "phone_numbers"),
                trunks=trunks,
                phone_numbers=tuple(PhoneNumber(number=number, trunk=trunk) for number, trunk in numbers.items()),
            )
            event: Event[Any] = wrap(
                fact,
                log=self.log,
                position=self.position,
                prior=self.workspace_prior,
                stream_version=1,
                workspace=WORKSPACE,
                correlation_id=None,
                causation_id=None,
            )
            self.workspace_prior = self.position
            await self.publisher.publish([(SUPPRESSION_EVENTS, event)])

    async def campaign(
        self, endings: list[str], *, config: CampaignSettings | None = None, zones: tuple[str, ...] = ("Europe/Berlin",)
    ) -> UUID:
        """A running campaign with one contact for each ending: the last four digits of its number."""
        campaign_id, now = uuid4(), datetime.now(UTC)
        contacts = tuple(uuid4() for _ in endings)
        for n, (contact, ending) in enumerate(zip(contacts, endings, strict=True)):
            self.numbers[contact] = f"+4930{n:04d}{ending}"
        config = config or settings()
        await self.append(
            CampaignCreated(at=now, campaign_id=campaign_id, workspace=WORKSPACE, settings=config),
            ContactsAdded(
                at=now,
                campaign_id=campaign_id,
                contact_ids=contacts,
                zone_lists=(zones,),
                zone_index=(0,) * len(contacts),
                pending_count=len(contacts),
            ),
            CampaignStarted(at=now, campaign_id=campaign_id, settings_version=1),
        )
        return campaign_id

    async def permits(self, request: Request) -> Any:
        asks = (await request.json())["asks"]
        self.asked.append([UUID(ask["call_id"]) for ask in asks])
        if self.before_answer is not None:
            response = await self.before_answer(len(self.asked))
            if response is not None:
                return response
        answers, facts = [], []
        for ask in asks:
            call_id, contact = UUID(ask["call_id"]), UUID(ask["contact_id"])
            if contact in self.refused:
                answers.append({"call_id": ask["call_id"], "result": "refused", **self.refused[contact]})
                continue
            if self.granted.setdefault(contact, call_id) != call_id:
                answers.append(
                    {"call_id": ask["call_id"], "result": "refused", "kind": "temporary", "code": "contact_in_progress"}
                )
                continue
            facts.append(self._status(UUID(ask["campaign_id"]), contact, ContactStatus.IN_PROGRESS, call_id))
            answers.append(
                {
                    "call_id": ask["call_id"],
                    "result": "granted",
                    "expires_in_seconds": self.expires_in_seconds,
                    "number": self.numbers[contact],
                    "caller_number": "+493012345678",
                    "agent_id": "reminder",
                    "prompt": "Remind them.",
                    "ring_timeout_seconds": self.ring_timeout_seconds,
                    "context": {"first_name": "Ada", "variables": {}},
                    "attempt": ask["attempt"],
                    "settings_version": ask["settings_version"],
                    **self.permit_more,
                }
            )
        await self.append(*facts)
        return {"answers": answers}

    async def trial_permit(self, request: Request) -> Any:
        """The permit of a test call: `trial`, which grants it where it says what the call needs."""
        self.trials.append(ask := await request.json())
        needed = {"number": ask["number"], "attempt": 1, "settings_version": 1}
        return {"call_id": ask["call_id"], **(needed if self.trial["result"] == "granted" else {}), **self.trial}

    def _status(
        self, campaign_id: UUID, contact: UUID, status: ContactStatus, call_id: UUID, due_at: datetime | None = None
    ) -> ContactStatusChanged:
        return ContactStatusChanged(
            at=datetime.now(UTC),
            campaign_id=campaign_id,
            contact_id=contact,
            previous=ContactStatus.PENDING,
            status=status,
            attempt=self.attempts[contact] + (1 if status is ContactStatus.IN_PROGRESS else 0),
            call_id=call_id,
            due_at=due_at,
        )

    async def _listen(self) -> None:
        consumer = AIOKafkaConsumer(
            self.prefix + CALL_EVENTS, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        seen: set[int] = set()
        try:
            async for record in consumer:
                event = decode(record.value)
                if event.position in seen:
                    continue
                seen.add(event.position)
                self.told.append(event.data)
                if isinstance(event.data, CallEnded):
                    await self._settle(event.data)
        finally:
            await consumer.stop()

    async def _settle(self, ended: CallEnded) -> None:
        again = ended.outcome in (Outcome.NOT_PLACED, Outcome.CARRIER_ERROR)
        if self.granted.get(ended.contact_id) == ended.call_id:
            del self.granted[ended.contact_id]
            if not again:
                self.attempts[ended.contact_id] += 1
            status = ContactStatus.PENDING if again else ContactStatus.COMPLETED
            await self.append(self._status(ended.campaign_id, ended.contact_id, status, ended.call_id))

    def facts(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.told if isinstance(fact, kind)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Command"]:
        app = FastAPI()
        app.post("/internal/permits")(self.permits)
        app.post("/internal/test-permits")(self.trial_permit)
        config = uvicorn.Config(app, port=self.port, log_config=None, access_log=False, lifespan="off", ws="none")
        server = _Server(config)
        async with Publisher(self.bootstrap, topic_prefix=self.prefix, client_id="test-command") as self.publisher:
            tasks = [asyncio.create_task(server.serve()), asyncio.create_task(self._listen())]
            try:
                yield self
            finally:
                server.should_exit = True
                await tasks[0]
                tasks[1].cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await tasks[1]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


class World:
    """The dialer and the carrier as processes, and ways to look at them."""

    def __init__(self, dsn: str, bootstrap: str, prefix: str, command: Command, folder: Path) -> None:
        self.dsn, self.command, self._folder = dsn, command, folder
        self.carrier_url = f"http://127.0.0.1:{free_port()}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.client = httpx.AsyncClient(timeout=10, trust_env=False)
        self._processes: list[asyncio.subprocess.Process] = []
        self._environment = {
            **os.environ,
            "LOG_FORMAT": "json",
            "DATABASE_DSN": dsn,
            "KAFKA_BOOTSTRAP": bootstrap,
            "TOPIC_PREFIX": prefix,
            "JWT_SECRET": JWT_SECRET,
            "COMMAND_URL": f"http://127.0.0.1:{command.port}",
            "PERMIT_SECRET": "permit-secret",
            "CARRIER_URL": self.carrier_url,
            "CARRIER_API_KEY": "carrier-key",
            "CARRIER_WEBHOOK_SECRET": "webhook-secret",
            "PUBLIC_URL": self.url,
            "CALL_TOKEN_SECRET": CALL_TOKEN_SECRET,
            "RECONCILE_SECONDS": "1",
            "PLACE_TIMEOUT_SECONDS": "1",
            "CARRIER_SPEED": "40",
            "CARRIER_LEDGER": str(folder / "ledger.jsonl"),
        }

    async def start(self, module: str, port: str, **environment: str) -> asyncio.subprocess.Process:
        log = (self._folder / f"{module}.log").open("ab")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            env={**self._environment, "HTTP_PORT": port, **environment},
            stdout=log,
            stderr=log,
        )
        log.close()
        self._processes.append(process)
        return process

    async def start_carrier(self) -> None:
        await self.start("simulated_carrier", self.carrier_url.rpartition(":")[2])
        await self._ready(self.carrier_url)

    async def start_dialer(self, **environment: str) -> asyncio.subprocess.Process:
        process = await self.start("dialer", self.url.rpartition(":")[2], **environment)
        await self._ready(self.url)
        return process

    async def start_second_dialer(self) -> asyncio.subprocess.Process:
        port = str(free_port())
        process = await self.start("dialer", port, INSTANCE_ID="1")
        await self._ready(f"http://127.0.0.1:{port}")
        return process

    async def _ready(self, url: str) -> None:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self.client.get(f"{url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def carrier(self, method: str, path: str, **options: Any) -> Any:
        headers = {"authorization": "Bearer carrier-key"}
        response = await self.client.request(method, self.carrier_url + path, headers=headers, **options)
        response.raise_for_status()
        return response.json()

    async def ledger(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self.carrier("GET", "/v1/ledger?after=0&limit=10000"))["entries"]
        return entries

    async def get(self, path: str, **who: Any) -> Any:
        response = await self.client.get(self.url + path, headers=token(**who))
        response.raise_for_status()
        return response.json()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self._folder.glob("*.log"))

    async def close(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
        await self.client.aclose()


@pytest.fixture
async def world(servers: Any, database: Callable[[], str], topic_prefix: str) -> AsyncIterator[World]:
    dsn = database()
    await migrate(dsn)
    bootstrap = servers.kafka_bootstrap
    topics = (CAMPAIGN_EVENTS, CALL_EVENTS, SUPPRESSION_EVENTS)
    await ensure_topics(bootstrap, [topic_prefix + topic for topic in topics])
    with tempfile.TemporaryDirectory() as folder:
        async with Command(bootstrap, topic_prefix).running() as command:
            world = World(dsn, bootstrap, topic_prefix, command, Path(folder))
            try:
                await world.start_carrier()
                yield world
            finally:
                await world.close()
                sys.stderr.write(world.logs()[-20_000:])  # shown when the test fails


def most_in_a_second(ledger: list[dict[str, Any]]) -> int:
    times = sorted(entry["monotonic_arrived"] for entry in ledger)
    return max(sum(1 for at in times if start <= at < start + 1.0) for start in times)


def each_once(ledger: list[dict[str, Any]]) -> bool:
    return all(entry["requests"] == 1 for entry in ledger) and len({e["call_id"] for e in ledger}) == len(ledger)


async def test_a_campaign_runs_within_its_limits_and_each_call_is_placed_once(
    world: World, eventually: Eventually
) -> None:
    await world.start_dialer()
    await world.command.campaign(
        [HUMAN] * 40 + [BUSY] * 20, config=settings(max_simultaneous_calls=15, calls_per_second=12)
    )
    await eventually(lambda: len(world.command.facts(CallEnded)) >= 60, within_seconds=60)

    ledger = await world.ledger()
    assert len(ledger) == 60
    assert each_once(ledger)
    assert len({entry["to"] for entry in ledger}) == 60
    assert (await world.carrier("GET", "/v1/stats"))["max_live"] <= 15
    assert most_in_a_second(ledger) <= 12
    ended = Counter(fact.outcome for fact in world.command.facts(CallEnded))
    assert ended == {Outcome.HUMAN: 40, Outcome.BUSY: 20}
    assert len(world.command.facts(CallPlaced)) == 60
    assert len(world.command.facts(CallAnswered)) == 40

    def each_talk_is_reported() -> bool:
        verdicts = world.command.facts(CallVerdict)
        return len({fact.call_id for fact in verdicts if fact.conversation is Conversation.GOAL_MET}) == 40

    await eventually(each_talk_is_reported, within_seconds=5)
    numbers = set(world.command.numbers.values())
    assert not any(number in world.logs() for number in numbers)


async def test_a_permit_that_did_not_come_in_time_is_asked_for_again_with_the_same_call_id(
    world: World, eventually: Eventually
) -> None:
    async def late(request: int) -> None:
        if request == 1:
            await asyncio.sleep(1.2)

    world.command.before_answer = late
    await world.start_dialer()
    await world.command.campaign([HUMAN])
    await eventually(lambda: world.command.facts(CallEnded), within_seconds=20)

    assert len(world.command.asked) >= 2
    assert len({tuple(asked) for asked in world.command.asked}) == 1
    assert [fact.outcome for fact in world.command.facts(CallEnded)] == [Outcome.HUMAN]
    assert each_once(await world.ledger())


async def test_a_call_whose_creation_was_not_answered_is_looked_up_and_never_placed_again(
    world: World, eventually: Eventually
) -> None:
    await world.carrier("PUT", "/v1/behaviour", json={"faults": {"lose_answer_after_placing": 1.0}})
    await world.start_dialer()
    await world.command.campaign([NO_WEBHOOKS] * 3 + [HUMAN] * 3)
    await eventually(lambda: len(world.command.facts(CallEnded)) >= 6, within_seconds=40)

    ledger = await world.ledger()
    assert len(ledger) == 6
    assert each_once(ledger)
    assert {fact.outcome for fact in world.command.facts(CallEnded)} == {Outcome.HUMAN}
    assert len(world.command.facts(CallPlaced)) == 6


async def test_events_that_come_twice_and_in_another_order_end_a_call_once(
    world: World, eventually: Eventually
) -> None:
    await world.carrier("PUT", "/v1/behaviour", json={"faults": {"repeat_event": 1.0, "reorder_events": 0.7}})
    await world.start_dialer()
    await world.command.campaign([HUMAN] * 10 + [BUSY] * 5 + ["9902"] * 5)
    await eventually(lambda: len(world.command.facts(CallEnded)) >= 20, within_seconds=40)
    await eventually(lambda: _quiet(world), within_seconds=20)

    assert set(Counter(fact.call_id for fact in world.command.facts(CallEnded)).values()) == {1}
    assert set(Counter(fact.call_id for fact in world.command.facts(CallPlaced)).values()) == {1}
    order = defaultdict(list)
    for fact in world.command.told:
        order[fact.call_id].append(type(fact).__name__)
    assert all(names[0] == "CallPlaced" for names in order.values())
    assert all(names.index("CallEnded") > names.index("CallAnswered") for names in order.values() if len(names) > 2)
    talked = [fact for fact in world.command.facts(CallEnded) if fact.outcome is Outcome.HUMAN]
    assert all(20 / 40 * 0.9 <= fact.duration_seconds <= 90 / 40 * 1.1 for fact in talked)


async def _quiet(world: World) -> bool:
    """Whether no call is open."""
    connection = await asyncpg.connect(world.dsn)
    try:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM calls WHERE state <> 'settled'"))
    finally:
        await connection.close()


async def test_after_a_kill_every_contact_gets_its_end_and_nobody_is_rung_twice(
    world: World, eventually: Eventually
) -> None:
    first = await world.start_dialer()
    await world.command.campaign([HUMAN] * 60, config=settings(max_simultaneous_calls=30, calls_per_second=30))

    async def some_are_placed() -> bool:
        return len(await world.ledger()) >= 20

    await eventually(some_are_placed, within_seconds=20, every_seconds=0.01)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    await world.start_dialer()

    def all_are_reached() -> bool:
        ended = world.command.facts(CallEnded)
        return len({fact.contact_id for fact in ended if fact.outcome is Outcome.HUMAN}) == 60

    await eventually(all_are_reached, within_seconds=60)
    ledger = await world.ledger()
    assert len(ledger) == 60
    assert each_once(ledger)
    assert len({entry["to"] for entry in ledger}) == 60
    assert (await world.carrier("GET", "/v1/stats"))["max_live"] <= 30
    assert most_in_a_second(ledger) <= 30


async def test_a_partition_changes_hands_and_nobody_is_rung_twice(world: World, eventually: Eventually) -> None:
    await world.start_dialer()
    for _ in range(6):
        await world.command.campaign([HUMAN] * 24, config=settings(calls_per_second=2))
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= 6, within_seconds=20)
    second = await world.start_second_dialer()  # takes over half of the partitions
    placed = len(world.command.facts(CallPlaced))
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= placed + 10, within_seconds=20)
    second.kill()
    await second.wait()

    def all_are_reached() -> bool:
        ended = world.command.facts(CallEnded)
        return len({fact.contact_id for fact in ended if fact.outcome is Outcome.HUMAN}) == 144

    await eventually(all_are_reached, within_seconds=90)
    ledger = await world.ledger()
    assert len(ledger) == 144
    assert each_once(ledger)
    campaign_of = {fact.call_id: fact.campaign_id for fact in world.command.facts(CallPlaced)}
    by_campaign = defaultdict(list)
    for entry in ledger:
        by_campaign[campaign_of[UUID(entry["call_id"])]].append(entry)
    connection = await asyncpg.connect(world.dsn)
    assert await connection.fetchval("SELECT count(DISTINCT epoch) FROM calls") >= 3  # the first, both, the first again
    await connection.close()
    assert {most_in_a_second(entries) for entries in by_campaign.values()} <= {1, 2}


async def test_what_the_carrier_refuses_is_told_at_once_and_rings_nobody(world: World, eventually: Eventually) -> None:
    await world.carrier("PUT", "/v1/behaviour", json={"faults": {"refuse_503": 1.0}})
    await world.start_dialer()
    await world.command.campaign([HUMAN] * 3)
    ended = await eventually(lambda: world.command.facts(CallEnded), within_seconds=10)
    assert (ended[0].outcome, ended[0].rang, ended[0].started_at) == (Outcome.CARRIER_ERROR, False, None)
    assert ended[0].retry_after_seconds == 1
    assert await world.ledger() == []
    assert world.command.facts(CallPlaced) == []


async def test_a_call_that_never_ends_is_hung_up_after_its_deadline(world: World, eventually: Eventually) -> None:
    world.command.ring_timeout_seconds = 1
    await world.start_dialer(CALL_DEADLINE_SECONDS="2")
    await world.command.campaign([NO_END])
    ended = await eventually(lambda: world.command.facts(CallEnded), within_seconds=20)
    assert ended[0].ended_at - ended[0].started_at >= timedelta(seconds=3)
    assert each_once(await world.ledger())


async def test_where_success_is_reported_a_silent_talk_ends_after_the_grace(
    world: World, eventually: Eventually
) -> None:
    await world.start_dialer(OUTCOME_GRACE_SECONDS="3")
    config = settings().model_copy(update={"success_rule": "reported"})
    await world.command.campaign(["9904", HUMAN], config=config)
    await eventually(lambda: len(world.command.facts(CallEnded)) == 2, within_seconds=20)
    waited = {fact.conversation: fact.at - fact.ended_at for fact in world.command.facts(CallEnded)}
    assert waited[None] >= timedelta(seconds=3)
    assert waited[Conversation.GOAL_MET] < timedelta(seconds=3)


async def test_an_expired_permit_is_not_placed(world: World, eventually: Eventually) -> None:
    world.command.expires_in_seconds = 0.0
    await world.start_dialer()
    await world.command.campaign([HUMAN])
    ended = await eventually(lambda: world.command.facts(CallEnded), within_seconds=20)

    assert ended[0].outcome is Outcome.NOT_PLACED
    assert ended[0].started_at is None
    assert await world.ledger() == []
    world.command.expires_in_seconds = 2.0
    await eventually(
        lambda: any(fact.outcome is Outcome.HUMAN for fact in world.command.facts(CallEnded)), within_seconds=20
    )
    assert len(await world.ledger()) == 1


async def test_outside_the_weekly_window_nobody_is_called_and_the_dialling_says_until_when(
    world: World, eventually: Eventually
) -> None:
    day = datetime.now(UTC) + timedelta(days=2)
    schedule = Schedule(
        time_zone="UTC", use_callee_time_zone=False, weekly={WEEKDAYS[day.weekday()]: (("09:00", "10:00"),)}
    )
    await world.start_dialer()
    campaign_id = await world.command.campaign([HUMAN] * 5, config=settings(schedule))

    async def waiting() -> Any:
        answer = await world.client.get(f"{world.url}/v1/dialing/{campaign_id}", headers=token())
        return answer.json() if answer.status_code == 200 and answer.json()["status"] == "running" else None

    status = await eventually(waiting, within_seconds=10)
    opens_at = day.replace(hour=9, minute=0, second=0, microsecond=0)
    assert status["state"] == "waiting"
    assert status["reason"] == "outside_hours"
    assert datetime.fromisoformat(status["waiting_until"]) == opens_at
    assert datetime.fromisoformat(status["next_possible_at"]) == opens_at
    assert status["queued"] == 5
    assert status["due_now"] == 0
    open_campaign = await world.command.campaign([BUSY])  # proof that the loop turns: another campaign is dialled
    await eventually(lambda: world.command.facts(CallEnded), within_seconds=10)
    assert {fact.campaign_id for fact in world.command.facts(CallEnded)} == {open_campaign}
    assert len(await world.ledger()) == 1


async def test_contacts_without_an_open_minute_are_said_not_to_be_callable_once_for_each_settings_version(
    world: World, eventually: Eventually
) -> None:
    office = Schedule(time_zone="UTC", use_callee_time_zone=True)
    await world.start_dialer()
    campaign_id = await world.command.campaign(
        [HUMAN] * 3, config=settings(office), zones=("Europe/Berlin", "Pacific/Auckland")
    )
    await eventually(lambda: len(world.command.facts(ContactNotCallable)) >= 3, within_seconds=10)
    assert {fact.reason for fact in world.command.facts(ContactNotCallable)} == {"no_common_open_minute"}
    now = datetime.now(UTC)
    await world.command.append(
        CampaignEdited(
            at=now, campaign_id=campaign_id, settings=settings(office), settings_version=2, changed=("name",)
        )
    )
    told = world.command.facts
    await eventually(
        lambda: sum(fact.settings_version == 2 for fact in told(ContactNotCallable)) >= 3, within_seconds=10
    )
    await world.command.campaign([BUSY])
    await eventually(lambda: told(CallEnded), within_seconds=10)
    versions = Counter((fact.contact_id, fact.settings_version) for fact in told(ContactNotCallable))
    assert len(versions) == 6
    assert set(versions.values()) == {1}


async def test_a_paused_campaign_starts_no_call_and_its_live_calls_end_naturally(
    world: World, eventually: Eventually
) -> None:
    await world.start_dialer()
    campaign_id = await world.command.campaign(
        [HUMAN] * 30, config=settings(max_simultaneous_calls=5, calls_per_second=10)
    )
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= 5, within_seconds=10)
    await world.command.append(CampaignPaused(at=datetime.now(UTC), campaign_id=campaign_id))

    async def paused() -> bool:
        status = await world.get(f"/v1/dialing/{campaign_id}")
        return bool(status["state"] == "paused" and status["live_calls"] + status["asked"] == 0)

    await eventually(paused, within_seconds=20)
    placed = len(await world.ledger())
    assert placed < 30
    await world.command.campaign([BUSY])
    await eventually(lambda: Outcome.BUSY in {f.outcome for f in world.command.facts(CallEnded)}, within_seconds=10)
    assert len(await world.ledger()) == placed + 1
    ended = [fact for fact in world.command.facts(CallEnded) if fact.campaign_id == campaign_id]
    assert [fact.outcome for fact in ended] == [Outcome.HUMAN] * placed


async def test_a_call_that_ends_after_its_campaign_was_deleted_keeps_its_outcome(
    world: World, eventually: Eventually
) -> None:
    await world.start_dialer()
    campaign_id = await world.command.campaign([HUMAN])
    await eventually(lambda: world.command.facts(CallPlaced), within_seconds=10)
    now = datetime.now(UTC)
    await world.command.append(
        CampaignCancelled(at=now, campaign_id=campaign_id, previous=CampaignStatus.RUNNING),
        CampaignDeleted(at=now, campaign_id=campaign_id, previous=CampaignStatus.CANCELLED),
    )

    async def is_gone() -> bool:
        answer = await world.client.get(f"{world.url}/v1/dialing/{campaign_id}", headers=token())
        return answer.status_code == 404

    await eventually(is_gone, within_seconds=10)
    ended = await eventually(lambda: world.command.facts(CallEnded), within_seconds=20)
    assert [fact.outcome for fact in ended] == [Outcome.HUMAN]
    history = (await world.get(f"/v1/calls?campaign_id={campaign_id}"))["items"]
    assert [(call["status"], call["outcome"]) for call in history] == [("settled", "human")]


async def test_the_daily_limit_is_never_crossed(world: World, eventually: Eventually) -> None:
    await world.start_dialer()
    campaign_id = await world.command.campaign([BUSY] * 20, config=settings(calls_per_day=7))

    async def limited() -> Any:
        answer = await world.client.get(f"{world.url}/v1/dialing/{campaign_id}", headers=token())
        return answer.status_code == 200 and answer.json()["reason"] == "daily_limit" and answer.json()

    status = await eventually(limited, within_seconds=20)
    await eventually(lambda: len(world.command.facts(CallEnded)) == 7, within_seconds=10)
    assert status["calls_today"] == 7
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert datetime.fromisoformat(status["waiting_until"]) == midnight
    assert len(await world.ledger()) == 7


async def test_reports_need_the_calls_own_token_and_a_known_call_of_the_workspace(
    world: World, eventually: Eventually
) -> None:
    await world.start_dialer()
    await world.command.campaign([NO_END])
    placed = await eventually(lambda: world.command.facts(CallPlaced), within_seconds=10)
    call_id = placed[0].call_id

    async def report(call: UUID, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        return await world.client.post(f"{world.url}/v1/calls/{call}/outcome", json=body, headers=headers)

    met = {"outcome": "goal_met", "summary": "Agreed."}
    other = token(workspace=uuid4())
    assert (await report(call_id, met, {})).status_code == 401
    assert (await report(call_id, met, token(secret="x" * 32))).status_code == 401
    assert (await report(call_id, met, token(role="viewer"))).status_code == 403
    assert (await report(call_id, met, other)).status_code == 404
    assert (await report(uuid4(), met, token())).status_code == 404
    assert (await world.client.get(f"{world.url}/v1/calls/{call_id}", headers=other)).status_code == 404
    assert (await world.client.get(f"{world.url}/v1/calls", headers=other)).json()["total"] == 0
    assert (await world.client.get(f"{world.url}/v1/dialing/{placed[0].campaign_id}", headers=other)).status_code == 404

    naive = {"outcome": "callback", "callback_at": "2030-01-01T10:00:00"}
    past = {"outcome": "callback", "callback_at": "2020-01-01T10:00:00Z"}
    far = {"outcome": "callback", "callback_at": (datetime.now(UTC) + timedelta(days=91)).isoformat()}
    for body in (naive, past, far, {"outcome": "goal_met", "callback_at": "2030-01-01T10:00:00Z"}, {"outcome": "no"}):
        assert (await report(call_id, body, token())).status_code == 422, body
    assert (await report(call_id, met, token())).status_code == 200
    assert (await report(call_id, met, token())).status_code == 200
    refused = await report(call_id, {"outcome": "goal_not_met"}, token())
    assert (refused.status_code, refused.json()["code"]) == (409, "already_reported")
    assert (await report(call_id, {"outcome": "do_not_call"}, token())).status_code == 200

    shown = await world.get(f"/v1/calls/{call_id}", role="viewer")
    assert shown["number"].startswith("+4930••••")
    assert shown["summary"] is None
    assert (await world.get(f"/v1/calls/{call_id}"))["number"] == world.command.numbers[placed[0].contact_id]
    hung_up = await world.client.post(f"{world.url}/v1/calls/{call_id}/hangup", headers=token())
    assert hung_up.status_code == 202
    ended = await eventually(lambda: world.command.facts(CallEnded), within_seconds=10)
    assert ended[0].conversation == "do_not_call"
    again = await world.client.post(f"{world.url}/v1/calls/{call_id}/hangup", headers=token())
    assert (again.status_code, again.json()["code"]) == (409, "call_is_over")


async def test_a_webhook_without_the_carriers_signature_changes_nothing(world: World) -> None:
    await world.start_dialer()
    url = f"{world.url}/v1/carriers/simulated/events"
    body = b'{"events": []}'
    assert (await world.client.post(url, content=body)).status_code == 401
    wrong = {"x-carrier-signature": "sha256=" + "0" * 64}
    assert (await world.client.post(url, content=body, headers=wrong)).status_code == 401


async def test_a_told_dialer_finishes_what_is_in_hand_and_leaves_with_zero(
    world: World, eventually: Eventually
) -> None:
    process = await world.start_dialer()
    await world.command.campaign([HUMAN] * 30, config=settings(calls_per_second=10))
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= 5, within_seconds=10)
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 15) == 0
    placed = {entry["call_id"] for entry in await world.ledger()}
    await eventually(
        lambda: {str(fact.call_id) for fact in world.command.facts(CallPlaced)} == placed, within_seconds=5
    )


# ---- without processes


class Feed:
    """Facts as the subscription hands them over."""

    def __init__(self) -> None:
        self.log, self.position, self.priors = uuid4(), 0, [0] * 12
        self.received: list[Received] = []

    def add(self, *facts: Fact) -> None:
        for fact in facts:
            self.position += 1
            partition = partition_of(str(fact.campaign_id))  # type: ignore[attr-defined]
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
            self.received.append(Received(CAMPAIGN_EVENTS, partition, self.position, event))


@pytest.fixture
async def dsn(database: Callable[[], str]) -> str:
    dsn = database()
    await migrate(dsn)
    return dsn


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Any]:
    async with await open_pool(dsn) as pool:
        yield pool


def _campaign_facts(campaign_id: UUID, contacts: tuple[UUID, ...], now: datetime) -> list[Fact]:
    return [
        CampaignCreated(at=now, campaign_id=campaign_id, workspace=WORKSPACE, settings=settings()),
        ContactsAdded(
            at=now,
            campaign_id=campaign_id,
            contact_ids=contacts,
            zone_lists=(("Europe/Berlin",), ("America/New_York", "America/Chicago")),
            zone_index=tuple(n % 2 for n in range(len(contacts))),
            do_not_call=contacts[-1:],
            pending_count=len(contacts) - 1,
            do_not_call_count=1,
        ),
        CampaignStarted(at=now, campaign_id=campaign_id, settings_version=1),
        ContactStatusChanged(
            at=now,
            campaign_id=campaign_id,
            contact_id=contacts[0],
            previous=ContactStatus.PENDING,
            status=ContactStatus.NO_ANSWER,
            attempt=1,
            due_at=now + timedelta(hours=2),
        ),
    ]


async def test_facts_that_come_twice_leave_the_queue_as_it_was(pool: Any) -> None:
    now, feed = datetime.now(UTC), Feed()
    for _ in range(3):
        feed.add(*_campaign_facts(uuid4(), tuple(uuid4() for _ in range(10)), now))
    deleted = uuid4()
    feed.add(*_campaign_facts(deleted, tuple(uuid4() for _ in range(10)), now))
    feed.add(CampaignDeleted(at=now, campaign_id=deleted, previous="draft"))
    intake = Intake(pool, changed=lambda _: None, log=configure_logs("test", log_format="json"))

    async def rows() -> list[Any]:
        return [
            [tuple(row) for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in ("campaigns", "queue", "zone_lists", "positions")
        ]

    await intake.apply(feed.received)
    once = await rows()
    await intake.apply(feed.received)
    await intake.apply(feed.received[3:9])
    assert await rows() == once
    assert len(once[0]) == 3
    assert len(once[1]) == 30
    assert len(once[2]) == 6


async def test_after_a_take_over_the_process_before_can_neither_ask_nor_place(pool: Any) -> None:
    now, feed, campaign_id = datetime.now(UTC), Feed(), uuid4()
    feed.add(*_campaign_facts(campaign_id, tuple(uuid4() for _ in range(10)), now))
    await Intake(pool, changed=lambda _: None, log=configure_logs("test", log_format="json")).apply(feed.received)
    partition = feed.received[0].partition
    keys = [row["key"] for row in await pool.fetch("SELECT key FROM zone_lists")]

    async def claimed(tenure: Tenure) -> list[Any]:
        return await claim(
            pool,
            tenure,
            campaign_id=campaign_id,
            settings_version=1,
            zone_keys=keys,
            count=4,
            max_attempts=3,
            success_rule="answered",
            day=now.date(),
        )

    def placing(call_id: UUID) -> Placing:
        return Placing(
            call_id=call_id,
            number="+493012345678",
            caller_number="+493012345679",
            agent_id="reminder",
            ring_timeout_seconds=30,
            permit_ends_at=now + timedelta(seconds=2),
            not_after=now + timedelta(seconds=2),
            zones=("UTC",),
            until=now + timedelta(hours=1),
        )

    before = Tenure(partition, (await raise_epochs(pool, {partition}))[partition])
    mine = await claimed(before)
    assert len(mine) == 4
    assert await to_placing(pool, before, [placing(mine[0].call_id)], place_timeout_seconds=2) == {mine[0].call_id}

    after = Tenure(partition, (await raise_epochs(pool, {partition}))[partition])
    assert after.epoch == before.epoch + 1
    assert await to_placing(pool, before, [placing(mine[1].call_id)], place_timeout_seconds=2) == set()
    assert await claimed(before) == []
    assert len(await claimed(after)) == 4  # others: a contact has one open call
    assert await claimed(after) == []  # nine are callable, one of them waits for its retry


class SilentCarrier:
    """A carrier that knows no call."""

    name = "silent"

    def __init__(self) -> None:
        self.looked_up: list[UUID] = []

    async def place(self, request: PlaceRequest) -> Placed:
        raise AssertionError("a call that may have been placed is placed again")

    async def find(self, call_id: UUID) -> Sighting | Absent | None:
        self.looked_up.append(call_id)
        return Absent()

    async def hangup(self, call_id: UUID) -> bool | None:
        raise AssertionError("there is nothing to hang up")


async def test_a_rebuilt_dialer_looks_up_the_calls_it_has_no_row_for(pool: Any, eventually: Eventually) -> None:
    began, feed, campaign_id, call_id = datetime.now(UTC) - timedelta(hours=1), Feed(), uuid4(), uuid4()
    contacts = tuple(uuid4() for _ in range(3))
    feed.add(*_campaign_facts(campaign_id, contacts, began))
    feed.add(
        ContactStatusChanged(
            at=began,
            campaign_id=campaign_id,
            contact_id=contacts[1],
            previous=ContactStatus.PENDING,
            status=ContactStatus.IN_PROGRESS,
            attempt=1,
            call_id=call_id,
        )
    )
    log = configure_logs("test", log_format="json")
    await Intake(pool, changed=lambda _: None, log=log).apply(feed.received)
    carrier, stopping = SilentCarrier(), asyncio.Event()
    reconciler = Reconciler(
        pool,
        carrier=carrier,
        patience=Patience(),
        partitions=lambda: {feed.received[0].partition},
        freed=lambda _: None,
        log=log,
    )
    running = asyncio.create_task(reconciler.run(stopping, beat=lambda: None))
    told = await eventually(lambda: pool.fetch("SELECT type, fact->>'outcome' AS outcome FROM outbox"))
    stopping.set()
    await running
    assert carrier.looked_up == [call_id]
    assert [tuple(row) for row in told] == [("CallEnded", "not_placed")]


async def test_an_end_that_was_told_before_its_permit_was_granted_is_told_again(
    pool: Any, eventually: Eventually
) -> None:
    # campaign-command stood still: the dialer gave the ask up and said so, and only then the ask was granted.
    began, feed, campaign_id = datetime.now(UTC) - timedelta(hours=1), Feed(), uuid4()
    contacts = tuple(uuid4() for _ in range(3))
    feed.add(*_campaign_facts(campaign_id, contacts, began))
    log = configure_logs("test", log_format="json")
    intake = Intake(pool, changed=lambda _: None, log=log)
    await intake.apply(feed.received)
    partition = feed.received[0].partition
    tenure = Tenure(partition, (await raise_epochs(pool, {partition}))[partition])
    keys = [row["key"] for row in await pool.fetch("SELECT key FROM zone_lists")]
    [claimed] = await claim(
        pool,
        tenure,
        campaign_id=campaign_id,
        settings_version=1,
        zone_keys=keys,
        count=1,
        max_attempts=3,
        success_rule="answered",
        day=began.date(),
    )
    await change(
        pool, [claimed.call_id], lambda call: refused(call, Outcome.NOT_PLACED, retry_after_seconds=None, now=began)
    )
    feed.add(
        ContactStatusChanged(
            at=began,
            campaign_id=campaign_id,
            contact_id=claimed.contact_id,
            previous=ContactStatus.PENDING,
            status=ContactStatus.IN_PROGRESS,
            attempt=1,
            call_id=claimed.call_id,
        )
    )
    await intake.apply(feed.received)

    stopping = asyncio.Event()
    reconciler = Reconciler(
        pool,
        carrier=SilentCarrier(),
        patience=Patience(),
        partitions=lambda: {partition},
        freed=lambda _: None,
        log=log,
    )
    running = asyncio.create_task(reconciler.run(stopping, beat=lambda: None))
    await eventually(lambda: pool.fetchval("SELECT count(*) = 2 FROM outbox"))
    stopping.set()
    await running
    told = await pool.fetch("SELECT type, fact->>'outcome' AS outcome, call_id FROM outbox ORDER BY position")
    assert [tuple(row) for row in told] == [
        ("CallEnded", "not_placed", claimed.call_id),
        ("CallCorrected", "not_placed", claimed.call_id),
    ]
    # Whoever was told does not hear it all the time.
    again = Reconciler(
        pool,
        carrier=SilentCarrier(),
        patience=Patience(),
        partitions=lambda: {partition},
        freed=lambda _: None,
        log=log,
    )
    turned, stopping = asyncio.Event(), asyncio.Event()
    turns = iter(range(3))

    def beat() -> None:
        if next(turns, None) is None:
            turned.set()

    running = asyncio.create_task(again.run(stopping, beat=beat))
    await asyncio.wait_for(turned.wait(), 10)
    stopping.set()
    await running
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 2


async def test_a_call_of_which_nobody_knows_whether_it_rang_counts_for_the_day(pool: Any) -> None:
    now, feed, campaign_id = datetime.now(UTC), Feed(), uuid4()
    feed.add(*_campaign_facts(campaign_id, tuple(uuid4() for _ in range(5)), now))
    await Intake(pool, changed=lambda _: None, log=configure_logs("test", log_format="json")).apply(feed.received)
    partition = feed.received[0].partition
    tenure = Tenure(partition, (await raise_epochs(pool, {partition}))[partition])
    claimed = await claim(
        pool,
        tenure,
        campaign_id=campaign_id,
        settings_version=1,
        zone_keys=[row["key"] for row in await pool.fetch("SELECT key FROM zone_lists")],
        count=2,
        max_attempts=3,
        success_rule="answered",
        day=now.date(),
    )
    outcomes = dict(zip((one.call_id for one in claimed), (Outcome.NOT_PLACED, Outcome.UNKNOWN), strict=True))
    await change(pool, outcomes, lambda call: refused(call, outcomes[call.id], retry_after_seconds=None, now=now))
    assert await pool.fetchval(CALLS_OF_DAY, campaign_id, now.date()) == 1


async def test_the_session_with_the_relays_lock_ends_when_its_process_stands_still(dsn: str) -> None:
    connection = await connect(dsn)
    try:
        assert await connection.fetchval("SHOW idle_session_timeout") == "1min"
    finally:
        await connection.close()


async def test_after_the_database_went_away_and_came_back_the_dialling_goes_on(
    world: World, servers: Any, eventually: Eventually
) -> None:
    process = await world.start_dialer()
    if servers.postgres is None:
        pytest.skip("the environment's PostgreSQL is not ours to kill")
    await world.command.campaign([HUMAN] * 60, config=settings(calls_per_second=20))
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= 10, within_seconds=10)
    await asyncio.to_thread(servers.restart_postgres)

    def all_are_reached() -> bool:
        ended = world.command.facts(CallEnded)
        return len({fact.contact_id for fact in ended if fact.outcome is Outcome.HUMAN}) == 60

    await eventually(all_are_reached, within_seconds=60)
    ledger = await world.ledger()
    assert process.returncode is None
    assert each_once(ledger)
    assert len(ledger) == 60


async def test_a_gap_in_the_facts_and_another_log_stop_the_dialer(pool: Any) -> None:
    feed, campaign_id, contacts = Feed(), uuid4(), tuple(uuid4() for _ in range(3))
    feed.add(*_campaign_facts(campaign_id, contacts, datetime.now(UTC)))
    intake = Intake(pool, changed=lambda _: None, log=configure_logs("test", log_format="json"))
    with pytest.raises(Gap):
        await intake.apply([feed.received[0], feed.received[2]])
    assert await pool.fetchval("SELECT count(*) FROM campaigns") == 0
    await intake.apply(feed.received)

    restored = Feed()
    other = next(one for one in (uuid4() for _ in range(1000)) if partition_of(str(one)) != feed.received[0].partition)
    restored.add(*_campaign_facts(other, contacts, datetime.now(UTC)))
    with pytest.raises(UnknownLog):
        await intake.apply(restored.received)
    assert await pool.fetchval("SELECT count(*) FROM campaigns") == 1


async def test_a_tailing_reader_of_the_outbox_misses_nothing_of_many_writers(pool: Any) -> None:
    writers, each = 8, 40

    async def write() -> None:
        for n in range(each):
            async with pool.acquire() as connection, connection.transaction():
                await tell(connection, [_outgoing(n) for _ in range(n % 3 + 1)])
                await asyncio.sleep(0)

    seen: list[int] = []
    writing = asyncio.gather(*(write() for _ in range(writers)))
    while True:
        done = writing.done()
        rows = await pool.fetch(
            "SELECT position FROM outbox WHERE position > $1 ORDER BY position", seen[-1] if seen else 0
        )
        seen += [row["position"] for row in rows]
        if done and not rows:
            break
    await writing
    assert len(seen) == await pool.fetchval("SELECT count(*) FROM outbox")


async def test_a_relay_that_starts_again_publishes_the_same_events(
    servers: Any, dsn: str, pool: Any, topic_prefix: str, eventually: Eventually
) -> None:
    topic = topic_prefix + CALL_EVENTS
    await ensure_topics(servers.kafka_bootstrap, [topic])
    async with pool.acquire() as connection, connection.transaction():
        await tell(connection, [_outgoing(n) for n in range(30)])
    for _ in range(2):
        relay = Relay(
            dsn,
            publisher=lambda: Publisher(servers.kafka_bootstrap, topic_prefix=topic_prefix, client_id="test"),
            log=configure_logs("test", log_format="json"),
        )
        stopping = asyncio.Event()
        running = asyncio.create_task(relay.run(stopping, beat=lambda: None))
        await eventually(lambda: pool.fetchval("SELECT position = 30 FROM relay"))
        stopping.set()
        await running
        # As if it had died between publishing and saving.
        await pool.execute("UPDATE relay SET position = 0, priors = array_fill(0::bigint, ARRAY[12])")

    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    read: list[tuple[int, int, int]] = []
    async with asyncio.timeout(20):
        while len(read) < 60:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                events = [decode(record.value or b"") for record in records]
                read += [(place.partition, event.position, event.prior) for event in events]
    await consumer.stop()
    assert set(Counter(read).values()) == {2}
    last: dict[int, int] = defaultdict(int)
    for partition, position, prior in sorted(set(read), key=lambda one: one[1]):
        assert prior == last[partition]
        last[partition] = position


def _outgoing(n: int) -> Outgoing:
    fact = ContactNotCallable(
        at=datetime.now(UTC), campaign_id=uuid4(), contact_id=uuid4(), reason="no_time_zone", settings_version=1
    )
    return Outgoing(fact, workspace=WORKSPACE, call_id=None, stream_version=n)


# ---- trunks

FIRST_FAILS_THEN_HUMAN, FAILS = "9971", "9970"
NUMBER = "+493012345678"


async def the_trunk(world: World, trunk: str = "berlin-1") -> dict[str, Any] | None:
    """A trunk as `GET /v1/breakers` shows it; None while the dialer does not know it."""
    items: list[dict[str, Any]] = (await world.get("/v1/breakers", role="viewer"))["items"]
    return next((item for item in items if item["id"] == trunk), None)


async def test_a_trunks_ceilings_hold_over_campaigns_and_processes_while_partitions_change_hands(
    world: World, eventually: Eventually
) -> None:
    await world.start_dialer()
    await world.command.workspace(Trunk(id="berlin-1", max_calls=5, calls_per_second=4), numbers={NUMBER: "berlin-1"})
    assert await eventually(lambda: the_trunk(world))
    for _ in range(4):
        await world.command.campaign([HUMAN] * 12)
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= 8, within_seconds=20)
    second = await world.start_second_dialer()
    await eventually(lambda: len(world.command.facts(CallPlaced)) >= 24, within_seconds=30)
    second.kill()
    await second.wait()

    def all_are_reached() -> bool:
        ended = world.command.facts(CallEnded)
        return len({fact.contact_id for fact in ended if fact.outcome is Outcome.HUMAN}) == 48

    await eventually(all_are_reached, within_seconds=90)
    ledger = await world.ledger()
    assert len(ledger) == 48
    assert each_once(ledger)
    assert most_in_a_second(ledger) <= 4
    assert (await world.carrier("GET", "/v1/stats"))["max_live"] <= 5
    # Shared out: before half of the calls were placed, each campaign had some.
    first_half = [fact.campaign_id for fact in world.command.facts(CallPlaced)[:24]]
    assert len(first_half) - max(Counter(first_half).values()) >= 12
    assert len(set(first_half)) == 4


async def test_a_trunk_whose_calls_fail_is_left_alone_until_one_call_goes_through(
    world: World, eventually: Eventually
) -> None:
    first = await world.start_dialer()
    await world.command.workspace(Trunk(id="berlin-1"), numbers={NUMBER: "berlin-1"})
    await eventually(lambda: the_trunk(world))
    campaign_id = await world.command.campaign([FIRST_FAILS_THEN_HUMAN] * 40)

    async def is_open() -> Any:
        trunk = await the_trunk(world)
        return trunk and trunk["breaker"]["state"] == "open" and trunk["breaker"]

    breaker = await eventually(is_open, within_seconds=20)
    assert breaker["cause"] == "calls_fail"
    assert breaker["failed"] * 2 >= breaker["calls"] >= 20
    assert breaker["reasons"][0] | {"calls": 0} == {
        "outcome": "carrier_error",
        "sip_code": 503,
        "q850_cause": 34,
        "words": "Service Unavailable",
        "calls": 0,
    }

    async def lines_are_free() -> bool:
        return bool((await world.get(f"/v1/dialing/{campaign_id}"))["live_calls"] == 0)

    await eventually(lines_are_free, within_seconds=10)
    status = await world.get(f"/v1/dialing/{campaign_id}")
    assert (status["status"], status["state"], status["reason"]) == ("running", "waiting", "trunk_breaker_open")
    assert status["waiting_until"] == status["trunks"][0]["breaker"]["probe_at"]
    placed = len(await world.ledger())

    # A restart knows it, and calls nobody.
    first.send_signal(signal.SIGKILL)
    await first.wait()
    await world.start_dialer()
    assert (await is_open())["opened_at"] == breaker["opened_at"]
    other = await world.command.campaign([BUSY], config=settings().model_copy(update={"caller_numbers": ()}))
    await eventually(lambda: any(fact.campaign_id == other for fact in world.command.facts(CallEnded)))
    assert len(await world.ledger()) == placed + 1  # the other campaign's, which goes through another trunk

    connection = await asyncpg.connect(world.dsn)
    await connection.execute("UPDATE breakers SET probe_at = now()")

    def all_are_reached() -> bool:
        ended = world.command.facts(CallEnded)
        return len({fact.contact_id for fact in ended if fact.outcome is Outcome.HUMAN}) == 40

    await eventually(all_are_reached, within_seconds=40)
    trunk = await the_trunk(world)
    assert trunk is not None
    assert (trunk["breaker"]["state"], trunk["breaker"]["closed_by"]) == ("closed", "probe")
    # One call tried, and the others waited until it had gone through.
    closed_at = datetime.fromisoformat(trunk["breaker"]["since"])
    tried = await connection.fetchval(
        "SELECT count(*) FROM calls WHERE trunk = 'berlin-1' AND created_at BETWEEN $1 AND $2",
        datetime.fromisoformat(breaker["opened_at"]) + timedelta(seconds=2),
        closed_at,
    )
    await connection.close()
    assert tried == 1


async def test_a_carrier_whose_api_refuses_everything_is_tried_call_by_call_until_it_works_again(
    world: World, eventually: Eventually
) -> None:
    await world.carrier("PUT", "/v1/behaviour", json={"faults": {"refuse_503": 1.0}})
    await world.start_dialer()
    await world.command.workspace(Trunk(id="berlin-1"), numbers={NUMBER: "berlin-1"})
    await eventually(lambda: the_trunk(world))
    await world.command.campaign([HUMAN] * 12, config=settings(max_simultaneous_calls=5))

    async def is_open() -> Any:
        trunk = await the_trunk(world)
        return trunk and trunk["breaker"]["state"] == "open" and trunk["breaker"]

    breaker = await eventually(is_open)
    assert breaker["cause"] == "carrier_api"
    assert breaker["reasons"][0]["words"].startswith("carrier API: unavailable")
    refused = len(world.command.facts(CallEnded))
    assert refused <= 5 + 1
    await world.carrier("PUT", "/v1/behaviour", json={"faults": {"refuse_503": 0.0}})

    def all_are_reached() -> bool:
        ended = world.command.facts(CallEnded)
        return len({fact.contact_id for fact in ended if fact.outcome is Outcome.HUMAN}) == 12

    await eventually(all_are_reached, within_seconds=40)
    assert each_once(await world.ledger())


async def test_an_operator_closes_a_breaker_by_hand_and_a_viewer_does_not(world: World, eventually: Eventually) -> None:
    await world.start_dialer()
    await world.command.workspace(Trunk(id="berlin-1"), numbers={NUMBER: "berlin-1"})
    await eventually(lambda: the_trunk(world))
    await world.command.campaign([FAILS] * 30)

    async def is_open() -> Any:
        trunk = await the_trunk(world)
        return trunk and trunk["breaker"]["state"] == "open" and trunk["breaker"]

    before = await eventually(is_open, within_seconds=20)
    await eventually(lambda: _quiet(world), within_seconds=10)
    placed = len(await world.ledger())
    url = f"{world.url}/v1/trunks/berlin-1/breaker/close"
    assert (await world.client.post(url, headers=token(role="viewer"))).status_code == 403
    assert (await world.client.post(url, headers=token(workspace=uuid4()))).status_code == 404
    unknown = await world.client.post(f"{world.url}/v1/trunks/nowhere/breaker/close", headers=token())
    assert (unknown.status_code, unknown.json()["allowed"]) == (404, ["berlin-1", "default"])
    assert len(await world.ledger()) == placed
    closed = await world.client.post(url, headers=token())
    assert (closed.status_code, closed.json()["breaker"]["state"]) == (200, "closed")
    assert closed.json()["breaker"]["closed_by"] == "somebody"
    # It fails on, and what counts begins anew: it opens again.
    again = await eventually(is_open, within_seconds=20)
    assert again["opened_at"] > before["opened_at"]
    assert len(await world.ledger()) > placed
