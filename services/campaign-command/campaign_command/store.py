"""Stores facts. `transact` is the only way to write.

What must stay true: every deciding transaction holds the append lock from its first statement to its commit, so what it
read can't be stale when it commits, and positions follow commit order: the event table is the outbox.

A transaction, in order:
1. take the append lock, as a statement of its own (READ COMMITTED: the later snapshot is what makes it correct);
2. load what the decision needs;
3. decide;
4. append the facts;
5. write side rows;
6. commit.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from time import perf_counter
from typing import Any, TypeVar, cast
from uuid import UUID, uuid5

import orjson
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    InfrastructureFactory,
    InterfaceError,
    InternalError,
    Mapper,
    OperationalError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.utils import Environment
from prometheus_client import Histogram
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from psycopg.rows import DictRow
from psycopg.sql import SQL

from campaign_command.campaign import Campaign, CampaignStreamFact, evolve
from campaign_events.facts import (
    FACTS,
    CampaignFact,
    ContactFact,
    ContactsAdded,
    ContactsRemoved,
    Fact,
    LogSealed,
    SuppressionFact,
    WorkspaceFact,
)
from campaign_events.schedule import STORED
from campaign_service.tracing import traceparent

APPEND_LOCK = 7155421
COPY_FROM = 50
"""From this many facts on a COPY is faster than an INSERT; so it is for one fact that is large."""
COPY_FROM_BYTES = 8192
EVENTS_TABLE = "campaign_command_events"
UNAVAILABLE = (OperationalError, InterfaceError)
"""What the store raises while the database can't be reached: wait, and do the same again."""
StoreError = PersistenceError
"""Whatever the store raises when the database fails it."""
# Advisory locks of one bigint show its halves as classid and objid.
_AWAITED = """
SELECT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND (classid, objid, objsubid) = (0, %s, 1)
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS is_awaited
"""
T = TypeVar("T")
_waited = Histogram(
    "append_lock_wait_seconds",
    "How long a deciding transaction waited for its turn",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact in its stream, as the eventsourcing library's mapper sees it."""

    originator_id: UUID
    originator_version: int
    fact: Fact
    workspace: UUID
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None


class FactMapper(Mapper[UUID]):
    """Facts as plain JSON; the topic is the fact's name, so that moving code never touches what is stored."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The row of a recorded fact."""
        assert isinstance(domain_event, Recorded)
        state: dict[str, Any] = {"workspace": str(domain_event.workspace)}
        if domain_event.correlation_id:
            state["correlationid"] = domain_event.correlation_id
        if domain_event.causation_id:
            state["causationid"] = domain_event.causation_id
        if domain_event.traceparent:
            state["traceparent"] = domain_event.traceparent
        data = domain_event.fact.__pydantic_serializer__.to_json(domain_event.fact, exclude_none=True)
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=type(domain_event.fact).__name__,
            state=orjson.dumps(state)[:-1] + b',"data":' + data + b"}",
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The recorded fact of a row."""
        stored = orjson.loads(stored_event.state)
        fact = FACTS[stored_event.topic].model_validate_json(orjson.dumps(stored["data"]), context=STORED)
        assert isinstance(stored_event.originator_id, UUID)
        return Recorded(
            originator_id=stored_event.originator_id,
            originator_version=stored_event.originator_version,
            fact=fact,
            workspace=UUID(stored["workspace"]),
            correlation_id=stored.get("correlationid"),
            causation_id=stored.get("causationid"),
            traceparent=stored.get("traceparent"),
        )


class Recorder(PostgresApplicationRecorder):
    """The library's recorder with our lock, inside our transactions.

    The library's own table lock waits behind autovacuum and ANALYZE for up to a second; an advisory lock does not.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lock_table_statements[1] = SQL("SELECT pg_advisory_xact_lock({0})").format(APPEND_LOCK)

    @contextmanager
    def transaction(self) -> Iterator[Cursor[DictRow]]:
        """A transaction that holds the append lock before its first snapshot."""
        with _naming_the_world(), self.datastore.transaction(commit=True) as cursor:
            began = perf_counter()
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (APPEND_LOCK,))
            _waited.observe(perf_counter() - began)
            yield cursor

    def append(self, cursor: Cursor[DictRow], stored: Sequence[StoredEvent]) -> Sequence[int]:
        """Insert events in the given transaction and return their positions. Version conflicts raise IntegrityError."""
        if len(stored) >= COPY_FROM or any(len(event.state) >= COPY_FROM_BYTES for event in stored):
            return self._copy(cursor, stored)
        with cursor.connection.pipeline() as pipeline:
            self._insert_stored_events(cursor, stored)
            pipeline.sync()
            positions = self._fetch_ids_after_insert_events(cursor, stored)
        assert positions is not None, "the recorder returns positions"
        return positions

    def _copy(self, cursor: Cursor[DictRow], stored: Sequence[StoredEvent]) -> Sequence[int]:
        # The library's insert hook runs in pipeline mode, where COPY is refused: take its steps one by one.
        self._lock_table(cursor)
        self._notify_channel(cursor)
        columns = SQL(
            "COPY campaign_command_events (originator_id, originator_version, topic, state) FROM STDIN (FORMAT BINARY)"
        )
        with cursor.copy(columns) as copy:
            copy.set_types(["uuid", "int8", "text", "bytea"])
            for event in stored:
                copy.write_row((event.originator_id, event.originator_version, event.topic, event.state))
        cursor.execute("SELECT currval(pg_get_serial_sequence(%s, 'notification_id')) AS last", (EVENTS_TABLE,))
        row = cursor.fetchone()
        assert row is not None
        # Nobody else draws from the sequence while the append lock is held, so the positions are consecutive.
        last = int(row["last"])
        return range(last - len(stored) + 1, last + 1)


