"""Contact files coming in over HTTP, and a look at a file before it is sent.

What must stay true: 202 means that the whole file is on the disk and can be read; whatever is refused before leaves no
trace. The body is never held in memory.
"""

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import phonenumbers
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from campaign_command.campaign import Refused
from campaign_command.contact_file import ENCODING_NAMES, FileRefused, Meaning
from campaign_command.contact_rows import Candidate
from campaign_command.contacts import known_contacts
from campaign_command.gate import KEY_PARAMETER, gate_of, problem_of
from campaign_command.import_preview import HEAD_BYTES, Preview, preview
from campaign_command.import_spool import Unpacking, look_into, problem_of_file, receive, spool_file, take, too_large
from campaign_command.imports import (
    end_import,
    forget_import,
    limits_of,
    open_import,
    queue_import,
    still_uploading,
)
from campaign_command.imports_api import PROBLEMS, ImportAnswer, Result, answer_of, find_import, read
from campaign_command.settings import Settings
from campaign_command.store import Store, Transaction
from campaign_command.workers import Workers
from campaign_service.problems import Problem, ProblemDetails
from campaign_service.tokens import Operator

CONTENT_TYPES = (
    "text/csv",
    "text/plain",
    "application/csv",
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
)
_UPLOAD_PROBLEMS: dict[int | str, dict[str, Any]] = {
    408: {"model": ProblemDetails, "description": "The body stopped coming"},
    409: {
        "model": ProblemDetails,
        "description": "The campaign's contacts can't be edited now; `allowed` says what can",
    },
    413: {"model": ProblemDetails, "description": "`file_too_large`: the body, or the text that its gzip holds"},
    415: {"model": ProblemDetails, "description": "Not a CSV's content type, or another encoding than gzip"},
    503: {"model": ProblemDetails, "description": "The file can't be stored now"},
}
_MAPPING: TypeAdapter[dict[str, Meaning]] = TypeAdapter(dict[str, Meaning])
_BODY = {
    "required": True,
    "content": {
        "text/csv": {"schema": {"type": "string"}, "example": "phone,name\n+14155550171,Ada\n"},
        "application/gzip": {"schema": {"type": "string", "format": "binary"}},
    },
}

Delimiter = Annotated[Literal[",", ";", "\t", "|"] | None, Query(description="Overrules what is found")]
Encoding = Annotated[
    Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1"] | None, Query(description="Overrules what is found")
]
PhoneColumn = Annotated[
    str | None, Query(max_length=200, description='The column with the number: short for `mapping={"…":"phone"}`')
]
Mapping = Annotated[
    str | None,
    Query(
        max_length=4_000,  # percent-encoded it has to fit into a request's first line
        description="What columns are, by their names, as a JSON object; the others are known by their names:"
        ' {"Handy":"phone","Kunde":"external_id","Stadt":"variable","Intern":"ignored"}',
    ),
]
Country = Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="ISO 3166; otherwise the campaign's")]

router = APIRouter(tags=["imports"], responses=PROBLEMS)


class PreviewColumn(BaseModel):
    """A column and what it is taken for."""

    name: str
    field: Meaning
    confidence: float = Field(description="The share of its values that fit, 0 to 1; 1 where anything would")
    by: Literal["mapping", "name", "values", "none"] = Field(
        description="Whose word it is; `values` is a suggestion: the import wants it confirmed by `mapping`"
    )
    numbers: float = Field(description="The share of its values that are telephone numbers")


class PreviewRow(BaseModel):
    """A row as it would be read; the fields of a contact where it would become one."""

    line: int
    result: Result
    reason: str | None = None
    note: str | None = None
    of_line: int | None = None
    of_contact: UUID | None = None
    values: list[str]
    number: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    email: str | None = None
    external_id: str | None = None
    time_zones: list[str] | None = None
    variables: dict[str, str] | None = None


