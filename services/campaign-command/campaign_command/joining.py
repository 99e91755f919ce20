"""Whom an inbound call concerns beside the contact it came from: the same number, waiting in outbound campaigns.

What must stay true: nobody who has just talked with the agent is rung about the same thing, and no call is counted
twice: it is counted where it came in. What the call makes of such a contact is `verdict.decide_joined`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import RUNNING, Campaign
from campaign_command.contacts import ContactRow, row_of

# Those that wait, in campaigns that run now; and whom one of these calls has settled, whatever became of the campaign.
_SAME_NUMBER = """
SELECT c.* FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE (c.workspace, c.number) IN (SELECT * FROM unnest(%(workspaces)s::uuid[], %(numbers)s::text[]))
  AND g.type = 'outbound' AND NOT g.deleted
  AND ((g.status = 'running' AND c.status IN ('pending', 'rescheduled', 'no_answer', 'voicemail'))
       OR c.status IN ('completed', 'failed'))
ORDER BY c.contact_id
"""
_CALLS_OF = """
SELECT DISTINCT originator_id AS contact_id,
    (convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'call_id')::uuid AS call_id
FROM campaign_command_events
WHERE originator_id = ANY(%s) AND topic = 'ContactStatusChanged'
  AND convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'call_id' = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Joinable:
    """The contacts with the numbers of some inbound calls, and which of them which call has had its effect on."""

    rows: Mapping[UUID, ContactRow]
    joined: frozenset[tuple[UUID, UUID]]
    """(contact, call)"""

    def of(self, workspace: UUID, number: str) -> list[UUID]:
        """The contacts with this number."""
        return [i for i, row in self.rows.items() if (row.workspace, row.number) == (workspace, number)]


def find_joinable(cursor: Cursor[DictRow], numbers: Iterable[tuple[UUID, str]], call_ids: Iterable[UUID]) -> Joinable:
    """Who may be concerned by these calls of (workspace, number)."""
    pairs = sorted(set(numbers), key=str)
    if not pairs:
        return Joinable({}, frozenset())
    values = {"workspaces": [workspace for workspace, _ in pairs], "numbers": [number for _, number in pairs]}
    rows = {row["contact_id"]: row_of(row) for row in cursor.execute(_SAME_NUMBER, values).fetchall()}
    cursor.execute(_CALLS_OF, (list(rows), [str(call_id) for call_id in call_ids]))
    return Joinable(rows, frozenset((row["contact_id"], row["call_id"]) for row in cursor.fetchall()))


def may_join(campaign: Campaign, *, joined: bool) -> bool:
    """Whether an inbound call counts for the campaign's waiting contacts (or has counted: then it can be corrected)."""
    return joined or (campaign.status is RUNNING and campaign.settings.join_inbound)
