"""What the end of a call makes of its contact, and what comes later: the tables of the outcomes reference."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from analytics_projector.figures import NOTHING, CallFigures, figures_of
from campaign_command.campaign import Campaign
from campaign_command.contact import Contact, ContactStreamFact, LastCall, decide_permit, evolve, is_waiting, opt_out
from campaign_command.verdict import (
    asks_not_to_be_called,
    counts_as_attempt,
    decide_report,
    rule_of,
    silence_until,
)
from campaign_events.facts import (
    CallCorrected,
    CallEnded,
    CallVerdict,
    ContactCorrected,
    ContactStatusChanged,
    Verdict,
)
from campaign_events.schedule import STORED, Schedule
from campaign_events.settings import (
    CampaignSettings,
    CampaignStatus,
    ContactStatus,
    Conversation,
    Limits,
    Outcome,
    RetryRule,
    RetryRules,
)

CAMPAIGN, WORKSPACE, ANNA = (UUID(int=n) for n in range(1, 4))
CALL, OLDER_CALL = UUID(int=100), UUID(int=99)
STARTED = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANSWERED = STARTED + timedelta(seconds=10)
ENDED = STARTED + timedelta(seconds=40)
NOW = ENDED + timedelta(seconds=2)
BEFORE = STARTED - timedelta(hours=1)
LONG_AGO = STARTED - timedelta(days=400)
DAY = timedelta(days=1)
FINAL = (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)


# --- given, when, then ---------------------------------------------------------------------------------------


def campaign(status: str = "running", *, schedule: dict[str, Any] | None = None, **settings: Any) -> Campaign:
    limits = Limits(max_attempts=settings.pop("max_attempts", 3))
    plan = Schedule(**{"use_callee_time_zone": False, **(schedule or {})})
    values = CampaignSettings(name="Spring", limits=limits, schedule=plan, **settings)
    return Campaign(CAMPAIGN, WORKSPACE, values, 1, CampaignStatus(status), 2, BEFORE)


def in_call(before: str = "pending", *, attempt: int = 1, reason: str | None = None, **state: Any) -> Contact:
    """A contact whose current call is CALL; before its permit it was `before`, due at BEFORE."""
    call = LastCall(CALL, LONG_AGO, ContactStatus(before), BEFORE, reason)
    return Contact(ANNA, CAMPAIGN, (), status=ContactStatus.IN_PROGRESS, attempt=attempt, call=call, **state)


def ended(outcome: Outcome | str, conversation: str | None = None, **values: Any) -> CallEnded:
    fields: dict[str, Any] = {
        "at": NOW,
        "campaign_id": CAMPAIGN,
        "contact_id": ANNA,
        "call_id": CALL,
        "attempt": 1,
        "settings_version": 1,
        "outcome": Outcome(outcome),
        "conversation": conversation,
        "started_at": STARTED,
        "ended_at": ENDED,
    }
    if outcome in ("human", "machine", "fax", "abandoned"):
        fields |= {"rang": True, "answered_at": ANSWERED, "duration_seconds": 30.0}
    return CallEnded(**fields | values)


def settle(
    report: CallVerdict, given: Contact | None = None, of: Campaign | None = None, *, suppressed: bool = False
) -> ContactStatusChanged:
    (fact,) = decide_report(given or in_call(), of or campaign(), report, suppressed=suppressed, now=NOW)
    assert isinstance(fact, ContactStatusChanged)
    return fact


def after(report: CallVerdict, given: Contact | None = None, of: Campaign | None = None) -> Contact:
    """The contact after a report that changes something or nothing."""
    state = given or in_call()
    for fact in decide_report(state, of or campaign(), report, suppressed=False, now=NOW):
        state = evolve(state, fact)
    return state


# --- the table: outcome x conversation x success rule ----------------------------------------------------------------

NO_ANSWER_LATER, BUSY_LATER, DECLINED_LATER = (
    ENDED + timedelta(hours=2),
    ENDED + timedelta(minutes=15),
    ENDED + timedelta(hours=24),
)
CARRIER_LATER, CALLBACK_LATER = ENDED + timedelta(minutes=2), ENDED + DAY
Row = tuple[str, str | None, str, str, str | None, datetime | None, bool]
# outcome, conversation, success rule, status, reason, due_at, counted as an attempt
TABLE: list[Row] = [
    ("human", "goal_met", "both", "completed", "goal_met", None, True),
    ("human", "goal_not_met", "both", "failed", "goal_not_met", None, True),
    ("human", "callback", "both", "rescheduled", "callback", CALLBACK_LATER, True),
    ("human", "do_not_call", "both", "do_not_call", "asked", None, True),
    ("human", None, "answered", "completed", "answered", None, True),
    ("human", None, "reported", "failed", "no_outcome_reported", None, True),
    ("machine", None, "both", "voicemail", "machine", None, True),
    ("fax", None, "both", "failed", "fax", None, True),
    ("abandoned", None, "both", "failed", "abandoned", None, True),
    ("no_answer", None, "both", "no_answer", "no_answer", NO_ANSWER_LATER, True),
    ("busy", None, "both", "no_answer", "busy", BUSY_LATER, True),
    ("declined", None, "both", "no_answer", "declined", DECLINED_LATER, True),
    ("unknown", None, "both", "no_answer", "unknown", NO_ANSWER_LATER, True),
    ("invalid_number", None, "both", "failed", "invalid_number", None, True),
    ("blocked", None, "both", "failed", "blocked", None, True),
    ("unwanted", None, "both", "do_not_call", "asked", None, True),
    ("configuration", None, "both", "rescheduled", "configuration", CARRIER_LATER, False),
    ("carrier_error", None, "both", "rescheduled", "carrier_error", CARRIER_LATER, False),
    ("cancelled", None, "both", "rescheduled", "callback", BEFORE, False),
    ("not_placed", None, "both", "rescheduled", "callback", BEFORE, False),
    # Asking not to be called beats every other outcome.
    *((o, "do_not_call", "both", "do_not_call", "asked", None, True) for o in ("machine", "unknown", "no_answer")),
]
CASES = [(row, rule) for row in TABLE for rule in (("answered", "reported") if row[2] == "both" else (row[2],))]


@pytest.mark.parametrize(("row", "rule"), CASES, ids=[f"{r[0]}-{r[1]}-{rule}" for r, rule in CASES])
def test_each_outcome_makes_of_a_called_back_contact_what_the_table_says(row: Row, rule: str) -> None:
    outcome, conversation, _, status, reason, due_at, counted = row
    given = in_call("rescheduled", attempt=2, reason="callback")
    report = ended(outcome, conversation)
    fact = settle(report, given, campaign(success_rule=rule))
    assert (fact.previous, fact.status, fact.reason, fact.due_at) == ("in_progress", status, reason, due_at)
    assert fact.attempt == (2 if counted else 1)
    assert (fact.previous_attempt, fact.previous_due_at) == (2, None)
    assert (fact.placed, fact.day) == ((True, STARTED.date()) if counted else (False, None))
    assert (fact.call_id, fact.outcome, fact.settings_version) == (CALL, outcome, 1)
    by_a_person = outcome in ("human", "abandoned")
    assert (fact.answered, fact.first_reached) == (by_a_person, by_a_person)
    assert fact.duration_seconds == (30.0 if by_a_person else None)
    assert asks_not_to_be_called(report) is (status == "do_not_call")
    assert counts_as_attempt(report) is counted
    assert evolve(given, fact).attempt == fact.attempt


def test_the_table_has_every_outcome_and_every_conversation() -> None:
    assert {row[0] for row in TABLE} == set(Outcome)
    assert {row[1] for row in TABLE if row[0] == "human"} == {*Conversation, None}


def test_our_hang_up_while_it_rang_is_no_answer_and_counts() -> None:
    fact = settle(ended("cancelled", rang=True))
    assert (fact.status, fact.reason, fact.due_at, fact.attempt) == ("no_answer", "cancelled", NO_ANSWER_LATER, 1)
    assert fact.placed


@pytest.mark.parametrize("report", [ended("not_placed"), ended("cancelled")], ids=["not_placed", "cancelled"])
@pytest.mark.parametrize(
    ("before", "reason"),
    [("pending", None), ("rescheduled", "callback"), ("no_answer", "busy"), ("voicemail", "machine")],
)
def test_a_call_that_rang_nowhere_leaves_the_contact_as_before_the_permit(
    before: str, reason: str | None, report: CallEnded
) -> None:
    state = after(report, in_call(before, attempt=2, reason=reason))
    assert (state.status, state.reason, state.due_at, state.attempt) == (before, reason, BEFORE, 1)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_number_suppressed_during_the_call_is_do_not_call_whatever_it_brought(outcome: Outcome) -> None:
    fact = settle(ended(outcome), suppressed=True)
    assert (fact.status, fact.due_at) == ("do_not_call", None)
    assert fact.reason == ("asked" if outcome is Outcome.UNWANTED else "suppressed")


def test_a_person_is_reached_first_only_once() -> None:
    assert settle(ended("human", "callback")).first_reached
    fact = settle(ended("human", "goal_met"), in_call(reached_by=OLDER_CALL))
    assert fact.answered
    assert not fact.first_reached


def test_without_an_end_time_the_retry_clock_starts_now() -> None:
    assert settle(ended("busy", ended_at=None)).due_at == NOW + timedelta(minutes=15)


# --- retries ---------------------------------------------------------------------------------------------------

RETRIED = {
    "no_answer": "no_answer",
    "busy": "busy",
    "declined": "declined",
    "machine": "voicemail",
    "unknown": "no_answer",
    "carrier_error": "carrier_error",
    "configuration": "carrier_error",
}


@pytest.mark.parametrize(("outcome", "rule"), RETRIED.items())
def test_the_nth_retry_waits_the_nth_delay_and_the_last_repeats(outcome: str, rule: str) -> None:
    rules = RetryRules(**{rule: RetryRule(delays_seconds=(60, 600), max_retries=None)})
    assert rule_of(rules, Outcome(outcome)).delays_seconds == (60, 600)
    waits = [
        settle(ended(outcome), in_call(tries={outcome: tries} if tries else {}), campaign(retry=rules)).due_at
        for tries in range(4)
    ]
    assert waits == [ENDED + timedelta(seconds=s) for s in (60, 600, 600, 600)]


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "declined", "machine"])
@pytest.mark.parametrize("most", [0, 1, 2])
def test_an_outcome_is_retried_at_most_as_often_as_its_rule_says(outcome: str, most: int) -> None:
    rules = RetryRules(**{RETRIED[outcome]: RetryRule(delays_seconds=(60,), max_retries=most)})
    facts = [
        settle(ended(outcome), in_call(tries={outcome: n}), campaign(retry=rules, max_attempts=20)) for n in range(4)
    ]
    assert [fact.due_at is not None for fact in facts] == [n < most for n in range(4)]
    assert {fact.status for fact in facts} == {"voicemail" if outcome == "machine" else "no_answer"}


def test_by_default_declined_is_tried_once_more_and_voicemail_never() -> None:
    assert settle(ended("declined")).due_at == ENDED + DAY
    assert settle(ended("declined"), in_call(tries={"declined": 1})).due_at is None
    assert settle(ended("machine")).due_at is None


def test_one_outcomes_retries_do_not_use_up_anothers() -> None:
    assert settle(ended("declined"), in_call(tries={"busy": 5, "no_answer": 5})).due_at == ENDED + DAY


def test_one_budget_holds_over_all_reasons() -> None:
    state, calls = in_call(), campaign(max_attempts=3)
    for n, outcome in enumerate(("no_answer", "busy", "declined"), 1):
        state = after(ended(outcome), replace(state, status=ContactStatus.IN_PROGRESS, attempt=n), calls)
        assert is_waiting(state, 3) is (n < 3)
    assert (state.status, state.attempt) == ("no_answer", 3)


@pytest.mark.parametrize("outcome", ["carrier_error", "configuration"])
@pytest.mark.parametrize(("before", "attempt"), [("pending", 1), ("rescheduled", 3), ("no_answer", 3)])
def test_a_carriers_fault_does_not_count_and_fails_after_three(outcome: str, before: str, attempt: int) -> None:
    state = in_call(before, attempt=attempt)
    for seconds in (120, 240):
        state = after(ended(outcome), state)
        assert (state.status, state.attempt) == (before, attempt - 1)
        assert state.due_at == ENDED + timedelta(seconds=seconds)
        assert is_waiting(state, 3)
        again, refusal = decide_permit(
            state,
            campaign(),
            call_id=CALL,
            attempt=attempt,
            settings_version=1,
            suppressed=False,
            number_is_live=False,
            now=ENDED + DAY,
        )
        assert refusal is None
        state = evolve(state, again[0].model_copy(update={"at": BEFORE}))
    state = after(ended(outcome), state)
    assert (state.status, state.reason, state.attempt, state.due_at) == ("failed", outcome, attempt - 1, None)


def test_the_carriers_retry_after_is_honoured_when_it_is_longer() -> None:
    assert settle(ended("carrier_error", retry_after_seconds=600)).due_at == ENDED + timedelta(seconds=600)
    assert settle(ended("carrier_error", retry_after_seconds=5)).due_at == CARRIER_LATER


@pytest.mark.parametrize("seconds", [86_401, 1e300])
def test_a_carrier_can_ask_for_a_day_of_patience_at_most(seconds: float) -> None:
    assert settle(ended("carrier_error", retry_after_seconds=seconds)).due_at == ENDED + DAY


# --- callbacks -------------------------------------------------------------------------------------------------


def callback(at: datetime | None, **values: Any) -> CallEnded:
    return ended("human", "callback", callback_at=at, **values)


def test_a_callback_is_due_at_the_time_asked_for() -> None:
    asked = ENDED + timedelta(days=3, minutes=7)
    fact = settle(callback(asked))
    assert (fact.status, fact.reason, fact.due_at) == ("rescheduled", "callback", asked)


def test_later_means_the_campaigns_callback_delay() -> None:
    assert settle(callback(None)).due_at == ENDED + DAY
    assert settle(callback(None), None, campaign(callback_delay_seconds=3600)).due_at == ENDED + timedelta(hours=1)


@pytest.mark.parametrize(("over", "possible"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_a_callback_after_ninety_days_is_not_possible(over: timedelta, possible: bool) -> None:
    fact = settle(callback(ENDED + timedelta(days=90) + over))
    assert (fact.status, fact.reason) == (
        ("rescheduled", "callback") if possible else ("failed", "callback_not_possible")
    )
    assert (fact.due_at is not None) is possible


@pytest.mark.parametrize(("short", "possible"), [(timedelta(seconds=1), True), (timedelta(0), False)])
def test_a_callback_beyond_the_end_date_is_not_possible(short: timedelta, possible: bool) -> None:
    ends = campaign(schedule={"end_date": date(2026, 3, 9)})
    fact = settle(callback(datetime(2026, 3, 10, tzinfo=UTC) - short), None, ends)
    assert (fact.status, fact.reason) == (
        ("rescheduled", "callback") if possible else ("failed", "callback_not_possible")
    )


@pytest.mark.parametrize(
    ("attempt", "possible"), [(1, True), (2, True), (3, True), (4, False)], ids=lambda value: str(value)
)
def test_one_callback_is_made_over_the_budget(attempt: int, possible: bool) -> None:
    state = after(callback(None), in_call("rescheduled", attempt=attempt), campaign(max_attempts=3))
    assert state.status == ("rescheduled" if possible else "failed")
    assert is_waiting(state, 3) is possible


# --- a final campaign ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("outcome", Outcome)
def test_in_a_final_campaign_a_calls_end_is_recorded_and_nothing_gets_a_new_time(
    status: CampaignStatus, outcome: Outcome
) -> None:
    rules = RetryRules(voicemail=RetryRule(delays_seconds=(60,)))
    running, final = (campaign(s, retry=rules) for s in ("running", status))
    fact = settle(ended(outcome), None, final)
    as_before = outcome in ("not_placed", "cancelled")
    assert fact.due_at == (BEFORE if as_before else None)
    assert (fact.status, fact.reason) == (
        settle(ended(outcome), None, running).status,
        settle(ended(outcome), None, running).reason,
    )


@pytest.mark.parametrize("status", FINAL)
def test_in_a_final_campaign_a_callback_is_recorded_without_a_time(status: CampaignStatus) -> None:
    fact = settle(callback(ENDED + DAY), None, campaign(status))
    assert (fact.status, fact.reason, fact.due_at) == ("rescheduled", "callback", None)


# --- what comes later ------------------------------------------------------------------------------------------


def later(outcome: str, conversation: str | None = None, **values: Any) -> CallCorrected:
    return CallCorrected(**ended(outcome, conversation, **values).model_dump())


def corrections(
    given: Contact, report: CallVerdict, of: Campaign | None = None, *, suppressed: bool = False
) -> list[Any]:
    return list(decide_report(given, of or campaign(), report, suppressed=suppressed, now=NOW + DAY))


BY_DEFAULT = after(ended("human"))
UNREPORTED = after(ended("human"), of=campaign(success_rule="reported"))
COMPLETED = Verdict(status=ContactStatus.COMPLETED, answered=True, reached=True, duration_seconds=30)
FAILED = Verdict(status=ContactStatus.FAILED, answered=True, reached=True, duration_seconds=30)
VOICEMAIL = Verdict(status=ContactStatus.VOICEMAIL, answered=False, reached=False)


@pytest.mark.parametrize(
    ("given", "old"), [(BY_DEFAULT, COMPLETED), (UNREPORTED, FAILED)], ids=["default", "unreported"]
)
def test_a_machine_found_after_the_call_moves_the_figures_of_the_calls_day(given: Contact, old: Verdict) -> None:
    (fact,) = corrections(given, later("machine"))
    assert fact == ContactCorrected(
        at=NOW + DAY,
        campaign_id=CAMPAIGN,
        contact_id=ANNA,
        call_id=CALL,
        old=old,
        new=VOICEMAIL,
        day=STARTED.date(),
        reason="machine",
        attempt=1,
    )
    state = evolve(given, fact)
    assert (state.status, state.reason, state.reached_by, state.attempt) == ("voicemail", "machine", None, 1)
    assert state.tries["machine"] == 1


def test_a_correction_keeps_the_day_of_the_call_though_the_campaigns_zone_has_changed() -> None:
    west, east = ({"time_zone": zone} for zone in ("Pacific/Honolulu", "Pacific/Kiritimati"))
    settled = after(ended("human"), of=campaign(schedule=west))
    (fact,) = corrections(settled, later("machine"), campaign(schedule=east))
    assert settled.call is not None
    assert fact.day == settled.call.day == STARTED.date()


def test_a_person_found_on_a_call_that_was_counted_nowhere_ends_the_calling_and_counts_the_call() -> None:
    waiting = after(ended("carrier_error"))
    assert (waiting.status, waiting.call and waiting.call.day) == ("pending", None)
    (fact,) = decide_report(waiting, campaign(), later("human"), suppressed=False, now=NOW + DAY)
    assert isinstance(fact, ContactStatusChanged)
    assert (fact.status, fact.placed, fact.answered, fact.first_reached) == ("completed", True, True, True)
    assert (fact.attempt, fact.day) == (1, STARTED.date())
    assert decide_report(evolve(waiting, fact), campaign(), later("human"), suppressed=False, now=NOW + DAY) == []


@pytest.mark.parametrize(("clock", "due"), [(DAY * 400, NOW), (-DAY * 300, STARTED)], ids=["ahead", "behind"])
def test_a_carriers_wrong_clock_neither_parks_a_contact_nor_rings_it_at_once(clock: timedelta, due: datetime) -> None:
    call = LastCall(CALL, STARTED, ContactStatus.PENDING, None, None)
    called = Contact(ANNA, CAMPAIGN, (), status=ContactStatus.IN_PROGRESS, attempt=1, call=call)
    report = ended("no_answer", started_at=STARTED + clock, ended_at=ENDED + clock)
    fact = settle(report, called)
    assert fact.due_at == due + timedelta(hours=2)
    assert fact.day == STARTED.date()


@pytest.mark.parametrize(
    ("status", "due"), [("running", True), ("paused", True), ("completed", False), ("cancelled", False)]
)
def test_a_voicemail_found_later_is_retried_by_rule_unless_the_campaign_is_final(status: str, due: bool) -> None:
    rules = RetryRules(voicemail=RetryRule(delays_seconds=(60, 600), max_retries=2))
    (fact,) = corrections(BY_DEFAULT, later("machine"), campaign(status, retry=rules))
    assert fact.due_at == (ENDED + timedelta(seconds=60) if due else None)


def test_a_contact_reached_by_another_call_stays_reached_when_this_one_was_a_machine() -> None:
    given = after(ended("human"), in_call(reached_by=OLDER_CALL))
    (fact,) = corrections(given, later("machine"))
    assert (fact.old.reached, fact.new.reached) == (True, True)
    assert evolve(given, fact).reached_by == OLDER_CALL


@pytest.mark.parametrize("own", ["goal_met", "goal_not_met", "callback"])
@pytest.mark.parametrize(
    "report", [later("machine"), later("human", "goal_met"), later("human", "goal_not_met"), later("human")]
)
def test_the_agents_own_report_stands(own: str, report: CallCorrected) -> None:
    assert corrections(after(ended("human", own)), report) == []


@pytest.mark.parametrize("given", [BY_DEFAULT, UNREPORTED], ids=["default", "unreported"])
@pytest.mark.parametrize(
    ("conversation", "status"), [("goal_met", "completed"), ("goal_not_met", "failed"), ("callback", "rescheduled")]
)
def test_the_agents_first_report_says_what_a_call_settled_by_default_was(
    given: Contact, conversation: str, status: str
) -> None:
    (fact,) = corrections(given, later("human", conversation))
    state = evolve(given, fact)
    assert (state.status, state.reason, state.reached_by) == (status, conversation, CALL)
    assert (fact.old.answered, fact.new.answered, fact.new.duration_seconds) == (True, True, 30)
    assert state.due_at == (CALLBACK_LATER if status == "rescheduled" else None)


ABANDONED = after(ended("abandoned"))
LEFT_ALONE = Verdict(status=ContactStatus.FAILED, answered=True, reached=True, duration_seconds=30, abandoned=True)


@pytest.mark.parametrize("rule", ["answered", "reported"])
def test_a_person_whom_nobody_attended_is_a_failed_call_that_counts_as_answered(rule: str) -> None:
    fact = settle(ended("abandoned"), of=campaign(success_rule=rule))
    assert (fact.status, fact.reason, fact.outcome) == ("failed", "abandoned", Outcome.ABANDONED)
    counted = figures_of(fact)
    assert (counted.placed, counted.answered, counted.failed, counted.abandoned, counted.reached) == (1, 1, 1, 1, 1)


def test_a_machine_found_after_an_abandoned_call_takes_it_out_of_the_days_abandoned() -> None:
    (fact,) = corrections(ABANDONED, later("machine"))
    assert (fact.old, fact.new, fact.day) == (LEFT_ALONE, VOICEMAIL, STARTED.date())
    moved = figures_of(fact)
    assert (moved.abandoned, moved.answered, moved.failed, moved.voicemail) == (-1, -1, -1, 1)


def test_the_report_of_an_agent_who_was_there_takes_an_abandoned_call_back() -> None:
    (fact,) = corrections(ABANDONED, later("human", "goal_met"))
    assert (fact.old, fact.new) == (LEFT_ALONE, COMPLETED)
    moved = figures_of(fact)
    assert (moved.abandoned, moved.answered, moved.completed, moved.failed) == (-1, 0, 1, -1)
    assert corrections(evolve(ABANDONED, fact), later("machine")) == [], "and then stands"


def test_do_not_call_after_an_abandoned_call_leaves_it_counted_as_one() -> None:
    (fact,) = corrections(ABANDONED, later("abandoned", "do_not_call"))
    assert (fact.new.status, fact.old.abandoned, fact.new.abandoned) == ("do_not_call", True, True)
    assert figures_of(fact).abandoned == 0


@pytest.mark.parametrize("given", [BY_DEFAULT, UNREPORTED], ids=["default", "unreported"])
def test_a_correction_that_comes_twice_or_after_a_contradicting_one_moves_the_figures_once(given: Contact) -> None:
    counted = CallFigures()
    state = given
    reports = [later("human", "goal_not_met"), later("human", "goal_not_met"), later("machine"), later("human")]
    for report in reports:
        for fact in corrections(state, report):
            assert fact.day == STARTED.date()
            counted += figures_of(fact)
            state = evolve(state, fact)
    assert (state.status, state.reason) == ("failed", "goal_not_met")
    if given is BY_DEFAULT:
        assert counted == CallFigures(completed=-1, failed=1)
    else:
        assert counted == NOTHING


# --- silence after a refusal -------------------------------------------------------------------------------------


def test_under_a_preset_with_a_silence_whoever_refused_is_left_alone_for_so_long() -> None:
    french = campaign(preset="france")
    assert silence_until(french, ended("human", "goal_not_met"), now=NOW) == ENDED + timedelta(days=60)
    assert silence_until(french, later("human", "goal_not_met"), now=NOW + DAY) == ENDED + timedelta(days=60, seconds=2)
    wrong_clock = ended("human", "goal_not_met", ended_at=ENDED - DAY * 400)
    assert silence_until(french, wrong_clock, now=NOW) == NOW + timedelta(days=59)
    ahead = ended("human", "goal_not_met", ended_at=ENDED + DAY * 400)
    assert silence_until(french, ahead, now=NOW) == NOW + timedelta(days=60)


@pytest.mark.parametrize(
    ("preset", "report"),
    [
        (None, ended("human", "goal_not_met")),
        ("us-strict", ended("human", "goal_not_met")),
        ("france", ended("human", "goal_met")),
        ("france", ended("human", "callback")),
        ("france", ended("human")),
        ("france", ended("machine")),
        ("france", ended("human", "goal_not_met", kind="inbound")),
        ("france", ended("human", "goal_not_met", kind="test")),
    ],
    ids=str,
)
def test_nobody_else_is_kept_silent_to(preset: str | None, report: CallVerdict) -> None:
    assert silence_until(campaign(preset=preset), report, now=NOW) is None


@pytest.mark.parametrize("status", FINAL)
def test_in_a_final_campaign_a_late_call_back_changes_nothing(status: CampaignStatus) -> None:
    assert corrections(BY_DEFAULT, later("human", "callback"), campaign(status)) == []
    (fact,) = corrections(BY_DEFAULT, later("human", "goal_not_met"), campaign(status))
    assert fact.new.status == "failed"


@pytest.mark.parametrize("outcome", ["human", "machine", "fax", "abandoned", "no_answer", "busy", "unknown", "blocked"])
@pytest.mark.parametrize("status", [*CampaignStatus])
def test_do_not_call_counts_always(outcome: str, status: CampaignStatus) -> None:
    given = after(ended(outcome))
    (fact,) = corrections(given, later(outcome, "do_not_call"), campaign(status))
    state = evolve(given, fact)
    assert (state.status, state.reason, state.due_at) == ("do_not_call", "asked", None)
    assert fact.old.status == given.status
    assert fact.new.answered is (outcome in ("human", "abandoned"))
    assert corrections(state, later(outcome, "goal_met"), campaign(status)) == []


@pytest.mark.parametrize("row", [row for row in TABLE if row[1] != "do_not_call"], ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_same_report_again_changes_nothing(row: Row) -> None:
    report = ended(row[0], row[1])
    assert corrections(after(report), report) == []
    assert corrections(after(report), later(row[0], row[1])) == []


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "invalid_number", "unknown", "carrier_error", "not_placed"])
def test_once_answered_failure_codes_no_longer_apply(outcome: str) -> None:
    assert corrections(BY_DEFAULT, later(outcome)) == []


@pytest.mark.parametrize("first", ["no_answer", "unknown", "busy", "machine"])
def test_a_person_found_after_all_ends_the_retries(first: str) -> None:
    rules = RetryRules(voicemail=RetryRule(delays_seconds=(60,)))
    given = after(ended(first), of=campaign(retry=rules))
    assert is_waiting(given, 3)
    (fact,) = corrections(given, later("human", "goal_met"), campaign(retry=rules))
    state = evolve(given, fact)
    assert (state.status, state.due_at, state.reached_by) == ("completed", None, CALL)
    assert (fact.old.answered, fact.old.reached, fact.new.answered, fact.new.reached) == (False, False, True, True)


def test_an_opt_out_after_the_call_leaves_the_agents_first_report_its_say() -> None:
    (fact,) = corrections(BY_DEFAULT, later("human", "goal_not_met"), suppressed=True)
    assert (fact.new.status, fact.reason) == ("failed", "goal_not_met")
    (fact,) = corrections(BY_DEFAULT, later("human", "callback"), suppressed=True)
    assert (fact.new.status, fact.reason, fact.due_at) == ("do_not_call", "suppressed", None)


def test_an_opt_out_stops_the_retry_of_a_voicemail_found_later() -> None:
    rules = RetryRules(voicemail=RetryRule(delays_seconds=(60,)))
    (fact,) = corrections(BY_DEFAULT, later("machine"), campaign(retry=rules), suppressed=True)
    assert (fact.new.status, fact.reason) == ("do_not_call", "suppressed")
    (fact,) = corrections(BY_DEFAULT, later("machine"), suppressed=True)
    assert fact.new.status == "voicemail"


# --- an older call -----------------------------------------------------------------------------------------------


def of_older(outcome: str, conversation: str | None = None, **values: Any) -> CallCorrected:
    return later(outcome, conversation, call_id=OLDER_CALL, **values)


def called_again(outcome: str, **state: Any) -> Contact:
    """A contact whose second call, CALL, ended with this outcome."""
    rules = RetryRules(voicemail=RetryRule(delays_seconds=(60,)))
    return after(ended(outcome), in_call("no_answer", attempt=2, **state), campaign(retry=rules))


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in ("human", "abandoned", "unwanted")])
@pytest.mark.parametrize("newest", ["no_answer", "human", "machine", "invalid_number"])
def test_an_older_calls_report_changes_nothing(newest: str, outcome: Outcome) -> None:
    assert corrections(called_again(newest), of_older(outcome)) == []


@pytest.mark.parametrize("newest", ["no_answer", "machine", "busy"])
def test_a_person_who_answered_an_older_call_ends_the_waiting_retries(newest: str) -> None:
    given = called_again(newest)
    assert is_waiting(given, 3)
    (fact,) = corrections(given, of_older("human", "goal_met"))
    state = evolve(given, fact)
    assert (state.status, state.due_at, state.attempt, state.reached_by) == ("completed", None, 2, OLDER_CALL)
    assert state.call == given.call
    # The call was counted when it ended; what is new is that a person answered it.
    assert figures_of(fact) == CallFigures(answered=1, reached=1, talk_milliseconds=30_000, talk_calls=1)
    assert fact.day == STARTED.date()


@pytest.mark.parametrize("newest", ["human", "invalid_number"])
def test_a_person_who_answered_an_older_call_changes_nothing_for_a_finished_contact(newest: str) -> None:
    assert corrections(called_again(newest), of_older("human", "goal_met")) == []


@pytest.mark.parametrize("newest", ["no_answer", "human", "machine", "invalid_number"])
def test_do_not_call_from_an_older_call_counts_always(newest: str) -> None:
    given = called_again(newest)
    (fact,) = corrections(given, of_older("human", "do_not_call"))
    assert evolve(given, fact).status == "do_not_call"
    figures = figures_of(fact)
    assert figures.placed == figures.completed == figures.do_not_call == 0
    assert figures.reached == int(given.reached_by is None)


@pytest.mark.parametrize("conversation", [None, "do_not_call"])
def test_a_report_of_an_older_call_does_not_end_the_call_in_progress(conversation: str | None) -> None:
    assert corrections(in_call(), of_older("human", conversation)) == []


def test_an_older_call_back_reschedules_unless_the_campaign_is_final() -> None:
    given = called_again("no_answer")
    (fact,) = corrections(given, of_older("human", "callback", callback_at=ENDED + DAY))
    assert (fact.status, fact.due_at) == ("rescheduled", ENDED + DAY)
    assert corrections(given, of_older("human", "callback"), campaign("cancelled")) == []


# --- the day -----------------------------------------------------------------------------------------------------


def test_a_sunday_evening_in_los_angeles_is_a_sunday() -> None:
    los_angeles = campaign(schedule={"time_zone": "America/Los_Angeles"})
    monday_in_utc = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    given = in_call()
    fact = settle(ended("human", started_at=monday_in_utc), given, los_angeles)
    assert fact.day == date(2026, 3, 1)
    (fact_later,) = corrections(evolve(given, fact), later("machine", started_at=monday_in_utc), los_angeles)
    assert fact_later.day == date(2026, 3, 1)


def test_the_day_is_that_of_the_start_also_when_the_call_ends_after_midnight() -> None:
    berlin = campaign(schedule={"time_zone": "Europe/Berlin"})
    before_midnight = datetime(2026, 3, 2, 22, 59, 50, tzinfo=UTC)
    fact = settle(
        ended("human", started_at=before_midnight, ended_at=before_midnight + timedelta(minutes=5)), None, berlin
    )
    assert fact.day == date(2026, 3, 2)
    assert settle(ended("no_answer", started_at=None)).day == NOW.date()


def test_a_stored_zone_that_is_no_zone_counts_in_utc() -> None:
    settings = CampaignSettings.model_validate(
        {"name": "Spring", "schedule": {"time_zone": "Mars/Olympus"}}, context=STORED
    )
    assert settle(ended("busy"), None, replace(campaign(), settings=settings)).day == date(2026, 3, 2)


# --- for all histories ---------------------------------------------------------------------------------------------

outcomes = st.sampled_from([*Outcome, *[Outcome.HUMAN] * 8, *[Outcome.NO_ANSWER] * 4, *[Outcome.MACHINE] * 4])
reports = st.tuples(
    st.integers(0, 2),  # about which call: how many calls ago
    outcomes,
    st.sampled_from([None, *Conversation]),
    st.booleans(),  # whether it rang
    st.integers(0, 9).map(lambda n: n == 0),  # whether the number is suppressed
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), reports),
        st.tuples(st.just("report"), reports),
        st.sampled_from([("ask", None), ("opt_out", None)]),
    ),
    max_size=20,
)
campaigns = st.builds(
    campaign,
    st.sampled_from(["running", "running", "running", "paused", "cancelled"]),
    max_attempts=st.integers(1, 4),
    success_rule=st.sampled_from(["answered", "reported"]),
    retry=st.builds(RetryRules, voicemail=st.sampled_from([RetryRules().voicemail, RetryRule(delays_seconds=(60,))])),
)


Step = tuple[str, tuple[int, Outcome, Conversation | None, bool, bool] | None]


class History:
    """Random permits, opt-outs and reports; a call's end is reported before its corrections, as the dialer does."""

    def __init__(self, of: Campaign) -> None:
        self.of, self.now = of, STARTED
        self.contact = Contact(ANNA, CAMPAIGN, ("UTC",))
        self.facts: list[ContactStatusChanged | ContactCorrected] = []
        self.before: list[Contact] = []
        self.calls: list[UUID] = []
        self.first: dict[UUID, CallVerdict] = {}

    def step(self, kind: str, report: tuple[int, Outcome, Conversation | None, bool, bool] | None) -> None:
        self.now += timedelta(hours=25)
        if kind in ("ask", "call"):
            self._apply(self._ask())
        if kind == "opt_out":
            most = self.of.settings.limits.max_attempts
            self._apply(opt_out(self.contact, max_attempts=most, reason="asked", now=self.now))
        if report is not None:
            ago = 0 if kind == "call" else report[0]
            if len(self.calls) > ago:
                self._apply(self._report(self.calls[-1 - ago], *report[1:]))

    def _apply(self, facts: Sequence[ContactStreamFact]) -> None:
        for fact in facts:
            assert isinstance(fact, ContactStatusChanged | ContactCorrected)
            self.before.append(self.contact)
            self.facts.append(fact)
            self.contact = evolve(self.contact, fact)

    def _ask(self) -> Sequence[ContactStreamFact]:
        call_id = UUID(int=1000 + len(self.calls))
        facts, refusal = decide_permit(
            self.contact,
            replace(self.of, status=CampaignStatus.RUNNING),
            call_id=call_id,
            attempt=self.contact.attempt + 1,
            settings_version=1,
            suppressed=False,
            number_is_live=False,
            now=self.now + timedelta(days=100),
        )
        if refusal is None:
            self.calls.append(call_id)
        return facts

    def _report(
        self, call_id: UUID, outcome: Outcome, conversation: Conversation | None, rang: bool, suppressed: bool
    ) -> Sequence[ContactStreamFact]:
        first = self.first.get(call_id)
        if first is None and call_id != self.calls[-1]:
            return []
        said = conversation if outcome is Outcome.HUMAN else None
        report: CallVerdict = ended(outcome, said, call_id=call_id, rang=rang, started_at=self.now, ended_at=self.now)
        if first is not None:
            if not counts_as_attempt(first) or not counts_as_attempt(report):
                return []  # what never rang, or what the carrier refused, is not reported otherwise later
            report = CallCorrected(**{**report.model_dump(), "started_at": first.started_at})
        self.first.setdefault(call_id, report)
        return decide_report(self.contact, self.of, report, suppressed=suppressed, now=self.now)


