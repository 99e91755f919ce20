"""The breakers' rows: what opens and closes them, for all dialer processes alike.

What must stay true: the state stands in PostgreSQL and changes under a lock of its row, so a restart changes nothing
and two processes agree. Each process looks at the trunks whose calls failed lately, whichever process placed them. Only
the carrier's API failing in a row is counted in memory, since it has to be seen at once: until the row says so too,
this process holds the trunk's calls back by itself.
"""

import asyncio
import random
from collections import Counter as Counts
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from prometheus_client import Counter, Gauge

from campaign_service.logs import Log
from campaign_service.process import told_to_stop
from dialer.breaker import (
    AFTER_SOME_NUMBERS,
    API_FAILURES_TO_OPEN,
    API_WORDS,
    AT_ONCE,
    LEAST_CALLS,
    WINDOW_SECONDS,
    Breaker,
    Reason,
    Seen,
    Tally,
    closed,
    judge,
    opened,
    probe_result,
    probed,
    summed,
)
from dialer.database import UNAVAILABLE, Connection, Pool

Key = tuple[UUID, str]
"""A trunk: its workspace and id."""

TURN_SECONDS = 0.5
MOST_WORDS = 200
MOST_POSTPONED = 4

breakers_not_closed = Gauge("dialer_breakers", "Trunks whose breaker is not closed, in all workspaces", ["state"])
breaker_changes_total = Counter("dialer_breaker_changes_total", "Breakers opened by cause, and closed", ["change"])

# The same words as in the index's predicate.
FAULTY = f"(outcome IN ('carrier_error', 'configuration', 'invalid_number') OR raw_reason LIKE '{API_WORDS}%')"
NEVER_RANG = "ringing_at IS NULL AND answered_at IS NULL"
OF_WINDOW = (
    "workspace = $1 AND trunk = $2 AND kind <> 'inbound'"
    f" AND created_at > greatest(now() - make_interval(secs => {WINDOW_SECONDS}), $3)"
)
SUSPECTS = f"""
SELECT workspace, trunk FROM calls
WHERE {FAULTY} AND created_at > now() - make_interval(secs => {WINDOW_SECONDS}) AND trunk IS NOT NULL AND {NEVER_RANG}
    AND kind <> 'inbound'
GROUP BY workspace, trunk
HAVING count(*) >= {LEAST_CALLS // 2} OR count(*) FILTER (WHERE outcome = 'configuration') > 0
"""  # noqa: S608
FAILED = f"""
SELECT count(*) FILTER (WHERE outcome IS DISTINCT FROM 'invalid_number') AS failed,
    count(*) FILTER (WHERE outcome = 'invalid_number') AS invalid,
    count(*) FILTER (WHERE outcome = 'configuration' AND sip_code = ANY($4::integer[])) AS not_authorized,
    count(*) FILTER (WHERE outcome = 'configuration' AND sip_code = ANY($5::integer[])) AS refused,
    coalesce(max(retry_after_seconds) FILTER (WHERE outcome = 'carrier_error'), 0) AS retry_after_seconds
FROM calls WHERE {FAULTY} AND {NEVER_RANG} AND {OF_WINDOW}
"""  # noqa: S608
# Calls whose result is known, counted as far as it matters.
KNOWN = f"""
SELECT count(*) FROM (
    SELECT 1 FROM calls
    WHERE {OF_WINDOW}
        AND (NOT ({NEVER_RANG}) OR outcome NOT IN ('not_placed', 'cancelled', 'unknown')
             OR raw_reason LIKE '{API_WORDS}%')
    LIMIT $4
) AS known
"""  # noqa: S608
REFUSED_NUMBERS = f"""
SELECT count(DISTINCT coalesce(number, contact_id::text)) FROM calls
WHERE {FAULTY} AND outcome = 'configuration' AND sip_code = ANY($4::integer[]) AND workspace = $1 AND trunk = $2
    AND created_at > greatest(now() - interval '1 hour', $3, (
        SELECT max(created_at) FROM calls
        WHERE workspace = $1 AND trunk = $2 AND created_at > now() - interval '1 hour'
            AND kind <> 'inbound'
            AND (NOT ({NEVER_RANG}) OR outcome IN ('busy', 'declined', 'no_answer', 'blocked', 'unwanted'))
    ))
"""  # noqa: S608
WORDS = f"""
SELECT coalesce(outcome, state) AS outcome, sip_code, q850_cause, raw_reason, count(*) AS calls FROM calls
WHERE {FAULTY} AND {NEVER_RANG} AND {OF_WINDOW}
GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC LIMIT {MOST_WORDS}
"""  # noqa: S608
NOT_CLOSED = "SELECT workspace, trunk, state FROM breakers WHERE state <> 'closed'"
CHANGED_AT = "SELECT changed_at, state FROM breakers WHERE workspace = $1 AND trunk = $2"
SEED = """
INSERT INTO breakers (workspace, trunk, state, changed_at) VALUES ($1, $2, 'closed', now())
ON CONFLICT DO NOTHING
"""
LOCK = "SELECT *, statement_timestamp() AS now FROM breakers WHERE workspace = $1 AND trunk = $2 FOR UPDATE"
PROBE_CALL = """
SELECT state, outcome, raw_reason AS words, ringing_at IS NOT NULL OR answered_at IS NOT NULL AS rang
FROM calls WHERE id = $1
"""
SAVE = """
UPDATE breakers SET state = $3, changed_at = $4, cause = $5, opened_at = $6, calls = $7, failed = $8, reasons = $9,
    pause_seconds = $10, probe_at = $11, closed_by = $12
WHERE workspace = $1 AND trunk = $2
"""
OF_TRUNKS = "SELECT * FROM breakers WHERE workspace = $1 AND ($2::text[] IS NULL OR trunk = ANY($2)) ORDER BY trunk"


