"""A trunk's breaker: a carrier that refuses or stays silent is left alone for a while, so that no contact pays for it.

Pure: `now` is the caller's monotonic clock, in seconds.
"""

FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


class Breaker:
    """Opens after some failures in a row; then, after a pause, one call tries."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._open_until: float | None = None

    def allows(self, now: float) -> int | None:
        """How many calls may be placed; None: as many as one likes."""
        if self._open_until is None:
            return None
        return 0 if now < self._open_until else 1

    def closes_at(self, now: float) -> float | None:
        """When the next call may try; None if it may now."""
        return self._open_until if self._open_until is not None and now < self._open_until else None

    def succeeded(self) -> None:
        """The carrier did its work."""
        self._failures, self._pause_seconds, self._open_until = 0, FIRST_PAUSE_SECONDS, None

    def failed(self, now: float) -> None:
        """The carrier refused for its own reasons, or did not answer."""
        self._failures += 1
        if self._failures < FAILURES_TO_OPEN:
            return
        if self._open_until is None:
            self._open_until = now + self._pause_seconds
        elif now >= self._open_until:
            self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            self._open_until = now + self._pause_seconds
