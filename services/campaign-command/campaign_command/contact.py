"""A contact: how its facts fold, when it may be called, and what ends its waiting.

What must stay true: do_not_call is absorbing, an attempt is counted once, and a contact leaves in_progress only by the
end of its current call. What a call's end makes of it is decided in `verdict.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal, assert_never
from uuid import UUID

from campaign_command.campaign import RUNNING, Campaign, ends_at
from campaign_events.facts import (
    ContactCallabilityChanged,
    ContactCorrected,
    ContactDetailsChanged,
    ContactFact,
    ContactNotCallable,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
    Fact,
    PermitChecks,
)
from campaign_events.settings import ContactStatus, Outcome

ContactStreamFact = (
    ContactStatusChanged
    | ContactCorrected
    | ContactCallabilityChanged
    | ContactTimeZonesChanged
    | ContactDetailsChanged
)
ZoneSource = Literal["contact", "number", "country"]
CallbackCheck = Literal["on_time", "late"]
RefusalKind = Literal["permanent", "temporary", "stale_settings"]

PENDING = ContactStatus.PENDING
IN_PROGRESS = ContactStatus.IN_PROGRESS
NO_ANSWER = ContactStatus.NO_ANSWER
VOICEMAIL = ContactStatus.VOICEMAIL
DO_NOT_CALL = ContactStatus.DO_NOT_CALL
RESCHEDULED = ContactStatus.RESCHEDULED
WAITING = (PENDING, RESCHEDULED, NO_ANSWER, VOICEMAIL)
NUMBER_BUSY_SECONDS = 15
# A list that is stale now may be uploaded at any time.
LIST_RECHECK_SECONDS = 300
WORKSPACE_PAUSED_SECONDS = 5
# One pending callback may go over the budget: the person asked for it.
CALLBACKS_OVER_BUDGET = 1
NO_CONSENT = "no_consent"
NO_CONSENT_WORDS = (
    "",
    "none",
    "no",
    "n",
    "false",
    "0",
    "refused",
    "denied",
    "withdrawn",
    "revoked",
    "opt-out",
    "opt_out",
)
"""What a `consent_basis`, in lower case, says where there is no consent."""


@dataclass(frozen=True, slots=True)
class LastCall:
    """The contact's newest call, and what the contact was before its permit."""

    call_id: UUID
    granted_at: datetime
    before_status: ContactStatus
    before_due_at: datetime | None
    before_reason: str | None
    settled: bool = False
    answered: bool = False
    duration_seconds: float | None = None
    day: date | None = None
    """Whose figures the call was counted in; null when it counted as no attempt."""
    counted_as: ContactStatus | None = None
    """What it made of the contact; an older call can have made something else of it since."""


@dataclass(frozen=True, slots=True)
class Contact:
    """The fold of a contact's facts. `version` counts the facts of its own stream; `tries` settled calls by outcome."""

    contact_id: UUID
    campaign_id: UUID
    time_zones: tuple[str, ...]
    version: int = 0
    status: ContactStatus = PENDING
    attempt: int = 0
    reason: str | None = None
    due_at: datetime | None = None
    tries: Mapping[str, int] = field(default_factory=dict)
    callable: bool = True
    not_callable_reason: str | None = None
    not_callable_under: int | None = None
    """The version of the settings under which it was found not callable."""
    reached_by: UUID | None = None
    call: LastCall | None = None


@dataclass(frozen=True, slots=True)
class PermitRefusal:
    """Why a call may not be placed now."""

    kind: RefusalKind
    code: str
    ask_again_at: datetime | None = None


def may_be_tried(contact: Contact, max_attempts: int) -> bool:
    """Whether something is left to do for a contact that waits, under these settings."""
    return contact.callable and is_waiting(contact, max_attempts)


def is_waiting(contact: Contact, max_attempts: int) -> bool:
    """Whether the contact waits for a first call, a retry or a callback, though none may be possible in its zones."""
    if contact.status not in WAITING:
        return False
    if contact.status in (NO_ANSWER, VOICEMAIL) and contact.due_at is None:
        return False
    over = CALLBACKS_OVER_BUDGET if contact.status is RESCHEDULED else 0
    return contact.attempt < max_attempts + over


