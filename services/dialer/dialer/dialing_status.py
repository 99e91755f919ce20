"""What a campaign's dialling does at this moment, and what it waits for: computed when asked, never stored."""

from collections import Counter
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from campaign_events.settings import CampaignSettings, CampaignStatus
from campaign_events.settings import Limits as CampaignLimits
from campaign_service.problems import Problem
from campaign_service.public_holidays import is_holiday_of
from dialer.answering_status import read_answering
from dialer.claims import CALLS_OF_DAY
from dialer.database import Pool
from dialer.dialing import Windows, day_end, windows_at
from dialer.pacing import calls_to_place
from dialer.schedule import Openings, campaign_day
from dialer.trunk_api import TrunkState, read_trunks
from dialer.trunks import Routes, load_routes

CAMPAIGN = """
SELECT status, settings, coalesce(paused, false) AS workspace_paused
FROM campaigns LEFT JOIN workspaces USING (workspace) WHERE workspace = $1 AND id = $2
"""
LINES = """
SELECT count(*) FILTER (WHERE state <> 'asked') AS live, count(*) FILTER (WHERE state = 'asked') AS asked
FROM calls WHERE campaign_id = $1 AND state <> 'settled' AND state <> 'ended' AND kind <> 'test'
"""
QUEUE = """
SELECT zones_key, count(*) AS queued, count(*) FILTER (WHERE claim_at <= now()) AS due, min(claim_at) AS first_at
FROM queue
WHERE campaign_id = $1 AND claim_at IS NOT NULL AND (attempt < $2 OR (is_callback AND attempt <= $2))
GROUP BY zones_key
"""
# Contacts that would be due, if the permit asked for them had not been refused for now.
HELD = """
SELECT zones_key, hold_reason AS reason, count(*) AS held, min(hold_until) AS until
FROM queue
WHERE campaign_id = $1 AND claim_at > now() AND claim_at = hold_until AND hold_reason IS NOT NULL
    AND (attempt < $2 OR (is_callback AND attempt <= $2))
GROUP BY zones_key, hold_reason
"""

DialingState = Literal["dialing", "waiting", "paused", "finished", "idle", "answering", "closed"]


