"""Edits one contact's details: a merge patch, answered with the differences.

What must stay true: only details, variables and candidate zones change, while the campaign is Draft or Paused; the
number stays, since it is what a contact is. The fact names the fields and never holds what stands in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from campaign_command import commands
from campaign_command.campaign import Campaign, Refused, require_editable
from campaign_command.commands import Target
from campaign_command.contact import ContactStreamFact, is_consent
from campaign_command.contacts import DETAILS, ContactRow, load, save
from campaign_command.phone_numbers import candidate_zones
from campaign_command.store import Transaction, now_of
from campaign_events.facts import ContactCallabilityChanged, ContactDetailsChanged, ContactTimeZonesChanged
from campaign_events.schedule import TimeZoneName
from campaign_events.settings import NO_NUL
from campaign_service.problems import invalid_request

MAX_FIELD = 4096
MAX_VARIABLES = 64
MAX_VARIABLES_BYTES = 16 * 1024
Text = Annotated[str, Field(max_length=MAX_FIELD), NO_NUL]
VariableName = Annotated[str, Field(min_length=1, max_length=100), NO_NUL]

_UPDATE = """
UPDATE contacts
SET first_name = %(first_name)s, last_name = %(last_name)s, name = %(name)s, email = %(email)s,
    external_id = %(external_id)s, consent_basis = %(consent_basis)s, consent_at = %(consent_at)s,
    consent_source = %(consent_source)s, variables = %(variables)s, zone_source = %(zone_source)s
WHERE contact_id = %(contact_id)s
"""


class ContactPatch(BaseModel):
    """What changes of a contact. A field that is not there stays, null takes it away; variables merge likewise."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"example": {"first_name": "Hana", "time_zone": "Europe/Berlin", "variables": {"plan": "A"}}},
    )

    first_name: Text | None = None
    last_name: Text | None = None
    name: Text | None = None
    email: Annotated[str, Field(max_length=320), NO_NUL] | None = None
    external_id: Text | None = None
    time_zone: TimeZoneName | None = Field(default=None, description="null: the number's candidate zones again")
    consent_basis: Text | None = None
    consent_at: AwareDatetime | None = None
    consent_source: Text | None = None
    variables: dict[VariableName, Text | None] | None = Field(default=None, max_length=MAX_VARIABLES)


@dataclass(frozen=True, slots=True)
class _Edited:
    details: Mapping[str, str | None]
    variables: Mapping[str, str]
    time_zones: tuple[str, ...]
    zone_source: str
    changes: tuple[Mapping[str, Any], ...]


def edit_contact(tx: Transaction, target: Target, contact_id: UUID, patch: ContactPatch) -> dict[str, Any]:
    """Merge the patch into the contact of a Draft or Paused campaign. Refused when there is no such contact in it."""
    campaign = require_editable(commands.find(tx, target))
    row = load(tx.cursor, [contact_id]).get(contact_id)
    if row is None or row.contact.campaign_id != campaign.campaign_id:
        raise Refused("unknown_contact", "There is no such contact in this campaign.")
    edited = _merged(row, patch)
    if edited.changes:
        save(tx, [(row.contact, _facts(row, edited, campaign, now_of(tx.cursor)))], workspace=campaign.workspace)
        tx.cursor.execute(
            _UPDATE,
            {
                **edited.details,
                "variables": orjson.dumps(dict(edited.variables)).decode(),
                "zone_source": edited.zone_source,
                "contact_id": contact_id,
            },
        )
    return {
        "contact_id": str(contact_id),
        "changes": [dict(change) for change in edited.changes],
        "position": commands.position_of(tx, campaign.campaign_id),
    }


def _merged(row: ContactRow, patch: ContactPatch) -> _Edited:
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    if isinstance(at := given.get("consent_at"), datetime):
        given["consent_at"] = at.isoformat()
    details = {name: (given[name] or None) if name in given else row.details[name] for name in DETAILS}
    changes = [
        _change(name, row.details[name], details[name]) for name in DETAILS if details[name] != row.details[name]
    ]
    variables = dict(row.variables)
    if "variables" in given:
        variables = {} if given["variables"] is None else variables | given["variables"]
        variables = {name: value for name, value in variables.items() if value is not None}
    for name in dict.fromkeys([*row.variables, *variables]):
        if row.variables.get(name) != variables.get(name):
            changes.append(_change(f"variables.{name}", row.variables.get(name), variables.get(name)))
    _require_few(variables)
    zones, source = row.contact.time_zones, str(row.zone_source)
    if "time_zone" in given:
        zones, source = candidate_zones(row.number, given["time_zone"])
        if zones != row.contact.time_zones or source != row.zone_source:
            changes.append(_change("time_zones", list(row.contact.time_zones), list(zones)))
    return _Edited(details, variables, zones, source, tuple(changes))


def _facts(row: ContactRow, edited: _Edited, campaign: Campaign, now: datetime) -> list[ContactStreamFact]:
    """Zones are a fact of their own, since the dialer has to know them; so is that it may look again."""
    about: dict[str, Any] = {"at": now, "campaign_id": campaign.campaign_id, "contact_id": row.contact.contact_id}
    names = dict.fromkeys(change["field"].partition(".")[0] for change in edited.changes)
    facts: list[ContactStreamFact] = []
    if edited.time_zones != row.contact.time_zones:
        facts.append(ContactTimeZonesChanged(**about, time_zones=edited.time_zones))
    if details := tuple(name for name in names if name != "time_zones"):
        facts.append(ContactDetailsChanged(**about, changed=details))
    has_new_consent = is_consent(edited.details["consent_basis"]) and not is_consent(row.details["consent_basis"])
    if not row.contact.callable and (has_new_consent or edited.time_zones != row.contact.time_zones):
        version = campaign.settings_version
        facts.append(ContactCallabilityChanged(**about, callable=True, settings_version=version))
    return facts


def _require_few(variables: Mapping[str, str]) -> None:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if len(variables) > MAX_VARIABLES or size > MAX_VARIABLES_BYTES:
        rule = (
            f"{len(variables)} variables of {size} bytes; allowed: at most {MAX_VARIABLES}, "
            f"and {MAX_VARIABLES_BYTES} bytes with their names"
        )
        raise invalid_request([{"type": "value_error", "loc": ("variables",), "msg": rule, "input": None}])


def _change(name: str, before: Any, after: Any) -> dict[str, Any]:
    return {"field": name, "from": before, "to": after}
