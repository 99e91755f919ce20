"""The carrier's HTTP API.

The one thing that must stay true: a create request is judged and placed without a pause in between (no await), so a
call_id is placed once however often it comes, and never after its `not_after`.
"""

import asyncio
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from simulated_carrier.behaviour import AnswerFate, Refusal
from simulated_carrier.call_request import CallRequest
from simulated_carrier.calls import Overloaded
from simulated_carrier.inbound import InboundAnswer, InboundRequest
from simulated_carrier.ledger import Entry, Ledger, LedgerFull
from simulated_carrier.requests import Json, Problem, Refused, authorized, body, body_of, invalid, parse, problem
from simulated_carrier.scenarios import FinalStatus
from simulated_carrier.server import BREAK_OFF
from simulated_carrier.simulation import Carrier, health_routes, simulation_routes
from simulated_carrier.stats import Stats

HOLD_SECONDS = 30.0
RETRY_AFTER = {"Retry-After": "1"}

log = structlog.get_logger()

_CALL_ID = "4c1f7a52-6c0e-4d0b-9a53-0d8c0f5a7b11"
_EXAMPLE_REQUEST = {
    "call_id": _CALL_ID,
    "to": "+4930990009900",
    "from": "+493012345678",
    "ring_timeout_seconds": 30,
    "max_call_seconds": 600,
    "not_after": "2030-01-01T12:00:00.000000Z",
    "amd": True,
    "webhook_url": "http://127.0.0.1:8103/carriers/simulated/events",
    "agent": {
        "outcome_url": f"http://127.0.0.1:8103/v1/calls/{_CALL_ID}/outcome",
        "token": "a-token-for-this-call",
        "agent_id": "reminder",
        "prompt": "Remind the person of the appointment.",
        "context": {"appointment": "Tuesday, 10:00"},
    },
}


# ---- what is answered (documented here, built by hand below: a thousand a second)


class Accepted(BaseModel):
    call_id: UUID
    status: Literal["queued"]
    accepted_at: AwareDatetime


class Call(BaseModel):
    call_id: UUID
    status: Literal["queued", "ringing", "answered", "ended"]
    sequence: int = Field(description="Of the call's last event, delivered or not.")
    final: bool = Field(description="The call has ended. A late AMD verdict may still fill `answered_by`.")
    final_status: FinalStatus | None
    accepted_at: AwareDatetime
    ringing_at: AwareDatetime | None
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    sip_code: int | None
    q850_cause: int | None
    reason: str | None
    answered_by: Literal["human", "machine", "fax"] | None
    attended: bool | None = Field(
        description="Of an ended call that a person answered: whether an agent was there; null: nothing to say."
    )
    duration_seconds: float | None = Field(description="Answer to end; null for calls nobody answered.")


