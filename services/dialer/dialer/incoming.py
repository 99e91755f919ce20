"""What comes in from outside: the carrier's webhooks and the voice agents' reports.

What must stay true: a webhook is answered with 204 only after its events are committed; a report counts only with the
call's own token or an operator's.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import FastAPI, Request, Response
from prometheus_client import Counter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from campaign_events.facts import CallEvent
from campaign_events.settings import NO_NUL, CampaignSettings, Conversation
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import unauthenticated
from dialer.call_history import no_such_call
from dialer.call_log import change
from dialer.calls import Call, Patience, State, Step, Words, heard, reported
from dialer.carriers import CarrierEvent
from dialer.carriers.simulated import is_signed, read_webhook, webhook_schema
from dialer.outcomes import Report, ReportRefused
from dialer.schedule import campaign_day, instant_of
from dialer.services import Services, problems

CALL_TOKEN_AUDIENCE = "call-outcome"  # noqa: S105 - a name, not a secret
CALL_TOKEN_SLACK = timedelta(days=1)
LATEST_CALLBACK = timedelta(days=90)
# What was in the future when the agent said it may be past when it arrives: then it is due at once.
CALLBACK_SLACK = timedelta(seconds=60)
MAX_DATA_BYTES = 16_384
MAX_DATA_DEPTH = 8
# The candidate zones are those of its contact; of a deleted campaign, or a test call, there are none.
ABOUT_CALL = """
SELECT campaigns.settings, zone_lists.zones, calls.forgotten_at
FROM calls LEFT JOIN campaigns ON campaigns.id = calls.campaign_id
LEFT JOIN queue ON queue.campaign_id = calls.campaign_id AND queue.contact_id = calls.contact_id
LEFT JOIN zone_lists ON zone_lists.campaign_id = queue.campaign_id AND zone_lists.key = queue.zones_key
WHERE calls.id = $1
"""

webhook_events_total = Counter("dialer_webhook_events_total", "Events of carriers", ["kind"])
reports_total = Counter("dialer_reports_total", "Reports of voice agents", ["answer"])


def _require_a_time(value: Any) -> Any:
    if isinstance(value, str) and "T" not in value.upper().replace(" ", "T"):
        raise ValueError(f"{value!r} has no time of day; allowed: such as '2030-01-07T14:30:00+01:00'")
    return value


def _require_small(data: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(data, ensure_ascii=False).encode())
    if size > MAX_DATA_BYTES:
        raise ValueError(f"has {size} bytes as JSON; allowed: at most {MAX_DATA_BYTES}")
    _require_storable(data, levels=MAX_DATA_DEPTH)
    return data


def _require_storable(value: Any, *, levels: int) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("contains a NUL character; allowed: any other text")
    if isinstance(value, dict | list):
        if not levels:
            raise ValueError(f"is nested deeper than allowed: at most {MAX_DATA_DEPTH} levels")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _require_storable(inner, levels=levels - 1)


_Address = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9\[][\x21-\x7e]*$", max_length=2000)]


class OutcomeReport(BaseModel):
    """What the conversation gave, as the voice agent says."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {"outcome": "goal_met", "summary": "The appointment is confirmed."},
                {"outcome": "callback", "callback_at": "2030-01-07T14:30:00+01:00"},
                {"outcome": "callback", "callback_at": "2030-01-07T14:30:00"},
            ]
        },
    )

    outcome: Conversation
    callback_at: Annotated[datetime, BeforeValidator(_require_a_time)] | None = Field(
        default=None,
        description="With `callback`: when, at most 90 days ahead. Without an offset it is the callee's local time "
        "(several zones possible: the latest of the instants, so that nobody is rung too early; no zone known: the "
        'campaign\'s zone). Null means "later"',
    )
    summary: Annotated[str, Field(max_length=5000), NO_NUL] | None = Field(
        default=None, description="In the agent's words; kept with the call"
    )
    recording_url: _Address | None = Field(default=None, description="Where the recording is, http or https")
    transcript_url: _Address | None = Field(default=None, description="Where the transcript is, http or https")
    data: Annotated[dict[str, Any], AfterValidator(_require_small)] | None = Field(
        default=None,
        description=f"The agent's own fields, a JSON object: at most {MAX_DATA_BYTES} bytes, {MAX_DATA_DEPTH} levels",
    )

    @property
    def words(self) -> Words:
        """What is kept with the call beside the outcome."""
        data = None if self.data is None else json.dumps(self.data, ensure_ascii=False)
        return Words(self.summary, self.recording_url, self.transcript_url, data)


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

        The same report again is accepted; it adds what was missing beside the outcome (a recording's address, say) and
        changes nothing. Another one is refused (409 `already_reported`), except `do_not_call`, which always counts.
        """
        workspace = await _reporter(services, request, call_id)
        wanted = parse_body(OutcomeReport, await request.body())
        now = datetime.now(UTC)
        about = await services.pool.fetchrow(ABOUT_CALL, call_id)
        stored, zones, forgotten_at = (None, None, None) if about is None else about
        settings = None if stored is None else CampaignSettings.model_validate_json(stored, context={"stored": True})
        report = Report(wanted.outcome, callback_of(wanted, settings=settings, zones=zones or (), now=now))
        # Of a deleted campaign, or a person who was forgotten, no words are kept.
        words = Words() if settings is None or forgotten_at else wanted.words

        def step(call: Call) -> Step:
            if call.workspace != workspace:
                raise no_such_call(call_id)
            return reported(call, report, words=words, now=now, patience=services.patience)

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


def callback_of(
    report: OutcomeReport, *, settings: CampaignSettings | None, zones: Sequence[str], now: datetime
) -> datetime | None:
    """The instant of the callback that the report asks for, of a contact with these candidate zones.

    Problem 422 or 409 says why it is none. `settings` None: the campaign is gone.
    """
    at = report.callback_at
    if at is None:
        return None
    if report.outcome is not Conversation.CALLBACK:
        raise _invalid_callback("allowed with the outcome `callback` only")
    if at.tzinfo is None:
        if settings is None:
            raise _invalid_callback(f"{at.isoformat()} has no offset, and the callee's zone is not known any more")
        at = local_callback(at, zones, settings.schedule.time_zone)
    if not now - CALLBACK_SLACK <= at <= now + LATEST_CALLBACK:
        raise _invalid_callback(
            f"{at.isoformat()} is not between now and 90 days ahead",
            earliest=now.isoformat(),
            latest=(now + LATEST_CALLBACK).isoformat(),
        )
    end_date = settings.schedule.end_date if settings is not None else None
    if settings is not None and end_date is not None and campaign_day(settings.schedule, at) > end_date:
        raise Problem(
            409,
            "callback_after_end_date",
            f"callback_at: {at.isoformat()} lies after the campaign's end date, {end_date}.",
            end_date=end_date.isoformat(),
        )
    return at


def local_callback(local: datetime, zones: Sequence[str], campaign_zone: str) -> datetime:
    """A callee's wall-clock time as an instant: the latest of the candidate zones', for nobody is rung too early."""
    possible = [at for zone in zones if (at := instant_of(local, zone)) is not None]
    return max(possible) if possible else (instant_of(local, campaign_zone) or local.replace(tzinfo=UTC))


def _invalid_callback(why: str, **more: Any) -> Problem:
    return Problem(422, "invalid_callback_at", f"callback_at: {why}.", **more)


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
