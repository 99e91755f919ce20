"""Runs campaign-command: `python -m campaign_command` serves, `… migrate` prepares its database and topics, and
`… replay`, `export`, `backfill`, `import-log`, `new-log` look at its log or carry it elsewhere (`--help` says how)."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from aiokafka.errors import KafkaError

from campaign_command import backfill, log_commands, log_files, restored
from campaign_command.api import create_app
from campaign_command.backfill import Backfill
from campaign_command.gate import Gate
from campaign_command.housekeeping import TURN_SECONDS, Housekeeping
from campaign_command.imports import Importer, limits_of
from campaign_command.permits import Terms
from campaign_command.relay import Relay
from campaign_command.reports import apply_reports
from campaign_command.restored import Restored
from campaign_command.settings import RestoreSettings, Settings
from campaign_command.silence import Silence
from campaign_command.store import UNAVAILABLE, Store, StoreError
from campaign_command.suppression_lists import ListWorker
from campaign_command.workers import Workers
from campaign_events.positions import Received
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_COMMAND, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS
from campaign_service.health import Health
from campaign_service.kafka_security import security_of
from campaign_service.logs import Log, configure_logs
from campaign_service.migrations import LOCK, TABLE, read_migrations
from campaign_service.process import leave, run_process
from campaign_service.settings import DatabaseSettings, load_settings
from campaign_service.subscription import Subscription
from campaign_service.tokens import verifier_of
from campaign_service.topic_admin import ensure_topics
from campaign_service.tracing import start_tracing

MIGRATIONS = Path(__file__).parent.parent / "migrations"


async def serve(settings: Settings, log: Log) -> int:
    """Construct, connect, run until told to stop."""
    start_tracing(CAMPAIGN_COMMAND, settings, instance=settings.instance_id)
    # 1 extra connection each for readiness, the importer and the uploaded lists beside the pools.
    dsn, hash_key = settings.database_dsn.get_secret_value(), settings.hash_key.get_secret_value()
    store = Store(dsn, pool_size=settings.command_threads + settings.permit_threads + 6, hash_key=hash_key)
    commands = Workers("commands", threads=settings.command_threads)
    permits = Workers("permits", threads=settings.permit_threads)
    background = Workers("background", threads=2)
    silence = Silence(store, commands, place_timeout_seconds=settings.place_timeout_seconds)
    health = Health()
    security = security_of(settings)

    async def apply(received: Sequence[Received]) -> None:
        work = lambda tx: apply_reports(tx, received)  # noqa: E731
        fresh = await background.run(lambda: store.transact(work))
        silence.reported()
        log.info("call_reports_applied", received=len(received), fresh=fresh)

    subscription = Subscription(
        settings.kafka_bootstrap,
        [CALL_EVENTS],
        apply,
        group=CAMPAIGN_COMMAND,
        instance_id=settings.instance_id,
        topic_prefix=settings.topic_prefix,
        unavailable=UNAVAILABLE,
        log=log,
        security=security,
        beat=lambda: health.beat("reports"),
    )
    relay = Relay(
        store,
        dsn=dsn,
        bootstrap=settings.kafka_bootstrap,
        topic_prefix=settings.topic_prefix,
        log=log,
        security=security,
        beat=lambda: health.beat("relay"),
    )
    housekeeping = Housekeeping(store, workers=background, log=log, beat=lambda: health.beat("housekeeping"))
    suppression_lists = ListWorker(
        store,
        spool_dir=settings.spool_dir,
        limits=limits_of(settings),
        instance_id=settings.instance_id,
        log=log,
        beat=lambda: health.beat("suppression_lists"),
    )
    importer = Importer(store, settings=settings, log=log, beat=lambda: health.beat("imports"))

    app = create_app(health)
    state = app.state
    state.settings, state.store, state.commands, state.permit_workers = settings, store, commands, permits
    state.gate, state.silence, state.importer = Gate(store, commands), silence, importer
    state.terms = Terms(settings.permit_seconds, settings.place_timeout_seconds, settings.in_progress_deadline_seconds)
    state.verifier = verifier_of(settings)

    async def database() -> str | None:
        await commands.run(lambda: store.read(lambda cursor: cursor.execute("SELECT 1 FROM log").fetchone()))
        return None

    health.check("database", database)
    health.check("reports", subscription.check)
    health.expect("reports", within_seconds=60)
    health.expect("relay", within_seconds=60)
    health.expect("housekeeping", within_seconds=TURN_SECONDS + 60)
    health.expect("imports", within_seconds=120)
    health.expect("suppression_lists", within_seconds=120)

    written = [settings.topic_prefix + topic for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS)]
    topics = [*written, settings.topic_prefix + CALL_EVENTS]
    await ensure_topics(settings.kafka_bootstrap, topics, create=False, security=security)
    log.info("starting", http_port=settings.http_port)
    return await run_process(
        app,
        host=settings.http_host,
        port=settings.http_port,
        loops={
            "reports": subscription.run,
            "relay": relay.run,
            "housekeeping": housekeeping.run,
            "imports": importer.run,
            "suppression_lists": suppression_lists.run,
        },
        log=log,
        away=UNAVAILABLE,
    )


async def migrate(settings: DatabaseSettings, log: Log) -> int:
    """Bring the database and the topics this service writes to what the code expects."""
    with psycopg.connect(settings.database_dsn.get_secret_value(), autocommit=True) as connection:
        connection.execute(LOCK)
        connection.execute(TABLE)
        row = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
        done = row[0] if row else 0
        for migration in read_migrations(MIGRATIONS)[done:]:
            with connection.transaction():
                connection.execute(migration.sql.encode())
                connection.execute(
                    "INSERT INTO migrations (number, name) VALUES (%s, %s)", (migration.number, migration.name)
                )
            log.info("migrated", number=migration.number, name=migration.name)
    topics = [settings.topic_prefix + topic for topic in (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS)]
    await ensure_topics(settings.kafka_bootstrap, topics, security=security_of(settings))
    return 0


def use_log(wanted: argparse.Namespace, settings: DatabaseSettings, log: Log) -> int:
    """One of the commands about the log."""
    dsn = settings.database_dsn.get_secret_value()
    # Only what takes up a restored log looks for numbers; the others hash none.
    hash_key = settings.hash_key.get_secret_value() if isinstance(settings, RestoreSettings) else ""
    store = Store(dsn, pool_size=2, hash_key=hash_key)
    bootstrap, prefix, security = settings.kafka_bootstrap, settings.topic_prefix, security_of(settings)
    try:
        match wanted.command:
            case "replay":
                return log_commands.show_replay(store, wanted, sys.stdout)
            case "export":
                return log_commands.write_export(store, wanted, sys.stdout.buffer)
            case "backfill":
                work = Backfill(
                    store,
                    dsn=dsn,
                    bootstrap=bootstrap,
                    topic_prefix=prefix,
                    show=log_commands.Progress(),
                    log=log,
                    rate=wanted.rate,
                    security=security,
                )
                asyncio.run(work.run(wanted.to, source=wanted.source, first=wanted.first))
            case "new-log":
                again = Restored(store, dsn=dsn, bootstrap=bootstrap, topic_prefix=prefix, log=log, security=security)
                asyncio.run(again.take_up(delete_topics=wanted.delete_topics))
            case _:
                asyncio.run(log_files.require_empty_topics(bootstrap, topic_prefix=prefix, security=security))
                count, last = log_files.import_lines(store, wanted.file)
                log.info("log_imported", facts=count, last_position=last, log_id=str(store.log))
    except (backfill.Refused, log_files.Refused, restored.Refused) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        store.close()
    return 0


def main() -> None:
    """Parse the arguments and run."""
    wanted = log_commands.parser().parse_args()
    serving = wanted.command in (None, "serve")
    model = RestoreSettings if wanted.command == "new-log" else DatabaseSettings
    settings = load_settings(Settings if serving else model)
    log = configure_logs(CAMPAIGN_COMMAND, level=settings.log_level, log_format=settings.log_format)
    try:
        if isinstance(settings, Settings):
            leave(asyncio.run(serve(settings, log)))
        if wanted.command in log_commands.NAMES:
            sys.exit(use_log(wanted, settings, log))
        sys.exit(asyncio.run(migrate(settings, log)))
    except BrokenPipeError:
        sys.stderr.close()  # whoever read has seen enough
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except (StoreError, psycopg.Error, KafkaError, OSError, ValueError) as error:
        log.error("cannot_start", error=type(error).__name__, detail=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
