"""Health that tells the truth: live is the age of each loop's last turn, ready is what each check says now."""

import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from campaign_service.logs import brief
from campaign_service.requests import Requests

Check = Callable[[], Awaitable[str | None]]
_loop_age = Gauge("loop_age_seconds", "Seconds since the loop's last turn", ["loop"])


class Health:
    """What the process knows of itself. A loop calls `beat(name)` at each turn."""

    def __init__(self) -> None:
        self._beats: dict[str, tuple[float, float]] = {}
        self._checks: dict[str, Check] = {}

    def expect(self, loop: str, *, within_seconds: float) -> None:
        """From now on this loop must turn at least this often."""
        self._beats[loop] = (time.monotonic(), within_seconds)
        _loop_age.labels(loop).set_function(lambda: time.monotonic() - self._beats[loop][0])

    def beat(self, loop: str) -> None:
        """The loop has turned."""
        self._beats[loop] = (time.monotonic(), self._beats[loop][1])

    def check(self, name: str, check: Check) -> None:
        """Readiness needs this check to answer null; otherwise it answers what is wrong."""
        self._checks[name] = check

    def late(self) -> dict[str, float]:
        """The loops that have not turned in time, with the age of their last turn in seconds."""
        now = time.monotonic()
        return {name: round(now - at, 3) for name, (at, within) in self._beats.items() if now - at > within}

    async def problems(self) -> dict[str, str]:
        """What keeps the process from being ready."""
        found = {name: f"no turn for {age} s" for name, age in self.late().items()}
        for name, check in self._checks.items():
            try:
                problem = await check()
            except Exception as error:  # readiness reports whatever the check met
                problem = f"{type(error).__name__}: {brief(error)}"
            if problem is not None:
                found[name] = problem
        return found

    def install(self, app: FastAPI) -> None:
        """Serve /livez, /readyz and /metrics, and measure every other request."""
        app.add_middleware(Requests)

        @app.get("/livez", tags=["health"], summary="Whether every loop has turned lately")
        async def livez() -> JSONResponse:
            late = self.late()
            return JSONResponse({"status": "late" if late else "ok", "late": late}, status_code=503 if late else 200)

        @app.get("/readyz", tags=["health"], summary="Whether the service can do its work now")
        async def readyz() -> JSONResponse:
            problems = await self.problems()
            return JSONResponse(
                {"status": "not ready" if problems else "ready", "problems": problems},
                status_code=503 if problems else 200,
            )

        @app.get("/metrics", tags=["health"], summary="Prometheus metrics", response_class=Response)
        async def metrics() -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
