"""How many calls may be placed now: simultaneous, per second, per day.

What must stay true: seen by the carrier, no sliding second holds more than `calls_per_second` calls of one campaign,
however long its API takes to answer. No clock here: `now` is the caller's monotonic clock, in seconds.
A trunk that several campaigns use is shared out by `fair_room`.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from campaign_events.settings import Limits

PacingReason = Literal["ready", "no_contact_due", "all_lines_busy", "pace", "daily_limit"]
_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """Calls to place now; where there are none, the reason why."""

    count: int
    reason: PacingReason


class Pace:
    """The calls of one campaign (or one trunk) that count against its calls per second.

    A call takes a place when it is sent and gives it back one second after the carrier's API answered it or the
    request timed out. The carrier saw it at some instant between the two, so calls it saw within one second all hold
    a place at one time: with `calls_per_second` places, a sliding second never holds more.

    `now` must not run backwards.
    """

    __slots__ = ("_answered", "_in_flight", "_silent_until")

    def __init__(self) -> None:
        self._in_flight = 0
        self._answered: deque[float] = deque()
        self._silent_until: float | None = None

    def takeover(self, now: float, *, placing: int = 0) -> None:
        """Start anew after another process: nothing for a second, since its last calls are not known here.

        `placing` are its calls whose answer is not known yet; they hold their places until `answered`.
        """
        self._in_flight = placing
        self._answered.clear()
        self._silent_until = now + _SECOND

    def sent(self, n: int = 1, *, now: float) -> None:
        """`n` calls are sent now. State this before the request leaves."""
        self._give_back(now)
        self._in_flight += n

    def answered(self, now: float) -> None:
        """The API answered one of the calls in flight, in whatever way, or its request timed out."""
        if not self._in_flight:
            raise ValueError("an answer without a call in flight; each call sent is answered exactly once")
        self._give_back(now)
        self._in_flight -= 1
        self._answered.append(now)

    def free(self, now: float, calls_per_second: int) -> int:
        """How many calls may be sent now."""
        self._give_back(now)
        if self._silent_until is not None:
            return 0
        return max(0, calls_per_second - self._in_flight - len(self._answered))

    def next_free_at(self, now: float, calls_per_second: int) -> float | None:
        """When the next call may be sent, `now` if at once; None: not before one more call in flight is answered."""
        self._give_back(now)
        too_many = self._in_flight + len(self._answered) - calls_per_second + 1
        if too_many > len(self._answered):
            return None
        at = now if too_many <= 0 else self._answered[too_many - 1] + _SECOND
        return at if self._silent_until is None else max(at, self._silent_until)

    def _give_back(self, now: float) -> None:
        while self._answered and self._answered[0] + _SECOND <= now:
            self._answered.popleft()
        if self._silent_until is not None and self._silent_until <= now:
            self._silent_until = None


def calls_to_place(*, limits: Limits, live_calls: int, pace_free: int, placed_today: int, due: int) -> Pacing:
    """The calls to place now, or the reason for none; of several reasons, the one that lasts longest.

    `live_calls` and `placed_today` (the campaign's day) include the calls asked for or being placed: they may still
    become live, and count. `pace_free` is `Pace.free`; `due` the contacts that are due and inside their windows.
    """
    today = due if limits.calls_per_day is None else limits.calls_per_day - placed_today
    lines = limits.max_simultaneous_calls - live_calls
    if due <= 0:
        return Pacing(0, "no_contact_due")
    if today <= 0:
        return Pacing(0, "daily_limit")
    if lines <= 0:
        return Pacing(0, "all_lines_busy")
    if pace_free <= 0:
        return Pacing(0, "pace")
    return Pacing(min(due, today, lines, pace_free), "ready")


def fair_room(
    ceiling: int,
    held: Mapping[UUID, int],
    *,
    campaign: UUID,
    waiting: Mapping[UUID, datetime],
    now: datetime,
) -> int:
    """How much more of a trunk's ceiling a campaign may take now.

    `held` is what each campaign holds of it, `waiting` since when others (and this one) have wanted more than they got.
    While nobody else waits, all that is free; else up to an equal share of what those who don't wait leave, and what is
    free goes first to whoever has waited longest. So what is free is always somebody's, and nobody waits for ever.
    """
    free = ceiling - sum(held.values())
    others = waiting.keys() - {campaign}
    if free <= 0 or not others:
        return max(0, free)
    content = sum(n for one, n in held.items() if one != campaign and one not in others)
    share = max(1, -(-(ceiling - content) // (len(others) + 1)))
    since = waiting.get(campaign, now)
    ahead = sum(1 for one in others if (waiting[one], one) < (since, campaign) and held.get(one, 0) < share)
    return max(0, min(share - held.get(campaign, 0), free - ahead))
