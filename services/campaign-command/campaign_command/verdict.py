"""What the end of a call makes of its contact.

| outcome | conversation | contact becomes | counted as an attempt |
|---|---|---|---|
| any | do_not_call | do_not_call, and the number is suppressed | as the outcome |
| unwanted | - | do_not_call, and the number is suppressed | yes |
| human | goal_met | completed | yes |
| human | goal_not_met | failed | yes |
| human | callback | rescheduled; failed(callback_not_possible) when it can't be made | yes |
| human | - | completed(answered), or failed(no_outcome_reported) by the campaign's success rule | yes |
| machine | - | voicemail | yes |
| fax, abandoned, invalid_number, blocked | - | failed, for that reason | yes |
| no_answer, busy, declined, unknown | - | no_answer, for that reason | yes |
| cancelled | - | no_answer if it rang, else as before the permit | if it rang |
| carrier_error, configuration | - | as before the permit, later; failed beyond the rule's cap | no |
| not_placed | - | as before the permit | no |

Under a preset with a silence after a refusal (france: 60 days), goal_not_met suppresses the number for that time.
For an inbound campaign *as an attempt* is *as received*, and nothing gets a time to be called at: nobody dials for it,
so a callback is always possible. Who was do_not_call before ringing in stays so.

A suppressed number makes it do_not_call whatever the call brought. What comes after the settlement corrects only what
was settled by default, was abandoned, or found no person: an agent's own report stands. Source: the outcomes reference
of the design.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from campaign_command.campaign import Campaign, ends_at, zone_of
from campaign_command.contact import (
    CALLBACKS_OVER_BUDGET,
    DO_NOT_CALL,
    IN_PROGRESS,
    NO_ANSWER,
    PENDING,
    RESCHEDULED,
    VOICEMAIL,
    WAITING,
    Contact,
    ContactStreamFact,
    LastCall,
    is_waiting,
)
from campaign_events.facts import CallVerdict, ContactCorrected, ContactStatusChanged, Verdict
from campaign_events.presets import PRESETS
from campaign_events.settings import DAY_SECONDS, ContactStatus, Conversation, Outcome, RetryRule, RetryRules

MAX_CALLBACK = timedelta(days=90)
MAX_RETRY_AFTER_SECONDS = DAY_SECONDS
"""A carrier may ask for more patience than a rule has, but not for ever."""
BY_DEFAULT = frozenset({"answered", "no_outcome_reported"})
# A late verdict that it was a machine, or a report of the agent that was there after all, takes it back.
_OPEN_TO_DOUBT = BY_DEFAULT | {Outcome.ABANDONED}
_UNCOUNTED = frozenset({Outcome.CARRIER_ERROR, Outcome.CONFIGURATION, Outcome.NOT_PLACED})
_BY_A_PERSON = frozenset({Outcome.HUMAN, Outcome.ABANDONED})
_PICKED_UP = _BY_A_PERSON | {Outcome.MACHINE, Outcome.FAX}
_FAILED = frozenset({Outcome.FAX, Outcome.ABANDONED, Outcome.INVALID_NUMBER, Outcome.BLOCKED})
_RULE_OF: dict[Outcome, str] = {
    Outcome.NO_ANSWER: "no_answer",
    Outcome.UNKNOWN: "no_answer",
    Outcome.CANCELLED: "no_answer",
    Outcome.BUSY: "busy",
    Outcome.DECLINED: "declined",
    Outcome.MACHINE: "voicemail",
    Outcome.CARRIER_ERROR: "carrier_error",
    Outcome.CONFIGURATION: "carrier_error",
}


@dataclass(frozen=True, slots=True)
class _Settlement:
    status: ContactStatus
    reason: str | None
    due_at: datetime | None = None


_SUPPRESSED = _Settlement(DO_NOT_CALL, "suppressed")


def asks_not_to_be_called(verdict: CallVerdict) -> bool:
    """Whether this call ends in a suppression of the number."""
    return verdict.conversation is Conversation.DO_NOT_CALL or verdict.outcome is Outcome.UNWANTED


def counts_as_attempt(verdict: CallVerdict) -> bool:
    """Only a dialled attempt counts; a carrier's fault does not."""
    return verdict.outcome not in _UNCOUNTED and (verdict.outcome is not Outcome.CANCELLED or verdict.rang)


