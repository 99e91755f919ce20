"""The rules of a call, by the dialer as a process: its length, its report, test calls, and why somebody waits."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from tests.integration.test_dialer import HUMAN, NO_END, World, settings, token, world

from campaign_events.facts import CallEnded, CallPlaced, CampaignDeleted
from campaign_events.settings import CampaignStatus, Outcome

__all__ = ["world"]  # the fixture
Eventually = Callable[..., Awaitable[Any]]
OWN = "+493029999900"
GRANTED = {
    "result": "granted",
    "expires_in_seconds": 2.0,
    "number_hash": "ab" * 32,
    "caller_number": "+493012345678",
    "agent_id": "reminder",
    "prompt": "Remind them.",
    "ring_timeout_seconds": 30,
    "max_call_seconds": 60,
    "context": {"variables": {}, "test": True},
}


@pytest.fixture(autouse=True)
async def dialer(world: World) -> None:
    await world.start_dialer()


async def stored(world: World, query: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(world.dsn)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()


async def report(world: World, call_id: str, body: dict[str, Any]) -> Any:
    return await world.client.post(f"{world.url}/v1/calls/{call_id}/outcome", json=body, headers=token())


# --- length ---------------------------------------------------------------------------------------------------------


async def test_the_permits_longest_duration_is_given_to_the_carrier_and_shown(
    world: World, eventually: Eventually
) -> None:
    world.command.permit_more = {"max_call_seconds": 40}
    campaign_id = await world.command.campaign(["9904"], config=settings(max_call_seconds=40))
    (ended,) = await eventually(lambda: world.command.facts(CallEnded), within_seconds=30)
    assert ended.outcome is Outcome.HUMAN
    assert ended.duration_seconds <= 2, "40 simulated seconds, forty times as fast"
    call = await world.get(f"/v1/calls/{ended.call_id}")
    assert call["max_call_seconds"] == 40
    assert (await world.get(f"/v1/dialing/{campaign_id}"))["limits"]["max_call_seconds"] == 40


async def test_a_call_that_lasts_longer_than_it_may_is_hung_up_by_the_dialer(
    world: World, eventually: Eventually
) -> None:
    """This call has no end at the carrier, which forgets its own limit."""
    world.command.permit_more = {"max_call_seconds": 1}
    await world.command.campaign([NO_END])
    (ended,) = await eventually(lambda: world.command.facts(CallEnded), within_seconds=40)
    assert ended.outcome is Outcome.HUMAN
    assert 1 + 5 <= ended.duration_seconds < 1 + 5 + 10
    assert (await world.get(f"/v1/calls/{ended.call_id}"))["raw_reason"] == "hangup"


# --- the agent's report ---------------------------------------------------------------------------------------------


async def test_a_report_is_kept_whole_with_its_call_and_hidden_from_who_may_only_look(
    world: World, eventually: Eventually
) -> None:
    campaign_id = await world.command.campaign(["9904"])
    (ended,) = await eventually(lambda: world.command.facts(CallEnded), within_seconds=30)
    said = {
        "outcome": "goal_met",
        "summary": "Agreed.",
        "recording_url": "https://records.example/SECRET",
        "data": {"order": "SECRET", "items": [1, 2.5, None]},
    }
    call_id = str(ended.call_id)
    assert (await report(world, call_id, said)).status_code == 200
    again = {"outcome": "goal_met", "summary": "Other.", "transcript_url": "https://records.example/SECRET/2"}
    assert (await report(world, call_id, again)).status_code == 200
    call = await world.get(f"/v1/calls/{call_id}")
    assert (call["summary"], call["transcript_url"]) == ("Agreed.", again["transcript_url"])
    assert {name: call[name] for name in ("recording_url", "data")} == {
        name: said[name] for name in ("recording_url", "data")
    }
    looked_at = await world.get(f"/v1/calls/{call_id}", role="viewer")
    words = ("summary", "recording_url", "transcript_url", "data")
    assert [looked_at[name] for name in words] == [None] * 4
    assert "SECRET" not in world.logs()
    assert not any("SECRET" in fact.model_dump_json() for fact in world.command.told)

    await world.command.append(
        CampaignDeleted(at=datetime.now(UTC), campaign_id=campaign_id, previous=CampaignStatus.COMPLETED)
    )

    async def wordless() -> Any:
        one = await world.get(f"/v1/calls/{call_id}")
        return [one[name] for name in words] == [None] * 4 or None

    assert await eventually(wordless, within_seconds=30)
    assert (await report(world, call_id, again)).status_code == 200
    assert (await world.get(f"/v1/calls/{call_id}"))["transcript_url"] is None, "nor are late ones kept"


async def test_a_callback_at_a_bare_local_time_is_meant_in_the_callees_zone(
    world: World, eventually: Eventually
) -> None:
    zones = ("America/New_York", "America/Los_Angeles")
    await world.command.campaign(["9904"], zones=zones)
    (ended,) = await eventually(lambda: world.command.facts(CallEnded), within_seconds=30)
    local = (datetime.now(UTC) + timedelta(days=7)).replace(hour=14, minute=30, second=0, microsecond=0, tzinfo=None)
    for bad in (local.isoformat()[:10], (local - timedelta(days=30)).isoformat(), (local + timedelta(90)).isoformat()):
        refused = await report(world, str(ended.call_id), {"outcome": "callback", "callback_at": bad})
        assert refused.status_code == 422, refused.text
        assert "callback_at" in refused.text
    taken = await report(world, str(ended.call_id), {"outcome": "callback", "callback_at": local.isoformat()})
    assert taken.status_code == 200, taken.text
    meant = local.replace(tzinfo=ZoneInfo("America/Los_Angeles"))
    assert datetime.fromisoformat(taken.json()["callback_at"]) == meant
    again = await report(world, str(ended.call_id), {"outcome": "callback", "callback_at": local.isoformat()})
    assert again.status_code == 200, "the same again"


async def test_a_late_callback_is_flagged_in_the_call_history(world: World, eventually: Eventually) -> None:
    world.command.permit_more = {"callback": "late"}
    await world.command.campaign([HUMAN])
    (ended,) = await eventually(lambda: world.command.facts(CallEnded), within_seconds=30)
    assert (await world.get(f"/v1/calls/{ended.call_id}"))["callback"] == "late"


async def test_a_call_that_no_agent_took_is_told_as_abandoned(world: World, eventually: Eventually) -> None:
    await world.command.campaign(["9906"])
    (ended,) = await eventually(lambda: world.command.facts(CallEnded), within_seconds=30)
    assert (ended.outcome, ended.kind) == (Outcome.ABANDONED, "campaign")
    call = await world.get(f"/v1/calls/{ended.call_id}")
    assert (call["outcome"], call["attended"], call["answered_by"]) == ("abandoned", False, None)


# --- why somebody waits ---------------------------------------------------------------------------------------------


async def test_contacts_whose_permit_is_refused_for_now_are_counted_with_the_reason(
    world: World, eventually: Eventually
) -> None:
    campaign_id = await world.command.campaign([HUMAN] * 3, config=settings(max_simultaneous_calls=1))
    until = datetime.now(UTC) + timedelta(seconds=60)
    first, second, _ = world.command.numbers
    for contact, code, at in ((first, "number_live", until), (second, "frequency_cap", until + timedelta(hours=1))):
        world.command.refused[contact] = {"kind": "temporary", "code": code, "ask_again_at": at.isoformat()}

    async def held() -> Any:
        if not world.command.asked:
            return None  # the dialer has not heard of it yet
        status = await world.get(f"/v1/dialing/{campaign_id}")
        return status if len(status["held"]) == 2 and world.command.facts(CallEnded) else None

    status = await eventually(held, within_seconds=30)
    assert status["held"] == {"number_live": 1, "frequency_cap": 1}
    assert (status["state"], status["reason"], status["due_now"]) == ("waiting", "number_live", 0)
    assert abs(datetime.fromisoformat(status["waiting_until"]) - until) < timedelta(seconds=1), "the earliest end"
    assert status["next_possible_at"] == status["waiting_until"]


# --- test calls -----------------------------------------------------------------------------------------------------


async def trial(world: World, campaign_id: UUID, number: str = OWN, *, role: str = "operator", **headers: str) -> Any:
    body = {"campaign_id": str(campaign_id), "number": number}
    return await world.client.post(f"{world.url}/v1/test-calls", json=body, headers=token(role=role) | headers)


async def known(world: World, eventually: Eventually) -> UUID:
    """A campaign without contacts that the dialer knows."""
    campaign_id = await world.command.campaign(["9980"], config=settings(max_simultaneous_calls=1))
    for contact in world.command.numbers:
        world.command.refused[contact] = {"kind": "temporary", "code": "number_live"}

    async def there() -> Any:
        answer = await world.client.get(f"{world.url}/v1/dialing/{campaign_id}", headers=token())
        return answer.status_code == 200 or None

    await eventually(there, within_seconds=30)
    return campaign_id


async def test_a_test_call_rings_ones_own_number_and_is_no_attempt_of_anybody(
    world: World, eventually: Eventually
) -> None:
    campaign_id = await known(world, eventually)
    world.command.trial = GRANTED
    answer = await trial(world, campaign_id, **{"Idempotency-Key": "try-1"})
    assert answer.status_code == 201, answer.text
    call = answer.json()
    assert (call["kind"], call["number"], call["status"], call["max_call_seconds"]) == ("test", OWN, "placed", 60)
    (ask,) = world.command.trials
    assert (ask["number"], ask["campaign_id"]) == (OWN, str(campaign_id))

    async def over() -> Any:
        return [fact for fact in world.command.facts(CallEnded) if str(fact.call_id) == call["id"]]

    (ended,) = await eventually(over, within_seconds=30)
    assert (ended.kind, ended.outcome, ended.conversation) == ("test", Outcome.HUMAN, "goal_met")
    (placed,) = [fact for fact in world.command.facts(CallPlaced) if str(fact.call_id) == call["id"]]
    assert placed.kind == "test"
    again = await trial(world, campaign_id, **{"Idempotency-Key": "try-1"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert (again.json()["id"], again.json()["status"]) == (call["id"], "settled")
    reused = await trial(world, uuid4(), **{"Idempotency-Key": "try-1"})
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert [entry["to"] for entry in await world.ledger()] == [OWN], "it rang once"
    status = await world.get(f"/v1/dialing/{campaign_id}")
    assert (status["calls_today"], status["live_calls"]) == (0, 0)
    assert OWN not in world.logs()


async def test_a_test_call_without_a_permit_rings_nobody_and_leaves_nothing(
    world: World, eventually: Eventually
) -> None:
    campaign_id = await known(world, eventually)
    for code, status in (("suppressed", 409), ("number_live", 409), ("premium_rate", 422), ("unknown_campaign", 404)):
        world.command.trial = {"result": "refused", "kind": "permanent", "code": code}
        answer = await trial(world, campaign_id)
        assert answer.status_code == status, answer.text
        assert code in answer.text
    for number in ("030 123", "+49", "", "+493012345678901234"):
        assert (await trial(world, campaign_id, number)).status_code == 422
    assert (await trial(world, uuid4())).status_code == 404
    assert (await trial(world, campaign_id, role="viewer")).status_code == 403
    assert await stored(world, "SELECT 1 FROM calls WHERE kind = 'test'") == []
    assert await world.ledger() == []


async def test_a_workspace_places_few_test_calls_in_a_minute(world: World, eventually: Eventually) -> None:
    campaign_id = await known(world, eventually)
    world.command.trial = GRANTED
    answers = await asyncio.gather(*(trial(world, campaign_id, f"+49302999{n:02}30") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [429] * 3
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "too_many_test_calls"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert len(await world.ledger()) == 5


async def test_a_test_call_whose_permit_nobody_answers_is_given_back(world: World, eventually: Eventually) -> None:
    campaign_id = await known(world, eventually)
    world.command.trial = {"result": "granted"}  # an answer that can't be read: perhaps it was granted
    answer = await trial(world, campaign_id)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

    async def told() -> Any:
        return [fact for fact in world.command.facts(CallEnded) if fact.kind == "test"]

    (ended,) = await eventually(told, within_seconds=10)
    assert ended.outcome is Outcome.NOT_PLACED
    assert await world.ledger() == []
