"""A fact's envelope: CloudEvents 1.0, one line of JSON. What can't be read is malformed, what is new is skipped."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import BaseModel

from campaign_events import facts
from campaign_events.envelope import Event, Malformed, UnknownFact, decode, encode, event_id, headers_of, wrap
from campaign_events.facts import (
    CALL_FACTS,
    CAMPAIGN_FACTS,
    FACTS,
    SUPPRESSION_FACTS,
    CallEnded,
    CampaignCreated,
    CampaignPaused,
    ContactsAdded,
    Fact,
    NumberSuppressed,
)
from campaign_events.settings import CampaignSettings, Limits, Outcome, RetryRule, RetryRules
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS, WRITERS, Address, address_of

LOG, WORKSPACE, CAMPAIGN, CONTACT, CALL = (UUID(int=n) for n in range(1, 6))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAUSED = CampaignPaused(at=NOON, campaign_id=CAMPAIGN)
ENDED = CallEnded(
    at=NOON,
    campaign_id=CAMPAIGN,
    contact_id=CONTACT,
    call_id=CALL,
    attempt=1,
    settings_version=1,
    outcome=Outcome.BUSY,
)
SUPPRESSED = NumberSuppressed(
    at=NOON, workspace=WORKSPACE, suppression_id=UUID(int=9), number_hash="ab12", source="agent"
)


def event(fact: Fact = PAUSED, *, position: int = 8, prior: int = 3) -> Event[Any]:
    return wrap(
        fact,
        log=LOG,
        position=position,
        prior=prior,
        stream_version=4,
        workspace=WORKSPACE,
        correlation_id="request-1",
        causation_id=None,
    )


def line(**changes: Any) -> bytes:
    """A good line with some attributes changed; None takes one away."""
    attributes = json.loads(encode(event())) | changes
    return json.dumps({name: value for name, value in attributes.items() if value is not None}).encode()


def test_an_event_is_one_line_of_structured_cloudevents() -> None:
    encoded = encode(event())
    assert b"\n" not in encoded
    assert json.loads(encoded) == {
        "specversion": "1.0",
        "id": f"{LOG}:8",
        "source": "/campaign-command",
        "type": "CampaignPaused",
        "subject": str(CAMPAIGN),
        "time": "2026-03-02T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:calling-campaigns:fact:CampaignPaused:1",
        "log": str(LOG),
        "position": "8",
        "prior": "3",
        "streamversion": "4",
        "workspace": str(WORKSPACE),
        "correlationid": "request-1",
        "data": {"at": "2026-03-02T12:00:00Z", "campaign_id": str(CAMPAIGN), "reason": "requested"},
    }


def test_extension_names_are_lower_case_letters_and_digits() -> None:
    assert all(name.isalnum() and name == name.lower() for name in Event.model_fields)


@pytest.mark.parametrize("position", [0, 2**31, 2**63 - 1])
def test_a_position_beyond_32_bits_survives(position: int) -> None:
    assert decode(encode(event(position=position, prior=0))).position == position


def test_the_headers_say_the_mode_and_repeat_type_and_position() -> None:
    assert headers_of(event()) == [
        ("content-type", b"application/cloudevents+json"),
        ("ce_type", b"CampaignPaused"),
        ("ce_position", b"8"),
    ]


def test_the_id_is_the_same_at_every_publication() -> None:
    assert event().id == event_id(LOG, 8) == event().id


@pytest.mark.parametrize("fact", [PAUSED, ENDED, SUPPRESSED], ids=lambda fact: type(fact).__name__)
@pytest.mark.parametrize("by_header", [True, False])
def test_what_was_encoded_decodes_to_the_same(fact: Fact, by_header: bool) -> None:
    wrapped = event(fact)
    assert decode(encode(wrapped), type_name=wrapped.type if by_header else None) == wrapped


def test_a_time_in_another_offset_is_the_same_instant() -> None:
    berlin = timezone(timedelta(hours=1))
    moved = CampaignPaused(at=NOON.astimezone(berlin), campaign_id=CAMPAIGN)
    assert decode(encode(event(moved))).data.at == NOON


# --- a later version's events --------------------------------------------------------------------------------------


def test_a_fact_of_a_later_version_is_skipped_with_its_position() -> None:
    later = line(type="CampaignArchived", data={"at": "2026-03-02T12:00:00Z", "shelf": {"row": 3}})
    decoded = decode(later)
    assert isinstance(decoded.data, UnknownFact)
    assert (decoded.type, decoded.position, decoded.prior) == ("CampaignArchived", 8, 3)
    assert decode(encode(decoded)) == decoded


def test_fields_and_attributes_of_a_later_version_are_ignored() -> None:
    data = {"at": "2026-03-02T12:00:00Z", "campaign_id": str(CAMPAIGN), "mood": "calm"}
    assert decode(line(data=data, traceparent="00-ab")).data == PAUSED


def test_a_stored_zone_that_has_left_the_list_is_read_as_it_is() -> None:
    settings = CampaignSettings(name="Spring").model_dump(mode="json")
    settings["schedule"] |= {"time_zone": "Europe/Atlantis", "weekly": {"mon": [["25:00", "26:00"]]}}
    created = {"at": "2026-03-02T12:00:00Z", "campaign_id": str(CAMPAIGN), "workspace": str(WORKSPACE)}
    decoded = decode(line(type="CampaignCreated", data=created | {"settings": settings}))
    assert decoded.data.settings.schedule.time_zone == "Europe/Atlantis"


# --- malformed ---------------------------------------------------------------------------------------------------

MALFORMED = {
    "not JSON": b"\x00\x01",
    "empty": b"",
    "not an object": b"[]",
    "cut off": encode(event())[:-20],
    "no type": line(type=None),
    "no data": line(data=None),
    "data of another type": line(data={"at": "2026-03-02T12:00:00Z", "campaign_id": "spring"}),
    "no instant": line(data={"at": "2026-03-02T12:00:00", "campaign_id": str(CAMPAIGN)}),
    "no position": line(position=None),
    "a negative position": line(position="-1"),
    "a position that is no number": line(position="eight"),
    "no prior": line(prior=None),
    "no log": line(log=None),
    "another version of CloudEvents": line(specversion="2.0"),
    "another content type": line(datacontenttype="text/xml"),
}


@pytest.mark.parametrize("broken", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_event_is_malformed(broken: bytes) -> None:
    with pytest.raises(Malformed):
        decode(broken)


def test_a_header_that_contradicts_the_event_is_malformed() -> None:
    deleted = {"at": "2026-03-02T12:00:00Z", "campaign_id": str(CAMPAIGN), "previous": "draft"}
    with pytest.raises(Malformed, match="the header says CampaignDeleted, the event CampaignPaused"):
        decode(line(data=deleted), type_name="CampaignDeleted")


def test_malformed_says_where_and_never_shows_the_value() -> None:
    with pytest.raises(Malformed) as malformed:
        decode(line(data={"at": "2026-03-02T12:00:00Z", "campaign_id": "+4930123456"}))
    assert "data.campaign_id" in str(malformed.value)
    assert "4930123456" not in str(malformed.value)
    assert malformed.value.__suppress_context__


@for_all(junk=st.binary(max_size=200))
def test_bytes_are_an_event_or_malformed_and_nothing_else(junk: bytes) -> None:
    with pytest.raises(Malformed):
        decode(junk)


# --- topics --------------------------------------------------------------------------------------------------------


def test_every_fact_has_its_topic_and_key() -> None:
    topics: dict[str, tuple[Any, ...]] = {
        CAMPAIGN_EVENTS: CAMPAIGN_FACTS,
        CALL_EVENTS: CALL_FACTS,
        SUPPRESSION_EVENTS: SUPPRESSION_FACTS,
    }
    assert set(WRITERS) == set(topics)
    for topic, classes in topics.items():
        for fact_class in classes:
            fact = fact_class.model_construct(campaign_id=CAMPAIGN, workspace=WORKSPACE, log=WORKSPACE)
            key = WORKSPACE if topic == SUPPRESSION_EVENTS else CAMPAIGN
            assert address_of(fact) == Address(topic, str(key))


def test_every_fact_defined_is_published_under_its_own_name() -> None:
    abstract = {"Fact", "CampaignFact", "ContactFact", "CallFact", "CallVerdict", "WorkspaceFact", "SuppressionFact"}
    defined = {name for name, value in vars(facts).items() if isinstance(value, type) and issubclass(value, Fact)}
    assert defined - abstract == set(FACTS)
    assert all(FACTS[name].__name__ == name for name in FACTS)


def test_a_fact_of_no_topic_is_refused() -> None:
    with pytest.raises(TypeError, match="UnknownFact belongs to no topic"):
        event(UnknownFact(at=NOON))


# --- nothing is lost on the way --------------------------------------------------------------------------------------


def models_in(annotation: Any, seen: set[type[BaseModel]]) -> None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for field in annotation.model_fields.values():
            models_in(field.annotation, seen)
    for argument in getattr(annotation, "__args__", ()):
        models_in(argument, seen)


def test_what_is_left_out_as_null_comes_back_as_null() -> None:
    """Null is not written: a field that may be null must mean null when it is missing."""
    seen: set[type[BaseModel]] = set()
    for fact_class in FACTS.values():
        models_in(fact_class, seen)
    assert {CampaignSettings, RetryRule, Limits} < seen
    for model in seen:
        for name, field in model.model_fields.items():
            if type(None) in getattr(field.annotation, "__args__", ()):
                assert field.get_default() is None, f"{model.__name__}.{name}"


rules = st.builds(
    RetryRule,
    delays_seconds=st.lists(st.integers(1, 1000), min_size=1, max_size=3).map(tuple),
    max_retries=st.none() | st.integers(0, 20),
)


@for_all(
    settings=st.builds(
        CampaignSettings,
        name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20).filter(str.strip),
        agent_id=st.none() | st.just("agent-1"),
        retry=st.builds(RetryRules, no_answer=rules, declined=rules, voicemail=rules, carrier_error=rules),
        limits=st.builds(Limits, calls_per_day=st.none() | st.integers(1, 100)),
    )
)
def test_settings_travel_unchanged(settings: CampaignSettings) -> None:
    wrapped = event(CampaignCreated(at=NOON, campaign_id=CAMPAIGN, workspace=WORKSPACE, settings=settings))
    assert decode(encode(wrapped)) == wrapped


def test_a_missing_external_id_keeps_its_place() -> None:
    added = ContactsAdded(
        at=NOON,
        campaign_id=CAMPAIGN,
        contact_ids=(CONTACT, CALL),
        zone_lists=((), ("Europe/Berlin",)),
        zone_index=(0, 1),
        external_ids=(None, "K-2"),
        pending_count=2,
    )
    assert decode(encode(event(added))).data == added