@for_all(of=campaigns, history=steps)
@settings(max_examples=400)
def test_no_history_breaks_a_contact(of: Campaign, history: list[Step]) -> None:
    story = History(of)
    was_do_not_call = False
    for step in history:
        before = story.contact
        story.step(*step)
        state = story.contact
        assert state.status in ContactStatus
        assert 0 <= state.attempt <= of.settings.limits.max_attempts + 1
        assert state.version == len(story.facts)
        if state.status is ContactStatus.IN_PROGRESS:
            assert state.call is not None
            assert not state.call.settled
        if was_do_not_call:
            assert state == before, "do_not_call is absorbing"
        was_do_not_call = state.status is ContactStatus.DO_NOT_CALL


CALLED_BACK, NOBODY = (0, Outcome.HUMAN, Conversation.CALLBACK, True, False), (0, Outcome.NO_ANSWER, None, True, False)
NOT_AGAIN = (1, Outcome.HUMAN, Conversation.DO_NOT_CALL, True, False)
MACHINE, PERSON_BEFORE, PERSON = (
    (ago, Outcome(who), None, False, False) for ago, who in ((0, "machine"), (1, "human"), (0, "human"))
)
AN_OLDER_CALL_DECIDED = [
    ("call", MACHINE),
    ("call", MACHINE),
    ("report", PERSON_BEFORE),
    ("call", PERSON),
    ("call", MACHINE),
]


