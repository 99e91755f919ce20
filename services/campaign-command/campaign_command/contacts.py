"""The rows beside the facts: contacts (snapshot and details) and campaigns, written in the transaction of the facts.

What must stay true: the snapshot of each contact equals the fold of its facts, so it is only ever written by `save`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import Campaign, Complete, decide, ends_at, evolve, require_editable
from campaign_command.contact import DO_NOT_CALL, NO_ANSWER, PENDING, VOICEMAIL, Contact, ContactStreamFact, LastCall
from campaign_command.contact import evolve as evolve_contact
from campaign_command.store import Transaction, contact_list_stream, now_of
from campaign_events.facts import ContactsAdded, ContactsRemoved
from campaign_events.settings import ContactStatus

MAX_CHUNK = 1000
DETAILS = ("first_name", "last_name", "name", "email", "external_id", "consent_basis", "consent_at", "consent_source")

_OPEN = """
SELECT EXISTS (
    SELECT 1 FROM contacts
    WHERE campaign_id = %(campaign)s
      AND (status = 'in_progress' OR (callable AND (status IN ('pending', 'rescheduled')
           OR (status IN ('no_answer', 'voicemail') AND due_at IS NOT NULL))))
      AND (status = 'in_progress' OR attempt < %(max)s OR (status = 'rescheduled' AND attempt <= %(max)s))
) AS is_open
"""
_SAVE = """
UPDATE contacts
SET version = %(version)s, status = %(status)s, attempt = %(attempt)s, reason = %(reason)s, due_at = %(due_at)s,
    tries = %(tries)s, callable = %(callable)s, not_callable_reason = %(not_callable_reason)s,
    reached_by = %(reached_by)s, call = %(call)s, time_zones = %(time_zones)s
WHERE contact_id = %(contact_id)s AND version = %(before)s
"""
_COUNT = """
SELECT count(*) AS total,
       count(*) FILTER (WHERE status = 'pending' AND callable) AS callable,
       count(*) FILTER (WHERE status = 'do_not_call') AS do_not_call,
       count(*) FILTER (WHERE NOT callable) AS not_callable
FROM contacts WHERE campaign_id = %s
"""
_COPY = """
COPY contacts (contact_id, workspace, campaign_id, number, first_name, last_name, name, email, external_id,
               consent_basis, consent_at, consent_source, variables, time_zones, zone_source, status, reason)
