"""Numbered SQL files, applied once and in order. campaign-command has its own driver, the others `apply`."""

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
LOCK = "SELECT pg_advisory_lock(7155420)"
UNLOCK = "SELECT pg_advisory_unlock(7155420)"
_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a database's schema."""

    number: int
    name: str
    sql: str


def read_migrations(folder: Path) -> list[Migration]:
    """The migrations of a folder, in order. ValueError for a gap or a name that is not `0001_words.sql`."""
    found = []
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = _NAME.fullmatch(path.name)
        if match is None or int(match[1]) != number:
            raise ValueError(f"{path.name}: expected {number:04d}_words.sql")
        found.append(Migration(number=number, name=match[2], sql=path.read_text(encoding="utf-8")))
    return found


class Connection(Protocol):
    """What `apply` needs of an asyncpg connection; the driver is the service's, this library has none."""

    async def execute(self, query: str, /, *args: object) -> object: ...

    async def fetchval(self, query: str, /, *args: object) -> int: ...

    def transaction(self) -> AbstractAsyncContextManager[object, bool | None]: ...


async def apply(connection: Connection, folder: Path) -> list[Migration]:
    """Apply what is missing, and return it. Safe to run by several processes at once."""
    await connection.execute(LOCK)
    await connection.execute(TABLE)
    done = await connection.fetchval("SELECT coalesce(max(number), 0) FROM migrations")
    missing = read_migrations(folder)[done:]
    for step in missing:
        async with connection.transaction():
            await connection.execute(step.sql)
            await connection.execute("INSERT INTO migrations (number, name) VALUES ($1, $2)", step.number, step.name)
    await connection.execute(UNLOCK)
    return missing
