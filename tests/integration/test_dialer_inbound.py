"""Calls that come in, at the dialer on a real PostgreSQL: who is let in, what a crash between any two steps leaves, and
what the call history says of who was turned away. The test plays campaign-command and the carrier."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from campaign_events.schedule import WEEKDAYS, Schedule
from campaign_events.settings import CampaignSettings
from campaign_service.health import Health
from campaign_service.logs import configure_logs
from campaign_service.tokens import Verifier
from dialer.api import build_app
from dialer.call_log import change
from dialer.calls import Patience, heard
from dialer.carriers import Absent, CarrierEvent, InboundAnswer, InboundCall, InboundReply, Sighting, TurnedAway
from dialer.database import Pool, migrate, open_pool
from dialer.inbound import Switchboard
from dialer.permits import InboundAsk, InboundGranted, InboundRefused, NotHeard, PerhapsHeard
from dialer.reconciler import Reconciler
from dialer.services import Services

WORKSPACE = UUID("00000000-0000-4000-8000-000000000001")
LINE, CALLER = "+493023125000", "+493023112345"
ALWAYS = Schedule(time_zone="Europe/Berlin", weekly=dict.fromkeys(WEEKDAYS, (("00:00", "24:00"),)))
NEVER_NOW = ALWAYS.model_copy(update={"start_date": datetime.now(UTC).date() + timedelta(days=10)})
PATIENCE = Patience(place_timeout_seconds=1.0, reconcile_seconds=5.0)
Said = InboundGranted | InboundRefused | BaseException


class Command:
    """campaign-command: grants, unless `says` has something else for the next ask."""

    def __init__(self) -> None:
        self.says: list[Said] = []
        self.asked: list[InboundAsk] = []
        self.expires_in_seconds = 2.0
        self.contact_id = uuid4()
        self.before_answer: Callable[[], Any] | None = None

    async def ask_inbound(self, ask: InboundAsk) -> InboundGranted | InboundRefused:
        self.asked.append(ask)
        if self.before_answer is not None:
            await self.before_answer()
        if ask.turned_away is not None:
            return InboundRefused(result="refused", code=ask.turned_away, number_hash="the hash")
        said = self.says.pop(0) if self.says else None
        if isinstance(said, BaseException):
            raise said
        return said or InboundGranted(
            result="granted",
            contact_id=self.contact_id,
            expires_in_seconds=self.expires_in_seconds,
            number_hash="the hash",
            agent_id="agent-1",
            prompt="Help them.",
            max_call_seconds=600,
            context={"name": None},
            attempt=3,
        )


class Carrier:
    """Knows of calls what the test says."""

    name = "test"

    def __init__(self) -> None:
        self.seen: dict[UUID, Sighting] = {}

    async def place(self, request: Any) -> Any:
        raise AssertionError("a call that comes in is placed")

    async def find(self, call_id: UUID) -> Sighting | Absent | None:
        return self.seen.get(call_id) or Absent()

    async def hangup(self, call_id: UUID) -> bool | None:
        raise AssertionError("nobody hangs up")


class World:
    """One dialer, one inbound campaign."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.command, self.carrier = pool, Command(), Carrier()
        self.log = configure_logs("test", log_format="json")
        self.services = Services(
            pool=pool,
            carrier=self.carrier,
            permits=self.command,  # type: ignore[arg-type]
            mint_token=lambda call_id, workspace: f"token of {call_id}",
            patience=PATIENCE,
            verifier=Verifier(secret="0123456789abcdef0123456789abcdef"),
            call_token_secret="fedcba9876543210fedcba9876543210",
            webhook_secret="webhook-secret",
            public_url="http://dialer",
            changed=lambda _: None,
            health=Health(),
            log=self.log,
        )
        self.switchboard = Switchboard(self.services)

    async def campaign(self, *, status: str = "running", version: int = 1, **changes: Any) -> UUID:
        limits = {"max_simultaneous_calls": 2}
        settings = CampaignSettings.model_validate(
            {"name": "Support", "type": "inbound", "agent_id": "a", "caller_numbers": [LINE], "limits": limits}
            | {"schedule": ALWAYS}
            | changes
        )
        campaign_id = uuid4()
        await self.pool.execute(
            "INSERT INTO campaigns (id, workspace, partition, status, settings, settings_version)"
            " VALUES ($1, $2, 3, $3, $4::jsonb, $5)",
            *(campaign_id, WORKSPACE, status, settings.model_dump_json(), version),
        )
        return campaign_id

    def call(self, caller: str | None = CALLER, *, line: str = LINE) -> InboundCall:
        return InboundCall(call_id=uuid4(), at=datetime.now(UTC), number=line, caller=caller)

    async def ring(self, caller: str | None = CALLER) -> tuple[InboundCall, InboundReply]:
        call = self.call(caller)
        return call, await self.switchboard.answer(call)

    async def hear(self, call: InboundCall, status: Any, **more: Any) -> None:
        event = CarrierEvent(call_id=call.call_id, at=datetime.now(UTC), status=status, **more)
        await change(
            self.pool,
            [call.call_id],
            lambda one: heard(one, event, now=datetime.now(UTC), patience=PATIENCE),
        )

    async def reconcile(self) -> None:
        """All calls that wait for a look are looked at now."""
        await self.pool.execute("UPDATE calls SET check_at = now() - interval '1 second' WHERE check_at IS NOT NULL")
        reconciler = Reconciler(
            self.pool,
            carrier=self.carrier,
            patience=PATIENCE,
            partitions=lambda: {3},
            freed=lambda _: None,
            log=self.log,
        )
        await reconciler.look()

    async def row(self, call: InboundCall) -> Any:
        return await self.pool.fetchrow("SELECT * FROM calls WHERE id = $1", call.call_id)

    async def told(self) -> list[tuple[str, str | None, str]]:
        rows = await self.pool.fetch(
            "SELECT type, fact->>'outcome' AS outcome, fact->>'kind' AS kind FROM outbox ORDER BY position"
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def world(database: Callable[[], str]) -> AsyncIterator[World]:
    dsn = database()
    await migrate(dsn)
    pool = await open_pool(dsn)
    yield World(pool)
    await pool.close()


# --- who is let in ------------------------------------------------------------------------------------------


async def test_the_agent_picks_up_with_what_the_permit_says(world: World) -> None:
    await world.campaign()
    call, reply = await world.ring()
    assert isinstance(reply, InboundAnswer)
    assert (reply.agent_id, reply.prompt, reply.max_call_seconds) == ("agent-1", "Help them.", 600)
    assert reply.token == f"token of {call.call_id}"
    assert timedelta(0) < reply.not_after - datetime.now(UTC) <= timedelta(seconds=2)
    row = await world.row(call)
    assert (row["kind"], row["state"], row["contact_id"], row["attempt"]) == (
        "inbound",
        "unknown",
        world.command.contact_id,
        3,
    )
    assert (row["number"], row["caller_number"], row["deciding_zones"]) == (CALLER, LINE, ["Europe/Berlin"])
    assert await world.told() == []


async def test_a_call_that_was_answered_runs_its_course(world: World) -> None:
    await world.campaign()
    call, _ = await world.ring()
    await world.hear(call, "answered", answered_by="human")
    await world.hear(call, "ended", sip_code=200, q850_cause=16, duration_seconds=30.0)
    told = [("CallPlaced", None, "inbound"), ("CallAnswered", None, None), ("CallEnded", "human", "inbound")]
    assert await world.told() == told
    row = await world.row(call)
    assert (row["state"], row["outcome"], row["started_at"]) == ("settled", "human", call.at)


@pytest.mark.parametrize("sip_code", [487, 480, 603, 486, 503, None])
async def test_whoever_hangs_up_before_the_answer_has_cancelled_the_call(world: World, sip_code: int | None) -> None:
    await world.campaign()
    call, _ = await world.ring()
    await world.hear(call, "ended", sip_code=sip_code)
    assert await world.told() == [("CallPlaced", None, "inbound"), ("CallEnded", "cancelled", "inbound")]


async def test_the_same_ring_gets_the_same_answer(world: World) -> None:
    await world.campaign()
    call, first = await world.ring()
    again = await world.switchboard.answer(call)
    assert isinstance(first, InboundAnswer)
    assert isinstance(again, InboundAnswer)
    assert replace(again, not_after=first.not_after) == first
    await world.hear(call, "ended", sip_code=487)
    assert await world.switchboard.answer(call) == TurnedAway("reject")


async def test_lines_are_counted_over_all_processes(world: World) -> None:
    await world.campaign()
    other = World(world.pool)
    rings = [one.ring(f"+4930231000{n:02d}") for n in range(8) for one in (world, other)]
    world.command.contact_id = other.command.contact_id = None  # type: ignore[assignment]
    for command in (world.command, other.command):
        command.says = [_granted(uuid4()) for _ in range(8)]
    replies = [reply for _, reply in await asyncio.gather(*rings)]
    assert sum(isinstance(reply, InboundAnswer) for reply in replies) == 2
    assert replies.count(TurnedAway("busy")) == 14
    assert await world.pool.fetchval("SELECT count(*) FROM calls WHERE turned_away = 'lines_busy'") == 14


async def test_a_line_is_free_from_the_hang_up_on(world: World) -> None:
    await world.campaign(limits={"max_simultaneous_calls": 1}, success_rule="reported")
    call, _ = await world.ring()
    assert (await world.ring())[1] == TurnedAway("busy")
    await world.hear(call, "answered")
    await world.hear(call, "ended", sip_code=200, duration_seconds=3.0)
    assert (await world.row(call))["state"] == "ended"
    world.command.contact_id = uuid4()
    assert isinstance((await world.ring())[1], InboundAnswer)


async def test_no_agent_picks_up_after_the_windows_end(world: World) -> None:
    await world.campaign()
    world.command.expires_in_seconds = 3600 * 24 * 400
    call, reply = await world.ring()
    assert isinstance(reply, InboundAnswer)
    assert reply.not_after == (await world.row(call))["window_until"]


# --- who is turned away -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "caller", "reason"),
    [
        ({"schedule": NEVER_NOW}, CALLER, "before_start"),
        ({"status": "paused"}, CALLER, "paused"),
        ({"status": "draft"}, CALLER, "draft"),
        ({"status": "cancelled"}, CALLER, "cancelled"),
        ({}, None, "withheld_number"),
    ],
)
@pytest.mark.parametrize(
    ("inbound", "reply"),
    [
        (None, TurnedAway("reject")),
        ({"when_closed": "message", "message_id": "closed-1"}, TurnedAway("message", "closed-1")),
    ],
)
async def test_who_is_not_let_in_meets_the_set_answer_and_is_in_the_history(
    world: World, changes: dict[str, Any], caller: str | None, reason: str, inbound: Any, reply: TurnedAway
) -> None:
    await world.campaign(**changes, inbound=inbound)
    call, got = await world.ring(caller)
    assert got == reply
    row = await world.row(call)
    assert (row["turned_away"], row["state"], row["outcome"], row["number"]) == (
        reason,
        "settled",
        "not_placed",
        caller,
    )
    assert [ask.turned_away for ask in world.command.asked] == ([reason] if caller else [])
    assert await world.told() == []


