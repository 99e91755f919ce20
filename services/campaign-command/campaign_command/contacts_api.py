"""Adding, editing and removing contacts by JSON. Reading them is `contact_list.py`, files are `imports_api.py`."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from campaign_command import commands
from campaign_command.campaign import require_editable
from campaign_command.campaigns_api import PROBLEMS, Change
from campaign_command.commands import Target
from campaign_command.contact_edits import ContactPatch, edit_contact
from campaign_command.contacts import MAX_CHUNK, NewContact, add_contacts
from campaign_command.gate import IF_MATCH_PARAMETER, KEY_PARAMETER, body_schema, gate_of, if_match_of
from campaign_command.phone_numbers import NumberRefused, candidate_zones, read_number
from campaign_command.store import Transaction, now_of
from campaign_events.schedule import TimeZoneName
from campaign_events.settings import NO_NUL
from campaign_service.problems import parse_body
from campaign_service.tokens import Operator

MAX_VARIABLES_BYTES = 16 * 1024
MAX_FIELD = 4096
Text = Annotated[str, Field(max_length=MAX_FIELD), NO_NUL]

router = APIRouter(tags=["contacts"], responses=PROBLEMS)


class ContactIn(BaseModel):
    """One contact to add."""

    model_config = ConfigDict(frozen=True)

    number: str = Field(max_length=100, description="E.164, or national with the campaign's default country")
    first_name: Text | None = None
    last_name: Text | None = None
    name: Text | None = None
    email: Annotated[str, Field(max_length=320), NO_NUL] | None = None
    external_id: Text | None = None
    time_zone: TimeZoneName | None = Field(default=None, description="IANA name; else the number's candidate zones")
    consent_basis: Text | None = None
    consent_at: AwareDatetime | None = None
    consent_source: Text | None = None
    variables: dict[Annotated[str, NO_NUL], Annotated[str, NO_NUL]] = Field(
        default_factory=dict, max_length=64, description="For the agent's prompt"
    )


class ContactsIn(BaseModel):
    """Up to 1,000 contacts."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "example": {"contacts": [{"number": "+493023125433", "first_name": "Hana", "time_zone": "Europe/Berlin"}]}
        },
    )

    contacts: tuple[ContactIn, ...] = Field(min_length=1, max_length=MAX_CHUNK)


class AddedAnswer(BaseModel):
    """What became of one contact; `index` is its place in the request, `contact_id` its own or the duplicate's."""

    index: int
    result: Literal["accepted", "duplicate", "rejected"]
    contact_id: UUID | None = None
    number: str | None = None
    status: str | None = None
    reason: str | None = None


class AddedAnswers(BaseModel):
    """One result a contact, in the order of the request."""

    accepted: int
    duplicate: int
    rejected: int
    results: list[AddedAnswer]
    position: int


class ContactEditAnswer(BaseModel):
    """What differs after an edit of a contact; it applies from the next attempt."""

    contact_id: UUID
    changes: list[Change]
    position: int


class RemovedIn(BaseModel):
    """Up to 1,000 contacts to remove; all of them, or none."""

    contact_ids: tuple[UUID, ...] = Field(min_length=1, max_length=MAX_CHUNK)


class RemovedAnswer(BaseModel):
    """How many contacts are gone."""

    removed: int
    position: int


