"""The HTTP application of the dashboard: the session, the gateway to the APIs, and the page."""

import httpx
from fastapi import FastAPI

from campaign_service.health import Health
from campaign_service.logs import Log
from campaign_service.problems import install_problems
from dashboard.gateway import gateway_router
from dashboard.page import Page
from dashboard.session import session_router
from dashboard.settings import Settings


def create_app(settings: Settings, *, page: Page, client: httpx.AsyncClient, health: Health, log: Log) -> FastAPI:
    """The application; it owns none of what it is given."""
    app = FastAPI(title="dashboard", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    install_problems(app)
    health.install(app)
    app.include_router(session_router(settings, client))
    app.include_router(gateway_router(settings.apis, client, log=log))
    app.include_router(page.router())  # the last: it answers every other path
    return app