async def test_a_paused_workspace_answers_nobody(world: World) -> None:
    await world.campaign()
    await world.pool.execute("INSERT INTO workspaces (workspace, paused) VALUES ($1, true)", WORKSPACE)
    call, reply = await world.ring()
    assert (reply, (await world.row(call))["turned_away"]) == (TurnedAway("reject"), "workspace_paused")


async def test_a_number_that_is_nobodys_is_rejected(world: World) -> None:
    await world.campaign()
    call = world.call(line="+493023199999")
    assert await world.switchboard.answer(call) == TurnedAway("reject")
    assert await world.row(call) is None


async def test_the_running_campaign_has_the_number(world: World) -> None:
    await world.campaign(status="paused", inbound={"when_closed": "message", "message_id": "old"})
    running = await world.campaign()
    await world.campaign(status="draft")
    call, _ = await world.ring()
    assert (await world.row(call))["campaign_id"] == running


async def test_a_number_without_a_hash_is_not_kept(world: World) -> None:
    """Nobody could be forgotten by it."""
    await world.campaign()
    world.command.says = [NotHeard("away")] * 100
    call, reply = await world.ring()
    row = await world.row(call)
    assert (reply, row["turned_away"], row["number"]) == (TurnedAway("reject"), "unavailable", None)


@pytest.mark.parametrize(
    ("code", "reply"), [("number_live", "busy"), ("being_erased", "reject"), ("not_running", "reject")]
)
async def test_what_campaign_command_refuses_is_not_answered(world: World, code: str, reply: Any) -> None:
    await world.campaign()
    world.command.says = [InboundRefused(result="refused", code=code, number_hash="h")] * 100
    call, got = await world.ring()
    assert got == TurnedAway(reply)
    row = await world.row(call)
    assert (row["turned_away"], row["number"], row["number_hash"]) == (code, CALLER, "h")
    assert await world.told() == []


