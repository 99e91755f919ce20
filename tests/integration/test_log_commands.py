"""The log looked at and carried elsewhere: replay, seals, backfill, export, import; on a real PostgreSQL and Kafka."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from analytics_projector import oracle
from campaign_command import log_files, replay
from campaign_command.log_files import facts_of, import_lines, lines_of
from campaign_command.relay import Relay
from campaign_command.seals import CHUNK, anchor, seal, stored_fact
from campaign_command.store import now_of
from campaign_command.suppressions import suppress
from campaign_events.envelope import Event, decode, wrap
from campaign_events.facts import CampaignFact, LogSealed
from campaign_events.positions import Received, admit
from campaign_events.seals import NOTHING, digest
from campaign_events.settings import ContactStatus, Conversation, Outcome
from campaign_events.topics import CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS
from campaign_service.logs import configure_logs
from campaign_service.topic_admin import ensure_topics
from local_stack.servers import Servers

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

Eventually = Callable[..., Any]


def lively(desk: "Desk") -> UUID:
    """A campaign to which everything happens that moves a figure."""
    campaign_id = desk.running(8, success_rule="reported", max_attempts=2)
    asks = [desk.granted(contact) for contact in desk.contacts(campaign_id)[:5]]
    desk.report(desk.placed(asks[0]))
    desk.report(desk.ended(asks[0], Outcome.HUMAN, conversation=Conversation.GOAL_MET))
    desk.report(desk.ended(asks[1], Outcome.NO_ANSWER), desk.ended(asks[2], Outcome.NOT_PLACED))
    desk.report(desk.ended(asks[3], Outcome.HUMAN, conversation=Conversation.DO_NOT_CALL))
    desk.pause(campaign_id)
    desk.edit(campaign_id, {"description": "better"})
    desk.add(campaign_id, ["+4930999001", "+4930999002"])
    desk.resume(campaign_id)
    desk.report(desk.ended(asks[4], Outcome.MACHINE))
    desk.pause(campaign_id)
    return campaign_id


def block(desk: "Desk", number: str) -> None:
    """A number that must not be called: a fact of the other topic."""
    desk.do(lambda tx: suppress(tx, [number], workspace=desk.workspace, source="api", now=now_of(tx.cursor)))


def events_of(desk: "Desk") -> list[Event[Any]]:
    """The whole log in envelopes."""
    return [
        wrap(
            recorded.fact,
            log=desk.store.log,
            position=position,
            prior=0,
            stream_version=recorded.originator_version,
            workspace=recorded.workspace,
            correlation_id=None,
            causation_id=None,
        )
        for position, recorded in desk.log()
    ]


def command(desk: "Desk", servers: Servers, prefix: str, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
    """`python -m campaign_command …` on the desk's database."""
    env = {
        **os.environ,
        "DATABASE_DSN": desk.dsn,
        "KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "TOPIC_PREFIX": prefix,
        "LOG_FORMAT": "json",
    }
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", "campaign_command", *words], env=env, stdout=pipe, stderr=pipe, **options
    )


