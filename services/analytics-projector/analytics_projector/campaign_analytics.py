"""Progress over time: the figures of a campaign's calls, per day in the campaign's zone.

A pure fold of the campaign's facts. What must stay true: the days' figures sum to the campaign's.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, assert_never

from analytics_projector.figures import NOTHING, CallFigures, figures_of
from campaign_events.envelope import Event, UnknownFact
from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignEvent,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactDetailsChanged,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
)

Days = Mapping[date, CallFigures]


def evolve(view: Days | None, event: Event[Any]) -> Days:
    """The days after one more event of the campaign. Only the day of the event (`day_of`) needs to be in `view`."""
    days: Days = {} if view is None else view
    if isinstance(event.data, UnknownFact):
        return days
    fact: CampaignEvent = event.data
    match fact:
        case ContactStatusChanged() | ContactCorrected():
            figures = figures_of(fact)
            if figures is NOTHING or fact.day is None:
                return days
            return {**days, fact.day: days.get(fact.day, NOTHING) + figures}
        case CampaignDeleted():
            return {}
        case (
            CampaignCreated()
            | CampaignEdited()
            | CampaignStarted()
            | CampaignPaused()
            | CampaignResumed()
            | CampaignCancelled()
            | CampaignCompleted()
            | ContactsAdded()
            | ContactsRemoved()
            | ContactTimeZonesChanged()
            | ContactDetailsChanged()
            | ContactCallabilityChanged()
        ):
            return days
        case _:
            assert_never(fact)


def day_of(event: Event[Any]) -> date | None:
    """The day whose figures the event may move."""
    return event.data.day if isinstance(event.data, ContactStatusChanged | ContactCorrected) else None


def last_days(days: Days, *, today: date, count: int) -> CallFigures:
    """The figures of the last `count` days, today among them; both are dates of the campaign's zone."""
    since = today - timedelta(days=count - 1)
    return sum((calls for day, calls in days.items() if since <= day <= today), NOTHING)


def cumulative_reached(days: Days) -> dict[date, int]:
    """Per day, the contacts reached up to its end; contacts removed later stay counted on the day they were reached."""
    reached, total = {}, 0
    for day in sorted(days):
        total += days[day].reached
        reached[day] = total
    return reached