def decide_permit(
    contact: Contact,
    campaign: Campaign,
    *,
    call_id: UUID,
    attempt: int,
    settings_version: int,
    suppressed: bool,
    number_is_live: bool,
    now: datetime,
    workspace_paused: bool = False,
    being_erased: bool = False,
    capped_until: datetime | None = None,
    has_consent: bool = False,
    zone_source: ZoneSource | None = None,
    suppressed_by: str = "suppressed",
    list_is_stale: bool = False,
) -> tuple[list[ContactStreamFact], PermitRefusal | None]:
    """Grant (one fact, no refusal) or refuse a call, in the order of the dialling rules."""
    if campaign.settings.type != "outbound":
        return [], PermitRefusal("permanent", "inbound_campaign")
    # 1. the campaign runs, under the settings the dialer knows; the contact is callable and due; attempts are left
    end = ends_at(campaign.settings)
    if campaign.status is not RUNNING or campaign.deleted:
        return [], PermitRefusal("temporary", "not_running")
    if workspace_paused:
        return [], PermitRefusal("temporary", "workspace_paused", now + timedelta(seconds=WORKSPACE_PAUSED_SECONDS))
    if end is not None and now >= end:
        return [], PermitRefusal("temporary", "schedule_ended")
    if settings_version != campaign.settings_version:
        return [], PermitRefusal("stale_settings", "settings_changed")
    if contact.status is IN_PROGRESS:
        return [], PermitRefusal("temporary", "contact_in_progress")
    if contact.status not in WAITING or not contact.callable:
        return [], PermitRefusal("permanent", "not_callable")
    if not may_be_tried(contact, campaign.settings.limits.max_attempts):
        return [], PermitRefusal("permanent", "attempts_spent")
    if attempt != contact.attempt + 1:
        return [], PermitRefusal("stale_settings", "attempt_changed")
    if contact.due_at is not None and contact.due_at > now:
        return [], PermitRefusal("temporary", "not_due", contact.due_at)
    # 2. a suppressed number becomes do_not_call here, so that nobody asks again; one live call a number
    if suppressed:
        facts = opt_out(contact, max_attempts=campaign.settings.limits.max_attempts, reason=suppressed_by, now=now)
        return facts, PermitRefusal("permanent", "suppressed")
    if list_is_stale:
        return [], PermitRefusal("temporary", "stale_list", now + timedelta(seconds=LIST_RECHECK_SECONDS))
    if campaign.settings.requires_consent and not has_consent:
        return [_not_callable(contact, campaign, reason=NO_CONSENT, now=now)], PermitRefusal("permanent", NO_CONSENT)
    if number_is_live:
        return [], PermitRefusal("temporary", "number_live", now + timedelta(seconds=NUMBER_BUSY_SECONDS))
    if being_erased:
        return [], PermitRefusal("temporary", "being_erased", now + timedelta(seconds=NUMBER_BUSY_SECONDS))
    # 3. the number was not called as often as any cap allows
    if capped_until is not None:
        return [], PermitRefusal("temporary", "frequency_cap", capped_until)
    return [
        ContactStatusChanged(
            at=now,
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            previous=contact.status,
            previous_attempt=contact.attempt,
            previous_due_at=contact.due_at,
            status=IN_PROGRESS,
            attempt=attempt,
            call_id=call_id,
            settings_version=settings_version,
            checks=PermitChecks(
                consent="given" if campaign.settings.requires_consent else "not_required",
                zone_source=zone_source,
                preset=campaign.settings.preset,
                preset_version=campaign.settings.preset_version,
                callback=callback_check(contact.status, contact.due_at, campaign, at=now),
            ),
        )
    ], None


def callback_check(
    status: ContactStatus, due_at: datetime | None, campaign: Campaign, *, at: datetime
) -> CallbackCheck | None:
    """Whether a callback that is permitted at `at` begins within the tolerance after the time that was asked for."""
    if status is not RESCHEDULED or due_at is None:
        return None
    return "on_time" if at <= due_at + timedelta(seconds=campaign.settings.callback_tolerance_seconds) else "late"


def is_consent(basis: str | None) -> bool:
    """Whether a contact's `consent_basis` names one: not empty, and no word for a refusal."""
    return (basis or "").strip().lower() not in NO_CONSENT_WORDS


def opt_out(contact: Contact, *, max_attempts: int, reason: str, now: datetime) -> list[ContactStreamFact]:
    """A waiting contact becomes do_not_call; one that is being called or is finished keeps its status."""
    if not is_waiting(contact, max_attempts):
        return []
    return [
        ContactStatusChanged(
            at=now,
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            previous=contact.status,
            previous_attempt=contact.attempt,
            previous_due_at=contact.due_at,
            status=DO_NOT_CALL,
            attempt=contact.attempt,
            reason=reason,
        )
    ]


