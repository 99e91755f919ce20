"""Exactly-once effect by position: which events of a batch are new, and whether any is missing.

A consumer keeps, per topic and partition, the log and the last position whose effect is stored, in the transaction of
that effect and under a row lock. What must stay true: a position is applied once, in order, and never past a gap.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaign_events.envelope import Event

TopicPartition = tuple[str, int]


class Gap(Exception):
    """An event is missing between the last applied position and the prior one that this event names."""


class UnknownLog(Exception):
    """The event comes from another log than the one applied so far (a restored or new database): rebuild first."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The last applied position of one partition, and the log it belongs to."""

    log: UUID
    position: int


@dataclass(frozen=True, slots=True)
class Received:
    """One event as it came from Kafka."""

    topic: str
    partition: int
    offset: int
    event: Event[Any]

    @property
    def place(self) -> str:
        """Where to look for it."""
        return f"topic {self.topic}, partition {self.partition}, offset {self.offset}"


def admit(
    applied: Mapping[TopicPartition, Applied], received: Iterable[Received]
) -> tuple[list[Received], dict[TopicPartition, Applied]]:
    """Split off what was applied before; return what is new, in order, and the positions after it.

    Gap and UnknownLog are raised before anything is applied; both mean: stop, loudly.
    """
    positions = dict(applied)
    known_logs = {topic: done.log for (topic, _), done in applied.items()}
    fresh: list[Received] = []
    for item in received:
        event = item.event
        log = known_logs.setdefault(item.topic, event.log)
        if event.log != log:
            raise UnknownLog(f"{item.place}: log {event.log}, applied so far {log}")
        last = positions.get((item.topic, item.partition))
        position = last.position if last else 0
        if event.position <= position:
            continue
        if event.prior > position:
            raise Gap(f"{item.place}: position {event.position} follows {event.prior}, applied so far {position}")
        positions[item.topic, item.partition] = Applied(log, event.position)
        fresh.append(item)
    return fresh, positions
