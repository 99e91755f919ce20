"""The commands on campaigns, over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command import commands, duplicates
from campaign_command.campaign import Refused
from campaign_command.commands import Target
from campaign_command.gate import (
    IF_MATCH_PARAMETER,
    KEY_PARAMETER,
    body_schema,
    gate_of,
    if_match_of,
    no_body,
    problem_of,
)
from campaign_command.silence import Silence
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus
from campaign_service.paging import MAX_LIMIT
from campaign_service.problems import Problem, ProblemDetails, parse_body
from campaign_service.tokens import Caller, Operator, Viewer

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemDetails, "description": "No valid token"},
    403: {"model": ProblemDetails, "description": "The token's role is too low"},
    404: {"model": ProblemDetails, "description": "Unknown, or of another workspace"},
    409: {"model": ProblemDetails, "description": "A rule forbids it; `allowed` lists what is possible"},
    412: {"model": ProblemDetails, "description": "If-Match names another version"},
    413: {"model": ProblemDetails, "description": "Body too large"},
    422: {"model": ProblemDetails, "description": "Not valid; `errors` names field, value and what is allowed"},
}
Copied = Literal["none", "all", "never_reached"]

router = APIRouter(tags=["campaigns"], responses=PROBLEMS)


class CampaignAnswer(BaseModel):
    """A campaign after a command. `position` is its last fact's: as `min_position` it lets you read your own write."""

    id: UUID
    status: CampaignStatus
    pause_reason: str | None = None
    version: int
    settings_version: int
    settings: CampaignSettings
    allowed: list[str] = Field(description="What this status allows")
    created_at: AwareDatetime
    position: int


class StartAnswer(CampaignAnswer):
    """The campaign after its start, and how many of its contacts will not be called."""

    blocked: dict[str, int] = Field(description="By reason: do_not_call, no_consent, not_callable")


class Change(BaseModel):
    """One field that an edit changed."""

    field: str
    from_: Any = Field(alias="from")
    to: Any


class EditAnswer(CampaignAnswer):
    """The campaign after an edit, and what differs."""

    changes: list[Change]


class DeleteAnswer(BaseModel):
    """The campaign is gone."""

    id: UUID
    deleted: bool
    position: int


class Duplication(BaseModel):
    """What a duplicate takes over beside the settings: contacts by choice, or by status."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    contacts: Copied | tuple[ContactStatus, ...] = "none"


class FactAnswer(BaseModel):
    """One fact of a campaign's log."""

    position: int
    type: str
    at: AwareDatetime
    correlation_id: str | None = None
    causation_id: str | None = None
    data: dict[str, Any]


class FactPage(BaseModel):
    """Facts in the order of the log; `next_after` is null at its end."""

    items: list[FactAnswer]
    next_after: int | None


@router.post(
    "/v1/campaigns",
    status_code=201,
    response_model=CampaignAnswer,
    summary="Create a campaign (Draft)",
    openapi_extra={"requestBody": body_schema("CampaignSettings"), "parameters": [KEY_PARAMETER]},
)
async def create(request: Request, caller: Operator) -> Response:
    raw = await request.body()
    settings = parse_body(CampaignSettings, raw)
    campaign_id = uuid4()
    return await gate_of(request).command(
        request,
        caller,
        lambda tx: commands.create(tx, campaign_id=campaign_id, workspace=caller.workspace, settings=settings),
        status=201,
        body=raw,
    )


