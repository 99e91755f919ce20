"""The auditor's hours: two independent ways to one rule come to the same answer."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.hours import closed_in, hours_at
from campaign_events.schedule import WEEKDAYS, PublicHolidays, Schedule
from campaign_service.public_holidays import is_holiday_of
from dialer.schedule import Open, Openings

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
WORKDAYS = Schedule(time_zone=BERLIN)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "window"),
    [
        ("2026-03-02T07:59:59", None),
        ("2026-03-02T08:00:00", "Mon 09:00-18:00"),
        ("2026-03-02T16:59:59", "Mon 09:00-18:00"),
        ("2026-03-02T17:00:00", None),
        ("2026-03-01T12:00:00", None),
        ("2026-06-01T07:00:00", "Mon 09:00-18:00"),
    ],
)
def test_the_local_minute_decides(moment: str, window: str | None) -> None:
    assert hours_at(WORKDAYS, BERLIN, at(moment)) == window


def test_all_zones_must_be_open_and_no_zone_is_closed() -> None:
    assert closed_in(WORKDAYS, [BERLIN, NEW_YORK], at("2026-03-02T09:00:00")) == [NEW_YORK]
    assert closed_in(WORKDAYS, [BERLIN, NEW_YORK], at("2026-03-02T15:00:00")) == []
    assert closed_in(WORKDAYS, [], at("2026-03-02T15:00:00")) == ["no known zone"]
    assert closed_in(WORKDAYS, ["Etc/Unknown"], at("2026-03-02T15:00:00")) == ["Etc/Unknown"]


def test_a_window_across_midnight_is_closed_where_either_day_has_no_calls() -> None:
    night = Schedule(time_zone="UTC", weekly={"fri": (("22:00", "02:00"),)})
    blocked = night.model_copy(update={"blocked_dates": (date(2026, 3, 7),)})
    assert hours_at(night, "UTC", at("2026-03-07T01:00:00")) == "Fri 22:00-02:00"
    assert hours_at(blocked, "UTC", at("2026-03-06T23:00:00")) == "Fri 22:00-02:00"
    assert hours_at(blocked, "UTC", at("2026-03-07T01:00:00")) is None


def test_on_a_public_holiday_nobody_is_called_and_an_unknown_country_has_only_holidays() -> None:
    german = WORKDAYS.model_copy(update={"public_holidays": PublicHolidays(country="DE")})
    nowhere = WORKDAYS.model_copy(update={"public_holidays": PublicHolidays(country="ZZ")})
    assert hours_at(german, BERLIN, at("2026-04-06T10:00:00")) is None
    assert hours_at(german, BERLIN, at("2026-04-07T10:00:00")) is not None
    assert hours_at(nowhere, BERLIN, at("2026-04-07T10:00:00")) is None


times = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02d}:{minute % 60:02d}")
windows = st.tuples(times, times).filter(lambda one: one[0] != one[1])
days = st.dates(date(2026, 3, 20), date(2026, 4, 10))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    weekly = draw(st.dictionaries(st.sampled_from(WEEKDAYS), st.lists(windows, max_size=2).map(tuple), max_size=7))
    first, last = sorted((draw(days), draw(days)))
    return Schedule.model_validate(
        {
            "time_zone": "UTC",
            "weekly": weekly,
            "blocked_dates": draw(st.lists(days, max_size=3)),
            "start_date": draw(st.sampled_from([None, first])),
            "end_date": draw(st.sampled_from([None, last])),
            "public_holidays": draw(st.sampled_from([None, PublicHolidays(country="DE", subdivision="BY")])),
        },
        context={"stored": True},
    )


@settings(max_examples=300, deadline=None)
@given(
    schedule=schedules(),
    zones=st.lists(st.sampled_from([BERLIN, NEW_YORK, "Asia/Kolkata", "Pacific/Apia"]), min_size=1, max_size=2),
    seconds=st.integers(0, 22 * 86_400),
)
def test_the_auditor_and_the_dialer_agree_on_every_moment(schedule: Schedule, zones: list[str], seconds: int) -> None:
    moment = datetime(2026, 3, 20, tzinfo=UTC) + timedelta(seconds=seconds)
    openings = Openings(schedule, is_public_holiday=is_holiday_of(schedule))
    assert isinstance(openings.at(zones, moment), Open) == (closed_in(schedule, zones, moment) == [])
