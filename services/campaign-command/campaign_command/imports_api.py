"""Imports over HTTP: their progress, what became of each row, the rows to mend, and the end by request.

Files come in by `import_uploads_api.py`.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command.campaign import Refused
from campaign_command.contact_file import ENCODING_NAMES, ERROR_COLUMNS
from campaign_command.csv_answers import BOM, csv_lines
from campaign_command.gate import KEY_PARAMETER, gate_of
from campaign_command.import_results import read_results
from campaign_command.imports import end_import
from campaign_command.store import Store, Transaction
from campaign_command.workers import Workers
from campaign_service.paging import Cursor as PageCursor
from campaign_service.paging import Limit, decode_cursor, encode_cursor
from campaign_service.problems import Problem, ProblemDetails
from campaign_service.tokens import Operator, Viewer

T = TypeVar("T")
_ERROR_PAGE = 1000

State = Literal["uploading", "queued", "running", "completed", "failed", "interrupted", "cancelled"]
Result = Literal["accepted", "duplicate", "rejected"]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemDetails, "description": "No valid token"},
    403: {"model": ProblemDetails, "description": "The token's role is too low"},
    404: {"model": ProblemDetails, "description": "Unknown, or of another workspace"},
    422: {"model": ProblemDetails, "description": "Not valid; `code` says what"},
}
_CAMPAIGN = """
SELECT (SELECT count(*) FROM imports WHERE campaign_id = %(campaign)s) AS imports
FROM campaigns WHERE campaign_id = %(campaign)s AND workspace = %(workspace)s AND NOT deleted
"""
_NEWEST = """
SELECT i.*, g.position, clock_timestamp() AS now FROM imports i JOIN campaigns g USING (campaign_id)
WHERE i.campaign_id = %(campaign)s
  AND (%(at)s::timestamptz IS NULL OR (i.created_at, i.id) < (%(at)s::timestamptz, %(id)s::uuid))
ORDER BY i.created_at DESC, i.id DESC LIMIT %(limit)s
"""

router = APIRouter(tags=["imports"], responses=PROBLEMS)


class ImportColumn(BaseModel):
    """A column of the file, and what it was taken for: a field of the contact, `variable` or `ignored`."""

    name: str
    field: str


class ImportAnswer(BaseModel):
    """An import, how far it is, and what became of its rows so far. Cancelled or failed, it keeps what was added.

    Of a dry run the same is said, and nothing was added or changed.
    """

    import_id: UUID
    campaign_id: UUID
    state: State
    dry_run: bool
    on_duplicate: str
    default_country: str | None
    encoding: str | None = None
    delimiter: str | None = None
    columns: list[ImportColumn] = []
    warnings: list[str] = []
    bytes_total: int = Field(description="Of the text, unpacked")
    bytes_done: int
    rows_done: int
    accepted: int = Field(description="Added to the campaign")
    do_not_call: int = Field(description="Of the accepted: added with this status, because the number is suppressed")
    duplicate: int
    rejected: int
    rejected_by_reason: dict[str, int]
    notes: dict[str, int] = Field(description="Rows by note: normalized, time_zone_ignored, updated")
    rows_per_second: float | None = Field(description="While it was worked on; null before the first rows")
    estimated_end_at: AwareDatetime | None = Field(
        default=None, description="At the speed so far; null before the first rows and once it is over"
    )
    error_code: str | None = None
    error_detail: str | None = None
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    position: int = Field(description="The campaign's last position")


class ImportPage(BaseModel):
    """A campaign's imports, the newest first."""

    items: list[ImportAnswer]
    next_cursor: str | None
    total: int


class ImportRow(BaseModel):
    """What became of the row that starts at the physical line `line`; the header is line 1."""

    line: int
    result: Result
    reason: str | None = None
    note: str | None = None
    changes: list[str] | None = Field(
        default=None, description="What an update changes of the contact: fields by name, variables as `variables.plan`"
    )
    contact_id: UUID | None = None
    of_line: int | None = None
    of_contact: UUID | None = None
    values: list[str] | None = Field(default=None, description="A rejected row's values; for operators")


class ImportRowPage(BaseModel):
    """Rows in the order of the file."""

    items: list[ImportRow]
    next_cursor: str | None
    total: int


@router.get("/v1/campaigns/{campaign_id}/imports", response_model=ImportPage, summary="The campaign's imports")
async def list_imports(
    request: Request, caller: Viewer, campaign_id: UUID, cursor: PageCursor = None, limit: Limit = 50
) -> ImportPage:
    before_at, before_id = _place_of(cursor) if cursor is not None else (None, None)

    def work(reading: Cursor[DictRow]) -> ImportPage:
        values = {"campaign": campaign_id, "workspace": caller.workspace, "at": before_at, "id": before_id}
        campaign = reading.execute(_CAMPAIGN, values).fetchone()
        if campaign is None:
            raise Problem(404, "unknown_campaign", "There is no such campaign.")
        rows = reading.execute(_NEWEST, values | {"limit": limit + 1}).fetchall()
        last = rows[limit - 1] if len(rows) > limit else None
        return ImportPage(
            items=[answer_of(row) for row in rows[:limit]],
            next_cursor=encode_cursor(last["created_at"].isoformat(), last["id"]) if last else None,
            total=campaign["imports"],
        )

    return await read(request, work)


@router.get("/v1/imports/{import_id}", response_model=ImportAnswer, summary="How far an import is")
async def get_import(request: Request, caller: Viewer, import_id: UUID) -> ImportAnswer:
    return await read(request, lambda cursor: answer_of(find_import(cursor, import_id, caller.workspace)))


