"""The trunks of a workspace: which one a number's calls go through, and room for calls on those that have ceilings.

What must stay true: a trunk's ceilings hold over all campaigns and all dialer processes (calls from outside hold lines
too, and are never turned away for it). So room is given between the claim and the ask, by one short transaction that
holds the trunk's row: what is counted there can't be taken twice. A call holds its line until it is over, and its place
in the second until one second after the carrier's API answered (or nothing may ring for it any more); both stand in its
row, so a restart forgets neither.

Order of locks: trunks by id, then calls by id, then breakers; nobody takes a trunk's row after one of the others.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from campaign_events.trunks import DEFAULT_TRUNK
from dialer.database import Connection, Pool
from dialer.pacing import fair_room

WAIT_SECONDS = 1.5
"""So long a campaign that got less than it asked for is believed to wait; it asks again well before."""

NUMBERS = "SELECT workspace, number, trunk FROM phone_numbers WHERE workspace = ANY($1::uuid[])"
WITH_CEILINGS = """
SELECT workspace, id FROM trunks
WHERE workspace = ANY($1::uuid[]) AND (max_calls IS NOT NULL OR calls_per_second IS NOT NULL)
"""
LOCK_TRUNKS = """
SELECT id, max_calls, calls_per_second FROM trunks
WHERE workspace = $1 AND id = ANY($2::text[]) ORDER BY id FOR UPDATE
"""
LINES_HELD = """
SELECT campaign_id, count(*) AS lines, count(*) FILTER (WHERE state = 'asked') AS asked FROM calls
WHERE workspace = $1 AND trunk = $2 AND state <> 'settled' AND state <> 'ended'
GROUP BY campaign_id
"""
PLACES_HELD = """
SELECT campaign_id, count(*) AS places FROM calls
WHERE workspace = $1 AND trunk = $2 AND holds_place_until > statement_timestamp()
GROUP BY campaign_id
"""
WAITING = """
SELECT campaign_id, since, statement_timestamp() AS now FROM trunk_waits
WHERE workspace = $1 AND trunk = $2 AND (until > statement_timestamp() OR campaign_id = $3)
"""
WAIT = """
INSERT INTO trunk_waits (workspace, trunk, campaign_id, since, until)
VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (workspace, trunk, campaign_id) DO UPDATE SET
    since = CASE WHEN $5 OR trunk_waits.until < clock_timestamp() THEN excluded.since ELSE trunk_waits.since END,
    until = excluded.until
"""
WAIT_NO_MORE = "DELETE FROM trunk_waits WHERE workspace = $1 AND trunk = $2 AND campaign_id = $3"
LOCK_ASKED = "SELECT id FROM calls WHERE id = ANY($1::uuid[]) AND state = 'asked' ORDER BY id FOR UPDATE"
PROBE = """
UPDATE breakers SET state = 'probing', changed_at = statement_timestamp(), probe_call_id = $3
WHERE workspace = $1 AND trunk = $2 AND state = 'open' AND probe_at <= statement_timestamp()
RETURNING trunk
"""
ADMIT = """
UPDATE calls SET trunk = given.trunk
FROM unnest($1::uuid[], $2::text[]) AS given (id, trunk) WHERE calls.id = given.id
"""
GIVE_BACK = "DELETE FROM calls WHERE id = ANY($1::uuid[])"
# In one second the carrier may see as many again: the answer came before this clock was read.
ANSWERED = """
UPDATE calls SET holds_place_until = least(holds_place_until, clock_timestamp() + interval '1 second')
WHERE id = ANY($1::uuid[]) AND holds_place_until IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Routes:
    """Which trunk each registered number of a workspace goes through, and which trunks have ceilings."""

    trunk_of_number: Mapping[str, str] = field(default_factory=dict)
    with_ceilings: frozenset[str] = frozenset()

    def trunk_of(self, number: str | None) -> str:
        """The trunk of a number; of one that is not registered: the default trunk."""
        return DEFAULT_TRUNK if number is None else self.trunk_of_number.get(number, DEFAULT_TRUNK)


@dataclass(frozen=True, slots=True)
class Admission:
    """The calls that have room, and those whose rows are gone because they have none."""

    admitted: frozenset[UUID]
    on_shut_trunk: frozenset[UUID]
    without_room: frozenset[UUID]


