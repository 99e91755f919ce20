"""What an owner may set: schedules without an open minute, or with one that is none, are refused when they are set.

Deciding whether a minute is open is tested with the dialer.
"""

from datetime import date
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from campaign_events.schedule import STORED, WEEKDAYS, Schedule, is_time_zone, minutes_of, window_minutes
from campaign_events.settings import CampaignSettings, Limits, RetryRule, RetryRules

ALWAYS = {day: [["00:00", "24:00"]] for day in WEEKDAYS}


def refused(model: type[Any], values: dict[str, Any], *, extra: Any = None) -> str:
    with pytest.raises(ValidationError) as error:
        model.model_validate(values, extra=extra)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.value.errors())


# --- defaults --------------------------------------------------------------------------------------------------


def test_a_campaign_calls_in_office_hours_of_the_callee_unless_asked_otherwise() -> None:
    schedule = CampaignSettings(name="Spring").schedule
    assert schedule.use_callee_time_zone
    assert schedule.weekly == dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "18:00"),))


def test_the_retry_defaults_are_the_dialling_rules() -> None:
    rules = CampaignSettings(name="Spring").retry
    assert {name: (rule.delays_seconds[0], rule.max_retries) for name, rule in rules} == {
        "no_answer": (2 * 3600, None),
        "busy": (15 * 60, None),
        "declined": (24 * 3600, 1),
        "voicemail": (7200, 0),
        "carrier_error": (120, 2),  # the third error is the last
    }
    assert list(rules.carrier_error.delays_seconds) == sorted(set(rules.carrier_error.delays_seconds)), "back-off"
    assert Limits().max_attempts == 3
    assert CampaignSettings(name="Spring").callback_delay_seconds == 24 * 3600
    assert CampaignSettings(name="Spring").success_rule == "answered"


# --- times and windows -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:05", 545), ("23:59", 1439), ("24:00", 1440)])
def test_a_time_of_day_is_minutes_since_midnight(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["25:00", "24:01", "9:00", "09:60", "0900", "", "09:00:00", "٠٩:٠٠", "noon", " 09:00"])
def test_what_is_no_time_of_day_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: 'HH:MM' from '00:00' to '24:00'"):
        minutes_of(text)
    assert "weekly.mon.0" in refused(Schedule, {"weekly": {"mon": [[text, "18:00"]]}})
    assert "weekly.mon.0" in refused(Schedule, {"weekly": {"mon": [["08:00", text]]}})


@pytest.mark.parametrize("window", [["09:00", "09:00"], ["00:00", "00:00"], ["24:00", "08:00"], ["24:00", "24:00"]])
def test_an_empty_window_is_refused(window: list[str]) -> None:
    assert "is empty; allowed: a start before 24:00 and another end" in refused(Schedule, {"weekly": {"mon": [window]}})


@pytest.mark.parametrize("window", [["09:00"], [], ["09:00", "12:00", "13:00"], "09:00-12:00", None])
def test_a_window_is_a_pair(window: Any) -> None:
    assert "weekly.mon.0" in refused(Schedule, {"weekly": {"mon": [window]}})


@pytest.mark.parametrize(
    ("window", "minutes"),
    [
        (("09:00", "18:00"), (540, 1080)),
        (("00:00", "24:00"), (0, 1440)),
        (("22:00", "02:00"), (1320, 1560)),
        (("22:00", "00:00"), (1320, 1440)),
    ],
)
def test_a_window_may_cross_midnight(window: tuple[str, str], minutes: tuple[int, int]) -> None:
    assert window_minutes(window) == minutes
    assert Schedule(weekly={"mon": (window,)}).weekly == {"mon": (window,)}


@pytest.mark.parametrize(
    "weekly",
    [
        {"mon": [["09:00", "12:00"], ["11:59", "14:00"]]},
        {"mon": [["09:00", "12:00"], ["09:00", "12:00"]]},
        {"mon": [["22:00", "02:00"]], "tue": [["01:59", "03:00"]]},  # it crosses midnight
        {"sun": [["22:00", "02:00"]], "mon": [["01:00", "03:00"]]},  # and the week's end
        {"mon": [["08:00", "07:59"], ["09:00", "10:00"]]},
    ],
)
def test_overlapping_windows_are_refused(weekly: dict[str, Any]) -> None:
    assert "overlaps another; allowed: separate windows" in refused(Schedule, {"weekly": weekly})