@router.patch(
    "/v1/campaigns/{campaign_id}",
    response_model=EditAnswer,
    summary="Edit a Draft or Paused campaign (JSON merge patch)",
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "parameters": [IF_MATCH_PARAMETER],
    },
)
async def edit(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    raw = await request.body()
    try:
        patch = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Problem(400, "invalid_json", "The body is not valid JSON.") from None
    if not isinstance(patch, dict):
        raise Problem(422, "invalid_request", "body: a JSON object with the fields to change.")
    target = _target(request, caller, campaign_id)
    return await gate_of(request).command(request, caller, lambda tx: commands.edit(tx, target, patch), body=raw)


@router.post(
    "/v1/campaigns/{campaign_id}/start",
    dependencies=[Depends(no_body)],
    response_model=StartAnswer,
    summary="Start a Draft",
    openapi_extra={"parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def start(
    request: Request,
    caller: Operator,
    campaign_id: UUID,
    ignore_missing_variables: Annotated[
        bool, Query(description="Start though contacts lack variables that the prompt names")
    ] = False,
) -> Response:
    """409 `missing_variables` counts the contacts that lack a `{variable}` of the prompt, and names the first 100."""
    target = _target(request, caller, campaign_id)
    ignoring = ignore_missing_variables
    return await gate_of(request).command(
        request, caller, lambda tx: commands.start(tx, target, ignore_missing_variables=ignoring)
    )


@router.post(
    "/v1/campaigns/{campaign_id}/pause",
    dependencies=[Depends(no_body)],
    response_model=CampaignAnswer,
    summary="Pause: after the answer no phone starts to ring; calls in progress finish",
    openapi_extra={"parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def pause(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    target = _target(request, caller, campaign_id)
    silence = _silence(request)
    return await gate_of(request).command(
        request, caller, lambda tx: commands.pause(tx, target), then=lambda: silence.of_campaign(campaign_id)
    )


@router.post(
    "/v1/campaigns/{campaign_id}/resume",
    dependencies=[Depends(no_body)],
    response_model=CampaignAnswer,
    summary="Resume a Paused campaign",
    openapi_extra={"parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def resume(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    target = _target(request, caller, campaign_id)
    return await gate_of(request).command(request, caller, lambda tx: commands.resume(tx, target))


@router.post(
    "/v1/campaigns/{campaign_id}/cancel",
    dependencies=[Depends(no_body)],
    response_model=CampaignAnswer,
    summary="Cancel for good: after the answer no phone starts to ring; contacts not reached keep their status",
    openapi_extra={"parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def cancel(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    target = _target(request, caller, campaign_id)
    silence = _silence(request)
    return await gate_of(request).command(
        request, caller, lambda tx: commands.cancel(tx, target), then=lambda: silence.of_campaign(campaign_id)
    )


@router.delete(
    "/v1/campaigns/{campaign_id}",
    response_model=DeleteAnswer,
    summary="Delete the campaign and all its contact data; call records stay in the call history",
    openapi_extra={"parameters": [IF_MATCH_PARAMETER]},
)
async def delete(
    request: Request,
    caller: Operator,
    campaign_id: UUID,
    confirm: Annotated[str | None, Query(description="The campaign's id again", max_length=100)] = None,
) -> Response:
    target = _target(request, caller, campaign_id)
    return await gate_of(request).command(request, caller, lambda tx: commands.delete(tx, target, confirm=confirm))


@router.post(
    "/v1/campaigns/{campaign_id}/duplicate",
    status_code=201,
    response_model=CampaignAnswer,
    summary="A new Draft with the same settings, and the contacts asked for",
    openapi_extra={"requestBody": body_schema("Duplication"), "parameters": [KEY_PARAMETER]},
)
async def duplicate(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    raw = await request.body()
    asked = parse_body(Duplication, raw)
    target = _target(request, caller, campaign_id)
    new_id = uuid4()
    chosen = _chosen(asked.contacts)
    return await gate_of(request).command(
        request,
        caller,
        lambda tx: duplicates.duplicate(tx, target, campaign_id=new_id, name=asked.name, contacts=chosen),
        status=201,
        body=raw,
    )


@router.get("/v1/campaigns/{campaign_id}/facts", response_model=FactPage, summary="The campaign's log, in order")
async def facts(
    request: Request,
    caller: Viewer,
    campaign_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="Facts with a higher position")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
) -> FactPage:
    store, workers = request.app.state.store, request.app.state.commands

    def read() -> FactPage:
        def work(cursor: Any) -> FactPage:
            campaign = store.load_campaign(cursor, campaign_id)
            if campaign is None or campaign.workspace != caller.workspace or campaign.deleted:
                raise problem_of(Refused("unknown_campaign", "There is no such campaign."))
            found = store.campaign_log(cursor, campaign_id, after=after, limit=limit + 1)
            items = [
                FactAnswer(
                    position=position,
                    type=type(recorded.fact).__name__,
                    at=recorded.fact.at,
                    correlation_id=recorded.correlation_id,
                    causation_id=recorded.causation_id,
                    data=recorded.fact.model_dump(mode="json"),
                )
                for position, recorded in found[:limit]
            ]
            return FactPage(items=items, next_after=items[-1].position if len(found) > limit else None)

        page: FactPage = store.read(work)
        return page

    result: FactPage = await workers.run(read)
    return result


def _chosen(contacts: Copied | tuple[ContactStatus, ...]) -> duplicates.Chosen:
    if contacts == "none":
        return duplicates.Chosen()
    if contacts == "never_reached":
        return duplicates.Chosen(never_reached=True)
    statuses = ContactStatus if contacts == "all" else contacts
    return duplicates.Chosen(statuses=tuple(str(status) for status in statuses))


def _target(request: Request, caller: Caller, campaign_id: UUID) -> Target:
    return Target(campaign_id, caller.workspace, if_match_of(request))


def _silence(request: Request) -> Silence:
    silence: Silence = request.app.state.silence
    return silence