async def test_newer_settings_are_waited_for(world: World) -> None:
    campaign_id = await world.campaign()
    world.command.says = [InboundRefused(result="refused", code="settings_changed", number_hash="h")]

    async def arrive() -> None:
        await world.pool.execute("UPDATE campaigns SET settings_version = 2 WHERE id = $1", campaign_id)

    world.command.before_answer = arrive
    call, reply = await world.ring()
    assert isinstance(reply, InboundAnswer)
    assert [ask.settings_version for ask in world.command.asked] == [1, 2]
    assert (await world.row(call))["settings_version"] == 2


async def test_a_caller_whose_last_call_is_just_ending_is_let_in(world: World) -> None:
    await world.campaign()
    world.command.says = [InboundRefused(result="refused", code="number_live", number_hash="h")] * 2
    assert isinstance((await world.ring())[1], InboundAnswer)


# --- what a crash leaves ------------------------------------------------------------------------------------


async def test_killed_before_the_permit_the_row_ends_by_what_the_carrier_says(world: World) -> None:
    await world.campaign()
    world.command.says = [asyncio.CancelledError()]
    call = world.call()
    with pytest.raises(asyncio.CancelledError):
        await world.switchboard.answer(call)
    assert (await world.row(call))["state"] == "unknown"
    gave_up = CarrierEvent(call_id=call.call_id, at=datetime.now(UTC), status="ended", sip_code=480)
    world.carrier.seen[call.call_id] = Sighting(call.at, [gave_up])
    await world.reconcile()
    assert await world.told() == [("CallPlaced", None, "inbound"), ("CallEnded", "cancelled", "inbound")]


