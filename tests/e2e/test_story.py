"""The whole story over HTTP: a campaign runs to its end, is paused, cancelled, survives crashes, and keeps secrets."""

import asyncio
import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS
from local_stack import checks
from tests.e2e.conftest import System

CONTACTS = Path(__file__).parents[2] / "samples" / "contacts-1000.csv"
# Ranges that the French regulator keeps for fiction; the simulated carrier behaves by the last four digits.
FICTION = ("+3319900", "+3326191", "+3335301", "+3346571", "+3353649")
ENDS = {
    "9900": ("completed", "goal_met", 1),
    "9901": ("failed", "goal_not_met", 1),
    "9902": ("do_not_call", "asked", 1),
    "9904": ("completed", "answered", 1),
    "9910": ("voicemail", "machine", 1),
    "9911": ("voicemail", "machine", 1),
    "9920": ("no_answer", "no_answer", 3),
    "9921": ("completed", "goal_met", 2),
    "9930": ("no_answer", "busy", 3),
    "9940": ("no_answer", "declined", 2),
    "9950": ("failed", "invalid_number", 1),
    "9960": ("failed", "blocked", 1),
    "9961": ("do_not_call", "asked", 1),
    "9970": ("failed", "carrier_error", 0),
    "9971": ("completed", "goal_met", 1),
    "9990": ("completed", "answered", 1),
}
# A callback is asked for again at each call, until the budget and the one callback over it are spent.
CALLBACKS = {"9903": ("failed", "callback_not_possible", 4), "9905": ("failed", "callback_not_possible", 4)}


def numbers(*, ranges: int = len(FICTION), ends: tuple[str, ...] = (*ENDS, *CALLBACKS)) -> list[str]:
    """Numbers of fiction whose behaviour is known."""
    return [prefix + end for prefix in FICTION[:ranges] for end in ends]


def import_file(system: System, campaign_id: str, body: bytes) -> dict[str, object]:
    """Upload a CSV and wait for its import."""
    answer = system.command(
        "POST", f"/v1/campaigns/{campaign_id}/imports", content=body, headers={"Content-Type": "text/csv"}, expect=202
    )
    deadline = time.monotonic() + 30
    while answer["state"] in ("uploading", "queued", "running"):
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
        answer = system.command("GET", f"/v1/imports/{answer['import_id']}", expect=200)
    return answer


def test_each_contact_ends_as_the_outcome_table_says_and_the_figures_equal_the_log(
    start_system: Callable[..., System],
) -> None:
    system = start_system()
    campaign_id = system.create()
    body = "phone_number,first_name\n" + "".join(f"{number},Ada\n" for number in numbers()) + "12,Bob\n"
    imported = import_file(system, campaign_id, body.encode())
    assert (imported["accepted"], imported["rejected"]) == (len(numbers()), 1)
    system.order(campaign_id, "start")

    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))

    contacts = system.contacts(campaign_id)
    found = {number: (c["status"], c["reason"], c["attempt"]) for number, c in contacts.items()}
    assert found == {number: {**ENDS, **CALLBACKS}[number[-4:]] for number in numbers()}
    assert not any(system.problems(campaign_id).values())
    stats = system.client.get(
        system.url("simulated-carrier") + "/v1/stats",
        headers={"Authorization": f"Bearer {system.stack.secret('CARRIER_API_KEY')}"},
    ).json()
    assert stats["max_live"] <= 40
    assert checks.busiest_second(system.ledger()) <= 100


def test_nothing_personal_reaches_the_topics_or_the_logs(start_system: Callable[..., System]) -> None:
    system = start_system()
    campaign_id = system.create()
    called = numbers(ranges=1)
    system.add(campaign_id, called)
    system.order(campaign_id, "start")
    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))

    secret = re.compile("|".join([*(n.removeprefix("+") for n in called), "Secretname", "@example", "secretplan"]))
    for path in system.logs.glob("*.log"):
        assert secret.search(path.read_text()) is None, path.name
    servers, prefix = system.stack.servers, system.stack.options.topic_prefix
    for topic in (CAMPAIGN_EVENTS, CALL_EVENTS, SUPPRESSION_EVENTS):
        events = asyncio.run(checks.read_topic(servers.kafka_bootstrap, topic, topic_prefix=prefix))
        assert events, topic
        for event in events:
            assert secret.search(event.model_dump_json()) is None, event.id