class Factory(PostgresFactory):
    """Makes our recorder."""

    application_recorder_class = Recorder


class CampaignApplication(Application[UUID]):
    """The eventsourcing application: its factory, mapper and recorder; commands go through `Store`."""

    name = "campaign_command"

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Our factory, whatever the environment says."""
        return Factory(env)

    def construct_mapper(self) -> Mapper[UUID]:
        """Our mapper."""
        return FactMapper(transcoder=self.construct_transcoder())


class Transaction:
    """One deciding transaction. Facts are appended to their streams with the next version, or not at all."""

    def __init__(self, store: "Store", cursor: Cursor[DictRow], *, correlation_id: str | None) -> None:
        self._store, self.cursor = store, cursor
        self.correlation_id = correlation_id
        self.traceparent = traceparent()
        self.traces: Mapping[str, str | None] = {}
        """By the id of an event that facts may follow from: its trace, which they belong to."""
        self.appended: list[tuple[int, Fact]] = []

    def campaign(self, campaign_id: UUID, *, workspace: UUID | None = None) -> Campaign | None:
        """The campaign as of now; null when unknown, or of another workspace than the given one."""
        campaign = self._store.load_campaign(self.cursor, campaign_id)
        if campaign is not None and not self.appended:
            self._store.remember(campaign)  # read under the lock and before our own facts: committed
        if campaign is not None and workspace is not None and campaign.workspace != workspace:
            return None
        return campaign

    def is_awaited(self) -> bool:
        """Whether somebody, in whatever process, waits for the append lock that this transaction holds."""
        row = self.cursor.execute(_AWAITED, (APPEND_LOCK,)).fetchone()
        assert row is not None
        return bool(row["is_awaited"])

    @property
    def hash_key(self) -> str:
        """The key of `hash_number`."""
        return self._store.hash_key

    def hash_number(self, workspace: UUID, number: str) -> str:
        """The keyed hash that stands for a number where the number may not: HMAC-SHA-256, hex; one a workspace."""
        return hash_number(self.hash_key, workspace, number)

    def append(
        self,
        facts: Sequence[Fact],
        *,
        workspace: UUID,
        versions: Mapping[UUID, int],
        causes: Mapping[UUID, str] | None = None,
    ) -> list[int]:
        """Append facts; `versions` gives the version each stream has now (absent: 0). Returns their positions.

        `causes` names, by stream, the id of the event that led to the facts.
        The campaign's row keeps its last position, and `campaign_facts` which facts are whose.
        """
        if not facts:
            return []
        current, causes = dict(versions), causes or {}
        recorded = []
        for fact in facts:
            stream = stream_of(fact)
            current[stream] = current.get(stream, 0) + 1
            cause = causes.get(stream)
            trace = self.traceparent if cause is None else self.traces.get(cause) or self.traceparent
            recorded.append(
                Recorded(stream, current[stream], fact, workspace, self.correlation_id, cause, trace),
            )
        mapper = self._store.application.mapper
        stored = [mapper.to_stored_event(cast(DomainEventProtocol[UUID], event)) for event in recorded]
        positions = list(self._store.recorder.append(self.cursor, stored))
        self.appended.extend(zip(positions, facts, strict=True))
        last: dict[UUID, int] = {}
        owners = []
        for position, fact in zip(positions, facts, strict=True):
            if isinstance(fact, CampaignFact):
                last[fact.campaign_id] = position
                owners.append((fact.campaign_id, position))
        if len(owners) >= COPY_FROM:
            with self.cursor.copy("COPY campaign_facts (campaign_id, position) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["uuid", "int8"])
                for owner in owners:
                    copy.write_row(owner)
        elif owners:
            self.cursor.execute(
                "INSERT INTO campaign_facts SELECT * FROM unnest(%s::uuid[], %s::bigint[])",
                ([o[0] for o in owners], [o[1] for o in owners]),
            )
        for campaign_id, position in last.items():
            self.cursor.execute("UPDATE campaigns SET position = %s WHERE campaign_id = %s", (position, campaign_id))
        return positions


class Store:
    """The event table and the side rows beside it. Synchronous; call it from worker threads."""

    def __init__(self, dsn: str, *, pool_size: int, hash_key: str) -> None:
        self.application = CampaignApplication(env=_environment(dsn, pool_size=pool_size))
        recorder = self.application.recorder
        assert isinstance(recorder, Recorder)
        self.recorder = recorder
        self.hash_key = hash_key
        self._campaigns: dict[UUID, Campaign] = {}

    @cached_property
    def log(self) -> UUID:
        """The identity of this log."""
        row = self.read(lambda cursor: cursor.execute("SELECT log FROM log").fetchone())
        assert row is not None, "the migration writes the log's identity"
        return cast(UUID, row["log"])

    def transact(self, work: Callable[[Transaction], T], *, correlation_id: str | None = None) -> T:
        """Run `work` in one deciding transaction: steps 1 and 6 of the module's docstring; 2 to 5 are its own."""
        with self.recorder.transaction() as cursor:
            return work(Transaction(self, cursor, correlation_id=correlation_id))

    def read(self, work: Callable[[Cursor[DictRow]], T]) -> T:
        """Run `work` in a transaction that only reads and takes no lock."""
        with _naming_the_world(), self.recorder.datastore.transaction(commit=False) as cursor:
            return work(cursor)

    def load_campaign(self, cursor: Cursor[DictRow], campaign_id: UUID) -> Campaign | None:
        """Fold the campaign's stream, from the newest state this process has seen: facts never change."""
        known = self._campaigns.get(campaign_id)
        cursor.execute(
            "SELECT * FROM campaign_command_events WHERE originator_id = %s AND originator_version > %s"
            " ORDER BY originator_version",
            (campaign_id, known.version if known else 0),
            prepare=True,
        )
        state = known
        for row in cursor.fetchall():
            state = evolve(state, cast(CampaignStreamFact, self.recorded(row).fact))
        return state

    def remember(self, campaign: Campaign) -> None:
        """Keep a committed state to fold on from."""
        if len(self._campaigns) > 10_000:
            self._campaigns.clear()
        self._campaigns[campaign.campaign_id] = campaign

    def facts(self, cursor: Cursor[DictRow], *, after: int, limit: int) -> list[tuple[int, Recorded]]:
        """The log in order, positions above `after`."""
        cursor.execute(
            "SELECT * FROM campaign_command_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
            (after, limit),
            prepare=True,
        )
        return [(row["notification_id"], self.recorded(row)) for row in cursor.fetchall()]

    def campaign_log(
        self, cursor: Cursor[DictRow], campaign_id: UUID, *, after: int, limit: int
    ) -> list[tuple[int, Recorded]]:
        """One campaign's facts in order, positions above `after`."""
        cursor.execute(
            "SELECT e.* FROM campaign_facts f JOIN campaign_command_events e ON e.notification_id = f.position"
            " WHERE f.campaign_id = %s AND f.position > %s ORDER BY f.position LIMIT %s",
            (campaign_id, after, limit),
        )
        return [(row["notification_id"], self.recorded(row)) for row in cursor.fetchall()]

    def close(self) -> None:
        """Give the connections back."""
        self.application.close()

    def recorded(self, row: DictRow) -> Recorded:
        """A row of the event table as the fact it holds."""
        stored = StoredEvent(row["originator_id"], row["originator_version"], row["topic"], bytes(row["state"]))
        return cast(Recorded, self.application.mapper.to_domain_event(stored))


