"""What a campaign's owner sets: words, agent, caller numbers, limits, retry rules and schedule.

Settings travel whole in `CampaignCreated` and `CampaignEdited`; each change has a version, and each attempt
records the version it ran under. Commands are validated with `extra="forbid"`; facts of later versions may hold more.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo

from campaign_events.presets import PRESETS, FrequencyCap
from campaign_events.schedule import Schedule, is_stored


def _require_no_nul(text: str, info: ValidationInfo[Any]) -> str:
    if "\0" in text and not is_stored(info):
        raise ValueError("contains a NUL character; allowed: any other text")
    return text


NO_NUL = AfterValidator(_require_no_nul)
"""For text that every reader has to keep: PostgreSQL stores no NUL. Stands last, behind the constraints of length."""


def _require_preset(name: str, info: ValidationInfo[Any]) -> str:
    if name not in PRESETS and not is_stored(info):
        raise ValueError(f"{name!r} is no preset; allowed: {', '.join(PRESETS)}, or null")
    return name


ListName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
E164 = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
CampaignType = Literal["outbound", "inbound"]
SuccessRule = Literal["answered", "reported"]
DAY_SECONDS = 86_400


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Limits(_Settings):
    """Ceilings the dialer never crosses."""

    max_simultaneous_calls: int = Field(default=10, ge=1, le=1000, description="Calls live at one time")
    calls_per_second: int = Field(default=1, ge=1, le=500, description="Calls begun in any sliding second")
    calls_per_day: int | None = Field(default=None, ge=1, le=10_000_000, description="Per day of the campaign's zone")
    max_attempts: int = Field(default=3, ge=1, le=20, description="Dialled attempts per contact, over all reasons")
    ring_timeout_seconds: int = Field(default=30, ge=15, le=120)
    max_call_seconds: int = Field(
        default=3600, ge=10, le=14_400, description="From the answer; a call that lasts longer is hung up"
    )


class RetryRule(_Settings):
    """How one outcome is tried again: the n-th retry waits the n-th delay, the last one repeats."""

    delays_seconds: tuple[Annotated[int, Field(ge=1, le=90 * DAY_SECONDS)], ...] = Field(min_length=1, max_length=20)
    max_retries: int | None = Field(
        default=None, ge=0, le=20, description="null: as long as attempts are left; 0: never"
    )


class RetryRules(_Settings):
    """Per outcome; the clock starts when the attempt ended. Defaults: dialling rules, section Retries."""

    no_answer: RetryRule = RetryRule(delays_seconds=(7200,))
    busy: RetryRule = RetryRule(delays_seconds=(900,))
    declined: RetryRule = RetryRule(delays_seconds=(DAY_SECONDS,), max_retries=1)
    voicemail: RetryRule = RetryRule(delays_seconds=(7200,), max_retries=0)
    carrier_error: RetryRule = RetryRule(delays_seconds=(120, 240, 480), max_retries=2)


def _require_message(message_id: str | None, info: ValidationInfo[Any]) -> str | None:
    when_closed = info.data.get("when_closed")
    if is_stored(info) or when_closed is None:
        return message_id
    if when_closed == "message" and message_id is None:
        raise ValueError("is missing; allowed: the id of a message, since when_closed is 'message'")
    if when_closed != "message" and message_id is not None:
        raise ValueError(f"is given, but when_closed is {when_closed!r}; allowed: null, or when_closed 'message'")
    return message_id


class InboundSettings(_Settings):
    """How an inbound campaign meets a call that its agent does not answer."""

    when_closed: Literal["reject", "message"] = Field(
        default="reject",
        description="Out of hours, paused, ended: the carrier rejects the call, or plays a message of its own",
    )
    message_id: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=100), NO_NUL] | None, AfterValidator(_require_message)
    ] = Field(default=None, validate_default=True, description="With `message`: the carrier's name of what it plays")


def _require_inbound(given: InboundSettings | None, info: ValidationInfo[Any]) -> InboundSettings | None:
    if given is not None and not is_stored(info) and info.data.get("type", "inbound") != "inbound":
        raise ValueError("is for campaigns of the type inbound; allowed: null")
    return given


class CampaignSettings(_Settings):
    """Everything of a campaign that can be edited while it is Draft or Paused; the type is fixed at creation."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NO_NUL]
    description: Annotated[str, Field(max_length=2000), NO_NUL] = ""
    type: CampaignType = "outbound"
    agent_id: Annotated[str, StringConstraints(min_length=1, max_length=100), NO_NUL] | None = None
    caller_numbers: tuple[E164, ...] = Field(default=(), max_length=50, description="The business's numbers, E.164")
    custom_prompt: Annotated[str, Field(max_length=20_000), NO_NUL] = ""
    default_country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO 3166 country that national numbers are read in"
    )
    limits: Limits = Limits()
    retry: RetryRules = RetryRules()
    callback_delay_seconds: int = Field(
        default=DAY_SECONDS, ge=1, le=90 * DAY_SECONDS, description='What "later" means'
    )
    callback_tolerance_seconds: int = Field(
        default=900, ge=1, le=DAY_SECONDS, description="A callback that begins later than this is flagged as late"
    )
    success_rule: SuccessRule = Field(
        default="answered", description="Whether an answered call is a success, or only one the agent reports so"
    )
    schedule: Schedule = Schedule()
    inbound: Annotated[InboundSettings | None, AfterValidator(_require_inbound)] = Field(
        default=None, description="Of an inbound campaign: what a caller meets when it does not answer"
    )
    join_inbound: bool = Field(
        default=True,
        description="Whether a waiting contact who rings an inbound campaign gets that call's outcome",
    )
    preset: Annotated[str, AfterValidator(_require_preset)] | None = Field(
        default=None,
        description="A law's hours and ceilings, which the other settings may only tighten; see `GET /v1/presets`",
    )
    preset_version: int | None = Field(default=None, description="The preset's version that was checked; set for you")
    requires_consent: bool = Field(
        default=False, description="Whether only contacts with a `consent_basis` may be called"
    )
    frequency_caps: tuple[FrequencyCap, ...] = Field(
        default=(), max_length=10, description="Calls to one number, over all campaigns, beside the workspace's caps"
    )
    required_lists: tuple[ListName, ...] = Field(
        default=(), max_length=20, description="Do-not-call lists that must be there and fresh, or nobody is called"
    )


class CampaignStatus(StrEnum):
    """Draft -> Running <-> Paused -> Completed | Cancelled; the last two are final."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ContactStatus(StrEnum):
    """The eight statuses of a contact; they sum to the campaign's total at every position of the log."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    DO_NOT_CALL = "do_not_call"
    RESCHEDULED = "rescheduled"


class Outcome(StrEnum):
    """What telephony says of a call that is over (after an answer: who or what picked up)."""

    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"
    ABANDONED = "abandoned"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid_number"
    BLOCKED = "blocked"
    UNWANTED = "unwanted"
    CONFIGURATION = "configuration"
    CARRIER_ERROR = "carrier_error"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    NOT_PLACED = "not_placed"


class Conversation(StrEnum):
    """What the conversation gave, as the voice agent reports it."""

    GOAL_MET = "goal_met"
    GOAL_NOT_MET = "goal_not_met"
    DO_NOT_CALL = "do_not_call"
    CALLBACK = "callback"
