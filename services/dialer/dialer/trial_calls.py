"""Test calls: an operator tries a campaign out, on a number of the business's own.

What must stay true: a test call goes the way of every call, (1) its row is committed, (2) a permit is asked for, (3)
the row becomes `placing` unless something ended it meanwhile, (4) the carrier is asked, once, (5) and what it says is
recorded; the reconciler ends what is left over. It is nobody's attempt: no contact, no figures.

Hours, pace and the campaign's lines are not asked: the operator wants it to ring now. So there are few of them, in each
sliding minute, for a whole workspace.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4, uuid5

import asyncpg
from fastapi import FastAPI, Header, Request, Response
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field

from campaign_events.settings import E164, CampaignSettings, Outcome
from campaign_events.trunks import caller_number_of
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import Operator
from dialer import claims
from dialer.call_history import CallRecord, read_one
from dialer.call_log import change
from dialer.calls import Call, Step, api_answered, refused, told_again
from dialer.carriers import PlaceRequest, Unknown
from dialer.permits import Granted, NotHeard, PerhapsHeard, Refused, TrialAsk
from dialer.schedule import campaign_day
from dialer.services import Services, problems
from dialer.trunks import Routes, admit, give_places_back, load_routes

MOST_A_MINUTE = 5
ASK_SECONDS = 2.0
TRIAL_LOCK = 7155423
LIMITED = """
SELECT count(*) AS lately, min(created_at) + interval '1 minute' AS next_at
FROM calls WHERE workspace = $1 AND kind = 'test' AND created_at > now() - interval '1 minute'
"""
CAMPAIGN = "SELECT settings, settings_version, partition FROM campaigns WHERE id = $1 AND workspace = $2"
ASKED = """
INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version, success_rule,
    day, state, kind, check_at)
VALUES ($1, $2, $3, $4, $5, 0, 1, $6, $7, $8, 'asked', 'test', now() + make_interval(secs => $9))
ON CONFLICT (id) DO NOTHING RETURNING id
"""
TO_PLACING = """
UPDATE calls SET state = 'placing', number = $2, number_hash = $3, caller_number = $4, agent_id = $5,
    ring_timeout_seconds = $6, max_call_seconds = $7, permit_ends_at = $8::timestamptz,
    not_after = $8::timestamptz, check_at = $8::timestamptz + make_interval(secs => $9),
    holds_place_until = CASE WHEN $10::boolean THEN $8::timestamptz + interval '1 second' END
WHERE id = $1 AND state = 'asked' RETURNING id
"""

trials_total = Counter("dialer_test_calls_total", "Test calls asked for", ["answer"])


class TestCall(BaseModel):
    """A call of the campaign to a number of one's own."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    campaign_id: UUID
    number: E164 = Field(description="E.164", examples=["+493023125000"])


def add_trial_route(app: FastAPI, services: Services) -> None:
    """`POST /v1/test-calls`."""

    @app.post(
        "/v1/test-calls",
        tags=["calls"],
        status_code=201,
        summary="Call a number of your own, as the campaign would",
        response_model=CallRecord,
        responses={
            200: {"model": CallRecord, "description": "There is this call already, under the same Idempotency-Key"},
            **problems(400, 401, 403, 404, 409, 413, 422, 429, 503),
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": TestCall.model_json_schema()}},
            }
        },
    )
    async def test_call(
        request: Request,
        response: Response,
        caller: Operator,
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1,
                max_length=255,
                description="Sent again with its key, a test call is not placed a second time: the answer is the call "
                "as it is now, with `Idempotent-Replayed: true`",
            ),
        ] = None,
    ) -> CallRecord:
        """The campaign's agent, prompt and caller number ring the number now, whatever the hours; in Draft, Running and
        Paused. Not for a number on the do-not-call list, or while the workspace is paused (409 says why). Nothing is
        counted; the call is in the call history with the kind `test`. At most 5 in a minute in a workspace."""
        wanted = parse_body(TestCall, await request.body())
        call_id = uuid4() if idempotency_key is None else uuid5(caller.workspace, idempotency_key)
        trial = _Trial(services, caller.workspace, wanted, call_id)
        if await trial.begin():
            await trial.place()
        else:
            response.status_code = 200
            response.headers["Idempotent-Replayed"] = "true"
        return await read_one(services.pool, caller.workspace, call_id, role=caller.role)


