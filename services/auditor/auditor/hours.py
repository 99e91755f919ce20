"""Whether a moment lies in a schedule's hours: the local minute is looked up, zone by zone.

The dialer reckons openings as spans of time; this looks at one wall clock and one row of the week. Two ways to the same
rule, so that a mistake in one of them shows.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holidays import country_holidays

from campaign_events.schedule import MINUTES_PER_DAY, WEEKDAYS, Schedule, window_minutes

IsHoliday = Callable[[date], bool]


def hours_at(schedule: Schedule, zone: str, at: datetime) -> str | None:
    """The window (`Mon 09:00-18:00`) that covers the local minute of `at` in `zone`; None: closed."""
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return None
    if not _has_calls(schedule, local.date()):
        return None
    minute = local.hour * 60 + local.minute
    yesterday = local.date() - timedelta(days=1)
    # A window that crosses midnight belongs to the day it began on, which must be one with calls as well.
    for day, passed in ((local.date(), minute), (yesterday, minute + MINUTES_PER_DAY)):
        for start, end in schedule.weekly.get(WEEKDAYS[day.weekday()], ()):
            first, last = window_minutes((start, end))
            if first <= passed < last and _has_calls(schedule, day):
                return f"{WEEKDAYS[day.weekday()].capitalize()} {start}-{end}"
    return None


def closed_in(schedule: Schedule, zones: Sequence[str], at: datetime) -> list[str]:
    """Of the zones that all must be open, those that are not; where no zone is known, that."""
    return [zone for zone in zones if hours_at(schedule, zone, at) is None] if zones else ["no known zone"]


def _has_calls(schedule: Schedule, day: date) -> bool:
    return not (
        day in schedule.blocked_dates
        or (schedule.start_date is not None and day < schedule.start_date)
        or (schedule.end_date is not None and day > schedule.end_date)
        or _is_holiday(schedule, day)
    )


def _is_holiday(schedule: Schedule, day: date) -> bool:
    wanted = schedule.public_holidays
    return wanted is not None and day in _holidays(wanted.country, wanted.subdivision, day.year)


class _EveryDay(frozenset[date]):
    """The holidays of a country that nobody knows: no day is one on which to call."""

    def __contains__(self, day: object) -> bool:
        return True


@lru_cache(maxsize=500)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    try:
        return frozenset(country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError:
        return _EveryDay()
