"""Which running inbound campaign answers a number.

What must stay true: one at most, whatever its workspace, since a call has to go somewhere: the rows are written with
the campaign's own, under the append lock, and the number is their key.
"""

from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import RUNNING, Campaign, Taken

_KEEP = """
INSERT INTO answered_numbers (number, workspace, campaign_id)
SELECT DISTINCT number, %s::uuid, %s::uuid FROM unnest(%s::text[]) AS own (number)
"""
_TAKEN = """
SELECT number, workspace, campaign_id FROM answered_numbers
WHERE number = ANY(%s) AND campaign_id <> %s ORDER BY number LIMIT 1
"""


def keep_numbers(cursor: Cursor[DictRow], campaign: Campaign) -> None:
    """Write which numbers the campaign answers from now on: its own while it is Running, and inbound."""
    if campaign.settings.type != "inbound":
        return
    cursor.execute("DELETE FROM answered_numbers WHERE campaign_id = %s", (campaign.campaign_id,))
    if campaign.status is RUNNING and not campaign.deleted:
        numbers = list(campaign.settings.caller_numbers)
        cursor.execute(_KEEP, (campaign.workspace, campaign.campaign_id, numbers))


def taken_number(cursor: Cursor[DictRow], campaign: Campaign) -> Taken | None:
    """The first of an inbound campaign's numbers that another running one answers."""
    if campaign.settings.type != "inbound":
        return None
    row = cursor.execute(_TAKEN, (list(campaign.settings.caller_numbers), campaign.campaign_id)).fetchone()
    if row is None:
        return None
    # Whose campaign it is, is no business of another workspace.
    return Taken(row["number"], row["campaign_id"] if row["workspace"] == campaign.workspace else None)
