"""Call history as clients read it. What must stay true: whoever may only look gets no number, no words of the call."""

import json
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from campaign_events.facts import CallKind
from campaign_events.settings import Conversation, Outcome
from campaign_service.paging import decode_cursor, encode_cursor
from campaign_service.problems import Problem
from campaign_service.tokens import Role
from dialer.calls import State
from dialer.database import Pool

_NOT_FOR_VIEWERS = ("summary", "recording_url", "transcript_url", "data", "raw_reason")
SHOWN_AT_THE_START, SHOWN_AT_THE_END = 5, 2
_COLUMNS = """
    id, kind, campaign_id, contact_id, attempt, settings_version, state AS status, outcome, conversation, callback_at,
    callback, summary, recording_url, transcript_url, data, number, caller_number, agent_id, created_at, started_at,
    ringing_at, answered_at, answered_by, attended, ended_at, duration_seconds, max_call_seconds, sip_code, q850_cause,
    raw_reason, day, deciding_zones, window_until, turned_away
"""
_FILTER = """
    workspace = $1 AND ($2::uuid IS NULL OR campaign_id = $2) AND ($3::uuid IS NULL OR contact_id = $3)
    AND ($4::text IS NULL OR state = $4)
"""
LIST = f"""
SELECT {_COLUMNS} FROM calls WHERE {_FILTER}
    AND ($5::timestamptz IS NULL OR (created_at, id) < ($5, $6::uuid))
ORDER BY created_at DESC, id DESC LIMIT $7
"""  # noqa: S608
COUNT = f"SELECT count(*) FROM calls WHERE {_FILTER}"  # noqa: S608
ONE = f"SELECT {_COLUMNS} FROM calls WHERE workspace = $1 AND id = $2"  # noqa: S608


class CallRecord(BaseModel):
    """One call of the history. Times are the carrier's, UTC."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    kind: CallKind = Field(
        description="campaign: to a contact. test: an operator tried the campaign out, nothing is counted. "
        "inbound: the person rang in"
    )
    campaign_id: UUID
    contact_id: UUID = Field(description="Of a test call: belongs to no contact")
    attempt: int = Field(description="The attempt of the contact that this call is, from 1")
    settings_version: int = Field(description="The version of the campaign's settings it ran under")
    status: State = Field(
        description="asked (for a permit), placing, unknown (perhaps placed; being looked up), placed, ringing, "
        "answered, ended (hung up, the outcome is awaited), settled"
    )
    outcome: Outcome | None = Field(description="What telephony says, once settled")
    turned_away: str | None = Field(
        default=None,
        description="Of a call that came in and was not let in, why: lines_busy, number_live (the person was on the "
        "phone with us already), outside_hours and the schedule's other words, paused and the campaign's other "
        "statuses, workspace_paused, withheld_number, unavailable, …; its outcome is not_placed and it has no contact",
    )
    conversation: Conversation | None = Field(description="What the agent reported")
    callback_at: datetime | None
    callback: Literal["on_time", "late"] | None = Field(
        description="Of a callback: whether it began within the campaign's tolerance after the time that was asked for"
    )
    summary: str | None = Field(description="The agent's words; null for viewers")
    recording_url: str | None = Field(description="From the agent; null for viewers")
    transcript_url: str | None = Field(description="From the agent; null for viewers")
    data: dict[str, Any] | None = Field(description="The agent's own fields; null for viewers")
    number: str | None = Field(description="E.164; masked for viewers", examples=["+4930••••33"])
    caller_number: str | None
    agent_id: str | None
    created_at: datetime
    started_at: datetime | None = Field(description="When the carrier accepted it")
    ringing_at: datetime | None
    answered_at: datetime | None
    answered_by: str | None = Field(description="human, machine or fax, by the answering-machine detection")
    attended: bool | None = Field(
        description="Whether somebody on our side was there; false makes a person's answer `abandoned`; null: not said"
    )
    ended_at: datetime | None
    duration_seconds: float | None = Field(description="From answer to end")
    max_call_seconds: int | None = Field(description="How long it may last from the answer")
    sip_code: int | None
    q850_cause: int | None
    raw_reason: str | None = Field(description="The carrier's text; null for viewers")
    allowed_by_zones: list[str] | None = Field(description="The time zones whose local time allowed the call")
    allowed_until: datetime | None = Field(description="When that window closed")


class CallPage(BaseModel):
    """A page of calls, the newest first."""

    items: list[CallRecord]
    next_cursor: str | None
    total: int


def mask(number: str | None) -> str | None:
    """`+493012345633` → `+4930••••33`."""
    if number is None or len(number) <= SHOWN_AT_THE_START + SHOWN_AT_THE_END:
        return None if number is None else "••••"
    return f"{number[:SHOWN_AT_THE_START]}••••{number[-SHOWN_AT_THE_END:]}"


async def read_page(
    pool: Pool,
    workspace: UUID,
    *,
    role: Role,
    campaign_id: UUID | None,
    contact_id: UUID | None,
    status: State | None,
    cursor: str | None,
    limit: int,
) -> CallPage:
    """One page. Problem 422 for a cursor of another list."""
    after_at, after_id = _position(cursor)
    filters = (workspace, campaign_id, contact_id, status)
    rows = await pool.fetch(LIST, *filters, after_at, after_id, limit + 1)
    total: int = await pool.fetchval(COUNT, *filters)
    page = rows[:limit]
    more = len(rows) > limit
    return CallPage(
        items=[_record(row, role) for row in page],
        next_cursor=encode_cursor(page[-1]["created_at"].isoformat(), str(page[-1]["id"])) if more else None,
        total=total,
    )


async def read_one(pool: Pool, workspace: UUID, call_id: UUID, *, role: Role) -> CallRecord:
    """One call. Problem 404 if the workspace has no such call."""
    row = await pool.fetchrow(ONE, workspace, call_id)
    if row is None:
        raise no_such_call(call_id)
    return _record(row, role)


def no_such_call(call_id: UUID) -> Problem:
    """The 404 problem."""
    return Problem(404, "unknown_call", f"There is no call {call_id} in this workspace.")


def _record(row: asyncpg.Record, role: Role) -> CallRecord:
    fields = dict(row)
    fields["allowed_by_zones"], fields["allowed_until"] = fields.pop("deciding_zones"), fields.pop("window_until")
    del fields["day"]
    if fields["data"] is not None:
        fields["data"] = json.loads(fields["data"])
    if role == "viewer":
        fields |= {"number": mask(fields["number"]), **dict.fromkeys(_NOT_FOR_VIEWERS)}
    return CallRecord(**fields)


def _position(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if cursor is None:
        return None, None
    values = decode_cursor(cursor, length=2)
    try:
        return datetime.fromisoformat(values[0]), UUID(values[1])
    except (TypeError, ValueError, AttributeError):
        raise Problem(
            422, "invalid_cursor", "cursor: not a cursor of this list; use `next_cursor` of the page before."
        ) from None
