"""Starts the service: `serve` (the default), `migrate`, or `rebuild [--log UUID]`."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from faststream.kafka.security import parse_security

from analytics_projector.api import create_app
from analytics_projector.live import Live
from analytics_projector.projector import GROUP, Projector, Unavailable
from analytics_projector.rebuild import Rebuild, Refused
from analytics_projector.rows import Pool
from analytics_projector.settings import Settings
from campaign_events.envelope import Malformed
from campaign_events.positions import Gap, Received, UnknownLog
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.health import Health
from campaign_service.kafka_security import security_of
from campaign_service.logs import Log, configure_logs
from campaign_service.migrations import apply
from campaign_service.process import EXIT_SOFTWARE, leave, run_process, told_to_stop
from campaign_service.settings import DatabaseSettings, load_settings
from campaign_service.subscription import Subscription
from campaign_service.tokens import verifier_of
from campaign_service.topic_admin import ensure_topics
from campaign_service.tracing import start_tracing

MIGRATIONS = Path(__file__).parents[1] / "migrations"
LIVENESS_SECONDS = 30.0
LAG_SECONDS = 2.0


async def serve(settings: Settings, log: Log) -> int:
    """Project and answer until told to stop."""
    start_tracing(GROUP, settings, instance=settings.instance_id)
    security = security_of(settings)
    topics = [settings.topic_prefix + CAMPAIGN_EVENTS]
    await ensure_topics(settings.kafka_bootstrap, topics, create=False, security=security)
    verifier = verifier_of(settings)
    async with (
        _pool(settings, "writer", max_size=2, idle_in_transaction_session_timeout="5s") as writers,
        _pool(settings, "api", max_size=10, statement_timeout="10s") as readers,
    ):
        health = Health()
        for loop in ("projector", "listen"):
            health.expect(loop, within_seconds=LIVENESS_SECONDS)
        projector = Projector(writers, log=log)
        live = Live(settings.database_dsn.get_secret_value(), readers, log=log, beat=lambda: health.beat("listen"))

        async def effect(received: Sequence[Received]) -> None:
            health.beat("projector")  # a batch that is tried again is a turn, too: a lost database kills nobody
            await projector.apply(received)

        subscription = Subscription(
            settings.kafka_bootstrap,
            [CAMPAIGN_EVENTS],
            effect,
            group=GROUP,
            instance_id=settings.instance_id,
            topic_prefix=settings.topic_prefix,
            unavailable=(Unavailable,),
            log=log,
            security=security,
            beat=lambda: health.beat("projector"),
        )

        async def database() -> str | None:
            return None if await readers.fetchval("SELECT true FROM live") else "has no live generation"

        async def measure(stopping: asyncio.Event) -> None:
            while not stopping.is_set():
                try:
                    await projector.measure(await subscription.waiting())
                except Unavailable as error:
                    log.warning("lag_unavailable", error=str(error))
                await told_to_stop(stopping, within_seconds=LAG_SECONDS)

        health.check("consumer", subscription.check)
        health.check("database", database)
        app = create_app(
            pool=readers,
            live=live,
            verifier=verifier,
            health=health,
            wait_seconds=settings.min_position_wait_seconds,
            behind_seconds=lambda: projector.behind_seconds,
        )
        loops = {"projector": subscription.run, "listen": live.listen, "push": live.push, "measure": measure}
        code = await run_process(app, host=settings.http_host, port=settings.http_port, loops=loops, log=log)
        leave(code)  # a failed loop may hold a connection for ever, and the pools would wait for it
    return code


async def migrate(settings: DatabaseSettings, log: Log) -> int:
    """Bring the database to the newest schema. The topic belongs to its writer, campaign-command."""
    connection = await asyncpg.connect(settings.database_dsn.get_secret_value())
    try:
        for migration in await apply(connection, MIGRATIONS):
            log.info("migrated", number=migration.number, name=migration.name)
    finally:
        await connection.close()
    return 0


async def rebuild(settings: DatabaseSettings, log: Log, wanted_log: UUID | None) -> int:
    """Fill a new generation from the whole topic and switch to it."""
    security = security_of(settings)
    topics = [settings.topic_prefix + CAMPAIGN_EVENTS]
    await ensure_topics(settings.kafka_bootstrap, topics, create=False, security=security)
    connection = await asyncpg.connect(settings.database_dsn.get_secret_value())
    switcher = await asyncpg.connect(settings.database_dsn.get_secret_value())
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=None,
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
        **parse_security(security),
    )
    try:
        await consumer.start()
        await Rebuild(connection, switcher, consumer, topic_prefix=settings.topic_prefix, log=log).run(wanted_log)
    except Refused as error:
        log.error("rebuild_refused", detail=str(error))
        return 1
    except (Malformed, Gap, UnknownLog) as error:
        log.error("rebuild_failed", error=type(error).__name__, detail=str(error))
        return EXIT_SOFTWARE
    finally:
        await consumer.stop()
        await connection.close()
        await switcher.close()
    return 0


def _pool(settings: Settings, name: str, *, max_size: int, **server_settings: str) -> Pool:
    return asyncpg.create_pool(
        settings.database_dsn.get_secret_value(),
        min_size=1,
        max_size=max_size,
        server_settings={"application_name": f"analytics-projector {name}", **server_settings},
    )


def main() -> None:
    """Read the command and the environment, run, and leave with the exit code."""
    parser = argparse.ArgumentParser(prog="analytics_projector", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="project and answer until SIGTERM (the default)")
    commands.add_parser("migrate", help="bring the database to the newest schema")
    rebuilding = commands.add_parser("rebuild", help="rebuild all views from the topic, while reads and writes go on")
    rebuilding.add_argument("--log", type=UUID, help="the log to rebuild from, where the topic holds several")
    arguments = parser.parse_args()
    if arguments.command in (None, "serve"):
        settings = load_settings(Settings)
        log = configure_logs(GROUP, level=settings.log_level, log_format=settings.log_format)
        leave(uvloop.run(serve(settings, log)))
    preparing = load_settings(DatabaseSettings)
    log = configure_logs(GROUP, level=preparing.log_level, log_format=preparing.log_format)
    if arguments.command == "migrate":
        leave(asyncio.run(migrate(preparing, log)))
    leave(asyncio.run(rebuild(preparing, log, arguments.log)))


if __name__ == "__main__":
    main()
