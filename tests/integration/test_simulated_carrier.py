"""The simulated carrier as its callers meet it: a real process, real HTTP, real webhooks."""

import asyncio
import hashlib
import hmac
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

KEY, SECRET = "the-key", "the-webhook-secret"
SPEED = 40.0
DEADLINE_SECONDS = 15.0

Json = dict[str, Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(what: Callable[[], Awaitable[bool]] | Callable[[], bool], why: str) -> None:
    """Polls until it is so; fails at the deadline, saying what never came."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        so = what()
        if so if isinstance(so, bool) else await so:
            return
        assert time.monotonic() < deadline, f"never: {why}"
        await asyncio.sleep(0.02)


class Receiver:
    """A caller's side: takes webhooks and agents' reports, and answers what it is told to."""

    def __init__(self) -> None:
        self.batches: list[tuple[bytes, str]] = []  # received, answered with 2xx
        self.reports: list[tuple[str, str, Json]] = []
        self.refused = 0
        self.fail_next = 0
        self.report_status = 204
        self.url = ""

    @property
    def events(self) -> list[Json]:
        return [event for body, _ in self.batches for event in json.loads(body)["events"]]

    def of(self, call_id: str) -> list[Json]:
        return [event for event in self.events if event["call_id"] == call_id]

    def ended(self, call_id: str) -> bool:
        return any(event["status"] == "ended" for event in self.of(call_id))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                raw_headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                body = await reader.readexactly(int(headers["content-length"]))
                status = self._take(head.split(" ", 2)[1], headers, raw_headers, body)
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the carrier closed the connection
        finally:
            writer.close()

    def _take(self, path: str, headers: dict[str, str], raw: dict[str, str], body: bytes) -> int:
        if self.fail_next:
            self.fail_next -= 1
            self.refused += 1
            return 500
        if "x-carrier-signature" in headers:
            self.batches.append((body, headers["x-carrier-signature"]))
            return 204
        self.reports.append((path, raw["authorization"], json.loads(body)))
        return self.report_status


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taken = Receiver()
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await taken.serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    taken.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield taken
    server.close()
    for task in list(connections):
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    await server.wait_closed()


class Carrier:
    def __init__(self, ledger: Path, receiver: Receiver, *, speed: float, max_file_bytes: int | None) -> None:
        self.receiver = receiver
        self.max_file_bytes = max_file_bytes
        self.port = free_port()
        self.environment = os.environ | {
            "HTTP_PORT": str(self.port),
            "CARRIER_API_KEY": KEY,
            "CARRIER_WEBHOOK_SECRET": SECRET,
            "CARRIER_SPEED": str(speed),
            "CARRIER_LEDGER": str(ledger),
        }
        self.log = ledger.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", headers={"authorization": f"Bearer {KEY}"}, timeout=5
        )

    async def start(self) -> None:
        await asyncio.to_thread(self._spawn)
        await until(self._ready, "the carrier is ready")

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "simulated_carrier"], env=self.environment, stdout=log, stderr=log
            )
        if self.max_file_bytes is not None:  # a disk that is soon full
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (self.max_file_bytes, self.max_file_bytes))

    async def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """The exit code. In a thread: the receiver must go on answering, or there is nothing to drain to."""
        assert self.process is not None
        self.process.send_signal(with_signal)
        return await asyncio.to_thread(self.process.wait, timeout=12)

    def order(self, suffix: str, **changes: Any) -> Json:
        call_id = str(uuid4())
        return {
            "call_id": call_id,
            "to": f"+4915112{suffix}",
            "from": "+493012345678",
            "ring_timeout_seconds": 20,
            "max_call_seconds": 600,
            "not_after": (datetime.now(UTC) + timedelta(seconds=30)).isoformat(),
            "amd": True,
            "webhook_url": f"{self.receiver.url}/events",
            "agent": {
                "outcome_url": f"{self.receiver.url}/outcome/{call_id}",
                "token": "Token-1",
                "agent_id": "a",
                "prompt": "Hello",
                "context": {"day": "Tuesday"},
            },
            **changes,
        }

    async def place(self, suffix: str, **changes: Any) -> str:
        order = self.order(suffix, **changes)
        answer = await self.http.post("/v1/calls", json=order)
        assert answer.status_code == 201, answer.text
        return str(order["call_id"])

    async def call(self, call_id: str) -> Json:
        answer = await self.http.get(f"/v1/calls/{call_id}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def final(self, call_id: str) -> Json:
        async def ended() -> bool:
            return bool((await self.call(call_id))["final"])

        await until(ended, "the call is final")
        return await self.call(call_id)

    async def ledger(self, **query: int) -> Json:
        answer = await self.http.get("/v1/ledger", params=query)
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        return page

    async def stats(self) -> Json:
        counts: Json = (await self.http.get("/v1/stats")).json()
        return counts

    async def behave(self, **changes: Any) -> Json:
        answer = await self.http.put("/v1/behaviour", json=changes)
        assert answer.status_code == 200, answer.text
        behaviour: Json = answer.json()
        return behaviour


@asynccontextmanager
async def running(
    ledger: Path, receiver: Receiver, *, speed: float = SPEED, max_file_bytes: int | None = None
) -> AsyncIterator[Carrier]:
    carrier = Carrier(ledger, receiver, speed=speed, max_file_bytes=max_file_bytes)
    try:
        await carrier.start()
        yield carrier
    finally:
        if carrier.process is not None and carrier.process.poll() is None:
            carrier.process.kill()
            carrier.process.wait()
        await carrier.http.aclose()


@pytest.fixture
async def carrier(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Carrier]:
    async with running(tmp_path / "ledger.jsonl", receiver) as one:
        yield one


async def test_a_call_runs_its_course_and_its_events_come_signed_and_in_order(
    carrier: Carrier, receiver: Receiver
) -> None:
    call_id = await carrier.place("9900")
    await until(lambda: receiver.ended(call_id), "the call's last event")

    events = receiver.of(call_id)
    assert [event["status"] for event in events] == ["ringing", "answered", "amd", "ended"]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4]
    assert [event["answered_by"] for event in events] == [None, None, "human", "human"]
    assert (events[-1]["sip_code"], events[-1]["q850_cause"]) == (200, 16)
    for body, signature in receiver.batches:
        assert signature == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()

    answered, ended = (datetime.fromisoformat(events[index]["at"]) for index in (1, 3))
    assert events[-1]["duration_seconds"] == pytest.approx((ended - answered).total_seconds(), abs=1e-6)
    found = await carrier.call(call_id)
    assert found["duration_seconds"] == events[-1]["duration_seconds"]
    assert found["sequence"] == 4


async def test_the_agent_reports_before_the_hang_up(carrier: Carrier, receiver: Receiver) -> None:
    call_id = await carrier.place("9903")
    await until(lambda: bool(receiver.reports), "the agent's report")
    path, authorization, body = receiver.reports[0]
    assert path == f"/outcome/{call_id}"
    assert authorization == "Bearer Token-1"
    assert body["outcome"] == "callback"
    final = await carrier.final(call_id)
    ahead = datetime.fromisoformat(body["callback_at"]) - datetime.fromisoformat(final["ended_at"])
    assert ahead < timedelta(seconds=3 / SPEED)  # three simulated seconds after the report, which came before the end


async def test_a_report_is_made_again_after_5xx_and_dropped_after_4xx(carrier: Carrier, receiver: Receiver) -> None:
    receiver.report_status = 503
    call_id = await carrier.place("9900")
    await until(lambda: len(receiver.reports) >= 2, "a second try")
    receiver.report_status = 409

    async def refused() -> bool:
        return bool((await carrier.stats())["agent_refused"] == 1)

    await until(refused, "the refusal is counted")
    assert {path for path, _, _ in receiver.reports} == {f"/outcome/{call_id}"}


async def test_the_same_call_id_rings_once(carrier: Carrier) -> None:
    order = carrier.order("9900")
    answers = await asyncio.gather(*(carrier.http.post("/v1/calls", json=order) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.text for answer in answers}) == 1
    page = await carrier.ledger()
    assert page["total"] == 1
    assert page["entries"][0]["requests"] == 10


async def test_a_known_call_id_is_answered_even_after_its_not_after(carrier: Carrier) -> None:
    order = carrier.order("9900")
    first = await carrier.http.post("/v1/calls", json=order)
    order["not_after"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    again = await carrier.http.post("/v1/calls", json=order)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


async def test_what_arrives_after_its_not_after_leaves_no_trace(carrier: Carrier) -> None:
    order = carrier.order("9900", not_after=(datetime.now(UTC) - timedelta(milliseconds=1)).isoformat())
    answer = await carrier.http.post("/v1/calls", json=order)
    assert answer.status_code == 409
    assert answer.json()["code"] == "expired"
    assert (await carrier.ledger())["total"] == 0
    unknown = await carrier.http.get(f"/v1/calls/{order['call_id']}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_call")


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("refuse_429", 429, "rate_limited"), ("refuse_503", 503, "unavailable")]
)
async def test_a_refused_call_does_not_ring(
    carrier: Carrier, receiver: Receiver, fault: str, status: int, code: str
) -> None:
    await carrier.behave(faults={fault: 1})
    order = carrier.order("9930")
    answer = await carrier.http.post("/v1/calls", json=order)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert int(answer.headers["retry-after"]) >= 1
    assert (await carrier.ledger())["total"] == 0

    await carrier.behave(faults={fault: 0})
    accepted = await carrier.http.post("/v1/calls", json=order)
    assert accepted.status_code == 201
    await until(lambda: receiver.ended(order["call_id"]), "the call that was accepted")
    assert {event["call_id"] for event in receiver.events} == {order["call_id"]}


async def test_a_call_whose_answer_was_lost_rings_once_and_get_tells(carrier: Carrier, receiver: Receiver) -> None:
    await carrier.behave(faults={"lose_answer_after_placing": 1})
    orders = [carrier.order(f"{index}9910") for index in range(10, 22)]

    async def ask(order: Json) -> str:
        try:
            answer = await carrier.http.post("/v1/calls", json=order, timeout=1)
        except httpx.TransportError as error:
            return type(error).__name__
        return str(answer.status_code)

    # Some are held until the caller gives up, some are cut: none is answered.
    seen = set(await asyncio.gather(*(ask(order) for order in orders)))
    assert "ReadTimeout" in seen
    assert seen & {"ReadError", "RemoteProtocolError"}
    assert seen <= {"ReadTimeout", "ReadError", "RemoteProtocolError"}
    for order in orders:
        assert (await carrier.final(order["call_id"]))["answered_by"] == "machine"
        assert await ask(order) == "200"
    page = await carrier.ledger()
    assert page["total"] == len(orders)
    assert {entry["requests"] for entry in page["entries"]} == {2}
    for order in orders:
        assert [event["status"] for event in receiver.of(order["call_id"])].count("ringing") == 1
    assert "error" not in carrier.log.read_text().lower()


async def test_events_come_again_and_in_order_when_the_receiver_fails(carrier: Carrier, receiver: Receiver) -> None:
    receiver.fail_next = 3
    call_ids = [await carrier.place(f"{index}9910") for index in range(10, 15)]
    await until(lambda: all(receiver.ended(call_id) for call_id in call_ids), "all last events")
    assert receiver.refused == 3
    for call_id in call_ids:
        assert [event["sequence"] for event in receiver.of(call_id)] == [1, 2, 3, 4]


async def test_hanging_up_before_and_after_the_answer(carrier: Carrier, receiver: Receiver) -> None:
    await carrier.behave(speed=1)
    ringing = await carrier.place("9920", ring_timeout_seconds=600)
    answer = await carrier.http.post(f"/v1/calls/{ringing}/hangup")
    assert answer.status_code == 202
    cancelled = await carrier.call(ringing)
    assert (cancelled["final"], cancelled["sip_code"], cancelled["reason"]) == (True, 487, "hangup")
    assert cancelled["duration_seconds"] is None

    await carrier.behave(speed=SPEED)
    talking = await carrier.place("9980")

    async def answered() -> bool:
        return bool((await carrier.call(talking))["status"] == "answered")

    await until(answered, "the call is answered")
    await carrier.http.post(f"/v1/calls/{talking}/hangup")
    again = await carrier.http.post(f"/v1/calls/{talking}/hangup")
    assert again.status_code == 202
    over = await carrier.call(talking)
    assert (over["sip_code"], over["q850_cause"], over["reason"]) == (200, 16, "hangup")
    await until(lambda: receiver.ended(talking) and receiver.ended(ringing), "both last events")
    assert [event["status"] for event in receiver.of(ringing)] == ["ringing", "ended"]
    assert (await carrier.http.post(f"/v1/calls/{uuid4()}/hangup")).status_code == 404


async def test_max_live_is_the_most_calls_live_at_once(carrier: Carrier) -> None:
    calls = [await carrier.place(f"{index}9980") for index in range(10, 17)]
    for call_id in calls:
        await carrier.http.post(f"/v1/calls/{call_id}/hangup")
    stats = await carrier.stats()
    assert (stats["live"], stats["max_live"], stats["total"], stats["requests"]) == (0, 7, 7, 7)
    await carrier.http.post("/v1/stats/reset")
    await carrier.place("9980")
    assert (await carrier.stats())["max_live"] == 1


async def test_a_dropped_event_is_told_by_get(carrier: Carrier, receiver: Receiver) -> None:
    await carrier.behave(faults={"drop_event": 1})
    dropped = await carrier.place("9930")
    assert (await carrier.final(dropped))["sip_code"] == 486
    await carrier.behave(faults={"drop_event": 0})
    silent, heard = await carrier.place("9990"), await carrier.place("9910")
    assert (await carrier.final(silent))["answered_by"] == "human"
    await until(lambda: receiver.ended(heard), "the events of another call")
    assert {event["call_id"] for event in receiver.events} == {heard}


async def test_reordered_and_repeated_events_are_the_same_events(carrier: Carrier, receiver: Receiver) -> None:
    await carrier.behave(faults={"reorder_events": 1, "repeat_event": 1})
    call_id = await carrier.place("9910")

    def all_came() -> bool:
        return {event["sequence"] for event in receiver.of(call_id)} == {1, 2, 3, 4} and len(receiver.of(call_id)) > 4

    await until(all_came, "every event, and a repeated one")
    events = receiver.of(call_id)
    assert [event["sequence"] for event in events] != sorted(event["sequence"] for event in events)
    assert len({event["event_id"] for event in events}) == 4


async def test_a_late_verdict_comes_after_the_end(carrier: Carrier, receiver: Receiver) -> None:
    call_id = await carrier.place("9911")
    await until(lambda: len(receiver.of(call_id)) == 4, "the late verdict")
    assert [event["status"] for event in receiver.of(call_id)] == ["ringing", "answered", "ended", "amd"]
    assert [event["answered_by"] for event in receiver.of(call_id)] == [None, None, None, "machine"]


async def test_every_fault_at_once_rings_each_call_once(carrier: Carrier) -> None:
    await carrier.behave(
        speed=200,
        faults={
            "lose_answer_after_placing": 0.2,
            "refuse_429": 0.1,
            "refuse_503": 0.1,
            "repeat_event": 0.2,
            "reorder_events": 0.2,
            "delay_events_seconds": [0, 2],
            "drop_event": 0.2,
            "late_amd": 0.2,
        },
    )

    async def insist(order: Json) -> None:
        for _ in range(50):
            try:
                answer = await carrier.http.post("/v1/calls", json=order, timeout=0.5)
            except httpx.TransportError:
                continue
            if answer.status_code in (200, 201):
                return
        raise AssertionError("never accepted")

    orders = [carrier.order(f"{index:06d}1") for index in range(60)]
    for start in range(0, len(orders), 20):
        await asyncio.gather(*(insist(order) for order in orders[start : start + 20]))
    for order in orders:
        await carrier.final(order["call_id"])
    page = await carrier.ledger()
    assert sorted(entry["call_id"] for entry in page["entries"]) == sorted(order["call_id"] for order in orders)


async def test_the_ledger_is_read_in_pages(carrier: Carrier) -> None:
    before = time.monotonic()
    calls = [await carrier.place(f"{index}9950") for index in range(10, 15)]
    after, seen, times = 0, [], []
    while True:
        page = await carrier.ledger(after=after, limit=2)
        seen += [entry["call_id"] for entry in page["entries"]]
        times += [entry["monotonic_arrived"] for entry in page["entries"]]
        assert page["total"] == 5
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == calls
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= time.monotonic()
    assert (await carrier.ledger(after=5)) == {"entries": [], "next": None, "total": 5}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_keeps_the_ledger_and_ends_what_was_live(
    tmp_path: Path, receiver: Receiver, how: signal.Signals
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    async with running(ledger, receiver) as carrier:
        done = carrier.order("9930")
        assert (await carrier.http.post("/v1/calls", json=done)).status_code == 201
        await carrier.final(done["call_id"])
        answered = await carrier.place("9980")

        async def is_answered() -> bool:
            return bool((await carrier.call(answered))["status"] == "answered")

        await until(is_answered, "a call is answered")
        await carrier.behave(speed=0.01)
        ringing = await carrier.place("9920")
        before = (await carrier.ledger())["entries"]
        assert await carrier.stop(how) == (0 if how is signal.SIGTERM else -signal.SIGKILL)

        await carrier.start()
        entries = (await carrier.ledger())["entries"]
        assert entries[0] == before[0]
        same = ("n", "call_id", "to", "from", "arrived_at", "monotonic_arrived", "answered_at")
        assert [[entry[name] for name in same] for entry in entries] == [
            [entry[name] for name in same] for entry in before
        ]
        never_answered, was_answered = await carrier.call(ringing), await carrier.call(answered)
        assert (never_answered["final_status"], never_answered["sip_code"]) == ("carrier_error", 503)
        assert (was_answered["final_status"], was_answered["sip_code"]) == ("completed", 200)
        assert was_answered["duration_seconds"] > 0
        await until(lambda: receiver.ended(ringing) and receiver.ended(answered), "the ends are told")
        again = await carrier.http.post("/v1/calls", json=done)
        assert again.status_code == 200
        assert (await carrier.ledger())["total"] == 3


async def test_a_line_cut_short_by_a_kill_is_forgotten_and_a_foreign_one_refused(
    tmp_path: Path, receiver: Receiver
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    async with running(ledger, receiver) as carrier:
        await carrier.final(await carrier.place("9930"))
        assert await carrier.stop() == 0
        whole = ledger.read_bytes()
        ledger.write_bytes(whole + b'{"n":2,"call_id":"4c1f')
        await carrier.start()
        assert (await carrier.ledger())["total"] == 1
        await carrier.place("9950")
        assert await carrier.stop() == 0
        await carrier.start()
        assert (await carrier.ledger())["total"] == 2
        assert await carrier.stop() == 0
        ledger.write_bytes(b'{"n":1}\n' + whole)
        refused = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "simulated_carrier"],
            env=carrier.environment,
            capture_output=True,
            timeout=10,
        )
        assert refused.returncode == 70
        assert b"line 1" in refused.stdout


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"to": "0151 123"}, "to"),
        ({"from": "+0123456"}, "from"),
        ({"ring_timeout_seconds": 0}, "ring_timeout_seconds"),
        ({"not_after": "2026-01-01T00:00:00"}, "not_after"),
        ({"call_id": "one"}, "call_id"),
        ({"webhook_url": "ftp://somewhere"}, "webhook_url"),
        ({"agent": {}}, "agent.outcome_url"),
        ({"something_else": 1}, "something_else"),
        ({"agent": {"token": "two\r\nlines"}}, "agent.token"),
    ],
)
async def test_an_invalid_call_is_refused_saying_where(carrier: Carrier, change: Json, where: str) -> None:
    answer = await carrier.http.post("/v1/calls", json=carrier.order("9900", **change))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid")
    assert where in [".".join(error["loc"]) for error in problem["errors"]]
    assert (await carrier.ledger())["total"] == 0


async def test_a_call_that_cannot_be_written_down_does_not_ring(tmp_path: Path, receiver: Receiver) -> None:
    async with running(tmp_path / "ledger.jsonl", receiver, speed=0.01, max_file_bytes=2_300) as carrier:
        refused = None
        placed = 0
        while refused is None:
            answer = await carrier.http.post("/v1/calls", json=carrier.order("9920"))
            placed += answer.status_code == 201
            refused = None if answer.status_code == 201 else answer
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert (await carrier.ledger())["total"] == placed > 0
        assert (await carrier.http.get("/readyz")).status_code == 503


async def test_a_body_that_is_too_large_is_refused(carrier: Carrier) -> None:
    order = carrier.order("9900")
    order["agent"]["prompt"] = "x" * 300_000
    answer = await carrier.http.post("/v1/calls", json=order)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert (await carrier.ledger())["total"] == 0


async def test_behaviour_changes_in_part_or_not_at_all(carrier: Carrier) -> None:
    before = (await carrier.http.get("/v1/behaviour")).json()
    changed = await carrier.behave(seed=7, weights={"machine": 3}, faults={"drop_event": 0.5})
    assert changed == before | {
        "seed": 7,
        "weights": before["weights"] | {"machine": 3},
        "faults": before["faults"] | {"drop_event": 0.5},
    }
    for wrong in ({"faults": {"drop_event": 2}}, {"colour": "red"}, {"faults": 1}, [1]):
        refused = await carrier.http.put("/v1/behaviour", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert (await carrier.http.get("/v1/behaviour")).json() == changed


async def test_only_who_has_the_key_may_ask(carrier: Carrier) -> None:
    for headers in ({"authorization": ""}, {"authorization": "Bearer other"}):
        for method, path in (("POST", "/v1/calls"), ("GET", "/v1/ledger"), ("PUT", "/v1/behaviour")):
            answer = await carrier.http.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_health_and_figures_and_documentation(carrier: Carrier) -> None:
    await carrier.place("9980")
    assert (await carrier.http.get("/livez")).status_code == 200
    metrics = (await carrier.http.get("/metrics")).text
    assert "carrier_live_calls 1.0" in metrics
    assert "carrier_accepted_total 1.0" in metrics
    documented = (await carrier.http.get("/openapi.json")).json()
    body = documented["paths"]["/v1/calls"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"].keys() == body["schema"]["properties"].keys()


async def test_no_number_is_logged(carrier: Carrier, receiver: Receiver) -> None:
    receiver.fail_next = 1
    call_id = await carrier.place("9900")
    await carrier.http.post("/v1/calls", json=carrier.order("9900", to="0151123456"))
    await until(lambda: receiver.ended(call_id), "the call's last event")
    assert await carrier.stop() == 0
    lines = carrier.log.read_text()
    assert [json.loads(line)["event"] for line in lines.splitlines()][-1] == "stopped"
    assert "+49" not in lines
    assert "0151123456" not in lines


def test_there_is_nothing_to_migrate() -> None:
    done = subprocess.run([sys.executable, "-m", "simulated_carrier", "migrate"], capture_output=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


# ---- calls that come in


class Customer:
    """Whom the carrier asks about calls that come in: answers what it is told to."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.reply: Json | None = {"reply": "answer"}
        self.not_after_seconds = 5.0
        self.asked: list[tuple[Json, bytes, str]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        call = json.loads(body)
        self.asked.append((call, body, headers["x-carrier-signature"]))
        if self.reply is not None:
            answer = json.dumps(self._answer(call["call_id"])).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(answer) + answer)
            await writer.drain()
        writer.close()

    def _answer(self, call_id: str) -> Json:
        assert self.reply is not None
        if self.reply["reply"] != "answer":
            return self.reply
        return {
            "not_after": (datetime.now(UTC) + timedelta(seconds=self.not_after_seconds)).isoformat(),
            "max_call_seconds": 600,
            "webhook_url": f"{self._receiver.url}/events",
            "agent": {
                "outcome_url": f"{self._receiver.url}/outcome/{call_id}",
                "token": "Token-1",
                "agent_id": "a",
                "prompt": "Hello",
                "context": {},
            },
            **self.reply,
        }


@pytest.fixture
async def customer(receiver: Receiver) -> AsyncIterator[Customer]:
    asked = Customer(receiver)
    server = await asyncio.start_server(asked.serve, "127.0.0.1", 0)
    asked.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/inbound"
    yield asked
    server.close()
    await server.wait_closed()


async def _ring(carrier: Carrier, customer: Customer, caller: str | None, **more: Any) -> Json:
    wanted = {"from": caller, "to": "+493012345678", "inbound_url": customer.url, **more}
    answer = await carrier.http.post("/v1/inbound-calls", json=wanted)
    assert answer.status_code == 201, answer.text
    rung: Json = answer.json()
    return rung


async def test_a_call_that_comes_in_is_answered_when_the_customer_says_so(
    carrier: Carrier, receiver: Receiver, customer: Customer
) -> None:
    rung = await _ring(carrier, customer, "+4915112349900")
    assert (rung["reply"], rung["status"]) == ("answer", "answered")
    call_id = rung["call_id"]
    ((call, body, signature),) = customer.asked
    assert (call["call_id"], call["from"], call["to"]) == (call_id, "+4915112349900", "+493012345678")
    assert signature == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    await until(lambda: receiver.ended(call_id), "the call's last event")
    assert [event["status"] for event in receiver.of(call_id)] == ["answered", "ended"]
    ((path, token, report),) = receiver.reports
    assert (path, token, report["outcome"]) == (f"/outcome/{call_id}", "Bearer Token-1", "goal_met")
    (entry,) = (await carrier.ledger())["entries"]
    assert (entry["direction"], entry["from"], entry["final_status"]) == ("inbound", "+4915112349900", "completed")


@pytest.mark.parametrize(
    ("reply", "final_status", "sip_code"),
    [
        ({"reply": "busy"}, "busy", 486),
        ({"reply": "reject"}, "declined", 603),
        ({"reply": "message", "message_id": "closed-1"}, "declined", 603),
        ({"reply": "dance"}, "no_answer", 480),
        (None, "no_answer", 480),
    ],
)
async def test_nobody_picks_up_where_the_customer_does_not_say_so(
    carrier: Carrier, customer: Customer, reply: Json | None, final_status: str, sip_code: int
) -> None:
    customer.reply = reply
    rung = await _ring(carrier, customer, "+4915112349900")
    assert rung["status"] == "ended"
    call = await carrier.call(rung["call_id"])
    assert (call["final_status"], call["sip_code"], call["answered_at"]) == (final_status, sip_code, None)


async def test_no_agent_picks_up_after_the_permit_has_expired(carrier: Carrier, customer: Customer) -> None:
    customer.not_after_seconds = -0.001
    rung = await _ring(carrier, customer, "+4915112349900")
    assert (await carrier.call(rung["call_id"]))["answered_at"] is None


@pytest.mark.parametrize("how", [{"caller": "+4915112349920"}, {"caller": "+4915112349900", "talk": "gives_up"}])
async def test_a_caller_may_hang_up_before_the_answer(
    carrier: Carrier, receiver: Receiver, customer: Customer, how: Json
) -> None:
    rung = await _ring(carrier, customer, **how)
    await until(lambda: receiver.ended(rung["call_id"]), "the call's last event")
    (event,) = receiver.of(rung["call_id"])
    assert (event["status"], event["sip_code"]) == ("ended", 487)


async def test_a_caller_may_withhold_the_number(carrier: Carrier, customer: Customer) -> None:
    customer.reply = {"reply": "reject"}
    await _ring(carrier, customer, None)
    assert customer.asked[0][0]["from"] is None
    assert (await carrier.ledger())["entries"][0]["from"] == "anonymous"


async def test_calls_that_come_in_leave_what_is_drawn_for_placed_ones_as_it_is(
    carrier: Carrier, customer: Customer
) -> None:
    """9921 is not picked up at the first call and a talk at the second, whoever rang from there meanwhile."""
    first = await carrier.final(await carrier.place("9921"))
    rung = await _ring(carrier, customer, "+49151129921", talk="human_goal_met")
    await carrier.final(rung["call_id"])
    second = await carrier.final(await carrier.place("9921"))
    assert (first["final_status"], second["final_status"]) == ("no_answer", "completed")


async def test_a_call_that_came_in_is_hung_up_like_any_other(carrier: Carrier, customer: Customer) -> None:
    rung = await _ring(carrier, customer, "+4915112349980")
    answer = await carrier.http.post(f"/v1/calls/{rung['call_id']}/hangup")
    assert answer.status_code == 202
    assert (await carrier.call(rung["call_id"]))["reason"] == "hangup"


async def test_nobody_rings_where_nobody_is_there_to_ask(carrier: Carrier) -> None:
    answer = await carrier.http.post("/v1/inbound-calls", json={"from": "+4915112349900", "to": "+493012345678"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert (await carrier.ledger())["total"] == 0
