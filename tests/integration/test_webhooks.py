"""Webhooks on a real Kafka and PostgreSQL, with a real receiver: told in order, again until taken, and only to whom
asked."""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from campaign_events.envelope import Event, encode, wrap
from campaign_events.facts import CallAnswered, CampaignPaused, CampaignStarted, Fact, WorkspacePaused
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS, address_of
from campaign_service.publisher import Publisher, partition_of
from campaign_service.topic_admin import ensure_topics
from local_stack.servers import Servers

Eventually = Callable[..., Awaitable[Any]]
SECRET = "a secret of more than thirty-two bytes"
OURS, THEIRS = uuid4(), uuid4()
ALL_TYPES = ["CampaignStarted", "CampaignPaused", "CallAnswered", "WorkspacePaused"]


def token(*, workspace: UUID = OURS, role: str = "admin") -> dict[str, str]:
    claims = {"sub": "ann", "workspace": str(workspace), "role": role, "exp": int(time.time()) + 600}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass(frozen=True)
class Got:
    """A request as the receiver got it."""

    path: str
    headers: dict[str, str]
    body: bytes
    began_at: float
    """seconds, monotonic"""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


Behaviour = Callable[[Got], tuple[int, Mapping[str, str], bytes]]


@dataclass
class Receiver:
    """Another team's HTTP server. `behave` decides the answer; `hold` keeps answers back until it is set."""

    port: int = field(default_factory=free_port)
    got: list[Got] = field(default_factory=list)
    behave: Behaviour = lambda _: (200, {}, b"thanks")
    answered: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                got = Got(self.path, headers, body, time.monotonic())
                with receiver._lock:
                    receiver.got.append(got)
                    receiver._at_once += 1
                    receiver.most_at_once = max(receiver.most_at_once, receiver._at_once)
                try:
                    status, more, answer = receiver.behave(got)
                finally:
                    with receiver._lock:
                        receiver._at_once -= 1
                try:
                    self.send_response(status)
                    for name, value in more.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the sender has died or hung up
                receiver.answered.append(got.id)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # a sender that was killed in the middle of a request

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def ids(self, path: str = "/hook") -> list[str]:
        return [got.id for got in list(self.got) if got.path == path]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.start()
    yield made
    made.stop()


