"""The webhooks of workspaces: made, changed, rotated, taken away; their deliveries, read and replayed.

What must stay true: every statement names the workspace; another's webhook is as unknown as one that never was.
"""

import json
from typing import Any, get_args
from uuid import UUID, uuid4

import asyncpg

from campaign_service.paging import decode_cursor, encode_cursor
from campaign_service.problems import Problem
from webhooks import answers
from webhooks.database import Connection, Pool

MAX_REPLAYED = 100_000
MAX_REPLAYS_SHOWN = 100
_COUNTED = (answers.MAX_COUNTED, list(get_args(answers.DeliveryStatus)))

LOCK_WORKSPACE = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 7155423))"
READ_BY_ADDRESS = "SELECT id FROM webhooks WHERE workspace = $1 AND address = $2 AND deleted_at IS NULL"
COUNT = "SELECT count(*) FROM webhooks WHERE workspace = $1 AND deleted_at IS NULL"
ADD = """
INSERT INTO webhooks (id, workspace, address, types, description, created_by) VALUES ($1, $2, $3, $4, $5, $6)
"""
CHANGE = "UPDATE webhooks SET types = $2, description = $3, changed_at = now() WHERE id = $1"
READ = """
SELECT webhooks.*, (
    SELECT json_object_agg(status, (
        SELECT count(*) FROM (
            SELECT FROM deliveries WHERE webhook_id = webhooks.id AND deliveries.status = statuses.status LIMIT $3
        ) AS counted
    )) FROM unnest($4::text[]) AS statuses (status)
) AS counts
FROM webhooks
WHERE workspace = $1 AND ($2::uuid IS NULL OR id = $2) AND deleted_at IS NULL ORDER BY address
"""
ROTATE = """
UPDATE webhooks SET secret_version = secret_version + 1, rotated_at = now(), changed_at = now()
WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL RETURNING secret_version, rotated_at
"""
# Its deliveries can be millions: they are taken away in chunks, later (retention.py). It waits for an intake's share.
DELETE = "UPDATE webhooks SET deleted_at = now() WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL RETURNING true"
DELETE_LANES = "DELETE FROM lanes WHERE webhook_id = $1"
OWNED = "SELECT true FROM webhooks WHERE workspace = $1 AND id = $2 AND deleted_at IS NULL FOR SHARE"
DELIVERIES = """
SELECT deliveries.*, events.event_id AS message_id, events.type, events.topic, events.position
FROM deliveries JOIN events ON events.id = deliveries.event_id
WHERE webhook_id = $1 AND ($2::bigint IS NULL OR deliveries.id < $2) AND ($3::text IS NULL OR status = $3)
    AND ($4::uuid IS NULL OR deliveries.subject = $4)
ORDER BY deliveries.id DESC LIMIT $5
"""
# What one replay is about, of events; `webhook.types` and the workspace narrow it.
_ONE = "events.id = (SELECT event_id FROM deliveries WHERE id = $3 AND webhook_id = $1)"
_FROM_POSITION = "events.topic = $3 AND events.position BETWEEN $4 AND coalesce($5, 9223372036854775807)"
_FROM_TIME = "events.at >= $3 AND events.at < coalesce($4, 'infinity'::timestamptz)"
ADD_DELIVERIES = """
INSERT INTO deliveries (webhook_id, event_id, subject, replay_id)
SELECT $1, events.id, events.subject, $2 FROM events JOIN webhooks ON webhooks.id = $1
WHERE events.workspace = webhooks.workspace AND {which} AND {of_type} AND NOT EXISTS (
    SELECT FROM deliveries WHERE webhook_id = $1 AND event_id = events.id AND status IN ('pending', 'failed')
)
ORDER BY events.id LIMIT {limit} FOR KEY SHARE OF events
"""
OPEN_LANES = """
INSERT INTO lanes (webhook_id, subject)
SELECT DISTINCT webhook_id, subject FROM deliveries WHERE replay_id = $1 ORDER BY subject
ON CONFLICT (webhook_id, subject) DO UPDATE SET due_at = lanes.due_at
"""
ADD_REPLAY = """
INSERT INTO replays (id, webhook_id, asked_by, asked_for, deliveries) VALUES ($1, $2, $3, $4::jsonb, 0)
"""
COUNT_REPLAY = "UPDATE replays SET deliveries = $2 WHERE id = $1"
READ_REPLAYS = """
SELECT replays.*, (
    SELECT count(*) FROM deliveries WHERE replay_id = replays.id AND status IN ('pending', 'failed')
) AS open
FROM replays WHERE webhook_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY asked_at DESC, id LIMIT $3
"""


