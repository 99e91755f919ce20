"""What comes in from outside: the carrier's webhooks and the voice agents' reports.

What must stay true: a webhook is answered with 204 only after its events are committed; a report counts only with the
call's own token or an operator's.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import FastAPI, Request, Response
from prometheus_client import Counter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from campaign_events.facts import CallEvent
from campaign_events.settings import NO_NUL, CampaignSettings, Conversation
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import unauthenticated
from dialer.call_history import no_such_call
from dialer.call_log import change
from dialer.calls import Call, Patience, State, Step, heard, reported
from dialer.carriers import CarrierEvent
from dialer.carriers.simulated import is_signed, read_webhook, webhook_schema
from dialer.database import Pool
from dialer.outcomes import Report, ReportRefused
from dialer.schedule import campaign_day
from dialer.services import Services, problems

CALL_TOKEN_AUDIENCE = "call-outcome"  # noqa: S105 - a name, not a secret
CALL_TOKEN_SLACK = timedelta(days=1)
LATEST_CALLBACK = timedelta(days=90)
# What was in the future when the agent said it may be past when it arrives: then it is due at once.
CALLBACK_SLACK = timedelta(seconds=60)
SETTINGS_OF_CALL = """
SELECT settings FROM campaigns JOIN calls ON calls.campaign_id = campaigns.id WHERE calls.id = $1
"""

webhook_events_total = Counter("dialer_webhook_events_total", "Events of carriers", ["kind"])
reports_total = Counter("dialer_reports_total", "Reports of voice agents", ["answer"])


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
    summary: Annotated[str, Field(max_length=5000), NO_NUL] | None = Field(
        default=None, description="In the agent's words; kept with the call"
    )


class ReportTaken(BaseModel):
    """The report that counts for the call now."""

    call_id: UUID
    status: State
    conversation: Conversation | None
    callback_at: datetime | None


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


def _report_schema() -> dict[str, Any]:
    schema = OutcomeReport.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["$defs"]  # they are among the components, by the answers that hold them
    return schema


def add_report_route(app: FastAPI, services: Services) -> None:
    """`POST /v1/calls/{id}/outcome`."""

    @app.post(
        "/v1/calls/{call_id}/outcome",
        tags=["calls"],
        summary="The voice agent's report of a call",
        responses=problems(400, 401, 403, 404, 409, 413, 422, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _report_schema()}},
            },
            "security": [{"HTTPBearer": []}],
        },
    )
    async def report_outcome(request: Request, call_id: UUID) -> ReportTaken:
        """With the call's own token (the agent got it with the call), or an operator's.

        The same report again is accepted and changes nothing; another one is refused (409 `already_reported`), except
        `do_not_call`, which always counts.
        """
        workspace = await _reporter(services, request, call_id)
        wanted = parse_body(OutcomeReport, await request.body())
        now = datetime.now(UTC)
        await _check_callback(services.pool, call_id, wanted, now)
        report = Report(wanted.outcome, wanted.callback_at)

        def step(call: Call) -> Step:
            if call.workspace != workspace:
                raise no_such_call(call_id)
            return reported(call, report, summary=wanted.summary, now=now, patience=services.patience)

        try:
            calls = await change(services.pool, [call_id], step)
            if not calls:
                raise no_such_call(call_id)
        except ReportRefused as error:
            reports_total.labels("already_reported").inc()
            raise Problem(409, "already_reported", str(error)) from None
        except Problem:
            reports_total.labels("unknown_call").inc()
            services.log.warning("report_of_unknown_call", call_id=str(call_id))
            raise
        reports_total.labels("accepted").inc()
        call = calls[0]
        return ReportTaken(
            call_id=call.id, status=call.state, conversation=call.conversation, callback_at=call.callback_at
        )


async def _reporter(services: Services, request: Request, call_id: UUID) -> UUID:
    """The workspace whose report it is: of the call's own token, or of an operator."""
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
        return caller.workspace
    if claims["sub"] != str(call_id):
        raise unauthenticated("The token is that of another call.")
    return UUID(claims["workspace"])


async def _check_callback(pool: Pool, call_id: UUID, report: OutcomeReport, now: datetime) -> None:
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
    row = await pool.fetchrow(SETTINGS_OF_CALL, call_id)
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


def add_webhook_route(app: FastAPI, services: Services) -> None:
    """`POST /v1/carriers/simulated/events`."""

    @app.post(
        "/v1/carriers/simulated/events",
        tags=["carriers"],
        status_code=204,
        summary="Events of the simulated carrier, signed",
        responses=problems(401, 413, 422, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": webhook_schema()}},
            }
        },
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
