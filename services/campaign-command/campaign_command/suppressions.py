"""The workspace's do-not-call list: writes entries, takes them off, and reaches whoever waits.

What must stay true: an entry stops every dial that is not yet permitted. Every contact that waits with its number
becomes do_not_call in the same transaction; where there are too many for one (a wildcard), or the number has to be
found by its hash, the entry stays *unswept* and housekeeping goes on, while permits refuse them already.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg.rows import DictRow

from campaign_command.campaign import Campaign, Refused
from campaign_command.contact import Contact, ContactStreamFact, opt_out
from campaign_command.contacts import complete_if_done, row_of, save
from campaign_command.do_not_call import Source, free_listed, pattern_of, reason_of
from campaign_command.store import Store, Transaction, now_of
from campaign_command.suppressed import MAX_WILDCARDS, suppressed_numbers
from campaign_events.facts import NumberSuppressed, SuppressionLifted

SWEEP_BATCH = 2000
"""Contacts that one transaction turns into do_not_call: others want the append lock too."""

_WAITING = """
SELECT c.*, g.max_attempts
FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE c.workspace = %(workspace)s
  AND c.status IN ('pending', 'rescheduled', 'no_answer', 'voicemail')
  AND NOT g.deleted AND g.status IN ('draft', 'running', 'paused')
  AND (%(scope)s::uuid IS NULL OR c.campaign_id = %(scope)s)
"""
# As `contact.is_waiting` has it, so that a batch is not filled with contacts that nothing calls any more.
_STILL_TRIED = """
  AND (c.status IN ('pending', 'rescheduled') OR c.due_at IS NOT NULL)
  AND c.attempt < g.max_attempts + CASE WHEN c.status = 'rescheduled' THEN 1 ELSE 0 END
"""
_WITH_NUMBER = _WAITING + " AND c.number = ANY(%(numbers)s) ORDER BY c.seq"
_WITH_BEGINNING = _WAITING + _STILL_TRIED + " AND c.number LIKE %(pattern)s LIMIT %(limit)s"
_WAITING_SUPPRESSED = """
SELECT c.* FROM contacts c
WHERE c.campaign_id = %(campaign)s AND c.status IN ('pending', 'rescheduled', 'no_answer', 'voicemail')
  AND EXISTS (
      SELECT 1 FROM suppressions s
      WHERE s.workspace = c.workspace AND s.lifted_at IS NULL
        AND (s.number = c.number OR (s.prefix IS NOT NULL AND starts_with(c.number, s.prefix)))
        AND (s.scope IS NULL OR s.scope = c.campaign_id) AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
  )
ORDER BY c.seq
"""
_COPY = """
COPY suppressions (suppression_id, workspace, number, prefix, number_hash, scope, source, list_id, reason, created_at,
                   expires_at, unswept)
FROM STDIN
"""
_STANDING = """
SELECT number, number_hash, suppression_id, version,
       (expires_at IS NULL OR expires_at >= %(expires_at)s::timestamptz) IS TRUE AS lasts
FROM suppressions
WHERE workspace = %(workspace)s AND lifted_at IS NULL
  AND scope IS NOT DISTINCT FROM %(scope)s AND list_id IS NOT DISTINCT FROM %(list)s
"""
_STANDING_NUMBERS = _STANDING + " AND number = ANY(%(numbers)s)"
_STANDING_HASHES = _STANDING + " AND number_hash = ANY(%(hashes)s)"
_PROLONG = """
UPDATE suppressions SET version = version + 1, source = %s, reason = %s, expires_at = %s, unswept = %s
WHERE suppression_id = %s
"""
_LIFT = """
UPDATE suppressions SET lifted_at = %s, lifted_by = %s, lift_reason = %s, number = NULL, prefix = NULL, unswept = false
WHERE suppression_id = ANY(%s)
"""
_LISTED = """
SELECT c.* FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE c.workspace = %(workspace)s AND c.status = 'do_not_call' AND c.reason = 'list'
  AND NOT g.deleted AND g.status IN ('draft', 'paused')
  AND c.number = ANY(%(numbers)s) AND (%(scope)s::uuid IS NULL OR c.campaign_id = %(scope)s)
