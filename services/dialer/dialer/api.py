"""The dialer's HTTP API: call history, the agent's report, hanging up, what the dialling does, the carrier's webhooks.

What must stay true: a webhook is answered with 204 only after its events are committed; what belongs to another
workspace does not exist.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import FastAPI, Query, Request, Response
from prometheus_client import Counter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from campaign_events.facts import CallEvent
from campaign_events.settings import CampaignSettings, Conversation
from campaign_service.health import Health
from campaign_service.logs import Log
from campaign_service.paging import Cursor, Limit
from campaign_service.problems import BodyLimit, Problem, ProblemDetails, install_problems, parse_body
from campaign_service.tokens import Operator, Verifier, Viewer, unauthenticated
from dialer.call_history import CallPage, CallRecord, no_such_call, read_one, read_page
from dialer.call_log import change
from dialer.calls import Call, Patience, State, Step, heard, reported
from dialer.carriers import Carrier, CarrierEvent
from dialer.carriers.simulated import is_signed, read_webhook
from dialer.database import Pool
from dialer.dialing_status import DialingStatus, read_status
from dialer.outcomes import Report, ReportRefused
from dialer.schedule import campaign_day

MAX_BODY_BYTES = 1_000_000
CALL_TOKEN_AUDIENCE = "call-outcome"  # noqa: S105 - a name, not a secret
CALL_TOKEN_SLACK = timedelta(days=1)
LATEST_CALLBACK = timedelta(days=90)
# What was in the future when the agent said it may be past when it arrives: then it is due at once.
CALLBACK_SLACK = timedelta(seconds=60)

webhook_events_total = Counter("dialer_webhook_events_total", "Events of carriers", ["kind"])
reports_total = Counter("dialer_reports_total", "Reports of voice agents", ["answer"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the API works with."""

    pool: Pool
    carrier: Carrier
    patience: Patience
    verifier: Verifier
    call_token_secret: str
    webhook_secret: str
    changed: Callable[[Iterable[UUID]], None]
    carrier_closed_until: Callable[[], datetime | None]
    health: Health
    log: Log