@dataclass
class System:
    """The service as a process, and what publishes facts for it."""

    servers: Servers
    prefix: str
    dsn: str
    publisher: Publisher
    client: httpx.AsyncClient
    eventually: Eventually
    env: dict[str, str]
    port: int
    process: asyncio.subprocess.Process | None = None
    logs: dict[str, UUID] = field(default_factory=lambda: {topic: uuid4() for topic in (CAMPAIGN_EVENTS, CALL_EVENTS)})
    last: dict[UUID, int] = field(default_factory=dict)
    priors: dict[tuple[str, int], int] = field(default_factory=dict)

    async def tell(self, *facts: Fact, workspace: UUID = OURS) -> list[Event[Any]]:
        """Publish facts as their writers do; the events."""
        events = []
        for fact in facts:
            address = address_of(fact)
            log = self.logs[CALL_EVENTS if address.topic == CALL_EVENTS else CAMPAIGN_EVENTS]
            position = self.last.get(log, 0) + 1
            place = (address.topic, partition_of(address.key))
            event = wrap(
                fact,
                log=log,
                position=position,
                prior=self.priors.get(place, 0),
                stream_version=1,
                workspace=workspace,
                correlation_id=None,
                causation_id=None,
            )
            self.last[log] = self.priors[place] = position
            events.append((address.topic, event))
        await self.publisher.publish(events)
        return [event for _, event in events]

    async def start(self, **env: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "webhooks", env={**os.environ, **self.env, **env}
        )
        await self.eventually(self.is_ready, within_seconds=30)

    async def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, "the service has ended"
        try:
            return (await self.client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def end(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(with_signal)
        return await asyncio.wait_for(self.process.wait(), 20)

    async def ask(self, method: str, path: str, *, expect: int = 200, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("headers", token())
        answer = await self.client.request(method, path, **kwargs)
        assert answer.status_code == expect, answer.text
        result: dict[str, Any] = answer.json() if answer.content else {}
        return result

    async def subscribe(self, address: str, types: list[str] = ALL_TYPES, **kwargs: Any) -> dict[str, Any]:
        return await self.ask(
            "PUT", "/v1/webhooks", json={"address": address, "types": types}, **{"expect": 201, **kwargs}
        )

    async def deliveries(self, webhook: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
        """The oldest first."""
        page = await self.ask("GET", f"/v1/webhooks/{webhook['id']}/deliveries", params={"limit": 200, **params})
        items: list[dict[str, Any]] = page["items"]
        return items[::-1]

    async def statuses(self, webhook: dict[str, Any]) -> dict[str, int]:
        """How many deliveries in each status that there is."""
        counts: dict[str, int] = (await self.ask("GET", f"/v1/webhooks/{webhook['id']}"))["deliveries"]
        assert set(counts) == {"pending", "failed", "delivered", "given_up"}
        return {status: count for status, count in counts.items() if count}


StartSystem = Callable[..., Any]


@pytest.fixture
def system(servers: Servers, database: Callable[[], str], topic_prefix: str, eventually: Eventually) -> StartSystem:
    @asynccontextmanager
    async def start(**env: str) -> AsyncIterator[System]:
        port, dsn = free_port(), database()
        variables = {
            "HTTP_PORT": str(port),
            "DATABASE_DSN": dsn,
            "KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
            "TOPIC_PREFIX": topic_prefix,
            "JWT_SECRET": SECRET,
            "WEBHOOK_SIGNING_KEY": "k" * 40,
            "ALLOW_LOCAL_ADDRESSES": "true",
            "FIRST_RETRY_SECONDS": "0.1",
            "LONGEST_RETRY_SECONDS": "0.3",
            "ATTEMPT_TIMEOUT_SECONDS": "2",
            "LOG_LEVEL": "warning",
            **env,
        }
        topics = [topic_prefix + topic for topic in (CAMPAIGN_EVENTS, CALL_EVENTS, SUPPRESSION_EVENTS)]
        await ensure_topics(servers.kafka_bootstrap, topics)
        migrated = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "webhooks", "migrate", env={**os.environ, **variables}
        )
        assert await migrated.wait() == 0
        async with (
            Publisher(servers.kafka_bootstrap, topic_prefix=topic_prefix, client_id="tests") as publisher,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=15) as client,
        ):
            made = System(servers, topic_prefix, dsn, publisher, client, eventually, variables, port)
            try:
                await made.start()
                yield made
            finally:
                if made.process is not None and made.process.returncode is None:
                    made.process.kill()
                    await made.process.wait()

    return start


def now() -> datetime:
    return datetime.now(UTC)


def started(campaign_id: UUID, *, version: int = 1) -> CampaignStarted:
    return CampaignStarted(at=now(), campaign_id=campaign_id, settings_version=version)


# --- told in order ----------------------------------------------------------------------------------------------------


async def test_a_webhook_is_told_the_facts_it_asked_for_signed_and_as_they_are_in_the_topic(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url(), ["CampaignStarted", "CallAnswered", "WorkspacePaused"])
        campaign = uuid4()
        told = await it.tell(
            started(campaign),
            CampaignPaused(at=now(), campaign_id=campaign),
            CallAnswered(at=now(), campaign_id=campaign, contact_id=uuid4(), call_id=uuid4()),
            WorkspacePaused(at=now(), workspace=OURS),
        )
        wanted = {event.id: event for event in told if event.type != "CampaignPaused"}
        await eventually(lambda: len(receiver.answered) == 3)
        assert sorted(receiver.ids()) == sorted(wanted)
        for got in receiver.got:
            assert got.body == encode(wanted[got.id])
            assert got.headers["content-type"] == "application/cloudevents+json"
            assert Webhook(webhook["secret"]).verify(got.body, got.headers)["id"] == got.id
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 3}))
        done = await it.deliveries(webhook)
        assert {one["last_status_code"] for one in done} == {200}
        assert {one["last_response"] for one in done} == {"thanks"}
        assert {one["attempts"] for one in done} == {1}
        metrics = (await it.client.get("/metrics")).text
        assert 'webhooks_attempts_total{result="delivered"} 3.0' in metrics


