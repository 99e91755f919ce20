"""Constructs and connects the dialer. `python -m dialer` serves; `… migrate` prepares its database; `… rebuild` folds
the campaigns and the queue anew from the topic, while another process dials; `… new-log` forgets them, after a restore.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from faststream.kafka.security import parse_security

from campaign_events.envelope import Malformed
from campaign_events.positions import Gap, UnknownLog
from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, DIALER, SUPPRESSION_EVENTS
from campaign_service.health import Health
from campaign_service.kafka_security import security_of
from campaign_service.logs import configure_logs
from campaign_service.process import EXIT_SOFTWARE, leave, run_process
from campaign_service.publisher import Publisher
from campaign_service.settings import DatabaseSettings, load_settings
from campaign_service.subscription import Subscription
from campaign_service.tokens import verifier_of
from campaign_service.topic_admin import ensure_topics
from campaign_service.tracing import start_tracing
from dialer.api import build_app
from dialer.breakers import Breakers
from dialer.caller import Caller
from dialer.calls import Patience
from dialer.carriers.simulated import SimulatedCarrier
from dialer.database import UNAVAILABLE, migrate, open_pool
from dialer.incoming import mint_call_token
from dialer.intake import Intake
from dialer.new_log import Running, forget_log
from dialer.permits import PermitClient
from dialer.rebuild import SCHEMA, Rebuild, Refused
from dialer.reconciler import Reconciler
from dialer.relay import Relay
from dialer.retention import Retention
from dialer.services import Services
from dialer.settings import Settings
from dialer.workspaces import Workspaces

SUBSCRIPTION, CALLER, RECONCILER, RELAY = "subscription", "caller", "reconciler", "relay"
WORKSPACES, RETENTION, BREAKERS = "workspaces", "retention", "breakers"


async def prepare() -> int:
    """Tables and topics, idempotent."""
    settings = load_settings(DatabaseSettings)
    log = configure_logs(DIALER, level=settings.log_level, log_format=settings.log_format)
    steps = await migrate(settings.database_dsn.get_secret_value())
    topics = [settings.topic_prefix + CALL_EVENTS]
    await ensure_topics(settings.kafka_bootstrap, topics, security=security_of(settings))
    log.info("migrated", steps=steps)
    return 0


async def rebuild() -> int:
    """Fold campaigns and queue anew; the exit code."""
    settings = load_settings(DatabaseSettings)
    log = configure_logs(DIALER, level=settings.log_level, log_format=settings.log_format)
    dsn = settings.database_dsn.get_secret_value()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        **parse_security(security_of(settings)),
    )
    live = await asyncpg.connect(dsn)
    aside = await asyncpg.create_pool(dsn, min_size=1, max_size=1, server_settings={"search_path": SCHEMA})
    try:
        await consumer.start()
        await Rebuild(live, aside, consumer, topic_prefix=settings.topic_prefix, log=log).run()
    except Refused as error:
        log.error("rebuild_refused", detail=str(error))
        return 1
    except (Malformed, Gap, UnknownLog) as error:
        log.error("rebuild_failed", error=type(error).__name__, detail=str(error))
        return EXIT_SOFTWARE
    finally:
        await consumer.stop()
        await aside.close()
        await live.close()
    return 0


async def forget() -> int:
    """Forget what was folded from the log that campaign-command had before its database was restored."""
    settings = load_settings(DatabaseSettings)
    log = configure_logs(DIALER, level=settings.log_level, log_format=settings.log_format)
    connection = await asyncpg.connect(settings.database_dsn.get_secret_value())
    try:
        log.info("log_forgotten", rows=await forget_log(connection))
    except Running as error:
        log.error("new_log_refused", detail=str(error))
        return 1
    finally:
        await connection.close()
    return 0


async def serve() -> int:
    """Serve until told to stop; the exit code."""
    settings = load_settings(Settings)
    log = configure_logs(DIALER, level=settings.log_level, log_format=settings.log_format)
    start_tracing(DIALER, settings, instance=settings.instance_id)
    topics = [settings.topic_prefix + topic for topic in (CAMPAIGN_EVENTS, CALL_EVENTS, SUPPRESSION_EVENTS)]
    security = security_of(settings)
    await ensure_topics(settings.kafka_bootstrap, topics, create=False, security=security)
    dsn = settings.database_dsn.get_secret_value()
    pool = await open_pool(dsn)
    patience = Patience(
        place_timeout_seconds=settings.place_timeout_seconds,
        reconcile_seconds=settings.reconcile_seconds,
        outcome_grace_seconds=settings.outcome_grace_seconds,
        call_deadline_seconds=settings.call_deadline_seconds,
    )
    token_secret = settings.call_token_secret.get_secret_value()
    permits = PermitClient(settings.command_url, secret=settings.permit_secret.get_secret_value())
    carrier = SimulatedCarrier(
        settings.carrier_url,
        api_key=settings.carrier_api_key.get_secret_value(),
        public_url=settings.public_url,
        place_timeout_seconds=settings.place_timeout_seconds,
    )

    def mint(call_id: UUID, workspace: UUID) -> str:
        return mint_call_token(token_secret, call_id=call_id, workspace=workspace, patience=patience)

    breakers = Breakers(pool, log=log)
    caller = Caller(
        pool, permits=permits, carrier=carrier, breakers=breakers, patience=patience, mint_token=mint, log=log
    )
    reconciler = Reconciler(
        pool, carrier=carrier, patience=patience, partitions=lambda: caller.partitions, freed=caller.changed, log=log
    )
    health = _health()
    intake = Intake(pool, changed=caller.changed, log=log)
    subscription = Subscription(
        settings.kafka_bootstrap,
        [CAMPAIGN_EVENTS],
        intake.apply,
        group=DIALER,
        instance_id=settings.instance_id,
        topic_prefix=settings.topic_prefix,
        unavailable=UNAVAILABLE,
        log=log,
        security=security,
        on_assigned=caller.take_over,
        on_revoked=caller.give_up,
        beat=partial(health.beat, SUBSCRIPTION),
    )
    # A group of its own: which partitions of campaigns this process dials must not hang on these.
    workspaces = Subscription(
        settings.kafka_bootstrap,
        [SUPPRESSION_EVENTS],
        Workspaces(pool, changed=caller.changed, log=log).apply,
        group=f"{DIALER}-{WORKSPACES}",
        instance_id=settings.instance_id,
        topic_prefix=settings.topic_prefix,
        unavailable=UNAVAILABLE,
        log=log,
        security=security,
        beat=partial(health.beat, WORKSPACES),
    )
    client_id = f"{settings.topic_prefix}{DIALER}-{settings.instance_id}"
    relay = Relay(
        dsn,
        publisher=partial(
            Publisher,
            settings.kafka_bootstrap,
            topic_prefix=settings.topic_prefix,
            client_id=client_id,
            security=security,
        ),
        log=log,
    )

    async def check_database() -> str | None:
        await pool.fetchval("SELECT 1")
        return None

    health.check("database", check_database)
    health.check(SUBSCRIPTION, subscription.check)
    health.check(WORKSPACES, workspaces.check)

    app = build_app(
        Services(
            pool=pool,
            carrier=carrier,
            permits=permits,
            mint_token=mint,
            patience=patience,
            verifier=verifier_of(settings),
            call_token_secret=token_secret,
            webhook_secret=settings.carrier_webhook_secret.get_secret_value(),
            public_url=settings.public_url,
            changed=caller.changed,
            health=health,
            log=log,
        )
    )
    last_call_told = asyncio.Event()
    loops: dict[str, Loop] = {
        SUBSCRIPTION: subscription.run,
        WORKSPACES: workspaces.run,
        BREAKERS: partial(breakers.run, beat=partial(health.beat, BREAKERS)),
        RETENTION: partial(Retention(pool, log=log).run, beat=partial(health.beat, RETENTION)),
        CALLER: _then(partial(caller.run, beat=partial(health.beat, CALLER)), last_call_told),
        RECONCILER: partial(reconciler.run, beat=partial(health.beat, RECONCILER)),
        RELAY: _after(last_call_told, partial(relay.run, beat=partial(health.beat, RELAY))),
    }
    code = await run_process(app, host=settings.http_host, port=settings.http_port, loops=loops, log=log)
    await permits.close()
    await carrier.close()
    return code


Loop = Callable[[asyncio.Event], Awaitable[None]]


def _then(loop: Loop, done: asyncio.Event) -> Loop:
    async def run(stopping: asyncio.Event) -> None:
        try:
            await loop(stopping)
        finally:
            done.set()

    return run


def _after(others: asyncio.Event, loop: Loop) -> Loop:
    """Stop this loop only after `others`: what they told last is to go out too."""

    async def run(_: asyncio.Event) -> None:
        await loop(others)

    return run


def _health() -> Health:
    health = Health()
    health.expect(SUBSCRIPTION, within_seconds=30)
    health.expect(WORKSPACES, within_seconds=30)
    health.expect(RETENTION, within_seconds=300)
    health.expect(BREAKERS, within_seconds=90)
    health.expect(CALLER, within_seconds=45)
    health.expect(RECONCILER, within_seconds=90)
    health.expect(RELAY, within_seconds=90)
    return health


def main() -> None:
    """The command line."""
    one_off = {"migrate": prepare, "rebuild": rebuild, "new-log": forget}
    match sys.argv[1:]:
        case [word] if word in one_off:
            leave(asyncio.run(one_off[word]()))
        case [_, *_]:
            sys.stderr.write("usage: python -m dialer [migrate | rebuild | new-log]\n")
            leave(2)
    leave(uvloop.run(serve()))


if __name__ == "__main__":
    main()
