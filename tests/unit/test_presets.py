"""Presets: what the law's rows say, that they can only be tightened, and public holidays as days without calls."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from campaign_command import given_settings
from campaign_command.campaign import Campaign, Refused, Resume, Start, decide
from campaign_events import presets
from campaign_events.presets import PRESETS, FrequencyCap, Preset, open_minutes, violations, with_preset
from campaign_events.schedule import STORED, WEEKDAYS, PublicHolidays, Schedule, window_minutes
from campaign_events.settings import CampaignSettings, CampaignStatus
from campaign_service.problems import Problem
from campaign_service.public_holidays import dates_of, is_holiday_of, problem_of
from dialer.schedule import Closed, Open, Openings

CAMPAIGN, WORKSPACE = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
READY: dict[str, Any] = {"name": "Spring", "agent_id": "agent-1", "caller_numbers": ("+4930123456",)}
ALWAYS = {day: [["00:00", "24:00"]] for day in WEEKDAYS}


def settings(**changes: Any) -> CampaignSettings:
    return CampaignSettings.model_validate(READY | changes, extra="forbid")


def made(**changes: Any) -> CampaignSettings:
    """As a new campaign gets them."""
    return given_settings.created(settings(**changes), now=NOON)


def edited(before: CampaignSettings, **patch: Any) -> CampaignSettings:
    """As an edit makes them; `schedule` merges."""
    merged = before.model_dump(mode="json")
    schedule = patch.get("schedule")
    merged |= {**patch, "schedule": {**merged["schedule"], **schedule}} if schedule else patch
    return given_settings.edited(before, CampaignSettings.model_validate(merged, extra="forbid"), patch, now=NOON)


def fields(problem: pytest.ExceptionInfo[Problem]) -> list[str]:
    assert (problem.value.status, problem.value.code) == (422, "invalid_request")
    assert all("allowed: " in error["message"] for error in problem.value.extra["errors"])
    return [error["field"] for error in problem.value.extra["errors"]]


# --- the table ---------------------------------------------------------------------------------------------------

ROWS: list[tuple[str, str, str, tuple[tuple[int, int], ...], bool, str | None]] = [
    ("us-federal", "mon 08:00-21:00", "sun 08:00-21:00", (), False, None),
    ("us-strict", "sat 08:00-20:00", "mon 08:00-20:00", ((3, 86_400),), False, None),
    ("canada", "mon 09:00-21:30", "sun 10:00-18:00", (), False, None),
    ("france", "fri 10:00-13:00 14:00-20:00", "sat", ((4, 30 * 86_400),), True, "FR"),
    ("australia", "tue 09:00-20:00", "sat 09:00-17:00", (), False, "AU"),
]


@pytest.mark.parametrize(("name", "one", "other", "caps", "consent", "holidays"), ROWS, ids=[row[0] for row in ROWS])
def test_each_row_of_the_table(
    name: str, one: str, other: str, caps: tuple[tuple[int, int], ...], consent: bool, holidays: str | None
) -> None:
    preset = PRESETS[name]
    for line in (one, other):
        day, *windows = line.split()
        assert preset.weekly is not None
        assert ["-".join(window) for window in preset.weekly.get(day, ())] == windows  # type: ignore[call-overload]
    assert tuple((cap.calls, cap.window_seconds) for cap in preset.frequency_caps) == caps
    assert preset.requires_consent == consent
    assert (preset.public_holidays.country if preset.public_holidays else None) == holidays
    assert preset.version >= 1
    assert preset.source


def test_the_uk_leaves_the_hours_to_the_campaign() -> None:
    assert PRESETS["uk"].weekly is None
    assert made(preset="uk", schedule={"weekly": ALWAYS, "use_callee_time_zone": False}).preset_version == 1


@pytest.mark.parametrize(("name", "percent"), [("us-federal", 3), ("us-strict", 3), ("canada", 5), ("uk", 0)])
def test_the_abandoned_rate_a_preset_allows(name: str, percent: float) -> None:
    assert PRESETS[name].max_abandoned_percent == percent


def test_there_is_no_other_preset() -> None:
    assert list(PRESETS) == ["us-federal", "us-strict", "canada", "france", "australia", "uk"]
    with pytest.raises(ValidationError, match="'mars' is no preset; allowed: us-federal, us-strict"):
        settings(preset="mars")
    assert CampaignSettings.model_validate({**READY, "preset": "mars"}, context=STORED).preset == "mars"


# --- picking one -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_in_what_the_owner_does_not_name_and_is_kept_by_that(name: str) -> None:
    got, preset = made(preset=name), PRESETS[name]
    assert violations(preset, got) == []
    assert (got.preset, got.preset_version) == (name, preset.version)
    if preset.weekly is not None:
        assert open_minutes(got.schedule.weekly) == open_minutes(preset.weekly)
    assert got.schedule.public_holidays == preset.public_holidays
    assert got.requires_consent == preset.requires_consent
    assert got.frequency_caps == preset.frequency_caps


def test_what_the_owner_names_stays_as_named() -> None:
    hours = {"weekly": {"tue": [["10:00", "12:00"]]}}
    got = made(preset="france", schedule=hours, frequency_caps=[{"calls": 1, "window_seconds": 60 * 86_400}])
    assert got.schedule.weekly == {"tue": (("10:00", "12:00"),)}
    assert got.frequency_caps == (FrequencyCap(calls=1, window_seconds=60 * 86_400),)
    assert got.schedule.public_holidays == PublicHolidays(country="FR")


def test_the_version_is_the_presets_whatever_the_owner_says() -> None:
    assert made(preset="canada", preset_version=99).preset_version == 1
    assert made(preset_version=99).preset_version is None


def test_us_strict_is_the_default_for_us_numbers_and_null_says_no() -> None:
    assert made(default_country="US").preset == "us-strict"
    assert made(default_country="US", preset=None).preset is None
    assert made(default_country="US", type="inbound").preset is None
    assert made(default_country="DE").preset is None
    assert made().preset is None


# --- only tighter ------------------------------------------------------------------------------------------------

LOOSER: list[tuple[str, dict[str, Any], list[str]]] = [
    ("us-federal", {"schedule": {"weekly": {"mon": [["07:59", "12:00"]]}}}, ["schedule.weekly.mon"]),
    ("us-strict", {"schedule": {"weekly": {"sun": [["19:00", "20:01"]]}}}, ["schedule.weekly.sun"]),
    ("france", {"schedule": {"weekly": {"mon": [["12:00", "15:00"]]}}}, ["schedule.weekly.mon"]),
    ("france", {"schedule": {"weekly": {"sat": [["10:00", "11:00"]]}}}, ["schedule.weekly.sat"]),
    # A window across midnight opens the next day too.
    (
        "us-federal",
        {"schedule": {"weekly": {"sun": [["20:00", "02:00"]]}}},
        ["schedule.weekly.mon", "schedule.weekly.sun"],
    ),
    ("canada", {"schedule": {"use_callee_time_zone": False}}, ["schedule.use_callee_time_zone"]),
    ("france", {"requires_consent": False}, ["requires_consent"]),
    ("france", {"schedule": {"public_holidays": {"country": "DE"}}}, ["schedule.public_holidays"]),
    ("us-strict", {"frequency_caps": []}, ["frequency_caps"]),
    ("us-strict", {"frequency_caps": [{"calls": 4, "window_seconds": 86_400}]}, ["frequency_caps"]),
    ("us-strict", {"frequency_caps": [{"calls": 3, "window_seconds": 3600}]}, ["frequency_caps"]),
    (
        "france",
        {"requires_consent": False, "frequency_caps": [], "schedule": {"weekly": {"sun": [["10:00", "11:00"]]}}},
        ["schedule.weekly.sun", "requires_consent", "frequency_caps"],
    ),
]


@pytest.mark.parametrize(("name", "changes", "wrong"), LOOSER)
def test_what_is_looser_than_the_preset_is_refused_with_field_and_what_is_allowed(
    name: str, changes: dict[str, Any], wrong: list[str]
) -> None:
    with pytest.raises(Problem) as problem:
        made(preset=name, **changes)
    assert fields(problem) == wrong
    with pytest.raises(Problem) as problem:
        edited(made(preset=name), **changes)
    assert fields(problem) == wrong


TIGHTER: list[tuple[str, dict[str, Any]]] = [
    ("us-strict", {"schedule": {"weekly": {"mon": [["09:00", "12:00"], ["13:00", "20:00"]]}}}),
    ("us-strict", {"frequency_caps": [{"calls": 2, "window_seconds": 86_400}]}),
    ("us-strict", {"frequency_caps": [{"calls": 3, "window_seconds": 172_800}]}),
    ("us-strict", {"frequency_caps": [{"calls": 9, "window_seconds": 60}, {"calls": 3, "window_seconds": 86_400}]}),
    ("us-federal", {"limits": {"ring_timeout_seconds": 60}, "requires_consent": True}),
    ("france", {"schedule": {"public_holidays": {"country": "FR", "subdivision": "57"}}}),
    ("canada", {"schedule": {"public_holidays": {"country": "CA"}}}),
]


@pytest.mark.parametrize(("name", "changes"), TIGHTER)
def test_what_is_tighter_than_the_preset_is_accepted(name: str, changes: dict[str, Any]) -> None:
    if "subdivision" in str(changes):
        known = problem_of(PublicHolidays(country="FR", subdivision="57"))
        if known is not None:
            changes = {"schedule": {"public_holidays": {"country": "FR", "subdivision": "BL"}}}
    assert made(preset=name, **changes).preset == name
    assert edited(made(preset=name), **changes).preset == name


def _windows(numbers: list[int]) -> list[list[str]]:
    cuts = sorted(set(numbers))
    clock = [f"{cut // 60:02d}:{cut % 60:02d}" for cut in cuts[: len(cuts) // 2 * 2]]
    return [clock[at : at + 2] for at in range(0, len(clock), 2)]


weeks = st.dictionaries(
    st.sampled_from(WEEKDAYS),
    st.lists(st.integers(0, 1440), min_size=2, max_size=6).map(_windows).filter(bool),
    min_size=1,
)


@for_all(name=st.sampled_from([name for name, preset in PRESETS.items() if preset.weekly]), weekly=weeks)
@hypothesis_settings(max_examples=150, deadline=None)
def test_windows_are_accepted_if_and_only_if_every_minute_lies_in_the_presets(name: str, weekly: Any) -> None:
    preset = PRESETS[name]
    assert preset.weekly is not None

    def covers(day: Any, minute: int) -> bool:
        assert preset.weekly is not None
        return any(start <= minute < end for start, end in map(window_minutes, preset.weekly.get(day, ())))

    try:
        given = settings(preset=name, schedule={"weekly": weekly})
    except ValidationError:
        return  # no open minute, or windows that overlap
    fits = all(
        covers(day, minute)
        for day, windows in given.schedule.weekly.items()
        for start, end in map(window_minutes, windows)
        for minute in range(start, end)
    )
    named = {"schedule.weekly"}
    assert (violations(preset, with_preset(given, named=named)) == []) == fits


# --- edits --------------------------------------------------------------------------------------------------------


def test_an_edit_of_something_else_keeps_the_preset_and_its_hours() -> None:
    before = made(preset="france", schedule={"weekly": {"mon": [["10:00", "12:00"]]}})
    after = edited(before, name="Summer")
    assert after == before.model_copy(update={"name": "Summer"})


def test_another_preset_brings_its_hours_and_ceilings_with_it() -> None:
    after = edited(made(preset="france"), preset="us-strict")
    assert open_minutes(after.schedule.weekly) == open_minutes(PRESETS["us-strict"].weekly or {})
    assert after.frequency_caps == PRESETS["us-strict"].frequency_caps
    assert after.requires_consent, "what was stricter stays, until it is named"


def test_a_field_set_back_is_the_presets_again() -> None:
    before = made(preset="us-strict", schedule={"weekly": {"mon": [["10:00", "12:00"]]}})
    cleared = before.model_copy(update={"schedule": Schedule(), "frequency_caps": ()})
    after = given_settings.edited(before, cleared, {"schedule": None, "frequency_caps": None}, now=NOON)
    assert open_minutes(after.schedule.weekly) == open_minutes(PRESETS["us-strict"].weekly or {})
    assert after.frequency_caps == PRESETS["us-strict"].frequency_caps


def test_without_a_preset_the_hours_stay_and_may_be_widened() -> None:
    after = edited(made(preset="france"), preset=None, schedule={"weekly": ALWAYS}, requires_consent=False)
    assert (after.preset, after.preset_version, after.requires_consent) == (None, None, False)


# --- a preset that becomes stricter --------------------------------------------------------------------------------


def campaign(status: CampaignStatus, given: CampaignSettings) -> Campaign:
    return Campaign(CAMPAIGN, WORKSPACE, given, 1, status, 1, NOON)


def test_start_and_resume_are_refused_once_the_preset_has_become_stricter(monkeypatch: pytest.MonkeyPatch) -> None:
    given = made(preset="us-federal")
    start = Start(total=1, callable=1)
    assert decide(campaign(CampaignStatus.DRAFT, given), start, NOON)
    stricter = Preset(name="us-federal", version=2, source="tomorrow", weekly={"mon": (("09:00", "17:00"),)})
    monkeypatch.setattr("campaign_command.campaign.PRESETS", {**PRESETS, "us-federal": stricter})
    for state, command in ((CampaignStatus.DRAFT, start), (CampaignStatus.PAUSED, Resume())):
        with pytest.raises(Refused, match="has changed") as refused:
            decide(campaign(state, given), command, NOON)
        assert refused.value.code == "preset_not_kept"
        assert refused.value.extra["errors"][0]["field"] == "schedule.weekly.mon"


def test_a_stored_preset_that_is_no_more_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaign_command.campaign.PRESETS", {})
    with pytest.raises(Refused, match="choose another one"):
        decide(campaign(CampaignStatus.DRAFT, made(preset="canada")), Start(total=1, callable=1), NOON)


# --- end dates, caps: what is bad input -----------------------------------------------------------------------------


def test_an_end_date_in_the_past_is_refused_when_it_is_set() -> None:
    with pytest.raises(Problem) as problem:
        made(schedule={"end_date": "2026-02-27"})
    assert fields(problem) == ["schedule.end_date"]
    assert problem.value.extra["errors"][0]["value"] == "2026-02-27"
    today = {"time_zone": "Europe/Berlin", "end_date": "2026-03-02", "use_callee_time_zone": False}
    assert made(schedule=today).schedule.end_date == date(2026, 3, 2)
    with pytest.raises(Problem):
        given_settings.created(settings(schedule=today), now=NOON + timedelta(days=1))


def test_an_end_date_that_has_passed_is_no_obstacle_to_an_edit_of_something_else() -> None:
    over = settings(schedule={"end_date": "2026-02-01"})
    assert edited(over, name="Summer").name == "Summer"
    with pytest.raises(Problem):
        edited(over, schedule={"end_date": "2026-02-02"})
    assert edited(over, schedule={"end_date": None}).schedule.end_date is None


@pytest.mark.parametrize(
    "schedule",
    [
        {"start_date": "2026-04-04", "end_date": "2026-04-05"},  # a weekend
        {"end_date": "2026-03-03", "blocked_dates": ["2026-03-01", "2026-03-02", "2026-03-03"]},
        {"weekly": {"sat": [["09:00", "12:00"]]}, "end_date": "2026-03-06"},
        {"start_date": "2026-12-25", "end_date": "2026-12-25", "public_holidays": {"country": "DE"}},
    ],
    ids=["no weekday", "every day blocked", "the weekday comes too late", "a public holiday"],
)
def test_a_schedule_without_an_open_minute_until_its_end_is_refused_when_it_is_set(schedule: dict[str, Any]) -> None:
    with pytest.raises(Problem) as problem:
        made(schedule=schedule)
    assert fields(problem) == ["schedule"]
    assert "no open minute" in problem.value.extra["errors"][0]["message"]
    assert "allowed: at least one day with an open window" in problem.value.extra["errors"][0]["message"]
    with pytest.raises(Problem):
        edited(settings(), schedule=schedule)
    later = schedule | {"end_date": "2027-03-31"}
    assert made(schedule=later).schedule.end_date == date(2027, 3, 31)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"frequency_caps": [{"calls": 0, "window_seconds": 60}]}, "frequency_caps.0.calls"),
        ({"frequency_caps": [{"calls": 1, "window_seconds": 59}]}, "frequency_caps.0.window_seconds"),
        ({"frequency_caps": [{"calls": 1, "window_seconds": 91 * 86_400}]}, "frequency_caps.0.window_seconds"),
        ({"frequency_caps": [{"calls": 1, "window_seconds": 60}] * 11}, "frequency_caps"),
        ({"required_lists": ["a b"]}, "required_lists.0"),
        ({"schedule": {"public_holidays": {"country": "de"}}}, "schedule.public_holidays.country"),
        ({"schedule": {"public_holidays": {}}}, "schedule.public_holidays.country"),
        ({"requires_consent": "perhaps"}, "requires_consent"),
    ],
)
def test_ceilings_of_zero_or_beyond_the_maximum_are_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        settings(**changes)
    assert [".".join(map(str, each["loc"])) for each in error.value.errors()] == [field]


# --- public holidays -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holidays", "field", "allowed"),
    [
        ({"country": "XX"}, "schedule.public_holidays.country", "DE"),
        ({"country": "DE", "subdivision": "XX"}, "schedule.public_holidays.subdivision", "BY"),
        ({"country": "MC", "subdivision": "01"}, "schedule.public_holidays.subdivision", "none"),
    ],
)
def test_a_country_without_known_holidays_is_refused(holidays: dict[str, str], field: str, allowed: str) -> None:
    with pytest.raises(Problem) as problem:
        made(schedule={"public_holidays": holidays})
    assert fields(problem) == [field]
    assert allowed in problem.value.extra["errors"][0]["message"]


def openings(**holidays: str) -> Openings:
    schedule = Schedule.model_validate({"public_holidays": holidays, "time_zone": "Europe/Paris"})
    return Openings(schedule, is_public_holiday=is_holiday_of(schedule))


def test_no_call_on_a_public_holiday_of_the_place_where_the_person_is() -> None:
    paris = openings(country="FR")
    # Bastille Day 2026 is a Tuesday.
    on_the_day = paris.at(["Europe/Paris"], datetime(2026, 7, 14, 10, tzinfo=UTC))
    assert on_the_day == Closed("public_holiday", datetime(2026, 7, 15, 7, tzinfo=UTC))
    the_day_before = paris.at(["Europe/Paris"], datetime(2026, 7, 13, 10, tzinfo=UTC))
    assert isinstance(the_day_before, Open)
    assert the_day_before.until == datetime(2026, 7, 13, 16, tzinfo=UTC)


def test_the_date_of_a_holiday_is_that_of_the_deciding_zone() -> None:
    always = Schedule.model_validate({"public_holidays": {"country": "FR"}, "weekly": ALWAYS})
    both = Openings(always, is_public_holiday=is_holiday_of(always))
    late = datetime(2026, 7, 14, 22, 30, tzinfo=UTC)  # the 15th in Paris, still the 14th in Martinique
    assert isinstance(both.at(["Europe/Paris"], late), Open)
    assert both.at(["America/Martinique"], late) == Closed("public_holiday", datetime(2026, 7, 15, 4, tzinfo=UTC))
    assert isinstance(both.at(["Europe/Paris", "America/Martinique"], late), Closed)


def test_a_part_of_a_country_has_its_own_holidays_beside() -> None:
    everywhere, bavaria = dates_of("DE", None, 2026), dates_of("DE", "BY", 2026)
    assert everywhere < bavaria
    assert date(2026, 1, 6) in bavaria - everywhere


def test_a_window_across_midnight_is_cut_at_a_holiday() -> None:
    nights = Schedule.model_validate({"public_holidays": {"country": "FR"}, "weekly": {"mon": [["20:00", "02:00"]]}})
    got = Openings(nights, is_public_holiday=is_holiday_of(nights)).at(
        ["Europe/Paris"], datetime(2026, 7, 13, 19, tzinfo=UTC)
    )
    assert isinstance(got, Open)
    assert got.until == datetime(2026, 7, 13, 22, tzinfo=UTC)


def test_holidays_that_nobody_knows_close_every_day() -> None:
    stored = Schedule.model_validate({"public_holidays": {"country": "XX"}}, context=STORED)
    assert is_holiday_of(stored)(date(2026, 3, 3))
    monday = datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert isinstance(Openings(stored, is_public_holiday=is_holiday_of(stored)).at(["Europe/Paris"], monday), Closed)
    assert isinstance(Openings(stored).at(["Europe/Paris"], monday), Closed), "nor where nobody says which they are"
    assert not is_holiday_of(Schedule())(date(2026, 12, 25))


@for_all(
    country=st.sampled_from(["FR", "DE", "US", "AU", "JP", "IN", "SA", "BR"]),
    zone=st.sampled_from(["Europe/Paris", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland", "Asia/Kolkata"]),
    days=st.integers(0, 365 * 6),
    minute=st.integers(0, 1439),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_an_instant_is_open_if_and_only_if_its_local_date_is_no_holiday(
    country: str, zone: str, days: int, minute: int
) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days, minutes=minute)
    schedule = Schedule.model_validate({"public_holidays": {"country": country}, "weekly": ALWAYS})
    is_holiday = is_holiday_of(schedule)
    answer = Openings(schedule, is_public_holiday=is_holiday).at([zone], at)
    local = at.astimezone(ZoneInfo(zone)).date()
    assert isinstance(answer, Open) == (local not in dates_of(country, None, local.year))


def test_every_holiday_of_a_preset_is_known() -> None:
    wanted = [preset.public_holidays for preset in presets.PRESETS.values() if preset.public_holidays]
    assert [problem_of(each) for each in wanted] == [None] * len(wanted)
