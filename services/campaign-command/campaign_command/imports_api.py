"""Contact files over HTTP: the upload, its progress, what became of each row, and the rows to mend.

What must stay true: 202 means that the whole file is on the disk and can be read; whatever is refused before leaves no
trace. The body is never held in memory.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID, uuid4

import phonenumbers
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import ClientDisconnect

from campaign_command.campaign import Refused
from campaign_command.contact_file import ERROR_COLUMNS
from campaign_command.gate import KEY_PARAMETER, Gate, problem_of
from campaign_command.import_spool import look_into, receive, spool_file, take, too_large
from campaign_command.imports import (
    end_import,
    forget_import,
    limits_of,
    open_import,
    queue_import,
    still_uploading,
)
from campaign_command.settings import Settings
from campaign_command.store import Store, Transaction
from campaign_command.workers import Workers
from campaign_service.paging import Cursor as PageCursor
from campaign_service.paging import Limit, decode_cursor, encode_cursor
from campaign_service.problems import Problem, ProblemDetails
from campaign_service.tokens import Operator, Viewer

T = TypeVar("T")
CONTENT_TYPES = ("text/csv", "text/plain", "application/csv", "application/octet-stream")
_ERROR_PAGE = 1000
_UNSAFE = re.compile(r"'*[=+\-@\t\r]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

State = Literal["uploading", "queued", "running", "completed", "failed", "interrupted", "cancelled"]
Result = Literal["accepted", "duplicate", "rejected"]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemDetails, "description": "No valid token"},
    403: {"model": ProblemDetails, "description": "The token's role is too low"},
    404: {"model": ProblemDetails, "description": "Unknown, or of another workspace"},
    422: {"model": ProblemDetails, "description": "Not valid; `code` says what"},
}
_UPLOAD_PROBLEMS: dict[int | str, dict[str, Any]] = {
    408: {"model": ProblemDetails, "description": "The body stopped coming"},
    409: {"model": ProblemDetails, "description": "The campaign's contacts can't be edited now"},
    413: {"model": ProblemDetails, "description": "`file_too_large`"},
    415: {"model": ProblemDetails, "description": "Not a CSV's content type"},
    503: {"model": ProblemDetails, "description": "The file can't be stored now"},
}
_ROWS = """
SELECT line, result, reason, note, contact_id, of_line, of_contact, row_values
FROM import_rows
WHERE import_id = %(import)s AND line > %(after)s AND (%(result)s::text IS NULL OR result = %(result)s)
ORDER BY line LIMIT %(limit)s
"""
_CAMPAIGN = """
SELECT (SELECT count(*) FROM imports WHERE campaign_id = %(campaign)s) AS imports
FROM campaigns WHERE campaign_id = %(campaign)s AND workspace = %(workspace)s AND NOT deleted
"""
_NEWEST = """
SELECT i.*, g.position FROM imports i JOIN campaigns g USING (campaign_id)
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
    """An import, how far it is, and what became of its rows so far."""

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
    bytes_total: int
    bytes_done: int
    rows_done: int
    accepted: int
    duplicate: int
    rejected: int
    rejected_by_reason: dict[str, int]
    notes: dict[str, int] = Field(description="Rows by note: normalized, time_zone_ignored, updated")
    rows_per_second: float | None = Field(description="Since the import began; null before")
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
    contact_id: UUID | None = None
    of_line: int | None = None
    of_contact: UUID | None = None
    values: list[str] | None = Field(default=None, description="A rejected row's values; for operators")


class ImportRowPage(BaseModel):
    """Rows in the order of the file."""

    items: list[ImportRow]
    next_cursor: str | None
    total: int


