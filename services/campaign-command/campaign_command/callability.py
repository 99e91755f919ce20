"""Looks again at contacts that could not be called, after each edit: the new settings may let us.

What must stay true: a chunk is one short transaction, since the append lock is held; a campaign does not start or
resume before all its contacts have been looked at.
"""

from campaign_command.campaign import Campaign
from campaign_command.contacts import MAX_CHUNK, row_of, save
from campaign_command.store import Transaction, now_of
from campaign_events.facts import ContactCallabilityChanged

STALE_OF_CAMPAIGN = "SELECT * FROM contacts WHERE campaign_id = %s AND NOT callable AND not_callable_under < %s"
_A_CAMPAIGN_WITH_STALE = """
SELECT g.campaign_id FROM campaigns g
WHERE g.status IN ('draft', 'paused') AND NOT g.deleted AND EXISTS (
    SELECT 1 FROM contacts c
    WHERE c.campaign_id = g.campaign_id AND NOT c.callable AND c.not_callable_under < g.settings_version
)
LIMIT 1
"""


def look_again(tx: Transaction, campaign: Campaign) -> int:
    """Make up to 1,000 contacts callable that older settings did not let us call; how many it were."""
    tx.cursor.execute(STALE_OF_CAMPAIGN + f" LIMIT {MAX_CHUNK}", (campaign.campaign_id, campaign.settings_version))
    contacts = [row_of(row).contact for row in tx.cursor.fetchall()]
    now = now_of(tx.cursor)
    facts = [
        ContactCallabilityChanged(
            at=now,
            campaign_id=campaign.campaign_id,
            contact_id=contact.contact_id,
            callable=True,
            settings_version=campaign.settings_version,
        )
        for contact in contacts
    ]
    save(tx, [(contact, [fact]) for contact, fact in zip(contacts, facts, strict=True)], workspace=campaign.workspace)
    return len(contacts)


def look_again_somewhere(tx: Transaction) -> int:
    """The next chunk of whichever campaign has some left; 0 when none has."""
    row = tx.cursor.execute(_A_CAMPAIGN_WITH_STALE).fetchone()
    campaign = tx.campaign(row["campaign_id"]) if row is not None else None
    return look_again(tx, campaign) if campaign is not None else 0