async def load_routes(pool: Pool, workspaces: Collection[UUID]) -> dict[UUID, Routes]:
    """The routes of these workspaces, as far as they have any."""
    if not workspaces:
        return {}
    trunk_of: dict[UUID, dict[str, str]] = defaultdict(dict)
    ceilings: dict[UUID, set[str]] = defaultdict(set)
    for row in await pool.fetch(NUMBERS, list(workspaces)):
        trunk_of[row["workspace"]][row["number"]] = row["trunk"]
    for row in await pool.fetch(WITH_CEILINGS, list(workspaces)):
        ceilings[row["workspace"]].add(row["id"])
    return {
        workspace: Routes(trunk_of[workspace], frozenset(ceilings[workspace]))
        for workspace in trunk_of.keys() | ceilings.keys()
    }


async def admit(
    pool: Pool,
    *,
    workspace: UUID,
    campaign_id: UUID,
    wanted: Mapping[UUID, str],
    shut: Collection[str] = (),
    probes: Collection[str] = (),
) -> Admission:
    """Give these calls (`asked`; each with its trunk) room, the first ones first; the rows of the others are removed.

    `shut` trunks get no call, but for one of each in `probes`, if nobody else tries it now.
    """
    by_trunk: dict[str, list[UUID]] = defaultdict(list)
    for call_id, trunk in wanted.items():
        by_trunk[trunk].append(call_id)
    trunk_of: dict[UUID, str] = {}
    on_shut_trunk: set[UUID] = set()
    async with pool.acquire() as connection, connection.transaction():
        locked = await connection.fetch(LOCK_TRUNKS, workspace, list(by_trunk))
        ceilings = {row["id"]: (row["max_calls"], row["calls_per_second"]) for row in locked}
        asked = {row["id"] for row in await connection.fetch(LOCK_ASKED, list(wanted))}
        for trunk in sorted(by_trunk):
            candidates = [call_id for call_id in by_trunk[trunk] if call_id in asked]
            if trunk in shut:
                on_shut_trunk.update(candidates)
                if trunk not in probes:
                    continue
                candidates = candidates[:1]
            room = await _room(connection, workspace, campaign_id, trunk, ceilings.get(trunk), len(candidates))
            if trunk in shut and candidates and room:
                room = 1 if await connection.fetchval(PROBE, workspace, trunk, candidates[0]) else 0
            trunk_of |= dict.fromkeys(candidates[:room], trunk)
        if trunk_of:
            await connection.execute(ADMIT, list(trunk_of), list(trunk_of.values()))
        back = asked - trunk_of.keys()
        if back:
            await connection.execute(GIVE_BACK, list(back))
    on_shut_trunk -= trunk_of.keys()
    return Admission(frozenset(trunk_of), frozenset(on_shut_trunk), frozenset(back - on_shut_trunk))


async def _room(
    connection: Connection,
    workspace: UUID,
    campaign_id: UUID,
    trunk: str,
    ceilings: tuple[int | None, int | None] | None,
    count: int,
) -> int:
    """How many of `count` calls have room; the trunk's row is locked, if it has one. Notes who has to wait."""
    if ceilings is None or ceilings == (None, None):
        return count
    lines, places = await _held(connection, workspace, trunk)
    waiting = await connection.fetch(WAITING, workspace, trunk, campaign_id)
    since = {row["campaign_id"]: row["since"] for row in waiting}
    now: datetime = waiting[0]["now"] if waiting else await connection.fetchval("SELECT statement_timestamp()")
    rooms = [
        fair_room(ceiling, held, campaign=campaign_id, waiting=since, now=now)
        for ceiling, held in zip(ceilings, (lines, places), strict=True)
        if ceiling is not None
    ]
    room = min([count, *rooms])
    if room < count:
        # Whoever got something goes to the end of the line.
        await connection.execute(WAIT, workspace, trunk, campaign_id, WAIT_SECONDS, room > 0)
    elif campaign_id in since:
        await connection.execute(WAIT_NO_MORE, workspace, trunk, campaign_id)
    return room


async def _held(connection: Connection, workspace: UUID, trunk: str) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """By campaign: the lines held of a trunk, and the places in the second."""
    lines: dict[UUID, int] = {}
    places: dict[UUID, int] = defaultdict(int)
    for row in await connection.fetch(LINES_HELD, workspace, trunk):
        lines[row["campaign_id"]] = row["lines"]
        places[row["campaign_id"]] += row["asked"]
    for row in await connection.fetch(PLACES_HELD, workspace, trunk):
        places[row["campaign_id"]] += row["places"]
    return lines, dict(places)


async def give_places_back(pool: Pool, call_ids: Sequence[UUID]) -> None:
    """The carrier's API has answered these calls: each gives its place back in a second."""
    await pool.execute(ANSWERED, list(call_ids))
