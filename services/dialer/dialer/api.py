"""The dialer's HTTP API: call history, hanging up, and what the dialling does now; the rest is in `incoming`.

What must stay true: what belongs to another workspace does not exist.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Query, Request, Response

from campaign_service.paging import Cursor, Limit
from campaign_service.problems import BodyLimit, Problem, install_problems, problem_response
from campaign_service.tokens import Operator, Viewer
from dialer.call_history import CallPage, CallRecord, read_one, read_page
from dialer.call_log import change
from dialer.calls import Call, State, Step
from dialer.database import UNAVAILABLE
from dialer.dialing_status import DialingStatus, read_status
from dialer.inbound import add_inbound_route
from dialer.incoming import add_report_route, add_webhook_route
from dialer.services import Services, problems
from dialer.trial_calls import add_trial_route
from dialer.trunk_api import add_trunk_routes

MAX_BODY_BYTES = 1_000_000


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
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _database_away)
    services.health.install(app)
    _call_routes(app, services)
    add_report_route(app, services)
    add_webhook_route(app, services)
    add_inbound_route(app, services)
    add_trial_route(app, services)
    add_trunk_routes(app, services)
    return app


async def _database_away(_: Request, error: Exception) -> Response:
    return problem_response(
        Problem(503, "unavailable", f"The database is away ({type(error).__name__}).", headers={"Retry-After": "1"})
    )


def _call_routes(app: FastAPI, services: Services) -> None:
    pool = services.pool

    @app.get("/v1/calls", tags=["calls"], summary="Call history, the newest first", responses=problems(401, 422))
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

    @app.get("/v1/calls/{call_id}", tags=["calls"], summary="One call", responses=problems(401, 404, 422))
    async def get_call(caller: Viewer, call_id: UUID) -> CallRecord:
        return await read_one(pool, caller.workspace, call_id, role=caller.role)

    @app.post(
        "/v1/calls/{call_id}/hangup",
        tags=["calls"],
        status_code=202,
        summary="Hang up a live call",
        responses=problems(401, 403, 404, 409, 422, 503),
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
        responses=problems(401, 404, 422),
    )
    async def dialing(caller: Viewer, campaign_id: UUID) -> DialingStatus:
        return await read_status(pool, caller.workspace, campaign_id)


def _replace_hangup(call: Call, now: datetime) -> Call:
    return call if call.is_over or call.hangup_asked_at else replace(call, hangup_asked_at=now)