async def _is(awaitable: Awaitable[Any], wanted: Any) -> bool:
    found = await awaitable
    assert found == wanted, found
    return True


async def test_the_facts_of_a_campaign_come_one_after_the_other_in_order_and_campaigns_do_not_wait_for_each_other(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    stuck, well = uuid4(), [uuid4() for _ in range(5)]
    is_mended = threading.Event()

    def behave(got: Got) -> tuple[int, Mapping[str, str], bytes]:
        if got.event["subject"] == str(stuck) and not is_mended.is_set():
            return 500, {}, b"broken"
        return 200, {}, b""

    receiver.behave = behave
    async with system(MAX_IN_FLIGHT_PER_WEBHOOK="3") as it:
        webhook = await it.subscribe(receiver.url())
        told = await it.tell(
            *(started(campaign, version=n) for n in range(1, 21) for campaign in (stuck, *well)),
        )
        await eventually(lambda: _is(_count(it, webhook, "delivered"), 100), within_seconds=20)
        await eventually(lambda: len([g for g in list(receiver.got) if g.event["subject"] == str(stuck)]) >= 3)
        ids_of_stuck = [event.id for event in told if event.subject == str(stuck)]
        assert {g.id for g in receiver.got if g.event["subject"] == str(stuck)} == {ids_of_stuck[0]}
        first, *rest = await it.deliveries(webhook, campaign_id=str(stuck))
        assert first["status"] == "failed"
        assert (first["last_status_code"], first["last_error"], first["last_response"]) == (
            500,
            "answered 500",
            "broken",
        )
        assert {one["status"] for one in rest} == {"pending"}
        is_mended.set()
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 120}), within_seconds=20)
        for campaign in (stuck, *well):
            of_campaign = [event.id for event in told if event.subject == str(campaign)]
            got = list(dict.fromkeys(g.id for g in receiver.got if g.event["subject"] == str(campaign)))
            assert got == of_campaign
        assert receiver.most_at_once <= 3


async def _count(it: System, webhook: dict[str, Any], status: str) -> int:
    return (await it.statuses(webhook)).get(status, 0)


