"""Numbered SQL files, applied once and in order. Each service runs them with its own driver."""

import re
from dataclasses import dataclass
from pathlib import Path

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