class _Trial:
    def __init__(self, services: Services, workspace: UUID, wanted: TestCall, call_id: UUID) -> None:
        self._services, self._pool = services, services.pool
        self._workspace, self._wanted, self._call_id = workspace, wanted, call_id
        self._contact_id = uuid4()
        self._caller_numbers: tuple[str, ...] = ()
        self._has_ceilings = False

    async def begin(self) -> bool:
        """Step 1; False if there is this call already."""
        wanted = self._wanted
        async with self._pool.acquire() as connection, connection.transaction():
            # One at a time in a workspace, so that the limit is exact.
            await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", TRIAL_LOCK, str(self._workspace))
            known = await connection.fetchrow(
                "SELECT campaign_id, number, kind FROM calls WHERE id = $1 AND workspace = $2",
                *(self._call_id, self._workspace),
            )
            if known is not None:
                _require_same(known, wanted)
                return False
            campaign = await connection.fetchrow(CAMPAIGN, wanted.campaign_id, self._workspace)
            if campaign is None:
                raise Problem(404, "unknown_campaign", f"There is no campaign {wanted.campaign_id} in this workspace.")
            limited = await connection.fetchrow(LIMITED, self._workspace)
            assert limited is not None
            if limited["lately"] >= MOST_A_MINUTE:
                trials_total.labels("too_many").inc()
                wait = max(1, round((limited["next_at"] - datetime.now(UTC)).total_seconds()))
                raise Problem(
                    429,
                    "too_many_test_calls",
                    f"A workspace may place {MOST_A_MINUTE} test calls in a minute.",
                    limit=MOST_A_MINUTE,
                    headers={"Retry-After": str(wait)},
                )
            settings = CampaignSettings.model_validate_json(campaign["settings"], context={"stored": True})
            self._caller_numbers = settings.caller_numbers
            await connection.execute(
                ASKED,
                *(self._call_id, self._workspace, wanted.campaign_id, self._contact_id, campaign["partition"]),
                *(campaign["settings_version"], settings.success_rule),
                *(campaign_day(settings.schedule, datetime.now(UTC)), claims.ASKED_DEADLINE_SECONDS),
            )
        return True

    async def place(self) -> None:
        """Steps 2 to 5. Problem 409 for a refusal, 503 when nobody can be asked; then nothing has rung."""
        await self._require_room()
        ask_began = time.monotonic()
        grant = await self._permit()  # 2
        ends_at = datetime.now(UTC) + timedelta(seconds=ask_began + grant.expires_in_seconds - time.monotonic())
        patience = self._services.patience
        longest = grant.longest_seconds(patience.call_deadline_seconds)
        placing = await self._pool.fetchval(  # 3
            TO_PLACING,
            *(self._call_id, grant.number, grant.number_hash, grant.caller_number, grant.agent_id),
            *(grant.ring_timeout_seconds, longest, ends_at, patience.place_timeout_seconds, self._has_ceilings),
        )
        if placing is None:
            # It was ended meanwhile (a take-over, say), perhaps before the permit: its end is told once more.
            await self._change(lambda call, now: told_again(call, now=now, next_at=None))
            raise _unavailable("The call was given up before it could be placed.")
        request = PlaceRequest(
            call_id=self._call_id,
            number=grant.number,
            caller_number=grant.caller_number,
            ring_timeout_seconds=grant.ring_timeout_seconds,
            max_call_seconds=longest,
            not_after=ends_at,
            agent_id=grant.agent_id,
            prompt=grant.prompt,
            context=grant.context,
            token=self._services.mint_token(self._call_id, self._workspace),
        )
        answer = await self._services.carrier.place(request)  # 4
        await self._change(lambda call, now: api_answered(call, answer, now=now, patience=patience))  # 5
        if self._has_ceilings and not isinstance(answer, Unknown):
            await give_places_back(self._pool, [self._call_id])
        trials_total.labels(type(answer).__name__.lower()).inc()
        self._services.log.info("test_call_placed", call=str(self._call_id), answer=type(answer).__name__.lower())

    async def _require_room(self) -> None:
        """A trunk's ceilings hold for test calls, too; its breaker does not keep an operator from trying it."""
        if not self._caller_numbers:
            return  # the permit will say so
        routes = (await load_routes(self._pool, [self._workspace])).get(self._workspace, Routes())
        trunk = routes.trunk_of(caller_number_of(self._caller_numbers, self._contact_id))
        self._has_ceilings = trunk in routes.with_ceilings
        admission = await admit(
            self._pool,
            workspace=self._workspace,
            campaign_id=self._wanted.campaign_id,
            wanted={self._call_id: trunk},
        )
        if self._call_id not in admission.admitted:
            trials_total.labels("no_room").inc()
            raise Problem(409, "trunk_busy", f"All lines of the trunk {trunk} are busy, or its second is full.")

    async def _permit(self) -> Granted:
        ask = TrialAsk(
            call_id=self._call_id,
            contact_id=self._contact_id,
            campaign_id=self._wanted.campaign_id,
            workspace=self._workspace,
            number=self._wanted.number,
        )
        deadline, perhaps_heard = time.monotonic() + ASK_SECONDS, False
        while True:
            try:
                answer = await self._services.permits.ask_trial(ask)
                break
            except (NotHeard, PerhapsHeard) as error:
                perhaps_heard = perhaps_heard or isinstance(error, PerhapsHeard)
                if time.monotonic() > deadline:
                    await self._give_back(perhaps_granted=perhaps_heard)
                    trials_total.labels("no_permit").inc()
                    raise _unavailable("campaign-command does not answer.") from None
                await asyncio.sleep(random.uniform(0.1, 0.3))  # noqa: S311 - jitter, not a secret
        if isinstance(answer, Refused):
            await self._give_back(perhaps_granted=perhaps_heard)
            trials_total.labels("refused").inc()
            raise _refusal(answer)
        return answer

    async def _give_back(self, *, perhaps_granted: bool) -> None:
        if perhaps_granted:
            await self._change(
                lambda call, now: (
                    refused(call, Outcome.NOT_PLACED, retry_after_seconds=None, now=now)
                    if call.state == "asked"
                    else (call, ())
                )
            )
        else:
            await claims.forget(self._pool, [self._call_id])

    async def _change(self, step: Callable[[Call, datetime], Step]) -> None:
        await change(self._pool, [self._call_id], lambda call: step(call, datetime.now(UTC)))