async def put(
    pool: Pool, given: answers.WebhookIn, *, workspace: UUID, subject: str, max_webhooks: int
) -> tuple[answers.Webhook, bool]:
    """Make the workspace's webhook of this address, or change it; whether it was made. Problem 409 `too_many`."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_WORKSPACE, workspace)
        id_ = await connection.fetchval(READ_BY_ADDRESS, workspace, given.address)
        is_new = id_ is None
        if is_new:
            count = await connection.fetchval(COUNT, workspace)
            if count >= max_webhooks:
                detail = f"The workspace has {count} webhooks, and that is the limit; delete one first."
                raise Problem(409, "too_many_webhooks", detail, max_webhooks=max_webhooks)
            id_ = uuid4()
            await connection.execute(ADD, id_, workspace, given.address, given.types, given.description, subject)
        else:
            await connection.execute(CHANGE, id_, given.types, given.description)
        return _webhook(await connection.fetchrow(READ, workspace, id_, *_COUNTED)), is_new


async def read_all(pool: Pool, *, workspace: UUID) -> list[answers.Webhook]:
    """The workspace's webhooks."""
    return [_webhook(row) for row in await pool.fetch(READ, workspace, None, *_COUNTED)]


async def read_one(pool: Pool, id_: UUID, *, workspace: UUID) -> answers.Webhook:
    """One webhook. Problem 404."""
    row = await pool.fetchrow(READ, workspace, id_, *_COUNTED)
    if row is None:
        raise unknown(id_)
    return _webhook(row)


async def rotate(pool: Pool, id_: UUID, *, workspace: UUID) -> asyncpg.Record:
    """Count the secret up: `secret_version`, `rotated_at`. Problem 404."""
    row: asyncpg.Record | None = await pool.fetchrow(ROTATE, workspace, id_)
    if row is None:
        raise unknown(id_)
    return row


async def delete(pool: Pool, id_: UUID, *, workspace: UUID) -> None:
    """Take the webhook away; nothing more is sent. Problem 404."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(DELETE, workspace, id_):
            raise unknown(id_)
        await connection.execute(DELETE_LANES, id_)


async def deliveries(
    pool: Pool,
    id_: UUID,
    *,
    workspace: UUID,
    status: str | None,
    campaign_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> answers.Deliveries:
    """A page of the webhook's deliveries. Problem 404, or 422 for a cursor that is none."""
    before = None
    if cursor is not None:
        [before] = decode_cursor(cursor, length=1)
        if not isinstance(before, int) or not 0 <= before <= answers.MAX_POSITION:
            raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list.")
    await read_one(pool, id_, workspace=workspace)
    rows = await pool.fetch(DELIVERIES, id_, before, status, campaign_id, limit + 1)
    items = [answers.Delivery.model_validate(dict(row)) for row in rows[:limit]]
    return answers.Deliveries(items=items, next_cursor=encode_cursor(items[-1].id) if len(rows) > limit else None)


async def replay(pool: Pool, id_: UUID, asked: answers.ReplayIn, *, workspace: UUID, subject: str) -> answers.Replay:
    """Queue stored facts again, behind what is open. Problem 404; 409 `nothing_to_replay` or `too_many_to_replay`."""
    replay_id = uuid4()
    asked_for = json.loads(asked.model_dump_json(by_alias=True, exclude_none=True, exclude_unset=True))
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(OWNED, workspace, id_):
            raise unknown(id_)
        await connection.execute(ADD_REPLAY, replay_id, id_, subject, json.dumps(asked_for))
        count = await _queue(connection, id_, replay_id, asked)
        if count == 0:
            detail = "No stored fact of the webhook's types fits, or all that do are open already."
            raise Problem(409, "nothing_to_replay", detail)
        if count > MAX_REPLAYED:
            detail = f"More than {MAX_REPLAYED} facts fit; ask for fewer at once, or read the topics."
            raise Problem(409, "too_many_to_replay", detail, max_deliveries=MAX_REPLAYED)
        await connection.execute(OPEN_LANES, replay_id)
        await connection.execute(COUNT_REPLAY, replay_id, count)
        [row] = await connection.fetch(READ_REPLAYS, id_, replay_id, 1)
    return _replay(row)


async def replays(pool: Pool, id_: UUID, *, workspace: UUID) -> list[answers.Replay]:
    """The webhook's newest replays. Problem 404."""
    await read_one(pool, id_, workspace=workspace)
    return [_replay(row) for row in await pool.fetch(READ_REPLAYS, id_, None, MAX_REPLAYS_SHOWN)]


def unknown(id_: UUID) -> Problem:
    """The 404 problem."""
    return Problem(404, "not_found", f"There is no webhook {id_}.")


async def _queue(connection: Connection, id_: UUID, replay_id: UUID, asked: answers.ReplayIn) -> int:
    of_type = "events.type = ANY(webhooks.types)"
    values: list[Any]
    if asked.delivery_id is not None:
        which, of_type, values = _ONE, "true", [asked.delivery_id]  # it was wanted then
    elif asked.from_position is not None:
        which, values = _FROM_POSITION, [asked.topic, asked.from_position, asked.to_position]
    else:
        which, values = _FROM_TIME, [asked.from_, asked.to]
    statement = ADD_DELIVERIES.format(which=which, of_type=of_type, limit=MAX_REPLAYED + 1)
    return int((await connection.execute(statement, id_, replay_id, *values)).rpartition(" ")[2])


def _webhook(row: asyncpg.Record | None) -> answers.Webhook:
    assert row is not None
    return answers.Webhook.model_validate({**row, "deliveries": json.loads(row["counts"])})


def _replay(row: asyncpg.Record) -> answers.Replay:
    return answers.Replay.model_validate({**row, "asked_for": json.loads(row["asked_for"])})
