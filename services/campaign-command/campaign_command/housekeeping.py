"""What time does: contacts in progress for too long, schedules that end, the log's seals, what is no longer needed.

What must stay true: no contact stays in progress for ever, whatever became of the dialer.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import Counter, Gauge
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command import caps, gone_contacts
from campaign_command.callability import look_again_somewhere
from campaign_command.campaign import Pause, decide, evolve
from campaign_command.contacts import complete_if_done, load, save, save_campaign
from campaign_command.erasures import finish_erasures, forget_words
from campaign_command.seals import anchor, seal
from campaign_command.store import UNAVAILABLE, Store, Transaction, now_of
from campaign_command.suppressed import suppressed_numbers
from campaign_command.suppressions import sweep
from campaign_command.verdict import decide_report
from campaign_command.workers import Workers
from campaign_events.facts import CallVerdict
from campaign_events.settings import CampaignStatus, Outcome
from campaign_service.logs import Log
from campaign_service.process import told_to_stop

TURN_SECONDS = 5.0
BATCH = 500
STATUSES = tuple(status.value for status in CampaignStatus)

_campaigns = Gauge("campaigns", "Campaigns that are not deleted", ["status"])
_live = Gauge("live_calls", "Calls that hold their number: permitted, and no end of theirs reported")
_overdue = Counter("live_calls_overdue_total", "Calls nobody reported in time: settled as no answer (unknown)")
PURGE_BATCH = 5000
SEALS_A_TURN = 50
"""A log that was never sealed is long; what else time does must not wait for it."""
# What was suppressed for a campaign alone says nothing any more when it is deleted.
_FORGET_SCOPED = """
UPDATE suppressions s SET number = NULL, reason = NULL FROM campaigns g
WHERE g.deleted AND g.campaign_id = s.scope AND (s.number IS NOT NULL OR s.reason IS NOT NULL)
"""


def settle_overdue(tx: Transaction) -> int:
    """End what nobody reported within the deadline: no_answer (unknown), counted, number free. Returns how many."""
    now = now_of(tx.cursor)
    tx.cursor.execute(
        "DELETE FROM live_calls WHERE call_id IN"
        " (SELECT call_id FROM live_calls WHERE deadline_at <= %s LIMIT %s) RETURNING *",
        (now, BATCH),
    )
    overdue = {row["contact_id"]: row for row in tx.cursor.fetchall()}
    decided = defaultdict(list)
    for contact_id, row in load(tx.cursor, overdue).items():
        live = overdue[contact_id]
        campaign = tx.campaign(live["campaign_id"])
        if campaign is None or campaign.deleted:
            continue
        verdict = CallVerdict(
            at=now,
            campaign_id=live["campaign_id"],
            contact_id=contact_id,
            call_id=live["call_id"],
            attempt=live["attempt"],
            settings_version=live["settings_version"],
            outcome=Outcome.UNKNOWN,
            started_at=live["granted_at"],
            ended_at=now,
        )
        suppressed = bool(suppressed_numbers(tx, campaign, [row.number]))
        facts = decide_report(row.contact, campaign, verdict, suppressed=suppressed, now=now)
        decided[campaign.campaign_id, campaign.workspace].append((row.contact, facts))
    for (campaign_id, workspace), contacts in decided.items():
        save(tx, contacts, workspace=workspace)
        complete_if_done(tx, campaign_id)
    return len(overdue)


def pause_ended(tx: Transaction) -> list[UUID]:
    """Pause the campaigns whose end date has passed (they would have completed if nothing were left)."""
    now = now_of(tx.cursor)
    tx.cursor.execute(
        "SELECT campaign_id FROM campaigns WHERE status = 'running' AND ends_at <= %s AND NOT deleted LIMIT %s",
        (now, BATCH),
    )
    paused = [row["campaign_id"] for row in tx.cursor.fetchall()]
    for campaign_id in paused:
        campaign = tx.campaign(campaign_id)
        assert campaign is not None
        facts = decide(campaign, Pause("schedule_ended"), now)
        tx.append(facts, workspace=campaign.workspace, versions={campaign_id: campaign.version})
        for fact in facts:
            campaign = evolve(campaign, fact)
        save_campaign(tx.cursor, campaign)
    return paused


def purge(store: Store, *, before: datetime) -> int:
    """Remove, outside the append lock, contact data of deleted campaigns and idempotency keys older than `before`."""
    with store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM idempotency_keys WHERE created_at < %s", (before,))
        cursor.execute("DELETE FROM counted_calls WHERE at < %s", (now_of(cursor) - caps.KEPT,))
        cursor.execute(_FORGET_SCOPED)
        gone_contacts.forget(cursor, now=now_of(cursor))
        cursor.execute(
            "DELETE FROM contacts WHERE contact_id IN"
            " (SELECT c.contact_id FROM campaigns g JOIN contacts c USING (campaign_id) WHERE g.deleted LIMIT %s)"
            " RETURNING contact_id, workspace, number, call",
            (PURGE_BATCH,),
        )
        gone = cursor.fetchall()
        gone_contacts.keep_hashes(cursor, gone, hash_key=store.hash_key)
        return len(gone)


def measure(cursor: Cursor[DictRow]) -> None:
    """Set the gauges; every process of the service says the same, so they are not to be added up."""
    found = cursor.execute("SELECT status, count(*) AS n FROM campaigns WHERE NOT deleted GROUP BY status").fetchall()
    by_status = {row["status"]: row["n"] for row in found}
    for status in STATUSES:
        _campaigns.labels(status).set(by_status.get(status, 0))
    row = cursor.execute("SELECT count(*) AS n FROM live_calls").fetchone()
    assert row is not None
    _live.set(row["n"])


class Housekeeping:
    """Does all of it every few seconds."""

    def __init__(
        self, store: Store, *, workers: Workers, log: Log, beat: Callable[[], None], key_lifetime_hours: float = 24.0
    ) -> None:
        self._store, self._workers, self._log, self._beat = store, workers, log, beat
        self._key_lifetime = key_lifetime_hours

    async def run(self, stopping: asyncio.Event) -> None:
        """Turn until `stopping`. A database that is away is waited for; anything else ends the process."""
        while not stopping.is_set():
            try:
                await self._workers.run(self._turn)
            except UNAVAILABLE as error:
                self._log.warning("housekeeping_unavailable", error=type(error).__name__)
            self._beat()
            await told_to_stop(stopping, within_seconds=TURN_SECONDS)

    def _turn(self) -> None:
        while sweep(self._store):
            self._beat()
        while self._store.transact(look_again_somewhere):
            self._beat()
        overdue = self._store.transact(settle_overdue)
        _overdue.inc(overdue)
        erased = self._store.transact(finish_erasures)
        while forget_words(self._store):
            self._beat()
        ended = self._store.transact(pause_ended)
        removed = 0
        while True:
            before = self._store.read(now_of) - timedelta(hours=self._key_lifetime)
            count = purge(self._store, before=before)
            removed += count
            if count < PURGE_BATCH:
                break
        for _ in range(SEALS_A_TURN):
            if not seal(self._store):
                anchor(self._store)
                break
            self._beat()
        self._store.read(measure)
        if overdue or ended or removed or erased:
            counts = {"overdue": overdue, "schedule_ended": len(ended), "contacts_purged": removed, "erased": erased}
            self._log.info("housekeeping_done", **counts)
