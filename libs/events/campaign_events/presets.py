"""Presets: the calling hours and ceilings a law asks for, as data. A campaign picks one and may only tighten it.

| preset     | hours, local to the callee               | ceilings                       | also                        |
|------------|------------------------------------------|--------------------------------|-----------------------------|
| us-federal | daily 08:00-21:00                        | abandoned <= 3 %; ring >= 15 s |                             |
| us-strict  | daily 08:00-20:00                        | as us-federal; 3 calls in 24 h | the default for US numbers  |
| canada     | Mon-Fri 09:00-21:30, Sat-Sun 10:00-18:00 | abandoned <= 5 %               |                             |
| france     | Mon-Fri 10:00-13:00, 14:00-20:00         | 4 calls in 30 days             | consent; no public holidays |
| australia  | Mon-Fri 09:00-20:00, Sat 09:00-17:00     |                                | no public holidays          |
| uk         | the campaign's own                       | abandoned: aim at zero         |                             |

Calls are counted per number, over all campaigns. Not legal advice.
What must stay true: a row never changes under its version; another rule is another version.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from campaign_events.schedule import (
    MINUTES_PER_DAY,
    MINUTES_PER_WEEK,
    WEEKDAYS,
    PublicHolidays,
    Weekday,
    Window,
    window_minutes,
)

if TYPE_CHECKING:
    from campaign_events.settings import CampaignSettings

_DAY_SECONDS = 86_400
_MAX_CAP_SECONDS = 90 * _DAY_SECONDS


class FrequencyCap(BaseModel):
    """At most so many calls to one number within a rolling window, over all campaigns and caller numbers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    calls: int = Field(ge=1, le=1000)
    window_seconds: int = Field(ge=60, le=_MAX_CAP_SECONDS)


@dataclass(frozen=True, slots=True)
class Preset:
    """One row of the table. Null and empty mean: the campaign's own."""

    name: str
    version: int
    source: str
    weekly: Mapping[Weekday, tuple[Window, ...]] | None = None
    public_holidays: PublicHolidays | None = None
    requires_consent: bool = False
    frequency_caps: tuple[FrequencyCap, ...] = ()
    min_ring_timeout_seconds: int | None = None
    max_abandoned_percent: float | None = None
    """Of the calls answered by a person, over 30 days."""
    refusal_silence_days: int | None = None
    """How long a person who refused is left alone."""
    countries: tuple[str, ...] = ()
    """Where it is the default: for a campaign of this default country that names no preset."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Settings that are looser than their preset: the field, and what is allowed."""

    field: str
    message: str


def _on(days: Collection[Weekday], *windows: Window) -> dict[Weekday, tuple[Window, ...]]:
    return dict.fromkeys(days, windows)


_WORKDAYS, _WEEKEND = WEEKDAYS[:5], WEEKDAYS[5:]

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="us-federal",
            version=1,
            source="47 CFR 64.1200(c)(1), (a)(7); 16 CFR 310.4(b)",
            weekly=_on(WEEKDAYS, ("08:00", "21:00")),
            min_ring_timeout_seconds=15,
            max_abandoned_percent=3.0,
        ),
        Preset(
            name="us-strict",
            version=1,
            source="Fla. Stat. 501.616(6); 15 Okl. Stat. 775C.4",
            weekly=_on(WEEKDAYS, ("08:00", "20:00")),
            frequency_caps=(FrequencyCap(calls=3, window_seconds=_DAY_SECONDS),),
            min_ring_timeout_seconds=15,
            max_abandoned_percent=3.0,
            countries=("US",),
        ),
        Preset(
            name="canada",
            version=1,
            source="CRTC Unsolicited Telecommunications Rules",
            weekly=_on(_WORKDAYS, ("09:00", "21:30")) | _on(_WEEKEND, ("10:00", "18:00")),
            max_abandoned_percent=5.0,
        ),
        Preset(
            name="france",
            version=1,
            source="décret 2022-1313, loi 2025-594",
            weekly=_on(_WORKDAYS, ("10:00", "13:00"), ("14:00", "20:00")),
            public_holidays=PublicHolidays(country="FR"),
            requires_consent=True,
            frequency_caps=(FrequencyCap(calls=4, window_seconds=30 * _DAY_SECONDS),),
            refusal_silence_days=60,
        ),
        Preset(
            name="australia",
            version=1,
            source="Telecommunications (Telemarketing and Research Calls) Industry Standard",
            weekly=_on(_WORKDAYS, ("09:00", "20:00")) | _on(WEEKDAYS[5:6], ("09:00", "17:00")),
            public_holidays=PublicHolidays(country="AU"),
        ),
        Preset(name="uk", version=1, source="Ofcom statement, December 2016", max_abandoned_percent=0.0),
    )
}


