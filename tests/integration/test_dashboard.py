"""The dashboard's server: sessions, the gateway that streams both ways, and what neither lets through."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import jwt
import pytest
import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from campaign_service.health import Health
from dashboard.app import create_app
from dashboard.page import Page
from dashboard.session import COOKIE
from dashboard.settings import Settings

MEGABYTE = 1 << 20
WORKSPACE = "00000000-0000-4000-8000-00000000000a"


def token(*, seconds: int = 60) -> str:
    claims = {"sub": "ann", "workspace": WORKSPACE, "role": "operator", "exp": int(time.time()) + seconds}
    return jwt.encode(claims, "x" * 32, algorithm="HS256")


class Api:
    """Stands for an API: remembers what it was asked, counts what it was sent, and streams."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.received = 0
        self.most_at_once = 0
        self.go_on = asyncio.Event()
        self.app = FastAPI()

        @self.app.get("/v1/campaigns")
        async def campaigns(request: Request) -> Response:
            self._note(request)
            return JSONResponse({"items": []})

        @self.app.post("/v1/imports")
        async def imports(request: Request) -> Response:
            self._note(request)
            async for chunk in request.stream():
                self.received += len(chunk)
                self.most_at_once = max(self.most_at_once, len(chunk))
            return JSONResponse({"position": 7}, status_code=202, headers={"Retry-After": "3", "Server-Secret": "x"})

        @self.app.get("/v1/events")
        async def events() -> StreamingResponse:
            async def two() -> AsyncIterator[bytes]:
                yield b"data: first\n\n"
                await self.go_on.wait()
                yield b"data: second\n\n"

            return StreamingResponse(two(), media_type="text/event-stream")

    def _note(self, request: Request) -> None:
        self.asked.append((request.method, str(request.url.query), request.headers.get("authorization")))


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


def settings_of(url: str, **changes: object) -> Settings:
    given = {"command_url": url, "projector_url": url, "dialer_url": url, **changes}
    return Settings.model_validate(given)


@pytest.fixture
async def api() -> Api:
    return Api()


@asynccontextmanager
async def dashboard(api: Api, page: Path, **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    """A browser-like client of a dashboard in front of `api`."""
    async with serving(api.app) as url, httpx.AsyncClient() as upstream:
        settings = settings_of(url, **changes)
        app = create_app(settings, page=Page(page), client=upstream, health=Health(), log=structlog.get_logger())
        async with serving(app) as own, httpx.AsyncClient(base_url=own, headers={"Origin": own}) as client:
            yield client


async def test_signing_in_keeps_the_token_in_a_cookie_no_script_can_read(api: Api, tmp_path: Path) -> None:
    async with dashboard(api, tmp_path) as client:
        answer = await client.post("/session", json={"token": token()})
        assert answer.json()["session"] | {"expires_at": 0} == {
            "workspace": WORKSPACE,
            "role": "operator",
            "subject": "ann",
            "expires_at": 0,
        }
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith(COOKIE)
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert token() not in answer.text
        assert (await client.get("/session")).json()["session"]["subject"] == "ann"
        assert (await client.delete("/session")).status_code == 204
        assert (await client.get("/session")).json()["session"] is None


@pytest.mark.parametrize("bad", ["nonsense", "", token(seconds=-1)])
async def test_what_is_no_valid_token_does_not_sign_in(api: Api, tmp_path: Path, bad: str) -> None:
    async with dashboard(api, tmp_path) as client:
        answer = await client.post("/session", json={"token": bad})
        assert answer.status_code in (401, 422)
        assert "set-cookie" not in answer.headers
        assert (await client.get("/api/dialer/v1/calls")).json()["code"] == "unauthenticated"


async def test_a_write_from_another_sites_page_is_refused(api: Api, tmp_path: Path) -> None:
    async with dashboard(api, tmp_path, local_token=token()) as client:
        await client.post("/session", json={"token": token()})
        before = len(api.asked)
        for origin in ("http://evil.example", "null", ""):
            for path in ("/session", "/session/local", "/api/campaign-command/v1/imports"):
                answer = await client.post(path, json={"token": token()}, headers={"Origin": origin})
                assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
        assert len(api.asked) == before


async def test_the_local_token_is_for_this_machine_only(api: Api, tmp_path: Path) -> None:
    async with dashboard(api, tmp_path) as client:
        assert (await client.post("/session/local")).status_code == 404
        assert (await client.get("/session")).json() == {"session": None, "local": False}
    async with dashboard(api, tmp_path, local_token=token()) as client:
        rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
        assert (await client.post("/session/local", headers=rebound)).status_code == 404
        assert (await client.post("/session/local")).json()["session"]["role"] == "operator"
    with pytest.raises(ValidationError, match="loopback"):
        settings_of("http://api", http_host="0.0.0.0", local_token=token())


async def test_an_upload_streams_through_with_the_sessions_bearer(api: Api, tmp_path: Path) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * MEGABYTE

    async with dashboard(api, tmp_path) as client:
        await client.post("/session", json={"token": token()})
        answer = await client.post("/api/campaign-command/v1/imports?a=1&b=%2F", content=body())
        assert (answer.status_code, answer.json()) == (202, {"position": 7})
        assert answer.headers["retry-after"] == "3"
        assert "server-secret" not in answer.headers
        assert api.received == 20 * MEGABYTE
        assert api.most_at_once <= MEGABYTE
        method, query, bearer = api.asked[-1]
        assert (method, query) == ("POST", "a=1&b=%2F")
        assert bearer == f"Bearer {client.cookies[COOKIE]}"


async def test_an_event_stream_arrives_as_it_is_sent(api: Api, tmp_path: Path) -> None:
    async with dashboard(api, tmp_path) as client:
        await client.post("/session", json={"token": token()})
        async with client.stream("GET", "/api/analytics-projector/v1/events") as answer:
            chunks = answer.aiter_bytes()
            assert await anext(chunks) == b"data: first\n\n"  # the second is not even written yet
            api.go_on.set()
            assert await anext(chunks) == b"data: second\n\n"


@pytest.mark.parametrize(
    "path", ["internal/permits", "metrics", "docs", "v1/../internal/permits", "v1/%2e%2e/internal/permits"]
)
async def test_nothing_but_the_public_api_is_reachable(api: Api, tmp_path: Path, path: str) -> None:
    async with dashboard(api, tmp_path) as client:
        await client.post("/session", json={"token": token()})
        before = len(api.asked)
        answer = await client.post(f"/api/campaign-command/{path}", json={})
        assert answer.status_code in (404, 405)
        assert len(api.asked) == before


async def test_a_service_that_is_away_is_a_503_that_names_it(api: Api, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    async with dashboard(api, tmp_path, dialer_url=url) as client:
        await client.post("/session", json={"token": token()})
        answer = await client.get("/api/dialer/v1/calls")
        assert (answer.status_code, answer.json()["service"]) == (503, "dialer")
        assert answer.headers["retry-after"] == "2"


async def test_assets_are_immutable_and_the_page_has_a_strict_policy(api: Api, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "page-abc.js").write_text("let a = 1\n" * 100)
    (tmp_path / "index.html").write_text("<meta content='{{nonce}}'>")
    async with dashboard(api, tmp_path) as client:
        asset = await client.get("/assets/page-abc.js")
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["content-encoding"] == "gzip"
        first, second = await client.get("/campaigns/some-id"), await client.get("/")
        policy = first.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        nonce = first.text.split("'")[1]
        assert f"'nonce-{nonce}'" in policy
        assert first.text != second.text
        assert (await client.get("/assets/gone.js")).status_code == 404
