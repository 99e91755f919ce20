"""Asks campaign-command for permits.

What must stay true: an ask that may have been heard is never taken for a refusal, since it may have been granted; the
same call_id may be asked for again, and gets the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

ASK_TIMEOUT_SECONDS = 0.7


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
    context: dict[str, Any]
    attempt: int
    settings_version: int


class Refused(BaseModel):
    """No permit."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    call_id: UUID
    result: Literal["refused"]
    kind: Literal["permanent", "temporary", "stale_settings"]
    code: str
    ask_again_at: AwareDatetime | None = None


Answer = Annotated[Granted | Refused, Field(discriminator="result")]


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
        try:
            response = await self._client.post("/internal/permits", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotHeard(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise PerhapsHeard(type(error).__name__) from None
        if response.status_code in (401, 403, 404, 422, 429, 503):
            raise NotHeard(str(response.status_code))
        if not response.is_success:
            raise PerhapsHeard(str(response.status_code))
        try:
            answers = _Answers.model_validate_json(response.content).answers
        except ValidationError:
            raise PerhapsHeard("unreadable_answer") from None
        return {answer.call_id: answer for answer in answers}
