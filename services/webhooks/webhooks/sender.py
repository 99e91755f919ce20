"""Sends what is due: one delivery after the other in each lane, many lanes at once, a bounded number a webhook.

What must stay true: of a lane (a webhook's deliveries of one campaign) the next is not sent before the one before it
was delivered or given up. So a lane has one holder at a time, for longer than an attempt can take, and the result of
an attempt is written only by the holder. A process that dies between the receiver's answer and the commit leaves the
delivery as it was: it is sent again, with the same `webhook-id`.
"""

import asyncio
import random
from collections import Counter as Counts
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from prometheus_client import Counter, Gauge, Histogram

from campaign_service.logs import Log
from webhooks.backoff import Patience, next_attempt
from webhooks.database import UNAVAILABLE, Pool
from webhooks.poster import Answer, Poster
from webhooks.signing import secrets_of, signed_headers

POLL_SECONDS = 1.0
HOLD_MARGIN_SECONDS = 7.0
"""A lane is held for an attempt's time-out and so much more: for writing down what came of it."""
MAX_IN_A_ROW = 100
"""So many deliveries of a lane, then others get their turn."""
STOP_SECONDS = 9.0

# Chosen first and locked then, so that a turn locks no more than it takes; never waits for a row's lock.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT lane.webhook_id, lane.subject
    FROM webhooks
    LEFT JOIN unnest($4::uuid[], $5::integer[]) AS busy (webhook_id, lanes) ON busy.webhook_id = webhooks.id
    CROSS JOIN LATERAL (
        SELECT webhook_id, subject FROM lanes
        WHERE webhook_id = webhooks.id AND due_at <= now() AND (held_until IS NULL OR held_until < now())
        ORDER BY due_at LIMIT greatest($6 - coalesce(busy.lanes, 0), 0)
    ) AS lane
    ORDER BY random() LIMIT $3
), claimed AS (
    SELECT webhook_id, subject FROM lanes JOIN due USING (webhook_id, subject)
    WHERE due_at <= now() AND (held_until IS NULL OR held_until < now())
    FOR UPDATE OF lanes SKIP LOCKED
)
UPDATE lanes SET holder = $1, held_until = now() + make_interval(secs => $2)
FROM claimed WHERE lanes.webhook_id = claimed.webhook_id AND lanes.subject = claimed.subject
RETURNING lanes.webhook_id, lanes.subject
"""
FIRST_OF_LANE = """
SELECT deliveries.id, deliveries.attempts, deliveries.created_at, deliveries.next_at,
    deliveries.next_at > now() AS early, events.event_id, events.line, events.type,
    webhooks.address, webhooks.secret_version, webhooks.rotated_at
FROM deliveries JOIN events ON events.id = deliveries.event_id JOIN webhooks ON webhooks.id = deliveries.webhook_id
WHERE deliveries.webhook_id = $1 AND deliveries.subject = $2 AND deliveries.status IN ('pending', 'failed')
ORDER BY deliveries.id LIMIT 1
"""
# Only the holder goes on; a hold that ran out may be somebody else's by now.
HOLD = """
UPDATE lanes SET held_until = now() + make_interval(secs => $4)
WHERE webhook_id = $1 AND subject = $2 AND holder = $3 AND held_until > now() RETURNING true
"""
RECORD = """
UPDATE deliveries SET status = $2, attempts = attempts + 1, last_attempt_at = $3, next_at = $4, last_status_code = $5,
    last_error = $6, last_response = $7, done_at = CASE WHEN $4::timestamptz IS NULL THEN now() END
WHERE id = $1
"""
RELEASE = """
UPDATE lanes SET holder = NULL, held_until = NULL, due_at = coalesce($4, now())
WHERE webhook_id = $1 AND subject = $2 AND holder = $3
"""
LOCK_LANE = "SELECT true FROM lanes WHERE webhook_id = $1 AND subject = $2 AND holder = $3 FOR UPDATE"
# A statement of its own, after the lock: it sees what an intake that held the lane's row has added.
END_EMPTY_LANE = """
DELETE FROM lanes WHERE webhook_id = $1 AND subject = $2 AND NOT EXISTS (
    SELECT FROM deliveries WHERE webhook_id = $1 AND subject = $2 AND status IN ('pending', 'failed')
) RETURNING true
"""
BACKLOG = """
SELECT (SELECT count(*) FROM deliveries WHERE status IN ('pending', 'failed')) AS open,
    (SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM lanes
     WHERE due_at <= now() AND (held_until IS NULL OR held_until < now())) AS late
"""

_attempts = Counter("webhooks_attempts_total", "Requests to receivers", ["result"])
_seconds = Histogram("webhooks_attempt_seconds", "From the look-up to the whole answer")
_given_up = Counter("webhooks_given_up_total", "Deliveries given up")
_in_flight = Gauge("webhooks_in_flight", "Requests going on")
_open = Gauge("webhooks_open_deliveries", "Deliveries not done yet")
_late = Gauge("webhooks_oldest_due_seconds", "How long the lane that is due longest has waited for a turn")

Lane = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many lanes are worked on at once, in all and for one webhook, and how long an attempt may take."""

    in_flight: int
    in_flight_per_webhook: int
    attempt_seconds: float

    @property
    def hold_seconds(self) -> float:
        """How long a lane is held."""
        return self.attempt_seconds + HOLD_MARGIN_SECONDS


