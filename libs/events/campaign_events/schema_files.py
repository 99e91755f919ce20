"""The contract as files: a JSON Schema for each fact, and the topics as an AsyncAPI 3 document.

`python -m campaign_events.schema_files` writes them anew, from the facts, the topics and the samples. What must stay
true: what is published under a fact's name only grows, so a schema that would break older readers is not written.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from campaign_events.envelope import CONTENT_TYPE, Event, decode, headers_of, schema_address
from campaign_events.facts import CALL_FACTS, CAMPAIGN_FACTS, FACTS, SUPPRESSION_FACTS, Fact
from campaign_events.schema_growth import schema_growth
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, PARTITIONS, SUPPRESSION_EVENTS, TOPIC_CONFIG, WRITERS

PACKAGE = Path(__file__).parent
SCHEMAS = PACKAGE / "schemas"
SAMPLES = PACKAGE / "samples"
ASYNCAPI = PACKAGE.parent / "asyncapi.json"

Json = dict[str, Any]
_DECIMAL = {
    "type": "string",
    "pattern": "^[0-9]+$",
    "description": "Decimal: CloudEvents integers have 32 bits",
}
_KEYS: dict[str, tuple[str, tuple[type[Fact], ...], str]] = {
    CAMPAIGN_EVENTS: ("the campaign's id", CAMPAIGN_FACTS, "What happens to campaigns and their contacts."),
    CALL_EVENTS: ("the campaign's id", CALL_FACTS, "What happens to calls."),
    SUPPRESSION_EVENTS: (
        "the workspace's id (of `LogSealed`: the log's)",
        SUPPRESSION_FACTS,
        "Who must not be called, as keyed hashes; what a workspace has set; the seals of the log.",
    ),
}


def files() -> dict[Path, str]:
    """The content of every generated file, by its path."""
    generated = {SCHEMAS / f"{name}.json": _text(schema_of(fact)) for name, fact in FACTS.items()}
    return generated | {ASYNCAPI: _text(asyncapi())}


def schema_of(fact: type[Fact]) -> Json:
    """The JSON Schema of a fact as it is written: what is null is left out, what a reader doesn't know is ignored."""
    schema = fact.model_json_schema(mode="serialization")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "$id": schema_address(fact.__name__), **schema}


def samples_of(name: str) -> list[bytes]:
    """The published samples of a fact, one event a line; the first is the canonical one."""
    return (SAMPLES / f"{name}.json").read_bytes().splitlines()


def asyncapi() -> Json:
    """The AsyncAPI document: channels, keys, headers, messages and who writes them."""
    facts = list(FACTS.values())
    _, definitions = models_json_schema(
        [(fact, "serialization") for fact in facts], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Calling campaigns: events",
            "version": "1",
            "description": (
                "Facts, past tense, never changed. Each is a CloudEvent 1.0 in structured JSON, whole in the Kafka "
                "value, one line. A reader keeps, per topic and partition, the log and the last position whose effect "
                "is stored: a position at or below it is skipped, a `prior` above it is a gap, another log is refused. "
                "Types it doesn't know are skipped. No personal data of a contact is in any topic."
            ),
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "channels": {topic: _channel(topic) for topic in WRITERS},
        "operations": {
            f"{writer}-writes-{topic}": {
                "action": "send",
                "summary": f"{writer} is the only writer of {topic}",
                "channel": {"$ref": f"#/channels/{topic}"},
            }
            for topic, writer in WRITERS.items()
        },
        "components": {
            "messages": {fact.__name__: _message(topic, fact) for topic in WRITERS for fact in _KEYS[topic][1]},
            "schemas": {"Envelope": _envelope(), **definitions["$defs"]},
        },
    }


def _channel(topic: str) -> Json:
    key, facts, description = _KEYS[topic]
    return {
        "address": topic,
        "description": f"{description} The key is {key}; the order is kept per key.",
        "messages": {fact.__name__: {"$ref": f"#/components/messages/{fact.__name__}"} for fact in facts},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": PARTITIONS,
                "topicConfiguration": {
                    "cleanup.policy": [TOPIC_CONFIG["cleanup.policy"]],
                    "retention.ms": int(TOPIC_CONFIG["retention.ms"]),
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(topic: str, fact: type[Fact]) -> Json:
    name = fact.__name__
    summary = (fact.__doc__ or "").strip().partition("\n")[0]
    headers = {
        "content-type": {"type": "string", "const": CONTENT_TYPE.decode()},
        "ce_type": {"type": "string", "const": name},
        "ce_position": _DECIMAL,
    }
    fixed = {"type": {"const": name}, "dataschema": {"const": schema_address(name)}}
    data = {"$ref": f"#/components/schemas/{name}"}
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "headers": {"type": "object", "properties": headers, "required": list(headers)},
        "payload": {"allOf": [{"$ref": "#/components/schemas/Envelope"}, {"properties": {**fixed, "data": data}}]},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": f"{_KEYS[topic][0].capitalize()}"},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [_example(line) for line in samples_of(name)],
    }


def _example(line: bytes) -> Json:
    headers = {header: value.decode() for header, value in headers_of(decode(line))}
    return {"headers": headers, "payload": json.loads(line)}


def _envelope() -> Json:
    schema = Event[Fact].model_json_schema(mode="serialization")
    properties: Json = {
        attribute: described | (_DECIMAL if attribute in ("position", "prior", "streamversion") else {})
        for attribute, described in schema["properties"].items()
        if attribute != "data"
    }
    optional = {"correlationid", "causationid", "traceparent"}
    return {
        "title": "Envelope",
        "description": "CloudEvents 1.0 with the extensions that make repeats and gaps visible.",
        "type": "object",
        "properties": {**properties, "data": {"type": "object"}},
        "required": [attribute for attribute in (*properties, "data") if attribute not in optional],
    }


def _text(document: Json) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files; refuse, and write nothing, when a published fact would not only grow."""
    broken = [
        f"{name}: {violation}"
        for name, fact in FACTS.items()
        if (SCHEMAS / f"{name}.json").exists()
        for violation in schema_growth(json.loads((SCHEMAS / f"{name}.json").read_text()), schema_of(fact))
    ]
    if broken:
        sys.exit("Facts only grow. Nothing was written:\n" + "\n".join(broken))
    SCHEMAS.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