async def test_what_fails_comes_again_with_the_same_id_later_and_later_and_is_given_up_in_the_end(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.behave = lambda got: (
        (503, {}, b"x" * 10_000) if got.event["data"]["settings_version"] == 1 else (204, {}, b"")
    )
    async with system(GIVE_UP_SECONDS="2") as it:
        webhook = await it.subscribe(receiver.url())
        campaign = uuid4()
        first, second = await it.tell(started(campaign, version=1), started(campaign, version=2))
        await eventually(lambda: _is(it.statuses(webhook), {"given_up": 1, "delivered": 1}), within_seconds=20)
        *tries, last = receiver.got
        assert {got.id for got in tries} == {first.id}
        assert last.id == second.id, "the next one goes out when the one before was given up"
        assert len(tries) >= 4
        assert tries[1].began_at - tries[0].began_at >= 0.08
        given_up, _ = await it.deliveries(webhook)
        assert given_up["attempts"] == len(tries)
        assert given_up["next_at"] is None
        assert len(given_up["last_response"]) == 500, "the answer's beginning, bounded"


async def test_a_redirect_is_not_followed(system: StartSystem, receiver: Receiver, eventually: Eventually) -> None:
    receiver.behave = lambda got: (302, {"location": receiver.url("/elsewhere")}, b"")
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        await it.tell(started(uuid4()))
        await eventually(lambda: len(receiver.got) >= 2)
        assert not receiver.ids("/elsewhere")
        [delivery] = await it.deliveries(webhook)
        assert (delivery["status"], delivery["last_error"]) == ("failed", "a redirect is not followed")


async def test_a_receiver_that_hangs_or_is_away_hinders_no_other(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    is_over = threading.Event()

    def behave(got: Got) -> tuple[int, Mapping[str, str], bytes]:
        if got.path == "/hangs":
            is_over.wait(20)
        return 200, {}, b""

    receiver.behave = behave
    async with system(MAX_IN_FLIGHT_PER_WEBHOOK="2", MAX_IN_FLIGHT="4", ATTEMPT_TIMEOUT_SECONDS="1") as it:
        hangs = await it.subscribe(receiver.url("/hangs"))
        away = await it.subscribe(f"http://127.0.0.1:{free_port()}/")
        well = await it.subscribe(receiver.url("/well"))
        await it.tell(*(started(uuid4()) for _ in range(30)))
        await eventually(lambda: _is(_count(it, well, "delivered"), 30), within_seconds=20)
        await eventually(lambda: _count(it, hangs, "failed"))
        await eventually(lambda: _count(it, away, "failed"))
        assert {one["last_error"] for one in await it.deliveries(hangs, status="failed")} == {
            "no whole answer within 1 s"
        }
        assert all("ConnectError" in one["last_error"] for one in await it.deliveries(away, status="failed"))
        is_over.set()


# --- whatever dies ----------------------------------------------------------------------------------------------------


async def test_a_process_killed_between_the_answer_and_the_commit_tells_it_again_with_the_same_id_and_in_order(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    killed_at, reached = 5, threading.Event()
    go_on = threading.Event()

    def behave(got: Got) -> tuple[int, Mapping[str, str], bytes]:
        if got.event["data"]["settings_version"] == killed_at and not go_on.is_set():
            reached.set()
            go_on.wait(20)
        return 200, {}, b""

    receiver.behave = behave
    async with system(ATTEMPT_TIMEOUT_SECONDS="1") as it:
        webhook = await it.subscribe(receiver.url())
        campaign = uuid4()
        told = await it.tell(*(started(campaign, version=n) for n in range(1, 11)))
        await eventually(reached.is_set)
        await it.end(signal.SIGKILL)
        go_on.set()
        more = await it.tell(started(campaign, version=11))
        await it.start()
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 11}), within_seconds=30)
        wanted = [event.id for event in (*told, *more)]
        assert list(dict.fromkeys(receiver.ids())) == wanted
        repeated = [id_ for id_ in wanted if receiver.ids().count(id_) > 1]
        assert repeated == [wanted[killed_at - 1]]


async def test_a_process_that_is_told_to_stop_finishes_its_attempt(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def behave(_: Got) -> tuple[int, Mapping[str, str], bytes]:
        reached.set()
        go_on.wait(20)
        return 200, {}, b""

    receiver.behave = behave
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        await it.tell(started(uuid4()))
        await eventually(reached.is_set)
        assert it.process is not None
        it.process.send_signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(it.process.wait(), 0.5)
        go_on.set()
        assert await asyncio.wait_for(it.process.wait(), 10) == 0
        await it.start()
        assert await it.statuses(webhook) == {"delivered": 1}
        assert len(receiver.got) == 1


async def test_two_processes_share_the_lanes_and_keep_the_order(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    campaigns = [uuid4() for _ in range(8)]
    async with system(MAX_IN_FLIGHT_PER_WEBHOOK="3") as it:
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "webhooks"),
            env={**os.environ, **it.env, "HTTP_PORT": str(free_port()), "INSTANCE_ID": "1"},
        )
        try:
            webhook = await it.subscribe(receiver.url())
            told = await it.tell(*(started(campaign, version=n) for n in range(1, 26) for campaign in campaigns))
            await eventually(lambda: _is(it.statuses(webhook), {"delivered": 200}), within_seconds=30)
        finally:
            second.terminate()
            await second.wait()
        assert sorted(receiver.ids()) == sorted(event.id for event in told)
        for campaign in campaigns:
            got = [g.id for g in receiver.got if g.event["subject"] == str(campaign)]
            assert got == [event.id for event in told if event.subject == str(campaign)]