def silence_until(campaign: Campaign, verdict: CallVerdict, *, now: datetime) -> datetime | None:
    """Until when the person who refused in this call is left alone, under a preset that asks for it; None: not at all.

    Only a call of the campaign's own counts: who rings in has not been solicited.
    """
    preset = PRESETS.get(campaign.settings.preset or "")
    refused = verdict.outcome is Outcome.HUMAN and verdict.conversation is Conversation.GOAL_NOT_MET
    if preset is None or preset.refusal_silence_days is None or not refused or verdict.kind != "campaign":
        return None
    # A carrier's clock that is wrong must not shorten it by more than a day.
    since = min(max(verdict.ended_at or now, now - timedelta(days=1)), now)
    return since + timedelta(days=preset.refusal_silence_days)


def decide_report(
    contact: Contact, campaign: Campaign, verdict: CallVerdict, *, suppressed: bool, now: datetime
) -> list[ContactStreamFact]:
    """The facts that follow from a call's end or its correction; none when it changes nothing."""
    call = contact.call
    if call is not None and call.call_id == verdict.call_id:
        verdict = _believable(verdict, since=call.granted_at, now=now)
        if contact.status is IN_PROGRESS:
            return [_settled(contact, campaign, verdict, suppressed=suppressed, now=now)]
        if call.day is not None and call.counted_as is contact.status:
            return _corrected(contact, call, call.day, campaign, verdict, suppressed=suppressed, now=now)
        if call.day is None and verdict.outcome in _PICKED_UP and contact.status in WAITING:
            # It was taken for a call that never rang, and was answered: it counts after all.
            return [_settled(contact, campaign, verdict, suppressed=suppressed, now=now)]
    return _of_older_call(contact, campaign, verdict, suppressed=suppressed, now=now)


def decide_joined(
    contact: Contact,
    campaign: Campaign,
    verdict: CallVerdict,
    *,
    joined: bool,
    suppressed: bool,
    since: datetime,
    now: datetime,
) -> list[ContactStreamFact]:
    """What an inbound call, permitted at `since`, makes of a contact of another campaign whose person it was.

    A contact that waits gets the call's outcome, and no attempt is counted: nobody dialled. The call is counted where
    it came in; here only the contact is, as reached. `joined`: this call had its effect already, and what it settled by
    default is corrected.
    """
    verdict = _believable(verdict, since=since, now=now)
    concerned = contact.reason in BY_DEFAULT if joined else is_waiting(contact, campaign.settings.limits.max_attempts)
    if verdict.outcome is not Outcome.HUMAN or not concerned:
        return []
    settlement = _settle_again(contact, campaign, verdict, suppressed=suppressed, now=now)
    if (settlement.status, settlement.reason) == (contact.status, contact.reason) and joined:
        return []
    if settlement.status is RESCHEDULED and campaign.is_final:
        return []
    first_reached = contact.reached_by is None
    return [
        ContactStatusChanged(
            at=now,
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            previous=contact.status,
            previous_attempt=contact.attempt,
            previous_due_at=contact.due_at,
            status=settlement.status,
            attempt=contact.attempt,
            call_id=verdict.call_id,
            kind="inbound",
            reason=settlement.reason,
            due_at=settlement.due_at,
            first_reached=first_reached,
            day=_day(campaign, verdict, now) if first_reached else None,
        )
    ]


def _settled(
    contact: Contact, campaign: Campaign, verdict: CallVerdict, *, suppressed: bool, now: datetime
) -> ContactStatusChanged:
    counted = counts_as_attempt(verdict)
    # In progress the attempt is counted already; a call that was taken for uncounted was taken back.
    begun = contact.attempt if contact.status is IN_PROGRESS else contact.attempt + 1
    settlement = _settle(replace(contact, attempt=begun), campaign, verdict, suppressed=suppressed, now=now)
    answered = verdict.outcome in _BY_A_PERSON
    return ContactStatusChanged(
        at=now,
        campaign_id=contact.campaign_id,
        contact_id=contact.contact_id,
        previous=contact.status,
        previous_attempt=contact.attempt,
        previous_due_at=contact.due_at,
        status=settlement.status,
        attempt=begun if counted else begun - 1,
        call_id=verdict.call_id,
        kind="inbound" if verdict.kind == "inbound" else None,
        settings_version=verdict.settings_version,
        reason=settlement.reason,
        outcome=verdict.outcome,
        due_at=settlement.due_at,
        started_at=verdict.started_at,
        answered_at=verdict.answered_at,
        ended_at=verdict.ended_at,
        duration_seconds=verdict.duration_seconds if answered else None,
        placed=counted,
        answered=answered,
        first_reached=answered and contact.reached_by is None,
        day=_day(campaign, verdict, now) if counted else None,
    )