@for_all(of=campaigns, history=steps)
@settings(max_examples=400)
@example(of=campaign(), history=[("call", CALLED_BACK), ("call", NOBODY), ("report", NOT_AGAIN)])
@example(of=campaign(retry=RetryRules(voicemail=RetryRule(delays_seconds=(60,)))), history=AN_OLDER_CALL_DECIDED)
def test_the_figures_of_no_history_go_wrong(of: Campaign, history: list[Step]) -> None:
    story = History(of)
    for step in history:
        story.step(*step)
    days: dict[date, CallFigures] = defaultdict(CallFigures)
    total, statuses = NOTHING, Counter({ContactStatus.PENDING: 1})
    for fact in story.facts:
        figures = figures_of(fact)
        total = total + figures
        if fact.day is not None:
            days[fact.day] = days[fact.day] + figures
        old, new = (
            (fact.previous, fact.status)
            if isinstance(fact, ContactStatusChanged)
            else (fact.old.status, fact.new.status)
        )
        statuses[old] -= 1
        statuses[new] += 1
        assert +statuses == Counter({new: 1}), "the fact says what the contact was before"
        assert 0 <= total.reached <= 1, "a contact is reached at most once, net of corrections"
        assert 0 <= total.answered <= total.placed
        for figure in (total, *days.values()):
            assert all(value >= 0 for value in (figure.completed, figure.failed, figure.no_answer, figure.voicemail))
            assert figure.placed == (
                figure.completed
                + figure.failed
                + figure.no_answer
                + figure.voicemail
                + figure.do_not_call
                + figure.rescheduled
            )
    assert total.reached == int(story.contact.reached_by is not None)


@for_all(of=campaigns, history=steps)
def test_each_fact_says_what_attempt_and_due_time_were_before(of: Campaign, history: list[Step]) -> None:
    story = History(of)
    for step in history:
        story.step(*step)
    for before, fact in zip(story.before, story.facts, strict=True):
        attempt = fact.previous_attempt if isinstance(fact, ContactStatusChanged) else fact.attempt
        assert (attempt, fact.previous_due_at) == (before.attempt, before.due_at)
