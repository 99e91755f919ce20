"""What the API answers, made from the views alone: the same view always gives the same JSON."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from analytics_projector import figures
from analytics_projector.campaign_analytics import Days, cumulative_reached, last_days
from analytics_projector.campaign_list import COUNTS, PLAN, CampaignRow, progress, worked
from analytics_projector.figures import CallFigures
from campaign_events.presets import PRESETS
from campaign_events.schedule import is_time_zone
from campaign_events.settings import CampaignSettings, CampaignStatus, CampaignType

ABANDONED_DAYS = 30
"""Over which the abandoned rate is reckoned, as the laws do that limit it (see the presets)."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Contacts(_Answer):
    """Contacts by status. The eight statuses sum to `total`, always."""

    total: int
    pending: int = Field(description="Waiting to be called")
    in_progress: int = Field(description="Being called now")
    completed: int = Field(description="A person answered, the call finished, the goal was met")
    failed: int = Field(description="Connected without meeting the goal, or not reachable for good")
    no_answer: int = Field(description="Nobody picked up, busy, or declined")
    voicemail: int = Field(description="Reached voicemail")
    do_not_call: int = Field(description="Not to be called again, in any campaign of the workspace")
    rescheduled: int = Field(description="Asked to be called back")


class Figures(_Answer):
    """The figures and their formulas. A ratio whose divisor is 0 is null, to be shown as a dash."""

    placed: int | None = Field(
        description="Calls that count as attempts (not carrier errors, configuration, not placed, cancelled before "
        "ringing), counted at the call's final report; null for an inbound campaign"
    )
    received: int | None = Field(description="Inbound: calls received; null for an outbound campaign")
    answered: int = Field(description="Calls answered by a person")
    completed: int = Field(description="Calls that made their contact completed")
    reached: int = Field(description="Contacts for whom a person answered at least one call")
    success_rate: float | None = Field(description="completed / placed (inbound: / received)")
    answer_rate: float | None = Field(description="answered / placed (inbound: / received)")
    conversion: float | None = Field(description="completed / answered")
    abandoned: int = Field(description="Calls answered by a person in which nobody on our side was there")
    average_call_duration_seconds: float | None = Field(
        description="Mean seconds from answer to end, over calls answered by a person with a final duration"
    )
    progress: float | None = Field(description="reached / total contacts; null for an inbound campaign")
    worked: float | None = Field(
        description="Contacts with nothing left to do / total contacts: completed, failed, do_not_call, and those of "
        "no_answer and voicemail without a time to be called again or with all attempts of the current settings made. "
        "A completed campaign has worked all (also contacts that can't be called at all). Null for an inbound campaign"
    )


class Abandoned(_Answer):
    """Calls that a person answered and in which nobody on our side was there, over the last 30 days.

    The days are those of the campaign's zone, today among them; a call belongs to the day it started on.
    """

    since: date
    until: date
    answered: int = Field(description="Calls answered by a person")
    abandoned: int = Field(description="Those of them in which nobody on our side was there")
    rate: float | None = Field(description="abandoned / answered")
    ceiling: float | None = Field(
        description="What the campaign's preset allows, as a part of 1 (0: aim at none); null without one. It is shown "
        "and stops nothing"
    )
    above_ceiling: bool


class Plan(_Answer):
    """The settings in short."""

    max_attempts: int
    max_simultaneous_calls: int
    calls_per_second: int
    calls_per_day: int | None
    time_zone: str
    start_date: date | None
    end_date: date | None


class CampaignPatch(_Answer):
    """What changes while a campaign runs."""

    id: UUID
    position: int = Field(description="The last position of the log that this answer includes")
    name: str
    status: CampaignStatus
    paused_reason: Literal["requested", "schedule_ended"] | None
    started_at: datetime | None
    ended_at: datetime | None
    contacts: Contacts
    figures: Figures


class Campaign(CampaignPatch):
    """A campaign as the list shows it."""

    workspace: UUID
    description: str
    type: CampaignType
    agent_id: str | None
    settings_version: int
    settings_summary: Plan
    created_at: datetime


class CampaignDetail(Campaign):
    """A campaign with its whole settings, to be shown and edited."""

    settings: CampaignSettings
    abandoned_30_days: Abandoned


class CampaignPage(_Answer):
    """A page of the campaign list; `next_cursor` is null on the last one."""

    items: list[Campaign]
    next_cursor: str | None
    total: int


class Day(_Answer):
    """One day in the campaign's time zone; calls belong to the day they started on. Days without calls are left out.

    The six verdicts sum to placed (received).
    """

    day: date
    placed: int | None = Field(description="Null for an inbound campaign")
    received: int | None = Field(description="Null for an outbound campaign")
    answered: int
    completed: int
    failed: int
    no_answer: int
    voicemail: int
    do_not_call: int
    rescheduled: int
    abandoned: int = Field(description="Of `answered`: those in which nobody on our side was there")
    reached: int = Field(description="Contacts reached for the first time")
    cumulative_reached: int = Field(
        description="Contacts reached up to the end of this day; those removed from the campaign since stay counted"
    )
    average_call_duration_seconds: float | None


