"""The queue: which contacts may be called, and when, as the facts of campaign-events say.

What must stay true: campaigns, zone lists and queue are a fold of the log and of nothing else; `attempt` and `due_at`
come from facts, never from what the dialer did. Here each fact becomes row operations; `intake` carries them out.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
    Fact,
)
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus


@dataclass(frozen=True, slots=True)
class PutCampaign:
    """A campaign appears."""

    campaign_id: UUID
    workspace: UUID
    settings: CampaignSettings
    settings_version: int


@dataclass(frozen=True, slots=True)
class SetSettings:
    """A campaign's settings are now these."""

    campaign_id: UUID
    settings: CampaignSettings
    settings_version: int


@dataclass(frozen=True, slots=True)
class SetCampaignStatus:
    """A campaign's status is now this one."""

    campaign_id: UUID
    status: CampaignStatus


@dataclass(frozen=True, slots=True)
class DropCampaign:
    """A campaign and its queue are gone; the calls stay."""

    campaign_id: UUID


@dataclass(frozen=True, slots=True)
class NewContact:
    """A row of the queue."""

    campaign_id: UUID
    contact_id: UUID
    zones: tuple[str, ...]
    status: ContactStatus
    added_at: datetime


@dataclass(frozen=True, slots=True)
class AddContacts:
    """These contacts are in the queue."""

    contacts: tuple[NewContact, ...]


@dataclass(frozen=True, slots=True)
class RemoveContacts:
    """These contacts are gone."""

    campaign_id: UUID
    contact_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class SetZones:
    """A contact's candidate zones are now these."""

    campaign_id: UUID
    contact_id: UUID
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetCallable:
    """Whether a contact can be called at all."""

    campaign_id: UUID
    contact_id: UUID
    callable: bool


@dataclass(frozen=True, slots=True)
class ContactState:
    """Where a contact stands; `attempt` None leaves it as it is."""

    campaign_id: UUID
    contact_id: UUID
    status: ContactStatus
    attempt: int | None
    due_at: datetime | None
    call_id: UUID | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SetStates:
    """Where these contacts stand now; each contact once."""

    states: tuple[ContactState, ...]


Operation = (
    PutCampaign
    | SetSettings
    | SetCampaignStatus
    | DropCampaign
    | AddContacts
    | RemoveContacts
    | SetZones
    | SetCallable
    | SetStates
)


def zones_key(zones: Sequence[str]) -> int:
    """The key of a list of zones: the same on every machine, 64 bits, signed as PostgreSQL's bigint."""
    return int.from_bytes(hashlib.sha256("\n".join(zones).encode()).digest()[:8], signed=True)


def operations(facts: Iterable[Fact]) -> list[Operation]:
    """What the facts do to the rows, in their order; neighbours that can be done at once are one operation."""
    done: list[Operation] = []
    for fact in facts:
        operation = _operation(fact)
        if operation is None:
            continue
        last = done[-1] if done else None
        if isinstance(operation, SetStates) and isinstance(last, SetStates):
            latest = {(state.campaign_id, state.contact_id): state for state in last.states}
            for state in operation.states:
                before = latest.get((state.campaign_id, state.contact_id))
                latest[state.campaign_id, state.contact_id] = _after(before, state)
            done[-1] = SetStates(tuple(latest.values()))
        else:
            done.append(operation)
    return done


def _after(before: ContactState | None, state: ContactState) -> ContactState:
    if before is None or state.attempt is not None:
        return state
    return ContactState(
        campaign_id=state.campaign_id,
        contact_id=state.contact_id,
        status=state.status,
        attempt=before.attempt,
        due_at=state.due_at,
        call_id=state.call_id,
        changed_at=state.changed_at,
    )


def _operation(fact: Fact) -> Operation | None:
    """A fact that says nothing about calling (one of a later version, say) gives none."""
    match fact:
        case CampaignCreated():
            return PutCampaign(fact.campaign_id, fact.workspace, fact.settings, fact.settings_version)
        case CampaignEdited():
            return SetSettings(fact.campaign_id, fact.settings, fact.settings_version)
        case CampaignStarted() | CampaignResumed():
            return SetCampaignStatus(fact.campaign_id, CampaignStatus.RUNNING)
        case CampaignPaused():
            return SetCampaignStatus(fact.campaign_id, CampaignStatus.PAUSED)
        case CampaignCancelled():
            return SetCampaignStatus(fact.campaign_id, CampaignStatus.CANCELLED)
        case CampaignCompleted():
            return SetCampaignStatus(fact.campaign_id, CampaignStatus.COMPLETED)
        case CampaignDeleted():
            return DropCampaign(fact.campaign_id)
        case ContactsAdded():
            return AddContacts(tuple(_new_contacts(fact)))
        case ContactsRemoved():
            return RemoveContacts(fact.campaign_id, fact.contact_ids)
        case ContactTimeZonesChanged():
            return SetZones(fact.campaign_id, fact.contact_id, fact.time_zones)
        case ContactCallabilityChanged():
            return SetCallable(fact.campaign_id, fact.contact_id, fact.callable)
        case ContactStatusChanged():
            return SetStates((_state(fact, status=fact.status, attempt=fact.attempt),))
        case ContactCorrected():
            return SetStates((_state(fact, status=fact.new.status, attempt=None),))
        case _:
            return None


def _new_contacts(fact: ContactsAdded) -> Iterable[NewContact]:
    do_not_call = set(fact.do_not_call)
    for index, (contact_id, zones_index) in enumerate(zip(fact.contact_ids, fact.zone_index, strict=True)):
        yield NewContact(
            campaign_id=fact.campaign_id,
            contact_id=contact_id,
            zones=fact.zone_lists[zones_index],
            status=ContactStatus.DO_NOT_CALL if contact_id in do_not_call else ContactStatus.PENDING,
            # A microsecond apart, so that new contacts are called in the order of their list.
            added_at=fact.at + timedelta(microseconds=index),
        )


def _state(
    fact: ContactStatusChanged | ContactCorrected, *, status: ContactStatus, attempt: int | None
) -> ContactState:
    return ContactState(
        campaign_id=fact.campaign_id,
        contact_id=fact.contact_id,
        status=status,
        attempt=attempt,
        due_at=fact.due_at,
        call_id=fact.call_id,
        changed_at=fact.at,
    )
