"""Inbound campaigns through the whole system: who rings is answered or not, becomes a contact and a call, and is
counted; and nobody is answered after a pause has been answered."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import ALL_DAY, System

LINE = "+493023125777"
Start = Callable[..., System]


def _open(system: System, *, line: str = LINE, **changes: Any) -> str:
    campaign_id = system.create(name="Support", type="inbound", caller_numbers=[line], **changes)
    system.order(campaign_id, "start")
    # Until the dialer knows, callers meet the set answer.
    _until(lambda: _dialing(system, campaign_id)["state"] == "answering")
    return campaign_id


def _until(condition: Callable[[], Any], *, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = condition()
        except httpx.HTTPError:
            answer = None
        if answer:
            return answer
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def _dialing(system: System, campaign_id: str) -> dict[str, Any]:
    answer = system.client.get(f"{system.url('dialer')}/v1/dialing/{campaign_id}")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def _ring(system: System, caller: str | None, *, line: str = LINE, **more: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{system.url('simulated-carrier')}/v1/inbound-calls",
        json={"from": caller, "to": line, **more},
        headers={"Authorization": f"Bearer {system.stack.secret('CARRIER_API_KEY')}"},
        timeout=15,
    )
    assert answer.status_code == 201, answer.text
    rung: dict[str, Any] = answer.json()
    return rung


def _until_more_are_answered(system: System, count: int) -> None:
    def answered() -> int:
        return sum(1 for entry in system.ledger() if entry["answered_at"])

    before = answered()
    _until(lambda: answered() >= before + count, seconds=60)


def _caller(index: int, ending: str) -> str:
    return f"+49302{index:04d}{ending}"


def test_who_rings_is_answered_counted_and_spared_a_call(start_system: Start) -> None:
    system = start_system()
    support = _open(system, limits={"max_simultaneous_calls": 3}, custom_prompt="Help them.")
    # An outbound campaign that will not ring anybody by itself, since its only window is on another day.
    far_day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    joined, other = _caller(1, "9900"), _caller(2, "9901")
    outbound = system.create(
        schedule={"time_zone": "UTC", "use_callee_time_zone": False, "weekly": {far_day: [["10:00", "11:00"]]}}
    )
    system.add(outbound, [joined, other])
    system.order(outbound, "start")

    callers = [joined, other, _caller(3, "9902"), _caller(4, "9903"), _caller(5, "9904"), _caller(6, "9920")]
    for caller in callers:
        assert _ring(system, caller)["reply"] == "answer"
        _until(lambda: all(one["status"] != "in_progress" for one in system.contacts(support).values()))
    contacts = system.contacts(support)
    assert {number: contact["status"] for number, contact in contacts.items()} == dict(
        zip(callers, ["completed", "failed", "do_not_call", "rescheduled", "completed", "no_answer"], strict=True)
    )

    view = system.wait(support, lambda row: row["figures"]["received"] == 6)
    figures = view["figures"]
    assert (figures["placed"], figures["answered"], figures["reached"], figures["progress"]) == (None, 5, 5, None)
    assert figures["answer_rate"] == pytest.approx(5 / 6)
    analytics = system.read(f"/v1/campaigns/{support}/analytics")
    assert sum(day["received"] for day in analytics["days"]) == 6

    # Who waited in the outbound campaign had the talk already: it ends by itself, without a call.
    ended = system.wait(outbound, lambda row: row["status"] == "completed")
    assert (ended["figures"]["placed"], ended["figures"]["reached"], ended["figures"]["answered"]) == (0, 2, 0)
    assert (ended["contacts"]["completed"], ended["contacts"]["failed"]) == (1, 1)
    assert system.calls(outbound) == []

    calls = system.calls(support)
    assert {call["kind"] for call in calls} == {"inbound"}
    one = next(call for call in calls if call["number"] == joined)
    assert (one["caller_number"], one["outcome"], one["conversation"], one["turned_away"]) == (
        LINE,
        "human",
        "goal_met",
        None,
    )
    assert one["contact_id"] == contacts[joined]["contact_id"]
    told = system.command(
        "GET", f"/v1/campaigns/{support}/contacts/{contacts[joined]['contact_id']}/timeline", expect=200
    )
    assert "The person rang (call 1)" in str(told["entries"])
    theirs = system.contacts(outbound)[joined]["contact_id"]
    told = system.command("GET", f"/v1/campaigns/{outbound}/contacts/{theirs}/timeline", expect=200)
    assert "The person rang an inbound campaign" in str(told["entries"])
    results = system.client.get(f"{system.url('campaign-command')}/v1/campaigns/{support}/results.csv")
    assert (results.status_code, results.text.count("\n")) == (200, 7)

    # Paused: a set answer, in the history and counted, but nobody's call.
    system.order(support, "pause")
    assert _ring(system, joined)["reply"] == "reject"
    _until(lambda: _dialing(system, support)["turned_away_today"] == 1)
    away = next(call for call in system.calls(support) if call["turned_away"])
    assert (away["number"], away["outcome"]) == (joined, "not_placed")
    assert away["turned_away"] in ("paused", "not_running")
    message = {"inbound": {"when_closed": "message", "message_id": "closed-1"}}
    system.command("PATCH", f"/v1/campaigns/{support}", json=message, expect=200)
    _until(lambda: _ring(system, None)["message_id"] == "closed-1")

    # Out of hours, with the next opening.
    closed = {"time_zone": "UTC", "weekly": dict.fromkeys(ALL_DAY) | {far_day: [["10:00", "11:00"]]}}
    system.command("PATCH", f"/v1/campaigns/{support}", json={"schedule": closed}, expect=200)
    system.order(support, "resume")
    status = _until(lambda: (s := _dialing(system, support))["reason"] == "outside_hours" and s)
    assert (status["state"], status["live_calls"]) == ("closed", 0)
    assert datetime.fromisoformat(status["waiting_until"]) > datetime.now(UTC)
    assert _ring(system, other)["reply"] == "message"
    assert system.read(f"/v1/campaigns/{support}")["figures"]["received"] == 6
    assert not any(system.problems(support)[check] for check in ("sum", "log", "once", "history"))


def test_as_many_are_answered_at_once_as_there_are_lines(start_system: Start) -> None:
    system = start_system()
    support = _open(system, limits={"max_simultaneous_calls": 2})
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: _ring(system, _caller(n, "9980"))["reply"], range(8)))
    assert sorted(replies) == ["answer"] * 2 + ["busy"] * 6
    assert _dialing(system, support)["reason"] == "all_lines_busy"
    live = [call for call in system.calls(support) if call["turned_away"] is None]
    for call in live:
        url = f"{system.url('dialer')}/v1/calls/{call['id']}/hangup"
        assert _until(partial(system.client.post, url)).is_success
    _until(lambda: _dialing(system, support)["live_calls"] == 0)
    assert _ring(system, _caller(9, "9900"))["reply"] == "answer"


def test_nobody_is_answered_after_a_pause_has_been_answered(start_system: Start) -> None:
    system = start_system()
    support = _open(system, limits={"max_simultaneous_calls": 500})
    index, stopping, lock = iter(range(100_000)), threading.Event(), threading.Lock()

    def keep_ringing() -> None:
        while not stopping.is_set():
            with lock:
                n = next(index)
            _ring(system, _caller(n, "9900"))

    silences: list[tuple[datetime, datetime]] = []
    with ThreadPoolExecutor(4) as pool:
        ringing = [pool.submit(keep_ringing) for _ in range(4)]
        try:
            for _ in range(4):
                _until_more_are_answered(system, 4)
                system.order(support, "pause")
                answered_at = datetime.now(UTC)
                time.sleep(0.7)
                silences.append((answered_at, datetime.now(UTC)))
                system.order(support, "resume")
                _until(lambda: _dialing(system, support)["state"] == "answering")
        finally:
            stopping.set()
        for one in ringing:
            one.result()
    answered = [datetime.fromisoformat(e["answered_at"]) for e in system.ledger() if e["answered_at"]]
    assert len(answered) >= 16
    assert [at for at in answered for began, ended in silences if began < at < ended] == []


def test_no_caller_is_lost_when_the_dialer_is_killed(start_system: Start) -> None:
    system = start_system()
    support = _open(system, limits={"max_simultaneous_calls": 500})
    index, stopping, lock = iter(range(100_000)), threading.Event(), threading.Lock()

    def keep_ringing() -> None:
        while not stopping.is_set():
            with lock:
                n = next(index)
            _ring(system, _caller(n, "9900"))

    with ThreadPoolExecutor(4) as pool:
        ringing = [pool.submit(keep_ringing) for _ in range(4)]
        try:
            for _ in range(2):
                _until_more_are_answered(system, 6)
                system.stack.kill("dialer")  # it is started again
        finally:
            stopping.set()
        for one in ringing:
            one.result()
    _until(lambda: all(c["status"] != "in_progress" for c in system.contacts(support).values()), seconds=60)
    answered = {e["from"] for e in system.ledger() if e["answered_at"]}
    contacts = system.contacts(support)
    assert len(answered) >= 12
    assert {contacts[number]["status"] for number in answered} == {"completed"}
    view = system.wait(support, lambda row: row["figures"]["answered"] == len(answered))
    assert view["figures"]["received"] >= len(answered)
    assert not any(system.problems(support)[check] for check in ("sum", "log", "once", "history"))