class OutcomeReport(BaseModel):
    """What the conversation gave, as the voice agent says."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {"outcome": "goal_met", "summary": "The appointment is confirmed."},
                {"outcome": "callback", "callback_at": "2030-01-07T14:30:00+01:00"},
            ]
        },
    )

    outcome: Conversation
    callback_at: AwareDatetime | None = Field(
        default=None, description='With `callback`: when, with an offset, at most 90 days ahead; null means "later"'
    )
    summary: str | None = Field(default=None, max_length=5000, description="In the agent's words; kept with the call")


def mint_call_token(secret: str, *, call_id: UUID, workspace: UUID, patience: Patience) -> str:
    """The token with which the agent of one call, and nobody else, reports its outcome."""
    lasts = timedelta(seconds=patience.call_deadline_seconds + patience.outcome_grace_seconds) + CALL_TOKEN_SLACK
    claims = {
        "sub": str(call_id),
        "workspace": str(workspace),
        "aud": CALL_TOKEN_AUDIENCE,
        "exp": datetime.now(UTC) + lasts,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def build_app(services: Services) -> FastAPI:
    """The application; it serves until its process ends."""
    app = FastAPI(
        title="Dialer",
        version="1",
        description="Calls: history, reports of voice agents, and what the dialling does now. Times are UTC, RFC 3339.",
    )
    app.state.verifier = services.verifier
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES)
    install_problems(app)
    services.health.install(app)
    _call_routes(app, services)
    _report_route(app, services)
    _webhook_route(app, services)
    return app


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ProblemDetails} for status in statuses}


def _call_routes(app: FastAPI, services: Services) -> None:
    pool = services.pool

    @app.get("/v1/calls", tags=["calls"], summary="Call history, the newest first", responses=_problems(401, 422))
    async def list_calls(
        caller: Viewer,
        campaign_id: Annotated[
            UUID | None, Query(description="Only calls of this campaign (also a deleted one)")
        ] = None,
        contact_id: Annotated[UUID | None, Query(description="Only calls to this contact")] = None,
        status: Annotated[State | None, Query(description="Only calls in this state")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> CallPage:
        """Numbers are masked for viewers. Calls stay when their campaign is deleted."""
        return await read_page(
            pool,
            caller.workspace,
            role=caller.role,
            campaign_id=campaign_id,
            contact_id=contact_id,
            status=status,
            cursor=cursor,
            limit=limit,
        )

    @app.get("/v1/calls/{call_id}", tags=["calls"], summary="One call", responses=_problems(401, 404, 422))
    async def get_call(caller: Viewer, call_id: UUID) -> CallRecord:
        return await read_one(pool, caller.workspace, call_id, role=caller.role)

    @app.post(
        "/v1/calls/{call_id}/hangup",
        tags=["calls"],
        status_code=202,
        summary="Hang up a live call",
        responses=_problems(401, 403, 404, 409, 422, 503),
    )
    async def hang_up(caller: Operator, call_id: UUID) -> CallRecord:
        """The call ends at the carrier; its end comes as an event. Before the answer the outcome is `cancelled`."""
        call = await read_one(pool, caller.workspace, call_id, role=caller.role)
        if call.status in ("ended", "settled"):
            raise Problem(409, "call_is_over", f"The call is {call.status}; only a live call can be hung up.")
        if call.status == "asked":
            raise Problem(409, "call_not_placed", "The call is not placed yet; pause the campaign to stop it.")
        now = datetime.now(UTC)

        def ask(call: Call) -> Step:
            return _replace_hangup(call, now), ()

        await change(pool, [call_id], ask)
        done = await services.carrier.hangup(call_id)
        if done is None:
            raise Problem(503, "carrier_unavailable", "The carrier does not answer.", headers={"Retry-After": "2"})
        if not done:
            raise Problem(409, "call_not_placed", "The carrier does not know the call.")
        return await read_one(pool, caller.workspace, call_id, role=caller.role)

    @app.get(
        "/v1/dialing/{campaign_id}",
        tags=["dialing"],
        summary="What a campaign's dialling does now, and what it waits for",
        responses=_problems(401, 404, 422),
    )
    async def dialing(caller: Viewer, campaign_id: UUID) -> DialingStatus:
        closed_until = services.carrier_closed_until()
        return await read_status(pool, caller.workspace, campaign_id, carrier_closed_until=closed_until)


def _replace_hangup(call: Call, now: datetime) -> Call:
    return call if call.is_over or call.hangup_asked_at else replace(call, hangup_asked_at=now)


def _report_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/v1/calls/{call_id}/outcome",
        tags=["calls"],
        summary="The voice agent's report of a call",
        responses=_problems(401, 403, 404, 409, 422),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": OutcomeReport.model_json_schema()}},
            },
            "security": [{"HTTPBearer": []}],
        },
    )
    async def report_outcome(request: Request, call_id: UUID) -> CallRecord:
        """With the call's own token (the agent got it with the call), or an operator's.

        The same report again is accepted and changes nothing; another one is refused (409 `already_reported`), except
        `do_not_call`, which always counts.
        """
        workspace, role = await _reporter(services, request, call_id)
        wanted = parse_body(OutcomeReport, await request.body())
        known = await services.pool.fetchrow("SELECT workspace, campaign_id FROM calls WHERE id = $1", call_id)
        if known is None or known["workspace"] != workspace:
            reports_total.labels("unknown_call").inc()
            services.log.warning("report_of_unknown_call", call_id=str(call_id))
            raise no_such_call(call_id)
        now = datetime.now(UTC)
        await _check_callback(services.pool, known["campaign_id"], wanted, now)
        report = Report(wanted.outcome, wanted.callback_at)

        def step(call: Call) -> Step:
            return reported(call, report, summary=wanted.summary, now=now, patience=services.patience)

        try:
            await change(services.pool, [call_id], step)
        except ReportRefused as error:
            reports_total.labels("already_reported").inc()
            raise Problem(409, "already_reported", str(error)) from None
        reports_total.labels("accepted").inc()
        return await read_one(services.pool, workspace, call_id, role=role)


async def _reporter(services: Services, request: Request, call_id: UUID) -> tuple[UUID, Any]:
    """Whose report it is: the workspace, and the role as which the answer is shown."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated("A bearer token is needed.")
    try:
        claims = jwt.decode(
            token,
            services.call_token_secret,
            algorithms=["HS256"],
            audience=CALL_TOKEN_AUDIENCE,
            options={"require": ["exp", "sub"]},
        )
    except jwt.PyJWTError:
        caller = await services.verifier.caller(token)
        if caller.role == "viewer":
            raise Problem(403, "forbidden", "This needs the role operator or higher; the token's is viewer.") from None
        return caller.workspace, caller.role
    if claims["sub"] != str(call_id):
        raise unauthenticated("The token is that of another call.")
    return UUID(claims["workspace"]), "viewer"


