"""Live is the age of each loop's last turn; ready is what each check says now."""

import asyncio
import time

import httpx
import pytest
from fastapi import FastAPI

from campaign_service.health import Health


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock: what is written into it is the time."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


async def answer(app: FastAPI, path: str) -> tuple[int, dict[str, object]]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        response = await client.get(path)
    return response.status_code, response.json()


async def test_a_process_whose_loop_stands_still_is_not_alive_though_it_answers(clock: list[float]) -> None:
    state, app = Health(), FastAPI()
    state.install(app)
    state.expect("test-loop", within_seconds=30)
    assert await answer(app, "/livez") == (200, {"status": "ok", "late": {}})
    clock[0] += 30.5
    assert await answer(app, "/livez") == (503, {"status": "late", "late": {"test-loop": 30.5}})
    assert (await answer(app, "/readyz"))[0] == 503
    state.beat("test-loop")
    assert (await answer(app, "/livez"))[0] == 200


async def test_a_process_is_ready_when_every_check_says_so(clock: list[float]) -> None:
    state, app = Health(), FastAPI()
    state.install(app)
    wrong: list[str | None] = ["the topic is not there"]

    async def check() -> str | None:
        await asyncio.sleep(0)
        return wrong[0]

    async def broken() -> str | None:
        raise ConnectionRefusedError("nobody listens")

    state.check("topic", check)
    assert await answer(app, "/readyz") == (
        503,
        {"status": "not ready", "problems": {"topic": "the topic is not there"}},
    )
    wrong[0] = None
    assert (await answer(app, "/readyz"))[0] == 200
    state.check("database", broken)
    status, body = await answer(app, "/readyz")
    assert status == 503
    assert "ConnectionRefusedError" in str(body["problems"])
    assert (await answer(app, "/livez"))[0] == 200, "a dependency that is away is no reason to be restarted"
