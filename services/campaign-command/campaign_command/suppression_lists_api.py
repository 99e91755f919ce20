"""Uploaded do-not-call lists over HTTP: the file, how far it is, and undoing all of it.

What must stay true: 202 means that the whole file is on the disk and can be read; whatever is refused leaves no trace.
"""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import phonenumbers
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import ClientDisconnect

from campaign_command.campaign import Refused
from campaign_command.campaigns_api import PROBLEMS
from campaign_command.contact_file import Meaning
from campaign_command.do_not_call import MAX_AGE_DAYS, Upload, is_fresh
from campaign_command.gate import KEY_PARAMETER, gate_of, problem_of
from campaign_command.import_spool import look_into, spool_file, take, too_large
from campaign_command.imports import limits_of
from campaign_command.settings import Settings
from campaign_command.store import Transaction
from campaign_command.suppression_lists import NewList, find_list, lists_folder, open_list, undo
from campaign_command.suppressions_api import (
    MAX_REASON,
    invalid,
    place_of,
    read,
    require_future,
    require_no_nul,
)
from campaign_events.settings import ListName
from campaign_service.paging import Cursor as PageCursor
from campaign_service.paging import Limit, encode_cursor
from campaign_service.problems import Problem, ProblemDetails
from campaign_service.tokens import Operator

CONTENT_TYPES = ("text/csv", "text/plain", "application/csv", "application/octet-stream")
_UPLOAD_PROBLEMS: dict[int | str, dict[str, Any]] = {
    408: {"model": ProblemDetails, "description": "The body stopped coming"},
    413: {"model": ProblemDetails, "description": "`file_too_large`"},
    415: {"model": ProblemDetails, "description": "Not a CSV's content type"},
    503: {"model": ProblemDetails, "description": "The file can't be stored now"},
}
_PAGE = """
SELECT * FROM suppression_lists
WHERE workspace = %(workspace)s AND (%(name)s::text IS NULL OR name = %(name)s)
  AND (%(at)s::timestamptz IS NULL OR (created_at, list_id) < (%(at)s::timestamptz, %(id)s::uuid))
ORDER BY created_at DESC, list_id DESC LIMIT %(limit)s
"""
_COUNT = """
SELECT count(*) AS total FROM suppression_lists
WHERE workspace = %(workspace)s AND (%(name)s::text IS NULL OR name = %(name)s)
"""
router = APIRouter(tags=["do not call"], responses=PROBLEMS)


class RejectedAnswer(BaseModel):
    """A row that names nobody; the header is line 1."""

    line: int
    reason: str
    value: str


class ListAnswer(BaseModel):
    """An uploaded list, how far it is, and what became of its rows."""

    list_id: UUID
    name: str
    campaign_id: UUID | None = Field(description="The scope; null is the whole workspace")
    list_date: date | None
    max_age_days: int | None
    fresh: bool = Field(description="Complete, not undone, and young enough for campaigns that need it")
    fresh_through: date | None = Field(description="The last day (UTC) on which it is; null: no end")
    expires_at: AwareDatetime | None
    state: Literal["running", "completed", "failed", "undoing", "undone"]
    rows_done: int
    accepted: int
    duplicate: int = Field(description="Rows whose number the list has already")
    rejected: int
    rejected_by_reason: dict[str, int]
    first_rejected: list[RejectedAnswer] = Field(description="Up to 100 of them")
    error_code: str | None
    uploaded_by: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    undone_by: str | None
    undo_reason: str | None
    undone_at: AwareDatetime | None


class ListPage(BaseModel):
    """Lists, the newest first."""

    items: list[ListAnswer]
    next_cursor: str | None
    total: int


@router.post(
    "/v1/suppression-lists",
    status_code=202,
    response_model=ListAnswer,
    responses=_UPLOAD_PROBLEMS,
    summary="Upload a do-not-call list: the body is a CSV with a column of numbers",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}, "example": "number\n+14155550171\n"}},
        },
        "parameters": [KEY_PARAMETER],
    },
)
async def upload(
    request: Request,
    caller: Operator,
    name: Annotated[ListName, Query(description="What campaigns call it that need it; the same at each upload")],
    list_date: Annotated[date | None, Query(description="The registry's date of the list")] = None,
    max_age_days: Annotated[
        int | None, Query(ge=1, le=MAX_AGE_DAYS, description="Older, it counts as missing (31 in the US and Canada)")
    ] = None,
    campaign_id: Annotated[UUID | None, Query(description="The scope; none is the whole workspace")] = None,
    expires_at: Annotated[AwareDatetime | None, Query(description="When its entries end")] = None,
    phone_column: Annotated[str | None, Query(max_length=200, description="The column with the number")] = None,
    default_country: Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="ISO 3166")] = None,
    delimiter: Annotated[Literal[",", ";", "\t", "|"] | None, Query(description="Overrules what is found")] = None,
    encoding: Annotated[
        Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"] | None, Query(description="Overrules what is found")
    ] = None,
) -> Response:
    """Its numbers are put on the list after the answer, in the order of the file; `state` says when all are."""
    settings: Settings = request.app.state.settings
    gate = gate_of(request)
    limits = limits_of(settings)
    new = NewList(
        name=name,
        scope=campaign_id,
        list_date=list_date,
        max_age_days=max_age_days,
        expires_at=expires_at,
        default_country=default_country,
    )
    _require_sense(request, new)
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limits.max_bytes:
        raise too_large(limits)
    list_id = uuid4()
    path = spool_file(lists_folder(settings.spool_dir), list_id)
    mapping: dict[str, Meaning] = {phone_column: "phone"} if phone_column else {}
    is_open = False

    async def goes_on() -> bool:
        return True

    def work(tx: Transaction) -> dict[str, Any]:
        nonlocal is_open
        open_list(tx, list_id, new, workspace=caller.workspace, layout=uploaded.layout, by=caller.subject)
        is_open = True
        return _answer(find_list(tx, list_id, workspace=caller.workspace)).model_dump(mode="json")

    try:
        uploaded = await take(
            request,
            path,
            limits=limits,
            beat=goes_on,
            inspect=lambda: look_into(path, limits=limits, delimiter=delimiter, encoding=encoding, mapping=mapping),
        )
        return await gate.command(request, caller, work, status=202, body=uploaded.digest)
    except ClientDisconnect:
        raise Problem(400, "upload_interrupted", "The connection was cut before the whole file was there.") from None
    except OSError as error:
        raise Problem(
            503, "spool_unavailable", "The file can't be stored now.", headers={"Retry-After": "30"}
        ) from error
    finally:
        if not is_open:  # refused, or answered by an earlier request with the same key
            await asyncio.to_thread(path.unlink, missing_ok=True)


