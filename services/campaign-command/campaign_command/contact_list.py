"""A campaign's contacts, to look at: in the order they were added, by status, by number or by name.

What must stay true: a viewer never learns a number, neither from an answer nor by searching for its beginning.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command.campaign import Refused
from campaign_command.contact_search import Place, find_contacts, search_of
from campaign_command.gate import problem_of
from campaign_command.store import Store
from campaign_command.workers import Workers
from campaign_events.settings import ContactStatus
from campaign_service.paging import Cursor as PageCursor
from campaign_service.paging import Limit, decode_cursor, encode_cursor
from campaign_service.problems import Problem, ProblemDetails
from campaign_service.tokens import Caller, Viewer

T = TypeVar("T")
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": ProblemDetails, "description": "No valid token"},
    404: {"model": ProblemDetails, "description": "Unknown, or of another workspace"},
    422: {"model": ProblemDetails, "description": "Not valid; `code` says what"},
}
_ONE = "SELECT * FROM contacts WHERE campaign_id = %s AND contact_id = %s"
_CAMPAIGN = "SELECT status FROM campaigns WHERE campaign_id = %s AND workspace = %s AND NOT deleted"

router = APIRouter(tags=["contacts"], responses=PROBLEMS)


class ContactAnswer(BaseModel):
    """A contact. `retryable`: it will be called again; `next_attempt_at`: not before then."""

    contact_id: UUID
    campaign_id: UUID
    number: str = Field(description="E.164; viewers see its beginning and its end")
    first_name: str | None
    last_name: str | None
    name: str | None
    email: str | None
    external_id: str | None
    variables: dict[str, str]
    time_zones: list[str] = Field(description="Where the person may be: the windows must be open in all of them")
    zone_source: str = Field(description="`contact`, `number` or `country`: where the zones come from")
    consent_basis: str | None
    consent_at: str | None
    consent_source: str | None
    status: ContactStatus
    attempt: int = Field(description="Dialled attempts, the running one included")
    reason: str | None
    next_attempt_at: AwareDatetime | None
    retryable: bool
    callable: bool
    not_callable_reason: str | None
    reached: bool = Field(description="A person has answered at least once")
    added_at: AwareDatetime


class ContactPage(BaseModel):
    """Contacts in the order they were added; those of a search in the order of the number or the name.

    `total` is that of the list: counted by status, always exact. Of a search it is exact up to 1,000 matches.
    """

    items: list[ContactAnswer] = Field(description="Of a search by name, maybe fewer than `limit` on any page")
    next_cursor: str | None
    total: int
    total_is_exact: bool = Field(description="False: at least `total` match")


@router.get("/v1/campaigns/{campaign_id}/contacts", response_model=ContactPage, summary="The campaign's contacts")
async def list_contacts(
    request: Request,
    caller: Viewer,
    campaign_id: UUID,
    status: Annotated[list[ContactStatus] | None, Query(description="Only these; may be repeated")] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Beginning of a number (+49 30…; not for viewers), of a name, of first and last name, or of"
            " the last name; letters count alike, large and small",
        ),
    ] = None,
    cursor: PageCursor = None,
    limit: Limit = 50,
) -> ContactPage:
    if "\0" in (q or ""):
        raise Problem(422, "invalid_request", "q: zero bytes are not allowed.")
    search = search_of(q or "")
    if search is not None and search.is_number and caller.role == "viewer":
        raise Problem(403, "forbidden", "q: searching by number needs the role operator or higher.")
    after = _place_of(cursor) if cursor is not None else None
    statuses = [str(one) for one in status or ()]

    def work(reading: Cursor[DictRow]) -> ContactPage:
        campaign_status = _require_campaign(reading, campaign_id, caller)
        found = find_contacts(reading, campaign_id, statuses=statuses, search=search, after=after, limit=limit)
        return ContactPage(
            items=[_answer(row, caller, campaign_status) for row in found.rows],
            next_cursor=encode_cursor(found.next.seq, found.next.key) if found.next else None,
            total=found.total,
            total_is_exact=found.is_exact,
        )

    return await _read(request, work)


@router.get("/v1/campaigns/{campaign_id}/contacts/{contact_id}", response_model=ContactAnswer, summary="One contact")
async def get_contact(request: Request, caller: Viewer, campaign_id: UUID, contact_id: UUID) -> ContactAnswer:
    def work(reading: Cursor[DictRow]) -> ContactAnswer:
        campaign_status = _require_campaign(reading, campaign_id, caller)
        row = reading.execute(_ONE, (campaign_id, contact_id)).fetchone()
        if row is None:
            raise problem_of(Refused("unknown_contact", "There is no such contact in this campaign."))
        return _answer(row, caller, campaign_status)

    return await _read(request, work)


def _place_of(cursor: str) -> Place:
    seq, key = decode_cursor(cursor, length=2)
    if type(seq) is not int or not 0 <= seq < 2**63 or not isinstance(key, str) or "\0" in key:
        raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.")
    return Place(seq, key)


def _answer(row: DictRow, caller: Caller, campaign_status: str) -> ContactAnswer:
    number = row["number"]
    waits = row["due_at"] is not None or row["status"] == "pending"
    same = (
        "contact_id campaign_id first_name last_name name email external_id variables time_zones zone_source"
        " consent_basis consent_at consent_source status attempt reason callable not_callable_reason added_at"
    )
    final = campaign_status in ("completed", "cancelled")
    return ContactAnswer(
        number=number if caller.role != "viewer" else mask_number(number),
        next_attempt_at=row["due_at"],
        retryable=waits and row["callable"] and not final,
        reached=row["reached_by"] is not None,
        **{name: row[name] for name in same.split()},
    )


def mask_number(number: str) -> str:
    """An E.164 number of which only the beginning and the last two digits show."""
    return number[:4] + "•" * (len(number) - 6) + number[-2:]


def _require_campaign(cursor: Cursor[DictRow], campaign_id: UUID, caller: Caller) -> str:
    """The campaign's status."""
    row = cursor.execute(_CAMPAIGN, (campaign_id, caller.workspace)).fetchone()
    if row is None:
        raise problem_of(Refused("unknown_campaign", "There is no such campaign."))
    status: str = row["status"]
    return status


async def _read(request: Request, work: Callable[[Cursor[DictRow]], T]) -> T:
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    return await workers.run(lambda: store.read(work))
