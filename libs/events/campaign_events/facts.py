"""The facts: a table of contents of the business. Past tense; the names and fields are stored for ever.

Facts only grow: optional fields are added; nothing is renamed, removed or retyped; a new meaning is a new fact.
No fact holds a contact's number, name, e-mail or variable.
"""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from campaign_events.presets import FrequencyCap
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus, Conversation, Outcome
from campaign_events.trunks import PhoneNumber, Trunk

CallKind = Literal["campaign", "test", "inbound"]
"""What a call is for: to a contact of the campaign, to try it out (nothing is counted), or from outside to it."""


class Fact(BaseModel):
    """Something that happened. `at` is when it was decided, UTC. Unknown fields of later versions are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime


# --- campaign-events, written by campaign-command, key campaign id -------------------------------------------


class CampaignFact(Fact):
    """A fact of `campaign-events`."""

    campaign_id: UUID


class CampaignCreated(CampaignFact):
    """A Draft exists, with these settings."""

    workspace: UUID
    settings: CampaignSettings
    settings_version: int = 1
    duplicate_of: UUID | None = None


class CampaignEdited(CampaignFact):
    """The settings are now these; `changed` names the top-level fields that differ from the version before."""

    settings: CampaignSettings
    settings_version: int
    changed: tuple[str, ...]


class CampaignStarted(CampaignFact):
    """Draft became Running."""

    settings_version: int


class CampaignPaused(CampaignFact):
    """Running became Paused: no new call starts."""

    reason: Literal["requested", "schedule_ended"] = "requested"


class CampaignResumed(CampaignFact):
    """Paused became Running."""

    settings_version: int


class CampaignCancelled(CampaignFact):
    """The campaign ended by request; contacts keep their status."""

    previous: CampaignStatus


class CampaignCompleted(CampaignFact):
    """No contact is left to call."""


class CampaignDeleted(CampaignFact):
    """The campaign and its contact data are gone. Nothing follows it."""

    previous: CampaignStatus


class ContactsAdded(CampaignFact):
    """A chunk of up to 1,000 contacts. Contact i has the candidate zones `zone_lists[zone_index[i]]`."""

    contact_ids: tuple[UUID, ...] = Field(min_length=1, max_length=1000)
    zone_lists: tuple[tuple[str, ...], ...]
    zone_index: tuple[int, ...]
    external_ids: tuple[str | None, ...] | None = None
    do_not_call: tuple[UUID, ...] = Field(
        default=(), description="Those that start as do_not_call; the others are pending"
    )
    listed: tuple[UUID, ...] = Field(
        default=(), description="Of `do_not_call`, those that only an uploaded list names: undoing it frees them"
    )
    pending_count: int
    do_not_call_count: int = 0
    import_id: UUID | None = None


class ContactsRemoved(CampaignFact):
    """These contacts are gone; `counts` says how many of each status, `reached` how many a person had answered."""

    contact_ids: tuple[UUID, ...] = Field(min_length=1, max_length=1000)
    counts: dict[ContactStatus, int]
    reached: int = 0
    retries: dict[int, int] = Field(
        default_factory=dict,
        description="Of those in no_answer or voicemail with a due_at: how many, by their attempt",
    )


class ContactFact(CampaignFact):
    """A fact about one contact."""

    contact_id: UUID


class ContactTimeZonesChanged(ContactFact):
    """The contact's candidate zones are now these."""

    time_zones: tuple[str, ...]


class ContactDetailsChanged(ContactFact):
    """Details of the contact were edited; `changed` names the fields (of variables only that there were some)."""

    changed: tuple[str, ...]