@router.get("/v1/suppression-lists", summary="The uploaded lists, the newest first")
async def page(
    request: Request, caller: Operator, name: ListName | None = None, cursor: PageCursor = None, limit: Limit = 50
) -> ListPage:
    before_at, before_id = place_of(cursor) if cursor else (None, None)
    values = {"workspace": caller.workspace, "name": name, "at": before_at, "id": before_id, "limit": limit + 1}

    def work(db: Cursor[DictRow]) -> ListPage:
        rows = db.execute(_PAGE, values).fetchall()
        counted = db.execute(_COUNT, values).fetchone()
        assert counted is not None
        last = rows[limit - 1] if len(rows) > limit else None
        return ListPage(
            items=[_answer(row) for row in rows[:limit]],
            next_cursor=encode_cursor(last["created_at"].isoformat(), last["list_id"]) if last else None,
            total=counted["total"],
        )

    return await read(request, work)


@router.get("/v1/suppression-lists/{list_id}", summary="How far a list is, and whether it is fresh")
async def get_list(request: Request, caller: Operator, list_id: UUID) -> ListAnswer:
    def work(db: Cursor[DictRow]) -> ListAnswer:
        db.execute("SELECT * FROM suppression_lists WHERE list_id = %s AND workspace = %s", (list_id, caller.workspace))
        row = db.fetchone()
        if row is None:
            raise problem_of(Refused("unknown_list", "There is no such list."))
        return _answer(row)

    return await read(request, work)


@router.delete(
    "/v1/suppression-lists/{list_id}",
    status_code=202,
    response_model=ListAnswer,
    summary="Undo an upload as one: what people asked for stays; whoever only the list kept back waits again",
)
async def remove(
    request: Request,
    caller: Operator,
    list_id: UUID,
    reason: Annotated[str | None, Query(max_length=MAX_REASON, description="Why; kept with who and when")] = None,
) -> Response:
    """Contacts that were never called return to pending in Draft and Paused campaigns."""
    require_no_nul("reason", reason)

    def work(tx: Transaction) -> dict[str, Any]:
        row = undo(tx, list_id, workspace=caller.workspace, by=caller.subject, reason=reason)
        return _answer(row).model_dump(mode="json")

    gate = gate_of(request)
    return await gate.command(request, caller, work, status=202)


def _require_sense(request: Request, new: NewList) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES:
        allowed = ", ".join(CONTENT_TYPES)
        raise Problem(415, "wrong_content_type", f"Content-Type {content_type!r}; allowed: {allowed}.")
    if new.default_country is not None and new.default_country not in phonenumbers.SUPPORTED_REGIONS:
        raise invalid("default_country", "no country; allowed: an ISO 3166 code such as US", new.default_country)
    if new.max_age_days is not None and new.list_date is None:
        raise invalid("list_date", "missing; a list with max_age_days needs its date", "")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # somewhere it is tomorrow already
    if new.list_date is not None and new.list_date > tomorrow:
        raise invalid("list_date", "in the future; allowed: today or earlier", new.list_date.isoformat())
    require_future("expires_at", new.expires_at)


def _answer(row: DictRow) -> ListAnswer:
    listed = Upload(row["name"], row["list_date"], row["max_age_days"])
    today = datetime.now(UTC).date()
    has_end = row["max_age_days"] is not None and row["list_date"] is not None
    same = (
        "list_id name list_date max_age_days expires_at state rows_done accepted duplicate rejected first_rejected"
        " error_code uploaded_by created_at finished_at undone_by undo_reason undone_at"
    )
    return ListAnswer(
        campaign_id=row["scope"],
        fresh=row["state"] == "completed" and is_fresh(listed, today),
        fresh_through=row["list_date"] + timedelta(days=row["max_age_days"]) if has_end else None,
        rejected_by_reason=row["reasons"],
        **{name: row[name] for name in same.split()},
    )