async def test_a_fact_that_is_published_again_is_told_once_and_a_gap_stops_the_service(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        campaign = uuid4()
        told = await it.tell(*(started(campaign, version=n) for n in range(1, 4)))
        await it.publisher.publish([(CAMPAIGN_EVENTS, event) for event in told])
        more = await it.tell(started(campaign, version=4))
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 4}))
        assert receiver.ids() == [event.id for event in (*told, *more)]
        it.priors[CAMPAIGN_EVENTS, partition_of(str(campaign))] += 7
        it.last[it.logs[CAMPAIGN_EVENTS]] += 7
        await it.tell(started(campaign, version=5))
        assert it.process is not None
        assert await asyncio.wait_for(it.process.wait(), 20) == 70


# --- since when, to whom ----------------------------------------------------------------------------------------------


async def test_a_webhook_is_told_what_is_decided_from_its_creation_on(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        campaign = uuid4()
        await it.tell(started(campaign))
        await eventually(lambda: _position(it))
        webhook = await it.subscribe(receiver.url())
        # One that was decided long before, and comes only now, as after a time without the service.
        late = CampaignStarted(at=now() - timedelta(hours=1), campaign_id=campaign, settings_version=2)
        _, after = await it.tell(late, started(campaign, version=3))
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 1}))
        assert receiver.ids() == [after.id]


async def _position(it: System) -> bool:
    connection = await asyncpg.connect(it.dsn)
    try:
        return bool(await connection.fetchval("SELECT max(position) FROM positions"))
    finally:
        await connection.close()


