"""Lets a call that comes in be answered: the one place where it is decided, before the agent picks up.

What must stay true: between a grant and its commit nothing can pause the campaign or take the number, since the append
lock is held; and whoever rings in becomes a contact and a call in that one transaction.

| refused as | why | the caller meets |
|---|---|---|
| what the dialer says | its schedule is closed, or all lines are busy | as the dialer decides |
| not_running, workspace_paused, schedule_ended | nobody is to answer | the campaign's set answer |
| settings_changed | the hours were checked under other settings, or another campaign answers the number | asked again |
| number_live | another call with the number is in progress | busy |
| being_erased, call_closed, unknown_campaign | the person is being forgotten; too late; gone | a rejection |

Suppressions and caps forbid calls *to* a number: they keep nobody from ringing. How many calls may be live is counted
by the dialer, which knows when a line is free (here a call is live until its outcome has settled).
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from phonenumbers import NumberParseException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from campaign_command.campaign import RUNNING, Campaign, ends_at
from campaign_command.contact import IN_PROGRESS
from campaign_command.contacts import Adding, ContactRow, NewContact, load, render, save
from campaign_command.permits import INSERT_LIVE_CALL, Terms
from campaign_command.phone_numbers import candidate_zones
from campaign_command.store import Transaction, now_of
from campaign_command.workspaces import load_workspace
from campaign_events.facts import ContactStatusChanged
from campaign_events.settings import E164

_CONTACT = "SELECT contact_id FROM contacts WHERE campaign_id = %s AND number = %s"
_BEING_ERASED = "SELECT 1 FROM erasures WHERE workspace = %s AND number = %s"
_LIVE_NUMBER = "SELECT 1 FROM live_calls WHERE workspace = %s AND number = %s"
_ANSWERED_BY = "SELECT campaign_id FROM answered_numbers WHERE number = %s"
_HAD_CALL = """
SELECT 1 FROM campaign_command_events
WHERE originator_id = %s AND topic = 'ContactStatusChanged'
  AND convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'call_id' = %s LIMIT 1
"""


class InboundAsk(BaseModel):
    """A call that came in: whom it rang, by which number, and what the dialer's schedule and lines say."""

    model_config = ConfigDict(frozen=True)

    call_id: UUID
    campaign_id: UUID
    settings_version: int = Field(ge=1)
    caller: E164 = Field(description="Who rings")
    number: E164 = Field(description="What was rung: one of the campaign's numbers")
    turned_away: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,50}$")] | None = Field(
        default=None, description="Why it won't be answered whatever is said here: only the hash is asked for"
    )


class InboundGranted(BaseModel):
    """The agent may pick up within `expires_in_seconds`; here is what the call needs."""

    result: Literal["granted"] = "granted"
    call_id: UUID
    contact_id: UUID
    expires_in_seconds: float
    number_hash: str
    agent_id: str
    prompt: str
    max_call_seconds: int
    context: dict[str, Any]
    attempt: int
    settings_version: int


class InboundRefused(BaseModel):
    """The call must not be answered. The hash lets call history forget who rang."""

    result: Literal["refused"] = "refused"
    call_id: UUID
    code: str
    number_hash: str | None = None


def answer_ask(tx: Transaction, ask: InboundAsk, terms: Terms) -> InboundGranted | InboundRefused:
    """Decide on one call. Runs inside `Store.transact`."""
    now = now_of(tx.cursor)
    campaign = tx.campaign(ask.campaign_id)
    if campaign is None or campaign.deleted or campaign.settings.type != "inbound":
        return InboundRefused(call_id=ask.call_id, code="unknown_campaign")
    hashed = tx.hash_number(campaign.workspace, ask.caller)
    standing = tx.cursor.execute("SELECT * FROM live_calls WHERE call_id = %s", (ask.call_id,)).fetchone()
    if ask.turned_away is not None:
        code: str | None = ask.turned_away
    elif standing is not None:
        code = _void(
            standing, ask, campaign, paused_at=load_workspace(tx.cursor, campaign.workspace).paused_at, now=now
        )
    else:
        code = _refusal(tx, ask, campaign, now)
    if code is not None:
        return InboundRefused(call_id=ask.call_id, code=code, number_hash=hashed)
    if standing is not None:
        row = load(tx.cursor, [standing["contact_id"]])[standing["contact_id"]]
        expires_in = (standing["expires_at"] - now).total_seconds()
        return _granted(ask, row, campaign, hashed=hashed, attempt=standing["attempt"], expires_in=expires_in)
    row = _contact(tx, ask, campaign, now)
    had = tx.cursor.execute(_HAD_CALL, (row.contact.contact_id, str(ask.call_id))).fetchone()
    if row.contact.status is IN_PROGRESS or had is not None:
        code = "call_closed" if had is not None else "number_live"
        return InboundRefused(call_id=ask.call_id, code=code, number_hash=hashed)
    attempt = row.contact.attempt + 1
    save(tx, [(row.contact, [_rang(ask, row, attempt=attempt, now=now)])], workspace=campaign.workspace)
    tx.cursor.execute(
        INSERT_LIVE_CALL,
        (
            ask.call_id,
            campaign.workspace,
            ask.caller,
            ask.campaign_id,
            row.contact.contact_id,
            attempt,
            ask.settings_version,
            campaign.version,
            ask.number,
            now,
            now + timedelta(seconds=terms.permit_seconds),
            now + timedelta(seconds=terms.in_progress_deadline_seconds),
        ),
    )
    return _granted(ask, row, campaign, hashed=hashed, attempt=attempt, expires_in=terms.permit_seconds)


