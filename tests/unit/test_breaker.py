"""What opens a trunk's breaker, how one call at a time tries the trunk, and how a busy trunk is shared out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_events.settings import Outcome
from dialer.breaker import (
    API_WORDS,
    LONGEST_PROBE_SECONDS,
    MOST_REASONS,
    PAUSES,
    Breaker,
    Cause,
    ProbeResult,
    Reason,
    Seen,
    Tally,
    closed,
    judge,
    masked,
    may_probe,
    opened,
    probe_result,
    probed,
    probing,
    summed,
)
from dialer.breakers import Breakers
from dialer.pacing import fair_room

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
CAUSES: list[Cause] = [*PAUSES]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def open_breaker(cause: Cause = "calls_fail") -> Breaker:
    return opened(cause, Tally(calls=20, failed=10), (), NOW)


# ---- what opens it


def test_half_of_twenty_calls_that_fail_open_it() -> None:
    assert judge(Tally(calls=20, failed=10)) == "calls_fail"
    assert judge(Tally(calls=20, failed=9)) is None
    assert judge(Tally(calls=101, failed=51)) == "calls_fail"
    assert judge(Tally(calls=101, failed=50)) is None


def test_fewer_than_twenty_calls_open_nothing_even_if_all_fail() -> None:
    assert judge(Tally(calls=19, failed=19)) is None


def test_half_of_twenty_calls_to_numbers_that_do_not_exist_are_a_broken_route() -> None:
    assert judge(Tally(calls=20, invalid=10)) == "numbers_invalid"
    assert judge(Tally(calls=20, invalid=9)) is None
    assert judge(Tally(calls=19, invalid=19)) is None


def test_invalid_numbers_and_faults_are_not_added_up() -> None:
    assert judge(Tally(calls=20, failed=9, invalid=9)) is None


def test_one_call_refused_for_credentials_or_money_opens_it_at_once() -> None:
    assert judge(Tally(calls=1, failed=1, not_authorized=1)) == "not_authorized"


def test_calls_to_five_numbers_refused_as_forbidden_open_it() -> None:
    assert judge(Tally(calls=5, failed=5, refused_numbers=5)) == "not_configured"
    assert judge(Tally(calls=4, failed=4, refused_numbers=4)) is None


def test_the_carriers_api_failing_five_times_in_a_row_opens_it() -> None:
    assert judge(Tally(api_failures_in_a_row=5)) == "carrier_api"
    assert judge(Tally(api_failures_in_a_row=4)) is None


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000))
def test_a_trunk_of_which_more_than_half_works_is_never_left_alone(good: int, failed: int, invalid: int) -> None:
    calls = good + failed + invalid
    if good > calls / 2:
        assert judge(Tally(calls=calls, failed=failed, invalid=invalid)) is None


# ---- trying again


@pytest.mark.parametrize("cause", CAUSES)
def test_no_call_tries_before_the_pause_is_over_and_the_pause_doubles_up_to_a_limit(cause: Cause) -> None:
    first, longest = PAUSES[cause]
    breaker, at, expected = opened(cause, Tally(), (), NOW), NOW, first
    for _ in range(8):
        assert not may_probe(breaker, at + timedelta(seconds=expected - 0.001))
        at += timedelta(seconds=expected)
        assert may_probe(breaker, at)
        tried = probing(breaker, at)
        assert not may_probe(tried, at + timedelta(hours=1))
        breaker, expected = probed(tried, "failed", at), min(2 * expected, longest)
        assert breaker.pause_seconds == expected
    assert expected == longest


def test_a_carrier_that_says_when_to_come_again_is_not_asked_before() -> None:
    assert opened("carrier_api", Tally(), (), NOW, retry_after_seconds=30).probe_at == after(30)
    assert opened("carrier_api", Tally(), (), NOW, retry_after_seconds=3600).probe_at == after(60)
    assert opened("carrier_api", Tally(), (), NOW, retry_after_seconds=0.5).probe_at == after(2)


def test_a_call_that_goes_through_closes_it_and_the_next_opening_begins_with_a_short_pause() -> None:
    done = probed(probing(open_breaker(), after(15)), "passed", after(16))
    assert (done.state, done.closed_by, done.changed_at, done.probe_at) == ("closed", "probe", after(16), None)
    assert done.cause == "calls_fail"
    assert opened("calls_fail", Tally(), (), after(20)).pause_seconds == PAUSES["calls_fail"][0]


def test_a_call_that_says_nothing_of_the_trunk_lets_another_try_at_once() -> None:
    tried = probing(open_breaker(), after(15))
    again = probed(tried, "void", after(16))
    assert (again.state, again.probe_at, again.pause_seconds) == ("open", after(16), tried.pause_seconds)
    assert probed(tried, "pending", after(16)) == tried
    given_up = probed(tried, "pending", after(15 + LONGEST_PROBE_SECONDS))
    assert may_probe(given_up, after(15 + LONGEST_PROBE_SECONDS))


def test_an_operator_closes_it_by_hand_and_closing_twice_changes_nothing() -> None:
    for breaker in (open_breaker(), probing(open_breaker(), after(15))):
        done = closed(breaker, after(20), by="ada")
        assert (done.state, done.closed_by, done.changed_at) == ("closed", "ada", after(20))
        assert closed(done, after(30), by="bob") == done
        assert probed(done, "failed", after(30)) == done


RESULTS: list[tuple[Seen | None, Cause, ProbeResult]] = [
    (None, "calls_fail", "void"),
    (Seen("asked"), "calls_fail", "pending"),
    (Seen("placing"), "calls_fail", "pending"),
    (Seen("placed"), "calls_fail", "pending"),
    (Seen("placed"), "carrier_api", "passed"),
    (Seen("ringing", rang=True), "not_authorized", "passed"),
    (Seen("unknown"), "carrier_api", "failed"),
    (Seen("settled", Outcome.HUMAN, rang=True), "calls_fail", "passed"),
    (Seen("settled", Outcome.BUSY), "calls_fail", "passed"),
    (Seen("settled", Outcome.CARRIER_ERROR), "carrier_api", "failed"),
    (Seen("settled", Outcome.CONFIGURATION), "not_configured", "failed"),
    (Seen("settled", Outcome.INVALID_NUMBER), "numbers_invalid", "failed"),
    (Seen("settled", Outcome.INVALID_NUMBER), "calls_fail", "passed"),
    (Seen("settled", Outcome.NOT_PLACED), "calls_fail", "void"),
    (Seen("settled", Outcome.NOT_PLACED, words=f"{API_WORDS}unreachable"), "carrier_api", "failed"),
    (Seen("settled", Outcome.CANCELLED), "calls_fail", "void"),
    (Seen("settled", Outcome.UNKNOWN), "calls_fail", "void"),
]


@pytest.mark.parametrize(("seen", "cause", "expected"), RESULTS)
def test_what_the_call_that_tries_says_of_its_trunk(seen: Seen | None, cause: Cause, expected: ProbeResult) -> None:
    assert probe_result(seen, cause) == expected


# ---- the reasons


def test_numbers_in_the_carriers_words_are_masked_and_codes_are_not() -> None:
    assert masked("603 Decline for +49 (30) 231-25433") == "603 Decline for +•••••"
    assert masked("sip:493023125433@host 486 Busy, Q.850;cause=17") == "sip:•••••@host 486 Busy, Q.850;cause=17"
    assert masked(None) is None


@given(st.text(alphabet="0123456789 +-().ab", max_size=40))
def test_no_five_digits_stay_together(words: str) -> None:
    shown = masked(words) or ""
    run = 0
    for sign in shown:
        run = run + 1 if sign.isdigit() else 0
        assert run < 5


def test_reasons_that_differ_in_a_number_only_are_one_and_the_most_frequent_come_first() -> None:
    found = [Reason("carrier_error", 503, 34, f"no route to +4930231{n:05d}", 1) for n in range(7)]
    found += [Reason("carrier_error", 500, None, word, 2) for word in "abcdefghijklmnop"]
    reasons = summed(found)
    assert reasons[0] == Reason("carrier_error", 503, 34, "no route to +•••••", 7)
    assert len(reasons) == MOST_REASONS


# ---- what one process knows by itself


def test_the_api_failing_five_times_in_a_row_holds_the_trunks_calls_back_before_anybody_has_judged() -> None:
    breakers, workspace = Breakers(None, log=None), UUID(int=7)  # type: ignore[arg-type]
    trunk, other = (workspace, "berlin-1"), (workspace, "mobile")
    for _ in range(4):
        breakers.api_answered(trunk, is_failure=True)
    breakers.api_answered(trunk, is_failure=False)
    for _ in range(4):
        breakers.api_answered(trunk, is_failure=True)
    assert not breakers.holds_back(trunk)
    breakers.api_answered(trunk, is_failure=True)
    assert breakers.holds_back(trunk)
    assert not breakers.holds_back(other)


# ---- sharing a trunk

CAMPAIGNS = [UUID(int=n) for n in range(1, 6)]
held_by = st.dictionaries(st.sampled_from(CAMPAIGNS), st.integers(0, 8))
waiting_since = st.dictionaries(
    st.sampled_from(CAMPAIGNS), st.integers(-5, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))
)


@given(st.integers(1, 20), held_by, waiting_since, st.sampled_from(CAMPAIGNS))
def test_room_never_exceeds_what_is_free(
    ceiling: int, held: dict[UUID, int], waiting: dict[UUID, datetime], campaign: UUID
) -> None:
    room = fair_room(ceiling, held, campaign=campaign, waiting=waiting, now=NOW)
    assert 0 <= room <= max(0, ceiling - sum(held.values()))


@given(st.integers(1, 20), held_by, waiting_since)
def test_what_is_free_is_always_somebodys_who_waits(
    ceiling: int, held: dict[UUID, int], waiting: dict[UUID, datetime]
) -> None:
    if not waiting or sum(held.values()) >= ceiling:
        return
    rooms = [fair_room(ceiling, held, campaign=one, waiting=waiting, now=NOW) for one in waiting]
    assert any(rooms)


@settings(deadline=None)
@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 8)), max_size=60))
def test_campaigns_that_all_want_more_get_an_equal_share(ceiling: int, asks: list[tuple[int, int]]) -> None:
    """Each asks in any order; calls end as the trunk is full. In the end nobody has two more than another."""
    held: dict[UUID, int] = dict.fromkeys(CAMPAIGNS, 0)
    held[CAMPAIGNS[0]] = ceiling
    waiting = dict.fromkeys(CAMPAIGNS, NOW)
    at = NOW
    for turn in range(40 * len(CAMPAIGNS)):
        who, wanted = asks[turn % len(asks)] if asks and turn < len(asks) else (turn % len(CAMPAIGNS), 8)
        at += timedelta(seconds=1)
        room = min(wanted, fair_room(ceiling, held, campaign=CAMPAIGNS[who], waiting=waiting, now=at))
        held[CAMPAIGNS[who]] += room
        if room:
            waiting[CAMPAIGNS[who]] = at
        if sum(held.values()) >= ceiling:  # the trunk is full: the campaign with the most ends a call
            held[max(held, key=lambda one: held[one])] -= 1
    share = -(-ceiling // len(CAMPAIGNS))
    assert all(n <= share for n in held.values())
    if ceiling >= len(CAMPAIGNS):
        assert all(n >= ceiling // len(CAMPAIGNS) - 1 for n in held.values())


def test_while_nobody_else_waits_a_campaign_takes_all_that_is_free() -> None:
    first, second = CAMPAIGNS[:2]
    assert fair_room(10, {first: 3, second: 2}, campaign=first, waiting={}, now=NOW) == 5
    assert fair_room(10, {first: 3, second: 2}, campaign=first, waiting={second: NOW}, now=NOW) == 2
    assert fair_room(10, {first: 7, second: 2}, campaign=first, waiting={second: NOW}, now=NOW) == 0
