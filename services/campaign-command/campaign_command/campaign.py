"""Decides what may happen to a campaign. What must stay true: a final campaign never calls again.

| status    | edit      | contacts  | start           | pause   | resume  | cancel    | complete  | delete  |
|-----------|-----------|-----------|-----------------|---------|---------|-----------|-----------|---------|
| draft     | edited    | allowed   | started         | refused | refused | refused   | refused   | deleted |
| running   | refused   | refused   | nothing         | paused  | nothing | cancelled | completed | refused |
| paused    | edited    | allowed   | resume_instead  | nothing | resumed | cancelled | refused   | deleted |
| completed | refused   | refused   | refused         | refused | refused | refused   | nothing   | deleted |
| cancelled | refused   | refused   | refused         | refused | refused | nothing   | refused   | deleted |

*nothing*: the command is satisfied already; repeating it appends no fact. *contacts*: add and remove. Duplicating is
allowed in every status and changes nothing here. After a deletion the campaign is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Literal, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
)
from campaign_events.presets import PRESETS, violations
from campaign_events.settings import CampaignSettings, CampaignStatus

CampaignStreamFact = (
    CampaignCreated
    | CampaignEdited
    | CampaignStarted
    | CampaignPaused
    | CampaignResumed
    | CampaignCancelled
    | CampaignCompleted
    | CampaignDeleted
)
Transition = Literal["start", "pause", "resume", "cancel", "edit", "contacts", "delete", "duplicate"]

DRAFT, RUNNING, PAUSED, COMPLETED, CANCELLED = CampaignStatus
ALLOWED: Mapping[CampaignStatus, tuple[Transition, ...]] = {
    DRAFT: ("start", "edit", "contacts", "duplicate", "delete"),
    RUNNING: ("pause", "cancel", "duplicate"),
    PAUSED: ("resume", "cancel", "edit", "contacts", "duplicate", "delete"),
    COMPLETED: ("duplicate", "delete"),
    CANCELLED: ("duplicate", "delete"),
}
# The last place on Earth where a date ends; a schedule read in the callees' zones ends there.
_LAST_ZONE = timezone(-timedelta(hours=12))


class Refused(Exception):
    """A rule forbids it."""

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.extra = code, message, extra


@dataclass(frozen=True, slots=True)
class Taken:
    """A number that another running inbound campaign answers; `campaign_id` null: one of another workspace."""

    number: str
    campaign_id: UUID | None


# --- commands ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Create:
    """Make a Draft."""

    campaign_id: UUID
    workspace: UUID
    settings: CampaignSettings
    duplicate_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the settings by these."""

    settings: CampaignSettings


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to call. `total` contacts are on the list, of whom `callable` can be called; `blocked` says why not.

    `taken`: a number of this inbound campaign that a running one answers.
    """

    total: int
    callable: int
    blocked: Mapping[str, int] = field(default_factory=dict)
    taken: Taken | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Start no new call."""

    reason: Literal["requested", "schedule_ended"] = "requested"


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with the remaining contacts. `taken` as for Start."""

    taken: Taken | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End for good; contacts keep their status."""


@dataclass(frozen=True, slots=True)
class Complete:
    """No contact is open."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the campaign and its contact data."""


Command = Create | Edit | Start | Pause | Resume | Cancel | Complete | Delete


