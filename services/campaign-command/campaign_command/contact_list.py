"""A campaign's contacts, to look at: in the order they were added, by status, by number or by name.

What must stay true: a viewer never learns a number, neither from an answer nor by searching for its beginning.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command.campaign import Refused
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
_COLUMNS = """
SELECT c.*, c.due_at IS NOT NULL OR c.status = 'pending' AS waits, g.status AS campaign_status
FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE c.campaign_id = %(campaign)s
"""
_COUNT = "SELECT count(*) AS total FROM contacts c WHERE c.campaign_id = %(campaign)s"
_NAMED = """
  AND (lower(c.name) LIKE lower(%(text)s) OR lower(c.first_name) LIKE lower(%(text)s)
       OR lower(c.last_name) LIKE lower(%(text)s)
       OR (lower(c.first_name) = lower(%(first)s) AND lower(c.last_name) LIKE lower(%(rest)s)))
"""
_NUMBERED = " AND c.number LIKE %(number)s"
_STATUS = " AND c.status = ANY(%(statuses)s)"
_SEVERAL_DIGITS = re.compile(r"\+?[0-9][0-9\s().\-/]*")

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
    """Contacts in the order they were added; `total` counts all that match."""

    items: list[ContactAnswer]
    next_cursor: str | None
    total: int


@router.get("/v1/campaigns/{campaign_id}/contacts", response_model=ContactPage, summary="The campaign's contacts")
async def list_contacts(
    request: Request,
    caller: Viewer,
    campaign_id: UUID,
    status: Annotated[list[ContactStatus] | None, Query(description="Only these; may be repeated")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Beginning of a number (+49 30…; not for viewers) or of a name")
    ] = None,
    cursor: PageCursor = None,
    limit: Limit = 50,
) -> ContactPage:
    after = 0
    if cursor is not None:
        [after] = decode_cursor(cursor, length=1)
        if type(after) is not int or not 0 <= after < 2**63:
            raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.")
    condition, values = _search(q, may_see_numbers=caller.role != "viewer")
    values |= {"campaign": campaign_id, "after": after, "limit": limit + 1}
    if status:
        condition += _STATUS
        values["statuses"] = [str(one) for one in status]

    def work(reading: Cursor[DictRow]) -> ContactPage:
        _require_campaign(reading, campaign_id, caller)
        page = _COLUMNS + condition + " AND c.seq > %(after)s ORDER BY c.seq LIMIT %(limit)s"
        rows = reading.execute(page.encode(), values).fetchall()
        counted = reading.execute((_COUNT + condition).encode(), values).fetchone()
        assert counted is not None
        return ContactPage(
            items=[_answer(row, caller) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1]["seq"]) if len(rows) > limit else None,
            total=counted["total"],
        )

    return await _read(request, work)


@router.get("/v1/campaigns/{campaign_id}/contacts/{contact_id}", response_model=ContactAnswer, summary="One contact")
async def get_contact(request: Request, caller: Viewer, campaign_id: UUID, contact_id: UUID) -> ContactAnswer:
    def work(reading: Cursor[DictRow]) -> ContactAnswer:
        _require_campaign(reading, campaign_id, caller)
        one = _COLUMNS + " AND c.contact_id = %(contact)s"
        row = reading.execute(one.encode(), {"campaign": campaign_id, "contact": contact_id}).fetchone()
        if row is None:
            raise problem_of(Refused("unknown_contact", "There is no such contact in this campaign."))
        return _answer(row, caller)

    return await _read(request, work)


def _search(q: str | None, *, may_see_numbers: bool) -> tuple[str, dict[str, Any]]:
    """What a search text asks of a row: a number that begins so, or a name."""
    text = (q or "").strip()
    if not text:
        return "", {}
    if "\0" in text:
        raise Problem(422, "invalid_request", "q: zero bytes are not allowed.")
    if _SEVERAL_DIGITS.fullmatch(text):
        if not may_see_numbers:
            raise Problem(403, "forbidden", "q: searching by number needs the role operator or higher.")
        digits = re.sub(r"[^0-9]", "", text)
        return _NUMBERED, {"number": f"+{digits.removeprefix('00')}%"}
    first, _, rest = text.partition(" ")
    return _NAMED, {"text": _prefix(text), "first": first, "rest": _prefix(rest.strip())}


def _prefix(text: str) -> str:
    """A LIKE pattern for what begins with `text`, taken literally."""
    return re.sub(r"([\\%_])", r"\\\1", text) + "%"


def _answer(row: DictRow, caller: Caller) -> ContactAnswer:
    number = row["number"]
    same = (
        "contact_id campaign_id first_name last_name name email external_id variables time_zones zone_source"
        " consent_basis consent_at consent_source status attempt reason callable not_callable_reason added_at"
    )
    final = row["campaign_status"] in ("completed", "cancelled")
    return ContactAnswer(
        number=number if caller.role != "viewer" else mask_number(number),
        next_attempt_at=row["due_at"],
        retryable=bool(row["waits"] and row["callable"] and not final),
        reached=row["reached_by"] is not None,
        **{name: row[name] for name in same.split()},
    )


def mask_number(number: str) -> str:
    """An E.164 number of which only the beginning and the last two digits show."""
    return number[:4] + "•" * (len(number) - 6) + number[-2:]


def _require_campaign(cursor: Cursor[DictRow], campaign_id: UUID, caller: Caller) -> None:
    cursor.execute(
        "SELECT 1 FROM campaigns WHERE campaign_id = %s AND workspace = %s AND NOT deleted",
        (campaign_id, caller.workspace),
    )
    if cursor.fetchone() is None:
        raise problem_of(Refused("unknown_campaign", "There is no such campaign."))


async def _read(request: Request, work: Callable[[Cursor[DictRow]], T]) -> T:
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    return await workers.run(lambda: store.read(work))