async def test_another_workspace_is_told_nothing_and_sees_nothing(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        ours = await it.subscribe(receiver.url("/ours"))
        theirs = await it.subscribe(receiver.url("/theirs"), headers=token(workspace=THEIRS))
        [told] = await it.tell(started(uuid4()))
        [told_them] = await it.tell(started(uuid4()), workspace=THEIRS)
        await eventually(lambda: len(receiver.answered) == 2)
        assert receiver.ids("/ours") == [told.id]
        assert receiver.ids("/theirs") == [told_them.id]
        [only] = (await it.ask("GET", "/v1/webhooks"))["items"]
        assert only["id"] == ours["id"]
        path = f"/v1/webhooks/{theirs['id']}"
        for method, where in (
            ("GET", path),
            ("DELETE", path),
            ("POST", f"{path}/rotate"),
            ("GET", f"{path}/deliveries"),
            ("GET", f"{path}/replays"),
            ("POST", f"{path}/replay"),
        ):
            body = {"json": {"from_position": 0}} if where.endswith("/replay") else {}
            problem = await it.ask(method, where, expect=404, **body)
            assert problem["code"] == "not_found"
        # A delivery of theirs can't be had through a webhook of ours either.
        theirs_done = await it.ask("GET", f"{path}/deliveries", headers=token(workspace=THEIRS))
        asked = {"delivery_id": theirs_done["items"][0]["id"]}
        await it.ask("POST", f"/v1/webhooks/{ours['id']}/replay", json=asked, expect=409)


async def test_admins_write_and_viewers_read(system: StartSystem, receiver: Receiver) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        path = f"/v1/webhooks/{webhook['id']}"
        body = {"address": receiver.url(), "types": ALL_TYPES}
        for role in ("viewer", "operator"):
            headers = token(role=role)
            await it.ask("PUT", "/v1/webhooks", json=body, headers=headers, expect=403)
            await it.ask("DELETE", path, headers=headers, expect=403)
            await it.ask("POST", f"{path}/rotate", headers=headers, expect=403)
            await it.ask("POST", f"{path}/replay", json={"from_position": 0}, headers=headers, expect=403)
            seen = await it.ask("GET", path, headers=headers)
            assert "secret" not in seen
            await it.ask("GET", "/v1/webhooks", headers=headers)
            await it.ask("GET", f"{path}/deliveries", headers=headers)
        await it.ask("GET", "/v1/webhooks", headers={}, expect=401)


# --- a webhook's life -------------------------------------------------------------------------------------------------


async def test_putting_an_address_again_changes_its_types_and_shows_no_secret(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        made = await it.subscribe(receiver.url(), ["CampaignStarted"])
        assert made["secret"].startswith("whsec_")
        changed = await it.subscribe(receiver.url(), ["CampaignPaused"], expect=200)
        assert changed["id"] == made["id"]
        assert changed["secret"] is None
        assert changed["types"] == ["CampaignPaused"]
        campaign = uuid4()
        _, paused = await it.tell(started(campaign), CampaignPaused(at=now(), campaign_id=campaign))
        await eventually(lambda: _is(it.statuses(made), {"delivered": 1}))
        assert receiver.ids() == [paused.id]


async def test_a_rotated_secret_verifies_at_once_and_the_old_one_for_a_day(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        rotated = await it.ask("POST", f"/v1/webhooks/{webhook['id']}/rotate")
        assert rotated["secret"] != webhook["secret"]
        await it.tell(started(uuid4()))
        await eventually(lambda: receiver.answered)
        [got] = receiver.got
        for secret in (webhook["secret"], rotated["secret"]):
            Webhook(secret).verify(got.body, got.headers)
        connection = await asyncpg.connect(it.dsn)
        await connection.execute("UPDATE webhooks SET rotated_at = now() - interval '25 hours'")
        await connection.close()
        await it.tell(started(uuid4()))
        await eventually(lambda: len(receiver.answered) == 2)
        got = receiver.got[-1]
        Webhook(rotated["secret"]).verify(got.body, got.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(webhook["secret"]).verify(got.body, got.headers)


async def test_a_deleted_webhook_is_told_nothing_more(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.behave = lambda got: (500, {}, b"") if got.path == "/gone" else (200, {}, b"")
    async with system() as it:
        gone = await it.subscribe(receiver.url("/gone"))
        stays = await it.subscribe(receiver.url("/stays"))
        campaign = uuid4()
        await it.tell(started(campaign))
        await eventually(lambda: receiver.ids("/gone"))
        await it.ask("DELETE", f"/v1/webhooks/{gone['id']}", expect=204)
        await it.ask("GET", f"/v1/webhooks/{gone['id']}", expect=404)
        await it.tell(started(campaign, version=2))
        await eventually(lambda: _is(it.statuses(stays), {"delivered": 2}))
        connection = await asyncpg.connect(it.dsn)
        assert await connection.fetchval("SELECT count(*) FROM lanes") == 0
        assert await it.end() == 0
        await it.start()  # it forgets at its start, and every ten minutes
        left = "SELECT count(*) FROM webhooks FULL JOIN deliveries ON false FULL JOIN events ON false"
        await eventually(lambda: _is(connection.fetchval(left), 1 + 2 + 2))
        await connection.close()
        # The address is free again, for a webhook of its own.
        again = await it.subscribe(receiver.url("/gone"))
        assert (again["id"] != gone["id"], again["secret"] != gone["secret"]) == (True, True)


async def test_a_workspace_has_a_limit_of_webhooks(system: StartSystem, receiver: Receiver) -> None:
    async with system(MAX_WEBHOOKS="2") as it:
        await it.subscribe(receiver.url("/1"))
        await it.subscribe(receiver.url("/2"))
        problem = await it.subscribe(receiver.url("/3"), expect=409)
        assert (problem["code"], problem["max_webhooks"]) == ("too_many_webhooks", 2)
        await it.subscribe(receiver.url("/2"), ["CampaignPaused"], expect=200)
        await it.subscribe(receiver.url("/3"), headers=token(workspace=THEIRS))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "private": ({"address": "http://10.0.0.1/hook", "types": ["CallEnded"]}, "not public"),
    "link-local": ({"address": "http://169.254.169.254/latest", "types": ["CallEnded"]}, "not public"),
    "scheme": ({"address": "ftp://example.org/", "types": ["CallEnded"]}, "must begin with https:// or http://"),
    "type": ({"address": "http://127.0.0.1:9/", "types": ["CallLost"]}, "is no fact type; allowed: CampaignCreated"),
    "no type": ({"address": "http://127.0.0.1:9/", "types": []}, "at least 1 item"),
    "unknown field": ({"address": "http://127.0.0.1:9/", "types": ["CallEnded"], "secret": "mine"}, "Extra inputs"),
    "no address": ({"types": ["CallEnded"]}, "Field required"),
}


async def test_what_can_not_be_done_is_refused_with_what_is_wrong(system: StartSystem) -> None:
    async with system() as it:
        for name, (body, words) in REFUSED.items():
            problem = await it.ask("PUT", "/v1/webhooks", json=body, expect=422)
            assert words in problem["detail"], name
        assert (await it.ask("GET", "/v1/webhooks"))["items"] == []


async def test_without_the_local_setting_neither_http_nor_loopback_is_called_not_even_what_was_accepted_before(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        assert await it.end() == 0
        await it.start(ALLOW_LOCAL_ADDRESSES="false")
        for address in (receiver.url(), "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0/"):
            await it.subscribe(address, expect=422)
        await it.tell(started(uuid4()))
        await eventually(lambda: _count(it, webhook, "failed"))
        [delivery] = await it.deliveries(webhook)
        assert delivery["last_error"].startswith("forbidden: ")
        assert receiver.got == []


# --- again ------------------------------------------------------------------------------------------------------------


async def test_facts_are_replayed_from_a_position_or_a_time_with_the_same_ids_and_bodies(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        path, campaign = f"/v1/webhooks/{webhook['id']}", uuid4()
        told = await it.tell(*(started(campaign, version=n) for n in range(1, 6)))
        await it.tell(CallAnswered(at=now(), campaign_id=campaign, contact_id=uuid4(), call_id=uuid4()))
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 6}))
        first = {got.id: got.body for got in receiver.got}

        receiver.got.clear()
        asked = {"from_position": told[1].position, "to_position": told[3].position}
        replay = await it.ask("POST", f"{path}/replay", json=asked, expect=202)
        assert replay["deliveries"] == 3
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 9}))
        assert receiver.ids() == [event.id for event in told[1:4]]
        assert {got.id: got.body for got in receiver.got}.items() <= first.items()

        receiver.got.clear()
        times = {"from": told[3].time.isoformat(), "to": told[4].time.isoformat()}
        await it.ask("POST", f"{path}/replay", json=times, expect=202)
        await eventually(lambda: receiver.ids() == [told[3].id])

        receiver.got.clear()
        await it.ask("POST", f"{path}/replay", json={"from_position": 1, "topic": "call-events"}, expect=202)
        await eventually(lambda: [got.event["type"] for got in receiver.got] == ["CallAnswered"])

        receiver.got.clear()
        [one] = [delivery for delivery in await it.deliveries(webhook) if delivery["message_id"] == told[0].id]
        await it.ask("POST", f"{path}/replay", json={"delivery_id": one["id"]}, expect=202)
        await eventually(lambda: receiver.ids() == [told[0].id])

        nothing = await it.ask("POST", f"{path}/replay", json={"from_position": 10_000}, expect=409)
        assert nothing["code"] == "nothing_to_replay"

        async def shown() -> bool:
            replays = (await it.ask("GET", f"{path}/replays"))["items"]
            assert [replay["deliveries"] for replay in replays] == [1, 1, 1, 3]
            assert replays[-1]["asked_for"] == asked
            assert {replay["asked_by"] for replay in replays} == {"ann"}
            return not any(replay["open"] for replay in replays)

        await eventually(shown)


