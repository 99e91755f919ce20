"""A campaign's calling schedule as data: which local minutes are open, in whose time zone.

A schedule is validated when it is set and never stored as instants or UTC offsets: the rule and the zone are
stored, instants are computed when the dialer asks. Deciding whether a minute is open is the dialer's.

Read back from a stored fact (validation context `STORED`), a schedule is taken as it is: a zone that has since left
the IANA list must not stop a consumer, it closes the window.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STORED = {"stored": True}
"""The validation context under which facts are read back."""
LATEST_DATE = date(2100, 12, 31)
MINUTES_PER_DAY = 1440
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA `Area/Location` name, or UTC. Abbreviations and `Etc/…` offsets are not."""
    return name == "UTC" or ("/" in name and not name.startswith("Etc/") and name in _zone_names())


def is_stored(info: ValidationInfo[Any]) -> bool:
    """Whether a stored fact is being read back, not a command."""
    return bool(info.context and info.context.get("stored"))


def _require_time_zone(name: str, info: ValidationInfo[Any]) -> str:
    if not is_stored(info) and not is_time_zone(name):
        raise ValueError(f"{name!r} is not an IANA time zone; allowed: names such as 'Europe/Berlin', or 'UTC'")
    return name


TimeZoneName = Annotated[str, AfterValidator(_require_time_zone)]


def minutes_of(text: str) -> int:
    """Minutes since midnight of `HH:MM`, 0 to 1440; `24:00` is 1440. ValueError for anything else."""
    if text == "24:00":
        return MINUTES_PER_DAY
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time of day; allowed: 'HH:MM' from '00:00' to '24:00'")
    return int(match[1]) * 60 + int(match[2])


def _require_window(window: tuple[str, str], info: ValidationInfo[Any]) -> tuple[str, str]:
    if is_stored(info):
        return window
    start, end = minutes_of(window[0]), minutes_of(window[1])
    if start in (end, MINUTES_PER_DAY):
        raise ValueError(f"the window {list(window)} is empty; allowed: a start before 24:00 and another end")
    return window


Window = Annotated[tuple[str, str], AfterValidator(_require_window)]
"""`[start, end)` in local wall-clock time; an end at or before the start lies on the next day."""


def window_minutes(window: tuple[str, str]) -> tuple[int, int]:
    """Start and end of a window in minutes since its day's midnight; an end past midnight is above 1440."""
    start, end = minutes_of(window[0]), minutes_of(window[1])
    return start, end if end > start else end + MINUTES_PER_DAY


_OFFICE_HOURS: dict[Weekday, tuple[Window, ...]] = dict.fromkeys(WEEKDAYS[:5], (("09:00", "18:00"),))


class PublicHolidays(BaseModel):
    """Whose public holidays are days without calls. Which dates those are is a library's business, not a fact's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(description="ISO 3166-1 alpha-2")
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 .'-]{1,50}$")] | None = Field(
        default=None, description="A part of the country, such as `BY`: its own holidays are added"
    )


SEARCH_DAYS = 366
"""How far a day with calls is looked for, from today or a later start date; never past the end date."""


class Schedule(BaseModel):
    """When a campaign may call. Rules: weekly windows, blocked dates, first and last date, deciding zone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    time_zone: TimeZoneName = Field(
        default="UTC", description="The campaign's own IANA zone; its days are counted in it"
    )
    use_callee_time_zone: bool = Field(
        default=True, description="Whether the windows are read in the callee's candidate zones (all of them) instead"
    )
    weekly: dict[Weekday, tuple[Window, ...]] = Field(
        default_factory=lambda: dict(_OFFICE_HOURS),
        description="Per weekday the open windows, [start, end) as HH:MM; 24 h x 7 must be asked for",
        examples=[{"mon": [["09:00", "12:30"], ["13:30", "18:00"]]}],
    )
    blocked_dates: tuple[date, ...] = Field(default=(), max_length=1000, description="Local dates without calls")
    public_holidays: PublicHolidays | None = Field(
        default=None, description="No calls on the public holidays of a country, or of a part of it"
    )
    start_date: date | None = Field(default=None, description="First local date with calls")
    end_date: date | None = Field(default=None, description="Last local date with calls")

    @model_validator(mode="after")
    def _has_an_open_minute(self, info: ValidationInfo[Any]) -> Self:
        if is_stored(info):
            return self
        taken: set[int] = set()
        for number, day in enumerate(WEEKDAYS):
            for window in self.weekly.get(day, ()):
                start, end = window_minutes(window)
                minutes = {(number * MINUTES_PER_DAY + m) % MINUTES_PER_WEEK for m in range(start, end)}
                if minutes & taken:
                    raise ValueError(
                        f"weekly.{day}: the window {list(window)} overlaps another; allowed: separate windows"
                    )
                taken |= minutes
        if not taken:
            raise ValueError("weekly has no open minute; allowed: at least one window")
        for name in ("start_date", "end_date"):
            bound: date | None = getattr(self, name)
            if bound is not None and bound > LATEST_DATE:
                raise ValueError(f"{name} {bound} is too far ahead; allowed: up to {LATEST_DATE}")
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} lies before start_date {self.start_date}")
        return self

    def first_day_with_calls(
        self, today: date, *, is_public_holiday: Callable[[date], bool] | None = None
    ) -> date | None:
        """The first local date from `today` on that has an open window; None: this schedule never opens (again).

        A window belongs to the day it starts on, so a date has one if its weekday has, and nothing blocks the date.
        """
        is_holiday = is_public_holiday or (lambda _: False)
        blocked = set(self.blocked_dates)
        since = max(today, self.start_date or today)
        last = min(self.end_date or LATEST_DATE, since + timedelta(days=SEARCH_DAYS))
        for offset in range((last - since).days + 1):
            day = since + timedelta(days=offset)
            if self.weekly.get(WEEKDAYS[day.weekday()]) and day not in blocked and not is_holiday(day):
                return day
        return None
