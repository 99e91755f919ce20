"""The settings of each campaign, whole, as its page shows and edits them. A pure fold: the last fact that has them."""

from typing import Any

from campaign_events.envelope import Event
from campaign_events.facts import CampaignCreated, CampaignDeleted, CampaignEdited
from campaign_events.settings import CampaignSettings


def evolve(view: CampaignSettings | None, event: Event[Any]) -> CampaignSettings | None:
    """The settings after one more event of the campaign; null once it is deleted."""
    if isinstance(event.data, CampaignCreated | CampaignEdited):
        return event.data.settings
    return None if isinstance(event.data, CampaignDeleted) else view
