"""Public holidays of a country or of a part of it, as the library `holidays` knows them.

What must stay true: a country that the library does not know (any more) has only holidays: nobody is called by mistake.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

from holidays import country_holidays, list_supported_countries

from campaign_events.schedule import PublicHolidays, Schedule

_COUNTRIES = 500
_SHOWN = 60


def problem_of(wanted: PublicHolidays) -> tuple[str, str] | None:
    """What is wrong with a country or subdivision: the field, and what is allowed. None: its holidays are known."""
    known = list_supported_countries(include_aliases=False)
    if wanted.country not in known:
        return "country", f"{wanted.country!r} has no known public holidays; allowed: {', '.join(sorted(known))}"
    if wanted.subdivision is None or wanted.subdivision in known[wanted.country]:
        return None
    parts = sorted(known[wanted.country])[:_SHOWN]
    allowed = ", ".join(parts) if parts else "none, this country's holidays are the same everywhere"
    return "subdivision", f"{wanted.subdivision!r} is no part of {wanted.country} with holidays; allowed: {allowed}"


def is_holiday_of(schedule: Schedule) -> Callable[[date], bool]:
    """Whether a local date is a public holiday under this schedule."""
    wanted = schedule.public_holidays
    if wanted is None:
        return _never
    if problem_of(wanted) is not None:
        return _always
    country, subdivision = wanted.country, wanted.subdivision
    return lambda day: day in dates_of(country, subdivision, day.year)


@lru_cache(maxsize=_COUNTRIES)
def dates_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """The public holidays of a year; those moved to a working day are on both days."""
    return frozenset(country_holidays(country, subdiv=subdivision, years=year))


def _never(_: date) -> bool:
    return False


def _always(_: date) -> bool:
    return True
