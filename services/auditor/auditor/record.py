"""The log as the auditor reads it: what was so when each call was permitted, and what became of the call.

A fold of its own, of facts alone. What must stay true: it takes nothing on trust that it can count itself (status,
attempts, due time), and says where a fact contradicts what the facts before it have made.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignFact,
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
    NumberSuppressed,
    PermitChecks,
    SuppressionLifted,
    WorkspacePaused,
    WorkspaceResumed,
    WorkspaceSettingsChanged,
)
from campaign_events.presets import FrequencyCap
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus, Outcome


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be: the rule's code, the fact's position or the call, and what was found."""

    code: str
    text: str
    position: int | None = None
    campaign_id: UUID | None = None
    call_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as of some position."""

    workspace: UUID
    settings: CampaignSettings
    settings_version: int
    status: CampaignStatus = CampaignStatus.DRAFT
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as of some position."""

    campaign_id: UUID
    time_zones: tuple[str, ...]
    status: ContactStatus = ContactStatus.PENDING
    attempt: int = 0
    due_at: datetime | None = None
    callable: bool = True
    call_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A permitted call: what was so just before its permit, and how it ended. Outbound ones only."""

    call_id: UUID
    campaign_id: UUID
    contact_id: UUID
    position: int
    at: datetime
    attempt: int
    settings_version: int | None
    checks: PermitChecks | None
    campaign: Campaign
    contact: Contact
    workspace_paused: bool
    workspace_caps: tuple[FrequencyCap, ...]
    status: ContactStatus | None = None
    outcome: Outcome | None = None
    placed: bool = False
    started_at: datetime | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the do-not-call list, from the position of its fact to that of its lifting."""

    workspace: UUID
    number_hash: str
    scope: UUID | None
    since: int
    expires_at: datetime | None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class _Workspace:
    paused: bool = False
    caps: tuple[FrequencyCap, ...] = ()


