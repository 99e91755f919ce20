"""What a caller asks for: one call. A body that says anything else is refused."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Agent(BaseModel):
    """The voice agent that talks on the call, and where it reports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome_url: str = Field(pattern=r"^https?://[\x21-\x7e]+$", max_length=2_000)
    token: str = Field(pattern=r"^[\x21-\x7e]+$", max_length=4_000)
    agent_id: str = Field(max_length=200)
    prompt: str
    context: dict[str, Any]


class CallRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    call_id: UUID = Field(description="The caller's own, and the key of idempotency.")
    to: str = Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164")
    from_number: str = Field(alias="from", pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164")
    ring_timeout_seconds: int = Field(ge=1, le=600)
    max_call_seconds: int | None = Field(None, ge=1, le=86_400)
    not_after: AwareDatetime = Field(description="Arrived later: nothing rings.")
    amd: bool = Field(description="Whether to detect answering machines.")
    webhook_url: str = Field(pattern=r"^https?://[\x21-\x7e]+$", max_length=2_000)
    agent: Agent
