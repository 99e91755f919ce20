"""Makes a new Draft like another campaign, with the contacts asked for.

| contacts        | who comes along                                                                             |
|-----------------|---------------------------------------------------------------------------------------------|
| `none`          | nobody                                                                                      |
| `all`           | everybody                                                                                   |
| `never_reached` | whom no person has answered for yet, and who can still be called: waiting, out of attempts, |
|                 | or failed by a fault that was ours; not: not callable, suppressed, being called             |
| statuses        | whoever has one of them                                                                     |

What must stay true: whoever must not be called in the source starts as do_not_call in the duplicate, even where the
entry was for the source alone. Everybody else starts anew, as pending.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from campaign_command.business_numbers import require_caller_numbers
from campaign_command.campaign import Campaign, Create, Refused
from campaign_command.commands import Target, answer, carry_out, find
from campaign_command.contact import DO_NOT_CALL
from campaign_command.contacts import MAX_CHUNK, NewContact, add_contacts, row_of
from campaign_command.store import Transaction, now_of
from campaign_command.suppressed import suppressed_numbers

MAX_DUPLICATED = 20_000

_WITH_STATUS = """
SELECT * FROM contacts WHERE campaign_id = %(campaign)s AND status = ANY(%(statuses)s) ORDER BY seq LIMIT %(limit)s
"""
_NEVER_REACHED = """
SELECT * FROM contacts
WHERE campaign_id = %(campaign)s AND reached_by IS NULL AND callable
  AND (status IN ('pending', 'no_answer', 'voicemail', 'rescheduled')
       OR (status = 'failed' AND reason IN ('carrier_error', 'configuration')))
ORDER BY seq LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The contacts that come along: those never reached, or those with one of the statuses (none: nobody)."""

    statuses: Sequence[str] = ()
    never_reached: bool = False


def duplicate(
    tx: Transaction, target: Target, *, campaign_id: UUID, name: str | None, contacts: Chosen
) -> dict[str, Any]:
    """A new Draft with the settings of `target` and the contacts chosen. Refused when these are more than 100,000."""
    source = find(tx, target)
    settings = source.settings.model_copy(update={"name": name or f"{source.settings.name[:190]} (copy)"})
    require_caller_numbers(tx.cursor, settings.caller_numbers, workspace=source.workspace)
    campaign = carry_out(tx, None, Create(campaign_id, source.workspace, settings, duplicate_of=source.campaign_id))
    rows = _chosen(tx, source, contacts)
    for begin in range(0, len(rows), MAX_CHUNK):
        chunk = rows[begin : begin + MAX_CHUNK]
        numbers = [row["number"] for row in chunk]
        in_source = suppressed_numbers(tx, source, numbers)
        if contacts.never_reached:
            chunk = [row for row in chunk if row["number"] not in in_source]
        if chunk:
            # What is suppressed in the duplicate too is found when it is added, with the reason it has there.
            found_anyway = suppressed_numbers(tx, campaign, numbers)
            new = [_new_of(row, suppressed=row["number"] in in_source, found_anyway=found_anyway) for row in chunk]
            add_contacts(tx, campaign.campaign_id, new, now=now_of(tx.cursor))
    return answer(tx, campaign)


def _chosen(tx: Transaction, source: Campaign, contacts: Chosen) -> list[DictRow]:
    if not contacts.never_reached and not contacts.statuses:
        return []
    values = {"campaign": source.campaign_id, "statuses": list(contacts.statuses), "limit": MAX_DUPLICATED + 1}
    rows = tx.cursor.execute(_NEVER_REACHED if contacts.never_reached else _WITH_STATUS, values).fetchall()
    if len(rows) > MAX_DUPLICATED:
        raise Refused(
            "too_many_contacts",
            f"More than {MAX_DUPLICATED} contacts would be copied; duplicate without contacts and upload them.",
            limit=MAX_DUPLICATED,
        )
    return rows


def _new_of(row: DictRow, *, suppressed: bool, found_anyway: Collection[str]) -> NewContact:
    found = row_of(row)
    suppressed = suppressed or found.contact.status is DO_NOT_CALL
    return NewContact(
        number=found.number,
        time_zones=found.contact.time_zones,
        zone_source=found.zone_source,
        do_not_call=suppressed and found.number not in found_anyway,
        variables=found.variables,
        **found.details,
    )