_WHY = {
    "unknown_campaign": "There is no such campaign.",
    "campaign_is_final": "The campaign is over; duplicate it to try it out.",
    "not_ready": "The campaign needs an agent and a caller number.",
    "workspace_paused": "All calling of the workspace is paused.",
    "suppressed": "The number is on the do-not-call list.",
    "being_erased": "The data of the number's owner is being erased.",
    "number_live": "Another call to the number is in progress.",
}


def _refusal(answer: Refused) -> Problem:
    if answer.code == "unknown_campaign":
        return Problem(404, answer.code, _WHY[answer.code])
    if answer.code in _WHY or answer.code == "call_closed":
        return Problem(409, answer.code, _WHY.get(answer.code, "The permit of this call has expired."))
    message = f"{answer.code.replace('_', ' ')}; allowed: a number that can be called, as E.164, such as +493023125000"
    errors: list[dict[str, Any]] = [{"field": "number", "message": message}]
    return Problem(422, "invalid_number", f"number: {message}", errors=errors, reason=answer.code)


def _require_same(known: asyncpg.Record, wanted: TestCall) -> None:
    same_number = known["number"] in (None, wanted.number)  # it is not known yet, or forgotten
    if known["kind"] != "test" or known["campaign_id"] != wanted.campaign_id or not same_number:
        raise Problem(422, "idempotency_key_reused", "Idempotency-Key: it was used for another request.")


def _unavailable(why: str) -> Problem:
    return Problem(503, "unavailable", f"{why} Nothing has rung.", headers={"Retry-After": "2"})
