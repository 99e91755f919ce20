"""The do-not-call list, over HTTP: entries one by one, to read and to export. Uploads: `suppression_lists_api.py`."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command.campaign import Refused
from campaign_command.campaigns_api import PROBLEMS
from campaign_command.contacts import MAX_CHUNK
from campaign_command.csv_answers import BOM, csv_lines
from campaign_command.do_not_call import (
    WILDCARD_ALLOWED,
    Source,
    WildcardRefused,
    pattern_of,
    read_wildcard,
)
from campaign_command.gate import KEY_PARAMETER, body_schema, gate_of
from campaign_command.phone_numbers import NumberRefused, read_number
from campaign_command.store import Store, Transaction, hash_number, now_of
from campaign_command.suppressions import lift, suppress
from campaign_command.workers import Workers
from campaign_events.settings import NO_NUL
from campaign_service.paging import Cursor as PageCursor
from campaign_service.paging import Limit, decode_cursor, encode_cursor
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import Operator

T = TypeVar("T")
MAX_REASON = 500
EXPORT_PAGE = 1000
EXPORT_COLUMNS = (
    "number",
    "campaign_id",
    "source",
    "list",
    "list_id",
    "reason",
    "created_at",
    "expires_at",
    "number_hash",
)

router = APIRouter(tags=["do not call"], responses=PROBLEMS)

_WHERE = """
WHERE s.workspace = %(workspace)s AND (s.lifted_at IS NULL) = %(standing)s
  AND (%(source)s::text IS NULL OR s.source = %(source)s)
  AND (%(list)s::uuid IS NULL OR s.list_id = %(list)s)
  AND (%(campaign)s::uuid IS NULL OR s.scope = %(campaign)s)
  AND (%(number)s::text IS NULL OR s.number = %(number)s OR starts_with(%(number)s, s.prefix)
       OR s.number_hash = %(number_hash)s)
"""
_COUNT = "SELECT count(*) AS total FROM suppressions s"
_ENTRIES = """
SELECT s.*, l.name AS list_name FROM suppressions s
LEFT JOIN suppression_lists l ON l.list_id = s.list_id
"""
_BEHIND = """
  AND (%(after_at)s::timestamptz IS NULL OR (s.created_at, s.suppression_id) > (%(after_at)s, %(after_id)s::uuid))
