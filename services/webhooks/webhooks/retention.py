"""Forgets what is done and old, and all of a deleted webhook: deliveries first, then what they refer to.

What must stay true: an open delivery stays, and so does the fact it is to tell.
"""

import asyncio
from collections.abc import Callable

from campaign_service.logs import Log
from campaign_service.process import told_to_stop
from webhooks.database import UNAVAILABLE, Pool

TURN_SECONDS = 600.0
CHUNK = 5000

END_DELIVERIES = """
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM deliveries WHERE done_at < now() - make_interval(days => $1)
    ORDER BY done_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
END_DELIVERIES_OF_DELETED = """
DELETE FROM deliveries WHERE id IN (
    SELECT deliveries.id FROM webhooks JOIN deliveries ON deliveries.webhook_id = webhooks.id
    WHERE webhooks.deleted_at < now() - make_interval(days => $1) LIMIT $2 FOR UPDATE OF deliveries SKIP LOCKED
)
"""
END_REPLAYS = """
DELETE FROM replays WHERE id IN (
    SELECT replays.id FROM replays JOIN webhooks ON webhooks.id = webhook_id
    WHERE (asked_at < now() - make_interval(days => $1) OR deleted_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM deliveries WHERE replay_id = replays.id)
    LIMIT $2 FOR UPDATE OF replays SKIP LOCKED
)
"""
END_DELETED = """
DELETE FROM webhooks WHERE id IN (
    SELECT id FROM webhooks WHERE deleted_at < now() - make_interval(days => $1)
        AND NOT EXISTS (SELECT FROM deliveries WHERE webhook_id = webhooks.id)
        AND NOT EXISTS (SELECT FROM replays WHERE webhook_id = webhooks.id)
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
# The key share of a new delivery's reference waits for this lock or is skipped by it.
END_EVENTS = """
DELETE FROM events WHERE id IN (
    SELECT id FROM events WHERE stored_at < now() - make_interval(days => $1)
        AND NOT EXISTS (SELECT FROM deliveries WHERE event_id = events.id)
    ORDER BY stored_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def forget(pool: Pool, *, days: int) -> dict[str, int]:
    """Delete in chunks what was done, asked for or stored more than so many days ago; how many rows of each."""
    counts: dict[str, int] = {}
    for name, statement, age in (
        ("deliveries", END_DELIVERIES, days),
        ("deliveries_of_deleted", END_DELIVERIES_OF_DELETED, 0),
        ("replays", END_REPLAYS, days),
        ("webhooks", END_DELETED, 0),
        ("events", END_EVENTS, days),
    ):
        counts[name] = 0
        while True:
            gone = int((await pool.execute(statement, age, CHUNK)).rpartition(" ")[2])
            counts[name] += gone
            if gone < CHUNK:
                break
    return counts


class Retention:
    """The loop; any number of processes may run it."""

    def __init__(self, pool: Pool, *, days: int, log: Log) -> None:
        self._pool, self._days, self._log = pool, days, log

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Forget until `stopping`."""
        while not stopping.is_set():
            beat()
            try:
                counts = await forget(self._pool, days=self._days)
                if any(counts.values()):
                    self._log.info("forgotten", **counts)
            except UNAVAILABLE as error:
                self._log.warning("retention_unavailable", error=type(error).__name__)
            await told_to_stop(stopping, within_seconds=TURN_SECONDS)
