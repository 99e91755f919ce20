"""Applies what the dialer reports: one transaction a batch, one save for many contacts.

What must stay true: a report's effect and its position are committed together, so a batch that comes twice changes
nothing, and each call that ends, ends or reschedules its contact.

`apply_reports`, in one deciding transaction (the append lock is its first statement):
1. lock the positions of the batch's partitions; skip what was applied, stop at a gap;
2. load the contacts, campaigns and live calls of the batch;
3. decide report by report, each on what the one before left; an inbound call counts for others with the number, too;
4. append the facts and write the snapshots;
5. suppress who asked, and opt out whoever waits with their number;
6. complete campaigns that have no open contact left;
7. close or mark the live calls, and move the positions.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from campaign_command import caps
from campaign_command.adoption import Adoption
from campaign_command.campaign import Campaign
from campaign_command.contact import Contact, ContactStreamFact, evolve, mark_not_callable
from campaign_command.contacts import complete_if_done, load, save
from campaign_command.do_not_call import Source
from campaign_command.gone_contacts import hashes_of
from campaign_command.joining import Joinable, find_joinable, may_join
from campaign_command.store import Transaction, now_of
from campaign_command.suppressed import suppressed_numbers
from campaign_command.suppressions import suppress, suppress_hashes
from campaign_command.verdict import asks_not_to_be_called, decide_joined, decide_report, silence_until
from campaign_events.envelope import Event
from campaign_events.facts import (
    CallAnswered,
    CallCorrected,
    CallEnded,
    CallFact,
    CallPlaced,
    CallVerdict,
    ContactNotCallable,
)
from campaign_events.positions import Applied, Received, TopicPartition, admit
from campaign_events.settings import Outcome

_applied = Counter("call_reports_applied_total", "Call reports applied", ["type"])
_unknown = Counter("call_reports_unknown_total", "Call reports about a contact that is not there (any more)")

_LOCK_POSITIONS = """
SELECT topic, partition, log, position FROM positions
WHERE (topic, partition) IN (SELECT * FROM unnest(%s::text[], %s::integer[]))
   OR topic = ANY(%s)