class Sender:
    """The loop; any number of processes may run it."""

    def __init__(
        self, pool: Pool, poster: Poster, *, signing_key: str, patience: Patience, limits: Limits, log: Log
    ) -> None:
        self._pool, self._poster, self._key, self._log = pool, poster, signing_key, log
        self._patience, self._limits = patience, limits
        self._holder = uuid4()
        self._working: dict[asyncio.Task[None], Lane] = {}
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Something is due now."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Send until `stopping`, then finish the attempts that go on. Raises what is a bug."""
        self._stopping = stopping
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                beat()
                self._woken.clear()
                claimed = await self._claim()
                for lane in claimed:
                    self._working[asyncio.create_task(self._work(lane))] = lane
                await self._rest(stop, more=bool(claimed))
            if self._working:
                await asyncio.wait(self._working, timeout=STOP_SECONDS)
        finally:
            stop.cancel()
            for task in self._working:
                task.cancel()

    async def measure(self) -> None:
        """Set the backlog's metrics."""
        row = await self._pool.fetchrow(BACKLOG)
        assert row is not None
        _open.set(row["open"])
        _late.set(float(row["late"]))

    async def _rest(self, stop: "asyncio.Task[bool]", *, more: bool) -> None:
        """Until something may be due, or a lane is done; forgets the tasks that are, raising what they raised."""
        woken = asyncio.create_task(self._woken.wait())
        is_full = len(self._working) >= self._limits.in_flight
        try:
            waits: set[asyncio.Task[None] | asyncio.Task[bool]] = {stop, *self._working}
            await asyncio.wait(
                waits if is_full else {*waits, woken},
                timeout=POLL_SECONDS if is_full or not more else 0.02,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            woken.cancel()
        for task in [task for task in self._working if task.done()]:
            del self._working[task]
            task.result()

    async def _claim(self) -> list[Lane]:
        free = self._limits.in_flight - len(self._working)
        if free <= 0:
            return []
        busy = Counts(webhook_id for webhook_id, _ in self._working.values())
        most = self._limits.in_flight_per_webhook
        try:
            rows = await self._pool.fetch(
                CLAIM, self._holder, self._limits.hold_seconds, free, list(busy.keys()), list(busy.values()), most
            )
        except UNAVAILABLE as error:
            self._log.warning("claim_unavailable", error=type(error).__name__)
            return []
        return [(row["webhook_id"], row["subject"]) for row in rows]

    async def _work(self, lane: Lane) -> None:
        """Send the lane's deliveries until one fails, none is left, or others are to have their turn."""
        try:
            for _ in range(MAX_IN_A_ROW):
                first = await self._pool.fetchrow(FIRST_OF_LANE, *lane)
                if first is None:
                    if await self._end(lane):
                        return
                    continue
                if first["early"]:
                    await self._release(lane, first["next_at"])
                    return
                if self._stopping.is_set():
                    break
                if not await self._attempt(lane, first):
                    return
            await self._release(lane, None)
        except UNAVAILABLE as error:
            # The hold runs out by itself; what was sent and not written down is sent again.
            self._log.warning("lane_unavailable", webhook=str(lane[0]), error=type(error).__name__)

    async def _attempt(self, lane: Lane, first: asyncpg.Record) -> bool:
        """1. make sure of the lane, 2. send, 3. write down what came of it; whether the lane may go on."""
        # 1
        hold = self._limits.hold_seconds
        if not await self._pool.fetchval(HOLD, *lane, self._holder, hold):
            return False
        # 2
        now = datetime.now(UTC)
        secrets = secrets_of(
            self._key,
            webhook_id=lane[0],
            version=first["secret_version"],
            rotated_at=first["rotated_at"],
            now=now,
        )
        headers = signed_headers(secrets, message_id=first["event_id"], at=now, body=first["line"])
        with _in_flight.track_inprogress(), _seconds.time():
            answer = await self._poster.post(first["address"], headers=headers, body=first["line"].encode())
        # 3
        return await self._record(lane, first, answer)

    async def _record(self, lane: Lane, first: asyncpg.Record, answer: Answer) -> bool:
        now, attempts = datetime.now(UTC), first["attempts"] + 1
        next_at = None
        if not answer.delivered:
            next_at = next_attempt(
                self._patience,
                attempts=attempts,
                created_at=first["created_at"],
                now=now,
                chance=random.random(),  # noqa: S311 - jitter, not a secret
                retry_after_seconds=answer.retry_after_seconds,
            )
            if next_at and (wait := (next_at - now).total_seconds()) < POLL_SECONDS:
                asyncio.get_running_loop().call_later(wait, self.wake)
        status = "delivered" if answer.delivered else "failed" if next_at else "given_up"
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(LOCK_LANE, *lane, self._holder):
                return False
            await connection.execute(
                RECORD, first["id"], status, now, next_at, answer.status_code, answer.error, answer.excerpt
            )
            if next_at:
                await connection.execute(RELEASE, *lane, self._holder, next_at)
        _attempts.labels("delivered" if answer.delivered else "failed").inc()
        if status != "delivered":
            _given_up.inc(status == "given_up")
            self._log.warning(
                "delivery_" + status,
                webhook=str(lane[0]),
                delivery=first["id"],
                type=first["type"],
                attempts=attempts,
                status_code=answer.status_code,
            )
        return next_at is None

    async def _end(self, lane: Lane) -> bool:
        """Take an empty lane away; false when something was added meanwhile, true also when it is not ours."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(LOCK_LANE, *lane, self._holder):
                return True
            return bool(await connection.fetchval(END_EMPTY_LANE, *lane))

    async def _release(self, lane: Lane, due_at: datetime | None) -> None:
        await self._pool.execute(RELEASE, *lane, self._holder, due_at)
