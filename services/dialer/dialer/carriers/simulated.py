"""The simulated carrier, over its HTTP API and its signed webhooks.

What must stay true: one request a call, no retries; only an answer that says so is a refusal, and a time-out, a
reset or a 5xx other than 503 leaves the call Unknown.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Annotated, Any
from uuid import UUID

import httpx
import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from dialer.carriers import (
    Absent,
    Accepted,
    CarrierEvent,
    EventStatus,
    InboundAnswer,
    InboundCall,
    InboundReply,
    Placed,
    PlaceRequest,
    Rejected,
    Sighting,
    Unknown,
)
from dialer.carriers.http import KEPT_SECONDS, Answer, Connections, NotSent

MAX_RETRY_AFTER_SECONDS = 3600.0
MAX_WORD = 500
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class _Carried(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Acceptance(_Carried):
    accepted_at: AwareDatetime


# What a carrier says is taken as it is where it can be stored; a code that is none is no reason to lose an event.
_Code = Annotated[int | None, AfterValidator(lambda code: code if code is not None and 0 <= code <= 999 else None)]
_Word = Annotated[str | None, AfterValidator(lambda word: word and word.replace("\0", "")[:MAX_WORD])]


class _CallState(_Carried):
    accepted_at: AwareDatetime
    ringing_at: AwareDatetime | None = None
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    sip_code: _Code = None
    q850_cause: _Code = None
    reason: _Word = None
    answered_by: _Word = None
    duration_seconds: float | None = None
    attended: bool | None = None


class _Event(_Carried):
    call_id: UUID
    at: AwareDatetime
    status: str
    sip_code: _Code = None
    q850_cause: _Code = None
    reason: _Word = None
    answered_by: _Word = None
    duration_seconds: float | None = Field(default=None, ge=0)
    attended: bool | None = Field(default=None, description="Of an end: false if an answered call found no agent")


class _Webhook(_Carried):
    events: list[_Event]


_KNOWN: dict[str, EventStatus] = {"ringing": "ringing", "answered": "answered", "amd": "amd", "ended": "ended"}


class SimulatedCarrier:
    """A `Carrier`. Use `close()` at the end."""

    name = "simulated"

    def __init__(self, url: str, *, api_key: str, public_url: str, place_timeout_seconds: float) -> None:
        self._public_url = public_url.rstrip("/")
        self._place_timeout_seconds = place_timeout_seconds
        headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
        self._connections = Connections(url, headers=headers)
        # What is looked up or hung up is little, and may be sent twice.
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers=headers,
            timeout=place_timeout_seconds,
            limits=httpx.Limits(keepalive_expiry=KEPT_SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        self._connections.close()
        await self._client.aclose()

    async def place(self, request: PlaceRequest) -> Placed:
        """See `Carrier`."""
        body = {
            "call_id": str(request.call_id),
            "to": request.number,
            "from": request.caller_number,
            "ring_timeout_seconds": request.ring_timeout_seconds,
            "max_call_seconds": request.max_call_seconds,
            "not_after": request.not_after.astimezone(UTC),
            "amd": True,
            "webhook_url": f"{self._public_url}/v1/carriers/simulated/events",
            "agent": {
                "outcome_url": f"{self._public_url}/v1/calls/{request.call_id}/outcome",
                "token": request.token,
                "agent_id": request.agent_id,
                "prompt": request.prompt,
                "context": request.context,
            },
        }
        try:
            answer = await self._connections.post(
                "/v1/calls", orjson.dumps(body), within_seconds=self._place_timeout_seconds
            )
        except NotSent as error:
            return Rejected("unreachable", str(error))
        except OSError as error:  # TimeoutError is one
            return Unknown(type(error).__name__)
        return _placed(answer)

    async def find(self, call_id: UUID) -> Sighting | Absent | None:
        """See `Carrier`."""
        try:
            response = await self._client.get(f"/v1/calls/{call_id}")
        except httpx.HTTPError:
            return None
        if response.status_code == httpx.codes.NOT_FOUND and _code(response.content) == "unknown_call":
            return Absent()
        if not response.is_success:
            return None
        try:
            return _sighting(call_id, _CallState.model_validate_json(response.content))
        except ValidationError:
            return None

    async def hangup(self, call_id: UUID) -> bool | None:
        """See `Carrier`."""
        try:
            response = await self._client.post(f"/v1/calls/{call_id}/hangup")
        except httpx.HTTPError:
            return None
        if response.is_success:
            return True
        return False if response.status_code == httpx.codes.NOT_FOUND else None


def _placed(answer: Answer) -> Placed:
    status = answer.status
    if 200 <= status < 300:
        try:
            return Accepted(_Acceptance.model_validate_json(answer.body).accepted_at)
        except ValidationError:
            return Unknown("unreadable_answer")
    if status == httpx.codes.CONFLICT and _code(answer.body) == "expired":
        return Rejected("expired", "expired")
    if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        return Rejected("unavailable", _code(answer.body), _retry_after(answer.headers))
    if 400 <= status < 500 and status != httpx.codes.REQUEST_TIMEOUT:
        return Rejected("configuration", _code(answer.body) or str(status))
    return Unknown(str(status))


def _code(body: bytes) -> str:
    try:
        code = orjson.loads(body).get("code")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    return code if isinstance(code, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)  # in this order NaN is 0


def _sighting(call_id: UUID, state: _CallState) -> Sighting:
    def event(status: EventStatus, at: AwareDatetime) -> CarrierEvent:
        ended = status == "ended"
        return CarrierEvent(
            call_id=call_id,
            at=at,
            status=status,
            sip_code=state.sip_code if ended else None,
            q850_cause=state.q850_cause if ended else None,
            reason=state.reason if ended else None,
            answered_by=state.answered_by,
            duration_seconds=state.duration_seconds if ended else None,
            attended=state.attended if ended else None,
        )

    steps: Sequence[tuple[EventStatus, AwareDatetime | None]] = (
        ("ringing", state.ringing_at),
        ("answered", state.answered_at),
        # The carrier tells the verdict, not its time; any time serves, the verdict does not change.
        ("amd", state.answered_at if state.answered_by else None),
        ("ended", state.ended_at),
    )
    return Sighting(state.accepted_at, [event(status, at) for status, at in steps if at is not None])


# ---- webhooks


def webhook_schema() -> dict[str, Any]:
    """The JSON Schema of a webhook's body, for the API's documentation."""
    schema = _Webhook.model_json_schema()
    schema["properties"]["events"]["items"] = schema.pop("$defs")["_Event"]
    return schema


def is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    """Whether the carrier signed these bytes (constant time)."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), (signature or "").encode())


