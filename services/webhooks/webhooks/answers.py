"""What the API takes and gives, as OpenAPI describes it."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from campaign_events.facts import FACTS
from webhooks.addresses import MAX_LENGTH

DeliveryStatus = Literal["pending", "failed", "delivered", "given_up"]
Topic = Literal["campaign-events", "call-events", "suppression-events"]
MAX_POSITION = 2**63 - 1
MAX_COUNTED = 10_000
Position = Annotated[int, Field(ge=0, le=MAX_POSITION)]


def _known(types: list[str]) -> list[str]:
    unknown = sorted(set(types) - FACTS.keys())
    if unknown:
        raise ValueError(f"{unknown[0][:100]!r} is no fact type; allowed: {', '.join(FACTS)}")
    return sorted(set(types))


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold the character NUL")
    return text


class WebhookIn(BaseModel):
    """Where to tell which facts."""

    model_config = ConfigDict(frozen=True)

    address: str = Field(max_length=MAX_LENGTH, description="https://…; one webhook an address and workspace")
    types: Annotated[list[str], AfterValidator(_known)] = Field(
        min_length=1, max_length=len(FACTS) * 2, description="The facts' names, see `GET /v1/schemas`"
    )
    description: Annotated[str, AfterValidator(_without_nul)] = Field(default="", max_length=500)


class ReplayIn(BaseModel):
    """What to send again: one delivery, or the stored facts from a position or a time on, of the webhook's types."""

    model_config = ConfigDict(frozen=True)

    delivery_id: Position | None = Field(default=None, description="One delivery of this webhook that is done")
    from_position: Position | None = Field(default=None, description="Facts at or after this position of `topic`")
    to_position: Position | None = Field(default=None, description="And at or before this one")
    topic: Topic = Field(default="campaign-events", description="Whose positions are meant, with `from_position`")
    from_: AwareDatetime | None = Field(default=None, alias="from", description="Facts decided at or after this time")
    to: AwareDatetime | None = Field(default=None, description="And before this one")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("delivery_id", "from_position", "from_") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of delivery_id, from_position and from")
        if self.to_position is not None and self.from_position is None:
            raise ValueError("to_position goes with from_position")
        if self.to is not None and self.from_ is None:
            raise ValueError("to goes with from")
        return self


class Webhook(BaseModel):
    """A webhook. Its secret is shown once: when it is made, and when it is rotated."""

    id: UUID
    address: str
    types: list[str]
    description: str
    created_by: str
    created_at: datetime
    changed_at: datetime
    rotated_at: datetime | None = Field(description="For a day after it requests carry both secrets' signatures")
    deliveries: dict[DeliveryStatus, int] = Field(
        description=f"How many in each status, of those that are kept; {MAX_COUNTED} means so many or more"
    )


class WebhookPut(Webhook):
    """A webhook that was made or changed."""

    secret: str | None = Field(description="What receivers check signatures with; null unless it was made just now")


class Webhooks(BaseModel):
    """All webhooks of the workspace, by address."""

    items: list[Webhook]
    max_webhooks: int = Field(description="So many may there be")


class Rotated(BaseModel):
    """The new secret, shown once."""

    secret: str
    previous_valid_until: datetime = Field(description="Until then requests carry the old secret's signature too")


class Delivery(BaseModel):
    """One fact for this webhook."""

    id: int
    status: DeliveryStatus = Field(
        description="pending: not tried yet; failed: tried again at `next_at`; given_up: tried for three days"
    )
    webhook_id: UUID
    message_id: str = Field(description="The header `webhook-id`: the event's id, the same at every attempt")
    type: str
    topic: str
    position: int
    subject: UUID = Field(description="The campaign (or workspace) whose order is kept")
    replay_id: UUID | None
    attempts: int
    created_at: datetime
    next_at: datetime | None
    last_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    last_response: str | None = Field(description="The beginning of the receiver's answer")
    done_at: datetime | None


class Deliveries(BaseModel):
    """The newest first."""

    items: list[Delivery]
    next_cursor: str | None


class Replay(BaseModel):
    """A replay, and how far it is. What is open at this webhook anyway is not sent twice."""

    id: UUID
    asked_by: str
    asked_at: datetime
    asked_for: dict[str, Any]
    deliveries: int = Field(description="How many facts are sent again")
    open: int = Field(description="How many of them are not done yet")


class Replays(BaseModel):
    """The newest first, at most 100."""

    items: list[Replay]
