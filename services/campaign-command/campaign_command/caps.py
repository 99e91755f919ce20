"""How often one number may be called.

| who sets it | which calls to the number count | when it is full |
|---|---|---|
| the workspace | of every campaign, from every caller number | temporary `frequency_cap`, until the oldest has left |
| a campaign (its preset) | the same | the same, for this campaign only |

A cap is `calls` within a rolling window of `window_seconds`. All caps hold side by side. A call counts from its permit
on, and no longer once it turns out to be no attempt (not placed, a fault of the carrier's or ours, cancelled before it
rang). What must stay true: no window of that length, wherever it begins, holds more calls than the cap.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from campaign_events.facts import CallVerdict
from campaign_events.presets import FrequencyCap
from campaign_events.settings import Outcome

KEPT = timedelta(days=90)
"""The longest window that can be set. History is kept for it even without a cap: one that is set today counts too what
was called yesterday."""
_NO_ATTEMPT = frozenset({Outcome.NOT_PLACED, Outcome.CARRIER_ERROR, Outcome.CONFIGURATION})


def allowed_at(caps: Iterable[FrequencyCap], calls: Iterable[datetime], now: datetime) -> datetime | None:
    """When the number may be called again; null when it may now. `calls`: when each began to ring, at the latest."""
    newest_first = sorted(calls, reverse=True)
    free_at = [
        newest_first[cap.calls - 1] + timedelta(seconds=cap.window_seconds)
        for cap in caps
        if len(newest_first) >= cap.calls
    ]
    return max((at for at in free_at if at > now), default=None)


def longest_window(caps: Sequence[FrequencyCap]) -> timedelta:
    """How far back calls have to be known."""
    return timedelta(seconds=max((cap.window_seconds for cap in caps), default=0))


def counts(verdict: CallVerdict) -> bool:
    """Whether a call that ended so was a call to the person."""
    if verdict.outcome is Outcome.CANCELLED:
        return verdict.rang
    return verdict.outcome not in _NO_ATTEMPT
