"""What a real carrier would not show: its ledger, its counts and its faults; and the process's health."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response, Security
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import AwareDatetime, BaseModel, Field

from simulated_carrier.behaviour import Behaviour
from simulated_carrier.calls import Calls
from simulated_carrier.inbound import Exchange
from simulated_carrier.ledger import Entry, Ledger
from simulated_carrier.requests import Json, Problem, authorized, body, body_of, invalid, parse
from simulated_carrier.scenarios import FinalStatus
from simulated_carrier.stats import Stats, StatsCollector
from simulated_carrier.timeline import Timeline

STUCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Carrier:
    """What the API speaks for."""

    calls: Calls
    ledger: Ledger
    timeline: Timeline
    stats: Stats
    api_key: str
    gauges: Callable[[], dict[str, int]]
    stopping: asyncio.Event
    exchange: Exchange


class LedgerEntry(BaseModel):
    n: int
    call_id: UUID
    direction: Literal["outbound", "inbound"] = Field(description="outbound: a phone was rung; inbound: a call came in")
    to: str
    from_number: str = Field(alias="from", description="Inbound: the caller, or `anonymous`")
    arrived_at: AwareDatetime = Field(description="When the create request was accepted.")
    monotonic_arrived: float = Field(description="The same instant on the machine's monotonic clock, seconds.")
    ringing_at: AwareDatetime | None
    answered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    final_status: FinalStatus | None
    sip_code: int | None
    q850_cause: int | None
    answered_by: str | None
    requests: int = Field(description="Create requests seen for the call_id, from the accepted one on.")


class LedgerPage(BaseModel):
    entries: list[LedgerEntry]
    next: int | None = Field(description="`after` of the next page; null on the last one.")
    total: int


def simulation_routes(carrier: Carrier) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["simulation"], dependencies=[Security(authorized(carrier.api_key))])
    calls, ledger, stats = carrier.calls, carrier.ledger, carrier.stats

    @router.get("/ledger", summary="Every call ever accepted, in order", responses={200: {"model": LedgerPage}})
    async def get_ledger(
        after: Annotated[int, Query(ge=0, description="n of the last entry seen")] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> Response:
        page = ledger.entries[after : after + limit]
        total = len(ledger.entries)
        more = bool(page) and page[-1].n < total
        return Json({"entries": [_line(entry) for entry in page], "next": page[-1].n if more else None, "total": total})

    @router.get("/stats", summary="Counts since the start or the last reset")
    async def get_stats() -> dict[str, int]:
        return {"live": calls.live, "total": len(ledger.entries), **asdict(stats)}

    @router.post("/stats/reset", summary="Counts from zero; max_live from the calls live now")
    async def reset_stats() -> dict[str, int]:
        stats.reset(live=calls.live)
        return {"live": calls.live, "total": len(ledger.entries), **asdict(stats)}

    @router.get("/behaviour", summary="Seed, speed, weights and faults")
    async def get_behaviour() -> Behaviour:
        return calls.behaviour

    @router.put(
        "/behaviour",
        summary="Change any of them; what is left out stays",
        responses={422: {"model": Problem, "description": "an unknown name or a value out of range"}},
        openapi_extra=body_of(Behaviour, {"speed": 20, "faults": {"drop_event": 0.05}}),
    )
    async def put_behaviour(request: Request) -> Behaviour:
        try:
            changes = orjson.loads(await body(request))
        except orjson.JSONDecodeError as error:
            raise invalid([{"loc": [], "type": "json_invalid", "msg": str(error)}]) from error
        calls.behaviour = parse(Behaviour, orjson.dumps(_merged(calls.behaviour.model_dump(), changes)))
        return calls.behaviour

    return router


def _merged(current: Any, changes: Any) -> Any:
    if not (isinstance(current, dict) and isinstance(changes, dict)):
        return changes
    return current | {name: _merged(current.get(name), value) for name, value in changes.items()}


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "n": entry.n,
        "call_id": entry.call_id,
        "direction": entry.direction,
        "to": entry.to,
        "from": entry.from_number,
        "arrived_at": entry.arrived_at,
        "monotonic_arrived": entry.monotonic_arrived,
        "ringing_at": entry.ringing_at,
        "answered_at": entry.answered_at,
        "ended_at": entry.ended_at,
        "final_status": entry.final_status,
        "sip_code": entry.sip_code,
        "q850_cause": entry.q850_cause,
        "answered_by": entry.answered_by,
        "requests": entry.requests,
    }


# ---- health


def health_routes(carrier: Carrier) -> APIRouter:
    router = APIRouter(tags=["health"])
    registry = CollectorRegistry()
    registry.register(StatsCollector(carrier.stats, carrier.gauges))

    @router.get("/livez", summary="Whether the timeline still turns", response_class=PlainTextResponse)
    async def livez() -> Response:
        age = time.monotonic() - carrier.timeline.turned_at
        return PlainTextResponse(f"last turn {age:.3f} s ago\n", 200 if age < STUCK_SECONDS else 503)

    @router.get("/readyz", summary="Whether calls can be placed", response_class=PlainTextResponse)
    async def readyz() -> Response:
        if carrier.stopping.is_set():
            return PlainTextResponse("shutting down\n", 503)
        if not carrier.ledger.writable:
            return PlainTextResponse("the ledger cannot be written\n", 503)
        return PlainTextResponse("ready\n")

    @router.get("/metrics", summary="Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
