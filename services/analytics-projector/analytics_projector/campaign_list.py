"""The campaign list: one row a campaign, with its life, its contacts by status and the figures of its calls.

A pure fold of the campaign's facts. What must stay true: the eight statuses sum to the total at every position. A
deleted campaign leaves a tombstone, which keeps nothing but the last position.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any, assert_never
from uuid import UUID

from analytics_projector.figures import NOTHING, CallFigures, figures_of, ratio
from campaign_events.envelope import Event, Malformed, UnknownFact
from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignEvent,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactDetailsChanged,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
)
from campaign_events.settings import CampaignSettings, CampaignStatus, CampaignType, ContactStatus

RETRIED = (ContactStatus.NO_ANSWER, ContactStatus.VOICEMAIL)


@dataclass(frozen=True, slots=True)
class ContactCounts:
    """How many contacts there are, and how many in each of the eight statuses."""

    total: int = 0
    pending: int = 0
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    no_answer: int = 0
    voicemail: int = 0
    do_not_call: int = 0
    rescheduled: int = 0

    def of(self, status: ContactStatus) -> int:
        """The contacts in this status."""
        count: int = getattr(self, status.value)
        return count

    def moved(self, previous: ContactStatus, status: ContactStatus) -> "ContactCounts":
        """One contact left `previous` for `status`."""
        if previous is status:
            return self
        left = self.of(previous) - 1
        if left < 0:
            raise Malformed(f"a contact leaves {previous}, where there is none")
        return replace(self, **{previous.value: left, status.value: self.of(status) + 1})


COUNTS = tuple(f.name for f in fields(ContactCounts))


@dataclass(frozen=True, slots=True)
class Plan:
    """What the list shows of the settings."""

    max_attempts: int
    max_simultaneous_calls: int
    calls_per_second: int
    calls_per_day: int | None
    time_zone: str
    start_date: date | None
    end_date: date | None


PLAN = tuple(f.name for f in fields(Plan))


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign as the list shows it, at `position` of the log.

    `retries`: how many contacts in no_answer or voicemail have a time to be called again, by their attempt so far.
    """

    id: UUID
    workspace: UUID
    position: int
    name: str
    description: str
    type: CampaignType
    status: CampaignStatus
    agent_id: str | None
    settings_version: int
    plan: Plan
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    paused_reason: str | None = None
    contacts: ContactCounts = ContactCounts()
    calls: CallFigures = NOTHING
    reached: int = 0
    retries: dict[int, int] = field(default_factory=dict)
    deleted: bool = False


def evolve(view: CampaignRow | None, event: Event[Any]) -> CampaignRow | None:
    """The row after one more event of its campaign. Malformed when the event can't follow what is known."""
    fact = event.data
    if view is None:
        if isinstance(fact, CampaignCreated):
            return _created(event, fact)
        if isinstance(fact, UnknownFact):
            return None
        raise Malformed(f"{event.type} of campaign {event.subject} comes before its CampaignCreated")
    if view.deleted or isinstance(fact, UnknownFact):
        return replace(view, position=event.position)
    return _evolved(view, fact, event.position)


def _evolved(view: CampaignRow, fact: CampaignEvent, position: int) -> CampaignRow:
    match fact:
        case ContactStatusChanged():
            return replace(
                view,
                position=position,
                contacts=view.contacts.moved(fact.previous, fact.status),
                calls=view.calls + figures_of(fact),
                reached=view.reached + fact.first_reached,
                retries=_retries_after_change(view.retries, fact),
            )
        case ContactCorrected():
            return replace(
                view,
                position=position,
                contacts=view.contacts.moved(fact.old.status, fact.new.status),
                calls=view.calls + figures_of(fact),
                reached=view.reached + fact.new.reached - fact.old.reached,
                retries=_retries_after_correction(view.retries, fact),
            )
        case ContactTimeZonesChanged() | ContactDetailsChanged() | ContactCallabilityChanged():
            return replace(view, position=position)
        case ContactsAdded():
            return replace(view, position=position, contacts=_added(view.contacts, fact))
        case ContactsRemoved():
            return replace(
                view,
                position=position,
                contacts=_removed(view.contacts, fact),
                reached=view.reached - fact.reached,
                retries=_less(view.retries, fact.retries),
            )
        case CampaignEdited():
            return replace(view, position=position, settings_version=fact.settings_version, **_shown_of(fact.settings))
        case CampaignStarted():
            return replace(view, position=position, status=CampaignStatus.RUNNING, started_at=fact.at)
        case CampaignPaused():
            return replace(view, position=position, status=CampaignStatus.PAUSED, paused_reason=fact.reason)
        case CampaignResumed():
            return replace(view, position=position, status=CampaignStatus.RUNNING, paused_reason=None)
        case CampaignCancelled():
            return _ended(view, CampaignStatus.CANCELLED, fact.at, position)
        case CampaignCompleted():
            return _ended(view, CampaignStatus.COMPLETED, fact.at, position)
        case CampaignDeleted():
            return _tombstone(view, position)
        case CampaignCreated():
            raise Malformed(f"campaign {view.id} is created a second time")
        case _:
            assert_never(fact)


