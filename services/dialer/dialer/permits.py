"""Asks campaign-command for permits.

What must stay true: an ask that may have been heard is never taken for a refusal, since it may have been granted; the
same call_id may be asked for again, and gets the same answer.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
from prometheus_client import Histogram
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from campaign_service.tracing import headers, span

ASK_TIMEOUT_SECONDS = 0.7

_seconds = Histogram(
    "dialer_permit_ask_seconds",
    "For an ask for permits, a batch or one, with or without an answer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)


class Granted(BaseModel):
    """The permit, with what the call needs. Holds personal data: never logged."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    call_id: UUID
    result: Literal["granted"]
    expires_in_seconds: float
    number: str
    number_hash: str | None = None
    caller_number: str
    agent_id: str
    prompt: str
    ring_timeout_seconds: int
    max_call_seconds: int | None = None
    callback: Literal["on_time", "late"] | None = None
    context: dict[str, Any]
    attempt: int
    settings_version: int

    def longest_seconds(self, most: float) -> int:
        """How long the call may last from its answer, at most `most`; a permit of an older version does not say."""
        return min(self.max_call_seconds or 3600, int(most))


class Refused(BaseModel):
    """No permit."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    call_id: UUID
    result: Literal["refused"]
    kind: Literal["permanent", "temporary", "stale_settings"]
    code: str
    ask_again_at: AwareDatetime | None = None


Answer = Annotated[Granted | Refused, Field(discriminator="result")]


_ANSWER: TypeAdapter[Granted | Refused] = TypeAdapter(Answer)


class _Answers(BaseModel):
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Ask:
    """One call that wants to be made."""

    call_id: UUID
    campaign_id: UUID
    contact_id: UUID
    attempt: int
    settings_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAsk:
    """A test call; `contact_id` is random, there is no such contact. Holds a number: never logged."""

    call_id: UUID
    contact_id: UUID
    campaign_id: UUID
    workspace: UUID
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundAsk:
    """A call that came in; `turned_away`: why it won't be answered, so that only the hash is asked for."""

    call_id: UUID
    campaign_id: UUID
    settings_version: int
    caller: str
    number: str
    turned_away: str | None = None


class InboundGranted(BaseModel):
    """The agent may pick up. Holds personal data: never logged."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    result: Literal["granted"]
    contact_id: UUID
    expires_in_seconds: float
    number_hash: str
    agent_id: str
    prompt: str
    max_call_seconds: int
    context: dict[str, Any]
    attempt: int


class InboundRefused(BaseModel):
    """It may not."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    result: Literal["refused"]
    code: str
    number_hash: str | None = None


_INBOUND: TypeAdapter[InboundGranted | InboundRefused] = TypeAdapter(
    Annotated[InboundGranted | InboundRefused, Field(discriminator="result")]
)


class NotHeard(Exception):
    """campaign-command has not taken the ask: nothing was granted."""


class PerhapsHeard(Exception):
    """There is no answer, and the ask may have been granted."""


class PermitClient:
    """Talks to campaign-command. Use `close()` at the end."""

    def __init__(self, url: str, *, secret: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {secret}"},
            timeout=ASK_TIMEOUT_SECONDS,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, asks: Sequence[Ask]) -> dict[UUID, Granted | Refused]:
        """One request. Raises NotHeard or PerhapsHeard."""
        body = {
            "asks": [
                {
                    "call_id": str(ask.call_id),
                    "campaign_id": str(ask.campaign_id),
                    "contact_id": str(ask.contact_id),
                    "attempt": ask.attempt,
                    "settings_version": ask.settings_version,
                }
                for ask in asks
            ]
        }
        content = await self._post("/internal/permits", body)
        try:
            answers = _Answers.model_validate_json(content).answers
        except ValidationError:
            raise PerhapsHeard("unreadable_answer") from None
        return {answer.call_id: answer for answer in answers}

    async def ask_trial(self, ask: TrialAsk) -> Granted | Refused:
        """For a test call. Raises NotHeard or PerhapsHeard."""
        content = await self._post("/internal/test-permits", {name: str(value) for name, value in asdict(ask).items()})
        try:
            return _ANSWER.validate_json(content)
        except ValidationError:
            raise PerhapsHeard("unreadable_answer") from None

    async def ask_inbound(self, ask: InboundAsk) -> InboundGranted | InboundRefused:
        """For a call that came in. Raises NotHeard or PerhapsHeard."""
        body = {"settings_version": ask.settings_version, "turned_away": ask.turned_away}
        body |= {name: str(getattr(ask, name)) for name in ("call_id", "campaign_id", "caller", "number")}
        content = await self._post("/internal/inbound-permits", body)
        try:
            return _INBOUND.validate_json(content)
        except ValidationError:
            raise PerhapsHeard("unreadable_answer") from None

    async def _post(self, path: str, body: dict[str, Any]) -> bytes:
        try:
            with span("ask for permits", kind="client", attributes={"http.route": path}), _seconds.time():
                response = await self._client.post(path, json=body, headers=headers())
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotHeard(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise PerhapsHeard(type(error).__name__) from None
        if response.status_code in (401, 403, 404, 422, 429, 503):
            raise NotHeard(str(response.status_code))
        if not response.is_success:
            raise PerhapsHeard(str(response.status_code))
        return response.content
