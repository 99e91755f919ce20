"""Which contacts lack something that the prompt calls them by: asked before the first call, answered with names.

What must stay true: a contact counts only if it would be called, and a text of blanks is nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaign_command.campaign import Campaign
from campaign_command.contact import NO_CONSENT_WORDS
from campaign_command.store import Transaction

MAX_LISTED = 100

_LACKING = """
WITH lacking AS MATERIALIZED (
    SELECT c.contact_id, c.seq, array_agg(wanted.name ORDER BY wanted.place) AS names
    FROM contacts c CROSS JOIN unnest(%(names)s::text[]) WITH ORDINALITY AS wanted (name, place)
    WHERE c.campaign_id = %(campaign)s AND c.callable AND c.status IN ('pending', 'rescheduled')
      AND NOT (%(consent)s AND lower(btrim(coalesce(c.consent_basis, ''))) = ANY(%(refusing)s))
      AND btrim(coalesce(
          CASE wanted.name
              WHEN 'number' THEN c.number
              WHEN 'first_name' THEN c.first_name
              WHEN 'last_name' THEN c.last_name
              WHEN 'name' THEN c.name
              WHEN 'email' THEN c.email
              WHEN 'external_id' THEN c.external_id
              WHEN 'consent_basis' THEN c.consent_basis
              WHEN 'consent_at' THEN c.consent_at
              WHEN 'consent_source' THEN c.consent_source
              ELSE c.variables ->> wanted.name
          END, '')) = ''
    GROUP BY c.contact_id, c.seq
)
SELECT (SELECT count(*) FROM lacking) AS contacts,
       (SELECT coalesce(jsonb_object_agg(name, times), '{}')
        FROM (SELECT name, count(*) AS times FROM lacking, unnest(names) AS name GROUP BY name) AS per) AS by_variable,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('contact_id', contact_id, 'missing', names) ORDER BY seq), '[]')
        FROM (SELECT * FROM lacking ORDER BY seq LIMIT %(listed)s) AS first) AS listed
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """How many contacts lack a variable, how many each, and the first of them by name."""

    contacts: int
    by_variable: Mapping[str, int]
    listed: Sequence[Mapping[str, Any]]


def missing_variables(tx: Transaction, campaign: Campaign, names: Sequence[str]) -> Missing:
    """What the contacts that would be called lack of these variables."""
    values = {
        "campaign": campaign.campaign_id,
        "names": list(names),
        "consent": campaign.settings.requires_consent,
        "refusing": list(NO_CONSENT_WORDS),
        "listed": MAX_LISTED,
    }
    row = tx.cursor.execute(_LACKING, values).fetchone()
    assert row is not None
    return Missing(row["contacts"], row["by_variable"], row["listed"])