class Breakers:
    """The loop that opens breakers and looks after the calls that try, and what this process knows by itself."""

    def __init__(self, pool: Pool, *, log: Log) -> None:
        self._pool, self._log = pool, log
        self._api_failures: Counts[Key] = Counts()
        self._postponed: Counts[Key] = Counts()
        self._wake = asyncio.Event()

    def api_answered(self, key: Key, *, is_failure: bool) -> None:
        """The carrier's API has answered a new call, or failed to."""
        if not is_failure:
            self._api_failures.pop(key, None)
            return
        self._api_failures[key] += 1
        if self.holds_back(key):
            self._wake.set()

    def holds_back(self, key: Key) -> bool:
        """Whether the API has failed so often in a row that no call may go there, whatever the row says yet."""
        return self._api_failures[key] >= API_FAILURES_TO_OPEN

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Look after the breakers until `stopping`."""
        stopped = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            beat()
            self._wake.clear()
            try:
                await self.look()
            except UNAVAILABLE as error:
                self._log.warning("breakers_unavailable", error=type(error).__name__)
                await told_to_stop(stopping, within_seconds=random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
            woken = asyncio.create_task(self._wake.wait())
            await asyncio.wait({stopped, woken}, timeout=TURN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()

    async def look(self) -> None:
        """One turn: judge the trunks whose calls failed, and see what became of the calls that try."""
        not_closed = await self._pool.fetch(NOT_CLOSED)
        states = Counts(row["state"] for row in not_closed)
        for state in ("open", "probing"):
            breakers_not_closed.labels(state).set(states[state])
        for row in not_closed:
            if row["state"] == "probing":
                await self._see_probe((row["workspace"], row["trunk"]))
        held_back = {key for key in self._api_failures if self.holds_back(key)}
        rows = await self._pool.fetch(SUSPECTS)
        for key in held_back | {(row["workspace"], row["trunk"]) for row in rows}:
            is_done = await self._judge(key)
            if is_done and key in held_back:
                del self._api_failures[key]
                self._postponed.pop(key, None)

    async def _judge(self, key: Key) -> bool:
        """False: the answers of the API are just being written down; nothing goes there until the next turn anyway."""
        row = await self._pool.fetchrow(CHANGED_AT, *key)
        if row is not None and row["state"] != "closed":
            return True
        since = row["changed_at"] if row is not None else None
        tally, retry_after_seconds = await self._tally(key, since)
        cause = judge(tally)
        if cause is None:
            return True
        words = await self._pool.fetch(WORDS, *key, since)
        reasons = summed([Reason(one[0], one[1], one[2], one[3], one[4]) for one in words])
        if cause == "carrier_api" and tally.failed < API_FAILURES_TO_OPEN and self._postponed[key] < MOST_POSTPONED:
            self._postponed[key] += 1
            return False
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SEED, *key)
            locked = await connection.fetchrow(LOCK, *key)
            assert locked is not None
            if locked["state"] != "closed" or (since is not None and locked["changed_at"] != since):
                return True  # another process was first
            breaker = opened(cause, tally, reasons, locked["now"], retry_after_seconds=retry_after_seconds)
            await _save(connection, key, breaker)
        breaker_changes_total.labels(cause).inc()
        self._log.warning(
            "breaker_opened",
            workspace=str(key[0]),
            trunk=key[1],
            cause=cause,
            calls=breaker.calls,
            failed=breaker.failed,
            pause_seconds=breaker.pause_seconds,
        )
        return True

    async def _tally(self, key: Key, since: datetime | None) -> tuple[Tally, float]:
        failed = await self._pool.fetchrow(FAILED, *key, since, list(AT_ONCE), list(AFTER_SOME_NUMBERS))
        assert failed is not None
        known = await self._pool.fetchval(
            KNOWN, *key, since, 2 * max(failed["failed"], failed["invalid"]) + LEAST_CALLS
        )
        numbers = 0
        if failed["refused"]:
            numbers = await self._pool.fetchval(REFUSED_NUMBERS, *key, since, list(AFTER_SOME_NUMBERS))
        tally = Tally(
            calls=known,
            failed=failed["failed"],
            invalid=failed["invalid"],
            not_authorized=failed["not_authorized"],
            refused_numbers=numbers,
            api_failures_in_a_row=self._api_failures.get(key, 0),
        )
        return tally, failed["retry_after_seconds"]

    async def _see_probe(self, key: Key) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(LOCK, *key)
            if row is None or row["state"] != "probing":
                return
            before = breaker_of(row)
            call = await connection.fetchrow(PROBE_CALL, row["probe_call_id"])
            after = probed(before, probe_result(Seen(**call) if call else None, before.cause), row["now"])
            if after == before:
                return
            await _save(connection, key, after)
        if after.state == "closed":
            breaker_changes_total.labels("closed").inc()
        self._log.info("trunk_tried", workspace=str(key[0]), trunk=key[1], state=after.state, probe_at=after.probe_at)


async def close_by_hand(pool: Pool, key: Key, *, by: str) -> Breaker:
    """An operator says that the trunk works again. The breaker after; one that is closed stays as it is."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(LOCK, *key)
        if row is None:
            return Breaker()
        before = breaker_of(row)
        after = closed(before, row["now"], by=by)
        if after != before:
            await _save(connection, key, after)
            breaker_changes_total.labels("closed").inc()
    return after


