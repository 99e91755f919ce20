"""The simulated carrier's draws: what happens to a call follows from seed, number and the nth call to it alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulated_carrier.behaviour import (
    AnswerFate,
    Behaviour,
    EventFate,
    Faults,
    Refusal,
    Report,
    Script,
    Weights,
    draw_answer_fate,
    draw_event_fate,
    draw_refusal,
    draw_script,
)
from simulated_carrier.scenarios import SCENARIOS, SUFFIXES

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
SEEDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def script(
    to: str,
    *,
    nth: int = 1,
    behaviour: Behaviour | None = None,
    ring_timeout_seconds: float = 30,
    max_call_seconds: float | None = None,
    amd: bool = True,
) -> Script:
    return draw_script(
        behaviour or Behaviour(),
        to=to,
        nth=nth,
        ring_timeout_seconds=ring_timeout_seconds,
        max_call_seconds=max_call_seconds,
        amd=amd,
    )


def words(drawn: Script) -> list[str]:
    return [step.what for step in drawn.steps]


def at(drawn: Script, what: str) -> float:
    return next(step.at_seconds for step in drawn.steps if step.what == what)


def only(name: str) -> Weights:
    return Weights.model_validate({weight: float(weight == name) for weight in Weights.model_fields})


@given(seed=SEEDS, to=NUMBERS, nth=st.integers(1, 50), amd=st.booleans(), timeout=st.integers(1, 600))
def test_the_same_seed_number_and_nth_call_give_the_same_script(
    seed: int, to: str, nth: int, amd: bool, timeout: int
) -> None:
    first, second = (
        script(to, nth=nth, behaviour=Behaviour(seed=seed), amd=amd, ring_timeout_seconds=timeout) for _ in range(2)
    )
    assert first == second


def test_another_seed_number_or_nth_call_gives_another_script() -> None:
    usual = script("+4915112340001")
    assert script("+4915112340001", behaviour=Behaviour(seed=2)) != usual
    assert script("+4915112340002") != usual
    assert script("+4915112340001", nth=2) != usual


@given(to=NUMBERS, nth=st.integers(1, 5), amd=st.booleans(), timeout=st.integers(1, 600), longest=st.integers(1, 120))
def test_every_script_rings_before_it_answers_and_answers_before_it_ends(
    to: str, nth: int, amd: bool, timeout: int, longest: int
) -> None:
    drawn = script(to, nth=nth, amd=amd, ring_timeout_seconds=timeout, max_call_seconds=longest)
    steps = words(drawn)
    assert [step.at_seconds for step in drawn.steps] == sorted(step.at_seconds for step in drawn.steps)
    assert len(set(steps)) == len(steps)
    assert (drawn.ending is None) == ("ended" not in steps)
    assert ("answered" in steps) == (drawn.answered_by is not None)
    if "answered" in steps:
        assert steps[:2] == ["ringing", "answered"]
        assert at(drawn, "answered") < timeout
        assert drawn.ending is None or (drawn.ending.sip_code, drawn.ending.q850_cause) == (200, 16)
        assert drawn.ending is None or at(drawn, "ended") - at(drawn, "answered") <= longest + 1e-9
    if not amd:
        assert "amd" not in steps
    if "report" in steps:
        assert at(drawn, "report") < at(drawn, "ended")


# One row per suffix: nth call, steps, who answers, final code, cause, what the agent reports.
HUMAN = ["ringing", "answered", "amd", "report", "ended"]
SUFFIX_ROWS: list[tuple[str, int, list[str], str | None, int | None, int | None, str | None]] = [
    ("9900", 1, HUMAN, "human", 200, 16, "goal_met"),
    ("9901", 1, HUMAN, "human", 200, 16, "goal_not_met"),
    ("9902", 1, HUMAN, "human", 200, 16, "do_not_call"),
    ("9903", 1, HUMAN, "human", 200, 16, "callback"),
    ("9904", 1, ["ringing", "answered", "amd", "ended"], "human", 200, 16, None),
    ("9905", 1, HUMAN, "human", 200, 16, "callback"),
    ("9906", 1, ["ringing", "answered", "ended"], "human", 200, 16, None),
    ("9910", 1, ["ringing", "answered", "amd", "ended"], "machine", 200, 16, None),
    ("9911", 1, ["ringing", "answered", "ended", "amd"], "machine", 200, 16, None),
    ("9920", 1, ["ringing", "ended"], None, None, 19, None),
    ("9920", 9, ["ringing", "ended"], None, None, 19, None),
    ("9921", 1, ["ringing", "ended"], None, None, 19, None),
    ("9921", 2, HUMAN, "human", 200, 16, "goal_met"),
    ("9921", 3, HUMAN, "human", 200, 16, "goal_met"),
    ("9930", 1, ["ended"], None, 486, 17, None),
    ("9940", 1, ["ringing", "ended"], None, 603, 21, None),
    ("9950", 1, ["ended"], None, 404, 1, None),
    ("9960", 1, ["ended"], None, 608, None, None),
    ("9961", 1, ["ringing", "ended"], None, 607, None, None),
    ("9970", 1, ["ended"], None, 503, 34, None),
    ("9970", 2, ["ended"], None, 503, 34, None),
    ("9971", 1, ["ended"], None, 503, 34, None),
    ("9971", 2, HUMAN, "human", 200, 16, "goal_met"),
    ("9980", 1, ["ringing", "answered", "amd"], "human", None, None, None),
    ("9990", 1, ["ringing", "answered", "amd", "ended"], "human", 200, 16, None),
]


@pytest.mark.parametrize("row", SUFFIX_ROWS, ids=lambda row: f"{row[0]}, call {row[1]}")
def test_the_last_four_digits_decide(
    row: tuple[str, int, list[str], str | None, int | None, int | None, str | None],
) -> None:
    suffix, nth, steps, answered_by, sip_code, q850_cause, outcome = row
    for seed in range(20):
        for prefix in ("+491511234", "+1212555", "+44207946"):
            drawn = script(f"{prefix}{suffix}", nth=nth, behaviour=Behaviour(seed=seed))
            assert words(drawn) == steps
            assert drawn.answered_by == answered_by
            assert (drawn.report.outcome if drawn.report else None) == outcome
            if drawn.ending is None:
                assert sip_code is None
            else:
                assert drawn.ending.q850_cause == q850_cause
                assert drawn.ending.sip_code in ({480, 487} if sip_code is None else {sip_code})


def test_every_suffix_has_a_row() -> None:
    assert {row[0] for row in SUFFIX_ROWS} == SUFFIXES.keys()


def test_a_person_to_whom_nobody_speaks_hangs_up_soon_and_the_end_says_that_nobody_was_there() -> None:
    drawn = script("+491510009906")
    assert drawn.attended is False
    assert at(drawn, "ended") - at(drawn, "answered") == pytest.approx(1.5)
    assert script("+491510009900").attended is True
    assert script("+491510009910").attended is script("+491510009930").attended is None


def test_no_call_is_abandoned_unless_asked_for_so_seeded_runs_stay_the_same() -> None:
    assert Behaviour().weights.abandoned == 0
    always = Behaviour(weights=Weights(**(dict.fromkeys(Weights.model_fields, 0.0) | {"abandoned": 1.0})))
    assert script("+491510001111", behaviour=always).attended is False


def test_only_the_number_of_dropped_webhooks_drops_them() -> None:
    silent = {suffix for suffix in SUFFIXES if not script(f"+49151000{suffix}").webhooks}
    assert silent == {"9990"}


def test_a_callback_is_at_a_time_or_later() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    soon, later = script("+491510009903").report, script("+491510009905").report
    assert soon is not None
    assert soon.callback_at(now, speed=1.0) == now + timedelta(seconds=3)
    assert soon.callback_at(now, speed=10.0) == now + timedelta(seconds=0.3)
    assert later == Report("callback", None)
    assert later.callback_at(now, speed=1.0) is None


def test_a_short_ring_timeout_changes_when_a_person_picks_up_not_whether() -> None:
    for nth in range(1, 50):
        drawn = script("+491510009900", nth=nth, ring_timeout_seconds=1)
        assert drawn.answered_by == "human"
        assert at(drawn, "answered") < 1


def test_nobody_answers_until_the_ring_timeout() -> None:
    assert at(script("+491510009920", ring_timeout_seconds=37), "ended") == 37


def test_a_call_is_cut_at_its_longest() -> None:
    drawn = script("+491510009900", max_call_seconds=10)
    assert drawn.ending is not None
    assert drawn.ending.reason == "max call duration"
    assert at(drawn, "ended") - at(drawn, "answered") == pytest.approx(10)
    assert at(drawn, "report") - at(drawn, "answered") == pytest.approx(9)


def test_weights_are_respected() -> None:
    weights = Weights()
    total = sum(weight for _, weight in weights)
    drawn: Counter[tuple[str | None, str | None, int | None]] = Counter()
    calls = 20_000
    for index in range(calls):
        one = script(f"+49151{index:06d}1")
        sip_code = one.ending.sip_code if one.ending and one.answered_by is None else None
        drawn[one.answered_by, one.report.outcome if one.report else None, sip_code] += 1
    expected = {
        ("human", "goal_met", None): weights.human_goal_met,
        ("human", "goal_not_met", None): weights.human_goal_not_met,
        ("human", "do_not_call", None): weights.human_do_not_call,
        ("human", "callback", None): weights.human_callback,
        ("human", None, None): weights.human_silent,
        ("machine", None, None): weights.machine,
        (None, None, 480): weights.no_answer / 2,
        (None, None, 487): weights.no_answer / 2,
        (None, None, 486): weights.busy,
        (None, None, 603): weights.declined,
        (None, None, 404): weights.invalid,
        (None, None, 608): weights.blocked,
        (None, None, 607): weights.unwanted,
        (None, None, 503): weights.carrier_error,
    }
    assert drawn.keys() == expected.keys()
    for what, weight in expected.items():
        share = weight / total
        tolerance = 5 * (share * (1 - share) / calls) ** 0.5  # five standard deviations
        assert drawn[what] / calls == pytest.approx(share, abs=tolerance), what


@pytest.mark.parametrize("name", list(Weights.model_fields))
def test_a_weight_alone_is_all_that_happens(name: str) -> None:
    behaviour = Behaviour(weights=only(name))
    for index in range(50):
        drawn = script(f"+49151{index:06d}1", behaviour=behaviour)
        outcome = drawn.report.outcome if drawn.report else None
        assert (drawn.answered_by, outcome, drawn.ending) in {
            (variant.answered_by, variant.outcome, variant.ending) for variant in SCENARIOS[name]
        }


@given(to=NUMBERS, nth=st.integers(1, 5))
def test_faults_do_not_change_what_happens_to_a_call(to: str, nth: int) -> None:
    faulty = Behaviour(faults=Faults(drop_event=1, reorder_events=1, lose_answer_after_placing=1, refuse_503=1))
    assert script(to, nth=nth, behaviour=faulty) == script(to, nth=nth)


def test_late_amd_comes_after_the_hang_up() -> None:
    drawn = script("+491510009910", behaviour=Behaviour(faults=Faults(late_amd=1)))
    assert words(drawn) == ["ringing", "answered", "ended", "amd"]
    assert drawn.amd_is_late
    assert not script("+491510009910").amd_is_late


def test_without_faults_nothing_is_refused_lost_or_touched() -> None:
    for nth in range(1, 200):
        assert draw_refusal(Behaviour(), to="+4915100001", nth_request=nth) is None
        assert draw_answer_fate(Behaviour(), to="+4915100001", nth=nth) is AnswerFate.SENT
        assert draw_event_fate(Behaviour(), to="+4915100001", nth=nth, sequence=1) == EventFate()


def test_faults_come_as_often_as_asked_for() -> None:
    faults = Faults(
        refuse_429=0.3,
        lose_answer_after_placing=0.4,
        drop_event=0.1,
        repeat_event=0.2,
        reorder_events=0.5,
        delay_events_seconds=(1, 3),
    )
    behaviour, calls = Behaviour(faults=faults), 4_000
    numbers = [f"+49151{index:06d}" for index in range(calls)]
    refusals = [draw_refusal(behaviour, to=to, nth_request=1) for to in numbers]
    answers = Counter(draw_answer_fate(behaviour, to=to, nth=1) for to in numbers)
    events = [draw_event_fate(behaviour, to=to, nth=1, sequence=1) for to in numbers]

    assert refusals.count(Refusal.RATE_LIMITED) / calls == pytest.approx(0.3, abs=0.04)
    assert answers[AnswerFate.HELD] / calls == pytest.approx(0.2, abs=0.04)
    assert answers[AnswerFate.CUT] / calls == pytest.approx(0.2, abs=0.04)
    assert sum(event.dropped for event in events) / calls == pytest.approx(0.1, abs=0.04)
    assert sum(event.held for event in events) / calls == pytest.approx(0.5, abs=0.04)
    assert sum(event.repeat_after_seconds is not None for event in events) / calls == pytest.approx(0.2, abs=0.04)
    assert all(1 <= event.delay_seconds <= 3 for event in events)


def test_a_refused_request_has_a_new_chance_when_it_is_made_again() -> None:
    behaviour = Behaviour(faults=Faults(refuse_503=0.5))
    answers = [draw_refusal(behaviour, to="+4915100001", nth_request=nth) for nth in range(1, 100)]
    assert {Refusal.UNAVAILABLE, None} == set(answers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0},
        {"speed": -1},
        {"faults": {"drop_event": 1.1}},
        {"faults": {"drop_events": 0.1}},
        {"faults": {"delay_events_seconds": [3, 1]}},
        {"weights": {"machine": -1}},
        {"weights": dict.fromkeys(Weights.model_fields, 0)},
    ],
)
def test_behaviour_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Behaviour.model_validate(wrong)