def stream_of(fact: Fact) -> UUID:
    """The stream a fact belongs to: contact, campaign's contact list, campaign, suppression, workspace, or the log."""
    if isinstance(fact, ContactFact):
        return fact.contact_id
    if isinstance(fact, ContactsAdded | ContactsRemoved):
        return contact_list_stream(fact.campaign_id)
    if isinstance(fact, CampaignFact):
        return fact.campaign_id
    if isinstance(fact, SuppressionFact):
        return fact.suppression_id
    if isinstance(fact, WorkspaceFact):
        return fact.workspace
    if isinstance(fact, LogSealed):
        return fact.log
    raise TypeError(f"{type(fact).__name__} belongs to no stream of this log")


def hash_number(key: str, workspace: UUID, number: str) -> str:
    """The keyed hash of a number (or of a beginning of numbers, `+1900*`) in a workspace."""
    return hmac.new(key.encode(), f"{workspace}:{number}".encode(), hashlib.sha256).hexdigest()


def contact_list_stream(campaign_id: UUID) -> UUID:
    """The stream of the chunks that make a campaign's contact list."""
    return uuid5(campaign_id, "contacts")


def now_of(cursor: Cursor[DictRow]) -> datetime:
    """The database's clock at this statement: one clock for all processes of the service."""
    row = cursor.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    return cast(datetime, row["now"])


