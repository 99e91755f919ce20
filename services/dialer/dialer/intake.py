"""Takes facts in: applies them to campaigns and queue, and takes partitions over.

What must stay true: a batch's row operations and its positions are one transaction under the positions' row locks, so
a fact is applied once. A take-over raises the partition's epoch before it looks at the calls of older epochs.
"""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from campaign_events.facts import CampaignFact
from campaign_events.positions import Applied, Received, TopicPartition, admit
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.logs import Log
from dialer.database import Connection, Pool
from dialer.queue import (
    AddContacts,
    DropCampaign,
    Operation,
    PutCampaign,
    RemoveContacts,
    SetCallable,
    SetCampaignStatus,
    SetSettings,
    SetStates,
    SetZones,
    operations,
    zones_key,
)

READ_POSITIONS = """
SELECT topic, partition, log, position FROM positions
WHERE topic = $1 AND partition = ANY($2::integer[]) ORDER BY partition FOR UPDATE
"""
WRITE_POSITION = """
INSERT INTO positions (topic, partition, log, position) VALUES ($1, $2, $3, $4)
ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position
"""
PUT_CAMPAIGN = """
INSERT INTO campaigns (id, workspace, partition, status, settings, settings_version)
VALUES ($1, $2, $3, 'draft', $4::jsonb, $5)
"""
PUT_ZONE_LIST = "INSERT INTO zone_lists (campaign_id, key, zones) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
SET_ZONES = """
UPDATE queue SET zones_key = $3, not_callable_version = NULL WHERE campaign_id = $1 AND contact_id = $2
"""
QUEUE_COLUMNS = ("campaign_id", "contact_id", "zones_key", "status", "attempt", "added_at", "callable", "changed_at")
SET_STATES = """
UPDATE queue SET
    status = new.status, attempt = coalesce(new.attempt, queue.attempt), due_at = new.due_at, call_id = new.call_id,
    changed_at = new.changed_at, hold_until = NULL
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::timestamptz[], $6::uuid[], $7::timestamptz[])
    AS new (campaign_id, contact_id, status, attempt, due_at, call_id, changed_at)
WHERE queue.campaign_id = new.campaign_id AND queue.contact_id = new.contact_id
"""
# A partition's first row, so that there is one to lock; of the log that the topic is known to have.
SEED_POSITIONS = """
INSERT INTO positions (topic, partition, log, position)
SELECT $1, partition, coalesce((SELECT log FROM positions WHERE topic = $1 LIMIT 1), $3), 0
FROM unnest($2::integer[]) AS new (partition) ON CONFLICT DO NOTHING
"""


class Intake:
    """The effect of the subscription to campaign-events."""

    def __init__(self, pool: Pool, *, changed: Callable[[set[UUID]], None], log: Log) -> None:
        self._pool, self._changed, self._log = pool, changed, log

    async def apply(self, received: Sequence[Received]) -> None:
        """Apply what is new of a batch. Raises Gap and UnknownLog; a database that is away raises its own error."""
        partitions = sorted({item.partition for item in received})
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SEED_POSITIONS, CAMPAIGN_EVENTS, partitions, received[0].event.log)
            rows = await connection.fetch(READ_POSITIONS, CAMPAIGN_EVENTS, partitions)
            applied: dict[TopicPartition, Applied] = {
                (row["topic"], row["partition"]): Applied(row["log"], row["position"]) for row in rows
            }
            fresh, positions = admit(applied, received)
            if not fresh:
                return
            partition_of = {
                item.event.data.campaign_id: item.partition
                for item in fresh
                if isinstance(item.event.data, CampaignFact)
            }
            for operation in operations(item.event.data for item in fresh):
                await _carry_out(connection, operation, partition_of)
            changes = [(*key, at.log, at.position) for key, at in positions.items() if applied.get(key) != at]
            await connection.executemany(WRITE_POSITION, changes)
        self._changed(set(partition_of))
        self._log.info("facts_applied", facts=len(fresh), skipped=len(received) - len(fresh))


async def _carry_out(connection: Connection, operation: Operation, partition_of: dict[UUID, int]) -> None:
    match operation:
        case PutCampaign(campaign_id, workspace, settings, version):
            partition = partition_of[campaign_id]
            await connection.execute(
                PUT_CAMPAIGN, campaign_id, workspace, partition, settings.model_dump_json(), version
            )
        case SetSettings(campaign_id, settings, version):
            await connection.execute(
                "UPDATE campaigns SET settings = $2::jsonb, settings_version = $3 WHERE id = $1",
                *(campaign_id, settings.model_dump_json(), version),
            )
        case SetCampaignStatus(campaign_id, status):
            await connection.execute("UPDATE campaigns SET status = $2 WHERE id = $1", campaign_id, status)
        case DropCampaign(campaign_id):
            for table in ("queue", "zone_lists"):
                await connection.execute(f"DELETE FROM {table} WHERE campaign_id = $1", campaign_id)  # noqa: S608
            await connection.execute("DELETE FROM campaigns WHERE id = $1", campaign_id)
            await connection.execute(
                "INSERT INTO wordless_campaigns (campaign_id) VALUES ($1) ON CONFLICT DO NOTHING", campaign_id
            )
        case AddContacts(contacts):
            await _add(connection, contacts[0].campaign_id, operation)
        case RemoveContacts(campaign_id, contact_ids):
            await connection.execute(
                "DELETE FROM queue WHERE campaign_id = $1 AND contact_id = ANY($2::uuid[])", campaign_id, contact_ids
            )
        case SetZones(campaign_id, contact_id, zones):
            await connection.execute(PUT_ZONE_LIST, campaign_id, zones_key(zones), zones)
            await connection.execute(
                SET_ZONES,
                *(campaign_id, contact_id, zones_key(zones)),
            )
        case SetCallable(campaign_id, contact_id, is_callable):
            await connection.execute(
                "UPDATE queue SET callable = $3 WHERE campaign_id = $1 AND contact_id = $2",
                *(campaign_id, contact_id, is_callable),
            )
        case SetStates(states):
            await connection.execute(
                SET_STATES,
                [state.campaign_id for state in states],
                [state.contact_id for state in states],
                [state.status for state in states],
                [state.attempt for state in states],
                [state.due_at for state in states],
                [state.call_id for state in states],
                [state.changed_at for state in states],
            )


async def _add(connection: Connection, campaign_id: UUID, operation: AddContacts) -> None:
    keys = {contact.zones: zones_key(contact.zones) for contact in operation.contacts}
    await connection.executemany(PUT_ZONE_LIST, [(campaign_id, key, zones) for zones, key in keys.items()])
    await connection.copy_records_to_table(
        "queue",
        columns=QUEUE_COLUMNS,
        records=[
            (campaign_id, new.contact_id, keys[new.zones], new.status, 0, new.added_at, True, new.added_at)
            for new in operation.contacts
        ],
    )


async def raise_epochs(pool: Pool, partitions: Iterable[int]) -> dict[int, int]:
    """Take partitions over: their new epochs. Whoever held them before can neither ask nor place from here on."""
    async with pool.acquire() as connection, connection.transaction():
        wanted = sorted(partitions)
        await connection.fetch("SELECT 1 FROM epochs WHERE partition = ANY($1) ORDER BY partition FOR UPDATE", wanted)
        rows = await connection.fetch(
            "UPDATE epochs SET epoch = epoch + 1 WHERE partition = ANY($1) RETURNING partition, epoch", wanted
        )
    return {row["partition"]: row["epoch"] for row in rows}
