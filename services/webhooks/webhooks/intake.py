"""Takes facts in: each becomes a delivery for every webhook of its workspace that wants its type.

What must stay true: a batch's deliveries and its positions are one transaction under the positions' row locks, so a
fact makes its deliveries once, in order. A webhook is told what was decided from its creation on: facts that come
later than it and are not older (by more than what two clocks may differ).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter

from campaign_events.envelope import encode
from campaign_events.positions import Applied, Received, TopicPartition, admit
from campaign_service.logs import Log
from webhooks.database import Connection, Pool

CLOCKS_DIFFER = timedelta(seconds=5)

READ_POSITIONS = """
SELECT topic, partition, log, position FROM positions
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
ORDER BY topic, partition FOR UPDATE
"""
# A partition's first row, so that there is one to lock; of the log that the topic is known to have.
SEED_POSITION = """
INSERT INTO positions (topic, partition, log, position)
VALUES ($1, $2, coalesce((SELECT log FROM positions WHERE topic = $1 LIMIT 1), $3), 0) ON CONFLICT DO NOTHING
"""
WRITE_POSITION = "UPDATE positions SET position = $3 WHERE topic = $1 AND partition = $2"
# Locked against deletion until their deliveries are there.
READ_WEBHOOKS = """
SELECT id, workspace, types, created_at FROM webhooks
WHERE workspace = ANY($1::uuid[]) AND deleted_at IS NULL ORDER BY id FOR SHARE
"""
ADD_EVENTS = """
INSERT INTO events (workspace, topic, event_id, position, type, subject, at, line)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::uuid[], $7::timestamptz[], $8::text[]
)
RETURNING event_id, id
"""
ADD_DELIVERIES = """
INSERT INTO deliveries (webhook_id, event_id, subject)
SELECT webhook_id, event_id, subject FROM unnest($1::uuid[], $2::bigint[], $3::uuid[])
    WITH ORDINALITY AS new (webhook_id, event_id, subject, number) ORDER BY number
"""
# The update is there for its row lock: whoever empties a lane waits for it, and then sees what was added.
OPEN_LANES = """
INSERT INTO lanes (webhook_id, subject)
SELECT DISTINCT webhook_id, subject FROM unnest($1::uuid[], $2::uuid[]) AS new (webhook_id, subject)
ORDER BY webhook_id, subject
ON CONFLICT (webhook_id, subject) DO UPDATE SET due_at = lanes.due_at
"""

_taken = Counter("webhooks_facts_total", "Facts read")
_queued = Counter("webhooks_queued_total", "Deliveries made from facts")


class Intake:
    """The effect of the subscription to all topics. `queued` is called after a batch that made deliveries."""

    def __init__(self, pool: Pool, *, queued: Callable[[], None], log: Log) -> None:
        self._pool, self._queued, self._log = pool, queued, log

    async def apply(self, received: Sequence[Received]) -> None:
        """Apply what is new of a batch. Raises Gap and UnknownLog; a database that is away raises its own error."""
        logs = {(item.topic, item.partition): item.event.log for item in reversed(received)}
        places = sorted(logs)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.executemany(SEED_POSITION, [(*place, logs[place]) for place in places])
            rows = await connection.fetch(READ_POSITIONS, [topic for topic, _ in places], [n for _, n in places])
            applied: dict[TopicPartition, Applied] = {
                (row["topic"], row["partition"]): Applied(row["log"], row["position"]) for row in rows
            }
            fresh, positions = admit(applied, received)
            count = await _queue(connection, fresh)
            changes = [(*place, done.position) for place, done in positions.items() if applied.get(place) != done]
            await connection.executemany(WRITE_POSITION, changes)
        _taken.inc(len(fresh))
        _queued.inc(count)
        if count:
            self._queued()
        self._log.info("facts_applied", facts=len(fresh), skipped=len(received) - len(fresh), deliveries=count)


async def _queue(connection: Connection, fresh: Sequence[Received]) -> int:
    """Store the facts that somebody wants, with a delivery for each who does; how many deliveries."""
    webhooks: dict[UUID, list[tuple[UUID, frozenset[str], datetime]]] = {}
    for row in await connection.fetch(READ_WEBHOOKS, list({item.event.workspace for item in fresh})):
        wanted = (row["id"], frozenset(row["types"]), row["created_at"] - CLOCKS_DIFFER)
        webhooks.setdefault(row["workspace"], []).append(wanted)
    pairs = [
        (webhook_id, item)
        for item in fresh
        for webhook_id, types, since in webhooks.get(item.event.workspace, ())
        if item.event.type in types and item.event.time >= since
    ]
    if not pairs:
        return 0
    events = {item.event.id: item for _, item in pairs}
    columns = zip(*(_row(item) for item in events.values()), strict=True)
    ids = {row["event_id"]: row["id"] for row in await connection.fetch(ADD_EVENTS, *(list(c) for c in columns))}
    webhook_ids = [webhook_id for webhook_id, _ in pairs]
    subjects = [UUID(item.event.subject) for _, item in pairs]
    await connection.execute(OPEN_LANES, webhook_ids, subjects)
    await connection.execute(ADD_DELIVERIES, webhook_ids, [ids[item.event.id] for _, item in pairs], subjects)
    return len(pairs)


def _row(item: Received) -> tuple[UUID, str, str, int, str, UUID, datetime, str]:
    event = item.event
    line = encode(event).decode()
    return (event.workspace, item.topic, event.id, event.position, event.type, UUID(event.subject), event.time, line)