@router.post(
    "/v1/campaigns/{campaign_id}/imports",
    status_code=202,
    response_model=ImportAnswer,
    responses=_UPLOAD_PROBLEMS,
    summary="Import contacts from a CSV: the body is the file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}, "example": "phone,name\n+14155550171,Ada\n"}},
        },
        "parameters": [KEY_PARAMETER],
    },
)
async def upload(
    request: Request,
    caller: Operator,
    campaign_id: UUID,
    delimiter: Annotated[Literal[",", ";", "\t", "|"] | None, Query(description="Overrules what is found")] = None,
    encoding: Annotated[
        Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"] | None, Query(description="Overrules what is found")
    ] = None,
    phone_column: Annotated[str | None, Query(max_length=200, description="The column with the number")] = None,
    default_country: Annotated[
        str | None, Query(pattern="^[A-Z]{2}$", description="ISO 3166; otherwise the campaign's")
    ] = None,
    on_duplicate: Annotated[
        Literal["skip", "update"], Query(description="`update`: what the file brings replaces details")
    ] = "skip",
    dry_run: Annotated[bool, Query(description="Check the file; add nothing")] = False,
) -> Response:
    """The answer comes once the whole file is stored and its header is understood; rows are worked on afterwards."""
    settings: Settings = request.app.state.settings
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    gate: Gate = request.app.state.gate
    limits = limits_of(settings)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES:
        allowed = ", ".join(CONTENT_TYPES)
        raise Problem(415, "wrong_content_type", f"Content-Type {content_type!r}; allowed: {allowed}.")
    if default_country is not None and default_country not in phonenumbers.SUPPORTED_REGIONS:
        raise Problem(422, "invalid_request", f"default_country: {default_country!r} is no country (ISO 3166).")
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limits.max_bytes:
        raise too_large(limits)
    key = request.headers.get("idempotency-key")
    if key is not None and await _read(request, lambda cursor: _is_used(cursor, caller.workspace, key)):
        _, digest = await receive(request, None, limits=limits, beat=None)
        return await gate.command(request, caller, _not_again, status=202, body=digest)

    import_id = uuid4()
    try:
        await workers.run(
            lambda: store.transact(
                lambda tx: open_import(
                    tx,
                    campaign_id,
                    workspace=caller.workspace,
                    import_id=import_id,
                    default_country=default_country,
                    on_duplicate=on_duplicate,
                    dry_run=dry_run,
                )
            )
        )
    except Refused as refused:
        raise problem_of(refused) from None
    path = spool_file(settings.spool_dir, import_id)

    async def goes_on() -> bool:
        def touch() -> bool:
            with store.recorder.datastore.transaction(commit=True) as cursor:
                return still_uploading(cursor, import_id)

        return await workers.run(touch)

    is_queued = False

    def queue(tx: Transaction) -> dict[str, Any]:
        nonlocal is_queued
        if not queue_import(tx, import_id, layout=uploaded.layout, size=uploaded.size):
            raise Problem(409, "import_cancelled", "The import was cancelled during the upload.")
        is_queued = True
        row = _find(tx.cursor, import_id, caller.workspace)
        return _answer(row).model_dump(mode="json")

    try:
        uploaded = await take(
            request,
            path,
            limits=limits,
            beat=goes_on,
            inspect=lambda: look_into(
                path, limits=limits, delimiter=delimiter, encoding=encoding, phone_column=phone_column
            ),
        )
        response = await gate.command(request, caller, queue, status=202, body=uploaded.digest)
    except ClientDisconnect:
        await workers.run(lambda: store.transact(lambda tx: end_import(tx, import_id, "interrupted")))
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise Problem(400, "upload_interrupted", "The connection was cut before the whole file was there.") from None
    except (Problem, OSError) as error:
        await workers.run(lambda: store.transact(lambda tx: forget_import(tx, import_id)))
        await asyncio.to_thread(path.unlink, missing_ok=True)
        if isinstance(error, OSError):
            raise Problem(
                503, "spool_unavailable", "The file can't be stored now.", headers={"Retry-After": "30"}
            ) from error
        raise
    if not is_queued:  # the first request with this key was faster: its answer stands, this upload goes
        await workers.run(lambda: store.transact(lambda tx: forget_import(tx, import_id)))
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return response


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
            items=[_answer(row) for row in rows[:limit]],
            next_cursor=encode_cursor(last["created_at"].isoformat(), last["id"]) if last else None,
            total=campaign["imports"],
        )

    return await _read(request, work)


@router.get("/v1/imports/{import_id}", response_model=ImportAnswer, summary="How far an import is")
async def get_import(request: Request, caller: Viewer, import_id: UUID) -> ImportAnswer:
    return await _read(request, lambda cursor: _answer(_find(cursor, import_id, caller.workspace)))


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
        found = _find(reading, import_id, caller.workspace)
        values = {"import": import_id, "after": after, "result": result, "limit": limit + 1}
        rows = reading.execute(_ROWS, values).fetchall()
        items = []
        for row in rows[:limit]:
            shown = row.pop("row_values")
            items.append(ImportRow(**row, values=shown if caller.role != "viewer" else None))
        return ImportRowPage(
            items=items,
            next_cursor=encode_cursor(items[-1].line) if len(rows) > limit else None,
            total=found[result] if result else found["rows_done"],
        )

    return await _read(request, work)