async def test_killed_between_the_permit_and_the_answer_the_call_ends(world: World) -> None:
    await world.campaign()
    call, _ = await world.ring()  # the answer never reached the carrier
    gave_up = CarrierEvent(call_id=call.call_id, at=datetime.now(UTC), status="ended", sip_code=480)
    world.carrier.seen[call.call_id] = Sighting(call.at, [gave_up])
    await world.reconcile()
    row = await world.row(call)
    assert (row["state"], row["outcome"], row["contact_id"]) == ("settled", "cancelled", world.command.contact_id)


async def test_a_call_that_the_carrier_does_not_know_was_never_answered(world: World) -> None:
    await world.campaign()
    call, _ = await world.ring()
    await world.pool.execute("UPDATE calls SET permit_ends_at = now() - interval '1 minute'")
    await world.reconcile()
    assert (await world.row(call))["outcome"] == "not_placed"
    assert await world.told() == [("CallEnded", "not_placed", "inbound")]


async def test_a_permit_that_was_perhaps_granted_is_told_to_be_over(world: World) -> None:
    await world.campaign()
    world.command.says = [PerhapsHeard("reset"), *[NotHeard("away")] * 100]
    call, reply = await world.ring()
    assert reply == TurnedAway("reject")
    assert (await world.row(call))["turned_away"] == "unavailable"
    assert await world.told() == [("CallEnded", "not_placed", "inbound")]


async def test_a_contact_whose_call_is_still_open_here_is_not_answered_twice(world: World) -> None:
    await world.campaign()
    await world.ring()
    call, reply = await world.ring()
    assert reply == TurnedAway("reject")
    assert (await world.row(call))["turned_away"] == "call_closed"
    assert await world.pool.fetchval("SELECT count(*) FROM calls WHERE state <> 'settled'") == 1


# --- over HTTP ----------------------------------------------------------------------------------------------


async def test_only_the_carrier_may_ask(world: World) -> None:
    await world.campaign()
    body = orjson.dumps({"call_id": uuid4(), "from": CALLER, "to": LINE, "at": datetime.now(UTC)})
    transport = httpx.ASGITransport(build_app(world.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://dialer") as client:

        async def post(content: bytes, secret: str) -> httpx.Response:
            signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
            headers = {"x-carrier-signature": f"sha256={signature}"}
            return await client.post("/v1/carriers/simulated/inbound", content=content, headers=headers)

        assert (await post(body, "another secret")).status_code == 401
        assert (await post(b'{"from": 1}', "webhook-secret")).status_code == 422
        answer = (await post(body, "webhook-secret")).json()
    assert answer["reply"] == "answer"
    assert answer["webhook_url"] == "http://dialer/v1/carriers/simulated/events"
    assert answer["agent"]["outcome_url"].startswith("http://dialer/v1/calls/")


def _granted(contact_id: UUID) -> InboundGranted:
    return InboundGranted(
        result="granted",
        contact_id=contact_id,
        expires_in_seconds=2.0,
        number_hash="h",
        agent_id="a",
        prompt="",
        max_call_seconds=600,
        context={},
        attempt=1,
    )
