"""Constructs and connects the service. `python -m webhooks` serves, `… migrate` makes its tables, `… new-log` goes on
at the end of campaign-command's new log, after a restore."""

import asyncio
import sys
from functools import partial

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from faststream.kafka.security import parse_security

from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS
from campaign_service.health import Health
from campaign_service.kafka_security import security_of
from campaign_service.logs import Log, configure_logs
from campaign_service.process import Loop, leave, run_process, told_to_stop
from campaign_service.settings import DatabaseSettings, load_settings
from campaign_service.subscription import Subscription
from campaign_service.tokens import verifier_of
from campaign_service.topic_admin import ensure_topics
from campaign_service.tracing import start_tracing
from webhooks.api import Parts, build_app
from webhooks.database import UNAVAILABLE, migrate, open_pool
from webhooks.intake import Intake
from webhooks.new_log import go_on_at_the_end
from webhooks.poster import Poster, resolve
from webhooks.retention import Retention
from webhooks.sender import Limits, Sender
from webhooks.settings import Settings

GROUP = "webhooks"
TOPICS = [CAMPAIGN_EVENTS, CALL_EVENTS, SUPPRESSION_EVENTS]
SUBSCRIPTION, SENDER, RETENTION, MEASURE = "subscription", "sender", "retention", "measure"
MEASURE_SECONDS = 15.0


async def prepare() -> int:
    """Tables, idempotent. The topics belong to their writers."""
    settings = load_settings(DatabaseSettings)
    log = configure_logs(GROUP, level=settings.log_level, log_format=settings.log_format)
    log.info("migrated", steps=await migrate(settings.database_dsn.get_secret_value()))
    return 0


async def new_log() -> int:
    """Skip to the end of the topics that campaign-command has made anew."""
    settings = load_settings(DatabaseSettings)
    log = configure_logs(GROUP, level=settings.log_level, log_format=settings.log_format)
    connection = await asyncpg.connect(settings.database_dsn.get_secret_value())
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        group_id=None,
        enable_auto_commit=False,
        **parse_security(security_of(settings)),
    )
    await consumer.start()
    try:
        count = await go_on_at_the_end(connection, consumer, topic_prefix=settings.topic_prefix)
    finally:
        await consumer.stop()
        await connection.close()
    log.info("at_the_end_of_the_new_log", partitions=count)
    return 0


async def serve() -> int:
    """Serve until told to stop; the exit code."""
    settings = load_settings(Settings)
    log = configure_logs(GROUP, level=settings.log_level, log_format=settings.log_format)
    start_tracing(GROUP, settings, instance=settings.instance_id)
    security = security_of(settings)
    topics = [settings.topic_prefix + topic for topic in TOPICS]
    await ensure_topics(settings.kafka_bootstrap, topics, create=False, security=security)
    pool = await open_pool(settings.database_dsn.get_secret_value())
    health = Health()
    for loop, seconds in ((SUBSCRIPTION, 30), (SENDER, 60), (RETENTION, 1800), (MEASURE, 90)):
        health.expect(loop, within_seconds=seconds)
    async with Poster(
        allow_local=settings.allow_local_addresses,
        timeout_seconds=settings.attempt_timeout_seconds,
        max_connections=settings.max_in_flight,
        log=log,
    ) as poster:
        sender = Sender(
            pool,
            poster,
            signing_key=settings.webhook_signing_key.get_secret_value(),
            patience=settings.patience,
            limits=Limits(
                in_flight=settings.max_in_flight,
                in_flight_per_webhook=settings.max_in_flight_per_webhook,
                attempt_seconds=settings.attempt_timeout_seconds,
            ),
            log=log,
        )
        subscription = Subscription(
            settings.kafka_bootstrap,
            TOPICS,
            Intake(pool, queued=sender.wake, log=log).apply,
            group=GROUP,
            instance_id=settings.instance_id,
            topic_prefix=settings.topic_prefix,
            unavailable=UNAVAILABLE,
            log=log,
            security=security,
            beat=partial(health.beat, SUBSCRIPTION),
        )

        async def check_database() -> str | None:
            await pool.fetchval("SELECT 1")
            return None

        health.check("database", check_database)
        health.check(SUBSCRIPTION, subscription.check)
        app = build_app(
            Parts(
                pool=pool,
                verifier=verifier_of(settings),
                health=health,
                resolve=resolve,
                queued=sender.wake,
                signing_key=settings.webhook_signing_key.get_secret_value(),
                max_webhooks=settings.max_webhooks,
                allow_local=settings.allow_local_addresses,
            )
        )
        retention = Retention(pool, days=settings.retention_days, log=log)
        loops: dict[str, Loop] = {
            SUBSCRIPTION: subscription.run,
            SENDER: partial(sender.run, beat=partial(health.beat, SENDER)),
            RETENTION: partial(retention.run, beat=partial(health.beat, RETENTION)),
            MEASURE: partial(_measure, sender, health, log),
        }
        return await run_process(app, host=settings.http_host, port=settings.http_port, loops=loops, log=log)


async def _measure(sender: Sender, health: Health, log: Log, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        health.beat(MEASURE)
        try:
            await sender.measure()
        except UNAVAILABLE as error:
            log.warning("backlog_unavailable", error=type(error).__name__)
        await told_to_stop(stopping, within_seconds=MEASURE_SECONDS)


def main() -> None:
    """The command line."""
    one_off = {"migrate": prepare, "new-log": new_log}
    match sys.argv[1:]:
        case [word] if word in one_off:
            leave(asyncio.run(one_off[word]()))
        case [_, *_]:
            sys.stderr.write("usage: python -m webhooks [migrate | new-log]\n")
            leave(2)
    leave(uvloop.run(serve()))


if __name__ == "__main__":
    main()
