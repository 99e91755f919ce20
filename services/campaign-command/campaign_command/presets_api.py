"""The presets a campaign may pick, over HTTP: what each asks for, where it comes from, and its version."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_events.presets import PRESETS, FrequencyCap
from campaign_events.schedule import PublicHolidays, Weekday, Window
from campaign_service.problems import ProblemDetails
from campaign_service.tokens import Viewer

PROBLEMS: dict[int | str, dict[str, Any]] = {401: {"model": ProblemDetails, "description": "No valid token"}}

router = APIRouter(tags=["campaigns"], responses=PROBLEMS)


class PresetAnswer(BaseModel):
    """A law's hours and ceilings. A campaign with it may only be stricter; null is the campaign's own choice."""

    name: str
    version: int
    source: str
    weekly: dict[Weekday, tuple[Window, ...]] | None = Field(description="Local to the person called")
    public_holidays: PublicHolidays | None = Field(description="Days without calls")
    requires_consent: bool
    frequency_caps: tuple[FrequencyCap, ...]
    min_ring_timeout_seconds: int | None
    max_abandoned_percent: float | None = Field(description="Of the calls a person answered, over 30 days")
    refusal_silence_days: int | None = Field(
        description="How long whoever refused is left alone; see the do-not-call list"
    )
    countries: tuple[str, ...] = Field(description="The default of campaigns with such a default country")


class PresetAnswers(BaseModel):
    """All presets, in the order of their table."""

    items: list[PresetAnswer]


@router.get("/v1/presets", response_model=PresetAnswers, summary="The presets of calling hours and ceilings")
async def list_presets(_: Viewer) -> PresetAnswers:
    names = PresetAnswer.model_fields
    return PresetAnswers(
        items=[PresetAnswer(**{name: getattr(preset, name) for name in names}) for preset in PRESETS.values()]
    )
