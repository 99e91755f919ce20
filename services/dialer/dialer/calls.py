"""One call: what the permit, the carrier, the agent and the clock do to it, and the facts that follow.

What must stay true: a call only moves forward, whatever comes twice, late or in another order; `CallPlaced` comes
before anything else of it; `CallEnded` comes once, when the outcome has settled, and what changes it later is a
`CallCorrected`. Pure: `now` (UTC) is an argument; each step returns the call after it and the facts of the step.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from campaign_events.facts import CallAnswered, CallCorrected, CallEnded, CallEvent, CallKind, CallPlaced
from campaign_events.settings import Conversation, Outcome, SuccessRule
from dialer.breaker import API_WORDS
from dialer.carriers import Accepted, CarrierEvent, Placed, Rejected, Sighting, Unknown
from dialer.outcomes import Report, accept_report, is_settled, outcome_of, settle

State = Literal["asked", "placing", "unknown", "placed", "ringing", "answered", "ended", "settled"]
"""asked: a permit is asked for. placing: the carrier is asked. unknown: whether it took the call is not known.

placed, ringing, answered: live. ended: hung up, the outcome has not settled. settled: over.
"""
RANK: dict[str, int] = {
    "asked": 0,
    "placing": 1,
    "unknown": 2,
    "placed": 3,
    "ringing": 4,
    "answered": 5,
    "ended": 6,
    "settled": 7,
}
LIVE: tuple[State, ...] = ("placing", "unknown", "placed", "ringing", "answered")
"""The states that hold a line; `asked` may become live and is counted with them."""
FIRST_FIND_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
FINDS_BEFORE_GIVING_UP = 3
MAX_WORDS = 500
LENGTH_SLACK_SECONDS = 5.0
"""So much longer than it may a call lasts before we hang it up ourselves: the carrier comes first."""

Step = tuple["Call", tuple[CallEvent, ...]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    place_timeout_seconds: float = 2.0
    reconcile_seconds: float = 30.0
    outcome_grace_seconds: float = 300.0
    call_deadline_seconds: float = 14_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it is known now. Instants are UTC; those of the carrier are its own."""

    id: UUID
    workspace: UUID
    campaign_id: UUID
    contact_id: UUID
    attempt: int
    settings_version: int
    success_rule: SuccessRule
    day: date
    created_at: datetime
    state: State
    kind: CallKind = "campaign"
    ring_timeout_seconds: int | None = None
    max_call_seconds: int | None = None
    permit_ends_at: datetime | None = None
    traceparent: str | None = None
    """The trace in which it was placed; its facts belong to it."""
    started_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    answered_by_at: datetime | None = None
    attended: bool | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    sip_code: int | None = None
    q850_cause: int | None = None
    raw_reason: str | None = None
    retry_after_seconds: float | None = None
    hangup_asked_at: datetime | None = None
    reported_at: datetime | None = None
    conversation: Conversation | None = None
    callback_at: datetime | None = None
    summary: str | None = None
    recording_url: str | None = None
    transcript_url: str | None = None
    data: str | None = None
    """The agent's own fields, a JSON object as text."""
    given_outcome: Outcome | None = None
    """The outcome of a call that has no end event: refused, not placed, or given up."""
    outcome: Outcome | None = None
    settled_at: datetime | None = None
    check_at: datetime | None = None
    checks: int = 0
    facts: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the line is free again."""
        return RANK[self.state] >= RANK["ended"]


# ---- what the carrier's API says


def accepted(call: Call, at: datetime, *, now: datetime, patience: Patience) -> Step:
    """The carrier has taken the call, at its own time `at`. An event may have proved that before: nothing is new."""
    if RANK[call.state] >= RANK["placed"]:
        return (call if call.is_over else replace(call, started_at=at)), ()
    # One that came in began when it did, not when its first event says.
    placed = replace(call, state="placed", started_at=call.started_at or at, checks=0)
    return _expect_more(placed, now=now, patience=patience), (_placed_fact(call, now),)


def api_answered(call: Call, answer: Placed, *, now: datetime, patience: Patience) -> Step:
    """What the carrier's API said to a new call."""
    if RANK[call.state] >= RANK["placed"]:
        pass  # an event has said more already
    elif isinstance(answer, Unknown):
        call = replace(call, raw_reason=f"{API_WORDS}no answer, {answer.reason}")
    elif isinstance(answer, Rejected) and answer.reason != "expired":
        call = replace(call, raw_reason=f"{API_WORDS}{answer.reason} {answer.code}"[:MAX_WORDS])
    match answer:
        case Accepted():
            return accepted(call, answer.at, now=now, patience=patience)
        case Rejected():
            outcome = _REJECTED[answer.reason]
            return refused(call, outcome, retry_after_seconds=answer.retry_after_seconds, now=now)
        case Unknown():
            return unanswered(call, now=now)


