"""The do-not-call list, over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command.campaign import Refused
from campaign_command.campaigns_api import PROBLEMS
from campaign_command.contacts import MAX_CHUNK
from campaign_command.gate import KEY_PARAMETER, Gate, body_schema
from campaign_command.phone_numbers import NumberRefused, read_number
from campaign_command.store import Transaction, now_of
from campaign_command.suppressions import lift, suppress
from campaign_events.settings import NO_NUL
from campaign_service.paging import Cursor as PageCursor
from campaign_service.paging import Limit, decode_cursor, encode_cursor
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import Operator

router = APIRouter(tags=["do not call"], responses=PROBLEMS)

_PAGE = """
SELECT suppression_id, number, scope, source, reason, created_at, expires_at FROM suppressions
WHERE workspace = %(workspace)s AND lifted_at IS NULL
  AND (%(after_at)s::timestamptz IS NULL OR (created_at, suppression_id) > (%(after_at)s, %(after_id)s::uuid))
ORDER BY created_at, suppression_id LIMIT %(limit)s
"""


class SuppressionsIn(BaseModel):
    """Numbers that must not be called, in the workspace or in one campaign."""

    numbers: tuple[str, ...] = Field(min_length=1, max_length=MAX_CHUNK, examples=[["+493023125433"]])
    campaign_id: UUID | None = Field(default=None, description="The scope; null is the whole workspace")
    reason: Annotated[str, Field(max_length=500), NO_NUL] | None = None
    expires_at: AwareDatetime | None = None


class Suppression(BaseModel):
    """One standing entry."""

    id: UUID
    number: str
    campaign_id: UUID | None
    source: str
    reason: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None


class SuppressionPage(BaseModel):
    """Entries, oldest first."""

    items: list[Suppression]
    next_cursor: str | None
    total: int


class SuppressedAnswer(BaseModel):
    """The entry of each number, in the order of the request."""

    entries: list[dict[str, str]]


@router.post(
    "/v1/suppressions",
    status_code=201,
    response_model=SuppressedAnswer,
    summary="Suppress numbers: after the answer no phone of theirs starts to ring",
    openapi_extra={"requestBody": body_schema("SuppressionsIn"), "parameters": [KEY_PARAMETER]},
)
async def add(request: Request, caller: Operator) -> Response:
    raw = await request.body()
    asked = parse_body(SuppressionsIn, raw)
    numbers = [_read(index, text) for index, text in enumerate(asked.numbers)]
    if asked.expires_at is not None and asked.expires_at <= datetime.now(UTC):
        raise _invalid("expires_at", "an instant in the future, or null for good", asked.expires_at.isoformat())
    hash_key: str = request.app.state.settings.hash_key.get_secret_value()

    def work(tx: Transaction) -> dict[str, Any]:
        if asked.campaign_id is not None:
            campaign = tx.campaign(asked.campaign_id, workspace=caller.workspace)
            if campaign is None or campaign.deleted:
                raise Refused("unknown_campaign", "There is no such campaign.")
        entries = suppress(
            tx,
            numbers,
            workspace=caller.workspace,
            source="api",
            hash_key=hash_key,
            now=now_of(tx.cursor),
            scope=asked.campaign_id,
            reason=asked.reason,
            expires_at=asked.expires_at,
        )
        return {"entries": [{"number": number, "id": str(entries[number])} for number in numbers]}

    gate: Gate = request.app.state.gate
    silence = request.app.state.silence
    return await gate.command(
        request, caller, work, status=201, body=raw, then=lambda: silence.of_numbers(caller.workspace, numbers)
    )


@router.delete(
    "/v1/suppressions/{suppression_id}", status_code=204, summary="Take an entry off the list (an audited fact)"
)
async def remove(request: Request, caller: Operator, suppression_id: UUID) -> Response:
    def work(tx: Transaction) -> dict[str, Any]:
        if not lift(tx, suppression_id, workspace=caller.workspace, now=now_of(tx.cursor), reason="api"):
            raise Refused("unknown_suppression", "There is no such entry.")
        return {}

    gate: Gate = request.app.state.gate
    await gate.command(request, caller, work)
    return Response(status_code=204)


@router.get("/v1/suppressions", summary="The do-not-call list")
async def page(request: Request, caller: Operator, cursor: PageCursor = None, limit: Limit = 50) -> SuppressionPage:
    after_at, after_id = _after(cursor) if cursor else (None, None)
    store, workers = request.app.state.store, request.app.state.commands
    values = {"workspace": caller.workspace, "after_at": after_at, "after_id": after_id, "limit": limit + 1}

    def read(db: Cursor[DictRow]) -> SuppressionPage:
        rows = db.execute(_PAGE, values).fetchall()
        total = db.execute(
            "SELECT count(*) AS n FROM suppressions WHERE workspace = %s AND lifted_at IS NULL", (caller.workspace,)
        ).fetchone()
        assert total is not None
        items = [
            Suppression(
                id=row["suppression_id"],
                campaign_id=row["scope"],
                **{name: row[name] for name in ("number", "source", "reason", "created_at", "expires_at")},
            )
            for row in rows[:limit]
        ]
        more = len(rows) > limit
        next_cursor = encode_cursor(items[-1].created_at.isoformat(), items[-1].id) if more else None
        return SuppressionPage(items=items, next_cursor=next_cursor, total=total["n"])

    found: SuppressionPage = await workers.run(lambda: store.read(read))
    return found


def _after(cursor: str) -> tuple[datetime, UUID]:
    at, suppression_id = decode_cursor(cursor, length=2)
    try:
        return datetime.fromisoformat(at), UUID(suppression_id)
    except (TypeError, ValueError, AttributeError):
        raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.") from None


def _read(index: int, text: str) -> str:
    number = read_number(text, None)
    if isinstance(number, NumberRefused):
        raise _invalid(f"numbers.{index}", f"{number.reason}; allowed: E.164 such as +493023125433", text[:100])
    return number.e164


def _invalid(field: str, message: str, value: str) -> Problem:
    errors = [{"field": field, "message": message, "value": value}]
    return Problem(422, "invalid_request", f"{field}: {message}", errors=errors)
