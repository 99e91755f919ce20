"""What all tests share: the real servers, a database and topics of one's own, patience, and what no test may do."""

import asyncio
import gc
import inspect
import logging
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from local_stack.gateway import MISSING, gateway
from local_stack.postgres import createdb, dropdb
from local_stack.servers import Servers
from local_stack.servers import servers as running_servers

TESTS = Path(__file__).parent


def pytest_report_header() -> str:
    return f"end-to-end tests: {MISSING if gateway() is None else 'through the gateway'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder is the marker."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in ("unit", "contract", "integration", "e2e"):
            item.add_marker(folder)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """One PostgreSQL and one Kafka for all tests of the run, started by the first that asks.

    `POSTGRES_DSN` and `KAFKA_BOOTSTRAP` name others, TEST_SERVERS=containers runs them in Docker. A test that kills or
    restarts them leaves them running.
    """
    # Not pytest's tmp_path: that one is closed to other users, and PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="calling-campaigns-"))
    try:
        with _named_servers(), running_servers(state_folder=folder) as both:
            yield both
    finally:
        shutil.rmtree(folder)


def _named_servers() -> AbstractContextManager[None]:
    wanted = os.environ.get("TEST_SERVERS", "wheels")
    if wanted == "wheels":
        return nullcontext()
    assert wanted == "containers", f"TEST_SERVERS={wanted}: it is wheels or containers"
    from tests.containers import containers  # only then is a Docker engine looked for

    return containers()


@pytest.fixture
def database(servers: Servers) -> Iterator[Callable[[], str]]:
    """A factory of empty databases: each call returns the DSN of a new one, dropped after the test."""
    made: list[str] = []

    def create() -> str:
        made.append(f"test_{secrets.token_hex(6)}")
        return createdb(servers.postgres_dsn, made[-1])

    yield create
    for name in made:
        dropdb(servers.postgres_dsn, name)


@pytest.fixture
def topic_prefix() -> str:
    """In front of every topic and consumer group of one test, so that it is alone on the shared Kafka."""
    return f"test-{secrets.token_hex(6)}-"


Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def eventually() -> Eventually:
    """`await eventually(condition, within_seconds=10)`: asks (a function, async or not) until the answer is true, and
    returns the answer; fails with the last answer, or the last AssertionError of the condition, when time is up."""

    async def wait(condition: Callable[[], Any], *, within_seconds: float = 10.0, every_seconds: float = 0.05) -> Any:
        deadline = time.monotonic() + within_seconds
        while True:
            failed: AssertionError | None = None
            answer: Any = None
            try:
                answer = condition()
                if inspect.isawaitable(answer):
                    answer = await answer
            except AssertionError as error:
                failed = error
            if failed is None and answer:
                return answer
            if time.monotonic() >= deadline:
                last = failed or f"the last answer was {answer!r}"
                raise AssertionError(f"not within {within_seconds:g} s: {last}") from failed
            await asyncio.sleep(every_seconds)

    return wait


@pytest.fixture(autouse=True)
def no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test touches no network. (An event loop's own pair of sockets is none.)"""
    if request.node.get_closest_marker("unit") is None:
        return

    def refuse(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a unit test connects to {address!r}")

    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: object, original: Callable[..., Any] = original) -> Any:
            return original(self, address) if self.family == socket.AF_UNIX else refuse(self, address)

        monkeypatch.setattr(socket.socket, name, guarded)


class _Remembering(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            text += f": {record.exc_info[1]!r}"
        self.messages.append(text)


@pytest.fixture(autouse=True)
def no_swallowed_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test when asyncio had to report an error nobody looked at (a task's exception never retrieved, an
    exception in a callback). Never-awaited coroutines fail by `filterwarnings = error`."""
    handler = _Remembering()
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        yield
        if not any(request.node.get_closest_marker(quick) for quick in ("unit", "contract")):
            gc.collect()  # what is reported, is reported when the task is collected; quick tests are too many for it
    finally:
        logger.removeHandler(handler)
    if handler.messages:
        pytest.fail("asyncio reported: " + " | ".join(handler.messages))
