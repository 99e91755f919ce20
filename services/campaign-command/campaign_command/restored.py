"""Takes up work on a restored database. It goes on with another history than the topics have, so it is a new log; and
what others still know of the time since the backup is entered into it: calls, opt-outs.

`campaigns` come back paused: what was ordered since the backup (a pause, say) is not known any more, so nothing is
dialled until somebody has looked. What must stay true: nobody is called again by an attempt that the dialer has
already told of, and the log's identity changes last, so that a run that was killed is begun again.

A run:
1. be the only one that publishes (the relay's lock: the service is stopped);
2. pause the campaigns that run;
3. enter the calls of call-events that this database has not applied, also those it never permitted;
4. enter the opt-outs that only suppression-events knows, and count what else is lost;
5. make the two topics of the log anew: they hold what has not happened here;
6. give the log its new identity, and let the relay begin from the first fact.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import Pause, decide, evolve
from campaign_command.contacts import save_campaign
from campaign_command.relay import RELAY_LOCK
from campaign_command.reports import apply_reports
from campaign_command.store import EVENTS_TABLE, Store, Transaction, now_of
from campaign_command.suppressions import suppress_hashes
from campaign_events.facts import NumberSuppressed, PersonErased, SuppressionLifted
from campaign_events.positions import Received
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS
from campaign_service.logs import Log
from campaign_service.subscription import MAX_RECORDS, read
from campaign_service.topic_admin import delete_topics_named, ensure_topics

IN_PROGRESS_DEADLINE_SECONDS = 21_600.0
"""For a call that was placed since the backup and has not ended: as for any other."""
_PAGE = 500
_RUNNING = "SELECT campaign_id FROM campaigns WHERE status = 'running' AND NOT deleted"
_KNOWN = "SELECT suppression_id FROM suppressions WHERE suppression_id = ANY(%s)"


class Refused(Exception):
    """The log can't be taken up as asked."""


@dataclass(slots=True)
class Taken:
    """What a run did, and what nobody can do for this database any more."""

    log: UUID
    campaigns_paused: int = 0
    reports_applied: int = 0
    opt_outs_entered: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """Facts of the old log that are not in the backup, by type"""
    erased_since: list[UUID] = field(default_factory=list)
    """Contacts of persons that were erased since the backup: they are here again"""