@router.post(
    "/v1/campaigns/{campaign_id}/contacts",
    response_model=AddedAnswers,
    summary="Add contacts to a Draft or Paused campaign (at most 1,000 a request)",
    openapi_extra={"requestBody": body_schema("ContactsIn"), "parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def add(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    raw = await request.body()
    asked = parse_body(ContactsIn, raw)
    target = Target(campaign_id, caller.workspace, if_match_of(request))
    return await gate_of(request).command(request, caller, lambda tx: _add(tx, target, asked.contacts), body=raw)


@router.patch(
    "/v1/campaigns/{campaign_id}/contacts/{contact_id}",
    response_model=ContactEditAnswer,
    summary="Edit a contact of a Draft or Paused campaign (JSON merge patch); its number stays",
    openapi_extra={"requestBody": body_schema("ContactPatch"), "parameters": [IF_MATCH_PARAMETER]},
)
async def edit(request: Request, caller: Operator, campaign_id: UUID, contact_id: UUID) -> Response:
    raw = await request.body()
    patch = parse_body(ContactPatch, raw)
    target = Target(campaign_id, caller.workspace, if_match_of(request))
    return await gate_of(request).command(
        request, caller, lambda tx: edit_contact(tx, target, contact_id, patch), body=raw
    )


@router.delete(
    "/v1/campaigns/{campaign_id}/contacts/{contact_id}",
    response_model=RemovedAnswer,
    summary="Remove a contact from a Draft or Paused campaign",
    openapi_extra={"parameters": [IF_MATCH_PARAMETER]},
)
async def remove(request: Request, caller: Operator, campaign_id: UUID, contact_id: UUID) -> Response:
    target = Target(campaign_id, caller.workspace, if_match_of(request))
    return await gate_of(request).command(request, caller, lambda tx: commands.remove(tx, target, [contact_id]))


@router.post(
    "/v1/campaigns/{campaign_id}/contacts/remove",
    response_model=RemovedAnswer,
    summary="Remove many contacts from a Draft or Paused campaign",
    openapi_extra={"requestBody": body_schema("RemovedIn"), "parameters": [KEY_PARAMETER, IF_MATCH_PARAMETER]},
)
async def remove_many(request: Request, caller: Operator, campaign_id: UUID) -> Response:
    raw = await request.body()
    asked = parse_body(RemovedIn, raw)
    target = Target(campaign_id, caller.workspace, if_match_of(request))
    ids = list(dict.fromkeys(asked.contact_ids))
    return await gate_of(request).command(request, caller, lambda tx: commands.remove(tx, target, ids), body=raw)


def _add(tx: Transaction, target: Target, contacts: tuple[ContactIn, ...]) -> dict[str, Any]:
    campaign = require_editable(commands.find(tx, target))
    results: list[AddedAnswer | None] = []
    new: list[NewContact] = []
    places: list[int] = []
    for index, contact in enumerate(contacts):
        read = _read(contact, campaign.settings.default_country)
        if isinstance(read, str):
            results.append(AddedAnswer(index=index, result="rejected", reason=read))
        else:
            results.append(None)
            new.append(read)
            places.append(index)
    added = add_contacts(tx, campaign.campaign_id, new, now=now_of(tx.cursor)) if new else []
    for place, contact_in, outcome in zip(places, new, added, strict=True):
        results[place] = AddedAnswer(
            index=place,
            result=outcome.result,
            contact_id=outcome.contact_id,
            number=contact_in.number,
            status=str(outcome.status),
        )
    done = [result for result in results if result is not None]
    return AddedAnswers(
        accepted=sum(r.result == "accepted" for r in done),
        duplicate=sum(r.result == "duplicate" for r in done),
        rejected=sum(r.result == "rejected" for r in done),
        results=done,
        position=commands.position_of(tx, campaign.campaign_id),
    ).model_dump(mode="json")


def _read(contact: ContactIn, default_country: str | None) -> NewContact | str:
    number = read_number(contact.number, default_country)
    if isinstance(number, NumberRefused):
        return number.reason
    if any(len(name) > 100 or len(value) > MAX_FIELD for name, value in contact.variables.items()):
        return "field_too_long"
    if sum(len(name) + len(value) for name, value in contact.variables.items()) > MAX_VARIABLES_BYTES:
        return "field_too_long"
    zones, source = candidate_zones(number.e164, contact.time_zone)
    return NewContact(
        number=number.e164,
        time_zones=zones,
        zone_source=source,
        first_name=contact.first_name,
        last_name=contact.last_name,
        name=contact.name,
        email=contact.email,
        external_id=contact.external_id,
        consent_basis=contact.consent_basis,
        consent_at=contact.consent_at.isoformat() if contact.consent_at else None,
        consent_source=contact.consent_source,
        variables=contact.variables,
    )