def test_after_the_answer_of_a_pause_and_of_a_cancel_no_phone_rings(start_system: Callable[..., System]) -> None:
    system = start_system()
    campaign_id = system.create()
    import_file(system, campaign_id, CONTACTS.read_bytes())
    system.order(campaign_id, "start")
    for round_number in range(1, 4):
        system.wait(campaign_id, lambda view: bool(view["figures"]["placed"] >= 60 * round_number))  # noqa: B023
        system.order(campaign_id, "pause")
        before = len(system.ledger())
        time.sleep(1.0)  # the time in which nothing may happen
        assert len(system.ledger()) == before
        assert system.order(campaign_id, "pause")["status"] == "paused"
        system.order(campaign_id, "resume")
    answer = system.order(campaign_id, "cancel")
    before = len(system.ledger())

    view = system.wait(campaign_id, lambda view: view["contacts"]["in_progress"] == 0, position=answer["position"])

    assert len(system.ledger()) == before
    assert view["status"] == "cancelled"
    assert view["contacts"]["pending"] > 0, "contacts not reached keep their status"
    assert not any(system.problems(campaign_id).values())


@pytest.mark.parametrize("service", ["campaign-command", "dialer", "analytics-projector"])
def test_a_killed_service_comes_back_and_nobody_is_rung_twice_lost_or_stuck(
    start_system: Callable[..., System], service: str
) -> None:
    system = start_system()
    campaign_id = system.create(limits={"max_simultaneous_calls": 30, "calls_per_second": 30})
    called = numbers(ends=tuple(end for end in ENDS if end not in ("9970", "9971")))
    system.add(campaign_id, called)
    system.order(campaign_id, "start")
    system.wait(campaign_id, lambda view: bool(view["figures"]["placed"] >= 10))

    system.stack.kill(service, signal.SIGKILL)

    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"), seconds=120)
    assert system.stack.restarts(service) == 1
    assert not any(system.problems(campaign_id).values())
    expected = {"9902": "do_not_call", "9961": "do_not_call", "9950": "failed", "9960": "failed", "9901": "failed"}
    for number, contact in system.contacts(campaign_id).items():
        # A call whose placing was cut off is never repeated blindly: its attempt may be counted as unknown.
        if contact["reason"] != "unknown" and number[-4:] in expected:
            assert contact["status"] == expected[number[-4:]], number
        assert contact["status"] not in ("pending", "in_progress"), number
        assert contact["attempt"] <= 3
    with psycopg.connect(system.stack.databases["campaign-command"]) as connection:
        row = connection.execute("SELECT count(*) FROM live_calls").fetchone()
        assert row == (0,), "no slot is left taken"


def test_deleting_asks_for_the_id_and_keeps_the_call_history(start_system: Callable[..., System]) -> None:
    system = start_system()
    campaign_id = system.create()
    system.add(campaign_id, numbers(ranges=1, ends=("9900", "9901")))
    system.order(campaign_id, "start")
    assert (
        system.command("DELETE", f"/v1/campaigns/{campaign_id}?confirm={campaign_id}", expect=409)["code"]
        == "cannot_delete"
    )
    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))
    assert system.command("DELETE", f"/v1/campaigns/{campaign_id}", expect=422)["code"] == "confirmation_required"

    gone = system.command("DELETE", f"/v1/campaigns/{campaign_id}?confirm={campaign_id}", expect=200)

    listed = system.read("/v1/campaigns", campaign_id=campaign_id, min_position=gone["position"])
    assert listed["items"] == []
    assert system.client.get(f"{system.url('analytics-projector')}/v1/campaigns/{campaign_id}").status_code == 404
    assert len(system.calls(campaign_id)) == 2


def test_a_service_that_is_told_to_leave_finishes_and_leaves_with_zero(start_system: Callable[..., System]) -> None:
    system = start_system(restart=False)
    campaign_id = system.create()
    import_file(system, campaign_id, CONTACTS.read_bytes())
    system.order(campaign_id, "start")
    system.wait(campaign_id, lambda view: bool(view["figures"]["placed"] >= 20))
    for service in ("dialer", "campaign-command", "analytics-projector", "simulated-carrier"):
        system.stack.kill(service, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while system.stack.pid(service) is not None:
            assert time.monotonic() < deadline, f"{service} does not leave"
            time.sleep(0.05)
        last = json.loads(system.stack.logs(service).read_text().splitlines()[-1])
        assert last["event"] == "stopped", last
        assert last.get("exit_code", 0) == 0, last
