"""What an inbound campaign does at this moment: whether it answers, until when it does not, and who was turned away."""

from datetime import datetime
from typing import Any
from uuid import UUID

from campaign_events.settings import CampaignSettings, CampaignStatus
from dialer.answering import hours_of
from dialer.database import Pool
from dialer.schedule import campaign_day

# A day has at most 25 hours; older calls belong to other days.
CALLS = """
SELECT count(*) FILTER (WHERE state <> 'settled' AND state <> 'ended') AS live,
    count(*) FILTER (WHERE day = $2 AND turned_away IS NULL) AS today,
    count(*) FILTER (WHERE day = $2 AND turned_away IS NOT NULL) AS turned_away
FROM calls
WHERE campaign_id = $1 AND kind = 'inbound' AND (state <> 'settled' OR created_at > now() - interval '27 hours')
"""


async def read_answering(
    pool: Pool,
    campaign_id: UUID,
    *,
    settings: CampaignSettings,
    status: CampaignStatus,
    workspace_paused: bool,
    now: datetime,
) -> dict[str, Any]:
    """The fields of a dialing status that say so. Nobody is dialled, so nobody is due, queued or held."""
    calls = await pool.fetchrow(CALLS, campaign_id, campaign_day(settings.schedule, now))
    assert calls is not None
    hours = hours_of(settings, status, workspace_paused=workspace_paused, now=now)
    reason = hours.reason
    if reason is None:
        reason = "ready" if calls["live"] < settings.limits.max_simultaneous_calls else "all_lines_busy"
    return {
        "state": "answering" if hours.reason is None else "closed",
        "reason": reason,
        "waiting_until": hours.next_open_at,
        "next_possible_at": now if reason == "ready" else hours.next_open_at,
        "live_calls": calls["live"],
        "asked": 0,
        "calls_today": calls["today"],
        "turned_away_today": calls["turned_away"],
        "due_now": 0,
        "queued": 0,
        "held": {},
    }