_REJECTED: Mapping[str, Outcome] = {
    "expired": Outcome.NOT_PLACED,
    "unreachable": Outcome.NOT_PLACED,
    "unavailable": Outcome.CARRIER_ERROR,
    "configuration": Outcome.CONFIGURATION,
}


def refused(call: Call, outcome: Outcome, *, retry_after_seconds: float | None, now: datetime) -> Step:
    """The carrier has definitely not taken the call, or it never got there (`not_placed`): nothing has rung."""
    if RANK[call.state] >= RANK["placed"]:
        return call, ()
    return _give(call, outcome, retry_after_seconds=retry_after_seconds, now=now)


def unanswered(call: Call, *, now: datetime) -> Step:
    """Nobody knows whether the carrier has taken the call: it is looked up, and never placed again."""
    if call.state not in ("placing", "unknown"):
        return call, ()
    return replace(call, state="unknown", check_at=now + timedelta(seconds=FIRST_FIND_SECONDS)), ()


def found(call: Call, sighting: Sighting, *, now: datetime, patience: Patience) -> Step:
    """The carrier's answer to `find`: all it knows of the call."""
    facts: tuple[CallEvent, ...] = ()
    call = replace(call, checks=0)
    if RANK[call.state] < RANK["placed"]:
        call, facts = accepted(call, sighting.accepted_at, now=now, patience=patience)
    for event in sighting.events:
        call, more = heard(call, event, now=now, patience=patience)
        facts += more
    return (call if call.is_over else _expect_more(call, now=now, patience=patience)), facts


def absent(call: Call, *, now: datetime, patience: Patience) -> Step:
    """The carrier does not know the call. That counts once no request can be on its way any more."""
    if RANK[call.state] >= RANK["placed"]:
        # It took the call once, so it has forgotten it: only the deadline can end it.
        return _no_answer(call, now=now, patience=patience)
    last_arrival = (call.permit_ends_at or call.created_at) + timedelta(seconds=patience.place_timeout_seconds)
    if now < last_arrival:
        return replace(call, check_at=max(last_arrival, now + timedelta(seconds=FIRST_FIND_SECONDS))), ()
    return _give(call, Outcome.NOT_PLACED, retry_after_seconds=None, now=now)


def silent(call: Call, *, now: datetime, patience: Patience) -> Step:
    """The carrier did not answer `find`."""
    return _no_answer(call, now=now, patience=patience)


# ---- the carrier's events


def heard(call: Call, event: CarrierEvent, *, now: datetime, patience: Patience) -> Step:
    """An event of the carrier. It proves that the carrier took the call, if that was not known yet."""
    facts: tuple[CallEvent, ...] = ()
    before = call
    if RANK[call.state] < RANK["placed"]:
        call, facts = accepted(call, event.at, now=now, patience=patience)
    match event.status:
        case "ringing":
            call = _reach(replace(call, ringing_at=_earliest(call.ringing_at, event.at)), "ringing")
        case "answered":
            call = _reach(replace(call, answered_at=_earliest(call.answered_at, event.at)), "answered")
        case "amd":
            if call.answered_by_at is None or event.at >= call.answered_by_at:
                call = replace(call, answered_by=event.answered_by or call.answered_by, answered_by_at=event.at)
        case "ended":
            call = _ended(call, event)
    if before.answered_at is None and call.answered_at is not None:
        facts += (_answered_fact(call, now),)
    if call.ended_at is None:
        return _expect_more(replace(call, checks=0), now=now, patience=patience), facts
    call, more = _settle(before, call, now=now, patience=patience)
    return call, facts + more


