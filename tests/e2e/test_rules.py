"""The rules of a campaign through the whole system: a trunk that fails, and an end date that passes."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from tests.e2e.conftest import ALL_DAY, System
from tests.e2e.test_story import ENDS, numbers


def carrier(system: System, **faults: float) -> None:
    """What goes wrong at the carrier's from now on."""
    answer = httpx.put(
        f"{system.url('simulated-carrier')}/v1/behaviour",
        json={"faults": faults},
        headers={"Authorization": f"Bearer {system.stack.secret('CARRIER_API_KEY')}"},
    )
    assert answer.status_code == 200, answer.text


def dialing(system: System, campaign_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the dialling does, once it is as wanted."""
    deadline = time.monotonic() + 60
    while True:
        answer = system.client.get(f"{system.url('dialer')}/v1/dialing/{campaign_id}")
        status: dict[str, Any] = answer.json()
        if answer.status_code == 200 and until(status):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.1)


def test_a_trunk_that_fails_is_left_alone_costs_no_attempt_and_recovers_by_itself(
    start_system: Callable[..., System],
) -> None:
    system = start_system()
    campaign_id = system.create(limits={"max_simultaneous_calls": 10, "calls_per_second": 20})
    called = numbers(ranges=2, ends=("9900", "9901", "9921", "9930"))
    system.add(campaign_id, called)
    carrier(system, refuse_503=1)
    system.order(campaign_id, "start")

    status = dialing(system, campaign_id, lambda status: bool(status["reason"] == "trunk_breaker_open"))

    breaker = status["trunks"][0]["breaker"]
    assert breaker["state"] in ("open", "probing")
    assert breaker["reasons"], "in the carrier's own words"
    assert status["waiting_until"] is not None
    assert system.read(f"/v1/campaigns/{campaign_id}")["status"] == "running"
    assert {contact["attempt"] for contact in system.contacts(campaign_id).values()} == {0}
    carrier(system, refuse_503=0)

    view = system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))

    found = {number: (c["status"], c["attempt"]) for number, c in system.contacts(campaign_id).items()}
    # A carrier's fault beyond the rule's cap ends a contact without an attempt; everybody else is called as ever.
    refused = {number for number, end in found.items() if end == ("failed", 0)}
    assert {n: end for n, end in found.items() if n not in refused} == {
        n: (ENDS[n[-4:]][0], ENDS[n[-4:]][2]) for n in called if n not in refused
    }
    assert len(refused) < len(called)
    assert view["figures"]["placed"] == sum(attempt for _, attempt in found.values())
    closed = dialing(system, campaign_id, lambda status: bool(status["state"] == "finished"))
    assert closed["trunks"][0]["breaker"]["state"] == "closed"
    assert not any(system.problems(campaign_id).values())


def test_a_campaign_whose_end_date_passes_is_paused_and_goes_on_when_it_is_extended(
    start_system: Callable[..., System],
) -> None:
    system = start_system()
    today = datetime.now(UTC).date()
    schedule = {"time_zone": "Europe/Berlin", "weekly": ALL_DAY}
    end = {"end_date": str(today + timedelta(days=2))}
    campaign_id = system.create(schedule=schedule | end, retry={"no_answer": {"delays_seconds": [600]}})
    called = numbers(ranges=2, ends=("9900", "9921"))
    system.add(campaign_id, called)
    system.order(campaign_id, "start")
    system.wait(campaign_id, lambda view: bool(view["contacts"]["no_answer"] == 2))

    # Days pass.
    with psycopg.connect(system.stack.databases["campaign-command"]) as connection:
        connection.execute("UPDATE campaigns SET ends_at = now() WHERE campaign_id = %s", (campaign_id,))
    view = system.wait(campaign_id, lambda view: bool(view["status"] == "paused"))

    assert view["contacts"]["no_answer"] == 2, "whoever was not reached keeps the status"
    facts = system.command("GET", f"/v1/campaigns/{campaign_id}/facts?limit=200", expect=200)["items"]
    assert [f["data"]["reason"] for f in facts if f["type"] == "CampaignPaused"] == ["schedule_ended"]
    refused = {"end_date": str(today - timedelta(days=3))}
    answer = system.command("PATCH", f"/v1/campaigns/{campaign_id}", json={"schedule": refused}, expect=422)
    assert "end_date" in str(answer["errors"])
    extended = {"end_date": str(today + timedelta(days=9))}
    system.command("PATCH", f"/v1/campaigns/{campaign_id}", json={"schedule": extended}, expect=200)
    due = {"retry": {"no_answer": {"delays_seconds": [1]}}}
    system.command("PATCH", f"/v1/campaigns/{campaign_id}", json=due, expect=200)
    system.order(campaign_id, "resume")
    with psycopg.connect(system.stack.databases["dialer"]) as connection:
        assert connection.execute("SELECT status FROM campaigns WHERE id = %s", (campaign_id,)).fetchone()
    status = dialing(system, campaign_id, lambda status: bool(status["reason"] == "no_contact_due"))
    assert status["waiting_until"] is not None, "the retry keeps its time"
