"""Looks after calls that have been silent for too long: asks the carrier, and ends what can be ended.

What must stay true: every open call has a time at which it is looked at, so none stays open for ever; a call that may
have reached the carrier is looked up, never placed again; and the end of a call is told again while the facts say that
its contact is still being called.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from prometheus_client import Counter, Gauge

from campaign_events.settings import Outcome
from campaign_service.logs import Log
from campaign_service.process import told_to_stop
from dialer.call_log import change
from dialer.calls import (
    Call,
    Patience,
    Step,
    absent,
    found,
    looked_at,
    refused,
    silent,
    told_again,
    too_long_at,
    unanswered,
)
from dialer.carriers import Absent, Carrier, Sighting
from dialer.database import UNAVAILABLE, Pool

TURN_SECONDS = 0.25
CHUNK = 200
CARRIER_REQUESTS = 20
ADOPT_EVERY_TURNS = 40
ADOPT_AFTER_SECONDS = 60.0
TELL_AGAIN_SECONDS = 600.0

finds_total = Counter("dialer_finds_total", "Calls looked up at the carrier", ["answer"])
hangups_total = Counter("dialer_overlong_calls_hung_up_total", "Calls we hung up since they lasted longer than allowed")
live_calls = Gauge("dialer_live_calls", "Calls of the partitions held that are not settled", ["state"])
overdue_calls = Gauge("dialer_overdue_calls", "Those that should have been looked at a minute ago")

STATES = ("asked", "placing", "unknown", "placed", "ringing", "answered", "ended")
LIVE = """
SELECT state, count(*) AS calls, count(*) FILTER (WHERE check_at < now() - interval '1 minute') AS overdue
FROM calls WHERE state <> 'settled' AND partition = ANY($1::integer[]) GROUP BY state
"""
DUE = """
SELECT id, state, started_at, created_at, ring_timeout_seconds, answered_at, max_call_seconds FROM calls
WHERE state <> 'settled' AND partition = ANY($1::integer[]) AND check_at <= $3
ORDER BY check_at LIMIT $2
"""
# Contacts in progress whose call this database has never seen (it is newer than the call): unknown, to be looked up.
ADOPT = """
INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version, success_rule,
    day, created_at, state, kind, check_at)
SELECT queue.call_id, campaigns.workspace, campaigns.id, queue.contact_id, campaigns.partition, 0, queue.attempt,
    campaigns.settings_version, campaigns.settings->>'success_rule', queue.changed_at::date, queue.changed_at,
    'unknown', CASE WHEN campaigns.settings->>'type' = 'inbound' THEN 'inbound' ELSE 'campaign' END, now()
FROM queue JOIN campaigns ON campaigns.id = queue.campaign_id
WHERE queue.status = 'in_progress' AND queue.changed_at < now() - make_interval(secs => $2)
    AND campaigns.partition = ANY($1::integer[]) AND queue.call_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.id = queue.call_id)
ON CONFLICT DO NOTHING
RETURNING id
"""
# Calls that are over, while the facts say that their contact is being called: the permit was granted after its end was
# told (an ask that nobody waited for any more), so that report was about a call campaign-command did not know yet.
UNHEARD = """
SELECT calls.id FROM queue JOIN calls ON calls.id = queue.call_id
WHERE queue.status = 'in_progress' AND queue.changed_at < $2
    AND calls.partition = ANY($1::integer[]) AND calls.state = 'settled' AND calls.settled_at < $2
    AND (calls.check_at IS NULL OR calls.check_at <= $3)