def _ended(call: Call, event: CarrierEvent) -> Call:
    if call.ended_at is not None and call.given_outcome is None:
        return call
    answered_at = call.answered_at
    if answered_at is None and event.sip_code == 200 and event.duration_seconds is not None:
        answered_at = event.at - timedelta(seconds=event.duration_seconds)
    duration = event.duration_seconds
    if duration is None and answered_at is not None:
        duration = max(0.0, (event.at - answered_at).total_seconds())
    call = replace(
        call,
        answered_at=answered_at,
        answered_by=call.answered_by or event.answered_by,
        ended_at=event.at,
        duration_seconds=duration,
        sip_code=event.sip_code,
        q850_cause=event.q850_cause,
        raw_reason=event.reason,
        attended=event.attended if call.attended is None else call.attended,
        given_outcome=None,
    )
    return _reach(call, "ended")


# ---- the agent, and us


@dataclass(frozen=True, slots=True)
class Words:
    """What the agent says beside the outcome. Kept with the call, and never in a fact."""

    summary: str | None = None
    recording_url: str | None = None
    transcript_url: str | None = None
    data: str | None = None

    def over(self, call: Call) -> dict[str, Any]:
        """The call's words after these: what is not said again stays."""
        return {name: getattr(call, name) if value is None else value for name, value in asdict(self).items()}

    def under(self, call: Call) -> dict[str, Any]:
        """The call's words, and these where it has none."""
        return {name: value for name, value in asdict(self).items() if getattr(call, name) is None}


def reported(call: Call, report: Report, *, words: Words, now: datetime, patience: Patience) -> Step:
    """The agent's report. Raises ReportRefused for a second, different one; the same again adds what was missing (a
    recording is often there later), and changes nothing."""
    first = Report(call.conversation, call.callback_at) if call.conversation else None
    if accept_report(first=first, later=report) == first:
        return replace(call, **words.under(call)), ()
    after = replace(
        call, conversation=report.conversation, callback_at=report.callback_at, reported_at=now, **words.over(call)
    )
    if after.ended_at is None:
        return after, ()
    return _settle(call, after, now=now, patience=patience)


def looked_at(call: Call, *, now: datetime, patience: Patience) -> Step:
    """The clock: a call that has ended settles when its grace is over."""
    if call.state != "ended":
        return call, ()
    return _settle(call, call, now=now, patience=patience)


def told_again(call: Call, *, now: datetime, next_at: datetime | None) -> Step:
    """Its end was told, and perhaps not heard: the same verdict once more, as a correction that corrects nothing."""
    if call.state != "settled":
        return call, ()
    return replace(call, check_at=next_at), (CallCorrected(**_verdict_fields(call, now)),)


# ---- settling


def verdict(call: Call) -> tuple[Outcome, Conversation | None]:
    """What a call that is over came to, as far as is known."""
    return settle(_telephony(call), call.conversation)


def _telephony(call: Call) -> Outcome:
    if call.given_outcome is not None:
        return call.given_outcome
    if call.kind == "inbound" and call.answered_at is None and call.sip_code != 200:
        return Outcome.CANCELLED  # whatever the code: whoever rang is there no more, and nobody of ours picked up
    return outcome_of(
        answered=call.answered_at is not None,
        answered_by=call.answered_by,
        rang=_rang(call),
        sip_code=call.sip_code,
        q850_cause=call.q850_cause,
        reason_text=call.raw_reason,
        hung_up_by_us=call.hangup_asked_at is not None,
        attended=call.attended is not False,
    )


