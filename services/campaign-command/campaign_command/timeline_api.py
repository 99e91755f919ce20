"""The timeline of a contact, over HTTP: facts and decisions in the order of the log, and what stands in the way now.

What must stay true: it is read without the append lock, so nobody who asks *why* keeps a call from being decided.
"""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import Cursor
from psycopg.rows import DictRow
from pydantic import AwareDatetime, BaseModel, Field

from campaign_command.campaign import Refused
from campaign_command.contact import WAITING, PermitRefusal
from campaign_command.contact_list import PROBLEMS
from campaign_command.contacts import ContactRow, load
from campaign_command.gate import problem_of
from campaign_command.permits import NotGranted, Terms, foresee
from campaign_command.store import Store, Transaction, now_of
from campaign_command.timeline import standing, told
from campaign_command.workers import Workers
from campaign_events.facts import CampaignFact, Fact, PermitChecks, SuppressionFact
from campaign_events.settings import ContactStatus
from campaign_service.tokens import Viewer

MAX_ENTRIES = 1000

# The contact's stream, its campaign's, the workspace's, and those of the do-not-call entries that touch its number.
_STREAMS = """
SELECT * FROM (
    SELECT * FROM campaign_command_events
    WHERE originator_id = ANY(
        ARRAY[%(contact)s::uuid, %(campaign)s::uuid, %(workspace)s::uuid] || ARRAY(
            SELECT suppression_id FROM suppressions
            WHERE workspace = %(workspace)s AND (scope IS NULL OR scope = %(campaign)s)
              AND (number = %(number)s OR number_hash = %(hash)s
                   OR (prefix IS NOT NULL AND starts_with(%(number)s, prefix)))
        )
    )
    ORDER BY notification_id DESC LIMIT %(limit)s
) AS newest
ORDER BY notification_id
"""

router = APIRouter(tags=["contacts"], responses=PROBLEMS)


class TimelineEntry(BaseModel):
    """One fact, in words. `call_id` is a call of the call history; `checks` what was checked before it."""

    position: int | None = Field(description="In the log; null for the contact's own beginning")
    at: AwareDatetime
    type: str
    text: str
    call_id: UUID | None = None
    settings_version: int | None = None
    checks: PermitChecks | None = None


class CurrentReason(BaseModel):
    """Why the contact is not being called now, computed when asked."""

    code: str = Field(description="`ready` when only the window, the pace and a free line are waited for")
    text: str
    next_possible_at: AwareDatetime | None = Field(description="null: not known to this service, or never")
    never: bool = Field(description="No call will come, as things stand")


class TimelineAnswer(BaseModel):
    """Facts and decisions about one contact, in order; the newest 1,000."""

    contact_id: UUID
    campaign_id: UUID
    status: ContactStatus
    attempt: int
    entries: list[TimelineEntry]
    truncated: bool = Field(description="Whether older entries were left out")
    current: CurrentReason


@router.get(
    "/v1/campaigns/{campaign_id}/contacts/{contact_id}/timeline",
    response_model=TimelineAnswer,
    summary="Why was this contact called, or not?",
)
async def get_timeline(request: Request, caller: Viewer, campaign_id: UUID, contact_id: UUID) -> TimelineAnswer:
    """Calls are referred to by id: the dialer's call history has their windows, zones and raw reasons."""
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    terms: Terms = request.app.state.terms

    def work(cursor: Cursor[DictRow]) -> TimelineAnswer:
        tx = Transaction(store, cursor, correlation_id=None)
        campaign = tx.campaign(campaign_id, workspace=caller.workspace)
        if campaign is None or campaign.deleted:
            raise problem_of(Refused("unknown_campaign", "There is no such campaign."))
        row = load(cursor, [contact_id]).get(contact_id)
        if row is None or row.contact.campaign_id != campaign_id:
            raise problem_of(Refused("unknown_contact", "There is no such contact in this campaign."))
        contact, refusal = row.contact, None
        if contact.status in WAITING:
            foreseen = foresee(tx, contact, campaign, terms)
            if isinstance(foreseen, NotGranted):
                refusal = PermitRefusal(foreseen.kind, foreseen.code, foreseen.ask_again_at)
        now = standing(contact, campaign, refusal, now=now_of(cursor))
        entries, truncated = _entries(tx, store, row)
        return TimelineAnswer(
            contact_id=contact_id,
            campaign_id=campaign_id,
            status=contact.status,
            attempt=contact.attempt,
            entries=entries,
            truncated=truncated,
            current=CurrentReason(code=now.code, text=now.text, next_possible_at=now.next_possible_at, never=now.never),
        )

    return await workers.run(lambda: store.read(work))


def _entries(tx: Transaction, store: Store, row: ContactRow) -> tuple[list[TimelineEntry], bool]:
    contact = row.contact
    added = tx.cursor.execute("SELECT added_at FROM contacts WHERE contact_id = %s", (contact.contact_id,)).fetchone()
    assert added is not None
    values = {
        "contact": contact.contact_id,
        "campaign": contact.campaign_id,
        "workspace": row.workspace,
        "number": row.number,
        "hash": tx.hash_number(row.workspace, row.number),
        "limit": MAX_ENTRIES + 1,
    }
    rows = tx.cursor.execute(_STREAMS, values).fetchall()
    truncated, rows = len(rows) > MAX_ENTRIES, rows[-MAX_ENTRIES:]
    before: list[TimelineEntry] = []
    since: list[TimelineEntry] = []
    for event in rows:
        fact = store.recorded(event).fact
        text = told(fact)
        if text is None:
            continue
        if fact.at >= added["added_at"]:
            since.append(_entry(event["notification_id"], fact, text))
        elif isinstance(fact, SuppressionFact):  # what its campaign did before it came has nothing to do with it
            before.append(_entry(event["notification_id"], fact, text))
    began = TimelineEntry(
        position=None, at=added["added_at"], type="ContactAdded", text="It was added to the campaign."
    )
    return [*before, began, *since], truncated


def _entry(position: int, fact: Fact, text: str) -> TimelineEntry:
    about: dict[str, Any] = {}
    if isinstance(fact, CampaignFact):
        about = {name: getattr(fact, name, None) for name in ("call_id", "settings_version", "checks")}
    return TimelineEntry(position=position, at=fact.at, type=type(fact).__name__, text=text, **about)
