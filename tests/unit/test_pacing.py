"""Calls per second as the carrier sees them, and the ceilings on what may be placed now."""

from collections.abc import Callable
from heapq import heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_events.settings import Limits
from dialer.pacing import Pace, Pacing, calls_to_place

TICK = 1 / 1024  # times are whole ticks, so that sums and differences of floats are exact
SECOND = 1024


def run(*, calls_per_second: int, calls: int, latency: Callable[[int], int]) -> list[tuple[int, int]]:
    """Sends `calls` calls, each as early as the pace lets it; the (sent, answered) ticks of each."""
    pace, now, log, in_flight = Pace(), 0, list[tuple[int, int]](), list[int]()
    for _ in range(10 * calls):  # a bound, so that a pace that never frees a place fails instead of hanging
        while in_flight and in_flight[0] <= now:
            pace.answered(heappop(in_flight) * TICK)
        if len(log) == calls:
            return log
        for _ in range(min(pace.free(now * TICK, calls_per_second), calls - len(log))):
            pace.sent(now=now * TICK)
            answered_at = now + latency(len(log))
            log.append((now, answered_at))
            heappush(in_flight, answered_at)
        free_at = pace.next_free_at(now * TICK, calls_per_second)
        now = min([*in_flight[:1], *([] if free_at is None else [round(free_at / TICK)])])
    raise AssertionError(f"only {len(log)} of {calls} calls were sent")


def earliest_by_the_rule(*, calls_per_second: int, calls: int, latency: Callable[[int], int]) -> list[int]:
    """Call n goes one second after call n - cps was answered: the send times, by definition."""
    sent: list[int] = []
    for n in range(calls):
        earlier = n - calls_per_second
        bound = sent[earlier] + latency(earlier) + SECOND if earlier >= 0 else 0
        sent.append(max([bound, *sent[-1:]]))
    return sent


@settings(deadline=None, max_examples=150)
@given(
    calls_per_second=st.integers(1, 12),
    latencies=st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60),
    share=st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=60),
)
def test_the_carrier_never_sees_more_than_the_limit_in_any_sliding_second(
    calls_per_second: int, latencies: list[int], share: list[float]
) -> None:
    log = run(calls_per_second=calls_per_second, calls=60, latency=lambda n: latencies[n % len(latencies)])
    arrivals = sorted(sent + int((answered - sent) * share[n % len(share)]) for n, (sent, answered) in enumerate(log))
    for first, one_too_many in zip(arrivals, arrivals[calls_per_second:], strict=False):
        assert one_too_many - first >= SECOND


@settings(deadline=None, max_examples=100)
@given(calls_per_second=st.integers(1, 12), latencies=st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=40))
def test_no_call_waits_longer_than_the_rule_asks_for(calls_per_second: int, latencies: list[int]) -> None:
    def latency(n: int) -> int:
        return latencies[n % len(latencies)]

    log = run(calls_per_second=calls_per_second, calls=40, latency=latency)
    bounds = earliest_by_the_rule(calls_per_second=calls_per_second, calls=40, latency=latency)
    assert all(sent <= bound for (sent, _), bound in zip(log, bounds, strict=True))


@pytest.mark.parametrize("calls_per_second", [1, 7, 200])
@pytest.mark.parametrize("latency", [0, 20, 300, 2 * SECOND], ids=lambda ticks: f"{ticks / 1.024:.0f}ms")
def test_with_a_constant_latency_the_limit_is_reached(calls_per_second: int, latency: int) -> None:
    calls = 20 * calls_per_second
    sent = [at for at, _ in run(calls_per_second=calls_per_second, calls=calls, latency=lambda _: latency)]
    assert sent == earliest_by_the_rule(calls_per_second=calls_per_second, calls=calls, latency=lambda _: latency)
    possible = calls_per_second * ((sent[-1] / (SECOND + latency)) + 1)
    assert calls >= 0.95 * possible


def test_a_call_holds_its_place_until_one_second_after_its_answer() -> None:
    pace = Pace()
    pace.sent(now=10.0)
    assert pace.free(60.0, 1) == 0
    assert pace.next_free_at(60.0, 1) is None
    pace.answered(60.0)
    assert pace.free(60.875, 1) == 0
    assert pace.next_free_at(60.875, 1) == 61.0
    assert pace.free(61.0, 1) == 1
    assert pace.next_free_at(61.0, 1) == 61.0


def test_a_lowered_limit_waits_for_as_many_places_as_it_lacks() -> None:
    pace = Pace()
    pace.sent(3, now=0.0)
    for at in (0.25, 0.5, 0.75):
        pace.answered(at)
    assert pace.free(0.75, 2) == 0
    assert pace.next_free_at(0.75, 2) == 1.5
    assert pace.free(1.5, 2) == 1


