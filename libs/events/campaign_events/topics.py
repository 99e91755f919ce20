"""The topics: who writes what, under which key. Their number of partitions is fixed for ever."""

from dataclasses import dataclass

from campaign_events.facts import CallFact, CampaignFact, Fact, LogSealed, WorkspaceFact

PARTITIONS = 12
TOPIC_CONFIG = {"retention.ms": "-1", "cleanup.policy": "delete"}

CAMPAIGN_EVENTS = "campaign-events"
CALL_EVENTS = "call-events"
SUPPRESSION_EVENTS = "suppression-events"

CAMPAIGN_COMMAND = "campaign-command"
DIALER = "dialer"
WRITERS = {CAMPAIGN_EVENTS: CAMPAIGN_COMMAND, SUPPRESSION_EVENTS: CAMPAIGN_COMMAND, CALL_EVENTS: DIALER}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a fact goes: its topic and its key (the order of facts is kept per key)."""

    topic: str
    key: str


def address_of(fact: Fact) -> Address:
    """The topic and key of a fact. TypeError for a class that belongs to no topic."""
    if isinstance(fact, CampaignFact):
        return Address(CAMPAIGN_EVENTS, str(fact.campaign_id))
    if isinstance(fact, CallFact):
        return Address(CALL_EVENTS, str(fact.campaign_id))
    if isinstance(fact, WorkspaceFact):
        return Address(SUPPRESSION_EVENTS, str(fact.workspace))
    if isinstance(fact, LogSealed):
        return Address(SUPPRESSION_EVENTS, str(fact.log))
    raise TypeError(f"{type(fact).__name__} belongs to no topic")
