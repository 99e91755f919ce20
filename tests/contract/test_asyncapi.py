"""The AsyncAPI document describes the topics as they are."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from campaign_events.facts import CALL_FACTS, CAMPAIGN_FACTS, FACTS, SUPPRESSION_FACTS
from campaign_events.schema_files import ASYNCAPI
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS, WRITERS

DOCUMENT: dict[str, Any] = json.loads(ASYNCAPI.read_text())
MESSAGES = DOCUMENT["components"]["messages"]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    place: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > len(FACTS)
    for reference in found:
        assert isinstance(resolve(reference), dict), reference


def test_every_topic_is_a_channel_with_its_facts_and_one_writer() -> None:
    facts = {CAMPAIGN_EVENTS: CAMPAIGN_FACTS, CALL_EVENTS: CALL_FACTS, SUPPRESSION_EVENTS: SUPPRESSION_FACTS}
    assert set(DOCUMENT["channels"]) == set(WRITERS)
    for topic, channel in DOCUMENT["channels"].items():
        assert channel["address"] == topic
        assert set(channel["messages"]) == {fact.__name__ for fact in facts[topic]}
        kafka = channel["bindings"]["kafka"]
        assert (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"]) == (PARTITIONS, -1)
    writers = {operation["channel"]["$ref"]: name for name, operation in DOCUMENT["operations"].items()}
    assert writers == {f"#/channels/{topic}": f"{writer}-writes-{topic}" for topic, writer in WRITERS.items()}
    assert {operation["action"] for operation in DOCUMENT["operations"].values()} == {"send"}


@pytest.mark.parametrize("name", FACTS)
def test_a_messages_examples_have_its_payload_and_headers(name: str) -> None:
    message = MESSAGES[name]
    assert message["examples"]
    assert message["summary"]
    for part in ("payload", "headers"):
        schema = message[part] | {"components": DOCUMENT["components"]}
        validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        for example in message["examples"]:
            validator.validate(example[part])
            with pytest.raises(jsonschema_rs.ValidationError):
                validator.validate({**example[part], "type": "Other", "ce_type": "Other"})


def test_the_key_of_a_message_is_the_subject_of_its_examples() -> None:
    for message in MESSAGES.values():
        assert message["bindings"]["kafka"]["key"]["format"] == "uuid"
        of_workspaces = {fact.__name__ for fact in SUPPRESSION_FACTS}
        field = "workspace" if message["name"] in of_workspaces else "campaign_id"
        field = {"LogSealed": "log"}.get(message["name"], field)
        for example in message["examples"]:
            assert example["payload"]["subject"] == example["payload"]["data"][field]
