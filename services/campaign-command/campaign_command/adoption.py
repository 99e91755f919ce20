"""Calls that a restored log has never permitted, since their permits are younger than the backup: entered as permitted
when they began, so that attempts, caps and retry clocks count them.

What must stay true: only a call that reached the carrier is entered, once, and only for a contact that still waits. How
its permit was checked is not known any more, so the fact says nothing of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from campaign_command.campaign import Campaign
from campaign_command.contact import IN_PROGRESS, WAITING, Contact
from campaign_command.contacts import ContactRow
from campaign_command.permits import CALLS, COUNT_CALLS, INSERT_LIVE_CALL
from campaign_command.store import Transaction
from campaign_events.facts import CallPlaced, CallVerdict, ContactStatusChanged
from campaign_events.settings import Outcome
from campaign_events.trunks import caller_number_of

_INSERT_LIVE_CALL = INSERT_LIVE_CALL + "ON CONFLICT DO NOTHING"


class Adoption:
    """For one batch of reports. `contacts` are those of the batch, as they were before it."""

    def __init__(self, tx: Transaction, contacts: Mapping[UUID, Contact], deadline_seconds: float) -> None:
        self._tx, self._deadline = tx, timedelta(seconds=deadline_seconds)
        called = [contact_id for contact_id, contact in contacts.items() if contact.call is not None]
        rows = tx.cursor.execute(CALLS, (called,)).fetchall()
        self._known = {(row["contact_id"], row["call_id"]) for row in rows}

    def adopted(self, contact: Contact, fact: Any, *, now: datetime) -> ContactStatusChanged | None:
        """The permit's fact, if the report is about a call to a waiting contact that this log does not know."""
        if not isinstance(fact, CallPlaced | CallVerdict) or fact.kind != "campaign":
            return None
        if isinstance(fact, CallVerdict) and fact.outcome is Outcome.NOT_PLACED:
            return None
        key = (contact.contact_id, str(fact.call_id))
        if key in self._known or contact.status not in WAITING:
            return None
        self._known.add(key)
        began = fact.at if isinstance(fact, CallPlaced) else fact.started_at or fact.at
        return ContactStatusChanged(
            at=min(began, now),
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            previous=contact.status,
            previous_attempt=contact.attempt,
            previous_due_at=contact.due_at,
            status=IN_PROGRESS,
            attempt=contact.attempt + 1,
            call_id=fact.call_id,
            settings_version=fact.settings_version,
        )

    def enter(self, row: ContactRow, campaign: Campaign, permit: ContactStatusChanged) -> None:
        """The rows beside the fact: the number is live until the call's end is read, and counts for the caps."""
        assert permit.call_id is not None
        version = permit.settings_version or campaign.settings_version
        self._tx.cursor.execute(
            _INSERT_LIVE_CALL,
            (
                *(permit.call_id, row.workspace, row.number, permit.campaign_id, permit.contact_id, permit.attempt),
                *(version, campaign.version, caller_number_of(campaign.settings.caller_numbers, permit.contact_id)),
                *(permit.at, permit.at, permit.at + self._deadline),
            ),
        )
        hashed = bytes.fromhex(self._tx.hash_number(row.workspace, row.number))
        self._tx.cursor.execute(COUNT_CALLS, ([permit.call_id], [row.workspace], [hashed], [permit.at]))