def read_webhook(body: bytes) -> tuple[list[CarrierEvent], list[str]]:
    """The events of a webhook, and the words for a status that are not known here. ValidationError if it is none."""
    events, strange = [], []
    for event in _Webhook.model_validate_json(body).events:
        status = _KNOWN.get(event.status)
        if status is None:
            strange.append(event.status)
            continue
        fields = event.model_dump(exclude={"status"})
        events.append(CarrierEvent(status=status, **fields))
    return events, strange


# ---- calls that come in


class _Ring(_Carried):
    call_id: UUID
    at: AwareDatetime
    to: str
    caller: str | None = Field(default=None, alias="from", description="Null, or no E.164: withheld")


def inbound_schema() -> dict[str, Any]:
    """The JSON Schema of what the carrier says of a call that comes in."""
    return _Ring.model_json_schema()


def read_inbound(body: bytes) -> InboundCall:
    """The call. ValidationError if it is none."""
    ring = _Ring.model_validate_json(body)
    caller = ring.caller if ring.caller is not None and _E164.fullmatch(ring.caller) else None
    number = ring.to if _E164.fullmatch(ring.to) else ""
    return InboundCall(call_id=ring.call_id, at=ring.at, number=number, caller=caller)


def reply_body(call: InboundCall, reply: InboundReply, *, public_url: str) -> bytes:
    """The answer to the carrier."""
    if not isinstance(reply, InboundAnswer):
        return orjson.dumps({"reply": reply.how, "message_id": reply.message_id})
    url = public_url.rstrip("/")
    return orjson.dumps(
        {
            "reply": "answer",
            "not_after": reply.not_after.astimezone(UTC),
            "max_call_seconds": reply.max_call_seconds,
            "webhook_url": f"{url}/v1/carriers/simulated/events",
            "agent": {
                "outcome_url": f"{url}/v1/calls/{call.call_id}/outcome",
                "token": reply.token,
                "agent_id": reply.agent_id,
                "prompt": reply.prompt,
                "context": reply.context,
            },
        }
    )
