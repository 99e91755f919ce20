"""Why a person was called or not, in plain words: what each fact says, and what stands in the way now.

| what stands in the way                     | since                                    | next possible        |
|--------------------------------------------|------------------------------------------|----------------------|
| the contact's own end                      | completed, failed, do_not_call           | never                |
| a call in progress                         | its permit                               | not known            |
| the campaign                               | draft, paused, completed, cancelled      | not known, or never  |
| a rule that a permit would be refused by   | the rules of `contact.decide_permit`     | as the rule says     |
| nothing here                               | the window and the pace are the dialer's | now                  |

What must stay true: the reason is that of the rules that decide, never one that is reckoned here a second time.
No words about the person, and no number: a timeline can be shown to anybody who may see the contact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from campaign_command.campaign import Campaign
from campaign_command.contact import DO_NOT_CALL, IN_PROGRESS, WAITING, Contact, PermitRefusal
from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignEdited,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactDetailsChanged,
    ContactStatusChanged,
    ContactTimeZonesChanged,
    Fact,
    NumberSuppressed,
    PermitChecks,
    SuppressionLifted,
    WorkspacePaused,
    WorkspaceResumed,
)
from campaign_events.settings import CampaignStatus, ContactStatus, Outcome

_OF_CAMPAIGN: Mapping[CampaignStatus, tuple[str, str]] = {
    CampaignStatus.DRAFT: ("not_started", "The campaign has not been started."),
    CampaignStatus.PAUSED: ("paused", "The campaign is paused."),
    CampaignStatus.COMPLETED: ("campaign_completed", "The campaign is completed; it never calls again."),
    CampaignStatus.CANCELLED: ("campaign_cancelled", "The campaign was cancelled; it never calls again."),
}
_OF_STATUS: Mapping[ContactStatus, str] = {
    ContactStatus.PENDING: "The contact waits to be called",
    ContactStatus.COMPLETED: "A person answered, and the call was a success",
    ContactStatus.FAILED: "The call failed, or the number can't be reached for good",
    ContactStatus.NO_ANSWER: "Nobody picked up",
    ContactStatus.VOICEMAIL: "A mailbox picked up",
    ContactStatus.DO_NOT_CALL: "The number must not be called",
    ContactStatus.RESCHEDULED: "The person asked to be called back",
}
_REASONS: Mapping[str, str] = {
    "asked": "the person asked not to be called",
    "suppressed": "the number is on the do-not-call list",
    "list": "the number is on a do-not-call list that was uploaded",
    "busy": "busy",
    "declined": "declined",
    "no_answer": "it rang out",
    "invalid_number": "the number is not in service",
    "blocked": "blocked by the network",
    "unwanted": "the person does not want such calls",
    "carrier_error": "a fault of the carrier",
    "configuration": "a fault of our configuration",
    "cancelled": "we hung up before an answer",
    "gave_up": "the caller hung up before an answer",
    "unknown": "nothing was reported about the call",
    "not_placed": "the call was never placed",
    "fax": "a fax machine picked up",
    "abandoned": "nobody on our side took the call",
    "machine": "a mailbox picked up",
    "goal_not_met": "the goal was not met",
    "no_outcome_reported": "the agent reported no outcome in time",
    "callback_not_possible": "the callback that was asked for is not possible",
    "no_common_open_minute": "its possible time zones have no open minute in common",
    "no_time_zone": "its time zone is not known",
    "unknown_time_zone": "its time zone is not a known one",
    "no_consent": "it has no consent on record",
}
_RULES: Mapping[str, str] = {
    "inbound_campaign": "The campaign calls nobody; it answers who rings.",
    "workspace_paused": "All calling of the workspace is paused.",
    "schedule_ended": "The campaign's end date has passed.",
    "attempts_spent": "No attempt is left under the retry rules.",
    "not_due": "The next attempt is not due yet.",
    "suppressed": "The number is on the do-not-call list.",
    "stale_list": "A do-not-call list that the campaign needs is missing or too old.",
    "no_consent": "It has no consent on record, and the campaign requires one.",
    "number_live": "Another call to the number is in progress.",
    "being_erased": "The person's data is being erased.",
    "frequency_cap": "The number was called as often as it may be within a rolling window.",
}
_CALLBACK: Mapping[str, str] = {
    "on_time": ", the callback at the time the person asked for",
    "late": ", the callback later than the person asked for (it was missed: a pause, the hours, or no free line)",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the way of a call now. `next_possible_at` null: not known, or (with `never`) never."""

    code: str
    text: str
    next_possible_at: datetime | None = None
    never: bool = False


