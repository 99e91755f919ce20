"""When a delivery that failed is tried again, and when it is given up (pure).

| failure | waits (without jitter, by default) |
|---|---|
| 1st, 2nd, 3rd, … | 5 s, 10 s, 20 s, … doubling up to an hour |
| the receiver named a time (Retry-After) | that, if it is longer, up to an hour |
| any, three days after the delivery was due first | not at all: given up |

A delivery that waited behind others is tried once however old it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

JITTER = 0.2
"""A wait is up to so much shorter or longer, so that receivers that come back are not met by all at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The first wait, the longest, and how long a delivery is tried; seconds."""

    first_seconds: float
    longest_seconds: float
    give_up_seconds: float


def next_attempt(
    patience: Patience,
    *,
    attempts: int,
    created_at: datetime,
    now: datetime,
    chance: float,
    retry_after_seconds: float | None = None,
) -> datetime | None:
    """When to try again after the `attempts`-th failure; null to give up. `chance` is in [0, 1)."""
    doublings = min(attempts - 1, 32)
    wait = min(patience.first_seconds * 2**doublings, patience.longest_seconds)
    wait *= 1 + JITTER * (2 * chance - 1)
    if retry_after_seconds is not None:
        wait = max(wait, min(retry_after_seconds, patience.longest_seconds))
    last = created_at + timedelta(seconds=patience.give_up_seconds)
    if now >= last:
        return None
    # The last attempt is at the end of the time, not a whole wait before it.
    return min(now + timedelta(seconds=wait), last)