ORDER BY s.created_at, s.suppression_id LIMIT %(limit)s
"""


LATEST = datetime(2101, 1, 1, tzinfo=UTC)


class SuppressionsIn(BaseModel):
    """Numbers that must not be called, in the workspace or in one campaign."""

    numbers: tuple[Annotated[str, Field(max_length=100)], ...] = Field(
        min_length=1,
        max_length=MAX_CHUNK,
        description="E.164, or a wildcard such as +1900* for all numbers that begin so",
        examples=[["+493023125433"]],
    )
    campaign_id: UUID | None = Field(default=None, description="The scope; null is the whole workspace")
    reason: Annotated[str, Field(max_length=MAX_REASON), NO_NUL] | None = None
    expires_at: AwareDatetime | None = None


class Suppression(BaseModel):
    """One entry. Of one that was lifted, or whose person was erased, only the keyed hash of the number is left."""

    id: UUID
    number: str | None = Field(description="E.164, or a wildcard such as +1900*")
    number_hash: str = Field(description="Stands for the number in the facts")
    campaign_id: UUID | None
    source: Source
    list_id: UUID | None = Field(description="The uploaded list it came with")
    list: str | None
    reason: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    lifted_at: AwareDatetime | None
    lifted_by: str | None = Field(description="The subject of the token that lifted it")
    lift_reason: str | None


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
    texts = [_read(index, text) for index, text in enumerate(asked.numbers)]
    require_future("expires_at", asked.expires_at)

    def work(tx: Transaction) -> dict[str, Any]:
        if asked.campaign_id is not None:
            campaign = tx.campaign(asked.campaign_id, workspace=caller.workspace)
            if campaign is None or campaign.deleted:
                raise Refused("unknown_campaign", "There is no such campaign.")
        entries = suppress(
            tx,
            [text for text in texts if not text.endswith("*")],
            workspace=caller.workspace,
            source="api",
            now=now_of(tx.cursor),
            wildcards=[text[:-1] for text in texts if text.endswith("*")],
            scope=asked.campaign_id,
            reason=asked.reason,
            expires_at=asked.expires_at,
        )
        return {"entries": [{"number": text, "id": str(entries[text])} for text in texts]}

    gate = gate_of(request)
    silence = request.app.state.silence
    return await gate.command(
        request, caller, work, status=201, body=raw, then=lambda: silence.of_numbers(caller.workspace, texts)
    )


@router.delete(
    "/v1/suppressions/{suppression_id}", status_code=204, summary="Take an entry off the list (an audited fact)"
)
async def remove(
    request: Request,
    caller: Operator,
    suppression_id: UUID,
    reason: Annotated[str | None, Query(max_length=MAX_REASON, description="Why; kept with who and when")] = None,
) -> Response:
    require_no_nul("reason", reason)

    def work(tx: Transaction) -> dict[str, Any]:
        now = now_of(tx.cursor)
        if not lift(tx, suppression_id, workspace=caller.workspace, now=now, reason=reason, by=caller.subject):
            raise Refused("unknown_suppression", "There is no such entry.")
        return {}

    gate = gate_of(request)
    await gate.command(request, caller, work)
    return Response(status_code=204)


@router.get("/v1/suppressions", summary="The do-not-call list, or its lifted entries")
async def page(
    request: Request,
    caller: Operator,
    number: Annotated[
        str | None, Query(max_length=100, description="E.164: the entries that name it, wildcards among them")
    ] = None,
    source: Source | None = None,
    campaign_id: Annotated[UUID | None, Query(description="Entries of this campaign only")] = None,
    list_id: UUID | None = None,
    lifted: Annotated[bool, Query(description="Those that were taken off, by whom and why")] = False,
    cursor: PageCursor = None,
    limit: Limit = 50,
) -> SuppressionPage:
    after_at, after_id = place_of(cursor) if cursor else (None, None)
    wanted = _of_number(request, caller.workspace, number) | {
        "source": source,
        "campaign": campaign_id,
        "list": list_id,
        "standing": not lifted,
        "after_at": after_at,
        "after_id": after_id,
        "limit": limit + 1,
    }

    def work(db: Cursor[DictRow]) -> SuppressionPage:
        rows = db.execute((_ENTRIES + _WHERE + _BEHIND).encode(), wanted).fetchall()
        counted = db.execute((_COUNT + _WHERE).encode(), wanted).fetchone()
        assert counted is not None
        items = [_answer(row) for row in rows[:limit]]
        more = len(rows) > limit
        next_cursor = encode_cursor(items[-1].created_at.isoformat(), items[-1].id) if more else None
        return SuppressionPage(items=items, next_cursor=next_cursor, total=counted["total"])

    return await read(request, work)


@router.get(
    "/v1/suppressions/export.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="The standing entries as a CSV",
)
async def export(request: Request, caller: Operator) -> Response:
    """Safe to open in a spreadsheet, and readable again as an upload. Entries of erased persons have no number."""
    wanted = _of_number(request, caller.workspace, None) | {
        "source": None,
        "campaign": None,
        "list": None,
        "standing": True,
        "limit": EXPORT_PAGE,
    }

    def page_behind(at: datetime | None, last: UUID | None) -> Callable[[Cursor[DictRow]], list[DictRow]]:
        values = wanted | {"after_at": at, "after_id": last}
        return lambda db: db.execute((_ENTRIES + _WHERE + _BEHIND).encode(), values).fetchall()

    async def lines() -> AsyncIterator[bytes]:
        yield BOM + csv_lines([EXPORT_COLUMNS])
        at, last = None, None
        while rows := await read(request, page_behind(at, last)):
            yield csv_lines([_cells(_answer(row)) for row in rows])
            at, last = rows[-1]["created_at"], rows[-1]["suppression_id"]

    headers = {"Content-Disposition": 'attachment; filename="do-not-call.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


# --- shared with the uploads ---------------------------------------------------------------------------------


async def read(request: Request, work: Callable[[Cursor[DictRow]], T]) -> T:
    """Run a read in the command threads."""
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    return await workers.run(lambda: store.read(work))


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """The row behind which a page starts. Problem 422 for what is no cursor of ours."""
    at, row_id = decode_cursor(cursor, length=2)
    try:
        return datetime.fromisoformat(at), UUID(row_id)
    except (TypeError, ValueError, AttributeError):
        raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.") from None


def require_future(field: str, at: datetime | None) -> None:
    """Problem 422 unless the instant lies ahead, and within what every reader can keep."""
    if at is not None and not datetime.now(UTC) < at < LATEST:
        raise invalid(field, f"an instant in the future, before {LATEST.year}, or null for good", at.isoformat())


def require_no_nul(field: str, text: str | None) -> None:
    """Problem 422 for text that can't be kept."""
    if text is not None and "\0" in text:
        raise invalid(field, "contains a NUL character; allowed: any other text", text[:100])


def invalid(field: str, message: str, value: str) -> Problem:
    """The problem of one field."""
    errors = [{"field": field, "message": message, "value": value}]
    return Problem(422, "invalid_request", f"{field}: {message}", errors=errors)


def _read(index: int, text: str) -> str:
    """A number as E.164, or a wildcard as `+1900*`."""
    field = f"numbers.{index}"
    prefix = read_wildcard(text)
    if isinstance(prefix, WildcardRefused):
        raise invalid(field, f"{prefix.reason}; allowed: {WILDCARD_ALLOWED}", text[:100])
    if prefix is not None:
        return pattern_of(prefix)
    number = read_number(text, None)
    if isinstance(number, NumberRefused):
        raise invalid(field, f"{number.reason}; allowed: E.164 such as +493023125433, or a wildcard", text[:100])
    return number.e164


def _of_number(request: Request, workspace: UUID, number: str | None) -> dict[str, Any]:
    if number is None:
        return {"workspace": workspace, "number": None, "number_hash": None}
    found = read_number(number, None)
    if isinstance(found, NumberRefused):
        raise invalid("number", f"{found.reason}; allowed: E.164 such as +493023125433", number)
    store: Store = request.app.state.store
    hashed = hash_number(store.hash_key, workspace, found.e164)
    return {"workspace": workspace, "number": found.e164, "number_hash": hashed}


def _answer(row: DictRow) -> Suppression:
    same = "number number_hash source list_id reason created_at expires_at lifted_at lifted_by lift_reason"
    return Suppression(
        id=row["suppression_id"],
        campaign_id=row["scope"],
        list=row["list_name"],
        **{name: row[name] for name in same.split()},
    )


def _cells(entry: Suppression) -> list[str | None]:
    told = entry.model_dump(mode="json")
    return [told[name] for name in EXPORT_COLUMNS]