def _corrected(
    contact: Contact,
    call: LastCall,
    day: date,
    campaign: Campaign,
    verdict: CallVerdict,
    *,
    suppressed: bool,
    now: datetime,
) -> list[ContactStreamFact]:
    if contact.status is DO_NOT_CALL or not counts_as_attempt(verdict):
        return []
    answered = verdict.outcome in _BY_A_PERSON
    found_a_person = answered and contact.status in (NO_ANSWER, VOICEMAIL)
    # Once something picked up, the network's failure codes no longer apply: only who it was can still change.
    classified = verdict.outcome in _PICKED_UP and contact.reason in _OPEN_TO_DOUBT
    if not (asks_not_to_be_called(verdict) or found_a_person or classified):
        return []
    settlement = _settle_again(contact, campaign, verdict, suppressed=suppressed, now=now)
    if settlement.status is RESCHEDULED and campaign.is_final:
        return []
    old = Verdict(
        status=contact.status,
        answered=call.answered,
        reached=contact.reached_by is not None,
        duration_seconds=call.duration_seconds if call.answered else None,
        abandoned=call.answered and contact.reason == Outcome.ABANDONED,
    )
    new = Verdict(
        status=settlement.status,
        answered=answered,
        reached=answered or contact.reached_by not in (None, verdict.call_id),
        duration_seconds=verdict.duration_seconds if answered else None,
        abandoned=verdict.outcome is Outcome.ABANDONED,
    )
    if (old, contact.reason) == (new, settlement.reason):
        return []
    return [
        ContactCorrected(
            at=now,
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            call_id=verdict.call_id,
            old=old,
            new=new,
            day=day,
            reason=settlement.reason,
            due_at=settlement.due_at,
            attempt=contact.attempt,
            previous_due_at=contact.due_at,
        )
    ]


def _of_older_call(
    contact: Contact, campaign: Campaign, verdict: CallVerdict, *, suppressed: bool, now: datetime
) -> list[ContactStreamFact]:
    """The contact was called again since: only do-not-call, and that a person answered, matter now.

    What the older call was counted as stays: nobody remembers it. It can only add the first person who answered.
    """
    if contact.status in (IN_PROGRESS, DO_NOT_CALL):
        return []
    answered = verdict.outcome in _BY_A_PERSON
    if not asks_not_to_be_called(verdict) and not (answered and contact.status in (PENDING, NO_ANSWER, VOICEMAIL)):
        return []
    settlement = _settle_again(contact, campaign, verdict, suppressed=suppressed, now=now)
    if settlement.status is RESCHEDULED and campaign.is_final:
        return []
    first_reached = answered and contact.reached_by is None
    return [
        ContactStatusChanged(
            at=now,
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            previous=contact.status,
            previous_attempt=contact.attempt,
            previous_due_at=contact.due_at,
            status=settlement.status,
            attempt=contact.attempt,
            call_id=verdict.call_id,
            reason=settlement.reason,
            due_at=settlement.due_at,
            duration_seconds=verdict.duration_seconds if first_reached else None,
            answered=first_reached,
            first_reached=first_reached,
            day=_day(campaign, verdict, now) if first_reached else None,
        )
    ]


