"""The rows beside the facts: contacts (snapshot and details) and campaigns, written in the transaction of the facts.

What must stay true: the snapshot of each contact equals the fold of its facts, so it is only ever written by `save`.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.answered_numbers import keep_numbers
from campaign_command.campaign import Campaign, Complete, decide, ends_at, evolve, require_editable
from campaign_command.contact import (
    DO_NOT_CALL,
    NO_ANSWER,
    NO_CONSENT_WORDS,
    PENDING,
    VOICEMAIL,
    Contact,
    ContactStreamFact,
    LastCall,
    ZoneSource,
)
from campaign_command.contact import evolve as evolve_contact
from campaign_command.gone_contacts import keep_hashes
from campaign_command.store import Transaction, contact_list_stream, now_of
from campaign_command.suppressed import suppressed_numbers
from campaign_events.facts import ContactsAdded, ContactsRemoved
from campaign_events.settings import ContactStatus

MAX_CHUNK = 1000
NULL = r"\N"
_ESCAPED = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
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
    not_callable_under = %(not_callable_under)s,
    reached_by = %(reached_by)s, call = %(call)s, time_zones = %(time_zones)s
WHERE contact_id = %(contact_id)s AND version = %(before)s
"""
_COUNT = """
SELECT count(*) AS total,
       count(*) FILTER (WHERE status = 'pending' AND callable AND NOT lacks_consent) AS callable,
       count(*) FILTER (WHERE status = 'do_not_call') AS do_not_call,
       count(*) FILTER (WHERE status = 'pending' AND lacks_consent) AS no_consent,
       count(*) FILTER (WHERE status <> 'do_not_call' AND NOT callable AND NOT lacks_consent) AS not_callable
FROM contacts,
    LATERAL (SELECT %(consent)s AND lower(btrim(coalesce(consent_basis, ''))) = ANY(%(refusing)s)) AS c (lacks_consent)
WHERE campaign_id = %(campaign)s
"""
_COPY = """
COPY contacts (number, first_name, last_name, name, email, external_id, consent_basis, consent_at, consent_source,
               variables, time_zones, zone_source,
               contact_id, workspace, campaign_id, status, reason, import_id, import_line)
FROM STDIN
"""
# One look into the index a number, whatever the planner believes of a table that has just begun to grow.
_KNOWN = """
SELECT n.number, c.* FROM unnest(string_to_array(%(numbers)s, ',')) AS n (number)
CROSS JOIN LATERAL (
    SELECT contact_id, status, CASE WHEN import_id = %(import)s THEN import_line END AS of_line
    FROM contacts WHERE campaign_id = %(campaign)s AND number = n.number LIMIT 1
) AS c
"""
_COUNT_ON = """
INSERT INTO contact_counts AS known (campaign_id, status, contacts)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[])
ON CONFLICT (campaign_id, status) DO UPDATE SET contacts = known.contacts + excluded.contacts
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
    zone_source: ZoneSource


class NewContact(NamedTuple):
    """Somebody to be added. `number` is E.164; `time_zones` are candidates, and `zone_source` says where from.

    A tuple, since an import makes millions.
    """

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
    variables: Mapping[str, str] = MappingProxyType({})
    do_not_call: bool = False


class Rendered(NamedTuple):
    """A new contact whose columns, from the number to the zone source, are `text` as COPY takes it.

    A tuple, since an import makes millions.
    """

    number: str
    time_zones: tuple[str, ...]
    text: str
    do_not_call: bool = False


_Fresh = tuple[UUID, ContactStatus, Rendered, int | None]


class Added(NamedTuple):
    """What became of one new contact: its id, or that of the contact that has the number already.

    `of_line` is the line of the same file that the known contact came with. A tuple, since an import makes millions.
    """

    result: Literal["accepted", "duplicate"]
    contact_id: UUID
    status: ContactStatus
    of_line: int | None = None


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
            not_callable_under=row["not_callable_under"],
            reached_by=row["reached_by"],
            call=_call_of(row["call"]) if row["call"] else None,
        ),
        workspace=row["workspace"],
        number=row["number"],
        details={name: row[name] for name in DETAILS},
        variables=row["variables"],
        zone_source=row["zone_source"],
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
    moves: Counter[tuple[UUID, ContactStatus]] = Counter()
    for contact in changed:
        moves[contact.campaign_id, before[contact.contact_id].status] -= 1
        moves[contact.campaign_id, contact.status] += 1
    _count_on(tx.cursor, moves)
    return after


def add_contacts(
    tx: Transaction,
    campaign_id: UUID,
    new: Sequence[NewContact],
    *,
    now: datetime,
    workspace: UUID | None = None,
) -> list[Added]:
    """Add up to 1,000 contacts to a Draft or Paused campaign; one answer each, in order.

    A number that the campaign has already, or that came earlier in `new`, answers duplicate and changes nothing. A
    suppressed number is added as do_not_call, so that the user sees why it won't be called.
    """
    adding = Adding(tx, campaign_id, [contact.number for contact in new], workspace=workspace)
    answers = adding.add([render(contact) for contact in new])
    adding.end(now=now)
    return answers


class Adding:
    """Adds up to 1,000 contacts in some steps of one transaction: `add` each some of them, then `end`.

    Until `end` the facts lack what the rows have.
    """

    def __init__(
        self,
        tx: Transaction,
        campaign_id: UUID,
        numbers: Sequence[str],
        *,
        workspace: UUID | None = None,
        import_id: UUID | None = None,
        ringing_in: bool = False,
    ) -> None:
        assert len(numbers) <= MAX_CHUNK, "callers cut into chunks"
        self._tx, self._import_id = tx, import_id
        campaign = tx.campaign(campaign_id, workspace=workspace)
        # A running inbound campaign's list grows by those who ring it.
        self._campaign = campaign if ringing_in and campaign is not None else require_editable(campaign)
        self._known = known_contacts(tx.cursor, campaign_id, numbers, import_id=import_id)
        self._suppressed = suppressed_numbers(tx, self._campaign, numbers)
        self._fresh: list[_Fresh] = []

    def add(self, new: Sequence[Rendered], *, lines: Sequence[int] | None = None) -> list[Added]:
        """Add some; one answer each, in order. `lines` are those of the import's file, where there is one."""
        answers: list[Added] = []
        fresh: list[_Fresh] = []
        ids = _contact_ids(len(new))
        for contact, line, contact_id in zip(new, lines or repeat(None, len(new)), ids, strict=True):
            if contact.number in self._known:
                answers.append(self._known[contact.number])
                continue
            status = PENDING
            if contact.do_not_call or contact.number in self._suppressed:
                status = DO_NOT_CALL
            self._known[contact.number] = Added("duplicate", contact_id, status, line)
            fresh.append((contact_id, status, contact, line))
            answers.append(Added("accepted", contact_id, status))
        if fresh:
            self._copy(fresh)
            self._fresh += fresh
        return answers

    def end(self, *, now: datetime) -> None:
        """Append the fact of all that was added."""
        fresh = self._fresh
        if not fresh:
            return
        zone_lists = list(dict.fromkeys(contact.time_zones for _, _, contact, _ in fresh))
        place = {zones: index for index, zones in enumerate(zone_lists)}
        do_not_call = [(contact_id, contact) for contact_id, status, contact, _ in fresh if status is DO_NOT_CALL]
        # External ids may be personal (a CRM key is often an e-mail address): they stay here.
        fact = ContactsAdded(
            at=now,
            campaign_id=self._campaign.campaign_id,
            contact_ids=tuple(contact_id for contact_id, _, _, _ in fresh),
            zone_lists=tuple(zone_lists),
            zone_index=tuple(place[contact.time_zones] for _, _, contact, _ in fresh),
            do_not_call=tuple(contact_id for contact_id, _ in do_not_call),
            listed=tuple(
                contact_id for contact_id, contact in do_not_call if self._suppressed.get(contact.number) == "list"
            ),
            pending_count=len(fresh) - len(do_not_call),
            do_not_call_count=len(do_not_call),
            import_id=self._import_id,
        )
        _append_to_list(self._tx, self._campaign, fact)
        counts = Counter((self._campaign.campaign_id, status) for _, status, _, _ in fresh)
        _count_on(self._tx.cursor, counts)

    def _copy(self, fresh: Sequence[_Fresh]) -> None:
        where = f"\t{self._campaign.workspace}\t{self._campaign.campaign_id}\t"
        pending = f"{where}{PENDING}\t{NULL}\t{self._import_id or NULL}\t"
        rows = []
        for contact_id, status, contact, line in fresh:
            behind = pending
            if status is DO_NOT_CALL:
                # Who is copied as do_not_call stays so, though no entry may stand any more.
                reason = self._suppressed.get(contact.number, "suppressed")
                behind = f"{where}{DO_NOT_CALL}\t{reason}\t{self._import_id or NULL}\t"
            rows.append(f"{contact.text}\t{contact_id.hex}{behind}{line or NULL}\n")
        with self._tx.cursor.copy(_COPY) as copy:
            copy.write("".join(rows))


