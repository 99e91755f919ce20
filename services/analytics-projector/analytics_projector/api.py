"""The read API: the campaign list, a campaign, its analytics, and live pages.

What must stay true: a caller sees the campaigns of their workspace only; another's id is as unknown as any other.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse

from analytics_projector import answers, listing, rows
from analytics_projector.figures import CallFigures
from analytics_projector.live import RETRY_AFTER_SECONDS, Live
from analytics_projector.projector import Unavailable, database_errors
from analytics_projector.rows import Pool
from campaign_events.settings import CampaignStatus, CampaignType
from campaign_service.health import Health
from campaign_service.paging import Cursor, Limit
from campaign_service.problems import (
    BodyLimit,
    Problem,
    ProblemDetails,
    install_problems,
    problem_response,
)
from campaign_service.tokens import Caller, Verifier, Viewer

MAX_BODY_BYTES = 1024  # nothing here takes a body
MAX_POSITION = 2**63 - 1
MAX_STATUSES = 20

MinPosition = Annotated[
    int | None,
    Query(
        ge=0,
        le=MAX_POSITION,
        description="The `position` that a command answered: the read waits until its campaign is shown as of there, "
        "for a bounded time (2 s unless configured otherwise), then 503 `not_caught_up`",
    ),
]


def _problem(description: str) -> dict[str, Any]:
    return {"model": ProblemDetails, "description": description}


UNAUTHENTICATED = _problem("`unauthenticated`: no valid bearer token")
NOT_FOUND = _problem("`not_found`: no such campaign in the caller's workspace, or it is deleted")
INVALID = _problem("`invalid_request`, `invalid_cursor`: which parameter is wrong, and what is allowed")
LATE = _problem("`not_caught_up` (see `min_position`) or `unavailable`; `Retry-After` says when to ask again")
ANSWERS: dict[int | str, dict[str, Any]] = {401: UNAUTHENTICATED, 422: INVALID, 503: LATE}
DESCRIPTION = """
The figures of campaigns, folded from their facts.

* *reached*: contacts for whom a person answered at least one call; *progress* = reached / total contacts
* *worked* = contacts with nothing left to do / total contacts
* *success rate* = completed calls / calls placed; *answer rate* = calls answered by a person / calls placed
* *conversion* = completed calls / calls answered by a person
* *average call duration* = mean seconds from answer to end, over calls answered by a person with a final duration
* *placed* = calls that count as attempts; an inbound campaign has *received* instead, and no progress
* *abandoned rate* = abandoned calls / calls answered by a person, over the last 30 days of the campaign's zone; a call
  is abandoned if a person answered and nobody on our side was there
