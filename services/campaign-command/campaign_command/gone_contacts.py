"""Called contacts whose rows are gone. What must stay true: whoever says "do not call" late, about a call of a campaign
that was deleted meanwhile, is heard; and nothing is kept of them but the keyed hash of their number, for a while.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.store import Transaction, hash_number

KEPT = timedelta(days=30)
"""Far longer than an agent, or the dialer on its behalf, takes to report."""

_KEEP = """
INSERT INTO gone_contacts (contact_id, workspace, number_hash, gone_at)
SELECT *, now() FROM unnest(%s::uuid[], %s::uuid[], %s::text[])
ON CONFLICT (contact_id) DO NOTHING
"""


def keep_hashes(cursor: Cursor[DictRow], rows: Sequence[DictRow], *, hash_key: str) -> None:
    """Of removed rows of `contacts` (contact_id, workspace, number, call), keep hashes of those who were called."""
    called = [row for row in rows if row["call"] is not None]
    if called:
        hashes = [hash_number(hash_key, row["workspace"], row["number"]) for row in called]
        cursor.execute(_KEEP, ([r["contact_id"] for r in called], [r["workspace"] for r in called], hashes))


def keep_hash(tx: Transaction, contact_id: UUID, *, workspace: UUID, number: str) -> None:
    """The same for a test call, which has no contact at all: `contact_id` is its own."""
    tx.cursor.execute(_KEEP, ([contact_id], [workspace], [tx.hash_number(workspace, number)]))


def hashes_of(tx: Transaction, contact_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """Of contacts that are gone: their workspace, and the hash of their number."""
    if not contact_ids:
        return {}
    tx.cursor.execute(
        "SELECT contact_id, workspace, number_hash FROM gone_contacts WHERE contact_id = ANY(%s)", (list(contact_ids),)
    )
    return {row["contact_id"]: (row["workspace"], row["number_hash"]) for row in tx.cursor.fetchall()}


def forget(cursor: Cursor[DictRow], *, now: datetime) -> None:
    """Drop what was kept long enough."""
    cursor.execute("DELETE FROM gone_contacts WHERE gone_at < %s", (now - KEPT,))
