"""Answers the carrier when somebody rings one of a campaign's numbers: the agent, or how the caller is turned away.

What must stay true, for every call that is answered: (1) the campaign that has the number is found, and is open by its
own clock; (2) a line is taken: a row `unknown` is committed, counted under a lock of the campaign; (3) then the permit
is asked for, and says whose call it is; (4) the row takes what was granted, unless something ended it meanwhile; (5)
then the carrier is told, with the instant after which the agent must not pick up any more. A crash between any two
steps leaves a row that the reconciler looks up at the carrier and ends. From (5) on it is a call as any other: events,
the agent's report, call history.

Who is turned away is in the call history, too, and was never a call of a contact: no fact is told of it.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Request, Response
from prometheus_client import Counter
from pydantic import ValidationError

from campaign_events.settings import CampaignSettings, CampaignStatus, Outcome
from campaign_service.problems import Problem
from campaign_service.tokens import unauthenticated
from dialer.answering import Hours, hours_of, set_answer
from dialer.call_log import change
from dialer.calls import Call, Step, refused
from dialer.carriers import InboundAnswer, InboundCall, InboundReply, TurnedAway
from dialer.carriers.simulated import inbound_schema, is_signed, read_inbound, reply_body
from dialer.permits import InboundAsk, InboundGranted, NotHeard, PerhapsHeard
from dialer.schedule import campaign_day
from dialer.services import Services, problems

ANSWER_SECONDS = 2.0
"""So long the caller hears the ringing tone at most before the carrier is answered: less than it waits for us."""
ASK_AGAIN_SECONDS = 0.15
FIRST_LOOK_SECONDS = 6.0
"""When a call of which nothing was heard is looked up: its permit and the carrier's patience are over then."""

# The campaign that runs; else one that may run again, so that its set answer is given.
CAMPAIGNS = """
SELECT id, campaigns.workspace, partition, status, settings, settings_version, coalesce(paused, false) AS paused
FROM campaigns LEFT JOIN workspaces USING (workspace)
WHERE settings ->> 'type' = 'inbound' AND settings -> 'caller_numbers' ? $1
ORDER BY array_position(ARRAY['running', 'paused', 'draft', 'completed', 'cancelled'], status), id LIMIT 1
"""
KNOWN = "SELECT id, kind, state, campaign_id, turned_away FROM calls WHERE id = $1"
LOCK_CAMPAIGN = "SELECT status FROM campaigns WHERE id = $1 FOR NO KEY UPDATE"
LINES = """
SELECT count(*) FROM calls WHERE campaign_id = $1 AND state <> 'settled' AND state <> 'ended' AND kind <> 'test'
"""
TAKE_LINE = """
INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version, success_rule,
    day, state, kind, caller_number, started_at, ringing_at, check_at, trunk)
VALUES ($1, $2, $3, $4, $5, 0, 1, $6, $7, $8, 'unknown', 'inbound', $9, $10, $10, now() + make_interval(secs => $11),
    coalesce((SELECT trunk FROM phone_numbers WHERE workspace = $2 AND number = $9), 'default'))
ON CONFLICT (id) DO NOTHING RETURNING id
"""
GIVE_LINE_BACK = "DELETE FROM calls WHERE id = $1 AND kind = 'inbound' AND state = 'unknown' AND facts = 0"
TAKE_GRANT = """
UPDATE calls SET contact_id = $2, attempt = $3, number = $4, number_hash = $5, agent_id = $6, max_call_seconds = $7,
    permit_ends_at = $8, not_after = $9, deciding_zones = $10, window_until = $11
WHERE id = $1 AND state = 'unknown' AND facts = 0 RETURNING id
"""
# No `started_at`: it was no call, whatever else was going on with the number.
TURN_AWAY = """
INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version, success_rule,
    day, state, kind, caller_number, ringing_at, ended_at, number, number_hash, turned_away, outcome, given_outcome,
    settled_at)
VALUES ($1, $2, $3, $4, $5, 0, 1, $6, $7, $8, 'settled', 'inbound', $9, $10, now(), $11, $12, $13, 'not_placed',
    'not_placed', now())
ON CONFLICT (id) DO UPDATE SET turned_away = excluded.turned_away, number = excluded.number,
    number_hash = excluded.number_hash, started_at = NULL
"""

inbound_calls_total = Counter("dialer_inbound_calls_total", "Calls that came in", ["reply", "reason"])