def standing(contact: Contact, campaign: Campaign, refusal: PermitRefusal | None, *, now: datetime) -> Standing:
    """Why the contact is not called now; `refusal` is what a permit asked for now would be refused by."""
    if contact.status is IN_PROGRESS:
        return Standing("in_progress", "A call is in progress.")
    if contact.status not in WAITING:
        return Standing(str(contact.status), _sentence(_OF_STATUS[contact.status], contact.reason), never=True)
    if campaign.is_final:
        return Standing(*_OF_CAMPAIGN[campaign.status], never=True)
    if not contact.callable:
        why = contact.not_callable_reason or "not_callable"
        return Standing(why, _sentence("It can't be called under these settings", why), never=True)
    if campaign.status in _OF_CAMPAIGN:
        return Standing(*_OF_CAMPAIGN[campaign.status])
    if refusal is None:
        return Standing("ready", "A call is allowed; the dialer waits for the window and a free line.", now)
    text = _RULES.get(refusal.code, f"A call would be refused: {_words(refusal.code)}.")
    return Standing(refusal.code, text, refusal.ask_again_at, never=refusal.kind == "permanent")


def told(fact: Fact) -> str | None:
    """What a fact says, in a sentence; null for one that says nothing about being called."""
    match fact:
        case ContactStatusChanged() if fact.status is IN_PROGRESS and fact.kind == "inbound":
            return f"The person rang (call {fact.attempt}), and the call was let through to the agent."
        case ContactStatusChanged() if fact.status is IN_PROGRESS:
            return f"Call {fact.attempt} was allowed{_checked(fact.checks)}."
        case ContactStatusChanged():
            return _of_status(fact)
        case ContactCorrected():
            return _sentence(f"A later report corrected the call: {_lower(_OF_STATUS[fact.new.status])}", fact.reason)
        case ContactCallabilityChanged():
            if fact.callable:
                return "Whether it can be called is looked at again."
            return _sentence("It was found that it can't be called", fact.reason)
        case ContactTimeZonesChanged():
            return f"Its time zones were changed to {', '.join(fact.time_zones) or 'none'}."
        case ContactDetailsChanged():
            return f"Its details were edited: {', '.join(map(_words, fact.changed))}."
        case CampaignStarted():
            return "The campaign was started."
        case CampaignPaused():
            because = " since its end date had passed" if fact.reason == "schedule_ended" else ""
            return f"The campaign was paused{because}."
        case CampaignResumed():
            return "The campaign was resumed."
        case CampaignCancelled():
            return "The campaign was cancelled."
        case CampaignCompleted():
            return "The campaign was completed: nobody was left to call."
        case CampaignEdited():
            return f"The campaign was edited (version {fact.settings_version}): {', '.join(map(_words, fact.changed))}."
        case NumberSuppressed():
            until = f", until {fact.expires_at:%Y-%m-%d %H:%M} UTC" if fact.expires_at else ""
            where = "this campaign" if fact.scope else "the workspace"
            return f"The number was put on the do-not-call list of {where} (source: {fact.source}){until}."
        case SuppressionLifted():
            return "The number was taken off the do-not-call list."
        case WorkspacePaused():
            return "All calling of the workspace was paused."
        case WorkspaceResumed():
            return "All calling of the workspace was resumed."
        case _:
            return None


def _of_status(fact: ContactStatusChanged) -> str:
    if fact.status is DO_NOT_CALL:
        return _sentence(_OF_STATUS[DO_NOT_CALL], fact.reason)
    if fact.kind == "inbound" and fact.outcome is None:
        joined = _sentence(_OF_STATUS[fact.status], fact.reason)
        again = f" Next attempt from {fact.due_at:%Y-%m-%d %H:%M} UTC." if fact.due_at else ""
        return f"The person rang an inbound campaign. {joined} No attempt is counted.{again}"
    ended = "The call ended. " if fact.call_id is not None else ""
    outcome = None if fact.outcome is Outcome.HUMAN else fact.outcome
    gave_up = fact.kind == "inbound" and fact.outcome is Outcome.CANCELLED
    text = ended + _sentence(_OF_STATUS[fact.status], "gave_up" if gave_up else fact.reason or outcome)
    if fact.call_id is not None and not fact.placed:
        text += " It does not count as an attempt."
    return text + (f" Next attempt from {fact.due_at:%Y-%m-%d %H:%M} UTC." if fact.due_at else "")


def _checked(checks: PermitChecks | None) -> str:
    if checks is None:
        return ""
    rule = f", preset {checks.preset} version {checks.preset_version}" if checks.preset else ""
    consent = ", consent on record" if checks.consent == "given" else ""
    callback = _CALLBACK[checks.callback] if checks.callback else ""
    zone = checks.zone_source or "number"
    return f"{callback}: the number was on no do-not-call list{consent}{rule}; time zone from the {zone}"


def _sentence(text: str, reason: str | None) -> str:
    if reason is None:
        return f"{text}."
    words = _REASONS.get(str(reason), _words(str(reason)))
    return f"{text}." if words in _lower(text) else f"{text}: {words}."


def _words(code: str) -> str:
    return code.replace("_", " ")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