def test_an_answer_without_a_call_is_a_fault() -> None:
    pace = Pace()
    with pytest.raises(ValueError, match="without a call in flight"):
        pace.answered(1.0)


def test_after_a_takeover_the_first_second_is_empty() -> None:
    pace = Pace()
    pace.takeover(5.0)
    assert pace.free(5.875, 4) == 0
    assert pace.next_free_at(5.25, 4) == 6.0
    assert pace.free(6.0, 4) == 4


def test_after_a_takeover_calls_being_placed_hold_their_places() -> None:
    pace = Pace()
    pace.takeover(5.0, placing=3)
    assert pace.free(6.0, 4) == 1
    assert pace.next_free_at(6.0, 3) is None
    pace.answered(6.5)
    assert pace.next_free_at(6.5, 3) == 7.5


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["sent", "answered", "wait", "takeover"]), st.integers(0, SECOND)), max_size=40
    ),
    calls_per_second=st.integers(1, 6),
)
def test_the_next_free_instant_is_the_first_one_with_a_free_place(
    steps: list[tuple[str, int]], calls_per_second: int
) -> None:
    pace, now, in_flight = Pace(), 0.0, 0
    for step, ticks in steps:
        now += ticks * TICK
        if step == "takeover":
            pace.takeover(now)
            in_flight = 0
        elif step == "sent":
            pace.sent(now=now)
            in_flight += 1
        elif step == "answered" and in_flight:
            pace.answered(now)
            in_flight -= 1
        free_at = pace.next_free_at(now, calls_per_second)
        assert (free_at is None) == (in_flight >= calls_per_second)
        assert (free_at == now) == (pace.free(now, calls_per_second) > 0)
    if free_at := pace.next_free_at(now, calls_per_second):
        if free_at > now:
            assert pace.free(free_at - TICK, calls_per_second) == 0
        assert pace.free(free_at, calls_per_second) > 0


LIMITS = Limits(max_simultaneous_calls=10, calls_per_second=5, calls_per_day=100)


@pytest.mark.parametrize(
    ("live_calls", "pace_free", "placed_today", "due", "expected"),
    [
        pytest.param(0, 5, 0, 3, Pacing(3, "ready"), id="no more than are due"),
        pytest.param(0, 5, 0, 50, Pacing(5, "ready"), id="no more than the pace lets"),
        pytest.param(8, 5, 0, 50, Pacing(2, "ready"), id="no more than lines are free"),
        pytest.param(0, 5, 99, 50, Pacing(1, "ready"), id="no more than the day has left"),
        pytest.param(0, 5, 0, 0, Pacing(0, "no_contact_due"), id="nobody due"),
        pytest.param(10, 5, 0, 50, Pacing(0, "all_lines_busy"), id="all lines busy"),
        pytest.param(12, 5, 0, 50, Pacing(0, "all_lines_busy"), id="limit lowered below the live calls"),
        pytest.param(0, 0, 0, 50, Pacing(0, "pace"), id="pace used up"),
        pytest.param(0, 5, 100, 50, Pacing(0, "daily_limit"), id="day used up"),
        pytest.param(10, 0, 101, 50, Pacing(0, "daily_limit"), id="of several reasons the longest"),
        pytest.param(10, 0, 101, 0, Pacing(0, "no_contact_due"), id="nobody due beats all"),
    ],
)
def test_the_smallest_limit_decides(
    live_calls: int, pace_free: int, placed_today: int, due: int, expected: Pacing
) -> None:
    assert (
        calls_to_place(limits=LIMITS, live_calls=live_calls, pace_free=pace_free, placed_today=placed_today, due=due)
        == expected
    )


def test_without_a_daily_limit_the_day_does_not_count() -> None:
    unlimited = LIMITS.model_copy(update={"calls_per_day": None})
    got = calls_to_place(limits=unlimited, live_calls=0, pace_free=5, placed_today=10**9, due=50)
    assert got == Pacing(5, "ready")


@given(
    live_calls=st.integers(0, 20),
    pace_free=st.integers(0, 20),
    placed_today=st.integers(0, 120),
    due=st.integers(0, 50),
)
def test_no_limit_is_ever_crossed(live_calls: int, pace_free: int, placed_today: int, due: int) -> None:
    got = calls_to_place(limits=LIMITS, live_calls=live_calls, pace_free=pace_free, placed_today=placed_today, due=due)
    assert got.count >= 0
    assert (got.count > 0) == (got.reason == "ready")
    if got.count:
        assert live_calls + got.count <= LIMITS.max_simultaneous_calls
        assert placed_today + got.count <= 100
        assert got.count <= min(pace_free, due)
