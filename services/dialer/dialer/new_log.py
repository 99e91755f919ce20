"""Forgets what was folded from campaign-command's log, since that goes on as another one after a restore.

Calls, their outbox and the trunks' breakers are the dialer's own and stay. What must stay true: it is all gone at once,
with the positions, and only while nobody dials; the next start folds the new log from its first fact.
"""

from typing import TYPE_CHECKING

from campaign_events.topics import CAMPAIGN_EVENTS, SUPPRESSION_EVENTS
from dialer.relay import RELAY_LOCK

if TYPE_CHECKING:
    import asyncpg

FOLDED = ("campaigns", "zone_lists", "queue", "trunks", "phone_numbers", "workspaces")


class Running(Exception):
    """The dialer is running on this database: stop it first."""


async def forget_log(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    """How many rows went, by table. Running while a dialer holds the relay's lock."""
    gone = {}
    async with connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", RELAY_LOCK):
            raise Running(Running.__doc__)
        for table in FOLDED:
            done = await connection.execute(f"DELETE FROM {table}")  # noqa: S608
            gone[table] = int(done.rpartition(" ")[2])
        await connection.execute(
            "DELETE FROM positions WHERE topic = ANY($1::text[])", [CAMPAIGN_EVENTS, SUPPRESSION_EVENTS]
        )
    return gone