async def _check_callback(pool: Pool, campaign_id: UUID, report: OutcomeReport, now: datetime) -> None:
    at = report.callback_at
    if at is None:
        return
    if report.outcome is not Conversation.CALLBACK:
        raise Problem(422, "invalid_callback_at", "callback_at: allowed with the outcome `callback` only.")
    if not now - CALLBACK_SLACK <= at <= now + LATEST_CALLBACK:
        latest = now + LATEST_CALLBACK
        raise Problem(
            422,
            "invalid_callback_at",
            f"callback_at: {at.isoformat()} is not between now and 90 days ahead.",
            earliest=now.isoformat(),
            latest=latest.isoformat(),
        )
    row = await pool.fetchrow("SELECT settings FROM campaigns WHERE id = $1", campaign_id)
    if row is None:
        return
    schedule = CampaignSettings.model_validate_json(row["settings"], context={"stored": True}).schedule
    if schedule.end_date is not None and campaign_day(schedule, at) > schedule.end_date:
        raise Problem(
            409,
            "callback_after_end_date",
            f"callback_at: {at.isoformat()} lies after the campaign's end date, {schedule.end_date}.",
            end_date=schedule.end_date.isoformat(),
        )


def _webhook_route(app: FastAPI, services: Services) -> None:
    @app.post(
        "/v1/carriers/simulated/events",
        tags=["carriers"],
        status_code=204,
        summary="Events of the simulated carrier, signed",
        responses=_problems(401, 422),
    )
    async def events(request: Request) -> Response:
        """`X-Carrier-Signature: sha256=<hex HMAC of the body>`. 204 once they are stored; events of unknown calls are
        ignored. May come twice, late and in any order."""
        body = await request.body()
        if not is_signed(body, request.headers.get("x-carrier-signature"), services.webhook_secret):
            webhook_events_total.labels("unsigned").inc()
            raise unauthenticated("X-Carrier-Signature: missing, or not the signature of this body.")
        try:
            received, strange = read_webhook(body)
        except ValidationError as error:
            raise Problem(422, "invalid_request", f"{error.error_count()} errors in the events.") from None
        by_call: dict[UUID, list[CarrierEvent]] = defaultdict(list)
        for event in received:
            by_call[event.call_id].append(event)

        def step(call: Call) -> Step:
            facts: tuple[CallEvent, ...] = ()
            now = datetime.now(UTC)
            for event in by_call[call.id]:
                call, more = heard(call, event, now=now, patience=services.patience)
                facts += more
            return call, facts

        calls = await change(services.pool, by_call, step)
        services.changed({call.campaign_id for call in calls if call.is_over})
        unknown = len(by_call) - len(calls)
        webhook_events_total.labels("received").inc(len(received))
        webhook_events_total.labels("unknown_call").inc(unknown)
        webhook_events_total.labels("unknown_status").inc(len(strange))
        if unknown or strange:
            services.log.warning("carrier_events_ignored", unknown_calls=unknown, unknown_statuses=sorted(set(strange)))
        return Response(status_code=204)