@pytest.mark.parametrize(
    "weekly",
    [
        {"mon": [["09:00", "12:00"], ["12:00", "14:00"]]},
        {"mon": [["13:00", "14:00"], ["09:00", "12:00"]]},
        {"mon": [["22:00", "02:00"]], "tue": [["02:00", "03:00"]]},
        {"sun": [["22:00", "02:00"]], "mon": [["02:00", "03:00"]]},
        ALWAYS,
    ],
)
def test_windows_that_touch_are_allowed(weekly: dict[str, Any]) -> None:
    assert Schedule.model_validate({"weekly": weekly}, extra="forbid")


@pytest.mark.parametrize("weekly", [{}, {"mon": []}, {day: [] for day in WEEKDAYS}])
def test_a_schedule_without_an_open_minute_is_refused_and_never_means_always(weekly: dict[str, Any]) -> None:
    assert "no open minute" in refused(Schedule, {"weekly": weekly})


def test_a_week_has_seven_days() -> None:
    assert "weekly" in refused(Schedule, {"weekly": {"monday": [["09:00", "18:00"]]}})


times = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@for_all(start=times, end=times | st.just("24:00"))
def test_each_window_is_either_refused_or_has_open_minutes_within_a_day(start: str, end: str) -> None:
    if start == end:
        assert "empty" in refused(Schedule, {"weekly": {"mon": [[start, end]]}})
        return
    (window,) = Schedule(weekly={"mon": ((start, end),)}).weekly["mon"]
    first, last = window_minutes(window)
    assert 0 < last - first <= 1440
    assert 0 <= first < 1440


# --- zones and dates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "UTC"])
def test_iana_zones_are_allowed(name: str) -> None:
    assert is_time_zone(name)
    assert Schedule(time_zone=name).time_zone == name


@pytest.mark.parametrize(
    "name",
    ["Mars/Olympus", "", "'Europe/Berlin'", "EST", "CET", "GMT", "Etc/GMT+5", "Etc/Unknown", "+02:00", "europe/berlin"],
)
def test_an_unknown_zone_an_abbreviation_or_an_offset_is_refused(name: str) -> None:
    assert not is_time_zone(name)
    assert "is not an IANA time zone; allowed: names such as 'Europe/Berlin', or 'UTC'" in refused(
        Schedule, {"time_zone": name}
    )


def test_an_end_before_the_start_is_refused() -> None:
    message = refused(Schedule, {"start_date": "2026-03-02", "end_date": "2026-03-01"})
    assert "end_date 2026-03-01 lies before start_date 2026-03-02" in message
    one_day = Schedule(start_date=date(2026, 3, 2), end_date=date(2026, 3, 2))
    assert one_day.start_date == one_day.end_date


@pytest.mark.parametrize("field", ["start_date", "end_date", "blocked_dates"])
@pytest.mark.parametrize("value", ["2026-02-30", "tomorrow", "03/02/2026"])
def test_what_is_no_date_is_refused(field: str, value: str) -> None:
    assert field in refused(Schedule, {field: [value] if field == "blocked_dates" else value})


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ({}, date(2026, 3, 2)),  # a Monday
        ({"weekly": {"sun": [["09:00", "18:00"]]}}, date(2026, 3, 8)),
        ({"start_date": "2026-04-04"}, date(2026, 4, 6)),
        ({"start_date": "2026-04-04", "end_date": "2026-04-05"}, None),  # a weekend
        ({"end_date": "2026-03-02", "blocked_dates": ["2026-03-02"]}, None),
        ({"end_date": "2026-03-03", "blocked_dates": ["2026-03-02"]}, date(2026, 3, 3)),
        ({"weekly": {"tue": [["22:00", "06:00"]]}, "end_date": "2026-03-02"}, None),
        ({"end_date": "2026-03-01"}, None),  # it is over
    ],
)
def test_the_first_day_with_calls_has_a_window_and_nothing_that_blocks_it(
    schedule: dict[str, Any], first: date | None
) -> None:
    assert Schedule.model_validate(schedule).first_day_with_calls(date(2026, 3, 2)) == first


