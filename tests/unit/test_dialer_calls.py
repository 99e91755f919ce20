"""A call moves forward only, whatever comes twice, late or in another order, and ends once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_events.facts import CallAnswered, CallCorrected, CallEnded, CallEvent, CallPlaced
from campaign_events.settings import Conversation, Outcome, SuccessRule
from dialer.breaker import FAILURES_TO_OPEN, FIRST_PAUSE_SECONDS, Breaker
from dialer.calls import (
    FINDS_BEFORE_GIVING_UP,
    RANK,
    Call,
    Patience,
    Step,
    absent,
    accepted,
    found,
    heard,
    looked_at,
    refused,
    reported,
    silent,
    unanswered,
)
from dialer.carriers import CarrierEvent, EventStatus, Sighting
from dialer.outcomes import Report, ReportRefused

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
CALL_ID = UUID("00000000-0000-4000-8000-00000000000a")
PATIENCE = Patience()
LATER = NOW + timedelta(seconds=100)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def call(**fields: object) -> Call:
    first = Call(
        id=CALL_ID,
        workspace=CALL_ID,
        campaign_id=CALL_ID,
        contact_id=CALL_ID,
        attempt=1,
        settings_version=1,
        success_rule="answered",
        day=NOW.date(),
        created_at=NOW,
        state="placing",
        ring_timeout_seconds=30,
        permit_ends_at=at(2),
    )
    return replace(first, **fields)  # type: ignore[arg-type]


def event(status: EventStatus, seconds: float, **fields: object) -> CarrierEvent:
    return CarrierEvent(call_id=CALL_ID, at=at(seconds), status=status, **fields)  # type: ignore[arg-type]


TALK = [
    event("ringing", 1),
    event("answered", 5),
    event("amd", 8, answered_by="human"),
    event("ended", 45, sip_code=200, q850_cause=16, duration_seconds=40.0),
]


def hear(call: Call, events: list[CarrierEvent], *, now: datetime = LATER) -> Step:
    told: tuple[CallEvent, ...] = ()
    for one in events:
        call, facts = heard(call, one, now=now, patience=PATIENCE)
        told += facts
    return call, told


@given(st.permutations(TALK), st.lists(st.sampled_from(TALK), max_size=6), st.booleans())
def test_events_in_any_order_and_twice_give_one_end_and_the_same_verdict(
    order: list[CarrierEvent], again: list[CarrierEvent], answer_first: bool
) -> None:
    subject = call()
    told: tuple[CallEvent, ...] = ()
    if answer_first:
        subject, told = accepted(subject, at(0), now=LATER, patience=PATIENCE)
    ranks = [RANK[subject.state]]
    for one in order + again:
        subject, facts = heard(subject, one, now=LATER, patience=PATIENCE)
        told += facts
        ranks.append(RANK[subject.state])
    subject, facts = accepted(subject, at(0), now=LATER, patience=PATIENCE)
    told += facts
    assert ranks == sorted(ranks)
    kinds = [type(fact) for fact in told]
    assert kinds[0] is CallPlaced
    assert kinds.count(CallPlaced) == kinds.count(CallAnswered) == kinds.count(CallEnded) == 1
    assert kinds.index(CallAnswered) < kinds.index(CallEnded)
    last = [fact for fact in told if isinstance(fact, CallEnded | CallCorrected)][-1]
    assert (last.outcome, last.answered_at, last.ended_at, last.duration_seconds) == (Outcome.HUMAN, at(5), at(45), 40)


def test_a_late_machine_verdict_corrects_the_call_once() -> None:
    subject, _ = hear(call(), [TALK[0], TALK[1], TALK[3]])
    assert subject.state == "settled"
    machine = event("amd", 50, answered_by="machine")
    subject, told = hear(subject, [machine, machine])
    assert [(type(fact), getattr(fact, "outcome", None)) for fact in told] == [(CallCorrected, Outcome.MACHINE)]


@pytest.mark.parametrize(
    ("sip", "q850", "outcome"),
    [(486, 17, Outcome.BUSY), (480, 19, Outcome.NO_ANSWER), (603, 21, Outcome.DECLINED), (607, None, Outcome.UNWANTED)],
)
def test_a_call_nobody_answered_settles_at_its_end(sip: int, q850: int | None, outcome: Outcome) -> None:
    subject, told = hear(call(), [TALK[0], event("ended", 30, sip_code=sip, q850_cause=q850)])
    assert subject.state == "settled"
    assert isinstance(told[-1], CallEnded)
    assert (told[-1].outcome, told[-1].rang, told[-1].answered_at) == (outcome, True, None)


@pytest.mark.parametrize(("rule", "state"), [("answered", "settled"), ("reported", "ended")])
def test_where_success_is_reported_the_end_waits_for_the_report(rule: SuccessRule, state: str) -> None:
    subject, _ = hear(call(success_rule=rule), TALK)
    assert subject.state == state
    assert subject.is_over


def test_a_report_within_the_grace_settles_and_the_grace_settles_without_one() -> None:
    waiting, told = hear(call(success_rule="reported"), TALK)
    assert not any(isinstance(fact, CallEnded) for fact in told)
    done, told = reported(waiting, Report(Conversation.GOAL_MET), summary="Agreed.", now=LATER, patience=PATIENCE)
    assert done.state == "settled"
    assert [(fact.outcome, fact.conversation) for fact in told if isinstance(fact, CallEnded)] == [
        (Outcome.HUMAN, Conversation.GOAL_MET)
    ]
    early, told = looked_at(waiting, now=at(45 + 299), patience=PATIENCE)
    assert (early.state, told) == ("ended", ())
    over, told = looked_at(waiting, now=at(45 + 300), patience=PATIENCE)
    assert over.state == "settled"
    assert [(fact.outcome, fact.conversation) for fact in told if isinstance(fact, CallEnded)] == [
        (Outcome.HUMAN, None)
    ]


def test_a_report_during_the_call_is_told_with_its_end() -> None:
    live, _ = hear(call(), TALK[:3])
    live, told = reported(live, Report(Conversation.CALLBACK, at(9000)), summary=None, now=LATER, patience=PATIENCE)
    assert told == ()
    _, told = hear(live, TALK[3:])
    assert [(f.conversation, f.callback_at) for f in told if isinstance(f, CallEnded)] == [
        (Conversation.CALLBACK, at(9000))
    ]


def test_the_first_report_after_the_settlement_corrects_and_a_second_one_is_refused_except_do_not_call() -> None:
    settled, _ = hear(call(), TALK)
    after, told = reported(settled, Report(Conversation.GOAL_NOT_MET), summary=None, now=LATER, patience=PATIENCE)
    assert [type(fact) for fact in told] == [CallCorrected]
    same, told = reported(after, Report(Conversation.GOAL_NOT_MET), summary=None, now=LATER, patience=PATIENCE)
    assert (same, told) == (after, ())
    with pytest.raises(ReportRefused):
        reported(after, Report(Conversation.GOAL_MET), summary=None, now=LATER, patience=PATIENCE)
    last, told = reported(after, Report(Conversation.DO_NOT_CALL), summary=None, now=LATER, patience=PATIENCE)
    assert last.conversation is Conversation.DO_NOT_CALL
    assert [fact.conversation for fact in told if isinstance(fact, CallCorrected)] == [Conversation.DO_NOT_CALL]


def test_a_refusal_before_placing_rings_nobody() -> None:
    subject, told = refused(call(), Outcome.CARRIER_ERROR, retry_after_seconds=7, now=LATER)
    [ended] = told
    assert isinstance(ended, CallEnded)
    assert (ended.outcome, ended.rang, ended.started_at, ended.retry_after_seconds) == (
        *(Outcome.CARRIER_ERROR, False, None),
        7,
    )
    assert refused(subject, Outcome.NOT_PLACED, retry_after_seconds=None, now=LATER) == (subject, ())


def test_an_unknown_call_is_not_placed_only_when_no_request_can_be_on_its_way() -> None:
    subject, told = unanswered(call(), now=at(1))
    assert (subject.state, told) == ("unknown", ())
    waiting, told = absent(subject, now=at(3.9), patience=PATIENCE)
    assert (waiting.state, told) == ("unknown", ())
    assert waiting.check_at is not None
    over, told = absent(subject, now=at(4), patience=PATIENCE)
    assert over.state == "settled"
    assert [fact.outcome for fact in told if isinstance(fact, CallEnded)] == [Outcome.NOT_PLACED]


def test_what_the_carrier_knows_of_an_unknown_call_is_applied() -> None:
    subject, _ = unanswered(call(), now=at(1))
    over, told = found(subject, Sighting(at(0), TALK), now=LATER, patience=PATIENCE)
    assert over.state == "settled"
    assert [type(fact) for fact in told] == [CallPlaced, CallAnswered, CallEnded]
    assert over.started_at == at(0)


def test_the_answer_of_the_api_after_an_event_keeps_the_carriers_own_start() -> None:
    subject, told = hear(call(), TALK[:1])
    assert [type(fact) for fact in told] == [CallPlaced]
    subject, told = accepted(subject, at(0), now=LATER, patience=PATIENCE)
    assert told == ()
    assert (subject.state, subject.started_at) == ("ringing", at(0))


def test_a_time_out_after_an_event_changes_nothing() -> None:
    subject, _ = hear(call(), TALK[:2])
    assert unanswered(subject, now=LATER) == (subject, ())
    assert refused(subject, Outcome.NOT_PLACED, retry_after_seconds=None, now=LATER) == (subject, ())


def test_a_carrier_that_never_answers_leaves_the_outcome_unknown_after_the_deadline() -> None:
    subject, _ = hear(call(), TALK[:2])
    now = LATER
    told: tuple[CallEvent, ...] = ()
    for _ in range(100_000):
        subject, facts = silent(subject, now=now, patience=PATIENCE)
        if facts:
            told = facts
            break
        assert subject.check_at is not None
        assert subject.check_at > now
        now = subject.check_at
    assert [fact.outcome for fact in told if isinstance(fact, CallEnded)] == [Outcome.UNKNOWN]
    assert now >= at(30 + PATIENCE.call_deadline_seconds)
    assert subject.checks >= FINDS_BEFORE_GIVING_UP


def test_the_end_of_a_call_given_up_corrects_it() -> None:
    given_up = replace(hear(call(), TALK[:2])[0], checks=99)
    given_up, _ = silent(given_up, now=at(99_999), patience=PATIENCE)
    assert given_up.state == "settled"
    _, told = hear(given_up, TALK[3:])
    assert [fact.outcome for fact in told if isinstance(fact, CallCorrected)] == [Outcome.HUMAN]


def test_a_hang_up_of_ours_before_the_answer_is_cancelled() -> None:
    subject, _ = hear(call(hangup_asked_at=at(2)), TALK[:1])
    _, told = hear(subject, [event("ended", 3, sip_code=487, reason="hangup")])
    assert [fact.outcome for fact in told if isinstance(fact, CallEnded)] == [Outcome.CANCELLED]


def test_a_trunk_that_fails_again_and_again_is_left_alone_and_tried_by_one_call() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.allows(0.0) is None
        breaker.failed(0.0)
    assert breaker.allows(FIRST_PAUSE_SECONDS - 0.1) == 0
    assert breaker.allows(FIRST_PAUSE_SECONDS) == 1
    breaker.failed(FIRST_PAUSE_SECONDS)
    assert breaker.allows(2 * FIRST_PAUSE_SECONDS) == 0
    breaker.succeeded()
    assert breaker.allows(2 * FIRST_PAUSE_SECONDS) is None


def test_a_call_the_carrier_has_accepted_does_not_ring_until_an_event_says_so() -> None:
    placed, _ = accepted(call(), at(1), now=at(1), patience=PATIENCE)
    assert (placed.state, placed.ringing_at) == ("placed", None)
    ended, facts = heard(placed, event("ended", 3, sip_code=487), now=at(3), patience=PATIENCE)
    assert [fact.rang for fact in facts if isinstance(fact, CallEnded)] == [False]
    assert ended.ringing_at is None
