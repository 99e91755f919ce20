"""A call moves forward only, whatever comes twice, late or in another order, and ends once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_events.facts import CallAnswered, CallCorrected, CallEnded, CallEvent, CallKind, CallPlaced
from campaign_events.settings import Conversation, Outcome, SuccessRule
from dialer.calls import (
    FINDS_BEFORE_GIVING_UP,
    LENGTH_SLACK_SECONDS,
    RANK,
    Call,
    Patience,
    Step,
    Words,
    absent,
    accepted,
    found,
    heard,
    looked_at,
    refused,
    reported,
    silent,
    too_long_at,
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
    done, told = reported(waiting, Report(Conversation.GOAL_MET), words=Words("Agreed."), now=LATER, patience=PATIENCE)
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
    live, told = reported(live, Report(Conversation.CALLBACK, at(9000)), words=Words(), now=LATER, patience=PATIENCE)
    assert told == ()
    _, told = hear(live, TALK[3:])
    assert [(f.conversation, f.callback_at) for f in told if isinstance(f, CallEnded)] == [
        (Conversation.CALLBACK, at(9000))
    ]


def test_the_first_report_after_the_settlement_corrects_and_a_second_one_is_refused_except_do_not_call() -> None:
    settled, _ = hear(call(), TALK)
    after, told = reported(settled, Report(Conversation.GOAL_NOT_MET), words=Words(), now=LATER, patience=PATIENCE)
    assert [type(fact) for fact in told] == [CallCorrected]
    same, told = reported(after, Report(Conversation.GOAL_NOT_MET), words=Words(), now=LATER, patience=PATIENCE)
    assert (same, told) == (after, ())
    with pytest.raises(ReportRefused):
        reported(after, Report(Conversation.GOAL_MET), words=Words(), now=LATER, patience=PATIENCE)
    last, told = reported(after, Report(Conversation.DO_NOT_CALL), words=Words(), now=LATER, patience=PATIENCE)
    assert last.conversation is Conversation.DO_NOT_CALL
    assert [fact.conversation for fact in told if isinstance(fact, CallCorrected)] == [Conversation.DO_NOT_CALL]


def test_the_same_report_again_adds_the_recording_and_replaces_nothing() -> None:
    settled, _ = hear(call(), TALK)
    report, data = Report(Conversation.GOAL_MET), '{"order": 7}'
    first, _ = reported(settled, report, words=Words("Agreed.", data=data), now=LATER, patience=PATIENCE)
    words = Words("Something else.", "https://records.example/1", None, "{}")
    again, told = reported(first, report, words=words, now=LATER, patience=PATIENCE)
    assert told == ()
    assert (again.summary, again.recording_url, again.data) == ("Agreed.", "https://records.example/1", data)
    last, _ = reported(again, Report(Conversation.DO_NOT_CALL), words=Words("No more."), now=LATER, patience=PATIENCE)
    assert (last.summary, last.recording_url) == ("No more.", "https://records.example/1")


def test_the_words_of_a_report_are_in_no_fact() -> None:
    live, _ = hear(call(), TALK[:3])
    words = Words("SECRET", "https://SECRET.example/1", "https://SECRET.example/2", '{"SECRET": 1}')
    live, _ = reported(live, Report(Conversation.GOAL_MET), words=words, now=LATER, patience=PATIENCE)
    _, told = hear(live, TALK[3:])
    assert any(isinstance(fact, CallEnded) for fact in told)
    assert "SECRET" not in "".join(fact.model_dump_json() for fact in told)


def test_a_person_whom_nobody_of_us_attended_is_abandoned_at_the_end_whatever_the_success_rule() -> None:
    alone = replace(TALK[-1], attended=False)
    over, told = hear(call(success_rule="reported"), [*TALK[:-1], alone])
    assert over.state == "settled"
    assert [fact.outcome for fact in told if isinstance(fact, CallEnded)] == [Outcome.ABANDONED]


def test_an_abandoned_call_that_a_machine_had_answered_is_corrected_by_the_late_verdict() -> None:
    alone = replace(TALK[-1], attended=False)
    over, _ = hear(call(), [one for one in [*TALK[:-1], alone] if one.status != "amd"])
    assert over.outcome is Outcome.ABANDONED
    late = CarrierEvent(call_id=CALL_ID, at=at(60), status="amd", answered_by="machine")
    after, told = hear(over, [late])
    assert [fact.outcome for fact in told if isinstance(fact, CallCorrected)] == [Outcome.MACHINE]
    assert after.outcome is Outcome.MACHINE


def test_an_agent_that_reports_was_there_whatever_the_carrier_says() -> None:
    alone = replace(TALK[-1], attended=False)
    over, _ = hear(call(), [*TALK[:-1], alone])
    _, told = reported(over, Report(Conversation.GOAL_MET), words=Words(), now=LATER, patience=PATIENCE)
    assert [(f.outcome, f.conversation) for f in told if isinstance(f, CallCorrected)] == [
        (Outcome.HUMAN, Conversation.GOAL_MET)
    ]


def test_an_answered_call_is_looked_at_when_it_lasts_longer_than_it_may() -> None:
    live, _ = hear(call(max_call_seconds=20), TALK[:3])
    assert live.answered_at is not None
    longest_at = too_long_at(live.answered_at, 20)
    assert longest_at == live.answered_at + timedelta(seconds=20 + LENGTH_SLACK_SECONDS)
    soon, _ = heard(live, TALK[2], now=live.answered_at, patience=PATIENCE)
    assert soon.check_at == min(longest_at, live.answered_at + timedelta(seconds=PATIENCE.reconcile_seconds))
    beyond, _ = heard(live, TALK[2], now=longest_at + timedelta(seconds=1), patience=PATIENCE)
    assert beyond.check_at is not None
    assert beyond.check_at > longest_at + timedelta(seconds=1), "not over and over at full speed"
    assert too_long_at(None, 20) is too_long_at(live.answered_at, None) is None


@pytest.mark.parametrize("kind", ["campaign", "test", "inbound"])
def test_the_facts_of_a_call_say_what_it_is_for(kind: CallKind) -> None:
    _, told = hear(call(kind=kind), TALK)
    assert {fact.kind for fact in told if isinstance(fact, CallPlaced | CallEnded)} == {kind}


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


def test_a_call_the_carrier_has_accepted_does_not_ring_until_an_event_says_so() -> None:
    placed, _ = accepted(call(), at(1), now=at(1), patience=PATIENCE)
    assert (placed.state, placed.ringing_at) == ("placed", None)
    ended, facts = heard(placed, event("ended", 3, sip_code=487), now=at(3), patience=PATIENCE)
    assert [fact.rang for fact in facts if isinstance(fact, CallEnded)] == [False]
    assert ended.ringing_at is None
