"""Every sample ever published still decodes, still encodes to the same line, and still folds."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from analytics_projector import campaign_analytics, campaign_list
from analytics_projector.figures import NOTHING
from campaign_command.campaign import Campaign, CampaignStreamFact
from campaign_command.campaign import evolve as evolve_campaign
from campaign_command.contact import fold_contacts
from campaign_events.envelope import Event, UnknownFact, decode, encode, event_id, schema_address
from campaign_events.facts import FACTS, CampaignFact
from campaign_events.positions import Received, admit
from campaign_events.schema_files import SAMPLES, samples_of, schema_of
from campaign_events.settings import CampaignStatus, ContactStatus
from campaign_events.topics import CAMPAIGN_EVENTS, WRITERS, address_of
from dialer.queue import operations

LINES = [(name, line) for name in FACTS for line in samples_of(name)]


def log_of(topic: str) -> list[Event[Any]]:
    """The samples of one topic in the order of their log."""
    events = [decode(line) for _, line in LINES]
    of_topic = [event for event in events if address_of(event.data).topic == topic]
    return sorted(of_topic, key=lambda event: event.position)


def test_every_fact_has_a_sample_and_every_sample_a_fact() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {f"{name}.json" for name in FACTS}
    assert {name for name, _ in LINES} == set(FACTS)


def only_grows(before: Any, after: Any) -> bool:
    """Whether nothing was changed or lost: an object may have got fields that are at their defaults."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(name in after and only_grows(value, after[name]) for name, value in before.items())
    return bool(before == after)


@pytest.mark.parametrize(("name", "line"), LINES, ids=[name for name, _ in LINES])
def test_a_sample_decodes_and_encodes_to_the_same_line_with_at_most_new_fields(name: str, line: bytes) -> None:
    event = decode(line)
    assert type(event.data) is FACTS[name]
    assert only_grows(json.loads(line), json.loads(encode(event)))
    assert encode(decode(encode(event))) == encode(event)
    assert event.id == event_id(event.log, event.position)
    assert event.dataschema == schema_address(name)
    assert event.source == f"/{WRITERS[address_of(event.data).topic]}"
    assert event.subject == address_of(event.data).key
    assert event.time == event.data.at


@pytest.mark.parametrize(("name", "line"), LINES, ids=[name for name, _ in LINES])
def test_a_sample_has_the_schema_of_its_fact(name: str, line: bytes) -> None:
    jsonschema_rs.validator_for(schema_of(FACTS[name]), validate_formats=True).validate(json.loads(line)["data"])


def test_the_samples_of_a_fact_show_all_its_fields() -> None:
    shown: dict[str, set[str]] = defaultdict(set)
    for name, line in LINES:
        shown[name] |= json.loads(line)["data"].keys()
    # The other verdicts a call can have are shown by the command service's tests.
    rare = {"callback_at", "conversation", "retry_after_seconds", "scope", "expires_at", "previous_due_at", "reason"}
    rare |= {"listed", "checks", "list_id", "wildcard", "kind"}  # of uploaded lists, permits and callers, likewise
    for name, fact in FACTS.items():
        assert set(fact.model_fields) - shown[name] <= rare, name


@pytest.mark.parametrize("topic", WRITERS)
def test_the_samples_of_a_topic_follow_one_another(topic: str) -> None:
    events = log_of(topic)
    fresh, _ = admit({}, [Received(topic, 0, number, event) for number, event in enumerate(events)])
    assert len(fresh) == len(events)


def campaigns() -> Iterator[tuple[UUID, list[Event[Any]]]]:
    by_campaign: dict[UUID, list[Event[Any]]] = defaultdict(list)
    for event in log_of(CAMPAIGN_EVENTS):
        by_campaign[event.data.campaign_id].append(event)
    yield from by_campaign.items()


def test_the_samples_fold_in_the_command_service() -> None:
    ends: Counter[str] = Counter()
    for _, events in campaigns():
        state: Campaign | None = None
        for event in events:
            if isinstance(event.data, CampaignStreamFact):
                state = evolve_campaign(state, event.data)
        assert state is not None
        ends["deleted" if state.deleted else state.status] += 1
    assert ends == {"cancelled": 1, "deleted": 1}
    left = fold_contacts(event.data for event in log_of(CAMPAIGN_EVENTS))
    assert sorted(contact.status for contact in left.values()) == [ContactStatus.DO_NOT_CALL, ContactStatus.PENDING]


def test_the_samples_fold_in_the_projector_and_the_statuses_sum_to_the_total_at_every_position() -> None:
    for _, events in campaigns():
        row: campaign_list.CampaignRow | None = None
        days: campaign_analytics.Days | None = None
        for event in events:
            row, days = campaign_list.evolve(row, event), campaign_analytics.evolve(days, event)
            assert row is not None
            assert sum(row.contacts.of(status) for status in ContactStatus) == row.contacts.total
            assert sum(days.values(), NOTHING) == row.calls
        assert row is not None
        assert row.status in (CampaignStatus.CANCELLED, CampaignStatus.COMPLETED)


def test_the_samples_are_understood_by_the_dialer() -> None:
    facts = [event.data for event in log_of(CAMPAIGN_EVENTS)]
    assert operations(facts)


def test_a_reader_of_an_earlier_version_skips_what_it_does_not_know() -> None:
    later = json.loads(samples_of("CampaignPaused")[0]) | {"type": "CampaignHeld"}
    event = decode(json.dumps(later).encode())
    assert isinstance(event.data, UnknownFact)
    assert campaign_list.evolve(None, event) is None
    assert campaign_analytics.evolve(None, event) == {}
    assert operations([event.data]) == []


def test_no_sample_and_no_field_holds_a_contacts_personal_data() -> None:
    personal = {"number", "phone", "phone_number", "name", "first_name", "last_name", "email", "variables"}
    for name, fact in FACTS.items():
        assert not set(fact.model_fields) & personal, name
    for name, line in LINES:
        data = json.loads(line)["data"]
        # A business's own numbers are no contact's.
        business = json.dumps([data.pop("settings", {}), data.pop("phone_numbers", [])])
        assert "@" not in business
        assert "+" not in json.dumps(data), name


def test_the_facts_of_campaign_events_are_those_samples_show() -> None:
    shown = {event.type for event in log_of(CAMPAIGN_EVENTS)}
    assert shown == {name for name, fact in FACTS.items() if issubclass(fact, CampaignFact)}