def mark_not_callable(
    contact: Contact, campaign: Campaign, report: ContactNotCallable, *, now: datetime
) -> list[ContactStreamFact]:
    """The dialer found no open minute; settings that have changed since will be looked at again."""
    if report.settings_version != campaign.settings_version or not contact.callable or contact.status not in WAITING:
        return []
    return [_not_callable(contact, campaign, reason=report.reason, now=now)]


def _not_callable(contact: Contact, campaign: Campaign, *, reason: str, now: datetime) -> ContactCallabilityChanged:
    """It keeps its status and does not hold up completion; each edit, of it or of the campaign, looks at it again."""
    return ContactCallabilityChanged(
        at=now,
        campaign_id=contact.campaign_id,
        contact_id=contact.contact_id,
        callable=False,
        reason=reason,
        settings_version=campaign.settings_version,
    )


def evolve(state: Contact, fact: ContactStreamFact) -> Contact:
    """The contact after one more fact of its stream."""
    state = replace(state, version=state.version + 1)
    match fact:
        case ContactStatusChanged():
            return _evolve_status(state, fact)
        case ContactCorrected():
            assert state.call is not None, "a correction follows a call"
            tries = dict(state.tries)
            if fact.new.status is VOICEMAIL:
                tries[Outcome.MACHINE] = tries.get(Outcome.MACHINE, 0) + 1
            return replace(
                state,
                status=fact.new.status,
                reason=fact.reason,
                due_at=fact.due_at,
                tries=tries,
                reached_by=_reached_after(state, fact),
                call=replace(
                    state.call,
                    answered=fact.new.answered,
                    duration_seconds=fact.new.duration_seconds,
                    counted_as=fact.new.status,
                )
                if state.call.call_id == fact.call_id
                else state.call,
            )
        case ContactCallabilityChanged():
            under = None if fact.callable else fact.settings_version
            return replace(state, callable=fact.callable, not_callable_reason=fact.reason, not_callable_under=under)
        case ContactTimeZonesChanged():
            return replace(state, time_zones=fact.time_zones)
        case ContactDetailsChanged():
            return state
        case _:
            assert_never(fact)


def _evolve_status(state: Contact, fact: ContactStatusChanged) -> Contact:
    if fact.status is IN_PROGRESS:
        assert fact.call_id is not None, "a contact in progress has a call"
        return replace(
            state,
            status=IN_PROGRESS,
            attempt=fact.attempt,
            call=LastCall(fact.call_id, fact.at, state.status, state.due_at, state.reason),
            due_at=None,
            reason=None,
        )
    state = replace(
        state,
        status=fact.status,
        attempt=fact.attempt,
        reason=fact.reason,
        due_at=fact.due_at,
        reached_by=fact.call_id if fact.first_reached else state.reached_by,
    )
    if state.call is None or fact.call_id != state.call.call_id:
        return state
    tries = dict(state.tries)
    if fact.outcome is not None and fact.outcome is not Outcome.NOT_PLACED:
        tries[fact.outcome] = tries.get(fact.outcome, 0) + 1
    return replace(
        state,
        tries=tries,
        call=replace(
            state.call,
            settled=True,
            answered=fact.answered,
            duration_seconds=fact.duration_seconds,
            day=fact.day,
            counted_as=fact.status,
        ),
    )


def _reached_after(state: Contact, fact: ContactCorrected) -> UUID | None:
    if not fact.new.reached:
        return None
    return state.reached_by or fact.call_id


def fold_contacts(facts: Iterable[Fact]) -> dict[UUID, Contact]:
    """All contacts that a log leaves, by id. The `contacts` table must equal this."""
    contacts: dict[UUID, Contact] = {}
    for fact in facts:
        if isinstance(fact, ContactsAdded):
            for contact_id, zone in zip(fact.contact_ids, fact.zone_index, strict=True):
                contacts[contact_id] = Contact(contact_id, fact.campaign_id, fact.zone_lists[zone])
            for contact_id in fact.do_not_call:
                reason = "list" if contact_id in fact.listed else "suppressed"
                contacts[contact_id] = replace(contacts[contact_id], status=DO_NOT_CALL, reason=reason)
        elif isinstance(fact, ContactsRemoved):
            for contact_id in fact.contact_ids:
                del contacts[contact_id]
        elif isinstance(fact, ContactFact):
            assert isinstance(fact, ContactStreamFact)
            contacts[fact.contact_id] = evolve(contacts[fact.contact_id], fact)
    return contacts