FROM STDIN
"""
# One look into the index a number, whatever the planner believes of a table that has just begun to grow.
_KNOWN = """
SELECT n.number, c.contact_id, c.status FROM unnest(%(numbers)s::text[]) AS n (number)
CROSS JOIN LATERAL (
    SELECT contact_id, status FROM contacts WHERE campaign_id = %(campaign)s AND number = n.number LIMIT 1
) AS c
"""
_SUPPRESSED = """
SELECT DISTINCT n.number
FROM unnest(%(numbers)s::text[]) AS n (number)
JOIN suppressions s ON s.workspace = %(workspace)s AND s.number = n.number AND s.lifted_at IS NULL
WHERE (s.scope IS NULL OR s.scope = %(campaign)s) AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
"""


class Conflict(Exception):
    """A contact's row was not at the version that was decided on: a bug, since the append lock is held."""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact with what the topics never carry."""

    contact: Contact
    workspace: UUID
    number: str
    details: Mapping[str, str | None]
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContact:
    """Somebody to be added. `number` is E.164; `time_zones` are candidates, and `zone_source` says where from."""

    number: str
    time_zones: tuple[str, ...]
    zone_source: Literal["contact", "number", "country"]
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    email: str | None = None
    external_id: str | None = None
    consent_basis: str | None = None
    consent_at: str | None = None
    consent_source: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one new contact: its id, or that of the contact that has the number already."""

    result: Literal["accepted", "duplicate"]
    contact_id: UUID
    status: ContactStatus


def load(cursor: Cursor[DictRow], contact_ids: Iterable[UUID]) -> dict[UUID, ContactRow]:
    """The contacts with these ids that exist."""
    cursor.execute("SELECT * FROM contacts WHERE contact_id = ANY(%s)", (list(contact_ids),), prepare=True)
    return {row["contact_id"]: row_of(row) for row in cursor.fetchall()}


def row_of(row: DictRow) -> ContactRow:
    """A row of the table as its snapshot and details."""
    return ContactRow(
        contact=Contact(
            contact_id=row["contact_id"],
            campaign_id=row["campaign_id"],
            time_zones=tuple(row["time_zones"]),
            version=row["version"],
            status=ContactStatus(row["status"]),
            attempt=row["attempt"],
            reason=row["reason"],
            due_at=row["due_at"],
            tries=row["tries"],
            callable=row["callable"],
            not_callable_reason=row["not_callable_reason"],
            reached_by=row["reached_by"],
            call=_call_of(row["call"]) if row["call"] else None,
        ),
        workspace=row["workspace"],
        number=row["number"],
        details={name: row[name] for name in DETAILS},
        variables=row["variables"],
    )


def save(
    tx: Transaction,
    decided: Sequence[tuple[Contact, Sequence[ContactStreamFact]]],
    *,
    workspace: UUID,
    causes: Mapping[UUID, str] | None = None,
) -> dict[UUID, Contact]:
    """Append the facts decided on contacts and write their snapshots. Returns the contacts after."""
    facts = [fact for _, contact_facts in decided for fact in contact_facts]
    if not facts:
        return {}
    before = {contact.contact_id: contact for contact, _ in decided}
    after = dict(before)
    for fact in facts:
        after[fact.contact_id] = evolve_contact(after[fact.contact_id], fact)
    versions = {contact_id: contact.version for contact_id, contact in before.items()}
    tx.append(facts, workspace=workspace, versions=versions, causes=causes)
    changed = [contact for contact_id, contact in after.items() if contact.version != versions[contact_id]]
    tx.cursor.executemany(_SAVE, [_columns(contact) | {"before": versions[contact.contact_id]} for contact in changed])
    if tx.cursor.rowcount != len(changed):
        raise Conflict(f"{len(changed)} contacts decided, {tx.cursor.rowcount} at the expected version")
    return after


def add_contacts(
    tx: Transaction,
    campaign_id: UUID,
    new: Sequence[NewContact],
    *,
    now: datetime,
    workspace: UUID | None = None,
    import_id: UUID | None = None,
) -> list[Added]:
    """Add up to 1,000 contacts to a Draft or Paused campaign; one answer each, in order.

    A number that the campaign has already, or that came earlier in `new`, answers duplicate and changes nothing. A
    suppressed number is added as do_not_call, so that the user sees why it won't be called.
    """
    assert len(new) <= MAX_CHUNK, "callers cut into chunks"
    campaign = require_editable(tx.campaign(campaign_id, workspace=workspace))
    numbers = [contact.number for contact in new]
    tx.cursor.execute(_KNOWN, {"numbers": numbers, "campaign": campaign_id}, prepare=False)
    known = {row["number"]: (row["contact_id"], ContactStatus(row["status"])) for row in tx.cursor.fetchall()}
    suppressed = suppressed_numbers(tx.cursor, campaign, numbers)
    answers: list[Added] = []
    fresh: list[tuple[UUID, ContactStatus, NewContact]] = []
    for contact in new:
        if contact.number in known:
            contact_id, status = known[contact.number]
            answers.append(Added("duplicate", contact_id, status))
            continue
        contact_id, status = uuid4(), DO_NOT_CALL if contact.number in suppressed else PENDING
        known[contact.number] = contact_id, status
        fresh.append((contact_id, status, contact))
        answers.append(Added("accepted", contact_id, status))
    if fresh:
        _append_chunk(tx, campaign, fresh, now=now, import_id=import_id)
    return answers


def remove_contacts(tx: Transaction, campaign: Campaign, rows: Sequence[ContactRow], *, now: datetime) -> None:
    """Remove contacts that are not in progress (the caller has checked) from an editable campaign."""
    ids = [row.contact.contact_id for row in rows]
    counts = Counter(row.contact.status for row in rows)
    retries = Counter(
        row.contact.attempt
        for row in rows
        if row.contact.status in (NO_ANSWER, VOICEMAIL) and row.contact.due_at is not None
    )
    fact = ContactsRemoved(
        at=now,
        campaign_id=campaign.campaign_id,
        contact_ids=tuple(ids),
        counts=dict(counts),
        reached=sum(row.contact.reached_by is not None for row in rows),
        retries=dict(retries),
    )
    _append_to_list(tx, campaign, fact)
    tx.cursor.execute("DELETE FROM contacts WHERE contact_id = ANY(%s)", (ids,))


def count(cursor: Cursor[DictRow], campaign_id: UUID) -> tuple[int, int, dict[str, int]]:
    """Total, callable, and why the others can't be called."""
    row = cursor.execute(_COUNT, (campaign_id,)).fetchone()
    assert row is not None
    return row["total"], row["callable"], {name: row[name] for name in ("do_not_call", "not_callable") if row[name]}


def suppressed_numbers(cursor: Cursor[DictRow], campaign: Campaign, numbers: Sequence[str]) -> set[str]:
    """Which of these numbers must not be called in this campaign now."""
    cursor.execute(
        _SUPPRESSED, {"numbers": list(numbers), "workspace": campaign.workspace, "campaign": campaign.campaign_id}
    )
    return {row["number"] for row in cursor.fetchall()}


