"""The campaign list as a query: filters, order, and the page after a cursor (by key, never by offset)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from analytics_projector.campaign_list import CampaignRow
from analytics_projector.rows import LIVE, Connection, row_from
from campaign_events.settings import CampaignStatus, CampaignType
from campaign_service.paging import decode_cursor, encode_cursor
from campaign_service.problems import Problem

Sort = Literal["created_at", "name", "status"]
Order = Literal["asc", "desc"]
DEFAULT_ORDER: dict[Sort, Order] = {"created_at": "desc", "name": "asc", "status": "asc"}
SORT_KEYS: dict[Sort, tuple[str, TypeAdapter[Any]]] = {
    "created_at": ("created_at", TypeAdapter(datetime)),
    "name": ("lower(name)", TypeAdapter(str)),
    "status": ("status", TypeAdapter(str)),
}
_ID = TypeAdapter(UUID)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. `words` is looked for in names and descriptions, whatever the case."""

    workspace: UUID
    statuses: Sequence[CampaignStatus]
    type: CampaignType | None
    words: str | None
    sort: Sort
    order: Order
    cursor: str | None
    limit: int


async def page(connection: Connection, query: Query) -> tuple[list[CampaignRow], str | None, int]:
    """The rows, the next cursor (null on the last page), and how many campaigns the filters leave in all.

    The caller's transaction is a snapshot, so that both statements see the same.
    """
    conditions = [f"generation = {LIVE}", "NOT deleted", "workspace = $1"]
    values: list[Any] = [query.workspace]

    def value(one: Any) -> str:
        values.append(one)
        return f"${len(values)}"

    if query.statuses:
        conditions.append(f"status = ANY({value([s.value for s in query.statuses])}::text[])")
    if query.type:
        conditions.append(f"type = {value(query.type)}")
    if query.words:
        pattern = value(f"%{_escaped(query.words)}%")
        conditions.append(f"(name ILIKE {pattern} OR description ILIKE {pattern})")
    where = " AND ".join(conditions)
    total = await connection.fetchval(f"SELECT count(*) FROM campaigns WHERE {where}", *values)  # noqa: S608
    key, _ = SORT_KEYS[query.sort]
    if query.cursor:
        after, id_ = _start_of(query)
        where += f" AND ({key}, id) {'<' if query.order == 'desc' else '>'} ({value(after)}, {value(id_)})"
    records = await connection.fetch(
        f"SELECT *, {key} AS sort_key FROM campaigns WHERE {where} "  # noqa: S608 - built from the constants above
        f"ORDER BY {key} {query.order}, id {query.order} LIMIT {value(query.limit + 1)}",
        *values,
    )
    shown = records[: query.limit]
    more = len(records) > query.limit
    cursor = encode_cursor(query.sort, query.order, shown[-1]["sort_key"], shown[-1]["id"]) if more else None
    return [row_from(record) for record in shown], cursor, total


def _start_of(query: Query) -> tuple[Any, UUID]:
    assert query.cursor is not None
    sort, order, key, id_ = decode_cursor(query.cursor, length=4)
    try:
        if (sort, order) != (query.sort, query.order) or (isinstance(key, str) and "\0" in key):
            raise ValueError
        return SORT_KEYS[query.sort][1].validate_python(key), _ID.validate_python(id_)
    except (ValidationError, ValueError):
        raise Problem(
            422,
            "invalid_cursor",
            f"cursor: not a cursor of this list in the order {query.sort} {query.order}; use `next_cursor` of the page "
            "before with the same `sort` and `order`.",
        ) from None


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