def _settle(
    contact: Contact,
    campaign: Campaign,
    verdict: CallVerdict,
    *,
    suppressed: bool,
    now: datetime,
) -> _Settlement:
    outcome = verdict.outcome
    ended_at = verdict.ended_at or now
    if asks_not_to_be_called(verdict):
        return _Settlement(DO_NOT_CALL, "asked")
    if suppressed:
        return _SUPPRESSED
    if contact.status is IN_PROGRESS and contact.call is not None and contact.call.before_status is DO_NOT_CALL:
        return _Settlement(DO_NOT_CALL, contact.call.before_reason)  # they rang us; we still don't ring them
    if outcome is Outcome.HUMAN:
        return _conversation(contact, campaign, verdict, ended_at)
    if outcome in _FAILED:
        return _Settlement(ContactStatus.FAILED, outcome)
    before = contact.call
    assert before is not None, "a call that ends was begun"
    if outcome is Outcome.NOT_PLACED or (outcome is Outcome.CANCELLED and not verdict.rang):
        return _Settlement(before.before_status, before.before_reason, before.before_due_at)
    due_at = _retry_at(contact, campaign, verdict, ended_at)
    if outcome in (Outcome.CARRIER_ERROR, Outcome.CONFIGURATION):
        if due_at is None and not campaign.is_final:
            return _Settlement(ContactStatus.FAILED, outcome)
        return _Settlement(before.before_status, outcome, due_at)
    return _Settlement(VOICEMAIL if outcome is Outcome.MACHINE else NO_ANSWER, outcome, due_at)


def _settle_again(
    contact: Contact, campaign: Campaign, verdict: CallVerdict, *, suppressed: bool, now: datetime
) -> _Settlement:
    # An opt-out reaches who waits: one that is completed or failed keeps its status, and may be corrected to another.
    settlement = _settle(contact, campaign, verdict, suppressed=False, now=now)
    waits = settlement.status is RESCHEDULED or settlement.due_at is not None
    return _SUPPRESSED if suppressed and waits else settlement


def _conversation(contact: Contact, campaign: Campaign, verdict: CallVerdict, ended_at: datetime) -> _Settlement:
    match verdict.conversation:
        case Conversation.GOAL_MET:
            return _Settlement(ContactStatus.COMPLETED, "goal_met")
        case Conversation.GOAL_NOT_MET:
            return _Settlement(ContactStatus.FAILED, "goal_not_met")
        case Conversation.CALLBACK:
            return _callback(contact, campaign, verdict, ended_at)
        case _ if campaign.settings.success_rule == "answered":
            return _Settlement(ContactStatus.COMPLETED, "answered")
        case _:
            return _Settlement(ContactStatus.FAILED, "no_outcome_reported")


def _callback(contact: Contact, campaign: Campaign, verdict: CallVerdict, ended_at: datetime) -> _Settlement:
    if campaign.settings.type != "outbound":
        return _Settlement(RESCHEDULED, "callback")  # kept for whoever calls back: nobody dials for this campaign
    due_at = verdict.callback_at or ended_at + timedelta(seconds=campaign.settings.callback_delay_seconds)
    end = ends_at(campaign.settings)
    spent = contact.attempt >= campaign.settings.limits.max_attempts + CALLBACKS_OVER_BUDGET
    if spent or due_at > ended_at + MAX_CALLBACK or (end is not None and due_at >= end):
        return _Settlement(ContactStatus.FAILED, "callback_not_possible")
    return _Settlement(RESCHEDULED, "callback", None if campaign.is_final else due_at)


def _retry_at(contact: Contact, campaign: Campaign, verdict: CallVerdict, ended_at: datetime) -> datetime | None:
    rule = rule_of(campaign.settings.retry, verdict.outcome)
    tries = contact.tries.get(verdict.outcome, 0) + 1
    if (
        campaign.is_final
        or campaign.settings.type != "outbound"
        or (rule.max_retries is not None and tries > rule.max_retries)
    ):
        return None
    delay = rule.delays_seconds[min(tries, len(rule.delays_seconds)) - 1]
    asked_seconds = min(verdict.retry_after_seconds or 0, MAX_RETRY_AFTER_SECONDS)
    return ended_at + timedelta(seconds=max(delay, asked_seconds))


def rule_of(rules: RetryRules, outcome: Outcome) -> RetryRule:
    """The retry rule that an outcome falls under."""
    rule: RetryRule = getattr(rules, _RULE_OF[outcome])
    return rule


def _believable(verdict: CallVerdict, *, since: datetime, now: datetime) -> CallVerdict:
    # The times are the carrier's. A clock of theirs that is wrong must neither park a contact for a year nor ring it
    # again at once: the call lies between its permit and now.
    times = {name: getattr(verdict, name) for name in ("started_at", "answered_at", "ended_at")}
    return verdict.model_copy(update={name: min(max(at, since), now) for name, at in times.items() if at is not None})


def _day(campaign: Campaign, verdict: CallVerdict, now: datetime) -> date:
    started_at = verdict.started_at or now
    return started_at.astimezone(zone_of(campaign.settings)).date()