"""
# HMAC as RFC 2104 has it; the two keys are blocks of 64 bytes.
_NUMBERS_WITH_HASH = """
SELECT DISTINCT c.number FROM contacts c
WHERE c.workspace = %(workspace)s AND c.status IN ('pending', 'rescheduled', 'no_answer', 'voicemail')
  AND encode(
      sha256(%(outer)s || sha256(%(inner)s || convert_to(%(workspace)s::text || ':' || c.number, 'UTF8'))), 'hex'
  ) = %(number_hash)s
"""
_NEXT_UNSWEPT = "SELECT * FROM suppressions WHERE unswept AND lifted_at IS NULL ORDER BY suppression_id LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is said of every number that is put on the list together."""

    source: Source
    scope: UUID | None = None
    list_id: UUID | None = None
    reason: str | None = None
    expires_at: datetime | None = None


def suppress(
    tx: Transaction,
    numbers: Collection[str],
    *,
    workspace: UUID,
    source: Source,
    now: datetime,
    wildcards: Collection[str] = (),
    scope: UUID | None = None,
    list_id: UUID | None = None,
    reason: str | None = None,
    expires_at: datetime | None = None,
) -> dict[str, UUID]:
    """Put numbers, and beginnings of numbers (`+1900`), on the list and opt out whoever waits with them.

    An entry that stands there already and lasts as long stays as it is; one that ends earlier, or has, is prolonged.
    Returns the entry of each number, and of each wildcard as `+1900*`. Completes campaigns whose last open contact this
    closes. Refused when the workspace would have too many wildcards.
    """
    entry = Entry(source=source, scope=scope, list_id=list_id, reason=reason, expires_at=expires_at)
    prefixes = {pattern_of(prefix): prefix for prefix in wildcards}
    wanted = [*dict.fromkeys(numbers), *prefixes]
    if prefixes and (left := wildcards_left(tx, workspace, but_not=prefixes)) < 0:
        raise Refused(
            "too_many_wildcards",
            f"A workspace may have {MAX_WILDCARDS} wildcards; lift some, or name wider ones.",
            limit=MAX_WILDCARDS,
            above=-left,
        )
    hashes = {text: tx.hash_number(workspace, text) for text in wanted}
    tx.cursor.execute(_STANDING_NUMBERS, _values(workspace, entry) | {"numbers": wanted})
    standing = {row["number"]: row for row in tx.cursor.fetchall()}
    entries = _write(tx, hashes, standing, entry, workspace=workspace, prefixes=prefixes, now=now)
    tx.cursor.execute(_WITH_NUMBER, {"workspace": workspace, "numbers": list(numbers), "scope": scope})
    _opt_out(tx, tx.cursor.fetchall(), workspace=workspace, source=source, now=now)
    for pattern in prefixes:
        _sweep_prefix(tx, entries[pattern], prefixes[pattern], workspace=workspace, entry=entry, now=now)
    return entries


def suppress_hashes(
    tx: Transaction,
    hashes: Collection[str],
    *,
    workspace: UUID,
    source: Source,
    now: datetime,
    scope: UUID | None = None,
    expires_at: datetime | None = None,
) -> dict[str, UUID]:
    """Put numbers on the list of which only the keyed hash is left. Housekeeping looks for contacts that wait."""
    entry = Entry(source=source, scope=scope, expires_at=expires_at)
    wanted = {hashed: hashed for hashed in hashes}
    tx.cursor.execute(_STANDING_HASHES, _values(workspace, entry) | {"hashes": list(wanted)})
    standing = {row["number_hash"]: row for row in tx.cursor.fetchall()}
    return _write(tx, wanted, standing, entry, workspace=workspace, prefixes=None, now=now)


def lift(
    tx: Transaction, suppression_id: UUID, *, workspace: UUID, now: datetime, reason: str | None, by: str | None = None
) -> bool:
    """Take an entry off the list. False if there is no such standing entry."""
    row = tx.cursor.execute(
        "SELECT * FROM suppressions WHERE suppression_id = %s AND workspace = %s AND lifted_at IS NULL",
        (suppression_id, workspace),
    ).fetchone()
    if row is None:
        return False
    lift_entries(tx, [row], workspace=workspace, now=now, reason=reason, by=by)
    return True