class DialingStatus(BaseModel):
    """The dialer's view of a campaign, as of now."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "example": {
                "campaign_id": "6f1f9f0e-8f6c-4a3c-9a63-0f6f3b1f7a10",
                "status": "running",
                "state": "waiting",
                "reason": "outside_hours",
                "waiting_until": "2030-01-07T08:00:00Z",
                "next_possible_at": "2030-01-07T08:00:00Z",
                "live_calls": 0,
                "asked": 0,
                "calls_today": 120,
                "limits": {
                    "max_simultaneous_calls": 10,
                    "calls_per_second": 1,
                    "calls_per_day": None,
                    "max_attempts": 3,
                    "ring_timeout_seconds": 30,
                    "max_call_seconds": 3600,
                },
                "due_now": 0,
                "queued": 380,
                "held": {"number_live": 2},
                "trunks": [],
            }
        },
    )

    campaign_id: UUID
    status: CampaignStatus
    state: DialingState = Field(
        description="dialing: calls are being placed. waiting: for what `reason` says. idle: nobody is left to call. "
        "An inbound campaign is answering, or closed until `waiting_until`."
    )
    reason: str = Field(
        description="workspace_paused, ready, pace, all_lines_busy, daily_limit, no_contact_due, trunk_breaker_open, "
        "trunk_busy, "
        "outside_hours, blocked_date, public_holiday, before_start, ended, no_common_open_minute, no_time_zone, "
        "unknown_time_zone; "
        "while all that are due are held back, the reason of `held`; "
        "or the campaign's status while it does not run. Inbound: ready, all_lines_busy, or why it is closed"
    )
    waiting_until: datetime | None = Field(description="When what is waited for ends, if that is known")
    next_possible_at: datetime | None = Field(description="When the next call may be placed; null: not known, or never")
    live_calls: int = Field(description="Calls that hold a line now")
    asked: int = Field(description="Contacts a permit is being asked for now")
    calls_today: int = Field(description="Calls of the day, in the campaign's time zone")
    turned_away_today: int | None = Field(
        default=None, description="Inbound: calls of the day that were not let in; null for an outbound campaign"
    )
    limits: CampaignLimits
    due_now: int = Field(description="Contacts that are due and whose local time allows a call")
    queued: int = Field(description="Contacts that will be called, now or later")
    held: dict[str, int] = Field(
        description="Contacts that are due and that campaign-command gives no permit now, by its reason: number_live "
        "(another call to the number is in progress, perhaps of another campaign), frequency_cap, stale_list, "
        "being_erased, workspace_paused, …; they are asked for again by themselves. trunk_breaker_open and trunk_busy: "
        "their trunk is left alone, or has no room"
    )
    trunks: list[TrunkState] = Field(
        default=[],
        description="The trunks this campaign's calls go through. Their ceilings hold for all campaigns of the "
        "workspace; a breaker that is not closed stops new calls, and the campaign stays Running",
    )


async def read_status(pool: Pool, workspace: UUID, campaign_id: UUID) -> DialingStatus:
    """The status of a campaign. Problem 404 if the workspace has none such (yet: facts may be on their way)."""
    now = datetime.now(UTC)
    row = await pool.fetchrow(CAMPAIGN, workspace, campaign_id)
    if row is None:
        raise Problem(404, "unknown_campaign", f"There is no campaign {campaign_id} in this workspace.")
    status = CampaignStatus(row["status"])
    settings = CampaignSettings.model_validate_json(row["settings"], context={"stored": True})
    limits = settings.limits
    if settings.type == "inbound":
        fields = await read_answering(
            pool, campaign_id, settings=settings, status=status, workspace_paused=row["workspace_paused"], now=now
        )
        return DialingStatus(campaign_id=campaign_id, status=status, limits=limits, **fields)
    lists = await pool.fetch("SELECT key, zones FROM zone_lists WHERE campaign_id = $1", campaign_id)
    openings = Openings(settings.schedule, is_public_holiday=is_holiday_of(settings.schedule))
    windows = windows_at(openings, settings, {one["key"]: tuple(one["zones"]) for one in lists}, now)
    queue = await pool.fetch(QUEUE, campaign_id, limits.max_attempts)
    held = await pool.fetch(HELD, campaign_id, limits.max_attempts)
    lines = await pool.fetchrow(LINES, campaign_id)
    assert lines is not None
    day = campaign_day(settings.schedule, now)
    today: int = await pool.fetchval(CALLS_OF_DAY, campaign_id, day)
    routes = (await load_routes(pool, [workspace])).get(workspace, Routes())
    used = {routes.trunk_of(number) for number in settings.caller_numbers or (None,)}
    trunks = [trunk for trunk in (await read_trunks(pool, workspace)).values() if trunk.id in used]
    broken = [max(one.breaker.probe_at or now, now) for one in trunks if one.breaker.state != "closed"]
    all_are_broken = bool(broken) and len(broken) == len(trunks)
    due = sum(one["due"] for one in queue if one["zones_key"] in windows.open)
    queued = sum(one["queued"] for one in queue)

    state: DialingState = "waiting"
    waiting_until: datetime | None = None
    pacing = calls_to_place(
        limits=limits, live_calls=lines["live"] + lines["asked"], pace_free=1, placed_today=today, due=due
    )
    reason: str = pacing.reason
    if status is not CampaignStatus.RUNNING:
        state, reason = _STATES[status], status.value
    elif row["workspace_paused"]:
        reason = "workspace_paused"
    elif not queued:
        state, reason = ("dialing" if lines["live"] else "idle"), "no_contact_due"
    elif not due:
        reason, waiting_until = _waiting_for(windows, queue, now)
        held_now = [one for one in held if one["zones_key"] in windows.open]
        if held_now and reason == "no_contact_due":
            first_held = min(held_now, key=lambda one: one["until"])
            reason = first_held["reason"]
            waiting_until = min(first_held["until"], waiting_until or first_held["until"])
    elif all_are_broken:
        reason = "trunk_breaker_open"
    elif reason == "daily_limit":
        waiting_until = day_end(settings, day)
    else:
        state = "dialing"
        if reason == "ready" and all(one.max_calls is not None and one.live_calls >= one.max_calls for one in trunks):
            reason = "trunk_busy"
    is_full = reason in ("all_lines_busy", "trunk_busy")
    if reason == "trunk_breaker_open" and all_are_broken:
        waiting_until = min(broken)
    return DialingStatus(
        campaign_id=campaign_id,
        status=status,
        state=state,
        reason=reason,
        waiting_until=waiting_until,
        next_possible_at=now if state == "dialing" and due and not is_full else waiting_until,
        live_calls=lines["live"],
        asked=lines["asked"],
        calls_today=today,
        limits=limits,
        due_now=due,
        queued=queued,
        held=_by_reason(held),
        trunks=trunks,
    )


def _by_reason(held: "list[asyncpg.Record]") -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in held:
        counts[one["reason"]] += one["held"]
    return dict(counts)


_STATES: dict[CampaignStatus, DialingState] = {
    CampaignStatus.DRAFT: "idle",
    CampaignStatus.PAUSED: "paused",
    CampaignStatus.COMPLETED: "finished",
    CampaignStatus.CANCELLED: "finished",
}


def _waiting_for(windows: Windows, queue: "list[asyncpg.Record]", now: datetime) -> tuple[str, datetime | None]:
    """Nobody can be called now: the first thing that changes this."""
    due_at = [one["first_at"] for one in queue if one["zones_key"] in windows.open and one["first_at"] > now]
    has_due_behind_closed_windows = any(one["due"] for one in queue)
    if windows.next_open_at is not None and has_due_behind_closed_windows:
        first = min([windows.next_open_at, *due_at])
        return (windows.reason or "outside_hours") if first == windows.next_open_at else "no_contact_due", first
    if due_at:
        return "no_contact_due", min(due_at)
    return windows.reason or "no_contact_due", windows.next_open_at