def render(contact: NewContact) -> Rendered:
    """The contact's columns in COPY's text format. Costs more than all the rest, so imports do it beside the lock."""
    values = [
        contact.number,
        contact.first_name,
        contact.last_name,
        contact.name,
        contact.email,
        contact.external_id,
        contact.consent_basis,
        contact.consent_at,
        contact.consent_source,
        orjson.dumps(dict(contact.variables)).decode(),
        "{" + ",".join(contact.time_zones) + "}",  # names of zones need no quotes
        contact.zone_source,
    ]
    text = "\t".join([NULL if value is None else value for value in values])
    if _ESCAPED.search("".join(filter(None, values))):  # few values need escapes
        text = "\t".join(map(copy_text, values))
    return Rendered(contact.number, contact.time_zones, text, contact.do_not_call)


def copy_text(value: str | None) -> str:
    """A value in COPY's text format."""
    if value is None:
        return NULL
    return value.translate(_ESCAPES) if _ESCAPED.search(value) else value


def known_contacts(
    cursor: Cursor[DictRow], campaign_id: UUID, numbers: Sequence[str], *, import_id: UUID | None = None
) -> dict[str, Added]:
    """The contacts a campaign has already, by number, as the answers they are to these numbers."""
    values = {"numbers": ",".join(numbers), "campaign": campaign_id, "import": import_id}
    cursor.execute(_KNOWN, values, prepare=False)
    return {
        row["number"]: Added("duplicate", row["contact_id"], ContactStatus(row["status"]), row["of_line"])
        for row in cursor.fetchall()
    }


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
    removed = "DELETE FROM contacts WHERE contact_id = ANY(%s) RETURNING contact_id, workspace, number, call"
    tx.cursor.execute(removed, (ids,))
    keep_hashes(tx.cursor, tx.cursor.fetchall(), hash_key=tx.hash_key)
    _count_on(tx.cursor, {(campaign.campaign_id, status): -number for status, number in counts.items()})