def _settle(before: Call, call: Call, *, now: datetime, patience: Patience) -> Step:
    ended_at = call.ended_at
    assert ended_at is not None
    outcome, _ = verdict(call)
    if call.state == "settled":
        if _figures(call) == _figures(before):
            return replace(call, check_at=None), ()
        call = replace(call, outcome=outcome, check_at=None)
        return call, (CallCorrected(**_verdict_fields(call, now)),)
    grace_ends_at = ended_at + timedelta(seconds=patience.outcome_grace_seconds)
    if not is_settled(
        telephony=_telephony(call),
        report=call.conversation,
        success_rule=call.success_rule,
        grace_over=now >= grace_ends_at,
    ):
        return replace(call, state="ended", check_at=grace_ends_at), ()
    call = replace(call, state="settled", outcome=outcome, settled_at=now, check_at=None)
    return call, (CallEnded(**_verdict_fields(call, now)),)


def _give(call: Call, outcome: Outcome, *, retry_after_seconds: float | None, now: datetime) -> Step:
    if call.ended_at is not None:
        return call, ()
    given = replace(call, given_outcome=outcome, ended_at=now, retry_after_seconds=retry_after_seconds)
    return _settle(call, given, now=now, patience=Patience(outcome_grace_seconds=0))


def _figures(call: Call) -> tuple[object, ...]:
    return (*verdict(call), call.callback_at, call.answered_at, call.ended_at, call.duration_seconds)


def _verdict_fields(call: Call, now: datetime) -> dict[str, Any]:
    outcome, conversation = verdict(call)
    return {
        "at": now,
        "campaign_id": call.campaign_id,
        "contact_id": call.contact_id,
        "call_id": call.id,
        "attempt": call.attempt,
        "settings_version": call.settings_version,
        "outcome": outcome,
        "conversation": conversation,
        "callback_at": call.callback_at,
        "rang": _rang(call),
        "started_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "duration_seconds": call.duration_seconds,
        "sip_code": call.sip_code,
        "q850_cause": call.q850_cause,
        "retry_after_seconds": call.retry_after_seconds,
        "kind": call.kind,
    }


def _placed_fact(call: Call, now: datetime) -> CallPlaced:
    return CallPlaced(
        at=now,
        campaign_id=call.campaign_id,
        contact_id=call.contact_id,
        call_id=call.id,
        attempt=call.attempt,
        settings_version=call.settings_version,
        kind=call.kind,
    )


def _answered_fact(call: Call, now: datetime) -> CallAnswered:
    return CallAnswered(at=now, campaign_id=call.campaign_id, contact_id=call.contact_id, call_id=call.id)


# ---- deadlines


def _expect_more(call: Call, *, now: datetime, patience: Patience) -> Call:
    """When the next word of a live call is overdue."""
    expected = float(call.ring_timeout_seconds or 0) if call.state == "ringing" else 0.0
    check_at = now + timedelta(seconds=expected + patience.reconcile_seconds)
    longest_at = too_long_at(call.answered_at, call.max_call_seconds)
    return replace(call, check_at=min(check_at, longest_at) if longest_at and longest_at > now else check_at)


def too_long_at(answered_at: datetime | None, max_call_seconds: int | None) -> datetime | None:
    """When a call that was answered lasts longer than it may; None if it was not answered, or nobody said how long."""
    if answered_at is None or max_call_seconds is None:
        return None
    return answered_at + timedelta(seconds=max_call_seconds + LENGTH_SLACK_SECONDS)


def _no_answer(call: Call, *, now: datetime, patience: Patience) -> Step:
    """Nothing learnt: again later, and after the last deadline the outcome is unknown."""
    if call.is_over:
        return call, ()
    since = call.started_at or call.created_at
    deadline = since + timedelta(seconds=(call.ring_timeout_seconds or 0) + patience.call_deadline_seconds)
    if now >= deadline and call.checks >= FINDS_BEFORE_GIVING_UP:
        return _give(call, Outcome.UNKNOWN, retry_after_seconds=None, now=now)
    wait = min(FIRST_FIND_SECONDS * 2 ** min(call.checks, 20), LONGEST_WAIT_SECONDS)
    return replace(call, checks=call.checks + 1, check_at=now + timedelta(seconds=wait)), ()


# ---- small words


def _reach(call: Call, state: State) -> Call:
    return replace(call, state=state) if RANK[state] > RANK[call.state] else call


def _rang(call: Call) -> bool:
    return call.ringing_at is not None or call.answered_at is not None


def _earliest(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
