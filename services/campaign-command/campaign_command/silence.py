"""After the answer, silence: Pause, Cancel and an opt-out commit first, and answer when no permit is left that could
still make a phone ring.

A permit granted before is over when the dialer has reported its call placed or not placed, or when it has expired and
the carrier can no longer take the call (the place time-out). So the wait is bounded; as a rule it takes milliseconds.
"""

import asyncio
from uuid import UUID

from prometheus_client import Histogram

from campaign_command.store import Store, now_of
from campaign_command.workers import Workers

POLL_SECONDS = 0.05

_waited = Histogram("silence_wait_seconds", "From the commit of a pause, cancel or opt-out to silence")
_OUTSTANDING = """
SELECT count(*) AS outstanding FROM live_calls
WHERE NOT reported AND granted_at <= %(since)s
  AND expires_at + make_interval(secs => %(place_timeout)s) > clock_timestamp()
  AND (campaign_id = %(campaign)s OR (workspace = %(workspace)s
       AND (%(numbers)s::text[] IS NULL OR number LIKE ANY(%(numbers)s))))
"""


class Silence:
    """Waits for outstanding permits. Whoever applies reports calls `reported`."""

    def __init__(self, store: Store, workers: Workers, *, place_timeout_seconds: float) -> None:
        self._store, self._workers, self._place_timeout = store, workers, place_timeout_seconds
        self._changed = asyncio.Event()

    def reported(self) -> None:
        """Some calls were reported: let those who wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def of_campaign(self, campaign_id: UUID) -> None:
        """Return when no permit of the campaign is outstanding."""
        await self._wait({"campaign": campaign_id, "workspace": None, "numbers": []})

    async def of_numbers(self, workspace: UUID, numbers: list[str]) -> None:
        """Return when no permit for these numbers (or beginnings, `+1900*`) of the workspace is outstanding."""
        patterns = [number.replace("*", "%") for number in numbers]
        await self._wait({"campaign": None, "workspace": workspace, "numbers": patterns})

    async def of_workspace(self, workspace: UUID) -> None:
        """Return when no permit of the whole workspace is outstanding."""
        await self._wait({"campaign": None, "workspace": workspace, "numbers": None})

    async def _wait(self, whose: dict[str, object]) -> None:
        with _waited.time():
            # Grants are ordered by the append lock: what was granted before our commit was granted before now. Later
            # ones (somebody resumed meanwhile) are not ours to wait for.
            whose = {**whose, "since": await self._workers.run(lambda: self._store.read(now_of))}
            while True:
                changed = self._changed
                if await self._workers.run(lambda: self._outstanding(whose)) == 0:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), POLL_SECONDS)
                except TimeoutError:
                    continue

    def _outstanding(self, whose: dict[str, object]) -> int:
        values = {**whose, "place_timeout": self._place_timeout}
        row = self._store.read(lambda cursor: cursor.execute(_OUTSTANDING, values).fetchone())
        assert row is not None
        return int(row["outstanding"])
