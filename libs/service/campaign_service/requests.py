"""Measures every request of a service, and begins its trace. What must stay true: a label is a route's template, never
a path, so that there are few of them and none holds what people type."""

import time
from typing import Any

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaign_service.tracing import span

NO_ROUTE = "none"
UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_requests = Counter("http_requests_total", "Requests answered", ["method", "route", "status"])
_seconds = Histogram(
    "http_request_seconds",
    "Until the answer began",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class Requests:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            return await self.app(scope, receive, send)
        began = time.perf_counter()
        method = scope["method"] if scope["method"] in METHODS else "other"
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        status, answered_after = 500, None  # an error that nobody answers becomes a 500 outside of here

        async def noting(message: Message) -> None:
            nonlocal status, answered_after
            if message["type"] == "http.response.start":
                status, answered_after = message["status"], time.perf_counter() - began
            await send(message)

        with span(method, kind="server", parent=given, attributes={"http.request.method": method}) as begun:
            try:
                await self.app(scope, receive, noting)
            finally:
                route = _route_of(scope)
                _requests.labels(method, route, str(status)).inc()
                taken = time.perf_counter() - began if answered_after is None else answered_after
                _seconds.labels(method, route).observe(taken)
                if begun.is_recording():
                    begun.update_name(f"{method} {route}")
                    begun.set_attributes({"http.route": route, "http.response.status_code": status})


def _route_of(scope: Scope) -> str:
    route: Any = scope.get("route")
    return getattr(route, "path", None) or NO_ROUTE