def default_preset(country: str | None) -> Preset | None:
    """The preset of a campaign with this default country that names none."""
    return next((preset for preset in PRESETS.values() if country in preset.countries), None)


def violations(preset: Preset, settings: "CampaignSettings") -> list[Violation]:
    """Where the settings are looser than the preset: windows no subset, caps above, ring below. None: they keep it."""
    found: list[Violation] = []
    schedule = settings.schedule
    if preset.weekly is not None:
        if not schedule.use_callee_time_zone:
            found.append(_looser("schedule.use_callee_time_zone", preset, "true: the hours are the callee's"))
        found += [
            _looser(f"schedule.weekly.{day}", preset, f"windows within {_shown(preset.weekly, day)}")
            for day in _days_beyond(schedule.weekly, preset.weekly)
        ]
    wanted, given = preset.public_holidays, schedule.public_holidays
    if wanted is not None and (given is None or given.country != wanted.country):
        found.append(_looser("schedule.public_holidays", preset, f"those of {wanted.country}, or of a part of it"))
    if preset.requires_consent and not settings.requires_consent:
        found.append(_looser("requires_consent", preset, "true"))
    for cap in preset.frequency_caps:
        if not any(o.calls <= cap.calls and o.window_seconds >= cap.window_seconds for o in settings.frequency_caps):
            rule = f"a cap of at most {cap.calls} calls in {cap.window_seconds} s or longer among them"
            found.append(_looser("frequency_caps", preset, rule))
    least = preset.min_ring_timeout_seconds
    if least is not None and settings.limits.ring_timeout_seconds < least:
        found.append(_looser("limits.ring_timeout_seconds", preset, f"{least} or more"))
    return found


def with_preset(settings: "CampaignSettings", *, named: Collection[str]) -> "CampaignSettings":
    """The settings with their preset's version, and with its hours and ceilings for what the owner has not named.

    `named` holds the fields that the owner gave, dotted. Whether what was given keeps the preset is `violations`'.
    """
    if settings.preset is None:
        return settings.model_copy(update={"preset_version": None})
    preset = PRESETS[settings.preset]
    schedule = settings.schedule
    hours: dict[str, object] = {}
    if preset.weekly is not None and "schedule.weekly" not in named:
        hours["weekly"] = dict(preset.weekly)
    if preset.weekly is not None and "schedule.use_callee_time_zone" not in named:
        hours["use_callee_time_zone"] = True
    if preset.public_holidays is not None and "schedule.public_holidays" not in named:
        hours["public_holidays"] = preset.public_holidays
    update: dict[str, object] = {"preset_version": preset.version, "schedule": schedule.model_copy(update=hours)}
    if preset.requires_consent and "requires_consent" not in named:
        update["requires_consent"] = True
    if preset.frequency_caps and "frequency_caps" not in named:
        update["frequency_caps"] = preset.frequency_caps
    return settings.model_copy(update=update)


def open_minutes(weekly: Mapping[Weekday, tuple[Window, ...]]) -> set[int]:
    """The minutes of a week that its windows cover, counted from Monday's midnight."""
    return {
        (number * MINUTES_PER_DAY + minute) % MINUTES_PER_WEEK
        for number, day in enumerate(WEEKDAYS)
        for start, end in map(window_minutes, weekly.get(day, ()))
        for minute in range(start, end)
    }


def _days_beyond(
    given: Mapping[Weekday, tuple[Window, ...]], allowed: Mapping[Weekday, tuple[Window, ...]]
) -> list[Weekday]:
    """The days on which something is open that the preset keeps closed."""
    beyond = {minute // MINUTES_PER_DAY for minute in open_minutes(given) - open_minutes(allowed)}
    return [WEEKDAYS[number] for number in sorted(beyond)]


def _shown(weekly: Mapping[Weekday, tuple[Window, ...]], day: Weekday) -> str:
    windows = weekly.get(day, ())
    return ", ".join(f"{start}-{end}" for start, end in windows) if windows else "none (no calls on this day)"


def _looser(name: str, preset: Preset, allowed: str) -> Violation:
    return Violation(name, f"looser than the preset {preset.name}; allowed: {allowed}")