def test_a_year_of_public_holidays_leaves_no_day() -> None:
    assert Schedule().first_day_with_calls(date(2026, 3, 2), is_public_holiday=lambda _: True) is None


# --- read back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "'Europe/Berlin'"},
        {"weekly": {}},
        {"weekly": {"mon": [["25:00", "26:00"]]}},
        {"weekly": {"mon": [["09:00", "09:00"]]}},
        {"weekly": {"mon": [["09:00", "12:00"], ["10:00", "14:00"]]}},
        {"start_date": "2026-03-02", "end_date": "2026-03-01"},
    ],
)
def test_what_was_stored_is_read_as_it_is(stored: dict[str, Any]) -> None:
    refused(CampaignSettings, {"name": "Spring", "schedule": stored})
    read = CampaignSettings.model_validate({"name": "Spring", "schedule": stored}, context=STORED)
    assert read.schedule.model_dump(mode="json", include=set(stored)) == stored


# --- settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unknown",
    [
        {"colour": "red"},
        {"limits": {"calls_per_minute": 1}},
        {"retry": {"fax": {"delays_seconds": [60]}}},
        {"retry": {"busy": {"delays_seconds": [60], "until": 3}}},
        {"schedule": {"timezone": "Europe/Berlin"}},
    ],
)
def test_an_unknown_field_is_refused_in_a_command_and_ignored_in_a_fact(unknown: dict[str, Any]) -> None:
    assert "Extra inputs are not permitted" in refused(CampaignSettings, {"name": "Spring"} | unknown, extra="forbid")
    assert CampaignSettings.model_validate({"name": "Spring"} | unknown) == CampaignSettings(
        name="Spring", **({"retry": RetryRules(busy=RetryRule(delays_seconds=(60,)))} if "busy" in str(unknown) else {})
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 201),
        ("description", "x" * 2001),
        ("custom_prompt", "x" * 20_001),
        ("name", "a\0b"),
        ("description", "a\0b"),
        ("custom_prompt", "a\0b"),
        ("agent_id", "a\0b"),
        ("type", "sideways"),
        ("agent_id", ""),
        ("caller_numbers", ["030 123456"]),
        ("caller_numbers", ["+0123456789"]),
        ("caller_numbers", ["+49"]),
        ("caller_numbers", ["+4930123456\n"]),
        ("caller_numbers", ["+1234567890123456"]),
        ("default_country", "de"),
        ("success_rule", "hoped"),
        ("callback_delay_seconds", 0),
        ("callback_delay_seconds", 90 * 86_400 + 1),
        ("limits", {"max_attempts": 0}),
        ("limits", {"max_attempts": 21}),
        ("limits", {"max_simultaneous_calls": 0}),
        ("limits", {"calls_per_second": 501}),
        ("limits", {"calls_per_day": 0}),
        ("limits", {"ring_timeout_seconds": 14}),  # the US rule: at least 15 s
        ("limits", {"max_call_seconds": 0}),
        ("limits", {"max_call_seconds": 9}),
        ("limits", {"max_call_seconds": 14_401}),
        ("callback_tolerance_seconds", 0),
        ("callback_tolerance_seconds", 86_401),
        ("retry", {"no_answer": {"delays_seconds": [-60]}}),
        ("retry", {"no_answer": {"delays_seconds": [90 * 86_400 + 1]}}),
        ("retry", {"no_answer": {"delays_seconds": [60], "max_retries": 21}}),
        ("limits", {"calls_per_second": 0}),
        ("limits", {"max_simultaneous_calls": 1001}),
        ("retry", {"busy": {"delays_seconds": []}}),
        ("retry", {"busy": {"delays_seconds": [0]}}),
        ("retry", {"busy": {"delays_seconds": [60], "max_retries": -1}}),
    ],
)
def test_a_setting_out_of_bounds_is_refused_where_it_stands(field: str, value: Any) -> None:
    assert field in refused(CampaignSettings, {"name": "Spring", field: value})


def test_a_name_is_kept_without_the_blanks_around_it() -> None:
    assert CampaignSettings(name="  Spring ").name == "Spring"