@router.get(
    "/v1/imports/{import_id}/errors.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="The rejected rows as a CSV, to be mended and imported again",
)
async def get_errors(request: Request, caller: Operator, import_id: UUID) -> Response:
    """Safe to open in a spreadsheet. `error_line` and `error_reason` stand in front, and are ignored when read back."""
    found = await _read(request, lambda cursor: _find(cursor, import_id, caller.workspace))
    columns = [name for name in (found["layout"] or {}).get("columns", ()) if name not in ERROR_COLUMNS]
    dropped = [i for i, name in enumerate((found["layout"] or {}).get("columns", ())) if name in ERROR_COLUMNS]

    def page_behind(line: int) -> Callable[[Cursor[DictRow]], list[DictRow]]:
        values = {"import": import_id, "after": line, "result": "rejected", "limit": _ERROR_PAGE}
        return lambda cursor: cursor.execute(_ROWS, values).fetchall()

    async def lines() -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbf" + _csv([[*ERROR_COLUMNS, *columns]])
        after = 0
        while rows := await _read(request, page_behind(after)):
            yield _csv(
                [
                    [str(row["line"]), row["reason"], *(v for i, v in enumerate(row["row_values"]) if i not in dropped)]
                    for row in rows
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
        found = _find(tx.cursor, import_id, caller.workspace)
        if not end_import(tx, import_id, "cancelled") and found["state"] != "cancelled":
            raise Refused("import_over", f"The import is {found['state']} already.", state=found["state"])
        return _answer(_find(tx.cursor, import_id, caller.workspace)).model_dump(mode="json")

    gate: Gate = request.app.state.gate
    return await gate.command(request, caller, work)


def _is_used(cursor: Cursor[DictRow], workspace: UUID, key: str) -> bool:
    cursor.execute("SELECT 1 FROM idempotency_keys WHERE workspace = %s AND key = %s", (workspace, key))
    return cursor.fetchone() is not None


def _not_again(_: Transaction) -> dict[str, Any]:
    raise Problem(409, "idempotency_key_expired", "Idempotency-Key: it has just expired; send the file again.")


# --- answers -------------------------------------------------------------------------------------------------


async def _read(request: Request, work: Callable[[Cursor[DictRow]], T]) -> T:
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    return await workers.run(lambda: store.read(work))


def _find(cursor: Cursor[DictRow], import_id: UUID, workspace: UUID) -> DictRow:
    row = cursor.execute(
        "SELECT i.*, g.position FROM imports i JOIN campaigns g USING (campaign_id)"
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


def _answer(row: DictRow) -> ImportAnswer:
    layout, options = row["layout"] or {}, row["options"]
    seconds = (row["updated_at"] - row["started_at"]).total_seconds() if row["started_at"] else 0
    same = (
        "campaign_id state bytes_total bytes_done rows_done accepted duplicate rejected error_code error_detail"
        " created_at started_at finished_at"
    )
    return ImportAnswer(
        import_id=row["id"],
        dry_run=options["dry_run"],
        on_duplicate=options["on_duplicate"],
        default_country=options["default_country"],
        encoding=layout.get("encoding"),
        delimiter=layout.get("delimiter"),
        columns=[
            ImportColumn(name=name, field=field or "variable")
            for name, field in zip(layout.get("columns", ()), layout.get("fields", ()), strict=True)
        ],
        warnings=layout.get("warnings", []),
        rejected_by_reason=row["reasons"],
        notes=row["notes"],
        rows_per_second=round(row["rows_done"] / seconds, 1) if seconds > 0 and row["rows_done"] else None,
        position=row["position"],
        **{name: row[name] for name in same.split()},
    )


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_safe(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _safe(value: str) -> str:
    """A cell no spreadsheet takes for a formula. A clean number stays as it is: it is to be imported again."""
    return "'" + value if _UNSAFE.match(value) and not _E164.fullmatch(value) else value
