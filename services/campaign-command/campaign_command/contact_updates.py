"""Gives contacts that a campaign has already the details a file brings: what the file leaves empty stays as it is.

What must stay true: only details and candidate zones change. A status, an attempt or an opt-out is never undone.
"""

from collections.abc import Mapping
from uuid import UUID

import orjson

from campaign_command.campaign import require_editable
from campaign_command.contact import Contact, ContactStreamFact
from campaign_command.contacts import DETAILS, ContactRow, NewContact, load, save
from campaign_command.store import Transaction, now_of
from campaign_events.facts import ContactCallabilityChanged, ContactTimeZonesChanged

_UPDATE = """
UPDATE contacts
SET first_name = %(first_name)s, last_name = %(last_name)s, name = %(name)s, email = %(email)s,
    external_id = %(external_id)s, consent_basis = %(consent_basis)s, consent_at = %(consent_at)s,
    consent_source = %(consent_source)s, variables = %(variables)s,
    zone_source = CASE WHEN %(has_own_zone)s THEN 'contact' ELSE zone_source END
WHERE contact_id = %(contact_id)s
"""


def update_contacts(
    tx: Transaction, campaign_id: UUID, given: Mapping[UUID, NewContact], *, dry_run: bool = False
) -> dict[UUID, tuple[str, ...]]:
    """Update contacts of a Draft or Paused campaign. Returns, for those that changed, the names of what did.

    A variable is named `variables.plan`. With `dry_run` nothing is written: what is returned would be changed.
    """
    campaign = require_editable(tx.campaign(campaign_id))
    now = now_of(tx.cursor)
    changes: dict[UUID, tuple[str, ...]] = {}
    updates: list[dict[str, object]] = []
    decided: list[tuple[Contact, list[ContactStreamFact]]] = []
    for contact_id, row in load(tx.cursor, given).items():
        new = given[contact_id]
        has_own_zone = new.zone_source == "contact"
        is_elsewhere = has_own_zone and new.time_zones != row.contact.time_zones
        details, variables = _merged(row, new)
        changed = [name for name in DETAILS if details[name] != row.details[name]]
        changed += ["time_zone"] if is_elsewhere else []
        changed += [f"variables.{name}" for name, value in variables.items() if row.variables.get(name) != value]
        if not changed:
            continue
        changes[contact_id] = tuple(changed)
        facts: list[ContactStreamFact] = []
        if is_elsewhere:
            facts.append(
                ContactTimeZonesChanged(
                    at=now, campaign_id=campaign_id, contact_id=contact_id, time_zones=new.time_zones
                )
            )
        if not row.contact.callable and (is_elsewhere or "consent_basis" in changed):
            facts.append(  # its zones or its consent may have been why: look again
                ContactCallabilityChanged(
                    at=now,
                    campaign_id=campaign_id,
                    contact_id=contact_id,
                    callable=True,
                    settings_version=campaign.settings_version,
                )
            )
        if facts:
            decided.append((row.contact, facts))
        encoded = orjson.dumps(variables).decode()
        updates.append({**details, "variables": encoded, "has_own_zone": has_own_zone, "contact_id": contact_id})
    if decided and not dry_run:
        save(tx, decided, workspace=campaign.workspace)
    if updates and not dry_run:
        tx.cursor.executemany(_UPDATE, updates)
    return changes


def _merged(row: ContactRow, new: NewContact) -> tuple[dict[str, str | None], dict[str, str]]:
    details = {name: getattr(new, name) or row.details[name] for name in DETAILS}
    variables = dict(row.variables) | {
        name: value for name, value in new.variables.items() if value or name not in row.variables
    }
    return details, variables