class LostAnswer(Response):
    """No answer at all: the connection is closed, at once or when the caller gives up (at most 30 s)."""

    def __init__(self, *, stopping: asyncio.Event, hold: bool) -> None:
        super().__init__()
        self._stopping = stopping
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hold:
            waits = [asyncio.ensure_future(_disconnected(receive)), asyncio.ensure_future(self._stopping.wait())]
            await asyncio.wait(waits, timeout=HOLD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        scope["extensions"][BREAK_OFF]["call"]()
        await _disconnected(receive)


def create_app(carrier: Carrier) -> FastAPI:
    app = FastAPI(
        title="Simulated carrier",
        version="1",
        description="A telephone carrier that rings nobody: calls, webhooks and faults drawn from a seed.",
    )
    unauthorized: dict[int | str, dict[str, Any]] = {401: {"model": Problem, "description": "no or a wrong key"}}
    app.include_router(_calls(carrier), responses=unauthorized)
    app.include_router(simulation_routes(carrier), responses=unauthorized)
    app.include_router(health_routes(carrier))

    @app.exception_handler(Refused)
    async def refused(request: Request, refusal: Refused) -> Response:
        return problem(refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, error: RequestValidationError) -> Response:
        return problem(invalid(error.errors()))

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        return problem(Refused(status, status.name.lower(), str(error.detail), headers=dict(error.headers or {})))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # half a request: nobody is left to read this

    return app


# ---- calls


def _calls(carrier: Carrier) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["calls"], dependencies=[Security(authorized(carrier.api_key))])
    calls, ledger, stats = carrier.calls, carrier.ledger, carrier.stats

    @router.post(
        "/calls",
        status_code=201,
        summary="Place a call, once per call_id",
        responses={
            200: {"model": Accepted, "description": "call_id is known: the same answer, and nothing rings again"},
            201: {"model": Accepted},
            409: {"model": Problem, "description": "`expired`: arrived after not_after, nothing rings"},
            413: {"model": Problem, "description": "the body is too large"},
            422: {"model": Problem, "description": "invalid body or number"},
            429: {"model": Problem, "description": "`rate_limited`, with Retry-After: nothing rings"},
            503: {"model": Problem, "description": "`unavailable`, with Retry-After: nothing rings"},
        },
        openapi_extra=body_of(CallRequest, _EXAMPLE_REQUEST),
    )
    async def create_call(request: Request) -> Response:
        wanted = parse(CallRequest, await body(request))
        stats.requests += 1
        known = ledger.find(str(wanted.call_id))
        if known is not None:
            ledger.record(known, requests=known.requests + 1)
            stats.repeated += 1
            return _accepted(known, 200)
        if carrier.stopping.is_set():
            raise _unavailable(stats, "the carrier is shutting down")
        refusal = calls.refusal(wanted.to)
        arrived_at, monotonic_arrived = datetime.now(UTC), time.monotonic()
        if arrived_at > wanted.not_after:
            stats.expired += 1
            raise Refused(HTTPStatus.CONFLICT, "expired", "the request arrived after its not_after; nothing rings")
        if refusal is Refusal.RATE_LIMITED:
            stats.rate_limited += 1
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, refusal, "too many calls; nothing rings", headers=RETRY_AFTER)
        if refusal is Refusal.UNAVAILABLE:
            raise _unavailable(stats, "the carrier cannot take calls; nothing rings")
        try:
            entry, answer = calls.place(wanted, arrived_at=arrived_at, monotonic_arrived=monotonic_arrived)
        except (Overloaded, LedgerFull) as error:
            raise _unavailable(stats, error.__doc__ or "") from error
        except OSError as error:
            log.error("ledger_not_written", trouble=str(error))
            raise _unavailable(stats, "the ledger cannot be written; nothing rings") from error
        if answer is not AnswerFate.SENT:
            stats.answers_lost += 1
            return LostAnswer(stopping=carrier.stopping, hold=answer is AnswerFate.HELD)
        return _accepted(entry, 201)

    @router.post(
        "/inbound-calls",
        status_code=201,
        tags=["simulation"],
        summary="Somebody rings one of the customer's numbers",
        response_model=InboundAnswer,
        responses={
            422: {"model": Problem, "description": "invalid body or number, or nobody to ask"},
            503: {"model": Problem, "description": "`unavailable`, with Retry-After: nobody rings"},
        },
        openapi_extra=body_of(InboundRequest, {"from": "+4930990009900", "to": "+493012345678"}),
    )
    async def ring_in(request: Request) -> Response:
        """Answers once the customer has said what becomes of the call, or nothing for four seconds."""
        wanted = parse(InboundRequest, await body(request))
        url = carrier.exchange.url_for(wanted)
        if url is None:
            detail = "inbound_url: missing; allowed: a url, here or as CARRIER_INBOUND_URL"
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)
        if carrier.stopping.is_set():
            raise _unavailable(stats, "the carrier is shutting down")
        try:
            entry, reply = await carrier.exchange.ring(wanted, url)
        except (Overloaded, LedgerFull) as error:
            raise _unavailable(stats, error.__doc__ or "") from error
        except OSError as error:
            log.error("ledger_not_written", trouble=str(error))
            raise _unavailable(stats, "the ledger cannot be written; nobody rings") from error
        said = (
            {"reply": None, "message_id": None} if reply is None else reply.model_dump(include={"reply", "message_id"})
        )
        return Json({"call_id": entry.call_id, "status": entry.status, **said}, 201)

    @router.get(
        "/calls/{call_id}",
        summary="All that is known of a call",
        responses={200: {"model": Call}, 404: {"model": Problem, "description": "`unknown_call`: never accepted"}},
    )
    async def get_call(call_id: UUID) -> Response:
        return Json(_call(_known(ledger, call_id)))

    @router.post(
        "/calls/{call_id}/hangup",
        status_code=202,
        summary="Hang up; an ended call stays as it ended",
        responses={202: {"model": Call}, 404: {"model": Problem, "description": "`unknown_call`: never accepted"}},
    )
    async def hang_up(call_id: UUID) -> Response:
        entry = _known(ledger, call_id)
        calls.hang_up(entry)
        return Json(_call(entry), 202)

    return router


def _known(ledger: Ledger, call_id: UUID) -> Entry:
    entry = ledger.find(str(call_id))
    if entry is None:
        raise Refused(HTTPStatus.NOT_FOUND, "unknown_call", "no call with this call_id was ever accepted")
    return entry


def _accepted(entry: Entry, status: int) -> Response:
    return Json({"call_id": entry.call_id, "status": "queued", "accepted_at": entry.arrived_at}, status)


def _call(entry: Entry) -> dict[str, Any]:
    return {
        "call_id": entry.call_id,
        "status": entry.status,
        "sequence": entry.sequence,
        "final": entry.ended_at is not None,
        "final_status": entry.final_status,
        "accepted_at": entry.arrived_at,
        "ringing_at": entry.ringing_at,
        "answered_at": entry.answered_at,
        "ended_at": entry.ended_at,
        "sip_code": entry.sip_code,
        "q850_cause": entry.q850_cause,
        "reason": entry.reason,
        "answered_by": entry.answered_by,
        "attended": entry.attended,
        "duration_seconds": entry.duration_seconds,
    }


def _unavailable(stats: Stats, detail: str) -> Refused:
    stats.unavailable += 1
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers=RETRY_AFTER)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
