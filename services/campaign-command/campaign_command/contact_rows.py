"""Turns a row of a contact file into a contact, or says why it is none. Nothing is guessed, nothing is left out.

A column that is not known is a variable of the contact, under its own name and in its own namespace: whatever a column
is called, it overrides nothing.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from campaign_command.contact_file import Layout
from campaign_command.contacts import NewContact
from campaign_command.csv_rows import BadRow, Row, RowReason
from campaign_command.phone_numbers import NumberReason, NumberRefused, candidate_zones, read_number, read_time_zone

Note = Literal["normalized", "time_zone_ignored"]
MAX_VARIABLES_BYTES = 16 * 1024


class Candidate(NamedTuple):
    """A contact that can be added, from the row that starts at `line`. A tuple, since an import makes millions."""

    line: int
    contact: NewContact
    note: Note | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no contact; `values` are what it held."""

    line: int
    reason: NumberReason | RowReason
    values: list[str]


def read_contact(row: Row | BadRow, layout: Layout, *, default_country: str | None) -> Candidate | Rejected:
    """The contact of a row. National numbers are read in `default_country` (ISO 3166), where there is one."""
    if isinstance(row, BadRow):
        return Rejected(row.line, row.reason, row.values)
    details: dict[str, str] = {}
    variables: dict[str, str] = {}
    for name, field, value in zip(layout.columns, layout.fields, row.values, strict=True):
        if field is None:
            variables[name] = value.strip()
        elif field != "ignored":
            details[field] = value
    number = read_number(details.pop("phone"), default_country)
    if isinstance(number, NumberRefused):
        return Rejected(row.line, number.reason, row.values)
    if len("".join([*variables, *variables.values()]).encode()) > MAX_VARIABLES_BYTES:
        return Rejected(row.line, "field_too_long", row.values)
    given_zone = details.pop("time_zone", "").strip()
    zone = read_time_zone(given_zone) if given_zone else None
    zones, source = candidate_zones(number.e164, zone)
    note: Note | None = None
    if given_zone and zone is None:
        note = "time_zone_ignored"
    elif number.normalized or (zone is not None and zone != given_zone):
        note = "normalized"
    known: dict[str, Any] = {field: value.strip() or None for field, value in details.items()}
    contact = NewContact(number=number.e164, time_zones=zones, zone_source=source, variables=variables, **known)
    return Candidate(row.line, contact, note)
