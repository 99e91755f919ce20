"""The results of a campaign as a CSV: a line a contact, in the order they were added, for a spreadsheet.

What must stay true: it is streamed, a page of contacts at a time, so that a list of any length costs the same memory;
and no cell is taken for a formula. A variable whose name is that of a column of ours stands under `variables.<name>`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.campaign import Refused
from campaign_command.contact_list import PROBLEMS, mask_number
from campaign_command.csv_answers import BOM, csv_lines
from campaign_command.gate import problem_of
from campaign_command.store import Store
from campaign_command.workers import Workers
from campaign_service.tokens import Caller, Viewer

T = TypeVar("T")
PAGE = 1000
MAX_VARIABLE_COLUMNS = 256
"""Beyond so many different variables of a campaign, the rest of a contact's stand together in one cell, as JSON."""
OTHER_VARIABLES = "other_variables"
COLUMNS = (
    "number",
    "first_name",
    "last_name",
    "name",
    "email",
    "external_id",
    "status",
    "attempts",
    "reason",
    "reached",
    "callable",
    "not_callable_reason",
    "last_call_id",
    "last_call_answered",
    "last_call_seconds",
    "next_attempt_at",
    "added_at",
    "contact_id",
)
_NAMES = """
SELECT DISTINCT variable.name FROM contacts c, jsonb_object_keys(c.variables) AS variable (name)
WHERE c.campaign_id = %(campaign)s ORDER BY variable.name LIMIT %(limit)s
"""
_PAGE = """
SELECT c.* FROM contacts c JOIN campaigns g USING (campaign_id)
WHERE c.campaign_id = %(campaign)s AND c.seq > %(after)s AND NOT g.deleted ORDER BY c.seq LIMIT %(limit)s
"""
_CAMPAIGN = "SELECT 1 FROM campaigns WHERE campaign_id = %s AND workspace = %s AND NOT deleted"

router = APIRouter(tags=["contacts"], responses=PROBLEMS)


@router.get(
    "/v1/campaigns/{campaign_id}/results.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    summary="A line a contact: status, attempts, reason, external id, variables",
)
async def get_results(request: Request, caller: Viewer, campaign_id: UUID) -> Response:
    """Safe to open in a spreadsheet, and streamed. Contacts that change meanwhile stand as they were when their page
    was read. Viewers see the beginning and the end of a number."""

    def begin(cursor: Cursor[DictRow]) -> list[str]:
        if cursor.execute(_CAMPAIGN, (campaign_id, caller.workspace)).fetchone() is None:
            raise problem_of(Refused("unknown_campaign", "There is no such campaign."))
        values = {"campaign": campaign_id, "limit": MAX_VARIABLE_COLUMNS + 1}
        return [row["name"] for row in cursor.execute(_NAMES, values).fetchall()]

    def page_behind(seq: int) -> Callable[[Cursor[DictRow]], list[DictRow]]:
        values = {"campaign": campaign_id, "after": seq, "limit": PAGE}
        return lambda cursor: cursor.execute(_PAGE, values).fetchall()

    names = await _read(request, begin)
    has_others = len(names) > MAX_VARIABLE_COLUMNS
    names = names[:MAX_VARIABLE_COLUMNS]

    async def lines() -> AsyncIterator[bytes]:
        yield BOM + csv_lines([header_of(names, has_others=has_others)])
        after = 0
        while rows := await _read(request, page_behind(after)):
            yield csv_lines([line_of(row, names, caller, has_others=has_others) for row in rows])
            after = rows[-1]["seq"]

    headers = {
        "Content-Disposition": f'attachment; filename="campaign-{campaign_id}-results.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def header_of(names: Sequence[str], *, has_others: bool) -> list[str]:
    """The names of all columns, each once."""
    taken = {*COLUMNS, OTHER_VARIABLES}
    variables = [f"variables.{name}" if name in taken else name for name in names]
    return [*COLUMNS, *variables, *([OTHER_VARIABLES] if has_others else [])]


def line_of(row: DictRow, names: Sequence[str], caller: Caller, *, has_others: bool) -> list[str]:
    """A contact's cells, in the order of `header_of`."""
    call: dict[str, Any] = row["call"] or {}
    is_settled = bool(call.get("settled"))
    cells = {
        **row,
        "number": row["number"] if caller.role != "viewer" else mask_number(row["number"]),
        "attempts": row["attempt"],
        "reached": row["reached_by"] is not None,
        "last_call_id": call.get("call_id"),
        "last_call_answered": call.get("answered") if is_settled else None,
        "last_call_seconds": call.get("duration_seconds"),
        "next_attempt_at": row["due_at"],
    }
    variables: dict[str, str] = row["variables"]
    line = [_text(cells[name]) for name in COLUMNS] + [variables.get(name, "") for name in names]
    if has_others:
        others = {name: value for name, value in variables.items() if name not in set(names)}
        line.append(orjson.dumps(others).decode() if others else "")
    return line


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


async def _read(request: Request, work: Callable[[Cursor[DictRow]], T]) -> T:
    store: Store = request.app.state.store
    workers: Workers = request.app.state.commands
    return await workers.run(lambda: store.read(work))
