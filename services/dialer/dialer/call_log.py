"""The calls' rows and their outbox: a change of a call and the facts of it are one transaction.

What must stay true: rows are locked in the order of their ids, and the outbox's advisory lock is taken last and held to
the commit, so that positions follow the order of commits and nothing waits in a circle.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from uuid import UUID

import asyncpg

from campaign_events.facts import CallFact
from campaign_events.settings import Conversation, Outcome
from campaign_service.tracing import traceparent
from dialer.calls import Call, Step
from dialer.database import Connection, Pool

OUTBOX_LOCK = 7155421
OUTBOX_CHANNEL = "outbox"

_FIXED = (
    *("id", "workspace", "campaign_id", "contact_id", "attempt", "settings_version"),
    *("success_rule", "day", "created_at", "ring_timeout_seconds", "permit_ends_at"),
    *("kind", "max_call_seconds", "traceparent"),
)
_COLUMNS = tuple(field.name for field in fields(Call))
_CHANGING = tuple(name for name in _COLUMNS if name not in _FIXED)
LOCK_CALLS = f"SELECT {', '.join(_COLUMNS)} FROM calls WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"  # noqa: S608
SAVE_CALL = (
    f"UPDATE calls SET {', '.join(f'{name} = ${n}' for n, name in enumerate(_CHANGING, start=2))} "  # noqa: S608
    "WHERE id = $1"
)
INSERT_FACTS = """
INSERT INTO outbox (workspace, campaign_id, call_id, stream_version, type, fact, traceparent)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::jsonb[], $7::text[])
"""


class Outgoing:
    """A fact on its way into the outbox."""

    __slots__ = ("call_id", "fact", "stream_version", "trace", "workspace")

    def __init__(
        self, fact: CallFact, *, workspace: UUID, call_id: UUID | None, stream_version: int, trace: str | None = None
    ) -> None:
        self.fact, self.workspace, self.call_id, self.stream_version = fact, workspace, call_id, stream_version
        self.trace = trace or traceparent()


def call_of(row: asyncpg.Record) -> Call:
    """The call in a row of LOCK_CALLS."""
    call = Call(**row)
    return replace(
        call,
        conversation=Conversation(call.conversation) if call.conversation else None,
        outcome=Outcome(call.outcome) if call.outcome else None,
        given_outcome=Outcome(call.given_outcome) if call.given_outcome else None,
    )


async def change(pool: Pool, ids: Iterable[UUID], step: Callable[[Call], Step]) -> list[Call]:
    """Move these calls on, in one transaction. Returns them as they are now; ids that are not known are left out."""
    async with pool.acquire() as connection, connection.transaction():
        return await change_within(connection, ids, step)


async def change_within(connection: Connection, ids: Iterable[UUID], step: Callable[[Call], Step]) -> list[Call]:
    """The same within a transaction; it must end soon after, since the outbox waits for it."""
    rows = await connection.fetch(LOCK_CALLS, list(set(ids)))
    now_known: list[Call] = []
    changed: list[Call] = []
    facts: list[Outgoing] = []
    for row in rows:
        before = call_of(row)
        after, told = step(before)
        facts += [
            Outgoing(
                fact,
                workspace=after.workspace,
                call_id=after.id,
                stream_version=after.facts + n,
                trace=after.traceparent,
            )
            for n, fact in enumerate(told, start=1)
        ]
        after = replace(after, facts=after.facts + len(told))
        if after != before:
            changed.append(after)
        now_known.append(after)
    if changed:
        await connection.executemany(
            SAVE_CALL, [(call.id, *(getattr(call, name) for name in _CHANGING)) for call in changed]
        )
    await tell(connection, facts)
    return now_known


async def tell(connection: Connection, facts: Sequence[Outgoing]) -> None:
    """Put facts into the outbox: the last statement before the commit."""
    if not facts:
        return
    await connection.execute("SELECT pg_advisory_xact_lock($1)", OUTBOX_LOCK)
    await connection.execute(
        INSERT_FACTS,
        [out.workspace for out in facts],
        [out.fact.campaign_id for out in facts],
        [out.call_id for out in facts],
        [out.stream_version for out in facts],
        [type(out.fact).__name__ for out in facts],
        [out.fact.model_dump_json(exclude_none=True) for out in facts],
        [out.trace for out in facts],
    )
    await connection.execute(f"NOTIFY {OUTBOX_CHANNEL}")