class Lag(_Answer):
    """How far the process that answers is behind the log, as of the last few seconds."""

    behind_seconds: float = Field(
        ge=0, description="Since the oldest fact that waits in its partitions was told; 0: it knows them all"
    )


class Analytics(_Answer):
    """A campaign's figures and its progress over time."""

    campaign_id: UUID
    position: int = Field(description="The last position of the log that this answer includes")
    type: CampaignType
    status: CampaignStatus
    time_zone: str = Field(description="The zone the days are counted in")
    contacts: Contacts
    figures: Figures
    abandoned_30_days: Abandoned
    days: list[Day]


def patch_of(row: CampaignRow) -> CampaignPatch:
    """The campaign as live pages are told of it."""
    return CampaignPatch(
        id=row.id,
        position=row.position,
        name=row.name,
        status=row.status,
        paused_reason=row.paused_reason,
        started_at=row.started_at,
        ended_at=row.ended_at,
        contacts=_contacts_of(row),
        figures=_figures_of(row),
    )


def item_of(row: CampaignRow) -> Campaign:
    """The campaign as the list shows it."""
    return Campaign(
        **patch_of(row).__dict__,
        workspace=row.workspace,
        description=row.description,
        type=row.type,
        agent_id=row.agent_id,
        settings_version=row.settings_version,
        settings_summary=Plan(**{name: getattr(row.plan, name) for name in PLAN}),
        created_at=row.created_at,
    )


def detail_of(row: CampaignRow, settings: CampaignSettings, days: Days, *, today: date) -> CampaignDetail:
    """The campaign with its whole settings; `today` in the campaign's zone."""
    abandoned = _abandoned_of(settings, days, today=today)
    return CampaignDetail(**item_of(row).__dict__, settings=settings, abandoned_30_days=abandoned)


def analytics_of(row: CampaignRow, settings: CampaignSettings, days: Days, *, today: date) -> Analytics:
    """The campaign's figures, and each day with calls in order; `today` in the campaign's zone."""
    cumulative = cumulative_reached(days)
    return Analytics(
        campaign_id=row.id,
        position=row.position,
        type=row.type,
        status=row.status,
        time_zone=row.plan.time_zone,
        contacts=_contacts_of(row),
        figures=_figures_of(row),
        abandoned_30_days=_abandoned_of(settings, days, today=today),
        days=[_day_of(row, day, days[day], cumulative=cumulative[day]) for day in sorted(days)],
    )


def today_of(time_zone: str, now: datetime) -> date:
    """The date of `now` in a campaign's zone; UTC where the stored name is no zone (any more)."""
    return now.astimezone(ZoneInfo(time_zone) if is_time_zone(time_zone) else UTC).date()


def _abandoned_of(settings: CampaignSettings, days: Days, *, today: date) -> Abandoned:
    calls = last_days(days, today=today, count=ABANDONED_DAYS)
    rate = figures.abandoned_rate(calls)
    preset = PRESETS.get(settings.preset) if settings.preset else None
    percent = preset.max_abandoned_percent if preset else None
    ceiling = None if percent is None else percent / 100
    return Abandoned(
        since=today - timedelta(days=ABANDONED_DAYS - 1),
        until=today,
        answered=calls.answered,
        abandoned=calls.abandoned,
        rate=rate,
        ceiling=ceiling,
        above_ceiling=rate is not None and ceiling is not None and rate > ceiling,
    )


def _contacts_of(row: CampaignRow) -> Contacts:
    return Contacts(**{name: getattr(row.contacts, name) for name in COUNTS})


def _figures_of(row: CampaignRow) -> Figures:
    calls, inbound = row.calls, row.type == "inbound"
    return Figures(
        placed=None if inbound else calls.placed,
        received=calls.placed if inbound else None,
        answered=calls.answered,
        completed=calls.completed,
        reached=row.reached,
        success_rate=figures.success_rate(calls),
        answer_rate=figures.answer_rate(calls),
        conversion=figures.conversion(calls),
        abandoned=calls.abandoned,
        average_call_duration_seconds=figures.average_call_duration_seconds(calls),
        progress=progress(row),
        worked=worked(row),
    )


def _day_of(row: CampaignRow, day: date, calls: CallFigures, *, cumulative: int) -> Day:
    inbound = row.type == "inbound"
    return Day(
        day=day,
        placed=None if inbound else calls.placed,
        received=calls.placed if inbound else None,
        answered=calls.answered,
        completed=calls.completed,
        failed=calls.failed,
        no_answer=calls.no_answer,
        voicemail=calls.voicemail,
        do_not_call=calls.do_not_call,
        rescheduled=calls.rescheduled,
        abandoned=calls.abandoned,
        reached=calls.reached,
        cumulative_reached=cumulative,
        average_call_duration_seconds=figures.average_call_duration_seconds(calls),
    )
