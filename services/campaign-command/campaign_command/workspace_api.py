"""The workspace, over HTTP: its settings, *pause all*, and erasing a person."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from campaign_command.campaign import Refused
from campaign_command.campaigns_api import PROBLEMS
from campaign_command.erasures import answer as erasure_answer
from campaign_command.erasures import forget_words, request_erasure
from campaign_command.gate import IF_MATCH_PARAMETER, KEY_PARAMETER, body_schema, gate_of, if_match_of, problem_of
from campaign_command.phone_numbers import NumberRefused, read_number
from campaign_command.workspaces import WorkspaceSettings, answer, change, load_workspace
from campaign_service.problems import Problem, parse_body
from campaign_service.tokens import Admin, Caller, Operator, Viewer

router = APIRouter(tags=["workspace"], responses=PROBLEMS)


class WorkspaceAnswer(WorkspaceSettings):
    """The workspace of the token. `version` counts its changes."""

    id: UUID
    paused_at: AwareDatetime | None = Field(description="Since when all calling is paused; null while it is not")
    version: int


class ErasureIn(BaseModel):
    """Whom to erase."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"example": {"number": "+493023125433"}})

    number: Annotated[str, Field(min_length=1, max_length=100, description="E.164, such as +493023125433")]


class ErasureAnswer(BaseModel):
    """An erasure. `waiting_for_call`: it is carried out when the live call to the person has ended."""

    id: UUID
    state: str = Field(description="`done` or `waiting_for_call`")
    requested_by: str
    requested_at: AwareDatetime
    done_at: AwareDatetime | None
    contacts: int = Field(description="Contacts removed, of all campaigns")
    on_do_not_call_list: bool = Field(description="Whether a keyed hash stays there, so that nobody calls again")


@router.get("/v1/workspace", response_model=WorkspaceAnswer, summary="The workspace's settings")
async def get(request: Request, caller: Viewer) -> Response:
    store, workers = request.app.state.store, request.app.state.commands
    state = await workers.run(lambda: store.read(lambda cursor: load_workspace(cursor, caller.workspace)))
    headers = {"ETag": f'"{state.version}"'}
    return Response(orjson.dumps(answer(state)), media_type="application/json", headers=headers)


@router.patch(
    "/v1/workspace",
    response_model=WorkspaceAnswer,
    summary="Change the workspace's settings (JSON merge patch; needs an admin)",
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "parameters": [IF_MATCH_PARAMETER],
    },
)
async def patch(request: Request, caller: Admin) -> Response:
    raw = await request.body()
    try:
        wanted = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Problem(400, "invalid_json", "The body is not valid JSON.") from None
    if not isinstance(wanted, dict):
        raise Problem(422, "invalid_request", "body: a JSON object with the settings to change.")
    return await _change(request, caller, wanted, raw)


@router.post(
    "/v1/workspace/pause-all",
    response_model=WorkspaceAnswer,
    summary="Pause all: after the answer no phone starts to ring in the workspace; campaigns keep their status",
    openapi_extra={"parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def pause_all(request: Request, caller: Operator) -> Response:
    return await _change(request, caller, {"paused_all": True})


@router.post(
    "/v1/workspace/resume-all",
    response_model=WorkspaceAnswer,
    summary="Let the running campaigns call again",
    openapi_extra={"parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def resume_all(request: Request, caller: Operator) -> Response:
    return await _change(request, caller, {"paused_all": False})


@router.post(
    "/v1/erasures",
    status_code=201,
    response_model=ErasureAnswer,
    summary="Erase a person by number, in all campaigns and in the call history (needs an admin)",
    openapi_extra={"requestBody": body_schema("ErasureIn"), "parameters": [KEY_PARAMETER]},
)
async def erase(request: Request, caller: Admin) -> Response:
    raw = await request.body()
    text = parse_body(ErasureIn, raw).number
    number = read_number(text, None)
    if isinstance(number, NumberRefused):
        message = f"{number.reason}; allowed: E.164 such as +493023125433"
        errors = [{"field": "number", "message": message, "value": text[:100]}]
        raise Problem(422, "invalid_request", f"number: {message}", errors=errors)
    e164 = number.e164
    store, workers = request.app.state.store, request.app.state.commands
    gate = gate_of(request)

    async def forget() -> None:
        await workers.run(lambda: forget_words(store))

    return await gate.command(
        request,
        caller,
        lambda tx: request_erasure(tx, e164, workspace=caller.workspace, requested_by=caller.subject),
        status=201,
        body=raw,
        then=forget,
    )


@router.get("/v1/erasures/{erasure_id}", response_model=ErasureAnswer, summary="How an erasure stands")
async def get_erasure(request: Request, caller: Operator, erasure_id: UUID) -> Response:
    store, workers = request.app.state.store, request.app.state.commands

    def work(cursor: Cursor[DictRow]) -> dict[str, Any]:
        values = (erasure_id, caller.workspace)
        row = cursor.execute("SELECT * FROM erasures WHERE erasure_id = %s AND workspace = %s", values).fetchone()
        if row is None:
            raise problem_of(Refused("unknown_erasure", "There is no such erasure."))
        return erasure_answer(row)

    found = await workers.run(lambda: store.read(work))
    return Response(orjson.dumps(found), media_type="application/json")


async def _change(request: Request, caller: Caller, wanted: dict[str, Any], raw: bytes = b"") -> Response:
    gate = gate_of(request)
    silence = request.app.state.silence
    if_match = if_match_of(request)

    async def wait() -> None:
        if wanted.get("paused_all") is True:
            await silence.of_workspace(caller.workspace)

    return await gate.command(
        request, caller, lambda tx: change(tx, caller.workspace, wanted, if_match=if_match), body=raw, then=wait
    )
