"""Runs the dashboard: `python -m dashboard` serves until SIGTERM; `… migrate` has nothing to prepare."""

import sys

import httpx
import uvloop

from campaign_service.health import Health
from campaign_service.logs import Log, configure_logs
from campaign_service.process import leave, run_process
from campaign_service.settings import load_settings
from campaign_service.tracing import start_tracing
from dashboard.app import create_app
from dashboard.gateway import LIMITS, TIMEOUT
from dashboard.page import BUNDLE, Page
from dashboard.settings import Settings


async def serve(settings: Settings, log: Log) -> int:
    """Serve the page and pass its requests on until told to stop."""
    start_tracing("dashboard", settings)
    page, health = Page(BUNDLE), Health()
    health.check("page", page.problem)
    async with httpx.AsyncClient(timeout=TIMEOUT, limits=LIMITS, trust_env=False) as client:
        app = create_app(settings, page=page, client=client, health=health, log=log)
        log.info("starting", http_port=settings.http_port, local_sign_in=settings.local_token is not None)
        return await run_process(app, host=settings.http_host, port=settings.http_port, loops={}, log=log)


def main() -> None:
    """Read the environment, run, and leave with the exit code."""
    if sys.argv[1:] == ["migrate"]:
        return
    if sys.argv[1:]:
        sys.exit("usage: python -m dashboard [migrate]")
    settings = load_settings(Settings)
    log = configure_logs("dashboard", level=settings.log_level, log_format=settings.log_format)
    leave(uvloop.run(serve(settings, log)))


if __name__ == "__main__":
    main()
