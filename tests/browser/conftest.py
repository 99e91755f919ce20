"""The dashboard in a real browser, over a whole system of its own.

Every test has a workspace of its own, and fails for an error on the console, a request that failed, or a word sent to
any other host.
"""

import os
import re
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from local_stack.processes import Options, Stack
from local_stack.servers import Servers
from local_stack.services import DASHBOARD, WITH_DASHBOARD
from local_stack.state import CHECKOUT
from tests.e2e.conftest import System

FAST = "150"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = "there is no Chromium here: install it (Debian: apt-get install chromium), or name one with CHROMIUM=…"
BUNDLE = CHECKOUT / "services/dashboard/dashboard/bundle/index.html"
AXE = CHECKOUT / "services/dashboard/web/node_modules/axe-core/axe.min.js"
REFUSALS = frozenset({409, 412, 422})
"""What a page may be answered in the normal course of things."""
EVENTS = "/api/analytics-projector/v1/events"
SERIOUS = ("serious", "critical")

expect.set_options(timeout=30_000)


def chromium() -> str | None:
    """The system's browser; null when it has none."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in CHROMIUMS if (found := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped, and the summary says why."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    if chromium() is None:
        for item in here:
            item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The system's Chromium, headless; root has no use for its sandbox."""
    args = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {"executable_path": chromium(), "headless": True, "args": args}


@pytest.fixture(scope="session")
def stack(servers: Servers) -> Iterator[Stack]:
    """The services and the dashboard, on free ports; one for all tests, which share nothing in it."""
    assert BUNDLE.exists(), "the page is not built: make bundle"
    name, folder = secrets.token_hex(4), Path(tempfile.mkdtemp(prefix="calling-campaigns-browser-"))
    env = {
        "simulated-carrier": {"CARRIER_SPEED": FAST},
        "dialer": {"RECONCILE_SECONDS": "2", "OUTCOME_GRACE_SECONDS": "2"},
    }
    options = Options(
        database_prefix=f"browser_{name}_", topic_prefix=f"browser-{name}-", env=env, services=WITH_DASHBOARD
    )
    stack = Stack(servers, state_folder=folder, options=options, report=print)
    stack.start()
    yield stack
    stack.stop()
    with ThreadPoolExecutor(1) as elsewhere:  # this thread's event loop is the browser's
        elsewhere.submit(stack.drop_databases).result()
    shutil.rmtree(folder)


@pytest.fixture
def system(stack: Stack) -> Iterator[System]:
    """The public APIs in the test's own workspace, as an admin."""
    system = System(stack, workspace=str(uuid.uuid4()), logs=Path())
    yield system
    system.client.close()


@dataclass
class Desk:
    """A browser at which somebody works; its tabs share the session. Use `open`, `tab` and Playwright's `expect`."""

    url: str
    context: BrowserContext
    page: Page
    expected: set[int] = field(default_factory=lambda: set(REFUSALS))
    """statuses that this test's page may be answered; a test adds to it what it provokes"""
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a path in the first tab."""
        self.page.goto(self.url + path)
        return self.page

    def tab(self, path: str) -> Page:
        """Open a further tab."""
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def sign_in(self, token: str) -> None:
        """Without the page: by the same call it makes."""
        answer = self.context.request.post(f"{self.url}/session", data={"token": token}, headers={"Origin": self.url})
        assert answer.ok, answer.text()

    # -- what no page may do ------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """From now on, note what must not happen."""
        self.context.on("console", self._on_console)
        self.context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        self.context.on("requestfailed", self._on_failed)
        self.context.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        status = re.search(r"the server responded with a status of (\d+)", message.text)
        if status and int(status[1]) in self.expected:
            return
        self.problems.append(f"console {message.type}: {message.text}")

    def _on_failed(self, request: Request) -> None:
        # A page that is left takes its stream and its unanswered reads with it.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(self.url).netloc:
            self.problems.append(f"another host: {request.url}")


@pytest.fixture
def desk_of(browser: Browser, stack: Stack, system: System) -> Iterator[Callable[..., Desk]]:
    """Make a desk: `desk_of()` is an admin's, `desk_of("viewer")`, `desk_of(None)` is signed out; further options are
    the browser context's (viewport, color_scheme, timezone_id)."""
    desks: list[Desk] = []

    def make(role: str | None = "admin", **options: Any) -> Desk:
        given: dict[str, Any] = {
            "viewport": {"width": 1280, "height": 800},
            "timezone_id": "Europe/Berlin",
            "reduced_motion": "reduce",
        }
        given |= options
        context = browser.new_context(**given)
        desk = Desk(stack.url(DASHBOARD.name), context, context.new_page())
        desk.watch()
        desks.append(desk)
        if role is not None:
            desk.sign_in(stack.token(workspace=system.workspace, role=role))
        return desk

    yield make
    found = [problem for desk in desks for problem in desk.problems]
    for desk in desks:
        desk.context.close()
    assert not found, "\n".join(found)


@pytest.fixture
def desk(desk_of: Callable[..., Desk]) -> Desk:
    """An admin's desk."""
    return desk_of()


def accessibility_problems(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it stands (open a dialog first to have it looked at)."""
    page.evaluate(AXE.read_text())
    result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['impact']} {violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
