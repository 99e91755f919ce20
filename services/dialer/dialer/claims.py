"""The conditional statements of the dialling protocol: claim, place, give up.

What must stay true: each of them holds only under the newest epoch of the partition, which is locked (FOR SHARE) to the
commit; so a take-over either sees what they did or keeps them from doing it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from campaign_events.facts import ContactNotCallable
from campaign_events.trunks import DEFAULT_TRUNK
from campaign_service.tracing import traceparent
from dialer.call_log import Outgoing, tell
from dialer.database import Pool

HOLD_SECONDS = 30.0
"""How long a claimed contact waits for facts about its call before it may be asked for again."""
ASKED_DEADLINE_SECONDS = 10.0
NOT_CALLABLE_CHUNK = 500

CLAIM = """
WITH owner AS (SELECT epoch FROM epochs WHERE partition = $1 AND epoch = $2 FOR SHARE),
campaign AS (
    SELECT id, workspace, settings_version FROM campaigns
    WHERE id = $3 AND status = 'running' AND settings_version = $4
),
candidates AS (
    SELECT found.contact_id
    FROM owner, campaign, unnest($5::bigint[]) AS zone (key), (VALUES (true), (false)) AS kind (is_callback),
        LATERAL (
            SELECT contact_id, is_callback, claim_at FROM queue
            WHERE campaign_id = $3 AND zones_key = zone.key AND queue.is_callback = kind.is_callback
                AND claim_at <= now() AND (attempt < $7 OR (queue.is_callback AND attempt <= $7))
            ORDER BY claim_at LIMIT $6
        ) AS found
    ORDER BY found.is_callback DESC, found.claim_at LIMIT $6
),
picked AS (
    SELECT contact_id, attempt, zones_key FROM queue JOIN candidates USING (contact_id)
    WHERE campaign_id = $3 AND claim_at <= now()
    FOR UPDATE OF queue SKIP LOCKED
),
held AS (
    UPDATE queue SET hold_until = now() + make_interval(secs => $8), hold_reason = NULL FROM picked
    WHERE queue.campaign_id = $3 AND queue.contact_id = picked.contact_id
),
asked AS (
    INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version,
        success_rule, day, state, check_at, trunk)
    SELECT gen_random_uuid(), campaign.workspace, campaign.id, picked.contact_id, $1, owner.epoch, picked.attempt + 1,
        campaign.settings_version, $9, $10, 'asked', now() + make_interval(secs => $11), $12
    FROM owner, campaign, picked
    ON CONFLICT (contact_id) WHERE state <> 'settled' DO NOTHING
    RETURNING id, contact_id, attempt
)
SELECT asked.id, asked.contact_id, asked.attempt, picked.zones_key FROM asked JOIN picked USING (contact_id)
"""
# The earliest instant at which a contact of these zones may be claimed.
NEXT_CLAIM = """
SELECT min(first.claim_at) AS at
FROM unnest($2::bigint[]) AS zone (key), (VALUES (true), (false)) AS kind (is_callback),
    LATERAL (
        SELECT claim_at FROM queue
        WHERE campaign_id = $1 AND zones_key = zone.key AND queue.is_callback = kind.is_callback
            AND claim_at IS NOT NULL AND (attempt < $3 OR (queue.is_callback AND attempt <= $3))
        ORDER BY claim_at LIMIT 1
    ) AS first
"""
TO_PLACING = """
WITH owner AS (SELECT epoch FROM epochs WHERE partition = $1 AND epoch = $2 FOR SHARE),
granted AS (
    SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::timestamptz[],
        $9::timestamptz[], $10::text[], $11::timestamptz[], $13::text[], $14::integer[], $15::text[],
        $16::timestamptz[])
        AS granted (id, number, caller_number, agent_id, ring_timeout_seconds, permit_ends_at, not_after, zones, until,
            number_hash, max_call_seconds, callback, holds_place_until)
),
locked AS (
    SELECT calls.id FROM calls JOIN granted USING (id), owner
    WHERE calls.state = 'asked' AND calls.epoch = owner.epoch ORDER BY calls.id FOR UPDATE OF calls
)
UPDATE calls SET
    state = 'placing', number = granted.number, number_hash = granted.number_hash,
    caller_number = granted.caller_number, agent_id = granted.agent_id,
    ring_timeout_seconds = granted.ring_timeout_seconds, permit_ends_at = granted.permit_ends_at,
    not_after = granted.not_after, deciding_zones = string_to_array(granted.zones, ' '),
    window_until = granted.until, max_call_seconds = granted.max_call_seconds, callback = granted.callback,
    holds_place_until = granted.holds_place_until, traceparent = $17,
    check_at = granted.permit_ends_at + make_interval(secs => $12)