async def test_a_replay_queues_behind_what_is_open_and_not_what_is_open_anyway(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    is_mended = threading.Event()

    def behave(got: Got) -> tuple[int, Mapping[str, str], bytes]:
        is_first = got.event["data"]["settings_version"] == 1
        return (200 if is_first or is_mended.is_set() else 500), {}, b""

    receiver.behave = behave
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        campaign = uuid4()
        told = await it.tell(*(started(campaign, version=n) for n in range(1, 4)))
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 1, "failed": 1, "pending": 1}))
        replay = await it.ask("POST", f"/v1/webhooks/{webhook['id']}/replay", json={"from_position": 0}, expect=202)
        assert replay["deliveries"] == 1
        receiver.got.clear()
        is_mended.set()
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 4}))
        order = [told[1].id, told[2].id, told[0].id]
        assert list(dict.fromkeys(receiver.ids())) == order


async def test_deliveries_are_listed_in_pages_by_status_and_campaign(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    async with system() as it:
        webhook = await it.subscribe(receiver.url())
        path, campaigns = f"/v1/webhooks/{webhook['id']}/deliveries", [uuid4(), uuid4()]
        told = await it.tell(*(started(campaign, version=n) for n in range(1, 4) for campaign in campaigns))
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 6}))
        seen: list[str] = []
        params: dict[str, Any] = {"limit": 4}
        while True:
            page = await it.ask("GET", path, params=params)
            seen += [item["message_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        assert sorted(seen) == sorted(event.id for event in told)
        assert len(await it.deliveries(webhook, campaign_id=str(campaigns[0]))) == 3
        assert await it.deliveries(webhook, status="given_up") == []
        await it.ask("GET", path, params={"cursor": "nonsense"}, expect=422)
        await it.ask("GET", path, params={"status": "lost"}, expect=422)


# --- what is forgotten ------------------------------------------------------------------------------------------------


async def test_what_is_done_is_forgotten_in_time_and_what_is_open_stays(
    system: StartSystem, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.behave = lambda got: (200 if got.event["data"]["settings_version"] == 1 else 500, {}, b"")
    async with system(RETENTION_DAYS="30") as it:
        webhook = await it.subscribe(receiver.url())
        campaign = uuid4()
        await it.tell(started(campaign, version=1), started(campaign, version=2))
        await eventually(lambda: _is(it.statuses(webhook), {"delivered": 1, "failed": 1}))
        connection = await asyncpg.connect(it.dsn)
        await connection.execute("UPDATE deliveries SET done_at = now() - interval '31 days' WHERE done_at IS NOT NULL")
        await connection.execute("UPDATE events SET stored_at = now() - interval '31 days'")
        assert await it.end() == 0
        await it.start()  # it forgets at its start, and every ten minutes
        await eventually(lambda: _is(it.statuses(webhook), {"failed": 1}))
        assert [row["type"] for row in await connection.fetch("SELECT type FROM events")] == ["CampaignStarted"]
        await connection.close()


async def test_a_key_that_is_too_short_is_named_and_not_shown() -> None:
    env = {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "WEBHOOK_SIGNING_KEY": "my-little-secret"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "webhooks", env=env, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert b"WEBHOOK_SIGNING_KEY: Value should have at least 32 items" in stderr
    assert b"my-little-secret" not in stderr
