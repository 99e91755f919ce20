"""Whether a person may be called now, until when, and when again: a campaign's schedule in the deciding zones.

What must stay true: whether an instant is open depends on nothing but the wall clock it shows in each deciding zone,
and all zones must say yes. So a local time that a clock change skips never comes, one that it doubles counts twice, and
what cannot be decided (no zone, an unknown zone) is closed. No clock here: `now` is an argument.

A local minute is open if a weekly window covers it, and the day that the window belongs to and the date that the minute
lies on are both days with calls (not blocked, no public holiday, from the start date to the end date). So a window that
crosses midnight is cut at a blocked date, and one that belongs to a blocked date is closed as a whole.

Inside, instants are whole seconds of UTC since 1970, and local times the same plus the zone's offset.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from math import floor
from typing import Literal
from zoneinfo import ZoneInfo

from campaign_events.schedule import WEEKDAYS, Schedule, is_time_zone, window_minutes

ClosedReason = Literal[
    "outside_hours",
    "blocked_date",
    "public_holiday",
    "before_start",
    "ended",
    "no_common_open_minute",
    "no_time_zone",
    "unknown_time_zone",
]
SEARCH_DAYS = 366
"""How far the next opening is searched, from now or a later start date; never past the end date."""

_DAY = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY = 3  # a Thursday
_LAST = (date(9999, 12, 29).toordinal() - _EPOCH_ORDINAL) * _DAY  # later, local dates can't be told any more
_CHUNK = 64 * _DAY
_MAX_CACHED_ZONE_TUPLES = 10_000
_NO_CANDIDATES = "Etc/Unknown"

_Span = tuple[int, int]
_Zone = tuple[str, ZoneInfo]


@dataclass(frozen=True, slots=True)
class Open:
    """Calls may be placed. `until`, UTC, is the first instant at which some deciding zone is closed.

    Where nothing closes within the 366 days that are searched, it is the end of the search.
    """

    until: datetime
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """No call may be placed.

    `next_open_at`, UTC, is the first instant at which all zones are open; None if there is none in reach:
    `ended` (the schedule is past its last opening), `no_common_open_minute` (between start and end date, as far as is
    searched, the zones have none), `no_time_zone`, `unknown_time_zone`.
    """

    reason: ClosedReason
    next_open_at: datetime | None


def deciding_zones(schedule: Schedule, candidate_zones: Sequence[str]) -> tuple[str, ...]:
    """The zones that must all be open: the callee's candidates, or the campaign's own zone.

    None at all (also where a number's zone is given as `Etc/Unknown`) means that nobody can say: closed.
    """
    if not schedule.use_callee_time_zone:
        return (schedule.time_zone,)
    return () if all(zone == _NO_CANDIDATES for zone in candidate_zones) else tuple(candidate_zones)


def opening(schedule: Schedule, zones: Sequence[str], now: datetime) -> Open | Closed:
    """The answer for one moment. For many contacts of a campaign keep an `Openings`."""
    return Openings(schedule).at(zones, now)


def instant_of(local: datetime, zone_name: str) -> datetime | None:
    """The instant (UTC) of a local wall-clock time; None if the zone is not known.

    A time that a clock change skips is the first instant after the gap, one that exists twice the first of the two.
    """
    zone = _zone(zone_name)
    if zone is None:
        return None
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:  # it exists, once or twice
        return first
    # In a gap the offset before it gives the later instant: the clock changes between the two.
    low, high = floor(second.timestamp()), floor(first.timestamp())
    before = datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if datetime.fromtimestamp(middle, zone).utcoffset() == before else (low, middle)
    return _instant(high)


def campaign_day(schedule: Schedule, at: datetime) -> date:
    """The date of `at` in the campaign's own zone: the day of its figures and of its daily limit.

    A stored zone that is unknown by now counts as UTC: figures go on, only calling stops.
    """
    return at.astimezone(_zone(schedule.time_zone) or UTC).date()


class Openings:
    """The openings of one schedule, remembered per zones until they change. A new schedule needs a new one."""

    def __init__(self, schedule: Schedule, *, is_public_holiday: Callable[[date], bool] | None = None) -> None:
        # Where the schedule has public holidays and nobody says which they are, no day is known to be a working day.
        self._is_holiday = is_public_holiday or (lambda _: schedule.public_holidays is not None)
        self._holidays: dict[int, bool] = {}
        self._weekly = tuple(
            tuple(sorted((start * 60, end * 60) for start, end in map(window_minutes, schedule.weekly.get(day, ()))))
            for day in WEEKDAYS
        )
        self._blocked = frozenset(map(_day_number, schedule.blocked_dates))
        self._first = None if schedule.start_date is None else _day_number(schedule.start_date)
        self._last = None if schedule.end_date is None else _day_number(schedule.end_date)
        self._answers: dict[tuple[str, ...], tuple[datetime, datetime, Open | Closed]] = {}

    def at(self, zones: Sequence[str], now: datetime) -> Open | Closed:
        """Whether all `zones` (see `deciding_zones`) are open at `now`, an aware datetime.

        Raises ValueError for a naive `now` and for a stored window that is not one.
        """
        key = tuple(zones)
        known = self._answers.get(key)
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        if now.tzinfo is None:
            raise ValueError(f"now is {now.isoformat()} without a zone; allowed: an aware datetime")
        answer, changes_at = self._decide(key, floor(now.timestamp()))
        if len(self._answers) >= _MAX_CACHED_ZONE_TUPLES:
            self._answers.clear()
        self._answers[key] = (now.astimezone(UTC), changes_at, answer)  # of one other zone, wall clocks are compared
        return answer

    def _decide(self, names: tuple[str, ...], now: int) -> tuple[Open | Closed, datetime]:
        """The answer, and the instant from which it may be another one."""
        if not names:
            return Closed("no_time_zone", None), _instant(_LAST)
        zones = [(name, zone) for name in names if (zone := _zone(name)) is not None]
        if len(zones) < len(names):
            return Closed("unknown_time_zone", None), _instant(_LAST)

        days, next_day_at = _local_days(zones, now)
        since = now if self._first is None else max(now, (self._first - 2) * _DAY)
        until = since + SEARCH_DAYS * _DAY
        found = self._first_common_span(zones, since, until)
        if found is None:
            is_ended = self._is_ended(zones, days, now=now, searched_until=until)
            return Closed("ended" if is_ended else "no_common_open_minute", None), _instant(next_day_at)
        start, end = found
        if start <= now:
            return Open(_instant(end), names), _instant(end)
        return Closed(self._reason_for_now(days), _instant(start)), _instant(min(start, next_day_at))

    def _reason_for_now(self, days: Iterable[int]) -> ClosedReason:
        if self._first is not None and any(day < self._first for day in days):
            return "before_start"
        if any(day in self._blocked for day in days):
            return "blocked_date"
        return "public_holiday" if any(map(self._is_public_holiday, days)) else "outside_hours"

    def _is_ended(self, zones: Sequence[_Zone], days: Iterable[int], *, now: int, searched_until: int) -> bool:
        """Whether the end date is why nothing opens any more: zones that had no opening before it don't fit at all."""
        if self._last is None or self._last * _DAY >= searched_until:
            return False
        if any(day > self._last for day in days):
            return True
        return self._first_common_span(zones, now - SEARCH_DAYS * _DAY, now) is not None

    def _first_common_span(self, zones: Sequence[_Zone], since: int, until: int) -> _Span | None:
        """The first time within `[since, until)` that is open in all zones, as long as it lasts."""
        spans = [self._open_spans(zone, since, min(until, _LAST)) for zone in zones]
        heads = [next(each, None) for each in spans]
        while True:
            open_heads = [head for head in heads if head is not None]
            if len(open_heads) < len(heads):
                return None
            start, end = max(head[0] for head in open_heads), min(head[1] for head in open_heads)
            if start < end:
                return start, end
            heads = [
                next(each, None) if head[1] <= start else head for each, head in zip(spans, open_heads, strict=True)
            ]

    def _open_spans(self, zone: _Zone, since: int, until: int) -> Iterator[_Span]:
        """The open times of one zone within `[since, until)`, in order, apart from each other."""
        begin = end = since
        for piece_start, piece_end, offset in _offsets_between(zone, since, until):
            if self._last is not None and piece_start + offset >= (self._last + 2) * _DAY:
                break
            for local_start, local_end in self._local_spans(piece_start + offset, piece_end + offset):
                if local_start - offset > end:
                    if begin < end:
                        yield begin, end
                    begin = local_start - offset
                end = max(end, local_end - offset)
        if begin < end:
            yield begin, end

    def _local_spans(self, start: int, end: int) -> Iterator[_Span]:
        """The open local times within `[start, end)`, ordered by their start."""
        for day in range(start // _DAY - 1, (end - 1) // _DAY + 1):
            if not self._has_calls(day):
                continue
            day_start = day * _DAY
            next_day_too = self._has_calls(day + 1)
            for opens, closes in self._weekly[(day + _EPOCH_WEEKDAY) % 7]:
                span_start = max(start, day_start + opens)
                span_end = min(end, day_start + (closes if next_day_too else min(closes, _DAY)))
                if span_start < span_end:
                    yield span_start, span_end

    def _has_calls(self, day: int) -> bool:
        return (
            day not in self._blocked
            and (self._first is None or self._first <= day)
            and (self._last is None or day <= self._last)
            and not self._is_public_holiday(day)
        )

    def _is_public_holiday(self, day: int) -> bool:
        known = self._holidays.get(day)
        if known is None:
            known = self._holidays[day] = self._is_holiday(date.fromordinal(day + _EPOCH_ORDINAL))
        return known


def _day_number(day: date) -> int:
    return day.toordinal() - _EPOCH_ORDINAL


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if is_time_zone(name) else None


def _local_days(zones: Sequence[_Zone], now: int) -> tuple[list[int], int]:
    """Each zone's local day at `now`, and the first instant after it at which one of them may be another."""
    days, changes = [], []
    for zone in zones:
        _, piece_end, offset = next(_offsets_between(zone, now, now + 2 * _DAY))
        day = (now + offset) // _DAY
        days.append(day)
        changes.append(min(piece_end, (day + 1) * _DAY - offset))
    return days, min(changes)


def _offsets_between(zone: _Zone, since: int, until: int) -> Iterator[tuple[int, int, int]]:
    """`[since, until)` cut into pieces with one UTC offset: (start, end, offset)."""
    for chunk in range(since // _CHUNK, (until - 1) // _CHUNK + 1):
        pieces = _offsets(zone[0], chunk)
        ends = [start for start, _ in pieces[1:]] + [(chunk + 1) * _CHUNK]
        for (start, offset), end in zip(pieces, ends, strict=True):
            if start < until and end > since:
                yield max(start, since), min(end, until), offset


@lru_cache(maxsize=8192)
def _offsets(name: str, chunk: int) -> tuple[tuple[int, int], ...]:
    """The zone's UTC offsets within a chunk of time, each with the instant from which it holds.

    The standard library does not list a zone's changes: each day's ends are compared, and a change between them is
    found by halving. No zone has changed there and back within a day.
    """
    zone = ZoneInfo(name)

    def offset_at(at: int) -> int:
        offset = datetime.fromtimestamp(min(at, _LAST), zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    at = chunk * _CHUNK
    pieces = [(at, offset_at(at))]
    for next_at in range(at + _DAY, at + _CHUNK + 1, _DAY):
        while offset_at(next_at) != pieces[-1][1]:
            low, high = max(pieces[-1][0], next_at - _DAY), next_at
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(middle) == pieces[-1][1] else (low, middle)
            pieces.append((high, offset_at(high)))
    return tuple(pieces)