# --- state ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Campaign:
    """The fold of a campaign's stream. `version` counts its facts."""

    campaign_id: UUID
    workspace: UUID
    settings: CampaignSettings
    settings_version: int
    status: CampaignStatus
    version: int
    created_at: datetime
    pause_reason: str | None = None
    deleted: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the campaign can never call again."""
        return self.status in (COMPLETED, CANCELLED) or self.deleted


def zone_of(settings: CampaignSettings) -> tzinfo:
    """The zone the campaign's days are counted in; UTC when the stored name is (no longer) a zone."""
    try:
        return ZoneInfo(settings.schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC  # the dialer keeps such a window closed; reports and permits must go on


def reads_callee_zones(settings: CampaignSettings) -> bool:
    """Whether the schedule is read where the callees are; who answers calls keeps hours of their own."""
    return settings.type == "outbound" and settings.schedule.use_callee_time_zone


def ends_at(settings: CampaignSettings) -> datetime | None:
    """The instant from which no call is made any more (UTC), or null without an end date."""
    schedule = settings.schedule
    if schedule.end_date is None:
        return None
    zone = _LAST_ZONE if reads_callee_zones(settings) else zone_of(settings)
    return datetime.combine(schedule.end_date + timedelta(days=1), time(), zone).astimezone(UTC)


def first_date_of(settings: CampaignSettings, now: datetime) -> date:
    """The earliest local date that it is now, in any zone the campaign may call in."""
    zone = _LAST_ZONE if reads_callee_zones(settings) else zone_of(settings)
    return now.astimezone(zone).date()


def decide(state: Campaign | None, command: Command, now: datetime) -> list[CampaignStreamFact]:
    """The facts that follow from a command; none when it is satisfied already. Refused says what is allowed."""
    if isinstance(command, Create):
        if state is not None:
            raise Refused("campaign_exists", "A campaign with this id exists.")
        return [
            CampaignCreated(
                at=now,
                campaign_id=command.campaign_id,
                workspace=command.workspace,
                settings=command.settings,
                duplicate_of=command.duplicate_of,
            )
        ]
    if state is None or state.deleted:
        raise Refused("unknown_campaign", "There is no such campaign.")
    match command:
        case Edit():
            return _edit(state, command.settings, now)
        case Start():
            return _start(state, command, now)
        case Pause():
            return _pause(state, command, now)
        case Resume():
            return _resume(state, command, now)
        case Cancel():
            return _cancel(state, now)
        case Complete():
            return _complete(state, now)
        case Delete():
            if state.status is RUNNING:
                raise refusal(state, "delete")
            return [CampaignDeleted(at=now, campaign_id=state.campaign_id, previous=state.status)]
        case _:
            assert_never(command)


def require_editable(state: Campaign | None) -> Campaign:
    """The campaign, if contacts may be added and removed now. Refused otherwise."""
    if state is None or state.deleted:
        raise Refused("unknown_campaign", "There is no such campaign.")
    if state.status not in (DRAFT, PAUSED):
        raise refusal(state, "contacts")
    return state


def refusal(state: Campaign, attempted: str) -> Refused:
    """The refusal of a transition, with the current status and what is allowed."""
    codes = {"edit": "campaign_not_editable", "contacts": "campaign_not_editable"}
    code = codes.get(attempted, f"cannot_{attempted}")
    return _refused(state, code, f"A {state.status} campaign does not allow {attempted}.")


def evolve(state: Campaign | None, fact: CampaignStreamFact) -> Campaign:
    """The campaign after one more fact of its stream."""
    if isinstance(fact, CampaignCreated):
        return Campaign(
            campaign_id=fact.campaign_id,
            workspace=fact.workspace,
            settings=fact.settings,
            settings_version=fact.settings_version,
            status=DRAFT,
            version=1,
            created_at=fact.at,
        )
    assert state is not None, "a campaign's stream begins with CampaignCreated"
    state = replace(state, version=state.version + 1)
    match fact:
        case CampaignEdited():
            return replace(state, settings=fact.settings, settings_version=fact.settings_version)
        case CampaignStarted() | CampaignResumed():
            return replace(state, status=RUNNING, pause_reason=None)
        case CampaignPaused():
            return replace(state, status=PAUSED, pause_reason=fact.reason)
        case CampaignCancelled():
            return replace(state, status=CANCELLED, pause_reason=None)
        case CampaignCompleted():
            return replace(state, status=COMPLETED)
        case CampaignDeleted():
            return replace(state, deleted=True)
        case _:
            assert_never(fact)


def _edit(state: Campaign, settings: CampaignSettings, now: datetime) -> list[CampaignStreamFact]:
    if state.status not in (DRAFT, PAUSED):
        raise refusal(state, "edit")
    if settings.type != state.settings.type:
        raise _refused(
            state, "type_is_fixed", f"The type of a campaign is fixed at its creation: {state.settings.type}."
        )
    changed = tuple(
        name for name in CampaignSettings.model_fields if getattr(settings, name) != getattr(state.settings, name)
    )
    if not changed:
        return []
    return [
        CampaignEdited(
            at=now,
            campaign_id=state.campaign_id,
            settings=settings,
            settings_version=state.settings_version + 1,
            changed=changed,
        )
    ]


def _start(state: Campaign, command: Start, now: datetime) -> list[CampaignStreamFact]:
    if state.status is RUNNING:
        return []
    if state.status is PAUSED:
        raise _refused(state, "resume_instead", "A paused campaign is resumed, not started.")
    if state.status is not DRAFT:
        raise refusal(state, "start")
    settings = state.settings
    if settings.type == "outbound" and command.total == 0:
        raise _refused(state, "no_contacts", "The campaign has no contacts.")
    _require_ready(state)
    if settings.type == "outbound" and command.callable == 0:
        reasons = dict(command.blocked)
        raise _refused(state, "no_callable_contacts", "None of the contacts can be called.", reasons=reasons)
    _require_preset_kept(state)
    _require_time_left(state, now)
    _require_free_numbers(state, command.taken)
    return [CampaignStarted(at=now, campaign_id=state.campaign_id, settings_version=state.settings_version)]


def _pause(state: Campaign, command: Pause, now: datetime) -> list[CampaignStreamFact]:
    if state.status is PAUSED:
        return []
    if state.status is not RUNNING:
        raise refusal(state, "pause")
    return [CampaignPaused(at=now, campaign_id=state.campaign_id, reason=command.reason)]


def _resume(state: Campaign, command: Resume, now: datetime) -> list[CampaignStreamFact]:
    if state.status is RUNNING:
        return []
    if state.status is not PAUSED:
        raise refusal(state, "resume")
    _require_ready(state)
    _require_preset_kept(state)
    _require_time_left(state, now)
    _require_free_numbers(state, command.taken)
    return [CampaignResumed(at=now, campaign_id=state.campaign_id, settings_version=state.settings_version)]


def _cancel(state: Campaign, now: datetime) -> list[CampaignStreamFact]:
    if state.status is CANCELLED:
        return []
    if state.status not in (RUNNING, PAUSED):
        raise refusal(state, "cancel")
    return [CampaignCancelled(at=now, campaign_id=state.campaign_id, previous=state.status)]


def _complete(state: Campaign, now: datetime) -> list[CampaignStreamFact]:
    if state.status is COMPLETED:
        return []
    if state.status is not RUNNING or state.settings.type != "outbound":
        raise refusal(state, "complete")
    return [CampaignCompleted(at=now, campaign_id=state.campaign_id)]


def _require_ready(state: Campaign) -> None:
    needed = {"agent_id": state.settings.agent_id, "caller_numbers": state.settings.caller_numbers}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise _refused(state, "not_ready", f"Missing: {', '.join(missing)}.", missing=missing)


def _require_time_left(state: Campaign, now: datetime) -> None:
    end = ends_at(state.settings)
    if end is not None and now >= end:
        end_date = state.settings.schedule.end_date
        raise _refused(state, "schedule_ended", f"The end date {end_date} has passed; extend it first.")


def _require_free_numbers(state: Campaign, taken: Taken | None) -> None:
    if taken is not None:
        who = f"the running campaign {taken.campaign_id}" if taken.campaign_id else "a campaign of another workspace"
        extra = {"number": taken.number, "campaign_id": str(taken.campaign_id) if taken.campaign_id else None}
        raise _refused(state, "number_in_use", f"{taken.number} is answered by {who}; pause that one first.", **extra)


def _require_preset_kept(state: Campaign) -> None:
    """A preset's rules may have become stricter since the settings were checked."""
    name = state.settings.preset
    if name is None:
        return
    preset = PRESETS.get(name)
    if preset is None:
        raise _refused(state, "preset_not_kept", f"There is no preset {name} any more; choose another one.")
    found = violations(preset, state.settings)
    if found:
        errors = [{"field": each.field, "message": each.message} for each in found]
        message = f"The preset {name} has changed (version {preset.version}): edit {found[0].field}."
        raise _refused(state, "preset_not_kept", message, errors=errors)


def _refused(state: Campaign, code: str, message: str, **extra: Any) -> Refused:
    return Refused(code, message, campaign_status=str(state.status), allowed=list(ALLOWED[state.status]), **extra)