class PreviewAnswer(BaseModel):
    """What an import would make of the beginning of a file."""

    encoding: str
    delimiter: str
    warnings: list[str]
    columns: list[PreviewColumn]
    mapping: dict[str, Meaning] = Field(description="The same, ready to be sent with the import")
    problem: ProblemDetails | None = Field(
        description="What the import would be refused with, but for a better mapping"
    )
    rows: list[PreviewRow] = Field(description="The first 20; none while it is not clear which column has the number")


@router.post(
    "/v1/campaigns/{campaign_id}/imports/preview",
    response_model=PreviewAnswer,
    responses=_UPLOAD_PROBLEMS,
    summary="See how a file would be read: the body is its beginning (64 KB of it are looked at)",
    openapi_extra={"requestBody": _BODY},
)
async def look(
    request: Request,
    caller: Operator,
    campaign_id: UUID,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    phone_column: PhoneColumn = None,
    mapping: Mapping = None,
    default_country: Country = None,
) -> PreviewAnswer:
    """Nothing is kept. The encoding is that of the beginning: a later byte can still make it Windows-1252."""
    _require_csv(request, default_country)
    meanings = _meanings(mapping, phone_column)
    settings: Settings = request.app.state.settings
    store: Store = request.app.state.store
    campaign = await read(request, lambda cursor: store.load_campaign(cursor, campaign_id))
    if campaign is None or campaign.workspace != caller.workspace or campaign.deleted:
        raise Problem(404, "unknown_campaign", "There is no such campaign.")
    head, is_whole = await _head_of(request)
    try:
        seen = await asyncio.to_thread(
            preview,
            head,
            is_whole=is_whole,
            limits=limits_of(settings),
            encoding=encoding,
            delimiter=delimiter,
            mapping=meanings,
            default_country=default_country or campaign.settings.default_country,
        )
    except FileRefused as refused:
        raise problem_of_file(refused) from None
    numbers = [contact.contact.number for _, contact in seen.rows if isinstance(contact, Candidate)]
    known = await read(request, lambda cursor: known_contacts(cursor, campaign_id, numbers))
    return _preview_answer(seen, {number: answer.contact_id for number, answer in known.items()})