def progress(view: CampaignRow) -> float | None:
    """Contacts reached (a person answered at least one call) / total contacts; null for inbound."""
    return None if view.type == "inbound" else ratio(view.reached, view.contacts.total)


def worked(view: CampaignRow) -> float | None:
    """Contacts with nothing left to do / total contacts; null for inbound.

    Nothing is left to do for completed, failed and do_not_call, and for no_answer and voicemail without a time to be
    called again or with all attempts of the current settings made. A completed campaign has worked all of them: its
    contacts that can't be called (no open minute, say) are done, too.
    """
    if view.type == "inbound":
        return None
    contacts = view.contacts
    if view.status is CampaignStatus.COMPLETED:
        return ratio(contacts.total, contacts.total)
    tried = contacts.no_answer + contacts.voicemail
    open_retries = sum(count for attempt, count in view.retries.items() if attempt < view.plan.max_attempts)
    done = contacts.completed + contacts.failed + contacts.do_not_call + tried - min(open_retries, tried)
    return ratio(done, contacts.total)


def _created(event: Event[Any], fact: CampaignCreated) -> CampaignRow:
    return CampaignRow(
        id=fact.campaign_id,
        workspace=event.workspace,
        position=event.position,
        type=fact.settings.type,
        status=CampaignStatus.DRAFT,
        settings_version=fact.settings_version,
        created_at=fact.at,
        **_shown_of(fact.settings),
    )


def _shown_of(settings: CampaignSettings) -> dict[str, Any]:
    schedule, limits = settings.schedule, settings.limits
    return {
        "name": settings.name,
        "description": settings.description,
        "agent_id": settings.agent_id,
        "plan": Plan(
            max_attempts=limits.max_attempts,
            max_simultaneous_calls=limits.max_simultaneous_calls,
            calls_per_second=limits.calls_per_second,
            calls_per_day=limits.calls_per_day,
            time_zone=schedule.time_zone,
            start_date=schedule.start_date,
            end_date=schedule.end_date,
        ),
    }


def _ended(view: CampaignRow, status: CampaignStatus, at: datetime, position: int) -> CampaignRow:
    return replace(view, position=position, status=status, ended_at=at, paused_reason=None)


def _tombstone(view: CampaignRow, position: int) -> CampaignRow:
    return replace(
        view,
        position=position,
        deleted=True,
        name="",
        description="",
        agent_id=None,
        paused_reason=None,
        contacts=ContactCounts(),
        calls=NOTHING,
        reached=0,
        retries={},
    )


def _added(counts: ContactCounts, fact: ContactsAdded) -> ContactCounts:
    if fact.pending_count + fact.do_not_call_count != len(fact.contact_ids):
        raise Malformed(
            f"ContactsAdded names {len(fact.contact_ids)} contacts, its counts {fact.pending_count} pending "
            f"and {fact.do_not_call_count} do_not_call"
        )
    return replace(
        counts,
        total=counts.total + len(fact.contact_ids),
        pending=counts.pending + fact.pending_count,
        do_not_call=counts.do_not_call + fact.do_not_call_count,
    )


def _removed(counts: ContactCounts, fact: ContactsRemoved) -> ContactCounts:
    if sum(fact.counts.values()) != len(fact.contact_ids):
        raise Malformed(f"ContactsRemoved names {len(fact.contact_ids)} contacts, its counts {fact.counts}")
    left = {status: counts.of(status) - count for status, count in fact.counts.items()}
    for status, count in left.items():
        if count < 0:
            raise Malformed(f"{fact.counts[status]} contacts are removed from {status}, where there are fewer")
    return replace(
        counts, total=counts.total - len(fact.contact_ids), **{status.value: count for status, count in left.items()}
    )


def _retries_after_change(retries: dict[int, int], fact: ContactStatusChanged) -> dict[int, int]:
    before = None
    if fact.previous in RETRIED:
        if fact.previous_attempt is not None:
            before = fact.previous_attempt if fact.previous_due_at is not None else None
        else:
            # A writer that does not say: the permitted call is the next attempt; anything else keeps the attempt.
            before = fact.attempt - 1 if fact.status is ContactStatus.IN_PROGRESS else fact.attempt
    after = fact.attempt if fact.status in RETRIED and fact.due_at is not None else None
    return _moved(retries, before, after)


def _retries_after_correction(retries: dict[int, int], fact: ContactCorrected) -> dict[int, int]:
    # A corrected contact was called at least once, which is what a writer that does not say leaves to assume.
    attempt = 1 if fact.attempt is None else fact.attempt
    was_due = fact.previous_due_at is not None or fact.attempt is None
    before = attempt if fact.old.status in RETRIED and was_due else None
    after = attempt if fact.new.status in RETRIED and fact.due_at is not None else None
    return _moved(retries, before, after)


def _moved(retries: dict[int, int], before: int | None, after: int | None) -> dict[int, int]:
    if before == after:
        return retries
    if before is not None:
        retries = _less(retries, {before: 1})
    if after is not None:
        retries = {**retries, after: retries.get(after, 0) + 1}
    return retries


def _less(retries: dict[int, int], taken: dict[int, int]) -> dict[int, int]:
    left = {attempt: count - taken.get(attempt, 0) for attempt, count in retries.items()}
    return {attempt: count for attempt, count in left.items() if count > 0}
