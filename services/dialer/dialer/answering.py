"""Whether an inbound campaign answers now, and how it meets a call that it does not answer.

What must stay true: hours are the business's own, in the campaign's zone, whoever rings; what can't be decided is
closed. Pure: `now` (UTC) is an argument.
"""

from dataclasses import dataclass
from datetime import datetime

from campaign_events.settings import CampaignSettings, CampaignStatus, InboundSettings
from campaign_service.public_holidays import is_holiday_of
from dialer.carriers import TurnedAway
from dialer.schedule import Closed, Open, Openings

BUSY = frozenset({"lines_busy", "number_live"})
"""Reasons that pass within minutes: the caller hears the busy tone, and may ring again."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Open until `until`; or closed for `reason`, until `next_open_at` if that is known."""

    reason: str | None = None
    until: datetime | None = None
    next_open_at: datetime | None = None


def hours_of(settings: CampaignSettings, status: CampaignStatus, *, workspace_paused: bool, now: datetime) -> Hours:
    """Whether calls are answered at `now`, for the campaign's status, its workspace and its schedule."""
    schedule = settings.schedule
    found = Openings(schedule, is_public_holiday=is_holiday_of(schedule)).at((schedule.time_zone,), now)
    if status is not CampaignStatus.RUNNING:
        return Hours(status.value)
    if workspace_paused:
        return Hours("workspace_paused")
    match found:
        case Open(until=until):
            return Hours(until=until)
        case Closed(reason=reason, next_open_at=next_open_at):
            return Hours(reason, next_open_at=next_open_at)


def set_answer(settings: CampaignSettings | None, reason: str) -> TurnedAway:
    """What the caller meets: busy if that is all, else what the campaign has set; null: nobody has the number."""
    if reason in BUSY:
        return TurnedAway("busy")
    inbound = settings.inbound if settings is not None and settings.inbound is not None else InboundSettings()
    return TurnedAway(inbound.when_closed, inbound.message_id)