@router.post(
    "/v1/campaigns/{campaign_id}/imports",
    status_code=202,
    response_model=ImportAnswer,
    responses=_UPLOAD_PROBLEMS,
    summary="Import contacts from a CSV: the body is the file",
    openapi_extra={"requestBody": _BODY, "parameters": [KEY_PARAMETER]},
)
async def upload(
    request: Request,
    caller: Operator,
    campaign_id: UUID,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    phone_column: PhoneColumn = None,
    mapping: Mapping = None,
    default_country: Country = None,
    on_duplicate: Annotated[
        Literal["skip", "update"], Query(description="`update`: what the file brings replaces details")
    ] = "skip",
    dry_run: Annotated[bool, Query(description="Answer everything; add and change nothing")] = False,
) -> Response:
    """The answer comes once the whole file is stored and its header is understood; rows are worked on afterwards."""
    settings: Settings = request.app.state.settings
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    gate = gate_of(request)
    limits = limits_of(settings)
    _require_csv(request, default_country)
    meanings = _meanings(mapping, phone_column)
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limits.max_bytes:
        raise too_large(limits)
    key = request.headers.get("idempotency-key")
    if key is not None and await read(request, lambda cursor: _is_used(cursor, caller.workspace, key)):
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
        row = find_import(tx.cursor, import_id, caller.workspace)
        return answer_of(row).model_dump(mode="json")

    try:
        uploaded = await take(
            request,
            path,
            limits=limits,
            beat=goes_on,
            inspect=lambda: look_into(path, limits=limits, delimiter=delimiter, encoding=encoding, mapping=meanings),
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


def _require_csv(request: Request, default_country: str | None) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in CONTENT_TYPES:
        allowed = ", ".join(CONTENT_TYPES)
        raise Problem(415, "wrong_content_type", f"Content-Type {content_type!r}; allowed: {allowed}.")
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", "gzip", "x-gzip"):
        raise Problem(415, "wrong_content_encoding", f"Content-Encoding {packed!r}; allowed: gzip.")
    if default_country is not None and default_country not in phonenumbers.SUPPORTED_REGIONS:
        raise Problem(422, "invalid_request", f"default_country: {default_country!r} is no country (ISO 3166).")


def _meanings(mapping: str | None, phone_column: str | None) -> dict[str, Meaning]:
    meanings: dict[str, Meaning] = {}
    if mapping is not None:
        try:
            meanings = _MAPPING.validate_json(mapping, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(["mapping", *(str(part) for part in first["loc"])])
            raise Problem(422, "invalid_request", f"{where}: {first['msg']}") from None
    if phone_column is not None:
        meanings[phone_column] = "phone"
    return meanings


async def _head_of(request: Request) -> tuple[bytes, bool]:
    """The first 64 KB of the body's text, and whether that is all; the rest of the body is passed over."""
    unpacking, head = Unpacking(), bytearray()
    seen = 0
    is_over = False
    async for block in request.stream():
        for start in range(0, len(block), HEAD_BYTES):
            if len(head) <= HEAD_BYTES and seen <= HEAD_BYTES:
                for piece in unpacking.pieces(block[start : start + HEAD_BYTES]):
                    head += piece
                    if len(head) > HEAD_BYTES:
                        break
            else:
                is_over = True
            seen += len(block[start : start + HEAD_BYTES])
    if unpacking.is_complete:
        head += unpacking.finish()
    is_whole = not is_over and unpacking.is_complete and len(head) <= HEAD_BYTES and seen < HEAD_BYTES
    return bytes(head[:HEAD_BYTES]), is_whole


def _preview_answer(seen: Preview, known: dict[str, UUID]) -> PreviewAnswer:
    refused = problem_of_file(seen.refused) if seen.refused else None
    first_lines: dict[str, int] = {}
    rows = []
    for row, contact in seen.rows:
        if not isinstance(contact, Candidate):
            rows.append(PreviewRow(line=row.line, result="rejected", reason=contact.reason, values=row.values))
            continue
        new = contact.contact
        first = first_lines.setdefault(new.number, row.line)
        of_line = first if first != row.line else None
        of_contact = known.get(new.number) if of_line is None else None
        rows.append(
            PreviewRow(
                line=row.line,
                result="accepted" if of_line is None and of_contact is None else "duplicate",
                note=contact.note,
                of_line=of_line,
                of_contact=of_contact,
                values=row.values,
                number=new.number,
                first_name=new.first_name,
                last_name=new.last_name,
                name=new.name,
                email=new.email,
                external_id=new.external_id,
                time_zones=list(new.time_zones),
                variables=dict(new.variables),
            )
        )
    layout = seen.layout
    return PreviewAnswer(
        encoding=ENCODING_NAMES[layout.encoding],
        delimiter=layout.delimiter,
        warnings=list(layout.warnings),
        columns=[
            PreviewColumn(
                name=guess.name, field=guess.meaning, confidence=guess.confidence, by=guess.by, numbers=guess.numbers
            )
            for guess in seen.columns
        ],
        mapping={guess.name: guess.meaning for guess in seen.columns if guess.name},
        problem=ProblemDetails(
            type=f"urn:calling-campaigns:problem:{refused.code}",
            title=refused.code.replace("_", " ").capitalize(),
            status=refused.status,
            code=refused.code,
            detail=refused.detail,
        )
        if refused
        else None,
        rows=rows,
    )


def _is_used(cursor: Cursor[DictRow], workspace: UUID, key: str) -> bool:
    cursor.execute("SELECT 1 FROM idempotency_keys WHERE workspace = %s AND key = %s", (workspace, key))
    return cursor.fetchone() is not None


def _not_again(_: Transaction) -> dict[str, Any]:
    raise Problem(409, "idempotency_key_expired", "Idempotency-Key: it has just expired; send the file again.")
