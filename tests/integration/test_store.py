"""The store on a real PostgreSQL: positions follow commit order, and a transaction is all or nothing."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError

from campaign_command import commands
from campaign_command.contacts import NewContact, add_contacts
from campaign_command.store import APPEND_LOCK, COPY_FROM, UNAVAILABLE, Recorder, Store, Transaction, now_of
from campaign_events.facts import CampaignPaused, CampaignResumed, ContactCallabilityChanged, Fact

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

WRITERS = 8
TURNS = 60


def _pauses(desk: "Desk", stream: UUID, count: int) -> list[Fact]:
    return [CampaignPaused(at=desk.now(), campaign_id=stream) for _ in range(count)]


def test_a_tailing_reader_misses_nothing_of_eight_concurrent_writers(desk: "Desk") -> None:
    seen: list[int] = []
    done = threading.Event()

    def read_along() -> None:
        last = 0
        while True:
            is_over = done.is_set()
            page = desk.log(last)
            seen.extend(position for position, _ in page)
            last = seen[-1] if seen else 0
            if is_over and not page:
                return

    def write(writer: int) -> list[int]:
        stream, positions = uuid4(), list[int]()
        for turn in range(TURNS):
            # INSERTs of one and several facts, and COPY: they share the sequence.
            facts = _pauses(desk, stream, (1, 3, COPY_FROM)[(writer + turn) % 3])
            positions += desk.append(facts, {stream: len(positions)})
        return positions

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read_along)
        written = [position for found in pool.map(write, range(WRITERS)) for position in found]
        done.set()
        reader.result(timeout=30)
    assert seen == sorted(written)
    assert len(set(written)) == len(written)


def test_a_reader_never_sees_a_position_below_one_it_has_seen(desk: "Desk") -> None:
    """Without the lock to the commit, a later transaction could be seen first."""
    stream = uuid4()
    appended, may_commit = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        tx.append(_pauses(desk, stream, 1), workspace=desk.workspace, versions={})
        appended.set()
        assert may_commit.wait(4)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(desk.do, slow)
        assert appended.wait(5)
        other = uuid4()
        second = pool.submit(desk.append, _pauses(desk, other, 1))
        blocked = False
        deadline = time.monotonic() + 5
        while not blocked and time.monotonic() < deadline:
            blocked = bool(desk.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        assert blocked, "the second writer waits for the append lock"
        assert desk.log() == []
        may_commit.set()
        first.result(5)
        second.result(5)
    assert [recorded.originator_id for _, recorded in desk.log()] == [stream, other]


def test_the_lock_is_a_statement_of_its_own_before_anything_is_read(desk: "Desk", monkeypatch: Any) -> None:
    said: list[str] = []
    execute = psycopg.Cursor.execute

    def listening(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        said.append(query if isinstance(query, str) else query.as_string(self) if hasattr(query, "as_string") else "")
        return execute(self, query, params, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", listening)
    isolation = desk.do(lambda tx: tx.cursor.execute("SHOW transaction_isolation").fetchone())
    assert isolation["transaction_isolation"] == "read committed"
    assert said[0] == "SELECT pg_advisory_xact_lock(%s)"


def test_what_a_transaction_reads_was_committed_by_the_one_that_held_the_lock_before(desk: "Desk") -> None:
    """The snapshot is taken after the lock: a counter read and written by many loses nothing."""
    campaign_id = desk.draft(0)

    def bump(_: int) -> None:
        def work(tx: Transaction) -> None:
            campaign = tx.campaign(campaign_id)
            assert campaign is not None
            tx.append(_pauses(desk, campaign_id, 1), workspace=desk.workspace, versions={campaign_id: campaign.version})

        desk.do(work)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(bump, range(80)))
    assert desk.campaign(campaign_id).version == 81


def test_the_internals_of_the_eventsourcing_library_that_are_relied_on_are_there(desk: "Desk") -> None:
    recorder = desk.store.recorder
    assert isinstance(recorder, Recorder)
    for name in ("_insert_stored_events", "_fetch_ids_after_insert_events", "_lock_table", "_notify_channel"):
        assert callable(getattr(recorder, name)), name
    statements = [
        statement if isinstance(statement, str) else statement.as_string(None)  # type: ignore[union-attr]
        for statement in recorder.lock_table_statements
    ]
    assert len(statements) == 2
    assert statements[0].startswith("SET LOCAL lock_timeout")
    assert statements[1] == f"SELECT pg_advisory_xact_lock({APPEND_LOCK})"
    assert not any("LOCK TABLE" in statement for statement in statements)
    assert recorder.datastore.enable_db_functions is False, "the database functions append without the lock"
    assert recorder.events_table_name == recorder.channel_name == "campaign_command_events"


def test_copied_facts_are_stored_as_inserted_ones_are(desk: "Desk") -> None:
    copied, inserted = uuid4(), uuid4()
    facts = _pauses(desk, copied, COPY_FROM)
    by_copy = desk.append(facts)
    by_insert: list[int] = []
    for number, fact in enumerate(facts):
        same = fact.model_copy(update={"campaign_id": inserted})
        by_insert += desk.append([same], {inserted: number})
    assert by_copy == list(range(by_copy[0], by_copy[0] + COPY_FROM))
    assert by_insert == list(range(by_copy[-1] + 1, by_copy[-1] + 1 + COPY_FROM))
    query = """
        SELECT originator_version, topic, replace(convert_from(state, 'UTF8'), originator_id::text, '') AS state
        FROM campaign_command_events WHERE originator_id = %s ORDER BY notification_id
    """
    assert desk.rows(query, (copied,)) == desk.rows(query, (inserted,))
    stored = [position for position, recorded in desk.log() if recorded.originator_id == copied]
    assert stored == by_copy
    of_campaign = [r["position"] for r in desk.rows("SELECT * FROM campaign_facts WHERE campaign_id = %s", (copied,))]
    assert sorted(of_campaign) == by_copy


def test_one_append_gives_each_stream_its_own_next_versions(desk: "Desk") -> None:
    campaign_id, contact_ids = uuid4(), [uuid4() for _ in range(40)]
    at = desk.now()
    facts: list[Fact] = [
        ContactCallabilityChanged(
            at=at, campaign_id=campaign_id, contact_id=contact_id, callable=callable_, settings_version=1
        )
        for callable_ in (False, True)
        for contact_id in contact_ids
    ]
    facts.append(CampaignResumed(at=at, campaign_id=campaign_id, settings_version=1))
    desk.append(facts, {contact_ids[0]: 7})
    versions: dict[UUID, list[int]] = {}
    for _, recorded in desk.log():
        versions.setdefault(recorded.originator_id, []).append(recorded.originator_version)
    assert versions == {**{contact_id: [1, 2] for contact_id in contact_ids}, contact_ids[0]: [8, 9], campaign_id: [1]}


def test_a_fact_comes_back_as_it_was_stored(desk: "Desk") -> None:
    campaign_id = uuid4()
    fact = CampaignPaused(at=desk.now(), campaign_id=campaign_id, reason="schedule_ended")

    def work(tx: Transaction) -> None:
        tx.append([fact], workspace=desk.workspace, versions={}, causes={campaign_id: "a-cause"})

    desk.store.transact(work, correlation_id="a-correlation")
    ((_, recorded),) = desk.log()
    assert recorded.fact == fact
    assert (recorded.workspace, recorded.correlation_id, recorded.causation_id) == (
        desk.workspace,
        "a-correlation",
        "a-cause",
    )


def test_a_version_that_is_taken_is_refused_by_name_of_its_constraint(desk: "Desk") -> None:
    stream = uuid4()
    desk.append(_pauses(desk, stream, 1))
    with pytest.raises(IntegrityError) as conflict:
        desk.append(_pauses(desk, stream, 1))
    assert isinstance(conflict.value.__cause__, psycopg.errors.UniqueViolation)
    assert conflict.value.__cause__.diag.constraint_name == "campaign_command_events_pkey"
    assert len(desk.log()) == 1


@pytest.mark.parametrize("count", [1, COPY_FROM])
def test_a_transaction_that_raises_leaves_nothing(desk: "Desk", count: int) -> None:
    campaign_id = desk.draft(0)
    tables = ("campaign_command_events", "campaign_facts", "contacts")
    before = desk.campaign(campaign_id), [desk.row(f"SELECT count(*) AS n FROM {table}") for table in tables]
    row = desk.row("SELECT * FROM campaigns")

    def work(tx: Transaction) -> None:
        new = [
            NewContact(number=f"+49302310{index:04d}", time_zones=("Europe/Berlin",), zone_source="number")
            for index in range(count)
        ]
        add_contacts(tx, campaign_id, new, now=now_of(tx.cursor))
        commands.start(tx, desk.target(campaign_id))
        raise RuntimeError("the power goes")

    with pytest.raises(RuntimeError, match="the power goes"):
        desk.do(work)
    after = desk.campaign(campaign_id), [desk.row(f"SELECT count(*) AS n FROM {table}") for table in tables]
    assert after == before
    assert desk.row("SELECT * FROM campaigns") == row
    # What the failed transaction has seen of its own facts is not remembered as the campaign's state.
    assert desk.start_refusal(campaign_id) == "no_contacts"


def test_appends_go_on_while_analyze_and_vacuum_hold_their_table_locks(desk: "Desk") -> None:
    """ANALYZE, VACUUM and autovacuum take SHARE UPDATE EXCLUSIVE, which the library's own table lock waits behind."""
    stream = uuid4()
    with psycopg.connect(desk.dsn) as maintenance:
        maintenance.execute("LOCK TABLE campaign_command_events IN SHARE UPDATE EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            append = pool.submit(desk.append, _pauses(desk, stream, 1))
            assert append.result(timeout=10), "the append does not wait for the maintenance's commit"
            copy = pool.submit(desk.append, _pauses(desk, stream, COPY_FROM), {stream: 1})
            assert copy.result(timeout=10)
    with psycopg.connect(desk.dsn, autocommit=True) as maintenance:
        maintenance.execute("ANALYZE campaign_command_events")
        maintenance.execute("VACUUM campaign_command_events")


def test_an_append_wakes_who_listens(desk: "Desk") -> None:
    with psycopg.connect(desk.dsn, autocommit=True) as listener:
        listener.execute("LISTEN campaign_command_events")
        for count in (1, COPY_FROM):
            desk.append(_pauses(desk, uuid4(), count))
            assert list(listener.notifies(timeout=10, stop_after=1)), f"{count} facts"


def test_a_writer_that_freezes_inside_its_transaction_is_put_out(desk: "Desk") -> None:
    """A frozen process must not hold the append lock; when it wakes up, the database was away for it."""
    (row,) = desk.rows("SHOW idle_in_transaction_session_timeout")
    assert row["idle_in_transaction_session_timeout"] == "5s"

    def freeze(tx: Transaction) -> None:
        tx.append(_pauses(desk, uuid4(), 1), workspace=desk.workspace, versions={})
        tx.cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
        tx.append(_pauses(desk, uuid4(), 1), workspace=desk.workspace, versions={})
        with ThreadPoolExecutor(1) as pool:  # whoever comes next gets the lock, since the server has hung up
            pool.submit(desk.append, _pauses(desk, uuid4(), 1)).result(5)
        tx.cursor.execute("SELECT 1")

    with pytest.raises(UNAVAILABLE):
        desk.do(freeze)
    assert len(desk.log()) == 1


def test_two_stores_have_one_log(desk: "Desk") -> None:
    other = Store(desk.dsn, pool_size=2, hash_key=desk.store.hash_key)
    try:
        assert other.log == desk.store.log
    finally:
        other.close()