ORDER BY topic, partition FOR UPDATE
"""
_MOVE_POSITIONS = """
INSERT INTO positions (topic, partition, log, position) VALUES (%s, %s, %s, %s)
ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position
"""


def apply_reports(tx: Transaction, received: Sequence[Received], *, adopt_within: float | None = None) -> int:
    """Apply a batch; returns how many reports were new. Gap and UnknownLog stop the caller.

    `adopt_within`: after a restore, calls that this log has not permitted are entered first; so many seconds after its
    placing one that nobody ends is overdue.
    """
    applied = _lock_positions(tx, received)  # 1
    fresh, positions = admit(applied, received)
    if fresh:
        tx.traces = {item.event.id: item.event.traceparent for item in fresh}
        batch = _Batch(tx, [item.event for item in fresh])  # 2
        adoption = None if adopt_within is None else Adoption(tx, batch.contacts, adopt_within)
        for item in fresh:
            if adoption is not None:
                batch.adopt(item.event, adoption)
            batch.apply(item.event)  # 3
        batch.write()  # 4-7
    moved = [(*key, done.log, done.position) for key, done in positions.items() if applied.get(key) != done]
    if moved:
        tx.cursor.executemany(_MOVE_POSITIONS, moved)  # 7
    return len(fresh)


def _lock_positions(tx: Transaction, received: Sequence[Received]) -> dict[TopicPartition, Applied]:
    keys = sorted({(item.topic, item.partition) for item in received})
    topics = sorted({topic for topic, _ in keys})
    tx.cursor.execute(_LOCK_POSITIONS, ([t for t, _ in keys], [p for _, p in keys], topics))
    return {(row["topic"], row["partition"]): Applied(row["log"], row["position"]) for row in tx.cursor.fetchall()}


class _Batch:
    def __init__(self, tx: Transaction, events: Sequence[Event[Any]]) -> None:
        self.tx, self.now = tx, now_of(tx.cursor)
        facts = [event.data for event in events if isinstance(event.data, CallFact)]
        call_ids = [
            fact.call_id for fact in facts if not isinstance(fact, ContactNotCallable) and hasattr(fact, "call_id")
        ]
        tx.cursor.execute(
            "SELECT call_id, workspace, number, contact_id FROM live_calls WHERE call_id = ANY(%s)", (call_ids,)
        )
        live = {row["call_id"]: row for row in tx.cursor.fetchall()}
        self.live = {call_id: (row["workspace"], row["number"]) for call_id, row in live.items()}
        # The dialer learns from the permit who rang in; a crash may have kept it from that.
        self.callers = {call_id: row["contact_id"] for call_id, row in live.items()}
        self.rows = load(tx.cursor, {fact.contact_id for fact in facts} | set(self.callers.values()))
        self.joinable = self._joinable(facts)
        self.rows |= self.joinable.rows
        self.contacts: dict[UUID, Contact] = {contact_id: row.contact for contact_id, row in self.rows.items()}
        campaign_ids = {fact.campaign_id for fact in facts}
        campaign_ids |= {row.contact.campaign_id for row in self.joinable.rows.values()}
        self.campaigns = {campaign_id: tx.campaign(campaign_id) for campaign_id in campaign_ids}
        self.suppressed = self._suppressed()
        self.facts: dict[UUID, list[ContactStreamFact]] = defaultdict(list)
        self.causes: dict[UUID, str] = {}
        self.asked: dict[tuple[UUID, Source], set[str]] = defaultdict(set)
        self.asked_hashes: dict[tuple[UUID, Source], set[str]] = defaultdict(set)
        gone = {fact.contact_id for fact in facts if isinstance(fact, CallVerdict) and asks_not_to_be_called(fact)}
        self.gone = hashes_of(tx, gone - set(self.rows))
        self.joined = set(self.joinable.joined)
        self.silenced: dict[tuple[UUID, str | None], dict[str, datetime]] = defaultdict(dict)
        self.placed: list[UUID] = []
        self.closed: list[UUID] = []
        self.uncounted: list[UUID] = []

    def apply(self, event: Event[Any]) -> None:
        """Decide on one report; a type of a later version changes nothing here."""
        fact = event.data
        _applied.labels(event.type).inc()
        match fact:
            case CallPlaced() | CallAnswered():
                self.placed.append(fact.call_id)
            case CallEnded() | CallCorrected():
                self._verdict(event, fact)
                self.closed.append(fact.call_id)
                if not caps.counts(fact):
                    self.uncounted.append(fact.call_id)
            case ContactNotCallable():
                contact, campaign = self.contacts.get(fact.contact_id), self.campaigns[fact.campaign_id]
                if contact is None or campaign is None or not _belongs(contact, campaign):
                    _unknown.inc()
                else:
                    self._decided(event, contact, mark_not_callable(contact, campaign, fact, now=self.now))

    def adopt(self, event: Event[Any], adoption: Adoption) -> None:
        """Enter the call that a report is about, if this log never permitted it."""
        fact = event.data
        contact = self.contacts.get(fact.contact_id) if isinstance(fact, CallFact) else None
        campaign = self.campaigns.get(fact.campaign_id) if contact is not None else None
        if contact is None or campaign is None or not _belongs(contact, campaign):
            return
        found = adoption.adopted(contact, fact, now=self.now)
        if found is not None:
            adoption.enter(self.rows[contact.contact_id], campaign, found)
            self._decided(event, contact, [found])

    def write(self) -> None:
        """Steps 4 to 7."""
        by_campaign: dict[UUID, list[tuple[Contact, Sequence[ContactStreamFact]]]] = defaultdict(list)
        for contact_id, facts in self.facts.items():
            contact = self.rows[contact_id].contact
            by_campaign[contact.campaign_id].append((contact, facts))
        for campaign_id, decided in by_campaign.items():
            campaign = self.campaigns[campaign_id]
            assert campaign is not None
            save(self.tx, decided, workspace=campaign.workspace, causes=self.causes)  # 4
        for (workspace, source), numbers in self.asked.items():
            suppress(self.tx, numbers, workspace=workspace, source=source, now=self.now)  # 5
        for (workspace, source), hashes in self.asked_hashes.items():
            suppress_hashes(self.tx, hashes, workspace=workspace, source=source, now=self.now)
        for (workspace, preset), until in self.silenced.items():
            # One entry's end for all of a batch: it is at most some seconds too long for some.
            suppress(
                self.tx,
                until,
                workspace=workspace,
                source="agent",
                now=self.now,
                reason=f"refused; silence of the preset {preset}",
                expires_at=max(until.values()),
            )
        for campaign_id in by_campaign:
            complete_if_done(self.tx, campaign_id)  # 6
        self.tx.cursor.execute("UPDATE live_calls SET reported = true WHERE call_id = ANY(%s)", (self.placed,))  # 7
        self.tx.cursor.execute("DELETE FROM live_calls WHERE call_id = ANY(%s)", (self.closed,))
        if self.uncounted:
            self.tx.cursor.execute("DELETE FROM counted_calls WHERE call_id = ANY(%s)", (self.uncounted,))

    def _verdict(self, event: Event[Any], verdict: CallVerdict) -> None:
        if verdict.kind == "inbound":
            caller = self.callers.get(verdict.call_id, verdict.contact_id)
            verdict = verdict.model_copy(update={"contact_id": caller})
        row, campaign = self.rows.get(verdict.contact_id), self.campaigns[verdict.campaign_id]
        workspace, number = self.live.get(verdict.call_id, (None, None))
        if row is not None:
            workspace, number = row.workspace, row.number
        source: Source = "inbound" if verdict.kind == "inbound" else "agent"
        if verdict.outcome is Outcome.UNWANTED:
            source = "network"
        if asks_not_to_be_called(verdict) and number is None and verdict.contact_id in self.gone:
            gone_from, hashed = self.gone[verdict.contact_id]
            self.asked_hashes[gone_from, source].add(hashed)
        if asks_not_to_be_called(verdict) and workspace is not None and number is not None:
            # Also for a deleted campaign or a removed contact: the person asked.
            self.asked[workspace, source].add(number)
            self.suppressed |= {(i, number) for i, c in self.campaigns.items() if c and c.workspace == workspace}
        if verdict.kind == "test":
            return  # there is no contact, and nothing is counted
        if row is None or campaign is None or not _belongs(row.contact, campaign):
            _unknown.inc()
            return
        self._keep_silence(campaign, verdict, number=row.number)
        contact = self.contacts[verdict.contact_id]
        suppressed = (verdict.campaign_id, row.number) in self.suppressed
        self._decided(event, contact, decide_report(contact, campaign, verdict, suppressed=suppressed, now=self.now))
        if verdict.kind == "inbound":
            since = contact.call.granted_at if contact.call is not None else self.now
            self._join(event, verdict, workspace=row.workspace, number=row.number, since=since)

    def _join(self, event: Event[Any], verdict: CallVerdict, *, workspace: UUID, number: str, since: datetime) -> None:
        """Give the call's outcome to the contacts that wait with the number elsewhere."""
        for contact_id in self.joinable.of(workspace, number):
            contact = self.contacts[contact_id]
            campaign, joined = self.campaigns[contact.campaign_id], (contact_id, verdict.call_id) in self.joined
            if campaign is None or not may_join(campaign, joined=joined):
                continue
            suppressed = (contact.campaign_id, number) in self.suppressed
            facts = decide_joined(
                contact, campaign, verdict, joined=joined, suppressed=suppressed, since=since, now=self.now
            )
            self._decided(event, contact, facts)
            if facts:
                self.joined.add((contact_id, verdict.call_id))

    def _joinable(self, facts: Sequence[CallFact]) -> Joinable:
        verdicts = [fact for fact in facts if isinstance(fact, CallVerdict) and fact.kind == "inbound"]
        rows = [self.rows.get(self.callers.get(one.call_id, one.contact_id)) for one in verdicts]
        numbers = [(row.workspace, row.number) for row in rows if row is not None]
        return find_joinable(self.tx.cursor, numbers, [one.call_id for one in verdicts])

    def _keep_silence(self, campaign: Campaign, verdict: CallVerdict, *, number: str) -> None:
        """Whoever refused is left alone for as long as the campaign's preset asks for."""
        until = silence_until(campaign, verdict, now=self.now)
        if until is not None:
            self.silenced[campaign.workspace, campaign.settings.preset][number] = until

    def _decided(self, event: Event[Any], contact: Contact, facts: Sequence[ContactStreamFact]) -> None:
        for fact in facts:
            contact = evolve(contact, fact)
        if facts:
            self.contacts[contact.contact_id] = contact
            self.facts[contact.contact_id].extend(facts)
            self.causes[contact.contact_id] = event.id

    def _suppressed(self) -> set[tuple[UUID, str]]:
        numbers: dict[UUID, list[str]] = defaultdict(list)
        for row in self.rows.values():
            numbers[row.contact.campaign_id].append(row.number)
        found: set[tuple[UUID, str]] = set()
        for campaign in self.campaigns.values():
            if isinstance(campaign, Campaign):
                listed = suppressed_numbers(self.tx, campaign, numbers[campaign.campaign_id])
                found |= {(campaign.campaign_id, number) for number in listed}
        return found


def _belongs(contact: Contact, campaign: Campaign) -> bool:
    # Nothing follows a deletion, though the rows of its contacts may not be purged yet.
    return contact.campaign_id == campaign.campaign_id and not campaign.deleted