class Restored:
    """One run. `old_log` is what the restored database calls itself until step 6."""

    def __init__(
        self,
        store: Store,
        *,
        dsn: str,
        bootstrap: str,
        topic_prefix: str,
        log: Log,
        security: BaseSecurity | None = None,
    ) -> None:
        self._store, self._dsn, self._bootstrap, self._prefix = store, dsn, bootstrap, topic_prefix
        self._log, self._security = log, security

    async def take_up(self, *, delete_topics: bool) -> Taken:
        """Refused while the service runs, or when the topics hold facts and may not be deleted."""
        last = self._store.read(_last_position)
        taken = Taken(uuid4())
        connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, application_name="new-log")
        async with connection:
            # 1
            cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (RELAY_LOCK,))
            row = await cursor.fetchone()
            if not (row and row[0]):
                raise Refused("campaign-command is running on this database: stop it first")
            names = [self._prefix + topic for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS)]
            await ensure_topics(self._bootstrap, [*names, self._prefix + CALL_EVENTS], security=self._security)
            if not delete_topics and (held := await self._held()):
                raise Refused(
                    f"{' and '.join(names)} hold {held} events of the time before: --delete-topics deletes and makes "
                    "them anew; whoever needs what they say copies them before"
                )
            # 2
            taken.campaigns_paused = self._store.transact(_pause_all)
            # 3
            async for batch in self._batches(CALL_EVENTS):
                taken.reports_applied += self._store.transact(
                    lambda tx: apply_reports(tx, batch, adopt_within=IN_PROGRESS_DEADLINE_SECONDS)  # noqa: B023
                )
            # 4
            await self._enter_opt_outs(taken, last=last)
            # Said before the topics go, from which it can't be read again.
            self._log.info(
                "entered_since_the_backup",
                campaigns_paused=taken.campaigns_paused,
                reports_applied=taken.reports_applied,
                opt_outs_entered=taken.opt_outs_entered,
                lost=dict(taken.lost),
                erased_since=[str(contact) for contact in taken.erased_since],
            )
            # 5
            await delete_topics_named(self._bootstrap, names, security=self._security)
            await ensure_topics(self._bootstrap, names, security=self._security)
            # 6
            self._store.transact(lambda tx: _rename(tx, taken.log))
        self._log.info("log_taken_up", log_id=str(taken.log))
        return taken

    async def _enter_opt_outs(self, taken: Taken, *, last: int) -> None:
        old = self._store.log
        found: dict[UUID, tuple[UUID, NumberSuppressed]] = {}
        async for batch in self._batches(CAMPAIGN_EVENTS, SUPPRESSION_EVENTS):
            for event in (item.event for item in batch if item.event.log == old):
                fact = event.data
                if isinstance(fact, NumberSuppressed):
                    found[fact.suppression_id] = event.workspace, fact
                elif isinstance(fact, SuppressionLifted):
                    found.pop(fact.suppression_id, None)
                if event.position > last:
                    taken.lost[event.type] += 1
                    if isinstance(fact, PersonErased):
                        taken.erased_since += fact.contact_ids
        entries = list(found.values())
        for start in range(0, len(entries), _PAGE):
            page = entries[start : start + _PAGE]
            taken.opt_outs_entered += self._store.transact(lambda tx: _enter(tx, page))  # noqa: B023

    async def _batches(self, *topics: str) -> AsyncIterator[Sequence[Received]]:
        """What the topics hold now, each partition in its order."""
        async with _consumer(self._bootstrap, self._security) as consumer:
            partitions = [TopicPartition(self._prefix + topic, n) for topic in topics for n in range(PARTITIONS)]
            consumer.assign(partitions)
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, begins[partition])
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=1000, max_records=MAX_RECORDS)).values():
                    yield [read(record, topic_prefix=self._prefix) for record in records]

    async def _held(self) -> int:
        async with _consumer(self._bootstrap, self._security) as consumer:
            partitions = [
                TopicPartition(self._prefix + topic, n)
                for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS)
                for n in range(PARTITIONS)
            ]
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            return int(sum(ends.values()) - sum(begins.values()))


def _consumer(bootstrap: str, security: BaseSecurity | None) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, **parse_security(security)
    )


def _last_position(cursor: Cursor[DictRow]) -> int:
    row = cursor.execute(f"SELECT coalesce(max(notification_id), 0) AS last FROM {EVENTS_TABLE}").fetchone()  # noqa: S608
    assert row is not None
    return int(row["last"])


def _pause_all(tx: Transaction) -> int:
    now, count = now_of(tx.cursor), 0
    for row in tx.cursor.execute(_RUNNING).fetchall():
        campaign = tx.campaign(row["campaign_id"])
        assert campaign is not None
        facts = decide(campaign, Pause(), now)
        tx.append(facts, workspace=campaign.workspace, versions={campaign.campaign_id: campaign.version})
        for fact in facts:
            campaign = evolve(campaign, fact)
        save_campaign(tx.cursor, campaign)
        count += 1
    return count


def _enter(tx: Transaction, page: Sequence[tuple[UUID, NumberSuppressed]]) -> int:
    """Those entries that this database has never had: of their numbers only the hashes are left."""
    rows = tx.cursor.execute(_KNOWN, ([fact.suppression_id for _, fact in page],)).fetchall()
    known, now, count = {row["suppression_id"] for row in rows}, now_of(tx.cursor), 0
    for workspace, fact in page:
        over = fact.expires_at is not None and fact.expires_at <= now
        if fact.suppression_id not in known and not over and not fact.wildcard:
            suppress_hashes(
                tx,
                [fact.number_hash],
                workspace=workspace,
                source=fact.source,
                now=now,
                scope=fact.scope,
                expires_at=fact.expires_at,
            )
            count += 1
    return count


def _rename(tx: Transaction, log: UUID) -> None:
    tx.cursor.execute("UPDATE log SET log = %s", (log,))
    tx.cursor.execute("UPDATE relay SET published = 0, priors = '{}'")
    tx.cursor.execute("DELETE FROM backfills")
