"""Erases a person, by number, from everything a workspace keeps.

What must stay true: when an erasure is done, nothing of the person is left in this service but the keyed hash of the
number (on the do-not-call list, if it was there), and call history has been told to forget. A call that is live ends
first; until then no permit is given for the number, so the wait is that of one call.

An erasure, in one deciding transaction:
1. the contacts with the number are removed from their campaigns, whatever the campaigns' status, and campaigns that
   have nobody left to call complete;
2. entries of the do-not-call list keep the hash and lose the number and the words;
3. the calls that frequency caps count are forgotten;
4. `PersonErased` tells call history, and the number goes.
Then, outside the lock: 5. stored answers and the rejected rows of files that hold the number's digits lose them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import phonenumbers
from psycopg.rows import DictRow

from campaign_command import gone_contacts
from campaign_command.contacts import complete_if_done, remove_contacts, row_of
from campaign_command.store import Store, Transaction, now_of
from campaign_command.workspaces import append, load_workspace
from campaign_events.facts import PersonErased

FINISH_BATCH = 100

_INSERT = """
INSERT INTO erasures (erasure_id, workspace, number, number_hash, requested_by, requested_at)
VALUES (%s, %s, %s, %s, %s, %s) RETURNING *
"""
_IS_LIVE = "SELECT 1 FROM live_calls WHERE workspace = %s AND number = %s"
_FINISHABLE = """
SELECT * FROM erasures e
WHERE number IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM live_calls l WHERE l.workspace = e.workspace AND l.number = e.number)
ORDER BY requested_at LIMIT %s
"""
_CONTACTS = """
SELECT c.*, g.deleted AS campaign_deleted FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE c.workspace = %s AND c.number = %s
"""
_ANONYMIZE_ENTRIES = """
UPDATE suppressions SET number = NULL, reason = NULL, lift_reason = NULL
WHERE workspace = %(workspace)s
  AND (number = %(number)s OR (number_hash = %(number_hash)s AND lifted_at IS NOT NULL))
RETURNING lifted_at IS NULL AS stands
"""
_DONE = """
UPDATE erasures SET number = NULL, done_at = %s, contacts = %s, on_do_not_call_list = %s, digits = %s
WHERE erasure_id = %s RETURNING *
"""
_UNSWEPT = "SELECT erasure_id, workspace, digits FROM erasures WHERE digits IS NOT NULL ORDER BY requested_at LIMIT %s"
_FORGET_ROWS = """
UPDATE import_rows r SET row_values = NULL FROM imports i
WHERE i.id = r.import_id AND i.workspace = %(workspace)s AND r.row_values IS NOT NULL
  AND regexp_replace(array_to_string(r.row_values, ' '), '[^0-9]', '', 'g') LIKE '%%' || %(digits)s || '%%'
"""
_FORGET_REJECTED = """
UPDATE suppression_lists SET first_rejected = '[]'
WHERE workspace = %(workspace)s
  AND regexp_replace(first_rejected::text, '[^0-9]', '', 'g') LIKE '%%' || %(digits)s || '%%'
"""
_ANSWERS = """
SELECT key, body FROM idempotency_keys
WHERE workspace = %(workspace)s
  AND regexp_replace(convert_from(body, 'UTF8'), '[^0-9]', '', 'g') LIKE '%%' || %(digits)s || '%%'
