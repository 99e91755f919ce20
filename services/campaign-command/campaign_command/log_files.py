"""The log as a file: JSON lines as they are published, out of one system and into another, empty one.

An imported log is a copy to look at: positions and stored facts are those of the file, the log's identity is the new
system's own (two logs that both go on must not have one name). Facts hold no number, so its contacts have no details
and nobody can be called: whoever asks for a permit is refused as `unknown_contact`. Its figures are the original's.
What must stay true: a file is imported whole or not at all, and only where nothing is yet.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.relay import PAGE, in_envelopes
from campaign_command.store import EVENTS_TABLE, Recorded, Store, stream_of
from campaign_events.envelope import Event, Malformed, UnknownFact, decode, encode
from campaign_events.facts import CampaignFact
from campaign_events.topics import (
    CAMPAIGN_COMMAND,
    CAMPAIGN_EVENTS,
    PARTITIONS,
    SUPPRESSION_EVENTS,
    WRITERS,
    address_of,
)

_OF_WORKSPACE = f"""
SELECT * FROM {EVENTS_TABLE} WHERE notification_id > %s AND substr(state, 1, length(%s)) = %s
ORDER BY notification_id LIMIT %s
"""  # noqa: S608
# The parts of a system that would be mixed up with a log from elsewhere.
_THERE = f"""
SELECT (SELECT count(*) FROM {EVENTS_TABLE}) AS facts, (SELECT count(*) FROM campaigns) AS campaigns,
    (SELECT count(*) FROM contacts) AS contacts, (SELECT count(*) FROM suppressions) AS suppressions,
    (SELECT published FROM relay) AS published
"""  # noqa: S608
_COPY = f"""
COPY {EVENTS_TABLE} (originator_id, originator_version, topic, state, notification_id) FROM STDIN (FORMAT BINARY)
"""
_SET_POSITION = f"SELECT setval(pg_get_serial_sequence('{EVENTS_TABLE}', 'notification_id'), %s)"


class Refused(Exception):
    """The log can't be imported."""


def facts_of(
    store: Store, *, campaign: UUID | None = None, workspace: UUID | None = None
) -> Iterator[tuple[int, Recorded]]:
    """The facts of one campaign, or of one workspace with all its campaigns, in the order of the log."""
    start = f'{{"workspace":"{workspace}"'.encode()  # as the store's mapper writes it

    def page(cursor: Cursor[DictRow], after: int) -> list[tuple[int, Recorded]]:
        if campaign is not None:
            return store.campaign_log(cursor, campaign, after=after, limit=PAGE)
        rows = cursor.execute(_OF_WORKSPACE.encode(), (after, start, start, PAGE)).fetchall()
        return [(row["notification_id"], store.recorded(row)) for row in rows]

    after = 0
    while found := store.read(lambda cursor: page(cursor, after)):  # noqa: B023
        yield from found
        after = found[-1][0]


def lines_of(store: Store, facts: Iterable[tuple[int, Recorded]]) -> Iterator[bytes]:
    """The facts as published, an event a line. `prior` counts within the file: it can be read without a gap."""
    priors: dict[str, int] = {}
    rest = iter(facts)
    while page := list(islice(rest, PAGE)):
        events, priors = in_envelopes(page, priors, log=store.log)
        for _, event in events:
            yield encode(event) + b"\n"


def import_lines(store: Store, lines: Iterable[bytes]) -> tuple[int, int]:
    """Write a whole log into an empty event table, in one transaction: (facts, last position). Refused says why not."""
    with store.recorder.transaction() as cursor:
        require_empty(cursor)
        owners: list[tuple[UUID, int]] = []
        last = count = 0
        mapper = store.application.mapper
        with cursor.copy(_COPY.encode()) as copy:
            copy.set_types(["uuid", "int8", "text", "bytea", "int8"])
            for event in _checked(lines):
                recorded: Any = Recorded(
                    originator_id=stream_of(event.data),
                    originator_version=event.streamversion,
                    fact=event.data,
                    workspace=event.workspace,
                    correlation_id=event.correlationid,
                    causation_id=event.causationid,
                    traceparent=event.traceparent,
                )
                row = mapper.to_stored_event(recorded)
                copy.write_row((row.originator_id, row.originator_version, row.topic, row.state, event.position))
                if isinstance(event.data, CampaignFact):
                    owners.append((event.data.campaign_id, event.position))
                count, last = count + 1, event.position
        if not count:
            raise Refused("the file holds no event")
        with cursor.copy("COPY campaign_facts (campaign_id, position) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["uuid", "int8"])
            for owner in owners:
                copy.write_row(owner)
        cursor.execute(_SET_POSITION.encode(), (last,))
    return count, last


def require_empty(cursor: Cursor[DictRow]) -> None:
    """Refused, with what is there, unless the database has never held a fact."""
    there = cursor.execute(_THERE.encode()).fetchone()
    assert there is not None
    if found := {name: count for name, count in there.items() if count}:
        shown = ", ".join(f"{name} {count}" for name, count in found.items())
        raise Refused(f"this system is not empty ({shown}): a log is imported into an empty one only")


async def require_empty_topics(bootstrap: str, *, topic_prefix: str, security: BaseSecurity | None = None) -> None:
    """Refused unless the topics that this log would be published to hold nothing."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **parse_security(security))
    await consumer.start()
    try:
        for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS):
            partitions = [TopicPartition(topic_prefix + topic, number) for number in range(PARTITIONS)]
            ends = await consumer.end_offsets(partitions)
            if held := sum(ends.values()):
                raise Refused(f"{topic_prefix}{topic} holds {held} events: a log is imported into an empty system only")
    finally:
        await consumer.stop()


def _checked(lines: Iterable[bytes]) -> Iterator[Event[Any]]:
    log: UUID | None = None
    last = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = decode(line)
        except Malformed as error:
            raise Refused(f"line {number}: no event: {error}") from None
        if isinstance(event.data, UnknownFact):
            raise Refused(f"line {number}: {event.type} is not known to this version: import it into a newer one")
        if WRITERS[address_of(event.data).topic] != CAMPAIGN_COMMAND:
            raise Refused(f"line {number}: {event.type} is no fact of campaign-command's log")
        log = log or event.log
        if event.log != log:
            raise Refused(f"line {number}: log {event.log}, in the lines before {log}: one log a file")
        if event.position <= last:
            raise Refused(f"line {number}: position {event.position} after {last}: allowed: the order of the log")
        last = event.position
        yield event