* 0/0 is null
"""


def create_app(
    *,
    pool: Pool,
    live: Live,
    verifier: Verifier,
    health: Health,
    wait_seconds: float,
    behind_seconds: Callable[[], float],
) -> FastAPI:
    """The application; it owns none of what it is given. `wait_seconds` bounds the wait for a `min_position`."""
    app = FastAPI(title="analytics-projector", version="1", description=DESCRIPTION)
    app.state.verifier = verifier
    install_problems(app)
    app.add_middleware(BodyLimit, limit=MAX_BODY_BYTES)
    health.install(app)

    @app.exception_handler(Unavailable)
    async def on_unavailable(_: Request, __: Exception) -> Response:
        detail = "The database can't be asked now."
        return problem_response(Problem(503, "unavailable", detail, headers={"Retry-After": "2"}))

    @app.get(
        "/v1/campaigns",
        tags=["campaigns"],
        summary="The campaigns of the workspace",
        response_model=answers.CampaignPage,
        responses=ANSWERS,
    )
    async def list_campaigns(
        caller: Viewer,
        status: Annotated[
            list[str] | None,
            Query(
                description="Only these statuses, repeated or separated by commas: " + ", ".join(CampaignStatus),
                examples=["running,paused"],
            ),
        ] = None,
        type: Annotated[CampaignType | None, Query(description="Only this type")] = None,  # noqa: A002
        q: Annotated[
            str | None, Query(max_length=200, description="Words within name or description, whatever the case")
        ] = None,
        sort: Annotated[listing.Sort, Query(description="What the list is ordered by")] = "created_at",
        order: Annotated[
            listing.Order | None, Query(description="Default: newest first for created_at, else ascending")
        ] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        min_position: MinPosition = None,
        campaign_id: Annotated[
            UUID | None, Query(description="The campaign that `min_position` is about (a deleted one, too)")
        ] = None,
    ) -> answers.CampaignPage:
        if q is not None and "\0" in q:
            raise _invalid("q", "a NUL character can't be searched for", q)
        if (min_position is None) != (campaign_id is None):
            raise _invalid(
                "min_position", "min_position and campaign_id go together; give both or neither", min_position
            )
        query = listing.Query(
            workspace=caller.workspace,
            statuses=_statuses(status or []),
            type=type,
            words=q,
            sort=sort,
            order=order or listing.DEFAULT_ORDER[sort],
            cursor=cursor,
            limit=limit,
        )
        if campaign_id is not None:
            await caught_up(campaign_id, caller, min_position)
        async with snapshot() as connection:
            found, next_cursor, total = await listing.page(connection, query)
        return answers.CampaignPage(items=[answers.item_of(row) for row in found], next_cursor=next_cursor, total=total)

    @app.get(
        "/v1/campaigns/{campaign_id}",
        tags=["campaigns"],
        summary="A campaign with its settings",
        response_model=answers.CampaignDetail,
        responses={**ANSWERS, 404: NOT_FOUND},
    )
    async def get_campaign(
        campaign_id: UUID, caller: Viewer, min_position: MinPosition = None
    ) -> answers.CampaignDetail:
        await caught_up(campaign_id, caller, min_position)
        async with snapshot() as connection:
            record = await campaign_record(connection, campaign_id, caller)
            days = await days_of(connection, campaign_id)
        row = rows.row_from(record)
        today = answers.today_of(row.plan.time_zone, datetime.now(UTC))
        return answers.detail_of(row, rows.settings_from(record), days, today=today)

    @app.get(
        "/v1/campaigns/{campaign_id}/analytics",
        tags=["campaigns"],
        summary="A campaign's figures, and its progress per day",
        response_model=answers.Analytics,
        responses={**ANSWERS, 404: NOT_FOUND},
    )
    async def get_analytics(campaign_id: UUID, caller: Viewer, min_position: MinPosition = None) -> answers.Analytics:
        await caught_up(campaign_id, caller, min_position)
        async with snapshot() as connection:
            record = await campaign_record(connection, campaign_id, caller)
            days = await days_of(connection, campaign_id)
        row = rows.row_from(record)
        today = answers.today_of(row.plan.time_zone, datetime.now(UTC))
        return answers.analytics_of(row, rows.settings_from(record), days, today=today)

    @app.get(
        "/v1/lag",
        tags=["live"],
        summary="How far the read side is behind the log",
        response_model=answers.Lag,
        responses={401: UNAUTHENTICATED},
    )
    async def get_lag(caller: Viewer) -> answers.Lag:
        return answers.Lag(behind_seconds=behind_seconds())

    @app.get(
        "/v1/events",
        tags=["live"],
        summary="Live changes of the workspace's campaigns (server-sent events)",
        response_class=StreamingResponse,
        responses={
            401: UNAUTHENTICATED,
            200: {
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
                "description": "`campaigns`: a JSON array with what changed of each campaign, at most every 250 ms; "
                "the id is the newest position in it, and the newer position of a campaign wins. A deleted one is "
                "`{id, position, deleted: true}`. `refetch`: read everything anew, as after each (re)connection. "
                "Comments are heartbeats.",
            },
        },
    )
    async def events(caller: Viewer) -> StreamingResponse:
        page = live.open(caller.workspace)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(live.stream(page), media_type="text/event-stream", headers=headers)

    async def caught_up(campaign_id: UUID, caller: Caller, min_position: int | None) -> None:
        if min_position is None:
            return
        with database_errors():
            done = await live.wait_for(min_position, campaign_id, workspace=caller.workspace, seconds=wait_seconds)
        if not done:
            raise Problem(
                503,
                "not_caught_up",
                f"Campaign {campaign_id} is not shown as of position {min_position} yet.",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )

    @asynccontextmanager
    async def snapshot() -> AsyncIterator[rows.Connection]:
        with database_errors():
            async with (
                pool.acquire(timeout=2) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection

    async def days_of(connection: rows.Connection, campaign_id: UUID) -> dict[date, CallFigures]:
        records = await connection.fetch(rows.READ_DAYS, campaign_id)
        return {record["day"]: rows.figures_from(record) for record in records}

    async def campaign_record(connection: rows.Connection, campaign_id: UUID, caller: Caller) -> asyncpg.Record:
        record: asyncpg.Record | None = await connection.fetchrow(rows.READ_CAMPAIGN, campaign_id, caller.workspace)
        if record is None:
            raise Problem(404, "not_found", f"There is no campaign {campaign_id}.")
        return record

    return app


def _statuses(given: list[str]) -> list[CampaignStatus]:
    names = [name.strip() for part in given for name in part.split(",") if name.strip()]
    if len(names) > MAX_STATUSES:
        raise _invalid("status", f"{len(names)} values; allowed: at most {MAX_STATUSES}", None)
    unknown = [name for name in names if name not in set(CampaignStatus)]
    if unknown:
        raise _invalid(
            "status",
            f"{unknown[0]!r} is no status; allowed: {', '.join(CampaignStatus)}",
            unknown[0],
            allowed=list(CampaignStatus),
        )
    return [CampaignStatus(name) for name in names]


def _invalid(field: str, message: str, value: Any, **extra: Any) -> Problem:
    errors = [{"field": field, "message": message, "value": value[:100] if isinstance(value, str) else value}]
    return Problem(422, "invalid_request", f"{field}: {message}", errors=errors, **extra)