class PermitChecks(BaseModel):
    """Why a call was allowed, for the day somebody asks: which rules were checked, and where the zones come from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    suppression: Literal["clear"] = "clear"
    consent: Literal["given", "not_required"] = "not_required"
    zone_source: Literal["contact", "number", "country"] | None = None
    preset: str | None = None
    preset_version: int | None = None
    callback: Literal["on_time", "late"] | None = Field(
        default=None, description="Of a callback: whether it came within the tolerance after the time asked for"
    )


class ContactCallabilityChanged(ContactFact):
    """Whether the contact can be called at all under these settings (no open minute in its zones, say)."""

    callable: bool
    reason: str | None = None
    settings_version: int


class ContactStatusChanged(ContactFact):
    """The contact moved from `previous` to `status`.

    `attempt` counts the dialled attempts, the running one included. `due_at` is when it may be called again, null
    when nothing will call it. The final fact of a call carries its figures: `placed` (it counts as an attempt),
    `answered` (by a person), `first_reached` (the first such of this contact), times, duration from answer to end,
    and `day`, the call's start as a date in the campaign's zone. `previous_attempt` and `previous_due_at` are what
    `attempt` and `due_at` were before this fact.
    """

    previous: ContactStatus
    previous_attempt: int | None = None
    previous_due_at: AwareDatetime | None = None
    status: ContactStatus
    attempt: int
    call_id: UUID | None = None
    kind: CallKind | None = Field(
        default=None,
        description="Null: the campaign called. `inbound`: the person rang (another campaign's number, too)",
    )
    settings_version: int | None = None
    reason: str | None = None
    outcome: Outcome | None = None
    due_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    duration_seconds: float | None = None
    placed: bool = False
    answered: bool = False
    first_reached: bool = False
    day: date | None = None
    checks: PermitChecks | None = Field(default=None, description="Of a call that was allowed: what was checked")


class Verdict(BaseModel):
    """What one call is counted as."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: ContactStatus
    answered: bool
    reached: bool = Field(description="Whether the contact counts as reached")
    duration_seconds: float | None = None
    abandoned: bool = Field(default=False, description="A person answered, and nobody on our side was there")


class ContactCorrected(ContactFact):
    """A later report changed the verdict of the contact's last call; `day` is the day whose figures move."""

    call_id: UUID
    old: Verdict
    new: Verdict
    day: date
    reason: str | None = None
    due_at: AwareDatetime | None = None
    attempt: int | None = Field(default=None, description="The contact's dialled attempts; a correction keeps them")
    previous_due_at: AwareDatetime | None = Field(default=None, description="What `due_at` was before this fact")


# --- call-events, written by the dialer, key campaign id -----------------------------------------------------


class CallFact(Fact):
    """A fact of `call-events` about one contact of one campaign."""

    campaign_id: UUID
    contact_id: UUID


class CallPlaced(CallFact):
    """The carrier accepted the call; from here on it counts as an attempt unless its end says otherwise."""

    call_id: UUID
    attempt: int
    settings_version: int
    kind: CallKind = "campaign"


class CallAnswered(CallFact):
    """Something picked up; who or what is not known yet."""

    call_id: UUID


class CallVerdict(CallFact):
    """What a call came to. Codes only: a carrier's raw text can hold numbers and stays in the dialer."""

    call_id: UUID
    attempt: int
    settings_version: int
    outcome: Outcome
    conversation: Conversation | None = None
    callback_at: AwareDatetime | None = Field(default=None, description='With `callback`; null means "later"')
    rang: bool = False
    started_at: AwareDatetime | None = Field(default=None, description="When the carrier accepted the call")
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    duration_seconds: float | None = Field(default=None, ge=0, description="Answer to end")
    sip_code: int | None = None
    q850_cause: int | None = None
    retry_after_seconds: float | None = None
    kind: CallKind = "campaign"


class CallEnded(CallVerdict):
    """The call is over and settled. `not_placed`: it never reached the carrier, so no phone rang."""


class CallCorrected(CallVerdict):
    """Something later (AMD, the agent's report) changed the verdict: the whole new one."""


class ContactNotCallable(CallFact):
    """No minute is open for this contact under these settings (or no zone is known)."""

    reason: str
    settings_version: int


