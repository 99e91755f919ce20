"""Frequency caps: no rolling window, wherever it begins, holds more calls than the cap."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from campaign_command import caps
from campaign_command.caps import allowed_at, counts, longest_window
from campaign_command.workspaces import Workspace, WorkspaceSettings, decide, evolve
from campaign_events.facts import CallVerdict, WorkspacePaused, WorkspaceResumed, WorkspaceSettingsChanged
from campaign_events.presets import PRESETS, FrequencyCap
from campaign_events.settings import Outcome

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR = 86_400, 3_600


def cap(calls: int, window_seconds: int) -> FrequencyCap:
    return FrequencyCap(calls=calls, window_seconds=window_seconds)


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("given_caps", "calls", "expected"),
    [
        ([], [ago(1), ago(2)], None),
        ([cap(1, HOUR)], [], None),
        ([cap(2, HOUR)], [ago(10)], None),
        ([cap(1, HOUR)], [ago(10)], ago(10 - HOUR)),
        ([cap(1, HOUR)], [ago(HOUR)], None),  # the window has just passed
        ([cap(1, HOUR)], [ago(HOUR - 1)], NOON + timedelta(seconds=1)),
        ([cap(2, HOUR)], [ago(10), ago(600), ago(2 * HOUR)], ago(600 - HOUR)),
        ([cap(3, DAY), cap(1, HOUR)], [ago(10)], ago(10 - HOUR)),
        ([cap(1, HOUR), cap(2, DAY)], [ago(10), ago(7 * HOUR)], ago(7 * HOUR - DAY)),  # the cap that waits longest
        ([cap(1, HOUR)], [NOON + timedelta(seconds=2)], NOON + timedelta(seconds=2 + HOUR)),  # one that may ring yet
    ],
)
def test_the_next_call_waits_until_every_cap_has_room(
    given_caps: list[FrequencyCap], calls: list[datetime], expected: datetime | None
) -> None:
    assert allowed_at(given_caps, calls, NOON) == expected


rules = st.lists(st.builds(cap, st.integers(1, 4), st.integers(60, 600)), max_size=3)
steps = st.lists(st.integers(0, 300), min_size=1, max_size=40)


@given(given_caps=rules, waits=steps)
def test_whoever_keeps_to_the_answer_never_calls_more_often_in_any_window(
    given_caps: list[FrequencyCap], waits: list[int]
) -> None:
    """Compared by force: every window that ends with a call."""
    now, calls = NOON, list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait)
        if allowed_at(given_caps, calls, now) is None:
            calls.append(now)
    for rule in given_caps:
        for end in calls:
            within = [at for at in calls if end - timedelta(seconds=rule.window_seconds) < at <= end]
            assert len(within) <= rule.calls


@given(given_caps=rules, seconds=st.lists(st.integers(0, 900), max_size=12))
def test_the_answer_is_the_first_moment_with_room(given_caps: list[FrequencyCap], seconds: list[int]) -> None:
    calls = [ago(second) for second in seconds]
    at = allowed_at(given_caps, calls, NOON)
    if at is None:
        return
    assert at > NOON
    assert allowed_at(given_caps, calls, at) is None
    assert allowed_at(given_caps, calls, at - timedelta(microseconds=1)) == at


def test_history_is_kept_for_the_longest_window_that_can_be_set() -> None:
    longest = int(caps.KEPT.total_seconds())
    assert cap(1, longest)
    with pytest.raises(ValidationError):
        cap(1, longest + 1)
    assert longest_window([]) == timedelta()
    assert all(longest_window(preset.frequency_caps) <= caps.KEPT for preset in PRESETS.values())


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_call_that_may_have_rung_counts(outcome: Outcome) -> None:
    verdict = CallVerdict(
        at=NOON,
        campaign_id=uuid4(),
        contact_id=uuid4(),
        call_id=uuid4(),
        attempt=1,
        settings_version=1,
        outcome=outcome,
    )
    never = {Outcome.NOT_PLACED, Outcome.CARRIER_ERROR, Outcome.CONFIGURATION, Outcome.CANCELLED}
    assert counts(verdict) == (outcome not in never)
    assert counts(verdict.model_copy(update={"rang": True})) == (outcome not in never - {Outcome.CANCELLED})


# --- the workspace's settings


settings = st.builds(
    WorkspaceSettings,
    caps=st.lists(
        st.builds(cap, st.integers(1, 3), st.integers(60, 63)), max_size=2, unique_by=lambda c: c.window_seconds
    ),
    retention_days=st.integers(1, 3),
    paused_all=st.booleans(),
)


@given(wanted=st.lists(settings, max_size=6))
def test_a_workspace_is_what_was_wanted_last_and_repeating_it_changes_nothing(wanted: list[WorkspaceSettings]) -> None:
    state = Workspace(uuid4())
    for one in wanted:
        for fact in decide(state, one, NOON):
            state = evolve(state, fact)
        assert state.settings == one
        assert decide(state, one, NOON) == []


def test_a_change_of_the_settings_says_what_changed_and_pausing_is_a_fact_of_its_own() -> None:
    state = Workspace(uuid4())
    wanted = WorkspaceSettings(caps=(cap(3, DAY),), paused_all=True)
    changed, paused = decide(state, wanted, NOON)
    assert isinstance(changed, WorkspaceSettingsChanged)
    assert (changed.settings_version, changed.changed, changed.retention_days) == (1, ("caps",), 1826)
    assert isinstance(paused, WorkspacePaused)
    after = evolve(evolve(state, changed), paused)
    (resumed,) = decide(after, wanted.model_copy(update={"paused_all": False}), NOON)
    assert isinstance(resumed, WorkspaceResumed)
    assert evolve(after, resumed).paused_at == NOON, "permits of before stay void"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"caps": [{"calls": 0, "window_seconds": 60}]}, "greater than or equal to 1"),
        ({"caps": [{"calls": 1001, "window_seconds": 60}]}, "less than or equal to 1000"),
        ({"caps": [{"calls": 1, "window_seconds": 59}]}, "greater than or equal to 60"),
        ({"caps": [{"calls": 1, "window_seconds": 90 * DAY + 1}]}, "less than or equal to 7776000"),
        ({"caps": [{"calls": 1}]}, "Field required"),
        ({"caps": [{"calls": 1, "window_seconds": 60, "per": "day"}]}, "Extra inputs are not permitted"),
        ({"caps": [{"calls": 1, "window_seconds": 60}, {"calls": 2, "window_seconds": 60}]}, "there twice; allowed"),
        ({"caps": [{"calls": 1, "window_seconds": 60 + n} for n in range(11)]}, "at most 10"),
        ({"retention_days": 0}, "greater than or equal to 1"),
        ({"retention_days": 3654}, "less than or equal to 3653"),
        ({"paused_all": "perhaps"}, "valid boolean"),
        ({"pause": True}, "Extra inputs are not permitted"),
    ],
)
def test_settings_beyond_what_is_allowed_are_refused(bad: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        WorkspaceSettings.model_validate(bad, extra="forbid")
