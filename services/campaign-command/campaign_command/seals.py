"""Seals the log: digests over what is stored, in a chain, and daily a fact that says how the chain stands.

What must stay true: a chunk is sealed once, behind the one before it, and a position that is sealed is committed (as
positions follow commit order, everything below a position that is seen is there).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.store import EVENTS_TABLE, Store, Transaction, now_of
from campaign_events.facts import LogSealed
from campaign_events.seals import NOTHING, StoredFact, digest

CHUNK = 1000
SEAL_AFTER = timedelta(seconds=60)
"""A chunk that is not full is sealed when its oldest fact is as old as this."""
ANCHOR_EVERY = timedelta(days=1)
NO_WORKSPACE = UUID(int=0)
_PAGE = 100  # facts of a contact list are large

_LAST = "SELECT up_to, facts, digest FROM seals ORDER BY up_to DESC LIMIT 1"
_NEXT = f"""
WITH chunk AS (
    SELECT notification_id AS position FROM {EVENTS_TABLE} WHERE notification_id > %s ORDER BY notification_id LIMIT %s
), whole AS (SELECT max(position) AS up_to, min(position) AS first, count(*) AS facts FROM chunk)
SELECT up_to, facts, (convert_from(state, 'UTF8')::json #>> '{{data,at}}')::timestamptz AS oldest
FROM whole JOIN {EVENTS_TABLE} ON notification_id = first
"""  # noqa: S608
_ROWS = f"""
SELECT * FROM {EVENTS_TABLE} WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id LIMIT %s
"""  # noqa: S608
_SEAL = """
INSERT INTO seals (up_to, prior, facts, digest) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_LAST_ANCHOR = f"""
SELECT * FROM {EVENTS_TABLE} WHERE originator_id = %s ORDER BY originator_version DESC LIMIT 1
"""  # noqa: S608


def seal(store: Store, *, after: timedelta = SEAL_AFTER) -> bool:
    """Seal the next chunk, outside the append lock. False: none is full, nor older than `after`."""

    def work(cursor: Cursor[DictRow]) -> tuple[int, int, int, bytes] | None:
        last = cursor.execute(_LAST).fetchone() or {"up_to": 0, "facts": 0, "digest": NOTHING}
        chunk = cursor.execute(_NEXT, (last["up_to"], CHUNK)).fetchone()
        if chunk is None or (chunk["facts"] < CHUNK and chunk["oldest"] > now_of(cursor) - after):
            return None
        rows = _rows(cursor, after=last["up_to"], up_to=chunk["up_to"])
        return chunk["up_to"], last["up_to"], last["facts"] + chunk["facts"], digest(bytes(last["digest"]), rows)

    found = store.read(work)
    if found is None:
        return False
    with store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute(_SEAL, found)
    return True


def anchor(store: Store, *, every: timedelta = ANCHOR_EVERY) -> LogSealed | None:
    """Say in a fact how the chain stands, if none has for `every` and there is something new under it."""
    log = store.log

    def due(cursor: Cursor[DictRow]) -> tuple[LogSealed, int] | None:
        """The fact, and the version its stream has now."""
        last = cursor.execute(_LAST_ANCHOR, (log,)).fetchone()
        version, said = (0, None) if last is None else (last["originator_version"], store.recorded(last).fact)
        assert said is None or isinstance(said, LogSealed)
        chain, now = cursor.execute(_LAST).fetchone(), now_of(cursor)
        # Its own fact alone is nothing new.
        if chain is None or (said is not None and (now < said.at + every or chain["facts"] <= said.facts + 1)):
            return None
        shown = bytes(chain["digest"]).hex()
        return LogSealed(at=now, log=log, up_to=chain["up_to"], facts=chain["facts"], digest=shown), version

    def work(tx: Transaction) -> LogSealed | None:
        found = due(tx.cursor)
        if found is None:
            return None  # another process was first
        fact, version = found
        tx.append([fact], workspace=NO_WORKSPACE, versions={log: version})
        return fact

    # Asked without the append lock first: it is not due all day long.
    return None if store.read(due) is None else store.transact(work)


def _rows(cursor: Cursor[DictRow], *, after: int, up_to: int) -> Iterator[StoredFact]:
    while page := cursor.execute(_ROWS, (after, up_to, _PAGE)).fetchall():
        yield from map(stored_fact, page)
        after = page[-1]["notification_id"]


def stored_fact(row: dict[str, Any]) -> StoredFact:
    """A row of the event table, as it is sealed."""
    return StoredFact(
        position=row["notification_id"],
        stream=row["originator_id"],
        version=row["originator_version"],
        name=row["topic"],
        state=bytes(row["state"]),
    )