LIMIT $4
"""


class Reconciler:
    """The loop; it works on the partitions held."""

    def __init__(
        self,
        pool: Pool,
        *,
        carrier: Carrier,
        patience: Patience,
        partitions: Callable[[], set[int]],
        freed: Callable[[Iterable[UUID]], None],
        log: Log,
    ) -> None:
        self._pool, self._carrier, self._patience = pool, carrier, patience
        self._partitions, self._freed, self._log = partitions, freed, log

    async def run(self, stopping: asyncio.Event, *, beat: Callable[[], None]) -> None:
        """Look after calls until `stopping`."""
        turns = 0
        while not stopping.is_set():
            beat()
            looked = 0
            try:
                if turns % ADOPT_EVERY_TURNS == 0:
                    await self._adopt()
                    await self._tell_again()
                    await self._measure()
                looked = await self.look()
            except UNAVAILABLE as error:
                self._log.warning("reconciler_unavailable", error=type(error).__name__)
            turns += 1
            if looked < CHUNK:
                await told_to_stop(stopping, within_seconds=TURN_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret

    async def _measure(self) -> None:
        rows = {row["state"]: row for row in await self._pool.fetch(LIVE, sorted(self._partitions()))}
        for state in STATES:
            live_calls.labels(state).set(rows[state]["calls"] if state in rows else 0)
        overdue_calls.set(sum(row["overdue"] for row in rows.values()))

    async def look(self) -> int:
        """One turn: every call that is overdue, a chunk at most; how many they were."""
        # By this clock, like `_step`: a row that only the database's clock calls due would be looked at all the time.
        rows = await self._pool.fetch(DUE, sorted(self._partitions()), CHUNK, datetime.now(UTC))
        if not rows:
            return 0
        to_find = [row for row in rows if row["state"] not in ("asked", "ended")]
        limit = asyncio.Semaphore(CARRIER_REQUESTS)
        now = datetime.now(UTC)

        async def find(row: asyncpg.Record) -> Sighting | Absent | None:
            async with limit:
                sighting = await self._carrier.find(row["id"])
                if isinstance(sighting, Sighting) and self._is_too_long(row, sighting, now):
                    hangups_total.inc()
                    await self._carrier.hangup(row["id"])
                return sighting

        answers = await asyncio.gather(*map(find, to_find))
        seen = {row["id"]: answer for row, answer in zip(to_find, answers, strict=True)}
        for answer in answers:
            finds_total.labels("none" if answer is None else type(answer).__name__.lower()).inc()
        calls = await change(self._pool, [row["id"] for row in rows], lambda call: self._step(call, seen.get(call.id)))
        self._freed({call.campaign_id for call in calls if call.is_over})
        self._log.info("calls_reconciled", looked_at=len(rows), found=sum(isinstance(a, Sighting) for a in answers))
        return len(rows)

    def _step(self, call: Call, answer: Sighting | Absent | None) -> Step:
        now = datetime.now(UTC)
        if call.check_at is None or call.check_at > now:
            return call, ()  # something was heard of it meanwhile
        if call.state == "asked":
            # Its asker is gone or too late; it can't become `placing` after this.
            return refused(call, Outcome.NOT_PLACED, retry_after_seconds=None, now=now)
        if call.state == "ended":
            return looked_at(call, now=now, patience=self._patience)
        if call.state == "placing":
            call, _ = unanswered(call, now=now)
        if isinstance(answer, Sighting):
            return found(call, answer, now=now, patience=self._patience)
        if isinstance(answer, Absent):
            return absent(call, now=now, patience=self._patience)
        return silent(call, now=now, patience=self._patience)

    def _is_too_long(self, row: asyncpg.Record, sighting: Sighting, now: datetime) -> bool:
        """Whether the carrier still has a call that is longer than it may be, or than any call should be."""
        if any(event.status == "ended" for event in sighting.events):
            return False
        answers = [event.at for event in sighting.events if event.status == "answered"]
        longest_at = too_long_at(row["answered_at"] or min(answers, default=None), row["max_call_seconds"])
        if longest_at is not None and now >= longest_at:
            return True
        seconds = (row["ring_timeout_seconds"] or 0) + self._patience.call_deadline_seconds
        overdue: bool = now - (row["started_at"] or row["created_at"]) > timedelta(seconds=seconds)
        return overdue

    async def _adopt(self) -> None:
        rows = await self._pool.fetch(ADOPT, sorted(self._partitions()), ADOPT_AFTER_SECONDS)
        if rows:
            self._log.warning("unknown_calls_adopted", count=len(rows))

    async def _tell_again(self) -> None:
        now = datetime.now(UTC)
        since = now - timedelta(seconds=ADOPT_AFTER_SECONDS)
        rows = await self._pool.fetch(UNHEARD, sorted(self._partitions()), since, now, CHUNK)
        if rows:
            next_at = now + timedelta(seconds=TELL_AGAIN_SECONDS)
            await change(
                self._pool, [row["id"] for row in rows], lambda call: told_again(call, now=now, next_at=next_at)
            )
            self._log.warning("ends_told_again", count=len(rows))
