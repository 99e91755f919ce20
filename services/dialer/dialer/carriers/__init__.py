"""Carriers behind one small protocol.

What must stay true: `place` sends one request and never repeats it; what it can't rule out is `Unknown`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

EventStatus = Literal["ringing", "answered", "amd", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRequest:
    """All that a carrier needs for one call. Holds personal data: never logged."""

    call_id: UUID
    number: str
    caller_number: str
    ring_timeout_seconds: int
    max_call_seconds: int
    not_after: datetime
    agent_id: str
    prompt: str
    context: dict[str, Any]
    token: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has taken the call; what becomes of it comes as events."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """The carrier has definitely not taken the call: nothing rings."""

    reason: Literal["expired", "unreachable", "unavailable", "configuration"]
    code: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the carrier has taken the call."""

    reason: str


Placed = Accepted | Rejected | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierEvent:
    """Something that happened to a call, at the carrier's time."""

    call_id: UUID
    at: datetime
    status: EventStatus
    sip_code: int | None = None
    q850_cause: int | None = None
    reason: str | None = None
    answered_by: str | None = None
    duration_seconds: float | None = None
    attended: bool | None = None
    """Of an ended call that a person answered: whether somebody on our side was there. None: it does not say."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the carrier knows of a call: when it took it, and the events so far."""

    accepted_at: datetime
    events: Sequence[CarrierEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundCall:
    """Somebody rings. `caller` is E.164; None: withheld, or no number. Holds personal data: never logged."""

    call_id: UUID
    at: datetime
    number: str
    """The one that was rung, E.164; empty: no number of anybody's."""
    caller: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundAnswer:
    """The agent picks up before `not_after`, or not at all."""

    not_after: datetime
    max_call_seconds: int
    agent_id: str
    prompt: str
    context: dict[str, Any]
    token: str


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Nobody picks up; with `message` the carrier plays the one with this id."""

    how: Literal["busy", "reject", "message"]
    message_id: str | None = None


InboundReply = InboundAnswer | TurnedAway


class Absent:
    """The carrier has never taken this call."""


class Carrier(Protocol):
    """What the dialer asks of a carrier."""

    name: str

    async def place(self, request: PlaceRequest) -> Placed:
        """Place a call, once; nothing may ring after `not_after`. Never raises for what the network does."""

    async def find(self, call_id: UUID) -> Sighting | Absent | None:
        """What the carrier knows of a call; None if it does not answer."""

    async def hangup(self, call_id: UUID) -> bool | None:
        """End a call. True: it will end (or has); False: the carrier does not know it; None: no answer."""
