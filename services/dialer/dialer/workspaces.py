"""Takes in what a workspace sets for all its campaigns: that its calling is paused, its trunks and phone numbers, how
long numbers are kept, and whom to forget.

What must stay true: a batch's effect and its positions are one transaction. A pause holds without this (no permit is
given): here it only keeps the dialling from asking again and again.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from campaign_events.facts import PersonErased, WorkspaceFact, WorkspacePaused, WorkspaceResumed
from campaign_events.facts import WorkspaceSettingsChanged as SettingsChanged
from campaign_events.positions import Applied, Received, TopicPartition, admit
from campaign_events.topics import SUPPRESSION_EVENTS
from campaign_service.logs import Log
from dialer.database import Connection, Pool
from dialer.intake import READ_POSITIONS, SEED_POSITIONS, WRITE_POSITION
from dialer.retention import FORGET_PERSON

SET_TRUNKS = """
INSERT INTO trunks (workspace, id, max_calls, calls_per_second)
SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::integer[]) AS given (id, max_calls, calls_per_second)
ORDER BY id
ON CONFLICT (workspace, id) DO UPDATE SET
    max_calls = excluded.max_calls, calls_per_second = excluded.calls_per_second
"""
FORGET_TRUNKS = "DELETE FROM trunks WHERE workspace = $1 AND NOT id = ANY($2::text[])"
SET_NUMBERS = """
INSERT INTO phone_numbers (workspace, number, trunk) SELECT $1, * FROM unnest($2::text[], $3::text[])
"""
FORGET_NUMBERS = "DELETE FROM phone_numbers WHERE workspace = $1"
SET_PAUSED = """
INSERT INTO workspaces (workspace, paused) VALUES ($1, $2)
ON CONFLICT (workspace) DO UPDATE SET paused = excluded.paused
"""
SET_RETENTION = """
INSERT INTO workspaces (workspace, retention_days) VALUES ($1, $2)
ON CONFLICT (workspace) DO UPDATE SET retention_days = excluded.retention_days
"""
# Contacts held back until a cap had room: under other caps they may have it now.
END_LONG_HOLDS = """
UPDATE queue SET hold_until = NULL FROM campaigns
WHERE campaigns.id = queue.campaign_id AND campaigns.workspace = $1
    AND queue.hold_until > now() + interval '1 minute'
"""
CAMPAIGNS = "SELECT id FROM campaigns WHERE workspace = ANY($1::uuid[]) AND status = 'running'"


class Workspaces:
    """The effect of the subscription to suppression-events."""

    def __init__(self, pool: Pool, *, changed: Callable[[set[UUID]], None], log: Log) -> None:
        self._pool, self._changed, self._log = pool, changed, log

    async def apply(self, received: Sequence[Received]) -> None:
        """Apply what is new of a batch. Raises Gap and UnknownLog; a database that is away raises its own error."""
        partitions = sorted({item.partition for item in received})
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SEED_POSITIONS, SUPPRESSION_EVENTS, partitions, received[0].event.log)
            rows = await connection.fetch(READ_POSITIONS, SUPPRESSION_EVENTS, partitions)
            applied: dict[TopicPartition, Applied] = {
                (row["topic"], row["partition"]): Applied(row["log"], row["position"]) for row in rows
            }
            fresh, positions = admit(applied, received)
            touched = {await self._apply(connection, item.event.data) for item in fresh} - {None}
            changes = [(*key, at.log, at.position) for key, at in positions.items() if applied.get(key) != at]
            await connection.executemany(WRITE_POSITION, changes)
            campaigns = await connection.fetch(CAMPAIGNS, list(touched)) if touched else []
        self._changed({row["id"] for row in campaigns})
        if fresh:
            self._log.info("workspace_facts_applied", facts=len(fresh), workspaces=len(touched))

    async def _apply(self, connection: Connection, fact: object) -> UUID | None:
        """The workspace whose dialling this changes; entries of the do-not-call list are the permits' business."""
        match fact:
            case WorkspacePaused() | WorkspaceResumed():
                await connection.execute(SET_PAUSED, fact.workspace, isinstance(fact, WorkspacePaused))
            case SettingsChanged():
                await connection.execute(SET_RETENTION, fact.workspace, fact.retention_days)
                if not {"trunks", "phone_numbers"}.isdisjoint(fact.changed):
                    await _set_trunks(connection, fact)
                if "caps" in fact.changed:
                    await connection.execute(END_LONG_HOLDS, fact.workspace)
                if set(fact.changed) <= {"retention_days"}:
                    return None
            case PersonErased():
                await connection.execute(FORGET_PERSON, fact.workspace, fact.number_hash, list(fact.contact_ids))
                return None
            case _:
                return None
        assert isinstance(fact, WorkspaceFact)
        return fact.workspace


async def _set_trunks(connection: Connection, fact: SettingsChanged) -> None:
    ids = [trunk.id for trunk in fact.trunks]
    ceilings = [[trunk.max_calls for trunk in fact.trunks], [trunk.calls_per_second for trunk in fact.trunks]]
    await connection.execute(SET_TRUNKS, fact.workspace, ids, *ceilings)
    await connection.execute(FORGET_TRUNKS, fact.workspace, ids)
    await connection.execute(FORGET_NUMBERS, fact.workspace)
    numbers = [[one.number for one in fact.phone_numbers], [one.trunk for one in fact.phone_numbers]]
    await connection.execute(SET_NUMBERS, fact.workspace, *numbers)