def complete_if_done(tx: Transaction, campaign_id: UUID) -> None:
    """End an outbound campaign whose last open contact has closed: after the contact facts, in their transaction."""
    campaign = tx.campaign(campaign_id)
    if campaign is None or campaign.status != "running" or campaign.settings.type != "outbound" or campaign.deleted:
        return
    values = {"campaign": campaign_id, "max": campaign.settings.limits.max_attempts}
    row = tx.cursor.execute(_OPEN, values, prepare=True).fetchone()
    assert row is not None
    if row["is_open"]:
        return
    facts = decide(campaign, Complete(), now_of(tx.cursor))
    tx.append(facts, workspace=campaign.workspace, versions={campaign_id: campaign.version})
    for fact in facts:
        campaign = evolve(campaign, fact)
    save_campaign(tx.cursor, campaign)


def save_campaign(cursor: Cursor[DictRow], campaign: Campaign) -> None:
    """Write the row of a campaign; its last position is kept by the append."""
    cursor.execute(
        "UPDATE campaigns SET status = %s, max_attempts = %s, ends_at = %s, deleted = %s WHERE campaign_id = %s",
        (
            campaign.status,
            campaign.settings.limits.max_attempts,
            ends_at(campaign.settings),
            campaign.deleted,
            campaign.campaign_id,
        ),
    )


def _append_chunk(
    tx: Transaction,
    campaign: Campaign,
    fresh: Sequence[tuple[UUID, ContactStatus, NewContact]],
    *,
    now: datetime,
    import_id: UUID | None,
) -> None:
    zone_lists = list(dict.fromkeys(contact.time_zones for _, _, contact in fresh))
    place = {zones: index for index, zones in enumerate(zone_lists)}
    do_not_call = tuple(contact_id for contact_id, status, _ in fresh if status is DO_NOT_CALL)
    # External ids may be personal (a CRM key is often an e-mail address): they stay here.
    fact = ContactsAdded(
        at=now,
        campaign_id=campaign.campaign_id,
        contact_ids=tuple(contact_id for contact_id, _, _ in fresh),
        zone_lists=tuple(zone_lists),
        zone_index=tuple(place[contact.time_zones] for _, _, contact in fresh),
        do_not_call=do_not_call,
        pending_count=len(fresh) - len(do_not_call),
        do_not_call_count=len(do_not_call),
        import_id=import_id,
    )
    _append_to_list(tx, campaign, fact)
    with tx.cursor.copy(_COPY) as copy:
        for contact_id, status, contact in fresh:
            copy.write_row(
                (
                    contact_id,
                    campaign.workspace,
                    campaign.campaign_id,
                    contact.number,
                    *(getattr(contact, name) for name in DETAILS),
                    orjson.dumps(dict(contact.variables)).decode(),
                    list(contact.time_zones),
                    contact.zone_source,
                    str(status),
                    "suppressed" if status is DO_NOT_CALL else None,
                )
            )


def _append_to_list(tx: Transaction, campaign: Campaign, fact: ContactsAdded | ContactsRemoved) -> None:
    row = tx.cursor.execute(
        "UPDATE campaigns SET list_version = list_version + 1 WHERE campaign_id = %s"
        " RETURNING list_version - 1 AS before",
        (campaign.campaign_id,),
    ).fetchone()
    assert row is not None
    tx.append([fact], workspace=campaign.workspace, versions={contact_list_stream(campaign.campaign_id): row["before"]})


def _columns(contact: Contact) -> dict[str, Any]:
    return {
        "contact_id": contact.contact_id,
        "version": contact.version,
        "status": str(contact.status),
        "attempt": contact.attempt,
        "reason": str(contact.reason) if contact.reason is not None else None,
        "due_at": contact.due_at,
        "tries": orjson.dumps({str(key): value for key, value in contact.tries.items()}).decode(),
        "callable": contact.callable,
        "not_callable_reason": contact.not_callable_reason,
        "reached_by": contact.reached_by,
        "call": orjson.dumps(asdict(contact.call)).decode() if contact.call else None,
        "time_zones": list(contact.time_zones),
    }


def _call_of(stored: Mapping[str, Any]) -> LastCall:
    due_at = stored["before_due_at"]
    return LastCall(
        call_id=UUID(stored["call_id"]),
        before_status=ContactStatus(stored["before_status"]),
        before_due_at=datetime.fromisoformat(due_at) if due_at else None,
        before_reason=stored["before_reason"],
        settled=stored["settled"],
        answered=stored["answered"],
        duration_seconds=stored["duration_seconds"],
        day=date.fromisoformat(stored["day"]) if stored["day"] else None,
    )