@dataclass(slots=True)
class Record:
    """The fold. `take` the facts in the order of the log."""

    campaigns: dict[UUID, Campaign] = field(default_factory=dict)
    contacts: dict[UUID, Contact] = field(default_factory=dict)
    calls: dict[UUID, Call] = field(default_factory=dict)
    entries: dict[UUID, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    settings: list[tuple[int, UUID, CampaignSettings]] = field(default_factory=list)
    """Every version of every campaign's settings, by the position of its fact."""
    _workspaces: dict[UUID, _Workspace] = field(default_factory=dict)

    def take(self, position: int, fact: Fact) -> None:
        """Fold one more fact."""
        match fact:
            case CampaignCreated():
                self.campaigns[fact.campaign_id] = Campaign(fact.workspace, fact.settings, fact.settings_version)
                self.settings.append((position, fact.campaign_id, fact.settings))
            case CampaignFact() if fact.campaign_id not in self.campaigns:
                self._doubt(position, fact, f"{type(fact).__name__} of a campaign that was never created")
            case CampaignFact() if self.campaigns[fact.campaign_id].deleted:
                self._doubt(position, fact, f"{type(fact).__name__} after the campaign's deletion")
            case ContactsAdded():
                for contact_id, zone in zip(fact.contact_ids, fact.zone_index, strict=True):
                    self.contacts[contact_id] = Contact(fact.campaign_id, fact.zone_lists[zone])
                for contact_id in fact.do_not_call:
                    self._change(contact_id, status=ContactStatus.DO_NOT_CALL)
            case ContactsRemoved():
                for contact_id in fact.contact_ids:
                    self.contacts.pop(contact_id, None)
            case ContactStatusChanged() | ContactCorrected() | ContactTimeZonesChanged() | ContactCallabilityChanged():
                contact = self.contacts.get(fact.contact_id)
                if contact is None or contact.campaign_id != fact.campaign_id:
                    self._doubt(position, fact, f"{type(fact).__name__} of a contact that is not there")
                else:
                    self._take_contact(position, fact, contact)
            case CampaignFact():
                self.campaigns[fact.campaign_id] = self._campaign(position, fact)
            case _:
                self._take_workspace(position, fact)

    def _campaign(self, position: int, fact: CampaignFact) -> Campaign:
        campaign = self.campaigns[fact.campaign_id]
        match fact:
            case CampaignEdited():
                self.settings.append((position, fact.campaign_id, fact.settings))
                return replace(campaign, settings=fact.settings, settings_version=fact.settings_version)
            case CampaignStarted() | CampaignResumed():
                return replace(campaign, status=CampaignStatus.RUNNING)
            case CampaignPaused():
                return replace(campaign, status=CampaignStatus.PAUSED)
            case CampaignCancelled():
                return replace(campaign, status=CampaignStatus.CANCELLED)
            case CampaignCompleted():
                return replace(campaign, status=CampaignStatus.COMPLETED)
            case CampaignDeleted():
                return replace(campaign, deleted=True)
            case _:
                return campaign

    def _take_contact(
        self,
        position: int,
        fact: ContactStatusChanged | ContactCorrected | ContactTimeZonesChanged | ContactCallabilityChanged,
        contact: Contact,
    ) -> None:
        match fact:
            case ContactTimeZonesChanged():
                self._change(fact.contact_id, time_zones=fact.time_zones)
            case ContactCallabilityChanged():
                self._change(fact.contact_id, callable=fact.callable)
            case ContactCorrected():
                self._expect(position, fact, "status", fact.old.status, contact.status)
                self._change(fact.contact_id, status=fact.new.status, due_at=fact.due_at)
            case ContactStatusChanged():
                self._expect(position, fact, "status", fact.previous, contact.status)
                if fact.previous_attempt is not None:
                    self._expect(position, fact, "attempt", fact.previous_attempt, contact.attempt)
                if fact.status is ContactStatus.IN_PROGRESS:
                    self._begin(position, fact, contact)
                elif fact.call_id in self.calls and fact.call_id == contact.call_id:
                    self._end(position, fact, contact)
                self._change(
                    fact.contact_id,
                    status=fact.status,
                    attempt=fact.attempt,
                    due_at=fact.due_at,
                    call_id=fact.call_id if fact.status is ContactStatus.IN_PROGRESS else contact.call_id,
                )

    def _begin(self, position: int, fact: ContactStatusChanged, contact: Contact) -> None:
        if fact.kind == "inbound":
            return None  # the person rang
        if fact.call_id is None:
            return self._doubt(position, fact, "a contact in progress without a call")
        if fact.call_id in self.calls:
            self._doubt(position, fact, "a call id that was used before")
        campaign = self.campaigns[fact.campaign_id]
        workspace = self._workspaces.get(campaign.workspace, _Workspace())
        self.calls[fact.call_id] = Call(
            call_id=fact.call_id,
            campaign_id=fact.campaign_id,
            contact_id=fact.contact_id,
            position=position,
            at=fact.at,
            attempt=fact.attempt,
            settings_version=fact.settings_version,
            checks=fact.checks,
            campaign=campaign,
            contact=contact,
            workspace_paused=workspace.paused,
            workspace_caps=workspace.caps,
        )
        return None

    def _end(self, position: int, fact: ContactStatusChanged, contact: Contact) -> None:
        assert fact.call_id is not None
        call = self.calls[fact.call_id]
        if call.status is not None:
            return  # an older call's late word about its contact
        counted = call.attempt if fact.placed else call.attempt - 1
        self._expect(position, fact, "attempt after the call", fact.attempt, counted)
        self.calls[fact.call_id] = replace(
            call,
            status=fact.status,
            outcome=fact.outcome,
            placed=fact.placed,
            started_at=fact.started_at,
            day=fact.day,
        )

    def _take_workspace(self, position: int, fact: Fact) -> None:
        match fact:
            case NumberSuppressed() if not fact.wildcard:
                self.entries[fact.suppression_id] = Entry(
                    fact.workspace, fact.number_hash, fact.scope, position, fact.expires_at
                )
            case SuppressionLifted() if fact.suppression_id in self.entries:
                self.entries[fact.suppression_id] = replace(self.entries[fact.suppression_id], until=position)
            case WorkspacePaused() | WorkspaceResumed():
                known = self._workspaces.get(fact.workspace, _Workspace())
                self._workspaces[fact.workspace] = replace(known, paused=isinstance(fact, WorkspacePaused))
            case WorkspaceSettingsChanged():
                known = self._workspaces.get(fact.workspace, _Workspace())
                self._workspaces[fact.workspace] = replace(known, caps=fact.caps)

    def _change(self, contact_id: UUID, **changes: object) -> None:
        self.contacts[contact_id] = replace(self.contacts[contact_id], **changes)  # type: ignore[arg-type]

    def _expect(self, position: int, fact: CampaignFact, what: str, said: object, counted: object) -> None:
        if said != counted:
            self._doubt(position, fact, f"{type(fact).__name__} says {what} {said}, the facts before it make {counted}")

    def _doubt(self, position: int, fact: CampaignFact, text: str) -> None:
        self.findings.append(
            Finding("contradicts_log", text, position, fact.campaign_id, getattr(fact, "call_id", None))
        )


def deciding_zones(call: Call) -> tuple[str, ...]:
    """The zones that had to be open: the callee's, or the campaign's own."""
    schedule = call.campaign.settings.schedule
    if not schedule.use_callee_time_zone:
        return (schedule.time_zone,)
    zones = call.contact.time_zones
    return () if all(zone == "Etc/Unknown" for zone in zones) else zones


def stands(entry: Entry, call: Call) -> bool:
    """Whether the entry of the do-not-call list stood against the call when it was permitted."""
    return (
        entry.workspace == call.campaign.workspace
        and entry.scope in (None, call.campaign_id)
        and entry.since < call.position
        and (entry.until is None or entry.until > call.position)
        and (entry.expires_at is None or entry.expires_at > call.at)
    )