def lift_entries(
    tx: Transaction, rows: Sequence[DictRow], *, workspace: UUID, now: datetime, reason: str | None, by: str | None
) -> None:
    """Take standing entries off the list. Contacts keep what they have become, but for those that only lists named."""
    facts = [
        SuppressionLifted(
            at=now,
            workspace=workspace,
            suppression_id=row["suppression_id"],
            number_hash=row["number_hash"],
            scope=row["scope"],
            reason=reason,
            list_id=row["list_id"],
        )
        for row in rows
    ]
    tx.append(facts, workspace=workspace, versions={row["suppression_id"]: row["version"] for row in rows})
    tx.cursor.execute(_LIFT, (now, by, reason, [row["suppression_id"] for row in rows]))
    for scope in {row["scope"] for row in rows if row["source"] == "list"}:
        listed = [row["number"] for row in rows if row["source"] == "list" and row["scope"] == scope]
        numbers = [number for number in listed if number is not None]  # of an erased person only the hash is left
        _free(tx, numbers, workspace=workspace, scope=scope, now=now)


def opt_out_reopened(tx: Transaction, campaign: Campaign, *, now: datetime) -> None:
    """More attempts reopen spent contacts: those whose number was suppressed meanwhile become do_not_call."""
    tx.cursor.execute(_WAITING_SUPPRESSED, {"campaign": campaign.campaign_id})
    contacts = [row_of(row).contact for row in tx.cursor.fetchall()]
    most = campaign.settings.limits.max_attempts
    decided = [(contact, opt_out(contact, max_attempts=most, reason="suppressed", now=now)) for contact in contacts]
    save(tx, decided, workspace=campaign.workspace)
    # Those with nothing but a hash have to be looked for.
    tx.cursor.execute(
        "UPDATE suppressions SET unswept = true WHERE workspace = %s AND number IS NULL AND lifted_at IS NULL",
        (campaign.workspace,),
    )


def wildcards_left(tx: Transaction, workspace: UUID, *, but_not: Collection[str] = ()) -> int:
    """How many more wildcards the workspace may have beside these; negative when they are too many."""
    row = tx.cursor.execute(
        "SELECT count(*) FILTER (WHERE NOT number = ANY(%s)) AS others FROM suppressions"
        " WHERE workspace = %s AND prefix IS NOT NULL AND lifted_at IS NULL",
        (list(but_not), workspace),
    ).fetchone()
    assert row is not None
    return MAX_WILDCARDS - int(row["others"]) - len(but_not)


def sweep(store: Store) -> int:
    """Go on with one unswept entry, one batch of contacts. Returns 0 when no entry is left."""
    row = store.read(lambda cursor: cursor.execute(_NEXT_UNSWEPT).fetchone())
    if row is None:
        return 0
    # Outside the lock, since it looks at every contact that waits; who is added meanwhile is looked up by hash.
    numbers = _find_numbers(store, row) if row["number"] is None else []
    store.transact(lambda tx: _sweep_again(tx, row, numbers))
    return 1


def _values(workspace: UUID, entry: Entry) -> dict[str, object]:
    return {"workspace": workspace, "scope": entry.scope, "list": entry.list_id, "expires_at": entry.expires_at}


def _write(
    tx: Transaction,
    hashes: Mapping[str, str],
    standing: Mapping[str, DictRow],
    entry: Entry,
    *,
    workspace: UUID,
    prefixes: Mapping[str, str] | None,
    now: datetime,
) -> dict[str, UUID]:
    """Facts and rows of what does not stand there yet, or not for as long. Without `prefixes` only hashes are known."""
    entries: dict[str, UUID] = {text: row["suppression_id"] for text, row in standing.items()}
    versions = {row["suppression_id"]: row["version"] for row in standing.values()}
    facts, rows, prolonged = [], [], []
    for text, hashed in hashes.items():
        if text in standing and standing[text]["lasts"]:
            continue
        entries.setdefault(text, uuid4())
        prefix = prefixes.get(text) if prefixes is not None else None
        unswept = prefix is not None or prefixes is None
        facts.append(
            NumberSuppressed(
                at=now,
                workspace=workspace,
                suppression_id=entries[text],
                number_hash=hashed,
                scope=entry.scope,
                source=entry.source,
                expires_at=entry.expires_at,
                list_id=entry.list_id,
                wildcard=prefix is not None,
            )
        )
        if text in standing:
            prolonged.append((entry.source, entry.reason, entry.expires_at, unswept, entries[text]))
        else:
            number = text if prefixes is not None else None
            what = (entries[text], workspace, number, prefix, hashed, entry.scope, entry.source, entry.list_id)
            rows.append((*what, entry.reason, now, entry.expires_at, unswept))
    tx.append(facts, workspace=workspace, versions=versions)
    if rows:
        with tx.cursor.copy(_COPY) as copy:
            for values in rows:
                copy.write_row(values)
    if prolonged:
        tx.cursor.executemany(_PROLONG, prolonged)
    return entries