@router.get("/v1/imports/{import_id}/rows", response_model=ImportRowPage, summary="What became of each row")
async def get_rows(
    request: Request,
    caller: Viewer,
    import_id: UUID,
    result: Annotated[Result | None, Query(description="Only rows with this result")] = None,
    cursor: PageCursor = None,
    limit: Limit = 50,
) -> ImportRowPage:
    after = 0
    if cursor is not None:
        [after] = decode_cursor(cursor, length=1)
        if type(after) is not int or not 0 <= after < 2**63:
            raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.")

    def work(reading: Cursor[DictRow]) -> ImportRowPage:
        found = find_import(reading, import_id, caller.workspace)
        rows = read_results(reading, import_id, after=after, result=result, limit=limit + 1)
        items = []
        for row in rows[:limit]:
            shown = row.pop("row_values")
            items.append(ImportRow(**row, values=shown if caller.role != "viewer" else None))
        return ImportRowPage(
            items=items,
            next_cursor=encode_cursor(items[-1].line) if len(rows) > limit else None,
            total=found[result] if result else found["rows_done"],
        )

    return await read(request, work)


@router.get(
    "/v1/imports/{import_id}/errors.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="The rejected rows as a CSV, to be mended and imported again",
)
async def get_errors(request: Request, caller: Operator, import_id: UUID) -> Response:
    """Safe to open in a spreadsheet. `error_line` and `error_reason` stand in front, and are ignored when read back."""
    found = await read(request, lambda cursor: find_import(cursor, import_id, caller.workspace))
    columns = [name for name in (found["layout"] or {}).get("columns", ()) if name not in ERROR_COLUMNS]
    dropped = [i for i, name in enumerate((found["layout"] or {}).get("columns", ())) if name in ERROR_COLUMNS]

    def page_behind(line: int) -> Callable[[Cursor[DictRow]], list[DictRow]]:
        return lambda cursor: read_results(cursor, import_id, after=line, result="rejected", limit=_ERROR_PAGE)

    async def lines() -> AsyncIterator[bytes]:
        yield BOM + csv_lines([[*ERROR_COLUMNS, *columns]])
        after = 0
        while rows := await read(request, page_behind(after)):
            yield csv_lines(
                [
                    [str(row["line"]), row["reason"], *(v for i, v in enumerate(row["row_values"]) if i not in dropped)]
                    for row in rows
                    if row["row_values"] is not None  # erased at a person's request
                ]
            )
            after = rows[-1]["line"]

    name = f"import-{import_id}-errors.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


@router.post(
    "/v1/imports/{import_id}/cancel",
    response_model=ImportAnswer,
    responses={409: {"model": ProblemDetails, "description": "The import is over"}},
    summary="Stop an import; what it has added stays",
    openapi_extra={"parameters": [KEY_PARAMETER]},
)
async def cancel(request: Request, caller: Operator, import_id: UUID) -> Response:
    def work(tx: Transaction) -> dict[str, Any]:
        found = find_import(tx.cursor, import_id, caller.workspace)
        if not end_import(tx, import_id, "cancelled") and found["state"] != "cancelled":
            raise Refused("import_over", f"The import is {found['state']} already.", state=found["state"])
        return answer_of(find_import(tx.cursor, import_id, caller.workspace)).model_dump(mode="json")

    gate = gate_of(request)
    return await gate.command(request, caller, work)


# --- answers -------------------------------------------------------------------------------------------------


async def read(request: Request, work: Callable[[Cursor[DictRow]], T]) -> T:
    """Run `work` in a reading transaction."""
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    return await workers.run(lambda: store.read(work))


def find_import(cursor: Cursor[DictRow], import_id: UUID, workspace: UUID) -> DictRow:
    """An import's row, with its campaign's last position. Problem 404 when there is none in the workspace."""
    row = cursor.execute(
        "SELECT i.*, g.position, clock_timestamp() AS now FROM imports i JOIN campaigns g USING (campaign_id)"
        " WHERE i.id = %s AND i.workspace = %s AND NOT g.deleted",
        (import_id, workspace),
    ).fetchone()
    if row is None:
        raise Problem(404, "unknown_import", "There is no such import.")
    return row


def _place_of(cursor: str) -> tuple[datetime, UUID]:
    at, import_id = decode_cursor(cursor, length=2)
    try:
        return datetime.fromisoformat(str(at)), UUID(str(import_id))
    except ValueError:
        raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.") from None


def answer_of(row: DictRow) -> ImportAnswer:
    """An import as it is answered."""
    layout, options, seconds = row["layout"] or {}, row["options"], row["worked_seconds"]
    speed = row["bytes_done"] / seconds if seconds > 0 else 0
    ends_at = None
    if speed and row["state"] in ("queued", "running"):
        ends_at = row["now"] + timedelta(seconds=(row["bytes_total"] - row["bytes_done"]) / speed)
    same = (
        "campaign_id state bytes_total bytes_done rows_done accepted do_not_call duplicate rejected error_code"
        " error_detail created_at started_at finished_at"
    )
    return ImportAnswer(
        import_id=row["id"],
        dry_run=options["dry_run"],
        on_duplicate=options["on_duplicate"],
        default_country=options["default_country"],
        encoding=ENCODING_NAMES.get(layout.get("encoding", "")),
        delimiter=layout.get("delimiter"),
        columns=[
            ImportColumn(name=name, field=field or "variable")
            for name, field in zip(layout.get("columns", ()), layout.get("fields", ()), strict=True)
        ],
        warnings=layout.get("warnings", []),
        rejected_by_reason=row["reasons"],
        notes=row["notes"],
        rows_per_second=round(row["rows_done"] / seconds, 1) if seconds > 0 and row["rows_done"] else None,
        estimated_end_at=ends_at,
        position=row["position"],
        **{name: row[name] for name in same.split()},
    )