@contextmanager
def _naming_the_world() -> Iterator[None]:
    # The driver files these under internal errors: a process that froze until the server hung up on its transaction,
    # and a server that has become a standby. Both are the world's doing, and pass.
    try:
        yield
    except InternalError as error:
        if isinstance(error.__cause__, IdleInTransactionSessionTimeout | ReadOnlySqlTransaction):
            raise OperationalError(str(error)) from error
        raise


def _environment(dsn: str, *, pool_size: int) -> dict[str, str]:
    given = conninfo_to_dict(dsn)
    others = sorted(given.keys() - {"dbname", "host", "port", "user", "password"})
    if others:
        # The library takes five values; dropping sslmode in silence would be worse than refusing it.
        raise ValueError(f"DATABASE_DSN: {', '.join(others)}: say it by the PG… environment variables (PGSSLMODE, …)")
    return {
        "POSTGRES_DBNAME": str(given.get("dbname", "")),
        "POSTGRES_HOST": str(given.get("host", "")),
        "POSTGRES_PORT": str(given.get("port", "5432")),
        "POSTGRES_USER": str(given.get("user", "")),
        "POSTGRES_PASSWORD": str(given.get("password") or ""),
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_MAX_OVERFLOW": str(pool_size - 1),
        "POSTGRES_CONNECT_TIMEOUT": "10",
        "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "5",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "n",
        "CREATE_TABLE": "n",
    }
