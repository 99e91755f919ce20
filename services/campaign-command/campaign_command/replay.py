"""Folds a log up to a moment and says, in plain words, what happened and how things stood.

What must stay true: the state is the fold of a whole prefix of the log, so it is what everybody saw at that moment.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from campaign_command.campaign import Campaign, CampaignStreamFact
from campaign_command.campaign import evolve as evolve_campaign
from campaign_command.timeline import told
from campaign_events.facts import (
    CampaignCreated,
    CampaignDeleted,
    CampaignFact,
    ContactCorrected,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    Fact,
    LogSealed,
    PersonErased,
    WorkspaceSettingsChanged,
)
from campaign_events.settings import ContactStatus

Moment = int | datetime
"""A position of the log, or a time."""


@dataclass(frozen=True, slots=True)
class State:
    """How a campaign stood. `calls` are counted as in the figures: placed, and answered by a person."""

    campaign: Campaign | None = None
    position: int = 0
    contacts: Counter[ContactStatus] = field(default_factory=Counter)
    reached: int = 0
    placed: int = 0
    answered: int = 0

    def told(self) -> dict[str, Any]:
        """The state as plain values."""
        campaign = self.campaign
        return {
            "position": self.position,
            "name": campaign and campaign.settings.name,
            "status": None if campaign is None else "deleted" if campaign.deleted else str(campaign.status),
            "paused_reason": campaign and campaign.pause_reason,
            "settings_version": campaign and campaign.settings_version,
            "contacts": {str(status): self.contacts[status] for status in ContactStatus},
            "contacts_total": self.contacts.total(),
            "reached": self.reached,
            "placed": self.placed,
            "answered": self.answered,
        }


def evolve(state: State, position: int, fact: CampaignFact) -> State:
    """The state after one more fact of the campaign."""
    state = replace(state, position=position)
    match fact:
        case ContactsAdded():
            added = Counter({ContactStatus.DO_NOT_CALL: len(fact.do_not_call)})
            added[ContactStatus.PENDING] = len(fact.contact_ids) - len(fact.do_not_call)
            return replace(state, contacts=state.contacts + added)
        case ContactsRemoved():
            left = state.contacts - Counter(fact.counts)
            return replace(state, contacts=left, reached=state.reached - fact.reached)
        case ContactStatusChanged():
            return replace(
                state,
                contacts=_moved(state.contacts, fact.previous, fact.status),
                reached=state.reached + fact.first_reached,
                placed=state.placed + fact.placed,
                answered=state.answered + fact.answered,
            )
        case ContactCorrected():
            return replace(
                state,
                contacts=_moved(state.contacts, fact.old.status, fact.new.status),
                reached=state.reached + fact.new.reached - fact.old.reached,
                answered=state.answered + fact.new.answered - fact.old.answered,
            )
        case CampaignDeleted():
            campaign = evolve_campaign(state.campaign, fact)
            return State(campaign=campaign, position=position)
        case _ if isinstance(fact, CampaignStreamFact):
            return replace(state, campaign=evolve_campaign(state.campaign, fact))
        case _:
            return state


def until(facts: Iterable[tuple[int, Fact]], end: Moment | None) -> Iterator[tuple[int, Fact]]:
    """The prefix of a log up to a moment, that included. It ends at the first fact behind it."""
    for position, fact in facts:
        if is_after(position, fact, end):
            return
        yield position, fact


def is_after(position: int, fact: Fact, moment: Moment | None) -> bool:
    """Whether a fact lies behind a moment; nothing lies behind none."""
    if moment is None:
        return False
    return position > moment if isinstance(moment, int) else fact.at > moment


def words(fact: Fact) -> str:
    """What a fact says, in a sentence."""
    match fact:
        case CampaignCreated():
            copied = " as a copy of another" if fact.duplicate_of else ""
            return f"The campaign {fact.settings.name!r} was created{copied} ({fact.settings.type})."
        case ContactsAdded():
            blocked = f", {len(fact.do_not_call)} of them not to be called" if fact.do_not_call else ""
            return f"{_contacts(len(fact.contact_ids))} added{blocked}."
        case ContactsRemoved():
            return f"{_contacts(len(fact.contact_ids))} removed."
        case CampaignDeleted():
            return "The campaign was deleted, with its contacts."
        case WorkspaceSettingsChanged():
            changed = ", ".join(name.replace("_", " ") for name in fact.changed)
            return f"The workspace's settings were changed (version {fact.settings_version}): {changed}."
        case PersonErased():
            return f"A person's data was erased, {_contacts(len(fact.contact_ids)).removesuffix(' were')} with it."
        case LogSealed():
            return f"The log was sealed up to position {fact.up_to}: {fact.digest}."
        case _:
            said = told(fact)
            assert said is not None, f"{type(fact).__name__} has words"
            return said


def subject_of(fact: Fact) -> UUID | None:
    """Whom a fact is about: a contact, or else a campaign; null for a workspace's."""
    return cast(UUID | None, getattr(fact, "contact_id", None) or getattr(fact, "campaign_id", None))


def _moved(contacts: Counter[ContactStatus], before: ContactStatus, after: ContactStatus) -> Counter[ContactStatus]:
    moved = contacts.copy()
    moved[before] -= 1
    moved[after] += 1
    return moved


def _contacts(number: int) -> str:
    return "1 contact was" if number == 1 else f"{number:,} contacts were"
