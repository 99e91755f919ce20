"""The views in PostgreSQL: how each is loaded for a fold, saved after it, and read by the API.

Every statement names its generation; readers take the live one inside the statement.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from analytics_projector.campaign_analytics import Days
from analytics_projector.campaign_list import COUNTS, PLAN, CampaignRow, ContactCounts, Plan
from analytics_projector.figures import FIGURES, CallFigures, values_of
from campaign_events.schedule import STORED
from campaign_events.settings import CampaignSettings, CampaignStatus

# Quoted: asyncpg's classes are generic for type checkers only.
OwnConnection: TypeAlias = "asyncpg.Connection[Any]"
Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

OWN = (
    "id",
    "workspace",
    "position",
    "deleted",
    "name",
    "description",
    "type",
    "status",
    "paused_reason",
    "agent_id",
    "settings_version",
    "created_at",
    "started_at",
    "ended_at",
    "reached",
)
COLUMNS = ("generation", *OWN, "retries", *PLAN, *(f"contacts_{n}" for n in COUNTS), *(f"calls_{n}" for n in FIGURES))
DAY_COLUMNS = ("generation", "campaign_id", "day", *FIGURES)


def _upsert(table: str, columns: Collection[str], *, key: Collection[str]) -> str:
    values = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) "  # noqa: S608 - names of this module
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


LOAD_CAMPAIGNS = "SELECT * FROM campaigns WHERE generation = $1 AND id = ANY($2)"
LOAD_DAYS = """
SELECT d.* FROM campaign_days d JOIN unnest($2::uuid[], $3::date[]) AS asked (campaign_id, day)
    ON d.campaign_id = asked.campaign_id AND d.day = asked.day
WHERE d.generation = $1
"""
SAVE_CAMPAIGN = _upsert("campaigns", COLUMNS, key=("generation", "id"))
SAVE_DAY = _upsert("campaign_days", DAY_COLUMNS, key=("generation", "campaign_id", "day"))
SAVE_SETTINGS = _upsert(
    "campaign_settings", ("generation", "campaign_id", "settings"), key=("generation", "campaign_id")
)
FORGET_DAYS = "DELETE FROM campaign_days WHERE generation = $1 AND campaign_id = ANY($2)"
FORGET_SETTINGS = "DELETE FROM campaign_settings WHERE generation = $1 AND campaign_id = ANY($2)"

LIVE = "(SELECT generation FROM live)"
READ_CAMPAIGN = f"""
SELECT c.*, s.settings FROM campaigns c JOIN campaign_settings s ON s.generation = c.generation AND s.campaign_id = c.id
WHERE c.generation = {LIVE} AND c.id = $1 AND c.workspace = $2 AND NOT c.deleted
"""  # noqa: S608
READ_DAYS = f"SELECT * FROM campaign_days WHERE generation = {LIVE} AND campaign_id = $1"  # noqa: S608
READ_POSITION = f"SELECT position FROM campaigns WHERE generation = {LIVE} AND id = $1 AND workspace = $2"  # noqa: S608
READ_CHANGED = f"SELECT * FROM campaigns WHERE generation = {LIVE} AND id = ANY($1)"  # noqa: S608


def row_from(record: asyncpg.Record) -> CampaignRow:
    """The view of a record of `campaigns`."""
    return CampaignRow(
        **{name: record[name] for name in OWN if name != "status"},
        status=CampaignStatus(record["status"]),
        plan=Plan(*(record[name] for name in PLAN)),
        contacts=ContactCounts(*(record[f"contacts_{name}"] for name in COUNTS)),
        calls=CallFigures(*(record[f"calls_{name}"] for name in FIGURES)),
        retries={int(attempt): count for attempt, count in orjson.loads(record["retries"]).items()},
    )


def figures_from(record: asyncpg.Record) -> CallFigures:
    """The figures of a record of `campaign_days`."""
    return CallFigures(*(record[name] for name in FIGURES))


def settings_from(record: asyncpg.Record) -> CampaignSettings:
    """The settings that a record of READ_CAMPAIGN carries."""
    return CampaignSettings.model_validate_json(record["settings"], context=STORED)


async def load_campaigns(connection: Connection, generation: int, ids: Collection[UUID]) -> dict[UUID, CampaignRow]:
    """The rows of these campaigns, tombstones too."""
    return {r["id"]: row_from(r) for r in await connection.fetch(LOAD_CAMPAIGNS, generation, list(ids))}


async def load_days(
    connection: Connection, generation: int, asked: Collection[tuple[UUID, date]]
) -> dict[UUID, dict[date, CallFigures]]:
    """The figures of exactly these days."""
    found: dict[UUID, dict[date, CallFigures]] = {}
    if asked:
        ids, days = zip(*asked, strict=True)
        for record in await connection.fetch(LOAD_DAYS, generation, list(ids), list(days)):
            found.setdefault(record["campaign_id"], {})[record["day"]] = figures_from(record)
    return found


async def save_campaigns(connection: Connection, generation: int, rows: Iterable[CampaignRow]) -> None:
    """Write the rows, new or not."""
    await connection.executemany(
        SAVE_CAMPAIGN,
        [
            (
                generation,
                *(getattr(row, name) for name in OWN),
                orjson.dumps(row.retries, option=orjson.OPT_NON_STR_KEYS).decode(),
                *(getattr(row.plan, name) for name in PLAN),
                *(getattr(row.contacts, name) for name in COUNTS),
                *values_of(row.calls),
            )
            for row in rows
        ],
    )


async def save_days(connection: Connection, generation: int, days: Mapping[UUID, Days]) -> None:
    """Write the figures of these days, new or not."""
    records = [
        (generation, campaign_id, day, *values_of(calls))
        for campaign_id, figures in days.items()
        for day, calls in figures.items()
    ]
    if records:
        await connection.executemany(SAVE_DAY, records)


async def save_settings(connection: Connection, generation: int, settings: Mapping[UUID, CampaignSettings]) -> None:
    """Write the settings of these campaigns."""
    if settings:
        await connection.executemany(
            SAVE_SETTINGS, [(generation, id_, one.model_dump_json()) for id_, one in settings.items()]
        )


async def forget(connection: Connection, generation: int, ids: Collection[UUID]) -> None:
    """Delete what a tombstone doesn't keep."""
    if ids:
        await connection.execute(FORGET_DAYS, generation, list(ids))
        await connection.execute(FORGET_SETTINGS, generation, list(ids))
