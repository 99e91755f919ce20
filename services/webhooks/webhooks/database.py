"""The service's database: its pool, its migrations, and which of its errors mean that it is away for a moment."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from campaign_service.migrations import apply

if TYPE_CHECKING:  # subscriptable for the type checker only
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool, Connection = asyncpg.Pool, asyncpg.pool.PoolConnectionProxy

MIGRATIONS = Path(__file__).parents[1] / "migrations"
UNAVAILABLE: tuple[type[Exception], ...] = (
    OSError,  # TimeoutError is one
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that was just about to say that the server is gone
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
COMMAND_TIMEOUT_SECONDS = 30.0


async def open_pool(dsn: str) -> Pool:
    """The connections of this process. A transaction that hangs is ended, so that it can't hold its locks."""
    return await asyncpg.create_pool(
        dsn,
        min_size=2,
        max_size=16,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        server_settings={"application_name": "webhooks", "idle_in_transaction_session_timeout": "5000", "jit": "off"},
    )


async def migrate(dsn: str) -> int:
    """Apply what is missing; how many steps that were. Safe to run by several processes at once."""
    connection = await asyncpg.connect(dsn)
    try:
        return len(await apply(connection, MIGRATIONS))
    finally:
        await connection.close()
