"""The workspace's do-not-call list. What must stay true: an entry stops every dial that is not yet permitted, and every
contact that waits with the number becomes do_not_call in the same transaction.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from campaign_command.campaign import Campaign
from campaign_command.contact import Contact, ContactStreamFact, opt_out
from campaign_command.contacts import complete_if_done, row_of, save
from campaign_command.store import Transaction
from campaign_events.facts import NumberSuppressed, SuppressionLifted

Source = Literal["agent", "api", "list", "inbound", "network"]

_WAITING_WITH_NUMBER = """
SELECT c.*, g.max_attempts
FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE c.workspace = %(workspace)s AND c.number = ANY(%(numbers)s)
  AND c.status IN ('pending', 'rescheduled', 'no_answer', 'voicemail')
  AND NOT g.deleted AND g.status IN ('draft', 'running', 'paused')
  AND (%(scope)s::uuid IS NULL OR c.campaign_id = %(scope)s)
ORDER BY c.seq
"""
_WAITING_SUPPRESSED = """
SELECT c.*
FROM contacts c
WHERE c.campaign_id = %(campaign)s AND c.status IN ('pending', 'rescheduled', 'no_answer', 'voicemail')
  AND EXISTS (
      SELECT 1 FROM suppressions s
      WHERE s.workspace = c.workspace AND s.number = c.number AND s.lifted_at IS NULL
        AND (s.scope IS NULL OR s.scope = c.campaign_id) AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
  )
ORDER BY c.seq
"""
_INSERT = """
INSERT INTO suppressions (suppression_id, workspace, number, number_hash, scope, source, reason, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_STANDING = """
SELECT number, suppression_id, version,
       (expires_at IS NULL OR expires_at >= %(expires_at)s::timestamptz) IS TRUE AS lasts
FROM suppressions
WHERE workspace = %(workspace)s AND number = ANY(%(numbers)s) AND lifted_at IS NULL
  AND scope IS NOT DISTINCT FROM %(scope)s
"""
_PROLONG = """
UPDATE suppressions SET version = version + 1, source = %s, reason = %s, expires_at = %s WHERE suppression_id = %s
"""


def hash_number(key: str, workspace: UUID, number: str) -> str:
    """The keyed hash that stands for a number in facts: HMAC-SHA-256, hex; differs between workspaces."""
    return hmac.new(key.encode(), f"{workspace}:{number}".encode(), hashlib.sha256).hexdigest()


def suppress(
    tx: Transaction,
    numbers: Collection[str],
    *,
    workspace: UUID,
    source: Source,
    hash_key: str,
    now: datetime,
    scope: UUID | None = None,
    reason: str | None = None,
    expires_at: datetime | None = None,
) -> dict[str, UUID]:
    """Put numbers on the list and opt out whoever waits with them.

    An entry that stands there already and lasts as long stays as it is; one that ends earlier, or has, is prolonged.
    Returns the entry of each number. Completes campaigns whose last open contact this closes.
    """
    wanted = list(dict.fromkeys(numbers))
    values = {"workspace": workspace, "numbers": wanted, "scope": scope, "expires_at": expires_at}
    standing = {row["number"]: row for row in tx.cursor.execute(_STANDING, values).fetchall()}
    entries: dict[str, UUID] = {number: row["suppression_id"] for number, row in standing.items()}
    versions = {row["suppression_id"]: row["version"] for row in standing.values()}
    facts, rows, prolonged = [], [], []
    for number in wanted:
        if number in standing and standing[number]["lasts"]:
            continue
        entries.setdefault(number, uuid4())
        hashed = hash_number(hash_key, workspace, number)
        facts.append(
            NumberSuppressed(
                at=now,
                workspace=workspace,
                suppression_id=entries[number],
                number_hash=hashed,
                scope=scope,
                source=source,
                expires_at=expires_at,
            )
        )
        if number in standing:
            prolonged.append((source, reason, expires_at, entries[number]))
        else:
            rows.append((entries[number], workspace, number, hashed, scope, source, reason, now, expires_at))
    tx.append(facts, workspace=workspace, versions=versions)
    if rows:
        tx.cursor.executemany(_INSERT, rows)
    if prolonged:
        tx.cursor.executemany(_PROLONG, prolonged)
    _opt_out_waiting(tx, wanted, workspace=workspace, scope=scope, now=now)
    return entries


def lift(tx: Transaction, suppression_id: UUID, *, workspace: UUID, now: datetime, reason: str | None) -> bool:
    """Take an entry off the list; contacts keep what they have become. False if there is no such standing entry."""
    row = tx.cursor.execute(
        "UPDATE suppressions SET lifted_at = %s, number = NULL"
        " WHERE suppression_id = %s AND workspace = %s AND lifted_at IS NULL RETURNING number_hash, scope, version",
        (now, suppression_id, workspace),
    ).fetchone()
    if row is None:
        return False
    fact = SuppressionLifted(
        at=now,
        workspace=workspace,
        suppression_id=suppression_id,
        number_hash=row["number_hash"],
        scope=row["scope"],
        reason=reason,
    )
    tx.append([fact], workspace=workspace, versions={suppression_id: row["version"]})
    return True


def opt_out_reopened(tx: Transaction, campaign: Campaign, *, now: datetime) -> None:
    """More attempts reopen spent contacts: those whose number was suppressed meanwhile become do_not_call."""
    tx.cursor.execute(_WAITING_SUPPRESSED, {"campaign": campaign.campaign_id})
    contacts = [row_of(row).contact for row in tx.cursor.fetchall()]
    most = campaign.settings.limits.max_attempts
    decided = [(contact, opt_out(contact, max_attempts=most, reason="suppressed", now=now)) for contact in contacts]
    save(tx, decided, workspace=campaign.workspace)


def _opt_out_waiting(
    tx: Transaction, numbers: Collection[str], *, workspace: UUID, scope: UUID | None, now: datetime
) -> None:
    tx.cursor.execute(_WAITING_WITH_NUMBER, {"workspace": workspace, "numbers": list(numbers), "scope": scope})
    decided: dict[UUID, list[tuple[Contact, list[ContactStreamFact]]]] = defaultdict(list)
    for row in tx.cursor.fetchall():
        contact = row_of(row).contact
        facts = opt_out(contact, max_attempts=row["max_attempts"], reason="asked", now=now)
        if facts:
            decided[contact.campaign_id].append((contact, facts))
    for campaign_id, contacts in decided.items():
        save(tx, contacts, workspace=workspace)
        complete_if_done(tx, campaign_id)