# --- suppression-events, written by campaign-command, key workspace ------------------------------------------


class WorkspaceFact(Fact):
    """A fact of `suppression-events`: who must not be called (now) in a workspace, and what is kept of it."""

    workspace: UUID


class SuppressionFact(WorkspaceFact):
    """An entry of the do-not-call list. The number appears as a keyed hash only."""

    suppression_id: UUID
    number_hash: str
    scope: UUID | None = Field(default=None, description="One campaign, or null for the whole workspace")


class NumberSuppressed(SuppressionFact):
    """The number must not be called (again)."""

    source: Literal["agent", "api", "list", "inbound", "network"]
    expires_at: AwareDatetime | None = None
    list_id: UUID | None = Field(default=None, description="The uploaded list it came with")
    wildcard: bool = Field(default=False, description="All numbers that begin so; the hash is that of the pattern")


class SuppressionLifted(SuppressionFact):
    """The number may be called again."""

    reason: str | None = None
    list_id: UUID | None = Field(default=None, description="The uploaded list that was undone")


class WorkspacePaused(WorkspaceFact):
    """No new call starts in the whole workspace; its campaigns stay what they are."""


class WorkspaceResumed(WorkspaceFact):
    """Calls may start again in the workspace's running campaigns."""


class WorkspaceSettingsChanged(WorkspaceFact):
    """The workspace's settings are now these; `changed` names those that differ from the version before."""

    settings_version: int
    caps: tuple[FrequencyCap, ...] = Field(default=(), description="Calls to one number, over all its campaigns")
    retention_days: int = Field(description="How long the call history keeps numbers and words of a call")
    changed: tuple[str, ...]
    trunks: tuple[Trunk, ...] = Field(default=(), description="Ways into the telephone network, and their ceilings")
    phone_numbers: tuple[PhoneNumber, ...] = Field(default=(), description="The business's numbers and their trunks")


class PersonErased(WorkspaceFact):
    """A person's data is gone everywhere. Call history forgets whom it called under this hash, or as these contacts."""

    erasure_id: UUID
    number_hash: str
    contact_ids: tuple[UUID, ...] = Field(default=(), description="The contacts removed, of all campaigns")


class LogSealed(Fact):
    """Every fact of `log` up to `up_to` is under this digest: whoever changes one afterwards contradicts this fact.

    About a log, not a workspace: its key is the log's id, and its envelope's workspace is the nil UUID.
    """

    log: UUID
    up_to: int = Field(description="The last position that is sealed")
    facts: int = Field(description="How many facts that are")
    digest: str = Field(description="SHA-256 of the chain of chunks (`campaign_events.seals`), hex")


CampaignEvent = (
    CampaignCreated
    | CampaignEdited
    | CampaignStarted
    | CampaignPaused
    | CampaignResumed
    | CampaignCancelled
    | CampaignCompleted
    | CampaignDeleted
    | ContactsAdded
    | ContactsRemoved
    | ContactTimeZonesChanged
    | ContactDetailsChanged
    | ContactCallabilityChanged
    | ContactStatusChanged
    | ContactCorrected
)
CallEvent = CallPlaced | CallAnswered | CallEnded | CallCorrected | ContactNotCallable
SuppressionEvent = (
    NumberSuppressed
    | SuppressionLifted
    | WorkspacePaused
    | WorkspaceResumed
    | WorkspaceSettingsChanged
    | PersonErased
    | LogSealed
)

CAMPAIGN_FACTS: tuple[type[CampaignEvent], ...] = CampaignEvent.__args__
CALL_FACTS: tuple[type[CallEvent], ...] = CallEvent.__args__
SUPPRESSION_FACTS: tuple[type[SuppressionEvent], ...] = SuppressionEvent.__args__
FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in (*CAMPAIGN_FACTS, *CALL_FACTS, *SUPPRESSION_FACTS)}
"""Every fact by its stored name."""
