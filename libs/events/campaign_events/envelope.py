"""The envelope of a fact: CloudEvents 1.0, structured JSON, one line per event, whole in the Kafka value.

`log`, `position` and `prior` are what makes a repeated or missing event visible: `position` counts in the writer's
log, `prior` is the position before it in the same Kafka partition (0 at the beginning).
"""

from functools import cache
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from campaign_events.facts import FACTS, Fact
from campaign_events.schedule import STORED
from campaign_events.topics import WRITERS, address_of

CONTENT_TYPE = b"application/cloudevents+json"
# CloudEvents integers have 32 bits, so a position is a decimal string.
Position = Annotated[int, Field(ge=0), PlainSerializer(str, return_type=str, when_used="json")]
FactT = TypeVar("FactT", bound=Fact)


class Malformed(Exception):
    """The event can't be read."""


class Event(BaseModel, Generic[FactT]):
    """A fact with where it stands in its log and why it came about."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    log: UUID
    position: Position
    prior: Position
    streamversion: Position
    workspace: UUID
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = Field(
        default=None,
        description="W3C trace context of what led to the fact (CloudEvents' distributed tracing extension)",
    )
    data: FactT


class UnknownFact(Fact):
    """A fact of a later version of the contract: consumers skip it and keep its position."""

    model_config = ConfigDict(frozen=True, extra="allow")


def schema_address(name: str) -> str:
    """The `dataschema` of a fact. It names the schema's version 1; optional fields may have been added since."""
    return f"urn:calling-campaigns:fact:{name}:1"


def event_id(log: UUID, position: int) -> str:
    """The id of the event at `position` of `log`: the same at every publication."""
    return f"{log}:{position}"


def wrap(
    fact: Fact,
    *,
    log: UUID,
    position: int,
    prior: int,
    stream_version: int,
    workspace: UUID,
    correlation_id: str | None,
    causation_id: str | None,
    traceparent: str | None = None,
) -> Event[Any]:
    """The event that publishes `fact`."""
    address = address_of(fact)
    name = type(fact).__name__
    return _event_class(name)(
        id=event_id(log, position),
        source=f"/{WRITERS[address.topic]}",
        type=name,
        subject=address.key,
        time=fact.at,
        dataschema=schema_address(name),
        log=log,
        position=position,
        prior=prior,
        streamversion=stream_version,
        workspace=workspace,
        correlationid=correlation_id,
        causationid=causation_id,
        traceparent=traceparent,
        data=fact,
    )


def encode(event: Event[Any]) -> bytes:
    """One line of JSON, UTF-8."""
    return event.__pydantic_serializer__.to_json(event, exclude_none=True)


def headers_of(event: Event[Any]) -> list[tuple[str, bytes]]:
    """The Kafka headers: structured mode, and the type and position repeated so that readers can skip cheaply."""
    return [
        ("content-type", CONTENT_TYPE),
        ("ce_type", event.type.encode()),
        ("ce_position", str(event.position).encode()),
    ]


@cache
def _event_class(name: str) -> type[Event[Any]]:
    event_class: type[Event[Any]] = Event.__class_getitem__(FACTS.get(name, UnknownFact))  # type: ignore[assignment]
    return event_class


class _Typed(BaseModel):
    type: str


def decode(line: bytes, *, type_name: str | None = None) -> Event[Any]:
    """Read one event. `type_name` (the `ce_type` header) saves a look into the line.

    A type this version doesn't know gives an event whose data is an `UnknownFact`. Malformed for anything that is
    no event, or whose data doesn't fit its type.
    """
    try:
        name = type_name or _Typed.model_validate_json(line).type
        event = _event_class(name).model_validate_json(line, context=STORED)
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5])
        raise Malformed(where) from None
    if event.type != name:
        raise Malformed(f"the header says {name}, the event {event.type}")
    return event