async def read_breakers(pool: Pool, workspace: UUID, trunks: list[str] | None = None) -> dict[str, Breaker]:
    """The breakers of a workspace that have ever been open, of these trunks or all, by the trunk's id."""
    rows = await pool.fetch(OF_TRUNKS, workspace, trunks)
    return {row["trunk"]: breaker_of(row) for row in rows}


def breaker_of(row: asyncpg.Record) -> Breaker:
    """The breaker in a row."""
    never = row["cause"] is None
    return Breaker(
        state=row["state"],
        changed_at=None if never else row["changed_at"],
        cause=row["cause"],
        opened_at=row["opened_at"],
        calls=row["calls"],
        failed=row["failed"],
        reasons=tuple(Reason(**reason) for reason in orjson.loads(row["reasons"])),
        pause_seconds=row["pause_seconds"],
        probe_at=row["probe_at"],
        closed_by=row["closed_by"],
    )


async def _save(connection: Connection, key: Key, breaker: Breaker) -> None:
    reasons: list[Any] = list(breaker.reasons)
    await connection.execute(
        SAVE,
        *key,
        *(breaker.state, breaker.changed_at, breaker.cause, breaker.opened_at, breaker.calls, breaker.failed),
        *(orjson.dumps(reasons).decode(), breaker.pause_seconds, breaker.probe_at, breaker.closed_by),
    )