def _opt_out(tx: Transaction, rows: Sequence[DictRow], *, workspace: UUID, source: Source, now: datetime) -> None:
    decided: dict[UUID, list[tuple[Contact, list[ContactStreamFact]]]] = defaultdict(list)
    for row in rows:
        contact = row_of(row).contact
        facts = opt_out(contact, max_attempts=row["max_attempts"], reason=reason_of(source), now=now)
        if facts:
            decided[contact.campaign_id].append((contact, facts))
    for campaign_id, contacts in decided.items():
        save(tx, contacts, workspace=workspace)
        complete_if_done(tx, campaign_id)


def _sweep_prefix(
    tx: Transaction, suppression_id: UUID, prefix: str, *, workspace: UUID, entry: Entry, now: datetime
) -> None:
    values = {"workspace": workspace, "scope": entry.scope, "pattern": f"{prefix}%", "limit": SWEEP_BATCH}
    tx.cursor.execute(_WITH_BEGINNING, values)
    rows = tx.cursor.fetchall()
    _opt_out(tx, rows, workspace=workspace, source=entry.source, now=now)
    if len(rows) < SWEEP_BATCH:
        _is_swept(tx, suppression_id)


def _sweep_again(tx: Transaction, row: DictRow, numbers: Sequence[str]) -> None:
    suppression_id, workspace, scope, now = row["suppression_id"], row["workspace"], row["scope"], now_of(tx.cursor)
    tx.cursor.execute("SELECT 1 FROM suppressions WHERE suppression_id = %s AND unswept", (suppression_id,))
    if tx.cursor.fetchone() is None:  # lifted meanwhile
        return
    if row["expires_at"] is not None and row["expires_at"] <= now:
        _is_swept(tx, suppression_id)
    elif row["prefix"] is not None:
        entry = Entry(source=row["source"], scope=scope)
        _sweep_prefix(tx, suppression_id, row["prefix"], workspace=workspace, entry=entry, now=now)
    else:
        tx.cursor.execute(_WITH_NUMBER, {"workspace": workspace, "numbers": list(numbers), "scope": scope})
        _opt_out(tx, tx.cursor.fetchall(), workspace=workspace, source=row["source"], now=now)
        _is_swept(tx, suppression_id)


def _is_swept(tx: Transaction, suppression_id: UUID) -> None:
    tx.cursor.execute("UPDATE suppressions SET unswept = false WHERE suppression_id = %s", (suppression_id,))


def _find_numbers(store: Store, row: DictRow) -> list[str]:
    key = store.hash_key.encode()
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    values = {
        "workspace": row["workspace"],
        "number_hash": row["number_hash"],
        "inner": bytes(byte ^ 0x36 for byte in block),
        "outer": bytes(byte ^ 0x5C for byte in block),
    }
    rows = store.read(lambda cursor: cursor.execute(_NUMBERS_WITH_HASH, values).fetchall())
    return [found["number"] for found in rows]


def _free(tx: Transaction, numbers: Sequence[str], *, workspace: UUID, scope: UUID | None, now: datetime) -> None:
    """Contacts that only the list kept from being called wait again."""
    tx.cursor.execute(_LISTED, {"workspace": workspace, "numbers": list(numbers), "scope": scope})
    rows = [row_of(row) for row in tx.cursor.fetchall()]
    for campaign_id in {row.contact.campaign_id for row in rows}:
        campaign = tx.campaign(campaign_id)
        assert campaign is not None
        mine = [row for row in rows if row.contact.campaign_id == campaign_id]
        still = suppressed_numbers(tx, campaign, [row.number for row in mine])
        decided = [(row.contact, free_listed(row.contact, now=now)) for row in mine if row.number not in still]
        save(tx, decided, workspace=workspace)
