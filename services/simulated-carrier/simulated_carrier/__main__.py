"""The composition root: `python -m simulated_carrier` serves until SIGTERM; `… migrate` has nothing to prepare."""

import asyncio
import logging
import signal
import sys

import orjson
import structlog
import uvloop

from simulated_carrier.api import create_app
from simulated_carrier.behaviour import Behaviour
from simulated_carrier.calls import Calls
from simulated_carrier.inbound import Exchange
from simulated_carrier.ledger import Ledger, LedgerInUse, MalformedLedger
from simulated_carrier.poster import Poster
from simulated_carrier.server import make_server
from simulated_carrier.settings import Settings
from simulated_carrier.simulation import Carrier
from simulated_carrier.stats import Stats
from simulated_carrier.timeline import Timeline
from simulated_carrier.webhooks import AgentReports, Webhooks

MALFORMED = 70
DRAIN_SECONDS = 4.0  # after the server's five at most: ten in all

log = structlog.get_logger()


def main() -> int:
    match sys.argv[1:]:
        case ["migrate"]:
            return 0
        case []:
            pass
        case _:
            print("usage: python -m simulated_carrier [migrate]", file=sys.stderr)
            return 2
    settings = Settings()
    _configure_logging(settings)
    try:
        ledger = Ledger(settings.carrier_ledger)
    except MalformedLedger as error:
        log.critical("malformed_ledger", where=str(error), advice=MalformedLedger.__doc__)
        return MALFORMED
    except LedgerInUse as error:
        log.critical("ledger_in_use", where=str(error), advice=LedgerInUse.__doc__)
        return 1
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, ledger))
    except Exception:
        log.critical("crashed", exc_info=True)
        return 1
    finally:
        ledger.close()
    return 0


async def serve(settings: Settings, ledger: Ledger) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    stats, timeline = Stats(), Timeline()
    poster = Poster()
    webhooks = Webhooks(poster, secret=settings.carrier_webhook_secret.get_secret_value(), stats=stats)
    reports = AgentReports(poster, stats=stats)
    calls = Calls(
        ledger,
        behaviour=Behaviour(seed=settings.carrier_seed, speed=settings.carrier_speed),
        timeline=timeline,
        webhooks=webhooks,
        reports=reports,
        stats=stats,
    )
    exchange = Exchange(
        calls, secret=settings.carrier_webhook_secret.get_secret_value(), inbound_url=settings.carrier_inbound_url
    )
    carrier = Carrier(
        calls=calls,
        ledger=ledger,
        timeline=timeline,
        stats=stats,
        api_key=settings.carrier_api_key.get_secret_value(),
        gauges=lambda: {
            "live_calls": calls.live,
            "events_waiting": webhooks.waiting,
            "agent_reports_waiting": reports.waiting,
            "ledger_entries": len(ledger.entries),
        },
        stopping=stopping,
        exchange=exchange,
    )
    server = make_server(create_app(carrier), host=settings.http_host, port=settings.http_port)
    async with asyncio.TaskGroup() as group:
        delivering = [group.create_task(webhooks.run()), group.create_task(reports.run())]
        await asyncio.sleep(0)  # they run before anything is handed to them
        ended = calls.end_those_of_before()
        turning = group.create_task(timeline.run())
        serving = group.create_task(server.serve())
        log.info("started", ledger_entries=len(ledger.entries), ended_by_restart=ended)
        await stopping.wait()
        log.info("stopping", live_calls=calls.live, events_waiting=webhooks.waiting)
        server.should_exit = True
        await serving
        turning.cancel()
        webhooks.close()
        reports.close()
        await asyncio.wait(delivering, timeout=DRAIN_SECONDS)
        for task in delivering:
            task.cancel()
    await exchange.close()
    poster.close()
    log.info("stopped", live_calls=calls.live, events_undelivered=webhooks.waiting, reports_undelivered=reports.waiting)


def _configure_logging(settings: Settings) -> None:
    """One JSON object a line on stdout, also what uvicorn has to say."""
    as_json = settings.log_format == "json" or (settings.log_format is None and not sys.stdout.isatty())
    level = getattr(logging, settings.log_level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = (
        [
            # No locals: they hold numbers.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer]
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


def _dumps(value: object, **_: object) -> str:
    return orjson.dumps(value, default=str).decode()


if __name__ == "__main__":
    sys.exit(main())