"""


def request_erasure(tx: Transaction, number: str, *, workspace: UUID, requested_by: str) -> dict[str, Any]:
    """Erase the person with this number (E.164) now, or, while a call to them is live, when it has ended."""
    waiting = tx.cursor.execute(
        "SELECT * FROM erasures WHERE workspace = %s AND number = %s", (workspace, number)
    ).fetchone()
    if waiting is not None:
        return answer(waiting)
    hashed = tx.hash_number(workspace, number)
    values = (uuid4(), workspace, number, hashed, requested_by, now_of(tx.cursor))
    row = tx.cursor.execute(_INSERT, values).fetchone()
    assert row is not None
    if tx.cursor.execute(_IS_LIVE, (workspace, number)).fetchone() is not None:
        return answer(row)
    return answer(_erase(tx, row))


def finish_erasures(tx: Transaction) -> int:
    """Carry out the erasures whose live call has ended. Returns how many."""
    rows = tx.cursor.execute(_FINISHABLE, (FINISH_BATCH,)).fetchall()
    for row in rows:
        _erase(tx, row)
    return len(rows)


def forget_words(store: Store) -> int:
    """Step 5, outside the append lock, for the erasures that have not had it. Returns how many there were."""
    with store.recorder.datastore.transaction(commit=True) as cursor:
        rows = cursor.execute(_UNSWEPT, (FINISH_BATCH,)).fetchall()
        for row in rows:
            cursor.execute(_FORGET_ROWS, row)
            cursor.execute(_FORGET_REJECTED, row)
            for stored in cursor.execute(_ANSWERS, row).fetchall():
                body = orjson.dumps(_without(orjson.loads(bytes(stored["body"])), row["digits"]))
                cursor.execute(
                    "UPDATE idempotency_keys SET body = %s WHERE workspace = %s AND key = %s",
                    (body, row["workspace"], stored["key"]),
                )
            cursor.execute("UPDATE erasures SET digits = NULL WHERE erasure_id = %s", (row["erasure_id"],))
    return len(rows)


def answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """An erasure as it is answered; nothing of the number."""
    return {
        "id": str(row["erasure_id"]),
        "state": "waiting_for_call" if row["number"] is not None else "done",
        "requested_by": row["requested_by"],
        "requested_at": _utc(row["requested_at"]),
        "done_at": _utc(row["done_at"]) if row["done_at"] else None,
        "contacts": row["contacts"],
        "on_do_not_call_list": row["on_do_not_call_list"],
    }


def _erase(tx: Transaction, erasure: DictRow) -> DictRow:
    workspace, number = erasure["workspace"], erasure["number"]
    now = now_of(tx.cursor)
    contacts = tx.cursor.execute(_CONTACTS, (workspace, number)).fetchall()
    _remove(tx, contacts, now)  # 1
    entries = tx.cursor.execute(_ANONYMIZE_ENTRIES, erasure).fetchall()  # 2
    tx.cursor.execute(  # 3
        "DELETE FROM counted_calls WHERE workspace = %s AND number_hash = %s",
        (workspace, bytes.fromhex(erasure["number_hash"])),
    )
    fact = PersonErased(  # 4
        at=now,
        workspace=workspace,
        erasure_id=erasure["erasure_id"],
        number_hash=erasure["number_hash"],
        contact_ids=tuple(contact["contact_id"] for contact in contacts),
    )
    append(tx, load_workspace(tx.cursor, workspace), [fact])
    stands = any(entry["stands"] for entry in entries)
    values = (now, len(contacts), stands, _national_digits(number), erasure["erasure_id"])
    row = tx.cursor.execute(_DONE, values).fetchone()
    assert row is not None
    return row


def _remove(tx: Transaction, contacts: Sequence[DictRow], now: datetime) -> None:
    """Nothing follows a campaign's deletion: contacts of a deleted one, to be purged anyway, go without a fact."""
    gone_contacts.keep_hashes(tx.cursor, contacts, hash_key=tx.hash_key)
    purged = [contact["contact_id"] for contact in contacts if contact["campaign_deleted"]]
    tx.cursor.execute("DELETE FROM contacts WHERE contact_id = ANY(%s)", (purged,))
    for contact in contacts:
        if contact["campaign_deleted"]:
            continue
        campaign = tx.campaign(contact["campaign_id"])
        assert campaign is not None
        remove_contacts(tx, campaign, [row_of(contact)], now=now)
        complete_if_done(tx, campaign.campaign_id)


def _national_digits(number: str) -> str:
    """What all ways of writing the number have in common."""
    return str(phonenumbers.parse(number).national_number)


def _without(value: Any, digits: str) -> Any:
    if isinstance(value, dict):
        return {
            name: None if name == "number" and _is_it(member, digits) else _without(member, digits)
            for name, member in value.items()
        }
    return [_without(member, digits) for member in value] if isinstance(value, list) else value


def _is_it(value: Any, digits: str) -> bool:
    return isinstance(value, str) and digits in "".join(filter(str.isdigit, value))


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