@dataclass(frozen=True, slots=True)
class _Campaign:
    """The campaign that has the number that was rung."""

    id: UUID
    workspace: UUID
    partition: int
    settings: CampaignSettings
    settings_version: int
    hours: Hours


class _Closed(Exception):
    """The call is not answered, for this reason."""

    def __init__(self, reason: str, *, number_hash: str | None = None, perhaps_granted: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.number_hash, self.perhaps_granted = reason, number_hash, perhaps_granted


class Switchboard:
    """Says to the carrier what becomes of a call that came in. Any process may, whatever partitions it holds."""

    def __init__(self, services: Services) -> None:
        self._services, self._pool, self._permits = services, services.pool, services.permits

    async def answer(self, call: InboundCall) -> InboundReply:
        """The reply to the carrier; the same call again gets the same one, as long as it could still be obeyed."""
        deadline = time.monotonic() + ANSWER_SECONDS
        known = await self._pool.fetchrow(KNOWN, call.call_id)
        if known is not None and (known["kind"] != "inbound" or known["state"] != "unknown"):
            campaign = await self._campaign(call.number)
            return set_answer(campaign.settings if campaign else None, known["turned_away"] or "call_closed")
        campaign = None
        while True:
            campaign = await self._campaign(call.number) or campaign
            if campaign is None:
                return self._counted(set_answer(None, "unknown_number"), "unknown_number")
            try:
                return self._counted(await self._let_in(call, campaign, deadline), "answered")
            except _Closed as closed:
                # The facts about other settings, and the end of the caller's call before, are on their way.
                again = closed.reason in ("settings_changed", "number_live")
                if again and time.monotonic() + ASK_AGAIN_SECONDS < deadline:
                    await asyncio.sleep(ASK_AGAIN_SECONDS)
                    continue
                await self._turn_away(call, campaign, closed)
                return self._counted(set_answer(campaign.settings, closed.reason), closed.reason)

    # ---- the steps

    async def _campaign(self, number: str) -> _Campaign | None:
        row = await self._pool.fetchrow(CAMPAIGNS, number)  # 1
        if row is None:
            return None
        settings = CampaignSettings.model_validate_json(row["settings"], context={"stored": True})
        status, now = CampaignStatus(row["status"]), datetime.now(UTC)
        return _Campaign(
            row["id"],
            row["workspace"],
            row["partition"],
            settings,
            row["settings_version"],
            hours_of(settings, status, workspace_paused=row["paused"], now=now),
        )

    async def _let_in(self, call: InboundCall, campaign: _Campaign, deadline: float) -> InboundAnswer:
        if call.caller is None:
            raise _Closed("withheld_number")
        if campaign.hours.reason is not None:
            raise _Closed(campaign.hours.reason)
        await self._take_line(call, campaign)  # 2
        began = datetime.now(UTC)
        try:
            granted = await self._ask(call, campaign, caller=call.caller, deadline=deadline)  # 3
        except _Closed as closed:
            if not closed.perhaps_granted:
                await self._pool.execute(GIVE_LINE_BACK, call.call_id)
            raise
        ends_at = began + timedelta(seconds=granted.expires_in_seconds)
        until = campaign.hours.until
        not_after = ends_at if until is None else min(ends_at, until)
        try:
            taken = await self._pool.fetchval(  # 4
                TAKE_GRANT,
                *(call.call_id, granted.contact_id, granted.attempt, call.caller, granted.number_hash),
                *(granted.agent_id, granted.max_call_seconds, ends_at, not_after),
                *([campaign.settings.schedule.time_zone], until),
            )
        except asyncpg.UniqueViolationError:
            taken = None  # an older call of the contact is open here that campaign-command has given up
        if taken is None:
            raise _Closed("call_closed", perhaps_granted=True)
        return InboundAnswer(  # 5
            not_after=not_after,
            max_call_seconds=granted.max_call_seconds,
            agent_id=granted.agent_id,
            prompt=granted.prompt,
            context=granted.context,
            token=self._services.mint_token(call.call_id, campaign.workspace),
        )

    async def _take_line(self, call: InboundCall, campaign: _Campaign) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.fetchrow(LOCK_CAMPAIGN, campaign.id)
            if await connection.fetchval("SELECT 1 FROM calls WHERE id = $1", call.call_id):
                return  # the carrier asks again: it has its line
            busy = await connection.fetchval(LINES, campaign.id)
            if busy >= campaign.settings.limits.max_simultaneous_calls:
                raise _Closed("lines_busy")
            await connection.execute(
                TAKE_LINE, *self._columns(call, campaign), call.number, call.at, FIRST_LOOK_SECONDS
            )

    async def _ask(self, call: InboundCall, campaign: _Campaign, *, caller: str, deadline: float) -> InboundGranted:
        ask = InboundAsk(
            call_id=call.call_id,
            campaign_id=campaign.id,
            settings_version=campaign.settings_version,
            caller=caller,
            number=call.number,
        )
        perhaps = False
        while True:
            try:
                answer = await self._permits.ask_inbound(ask)
            except (NotHeard, PerhapsHeard) as error:
                perhaps = perhaps or isinstance(error, PerhapsHeard)
                if time.monotonic() + ASK_AGAIN_SECONDS >= deadline:
                    raise _Closed("unavailable", perhaps_granted=perhaps) from None
                await asyncio.sleep(ASK_AGAIN_SECONDS)
                continue
            if isinstance(answer, InboundGranted):
                return answer
            raise _Closed(answer.code, number_hash=answer.number_hash, perhaps_granted=perhaps)

    # ---- who is turned away

    async def _turn_away(self, call: InboundCall, campaign: _Campaign, closed: _Closed) -> None:
        if closed.perhaps_granted:
            # Its contact may be in progress: the end is told, and the reconciler tells it again if need be.
            now = datetime.now(UTC)

            def end(call: Call) -> Step:
                return refused(call, Outcome.NOT_PLACED, retry_after_seconds=None, now=now)

            await change(self._pool, [call.call_id], end)
        number_hash = closed.number_hash
        if number_hash is None and call.caller is not None and closed.reason != "unavailable":
            number_hash = await self._hash(call, campaign, closed.reason)
        # Without the hash, nobody could be forgotten by it: then the number is not kept.
        number = call.caller if number_hash is not None else None
        await self._pool.execute(
            TURN_AWAY, *self._columns(call, campaign), call.number, call.at, number, number_hash, closed.reason
        )
        self._services.changed([campaign.id])

    async def _hash(self, call: InboundCall, campaign: _Campaign, reason: str) -> str | None:
        ask = InboundAsk(
            call_id=call.call_id,
            campaign_id=campaign.id,
            settings_version=campaign.settings_version,
            caller=call.caller or "",
            number=call.number,
            turned_away=reason,
        )
        try:
            answer = await self._permits.ask_inbound(ask)
        except (NotHeard, PerhapsHeard):
            return None
        return answer.number_hash

    def _columns(self, call: InboundCall, campaign: _Campaign) -> tuple[object, ...]:
        settings = campaign.settings
        # Whose call it is, is not known yet (or never): a contact that does not exist.
        return (
            *(call.call_id, campaign.workspace, campaign.id, uuid4(), campaign.partition, campaign.settings_version),
            *(settings.success_rule, campaign_day(settings.schedule, datetime.now(UTC))),
        )

    def _counted(self, reply: InboundReply, reason: str) -> InboundReply:
        how = reply.how if isinstance(reply, TurnedAway) else "answer"
        inbound_calls_total.labels(how, reason).inc()
        return reply


def add_inbound_route(app: FastAPI, services: Services) -> None:
    """`POST /v1/carriers/simulated/inbound`."""
    switchboard = Switchboard(services)

    @app.post(
        "/v1/carriers/simulated/inbound",
        tags=["carriers"],
        summary="A call has come in at the simulated carrier, signed: what becomes of it?",
        responses=problems(401, 413, 422, 503),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": inbound_schema()}}}
        },
    )
    async def inbound(request: Request) -> Response:
        """`answer` with what the agent needs, `busy`, `reject`, or `message` with the id of what is to be played.

        The agent picks up before `not_after` or not at all. Without an answer of ours the carrier rejects the call.
        """
        body = await request.body()
        if not is_signed(body, request.headers.get("x-carrier-signature"), services.webhook_secret):
            raise unauthenticated("X-Carrier-Signature: missing, or not the signature of this body.")
        try:
            call = read_inbound(body)
        except ValidationError as error:
            raise Problem(422, "invalid_request", f"{error.error_count()} errors in the call.") from None
        reply = await switchboard.answer(call)
        return Response(reply_body(call, reply, public_url=services.public_url), media_type="application/json")
