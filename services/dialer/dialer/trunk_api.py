"""The breakers, over HTTP: what they say, and an operator's word that a trunk works again.

The trunks themselves and the phone numbers are settings of the workspace, which campaign-command keeps.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field

from campaign_events.trunks import DEFAULT_TRUNK
from campaign_service.problems import Problem
from campaign_service.tokens import Operator, Viewer
from dialer.breaker import Breaker, Cause, State
from dialer.breakers import close_by_hand, read_breakers
from dialer.database import Pool
from dialer.services import Services, problems

# `default` is there without being set; a trunk that was removed may still have an open breaker.
TRUNKS = """
SELECT id, max_calls, calls_per_second FROM trunks WHERE workspace = $1
UNION ALL SELECT trunk, NULL, NULL FROM breakers
WHERE workspace = $1 AND state <> 'closed' AND trunk <> $2
    AND NOT EXISTS (SELECT 1 FROM trunks WHERE trunks.workspace = $1 AND trunks.id = breakers.trunk)
UNION ALL SELECT $2, NULL, NULL WHERE NOT EXISTS (SELECT 1 FROM trunks WHERE workspace = $1 AND id = $2)
ORDER BY id
"""
LIVE = """
SELECT trunk, count(*) AS live FROM calls
WHERE workspace = $1 AND trunk = ANY($2::text[]) AND state <> 'settled' AND state <> 'ended' AND state <> 'asked'
GROUP BY trunk
"""


class FailureReason(BaseModel):
    """How some of the calls failed. Digits in the carrier's words that may be a number are masked."""

    model_config = ConfigDict(from_attributes=True)

    outcome: str
    sip_code: int | None
    q850_cause: int | None
    words: str | None = Field(description="The carrier's own, or what its API did: `carrier API: …`")
    calls: int


class BreakerState(BaseModel):
    """A trunk's breaker. Figures and reasons are those of its last opening, also when it is closed again."""

    state: State = Field(
        description="closed: calls go. open: none goes before `probe_at`. probing: one call tries the trunk now."
    )
    since: datetime | None = Field(description="When it came into this state; null: it has never been open")
    cause: Cause | None = Field(description="The rule that opened it")
    opened_at: datetime | None
    probe_at: datetime | None = Field(description="While open: when a call may try")
    calls: int = Field(description="Calls of the last minute before it opened whose result was known")
    failed: int = Field(description="Those of them that failed")
    reasons: list[FailureReason] = Field(description="The most frequent ones first")
    closed_by: str | None = Field(description="`probe` for a call that went through, or who closed it by hand")


class TrunkState(BaseModel):
    """A trunk as it is being used now."""

    id: str
    max_calls: int | None = Field(description="Its ceilings; null: none")
    calls_per_second: int | None
    live_calls: int
    breaker: BreakerState


class TrunkStates(BaseModel):
    """The trunks of a workspace."""

    items: list[TrunkState]


def add_trunk_routes(app: FastAPI, services: Services) -> None:
    """`GET /v1/breakers`, `POST /v1/trunks/{id}/breaker/close`."""
    pool = services.pool

    @app.get(
        "/v1/breakers", tags=["trunks"], summary="The workspace's trunks and their breakers", responses=problems(401)
    )
    async def breakers(caller: Viewer) -> TrunkStates:
        """With the trunk `default`, which numbers that are not registered go through."""
        return TrunkStates(items=list((await read_trunks(pool, caller.workspace)).values()))

    @app.post(
        "/v1/trunks/{trunk_id}/breaker/close",
        tags=["trunks"],
        summary="Let calls go through a trunk again, without waiting for one that tries",
        responses=problems(401, 403, 404, 422),
    )
    async def close_breaker(caller: Operator, trunk_id: Annotated[str, Path(max_length=50)]) -> TrunkState:
        """What failed before does not count any more. A breaker that is closed stays as it is."""
        trunks = await read_trunks(pool, caller.workspace)
        if trunk_id not in trunks:
            raise Problem(
                404,
                "unknown_trunk",
                f"There is no trunk {trunk_id!r}; allowed: {', '.join(trunks)}.",
                allowed=[*trunks],
            )
        breaker = await close_by_hand(pool, (caller.workspace, trunk_id), by=caller.subject)
        services.log.info("breaker_closed_by_hand", workspace=str(caller.workspace), trunk=trunk_id, by=caller.subject)
        running = await pool.fetch(
            "SELECT id FROM campaigns WHERE workspace = $1 AND status = 'running'", caller.workspace
        )
        services.changed({row["id"] for row in running})
        return trunks[trunk_id].model_copy(update={"breaker": state_of(breaker)})


async def read_trunks(pool: Pool, workspace: UUID) -> dict[str, TrunkState]:
    """The trunks of a workspace by id, those that have been set and the default one."""
    rows = await pool.fetch(TRUNKS, workspace, DEFAULT_TRUNK)
    known: Mapping[str, Breaker] = await read_breakers(pool, workspace)
    live = {row["trunk"]: row["live"] for row in await pool.fetch(LIVE, workspace, [row["id"] for row in rows])}
    return {
        row["id"]: TrunkState(
            **row, live_calls=live.get(row["id"], 0), breaker=state_of(known.get(row["id"], Breaker()))
        )
        for row in rows
    }


def state_of(breaker: Breaker) -> BreakerState:
    """A breaker as clients see it."""
    return BreakerState(
        state=breaker.state,
        since=breaker.changed_at,
        cause=breaker.cause,
        opened_at=breaker.opened_at,
        probe_at=breaker.probe_at if breaker.state == "open" else None,
        calls=breaker.calls,
        failed=breaker.failed,
        reasons=[FailureReason.model_validate(reason) for reason in breaker.reasons],
        closed_by=breaker.closed_by,
    )
