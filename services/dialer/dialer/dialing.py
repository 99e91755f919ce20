"""One campaign as it is being dialled by this process: its settings, windows, pace and count of the day.

Ephemeral: nothing here is needed after a crash, since a take-over starts with an empty first second and the rest is
read from the database. No clock: `now` is UTC, `clock` the monotonic one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from campaign_events.schedule import is_time_zone
from campaign_events.settings import CampaignSettings
from campaign_events.trunks import caller_number_of
from campaign_service.public_holidays import is_holiday_of
from dialer.claims import Tenure
from dialer.pacing import Pace
from dialer.schedule import Closed, Open, Openings, campaign_day, deciding_zones
from dialer.trunks import Routes

DAY_COUNT_SECONDS = 5.0
ENDED = "ended"
"""The one reason for never that is not the contact's: campaign-command pauses the campaign by itself."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Which lists of zones are open now, which never will be, and when the next one opens."""

    open: Mapping[int, Open]
    never: Mapping[int, str]
    reason: str | None
    next_open_at: datetime | None


def windows_at(
    openings: Openings, settings: CampaignSettings, zones: Mapping[int, tuple[str, ...]], now: datetime
) -> Windows:
    """The windows of a campaign's lists of zones (by key) at one moment; `reason` says why none is open."""
    opened: dict[int, Open] = {}
    never: dict[int, str] = {}
    closed: list[Closed] = []
    for key, candidates in zones.items():
        answer = openings.at(deciding_zones(settings.schedule, candidates), now)
        if isinstance(answer, Open):
            opened[key] = answer
            continue
        closed.append(answer)
        if answer.next_open_at is None and answer.reason != ENDED:
            never[key] = answer.reason
    later = [answer for answer in closed if answer.next_open_at is not None]
    first = min(later, key=lambda answer: answer.next_open_at or now, default=closed[0] if closed else None)
    return Windows(
        open=opened,
        never=never,
        reason=None if opened or first is None else first.reason,
        next_open_at=first.next_open_at if first else None,
    )


def day_end(settings: CampaignSettings, day: date) -> datetime:
    """The end of a campaign's day, UTC."""
    name = settings.schedule.time_zone
    zone = ZoneInfo(name) if is_time_zone(name) else UTC
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


class Dialing:
    """What the pacing loop remembers of a campaign between two looks."""

    def __init__(self, campaign_id: UUID, *, workspace: UUID, tenure: Tenure, clock: float) -> None:
        self.campaign_id, self.workspace, self.tenure = campaign_id, workspace, tenure
        self.pace = Pace()
        self.look_at = clock
        self.is_busy = False
        self.expired_in_a_row = 0
        self._not_before = clock
        self.zones: dict[int, tuple[str, ...]] = {}
        self.told_not_callable: set[int] = set()
        self.routes = Routes()
        self.most_at_once: int | None = None
        """How many to claim at most: a trunk had no room for more the last time."""
        self.settings_version = 0
        self._settings: CampaignSettings | None = None
        self._openings: Openings | None = None
        self._day: date | None = None
        self._day_count = 0
        self._day_counted_at = 0.0
        self._inherited: list[float] = []

    def begin(self, clock: float, *, placing: int, gone_at: float) -> None:
        """Dial from now on. `placing` calls of before may still be on their way; they hold their places so long."""
        self.pace.takeover(clock, placing=placing)
        self._inherited = [gone_at] * placing

    def wake(self) -> None:
        """Something is new: look soon."""
        self.look_at = min(self.look_at, self._not_before)

    def looked(self, clock: float, *, again_in: float, not_before: float) -> None:
        """A look is over: the next one comes then, or earlier when woken."""
        self._not_before = clock + not_before
        woken = self.look_at != float("inf")
        self.look_at = self._not_before if woken else clock + max(again_in, not_before)
        self.is_busy = False

    def release_inherited(self, clock: float) -> None:
        """Give back the places of inherited calls that can't be on their way any more."""
        gone = [at for at in self._inherited if at <= clock]
        self._inherited = [at for at in self._inherited if at > clock]
        for _ in gone:
            self.pace.answered(clock)

    @property
    def settings(self) -> CampaignSettings:
        """The settings; `use` comes first."""
        assert self._settings is not None
        return self._settings

    def use(self, settings: CampaignSettings, version: int) -> None:
        """Dial under these settings from now on."""
        self._settings, self.settings_version = settings, version
        self._openings = Openings(settings.schedule, is_public_holiday=is_holiday_of(settings.schedule))
        self._day = None
        self.told_not_callable.clear()

    @property
    def trunks(self) -> set[str]:
        """The trunks this campaign's calls go through."""
        return {self.routes.trunk_of(number) for number in self.settings.caller_numbers or (None,)}

    @property
    def needs_room(self) -> bool:
        """Whether a trunk has to be asked for room: it has ceilings, or which one it is differs from call to call."""
        trunks = self.trunks
        return len(trunks) > 1 or not trunks.isdisjoint(self.routes.with_ceilings)

    def trunk_of(self, contact_id: UUID) -> str:
        """The trunk a contact is called through."""
        numbers = self.settings.caller_numbers
        return self.routes.trunk_of(caller_number_of(numbers, contact_id) if numbers else None)

    def windows(self, now: datetime) -> Windows:
        """Which zones are open now."""
        assert self._openings is not None
        return windows_at(self._openings, self.settings, self.zones, now)

    def day(self, now: datetime) -> date:
        """The campaign's day."""
        return campaign_day(self.settings.schedule, now)

    def day_count(self, day: date, clock: float) -> int | None:
        """Calls that count for the day's limit, never too few; None: count them in the database."""
        limit = self.settings.limits.calls_per_day
        # At the limit it is counted often, since a call that was not placed gives its place back.
        fresh_for = 1.0 if limit is not None and self._day_count >= limit else DAY_COUNT_SECONDS
        is_known = self._day == day and clock - self._day_counted_at < fresh_for
        return self._day_count if is_known else None

    def counted(self, day: date, count: int, clock: float) -> None:
        """What the database said."""
        self._day, self._day_count, self._day_counted_at = day, count, clock

    def claimed(self, count: int) -> None:
        """That many were claimed since the count."""
        self._day_count += count