async def run(desk: "Desk", servers: Servers, prefix: str, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    process = await asyncio.to_thread(command, desk, servers, prefix, *words)
    out, err = await asyncio.to_thread(process.communicate)
    return process.returncode, out.decode(), err.decode()


async def topic(servers: Servers, name: str) -> dict[int, list[Event[Any]]]:
    """Every record of a topic, by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.kafka_bootstrap, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    found: dict[int, list[Event[Any]]] = defaultdict(list)
    try:
        partitions = [TopicPartition(name, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        for one, begin in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(one, begin)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for one, records in (await consumer.getmany(timeout_ms=500)).items():
                found[one.partition] += [decode(record.value or b"") for record in records]
    finally:
        await consumer.stop()
    return found


async def published(desk: "Desk", servers: Servers, prefix: str, eventually: Eventually) -> None:
    """Let a relay publish all there is."""
    await ensure_topics(servers.kafka_bootstrap, [prefix + CAMPAIGN_EVENTS, prefix + SUPPRESSION_EVENTS])
    relay = Relay(
        desk.store,
        dsn=desk.dsn,
        bootstrap=servers.kafka_bootstrap,
        topic_prefix=prefix,
        log=configure_logs("test", level="error", log_format="json"),
        beat=lambda: None,
    )
    stopping = asyncio.Event()
    task = asyncio.ensure_future(relay.run(stopping))
    last = desk.log()[-1][0]

    async def done() -> bool:
        row = await asyncio.to_thread(desk.row, "SELECT published FROM relay")
        return bool(row and row["published"] == last)

    await eventually(done, within_seconds=30)
    stopping.set()
    await task


# --- replay ---------------------------------------------------------------------------------------------------------


def test_a_replay_to_any_position_gives_what_the_read_side_folds_up_to_there(desk: "Desk") -> None:
    campaign_id = lively(desk)
    events = [event for event in events_of(desk) if isinstance(event.data, CampaignFact)]
    state = replay.State()
    for number, event in enumerate(events, start=1):
        state = replay.evolve(state, event.position, event.data)
        view = oracle.views(events[:number])[campaign_id]
        counts = {status: view.row.contacts.of(status) for status in ContactStatus}
        assert {status: state.contacts[status] for status in ContactStatus} == counts
        assert (state.reached, state.placed, state.answered) == (
            view.row.reached,
            view.row.calls.placed,
            view.row.calls.answered,
        )
        assert state.told()["status"] == view.row.status
    assert state.reached == 2


async def test_a_replay_as_of_a_time_is_the_fold_of_what_was_there_then(
    desk: "Desk", servers: Servers, topic_prefix: str
) -> None:
    campaign_id = lively(desk)
    log = [(position, recorded.fact) for position, recorded in desk.log() if isinstance(recorded.fact, CampaignFact)]
    for position, fact in (log[2], log[len(log) // 2], log[-1]):
        as_of, words = fact.at.isoformat(), ("--format", "jsonl")
        code, out, err = await run(
            desk, servers, topic_prefix, "replay", "--campaign", str(campaign_id), "--as-of", as_of, *words
        )
        assert code == 0, err
        *facts, last = map(json.loads, out.splitlines())
        prefix = [(p, f) for p, f in log if f.at <= fact.at]
        assert [one["position"] for one in facts] == [p for p, _ in prefix]
        assert position in [p for p, _ in prefix]
        state = replay.State()
        for p, f in prefix:
            state = replay.evolve(state, p, f)
        assert last == {"campaign_id": str(campaign_id), "state": state.told()}


async def test_a_replay_speaks_plain_words_and_names_nobody(desk: "Desk", servers: Servers, topic_prefix: str) -> None:
    campaign_id = lively(desk)
    block(desk, "+4930999001")
    code, out, _ = await run(desk, servers, topic_prefix, "replay", "--workspace", str(desk.workspace))
    assert code == 0
    assert "8 contacts were added." in out
    assert "The campaign was edited (version 2): description." in out
    assert "put on the do-not-call list" in out
    assert f"Campaign {campaign_id}" in out
    assert "+49" not in out
    code, out, err = await run(desk, servers, topic_prefix, "replay", "--campaign", str(uuid4()))
    assert (code, out) == (1, "")
    assert "no fact of" in err
    code, _, err = await run(desk, servers, topic_prefix, "replay", "--campaign", str(campaign_id), "--as-of", "noon")
    assert code == 2
    assert "neither a position nor a time" in err


# --- seals ----------------------------------------------------------------------------------------------------------


def test_the_log_is_sealed_in_a_chain_and_anchored_by_a_fact(desk: "Desk") -> None:
    lively(desk)
    assert not seal(desk.store)  # nothing is a minute old
    while seal(desk.store, after=timedelta(0)):
        pass
    said = anchor(desk.store)
    assert said is not None
    rows = desk.rows("SELECT * FROM campaign_command_events WHERE notification_id <= %s ORDER BY 5", (said.up_to,))
    assert said.digest == digest(NOTHING, map(stored_fact, rows)).hex()
    assert said.facts == len(rows)
    assert anchor(desk.store) is None, "once a day"
    assert seal(desk.store, after=timedelta(0))
    assert anchor(desk.store, every=timedelta(0)) is None, "its own fact is nothing new"
    desk.draft()
    assert seal(desk.store, after=timedelta(0))
    again = anchor(desk.store, every=timedelta(0))
    assert again is not None
    assert again.facts > said.facts
    assert [fact for fact in desk.facts() if isinstance(fact, LogSealed)] == [said, again]


def test_a_full_chunk_is_sealed_at_once_and_the_chain_has_no_gap(desk: "Desk") -> None:
    campaign_id = desk.draft(0)
    for _ in range(3):
        desk.edit(campaign_id, {"description": uuid4().hex})
    with psycopg.connect(desk.dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO campaign_command_events (originator_id, originator_version, topic, state)"
            " SELECT gen_random_uuid(), 1, topic, state FROM campaign_command_events, generate_series(1, 700)"
            " WHERE originator_version = 1"
        )
        connection.execute(
            "INSERT INTO campaign_command_events (originator_id, originator_version, topic, state)"
            " SELECT gen_random_uuid(), 1, topic, state FROM campaign_command_events LIMIT 1500"
        )
    count = 0
    while seal(desk.store):
        count += 1
    seals = desk.rows("SELECT * FROM seals ORDER BY up_to")
    assert len(seals) == count == len(desk.log()) // CHUNK
    assert [one["prior"] for one in seals] == [0, *(one["up_to"] for one in seals[:-1])]


# --- backfill -------------------------------------------------------------------------------------------------------


def many(desk: "Desk", campaigns: int, edits: int) -> None:
    """A log with facts of many campaigns, in both topics."""
    for number in range(campaigns):
        campaign_id = desk.draft(3)
        for _ in range(edits):
            desk.edit(campaign_id, {"description": uuid4().hex})
        block(desk, f"+493088{number:04d}")


def positions(found: dict[int, list[Event[Any]]]) -> dict[int, list[tuple[int, int, str]]]:
    """Position, prior and id of each record, by partition."""
    return {
        partition: [(event.position, event.prior, event.id) for event in events]
        for partition, events in found.items()
        if events
    }


async def test_a_backfill_gives_the_same_ids_positions_and_order(
    desk: "Desk", servers: Servers, topic_prefix: str, eventually: Eventually
) -> None:
    many(desk, 6, 3)
    await published(desk, servers, topic_prefix, eventually)
    for source in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS):
        to = f"{source}-again"
        code, _, err = await run(desk, servers, topic_prefix, "backfill", "--to", to, "--of", source)
        assert code == 0, err
        assert "100%" in err
        original, copy = await topic(servers, topic_prefix + source), await topic(servers, topic_prefix + to)
        assert positions(copy) == positions(original)
        assert [e.data for events in copy.values() for e in events if e.type != "LogSealed"]
    middle = desk.log()[len(desk.log()) // 2][0]
    code, _, err = await run(desk, servers, topic_prefix, "backfill", "--to", "half", "--from", str(middle))
    assert code == 0, err
    half, whole = (
        positions(await topic(servers, topic_prefix + "half")),
        await topic(servers, topic_prefix + CAMPAIGN_EVENTS),
    )
    expected = {p: [one for one in own if one[0] >= middle] for p, own in positions(whole).items()}
    assert half == {p: own for p, own in expected.items() if own}
    assert desk.rows("SELECT * FROM backfills") == []


async def test_a_backfill_that_was_killed_goes_on_and_repeats_and_misses_nothing(
    desk: "Desk", servers: Servers, topic_prefix: str, eventually: Eventually
) -> None:
    many(desk, 10, 15)
    await published(desk, servers, topic_prefix, eventually)
    words = ("backfill", "--to", "copy", "--rate", "60")
    for kills in range(2):
        process = await asyncio.to_thread(command, desk, servers, topic_prefix, *words)

        async def some(more_than: int = 60 * (kills + 1)) -> bool:
            row = await asyncio.to_thread(desk.row, "SELECT done FROM backfills")
            return row is not None and row["done"] >= more_than

        await eventually(some, within_seconds=30)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.communicate)
    # What a killed run had published and not saved must not come twice.
    with psycopg.connect(desk.dsn, autocommit=True) as connection:
        row = connection.execute("SELECT done, priors FROM backfills").fetchone()
        assert row is not None
    before = positions(await topic(servers, topic_prefix + "copy"))
    assert sum(map(len, before.values())) > 0
    code, _, err = await run(desk, servers, topic_prefix, "backfill", "--to", "copy")
    assert code == 0, err
    original, copy = await topic(servers, topic_prefix + CAMPAIGN_EVENTS), await topic(servers, topic_prefix + "copy")
    assert positions(copy) == positions(original)


async def test_a_backfill_into_the_live_topic_changes_nothing_for_its_readers(
    desk: "Desk", servers: Servers, topic_prefix: str, eventually: Eventually
) -> None:
    lively(desk)
    await published(desk, servers, topic_prefix, eventually)
    before = await topic(servers, topic_prefix + CAMPAIGN_EVENTS)
    code, _, err = await run(desk, servers, topic_prefix, "backfill", "--to", CAMPAIGN_EVENTS)
    assert code == 0, err
    after = await topic(servers, topic_prefix + CAMPAIGN_EVENTS)
    for partition, events in after.items():
        assert len(events) == 2 * len(before[partition])
        received = [Received(CAMPAIGN_EVENTS, partition, offset, event) for offset, event in enumerate(events)]
        fresh, _ = admit({}, received)
        assert [one.event.position for one in fresh] == [event.position for event in before[partition]]


async def test_a_backfill_says_no_where_it_does_not_belong(desk: "Desk", servers: Servers, topic_prefix: str) -> None:
    lively(desk)
    for words, why in (
        (("--to", "call-events"), "written by dialer alone"),
        (("--to", CAMPAIGN_EVENTS, "--of", SUPPRESSION_EVENTS), "can't be published into"),
    ):
        code, _, err = await run(desk, servers, topic_prefix, "backfill", *words)
        assert code == 1
        assert why in err
    code, _, err = await run(desk, servers, topic_prefix, "backfill", "--to", "x", "--rate", "0")
    assert (code, "allowed: 1 or more" in err) == (2, True)


# --- export and import ----------------------------------------------------------------------------------------------


@pytest.fixture
def empty(desk: "Desk", database: Callable[[], str]) -> Iterator["Desk"]:
    """A second, empty system."""
    made = type(desk)(database())
    yield made
    made.store.close()


async def test_an_exported_log_gives_the_same_figures_in_an_empty_system(
    desk: "Desk", empty: "Desk", servers: Servers, topic_prefix: str, tmp_path: Path, eventually: Eventually
) -> None:
    first, second = lively(desk), lively(desk)
    code, out, err = await run(desk, servers, topic_prefix, "export", "--campaign", str(first))
    assert code == 0, err
    file = tmp_path / "log.jsonl"
    file.write_text(out)
    prefix = topic_prefix + "copy-"
    await ensure_topics(servers.kafka_bootstrap, [prefix + CAMPAIGN_EVENTS, prefix + SUPPRESSION_EVENTS])
    code, out, err = await run(empty, servers, prefix, "import-log", str(file))
    assert code == 0, err
    original, copy = oracle.views(events_of(desk)), oracle.views(events_of(empty))
    assert copy.keys() == {first} != {first, second}
    assert copy[first].campaign() == original[first].campaign()
    assert copy[first].analytics() == original[first].analytics()
    assert [p for p, _ in empty.log()] == [p for p, r in desk.log() if r.fact in desk.facts(first)]
    assert empty.store.log != desk.store.log
    # The relay publishes it, and readers can follow it without a gap.
    await published(empty, servers, prefix, eventually)
    for partition, events in (await topic(servers, prefix + CAMPAIGN_EVENTS)).items():
        admit({}, [Received(CAMPAIGN_EVENTS, partition, offset, event) for offset, event in enumerate(events)])
    # New facts go on behind it.
    assert empty.log()[-1][0] < empty.append(desk.facts(second)[:1])[0]
    code, _, err = await run(empty, servers, prefix, "import-log", str(file))
    assert (code, "into an empty system only" in err) == (1, True)


def test_nobody_of_an_imported_campaign_can_be_called(desk: "Desk", empty: "Desk") -> None:
    campaign_id = desk.running(2)
    (contact, _) = desk.contacts(campaign_id)
    ask = desk.ask_for(contact)
    import_lines(empty.store, list(lines_of(desk.store, facts_of(desk.store, workspace=desk.workspace))))
    (answer,) = empty.permits(ask)
    assert (answer.result, getattr(answer, "code", None)) == ("refused", "unknown_contact")


def test_a_whole_workspace_is_exported_and_read_without_a_gap(desk: "Desk", empty: "Desk") -> None:
    lively(desk)
    block(desk, "+4930999001")
    lines = list(lines_of(desk.store, facts_of(desk.store, workspace=desk.workspace)))
    assert len(lines) == len(desk.log())
    assert list(lines_of(desk.store, facts_of(desk.store, workspace=uuid4()))) == []
    assert import_lines(empty.store, lines) == (len(lines), desk.log()[-1][0])
    assert [recorded for _, recorded in empty.log()] == [recorded for _, recorded in desk.log()]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda lines: [*lines[:3], b"nothing\n", *lines[3:]], "line 4: no event"),
        (lambda lines: [lines[1], lines[0]], "line 2: position"),
        (lambda lines: [lines[0], lines[1].replace(b'"type":"', b'"type":"New')], "not known to this version"),
        (lambda lines: [], "holds no event"),
    ],
)
def test_a_spoilt_file_is_refused_and_nothing_of_it_is_there(
    desk: "Desk", empty: "Desk", spoil: Callable[[list[bytes]], list[bytes]], why: str
) -> None:
    lines = list(lines_of(desk.store, facts_of(desk.store, campaign=lively(desk))))
    with pytest.raises(log_files.Refused, match=why):
        import_lines(empty.store, spoil(lines))
    assert empty.log() == []
    assert import_lines(empty.store, lines)[0] == len(lines)