def _refusal(tx: Transaction, ask: InboundAsk, campaign: Campaign, now: datetime) -> str | None:
    """Why nobody may answer, in the order of the dialling rules."""
    end = ends_at(campaign.settings)
    if campaign.status is not RUNNING:
        return "not_running"
    if load_workspace(tx.cursor, campaign.workspace).paused:
        return "workspace_paused"
    if end is not None and now >= end:
        return "schedule_ended"
    answers = tx.cursor.execute(_ANSWERED_BY, (ask.number,)).fetchone()
    if ask.settings_version != campaign.settings_version or answers != {"campaign_id": ask.campaign_id}:
        return "settings_changed"
    who = (campaign.workspace, ask.caller)
    if tx.cursor.execute(_LIVE_NUMBER, who).fetchone() is not None:
        return "number_live"
    return None if tx.cursor.execute(_BEING_ERASED, who).fetchone() is None else "being_erased"


def _void(
    standing: dict[str, Any], ask: InboundAsk, campaign: Campaign, *, paused_at: datetime | None, now: datetime
) -> str | None:
    """The same call asks again: why its permit is none any more (one from before a pause is void for good)."""
    same = (standing["campaign_id"], standing["number"]) == (ask.campaign_id, ask.caller)
    is_open = not standing["reported"] and standing["expires_at"] > now
    unpaused = campaign.version == standing["campaign_version"] and (
        paused_at is None or paused_at < standing["granted_at"]
    )
    return None if same and is_open and unpaused else "call_closed"


def _contact(tx: Transaction, ask: InboundAsk, campaign: Campaign, now: datetime) -> ContactRow:
    """The campaign's contact with the caller's number, made now if there is none."""
    known = tx.cursor.execute(_CONTACT, (ask.campaign_id, ask.caller)).fetchone()
    if known is not None:
        return load(tx.cursor, [known["contact_id"]])[known["contact_id"]]
    try:
        zones, source = candidate_zones(ask.caller, None)
    except NumberParseException:  # of a country that the library does not know: nobody has to dial it
        zones, source = (), "country"
    adding = Adding(tx, campaign.campaign_id, [ask.caller], ringing_in=True)
    (added,) = adding.add([render(NewContact(number=ask.caller, time_zones=zones, zone_source=source))])
    adding.end(now=now)
    return load(tx.cursor, [added.contact_id])[added.contact_id]


def _rang(ask: InboundAsk, row: ContactRow, *, attempt: int, now: datetime) -> ContactStatusChanged:
    contact = row.contact
    return ContactStatusChanged(
        at=now,
        campaign_id=contact.campaign_id,
        contact_id=contact.contact_id,
        previous=contact.status,
        previous_attempt=contact.attempt,
        previous_due_at=contact.due_at,
        status=IN_PROGRESS,
        attempt=attempt,
        call_id=ask.call_id,
        kind="inbound",
        settings_version=ask.settings_version,
    )


def _granted(
    ask: InboundAsk, row: ContactRow, campaign: Campaign, *, hashed: str, attempt: int, expires_in: float
) -> InboundGranted:
    return InboundGranted(
        call_id=ask.call_id,
        contact_id=row.contact.contact_id,
        expires_in_seconds=expires_in,
        number_hash=hashed,
        agent_id=campaign.settings.agent_id or "",
        prompt=campaign.settings.custom_prompt,
        max_call_seconds=campaign.settings.limits.max_call_seconds,
        context={**row.details, "variables": dict(row.variables)},
        attempt=attempt,
        settings_version=ask.settings_version,
    )