def count(cursor: Cursor[DictRow], campaign: Campaign) -> tuple[int, int, dict[str, int]]:
    """Total, callable, and why the others can't be called."""
    consent = campaign.settings.requires_consent
    values = {"campaign": campaign.campaign_id, "consent": consent, "refusing": list(NO_CONSENT_WORDS)}
    row = cursor.execute(_COUNT, values).fetchone()
    assert row is not None
    reasons = ("do_not_call", "no_consent", "not_callable")
    return row["total"], row["callable"], {name: row[name] for name in reasons if row[name]}


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
        "UPDATE campaigns SET status = %s, max_attempts = %s, settings_version = %s, ends_at = %s, deleted = %s"
        " WHERE campaign_id = %s",
        (
            campaign.status,
            campaign.settings.limits.max_attempts,
            campaign.settings_version,
            ends_at(campaign.settings),
            campaign.deleted,
            campaign.campaign_id,
        ),
    )
    keep_numbers(cursor, campaign)


def _contact_ids(number: int) -> list[UUID]:
    """UUIDs of version 7 (RFC 9562): in the order of time, so that a million new rows fill an index from one end."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    start = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0b10 << 62
    chance = os.urandom(8 * number)
    return [UUID(int=start | int.from_bytes(chance[at : at + 8]) >> 2) for at in range(0, 8 * number, 8)]


def _count_on(cursor: Cursor[DictRow], changes: Mapping[tuple[UUID, ContactStatus], int]) -> None:
    moved = [(campaign_id, str(status), number) for (campaign_id, status), number in changes.items() if number]
    if moved:
        cursor.execute(_COUNT_ON, [list(column) for column in zip(*moved, strict=True)])


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
        "not_callable_under": contact.not_callable_under,
        "reached_by": contact.reached_by,
        "call": orjson.dumps(asdict(contact.call)).decode() if contact.call else None,
        "time_zones": list(contact.time_zones),
    }


def _call_of(stored: Mapping[str, Any]) -> LastCall:
    due_at = stored["before_due_at"]
    return LastCall(
        call_id=UUID(stored["call_id"]),
        granted_at=datetime.fromisoformat(stored["granted_at"]),
        before_status=ContactStatus(stored["before_status"]),
        before_due_at=datetime.fromisoformat(due_at) if due_at else None,
        before_reason=stored["before_reason"],
        settled=stored["settled"],
        answered=stored["answered"],
        duration_seconds=stored["duration_seconds"],
        day=date.fromisoformat(stored["day"]) if stored["day"] else None,
        counted_as=ContactStatus(stored["counted_as"]) if stored["counted_as"] else None,
    )