FROM locked JOIN granted USING (id) WHERE calls.id = locked.id
RETURNING calls.id
"""
FORGET = """
WITH locked AS (SELECT id FROM calls WHERE id = ANY($1::uuid[]) AND state = 'asked' ORDER BY id FOR UPDATE)
DELETE FROM calls USING locked WHERE calls.id = locked.id
"""
# A row that is locked is being changed by a fact: then the fact decides, not this hold.
HOLD = """
UPDATE queue SET hold_until = later.until, hold_reason = later.reason
FROM (
    SELECT queue.contact_id, wanted.until, wanted.reason
    FROM queue
    JOIN unnest($2::uuid[], $3::timestamptz[], $4::text[]) AS wanted (contact_id, until, reason) USING (contact_id)
    WHERE queue.campaign_id = $1 FOR UPDATE OF queue SKIP LOCKED
) AS later
WHERE queue.campaign_id = $1 AND queue.contact_id = later.contact_id
"""
MARK_NOT_CALLABLE = """
WITH owner AS (SELECT epoch FROM epochs WHERE partition = $1 AND epoch = $2 FOR SHARE),
picked AS (
    SELECT contact_id FROM queue, owner
    WHERE campaign_id = $3 AND zones_key = $4 AND claim_at IS NOT NULL AND not_callable_version IS DISTINCT FROM $5
    LIMIT $6 FOR UPDATE OF queue SKIP LOCKED
)
UPDATE queue SET not_callable_version = $5 FROM picked
WHERE queue.campaign_id = $3 AND queue.contact_id = picked.contact_id
RETURNING queue.contact_id
"""
# Requests that may still reach the carrier, sent by a process before or by this one before a pause.
ON_THEIR_WAY = """
SELECT count(*) FROM calls
WHERE campaign_id = $1 AND state IN ('placing', 'unknown') AND state <> 'settled'
    AND permit_ends_at + make_interval(secs => $2) > now()
"""
# The lines held, and the workspace's breakers that are not closed: seconds until a call may try; null: one tries now.
LIVE_CALLS = """
SELECT count(*) AS live, (
    SELECT json_object_agg(trunk, CASE WHEN state = 'open' THEN extract(epoch FROM probe_at - now()) END)
    FROM breakers WHERE workspace = $2 AND state <> 'closed'
) AS shut
FROM calls WHERE campaign_id = $1 AND state <> 'settled' AND state <> 'ended' AND kind <> 'test'
"""
# A day has at most 25 hours; older calls belong to other days. Where nobody knows, it perhaps rang, and counts.
CALLS_OF_DAY = """
SELECT count(*) FROM calls
WHERE campaign_id = $1 AND created_at > now() - interval '27 hours' AND day = $2
    AND (started_at IS NOT NULL OR state IN ('asked', 'placing', 'unknown') OR outcome = 'unknown')
    AND kind <> 'test'
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A contact that is being asked for, under a new call id."""

    call_id: UUID
    contact_id: UUID
    attempt: int
    zones_key: int
    trunk: str = DEFAULT_TRUNK
    holds_place: bool = False
    """Whether it counts against a trunk's calls per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What a call's row gets when the call is about to be placed."""

    call_id: UUID
    number: str
    caller_number: str
    agent_id: str
    ring_timeout_seconds: int
    permit_ends_at: datetime
    not_after: datetime
    zones: tuple[str, ...]
    until: datetime
    number_hash: str | None = None
    max_call_seconds: int | None = None
    callback: str | None = None
    holds_place_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A contact is left alone until then; `reason` is the code of the permit's refusal, if it was one."""

    until: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Tenure:
    """A partition as this process holds it."""

    partition: int
    epoch: int


