"""Settings as an owner gives them: completed by their preset, and refused where a rule of the moment forbids them.

What must stay true: settings that are stored with a preset keep it, in the version that is recorded with them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from campaign_command.campaign import ends_at, first_date_of
from campaign_command.templates import MAX_VARIABLES, variables_of
from campaign_events.presets import PRESETS, default_preset, violations, with_preset
from campaign_events.settings import CampaignSettings
from campaign_service.problems import invalid_request
from campaign_service.public_holidays import is_holiday_of, problem_of

_FILLED = (
    "schedule.weekly",
    "schedule.use_callee_time_zone",
    "schedule.public_holidays",
    "requires_consent",
    "frequency_caps",
)
"""What a preset fills in where the owner says nothing."""


def created(settings: CampaignSettings, *, now: datetime) -> CampaignSettings:
    """The settings of a new campaign. Problem 422 names what is wrong, and what is allowed.

    An outbound campaign that says nothing of a preset gets the default one of its default country, if that has one;
    `null` is saying something.
    """
    named = settings.model_fields_set | {f"schedule.{name}" for name in settings.schedule.model_fields_set}
    if "preset" not in named and settings.type == "outbound":
        default = default_preset(settings.default_country)
        settings = settings.model_copy(update={"preset": default.name if default else None})
    settings = with_preset(settings, named=named)
    _require_sound(settings)
    _require_open_ahead(settings, now)
    return settings


def edited(
    before: CampaignSettings, settings: CampaignSettings, patch: Mapping[str, Any], *, now: datetime
) -> CampaignSettings:
    """The settings after an edit: a new preset fills in what the patch doesn't name. Problem 422 as for `created`.

    An end date that has passed already is no obstacle to an edit of something else.
    """
    named = _named(patch) if settings.preset != before.preset else set(_FILLED) - _reset(patch)
    settings = with_preset(settings, named=named)
    _require_sound(settings)
    if settings.schedule != before.schedule:
        _require_open_ahead(settings, now)
    return settings


def _require_sound(settings: CampaignSettings) -> None:
    errors: list[dict[str, Any]] = []
    if settings.preset is not None:
        errors += [
            _error(each.field, each.message, settings) for each in violations(PRESETS[settings.preset], settings)
        ]
    holidays = settings.schedule.public_holidays
    if holidays is not None and (wrong := problem_of(holidays)) is not None:
        errors.append(_error(f"schedule.public_holidays.{wrong[0]}", wrong[1], settings))
    names = variables_of(settings.custom_prompt)
    if len(names) > MAX_VARIABLES:
        rule = f"uses {len(names)} different variables; allowed: at most {MAX_VARIABLES}"
        errors.append({"type": "value_error", "loc": ("custom_prompt",), "msg": rule, "input": None})
    if errors:
        raise invalid_request(errors)


def _require_open_ahead(settings: CampaignSettings, now: datetime) -> None:
    """The end date lies ahead, and some day until then has calls."""
    end = ends_at(settings)
    if end is not None and end <= now:
        rule = "lies in the past; allowed: today (in the campaign's zone) or later, or null"
        raise invalid_request([_error("schedule.end_date", f"{settings.schedule.end_date} {rule}", settings)])
    schedule = settings.schedule
    today = first_date_of(settings, now)
    if schedule.first_day_with_calls(today, is_public_holiday=is_holiday_of(schedule)) is None:
        rule = (
            f"has no open minute from {max(today, schedule.start_date or today)} to "
            f"{schedule.end_date or 'a year later'}: every day is blocked, a public holiday, or a weekday without "
            "windows; allowed: at least one day with an open window"
        )
        raise invalid_request([_error("schedule", rule, settings)])


def _error(name: str, message: str, settings: CampaignSettings) -> dict[str, Any]:
    value: Any = settings.model_dump(mode="json")
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return {"type": "value_error", "loc": tuple(name.split(".")), "msg": message, "input": value}


def _named(patch: Mapping[str, Any]) -> set[str]:
    """The fields that a patch gives a value, dotted, down to the second level."""
    names = {name for name, value in patch.items() if value is not None}
    schedule = patch.get("schedule")
    if isinstance(schedule, Mapping):
        names |= {f"schedule.{name}" for name, value in schedule.items() if value is not None}
    return names


def _reset(patch: Mapping[str, Any]) -> set[str]:
    """The filled fields that a patch sets back to their defaults: under a preset, to its own."""
    if "schedule" in patch and patch["schedule"] is None:
        schedule: set[str] = {name for name in _FILLED if name.startswith("schedule.")}
    else:
        given = patch.get("schedule") or {}
        schedule = {f"schedule.{name}" for name, value in given.items() if value is None}
    return schedule | {name for name, value in patch.items() if value is None}
