"""Trunks and phone numbers, over HTTP: two views of the workspace's settings, each replaced as a whole."""

from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from campaign_command.campaigns_api import PROBLEMS
from campaign_command.gate import IF_MATCH_PARAMETER, body_schema, gate_of, if_match_of
from campaign_command.store import Transaction
from campaign_command.workspaces import change, load_workspace
from campaign_events.trunks import MAX_PHONE_NUMBERS, MAX_TRUNKS, PhoneNumber, Trunk
from campaign_service.problems import parse_body
from campaign_service.tokens import Admin, Caller, Viewer

router = APIRouter(tags=["trunks"], responses=PROBLEMS)
Setting = Literal["trunks", "phone_numbers"]


class TrunksIn(BaseModel):
    """All trunks of the workspace."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"example": {"trunks": [{"id": "berlin-1", "max_calls": 30, "calls_per_second": 5}]}},
    )

    trunks: tuple[Trunk, ...] = Field(max_length=MAX_TRUNKS)


class PhoneNumbersIn(BaseModel):
    """All phone numbers of the workspace."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"example": {"phone_numbers": [{"number": "+493023125000", "trunk": "berlin-1"}]}},
    )

    phone_numbers: tuple[PhoneNumber, ...] = Field(max_length=MAX_PHONE_NUMBERS)


class TrunksAnswer(BaseModel):
    """The workspace's trunks. `version` is that of its settings, for `If-Match`."""

    trunks: tuple[Trunk, ...]
    version: int


class PhoneNumbersAnswer(BaseModel):
    """The workspace's phone numbers. `version` is that of its settings, for `If-Match`."""

    phone_numbers: tuple[PhoneNumber, ...]
    version: int


@router.get("/v1/trunks", response_model=TrunksAnswer, summary="The workspace's trunks")
async def get_trunks(request: Request, caller: Viewer) -> Response:
    """The trunk `default`, of numbers that are not registered, is listed only where it has been set."""
    return await _read(request, caller, "trunks")


@router.put(
    "/v1/trunks",
    response_model=TrunksAnswer,
    summary="Set the workspace's trunks, all of them (needs an admin)",
    openapi_extra={"requestBody": body_schema("TrunksIn"), "parameters": [IF_MATCH_PARAMETER]},
)
async def put_trunks(request: Request, caller: Admin) -> Response:
    """A trunk that phone numbers name stays: 422 lists them. Ceilings hold for calls that begin from now on."""
    raw = await request.body()
    given = parse_body(TrunksIn, raw)
    return await _write(request, caller, "trunks", given.model_dump(mode="json")["trunks"], raw)


@router.get("/v1/phone-numbers", response_model=PhoneNumbersAnswer, summary="The workspace's phone numbers")
async def get_phone_numbers(request: Request, caller: Viewer) -> Response:
    return await _read(request, caller, "phone_numbers")


@router.put(
    "/v1/phone-numbers",
    response_model=PhoneNumbersAnswer,
    summary="Register the workspace's phone numbers, all of them (needs an admin)",
    openapi_extra={"requestBody": body_schema("PhoneNumbersIn"), "parameters": [IF_MATCH_PARAMETER]},
)
async def put_phone_numbers(request: Request, caller: Admin) -> Response:
    """Where there are any, campaigns may call from these only; looked at when a campaign is edited, started, resumed.

    409 `number_of_another_workspace` for a number that another workspace has registered.
    """
    raw = await request.body()
    given = parse_body(PhoneNumbersIn, raw)
    return await _write(request, caller, "phone_numbers", given.model_dump(mode="json")["phone_numbers"], raw)


async def _read(request: Request, caller: Caller, field: Setting) -> Response:
    store, workers = request.app.state.store, request.app.state.commands
    state = await workers.run(lambda: store.read(lambda cursor: load_workspace(cursor, caller.workspace)))
    shown = _shown(field, state.settings.model_dump(mode="json"), state.version)
    headers = {"ETag": f'"{state.version}"'}
    return Response(orjson.dumps(shown), media_type="application/json", headers=headers)


async def _write(request: Request, caller: Caller, field: Setting, values: list[Any], raw: bytes) -> Response:
    if_match = if_match_of(request)

    def work(tx: Transaction) -> dict[str, Any]:
        answer = change(tx, caller.workspace, {field: values}, if_match=if_match)
        return _shown(field, answer, answer["version"])

    return await gate_of(request).command(request, caller, work, body=raw)


def _shown(field: Setting, settings: dict[str, Any], version: int) -> dict[str, Any]:
    return {field: settings[field], "version": version}