async def claim(
    pool: Pool,
    tenure: Tenure,
    *,
    campaign_id: UUID,
    settings_version: int,
    zone_keys: Sequence[int],
    count: int,
    max_attempts: int,
    success_rule: str,
    day: date,
    trunk: str | None = None,
) -> list[Claim]:
    """Up to `count` contacts that are due, each with a committed row `asked`: callbacks first, then by waiting.

    `trunk` is theirs where it has no ceilings; None: room on it is still to be asked for (`trunks.admit`).
    """
    rows = await pool.fetch(
        CLAIM,
        *(tenure.partition, tenure.epoch, campaign_id, settings_version, list(zone_keys), count, max_attempts),
        *(HOLD_SECONDS, success_rule, day, ASKED_DEADLINE_SECONDS, trunk),
    )
    return [
        Claim(row["id"], row["contact_id"], row["attempt"], row["zones_key"], trunk=trunk or DEFAULT_TRUNK)
        for row in rows
    ]


async def next_claim_at(
    pool: Pool, campaign_id: UUID, *, zone_keys: Sequence[int], max_attempts: int
) -> datetime | None:
    """When the next contact of these zones is due; None if none waits."""
    at: datetime | None = await pool.fetchval(NEXT_CLAIM, campaign_id, list(zone_keys), max_attempts)
    return at


async def to_placing(
    pool: Pool, tenure: Tenure, placings: Sequence[Placing], *, place_timeout_seconds: float
) -> set[UUID]:
    """asked → placing, for those that are still asked under this epoch; only they may be placed."""
    rows = await pool.fetch(
        TO_PLACING,
        *(tenure.partition, tenure.epoch),
        [placing.call_id for placing in placings],
        [placing.number for placing in placings],
        [placing.caller_number for placing in placings],
        [placing.agent_id for placing in placings],
        [placing.ring_timeout_seconds for placing in placings],
        [placing.permit_ends_at for placing in placings],
        [placing.not_after for placing in placings],
        [" ".join(placing.zones) for placing in placings],
        [placing.until for placing in placings],
        place_timeout_seconds,
        [placing.number_hash for placing in placings],
        [placing.max_call_seconds for placing in placings],
        [placing.callback for placing in placings],
        [placing.holds_place_until for placing in placings],
        traceparent(),
    )
    return {row["id"] for row in rows}


async def forget(pool: Pool, call_ids: Sequence[UUID]) -> None:
    """Remove asks that were refused: there was no grant, so there is nothing to tell."""
    await pool.execute(FORGET, list(call_ids))


async def hold(pool: Pool, campaign_id: UUID, holds: Mapping[UUID, Hold]) -> None:
    """Leave these contacts alone until then, or until a fact about them comes."""
    until, reasons = [one.until for one in holds.values()], [one.reason for one in holds.values()]
    await pool.execute(HOLD, campaign_id, list(holds), until, reasons)


async def tell_not_callable(
    pool: Pool,
    tenure: Tenure,
    *,
    workspace: UUID,
    campaign_id: UUID,
    zones_key: int,
    settings_version: int,
    reason: str,
    now: datetime,
) -> int:
    """Say, once per settings version, that contacts of these zones can't be called; how many (a chunk at most)."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            MARK_NOT_CALLABLE,
            *(tenure.partition, tenure.epoch, campaign_id, zones_key, settings_version, NOT_CALLABLE_CHUNK),
        )
        facts = [
            ContactNotCallable(
                at=now,
                campaign_id=campaign_id,
                contact_id=row["contact_id"],
                reason=reason,
                settings_version=settings_version,
            )
            for row in rows
        ]
        await tell(
            connection,
            [Outgoing(fact, workspace=workspace, call_id=None, stream_version=settings_version) for fact in facts],
        )
    return len(rows)
