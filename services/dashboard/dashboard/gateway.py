"""Passes the page's requests on to the APIs: `/api/<service>/v1/…`, with the session's token as the bearer.

What must stay true: bodies stream both ways (an upload of a gigabyte, an event stream of an hour), nothing is kept; and
only the public API is reachable, never an internal endpoint.
"""

import time
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect

from campaign_service.logs import Log, brief
from campaign_service.problems import Problem
from campaign_service.tracing import headers as trace_headers
from dashboard.session import require_own_page, token_of

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
TIMEOUT = httpx.Timeout(60.0, connect=3.0, pool=5.0)
"""A command may wait for permits to end (seconds); an event stream has a heartbeat every 15 s."""
LIMITS = httpx.Limits(max_connections=2000, max_keepalive_connections=100)
ASKED = frozenset(
    {"accept", "content-type", "content-length", "content-encoding", "if-match", "idempotency-key", "last-event-id"}
)
ANSWERED = frozenset(
    {
        "content-type",
        "content-length",
        "content-encoding",
        "content-disposition",
        "content-language",
        "cache-control",
        "etag",
        "last-modified",
        "location",
        "retry-after",
        "idempotent-replayed",
        "x-accel-buffering",
    }
)
_passed = Counter("gateway_requests_total", "Requests passed on", ["service", "method", "status"])
_took = Histogram("gateway_seconds", "Seconds until the service's answer began", ["service"])


def gateway_router(apis: Mapping[str, str], client: httpx.AsyncClient, *, log: Log) -> APIRouter:
    """`apis`: service name -> base URL."""
    router = APIRouter(tags=["gateway"])

    @router.api_route("/api/{service}/{path:path}", methods=METHODS, include_in_schema=False)
    async def pass_on(service: str, path: str, request: Request) -> Response:
        require_own_page(request)
        url = _target(apis, service, path, request.url.query)
        token = token_of(request)
        if token is None:
            raise Problem(401, "unauthenticated", "Nobody is signed in, or the session has ended.")
        headers = {name: value for name, value in request.headers.items() if name in ASKED}
        headers |= {"authorization": f"Bearer {token}", "accept-encoding": request.headers.get("accept-encoding", "")}
        headers |= trace_headers()
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        asked = client.build_request(
            request.method, url, headers=headers, content=request.stream() if has_body else None
        )
        began = time.monotonic()
        try:
            answer = await client.send(asked, stream=True)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody is there to read it
        except httpx.TimeoutException as error:
            log.warning("service_timed_out", to=service, method=request.method, error=type(error).__name__)
            detail = f"{service} did not answer in time. Whether the request was carried out is not known."
            raise Problem(504, "service_timed_out", detail, service=service) from None
        except httpx.HTTPError as error:
            log.warning("service_unavailable", to=service, method=request.method, error=type(error).__name__)
            raise Problem(
                503,
                "service_unavailable",
                f"{service} can't be reached right now.",
                headers={"Retry-After": "2"},
                service=service,
            ) from None
        finally:
            _took.labels(service).observe(time.monotonic() - began)
        _passed.labels(service, request.method, answer.status_code).inc()
        kept = {name: value for name, value in answer.headers.items() if name in ANSWERED}
        kept.setdefault("cache-control", "no-store")
        return StreamingResponse(_body(answer, service, log), status_code=answer.status_code, headers=kept)

    return router


def _target(apis: Mapping[str, str], service: str, path: str, query: str) -> str:
    is_public = path.startswith("v1/") or path == "readyz"
    if service not in apis or not is_public or ".." in path.split("/"):
        raise Problem(404, "not_found", f"There is no /api/{service}/{path}.")
    url = f"{apis[service]}/{quote(path)}"  # the router has decoded it: what was part of the path stays so
    return f"{url}?{query}" if query else url


async def _body(answer: httpx.Response, service: str, log: Log) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:
        # The answer has begun: cutting it short is the only way left to say so.
        log.warning("answer_cut_short", to=service, error=type(error).__name__, detail=brief(error))
        raise ConnectionResetError(service) from None
    finally:
        await answer.aclose()
