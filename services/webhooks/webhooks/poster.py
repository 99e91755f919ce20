"""Sends one request to a receiver, and says what came of it.

What must stay true: the name is resolved here, every address it has is judged, and the connection is made to one of
those very addresses, so that a second look-up can't lead elsewhere. Redirects are not followed, no proxy of the
environment is used, the answer is read up to a bound, and all of it within a time.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from time import time

import httpcore
import httpx
from httpcore import AsyncNetworkBackend, AsyncNetworkStream

from campaign_service.logs import Log, brief, trace_of
from webhooks.addresses import Address, ForbiddenAddress, InvalidAddress, parse_address, refuse_unless_allowed

USER_AGENT = "calling-campaigns-webhooks/1"
CONTENT_TYPE = "application/cloudevents+json"
MAX_EXCERPT_BYTES = 500
MAX_ADDRESSES = 4
KEEP_ALIVE_SECONDS = 30.0

Resolve = Callable[[str, int], Awaitable[list[Address]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: delivered with a 2xx, else `error` says what went wrong."""

    status_code: int | None
    error: str | None
    excerpt: str | None = None
    retry_after_seconds: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the system's order. OSError when there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found))


class _Guarded(AsyncNetworkBackend):
    """Connects to judged addresses only. TLS still checks the certificate against the name."""

    def __init__(self, resolve: Resolve, *, allow_local: bool) -> None:
        self._resolve, self._allow_local = resolve, allow_local
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} can't be resolved") from error
        refuse_unless_allowed(addresses, host=host, allow_local=self._allow_local)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Poster:
    """Keeps connections; use it as an async context manager."""

    def __init__(
        self,
        *,
        allow_local: bool,
        timeout_seconds: float,
        max_connections: int,
        log: Log,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_local, self._timeout, self._log = allow_local, timeout_seconds, log
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_Guarded(resolve, allow_local=allow_local),
        )

    async def __aenter__(self) -> "Poster":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.aclose()

    async def post(self, address: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send the body; whatever the world answers is an Answer."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(address, headers=headers, body=body)
        except TimeoutError:
            return Answer(None, f"no whole answer within {self._timeout:g} s")
        except (ForbiddenAddress, InvalidAddress) as error:
            return Answer(None, f"forbidden: {error}")
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            return Answer(None, f"{type(error).__name__}: {brief(error)}"[:200])
        except Exception as error:  # what one receiver's answer makes the client raise must not end the others' service
            self._log.error("attempt_broke", error=type(error).__name__, trace=trace_of(error))
            return Answer(None, type(error).__name__)

    async def _post(self, address: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        parse_address(address, allow_local=self._allow_local)  # the setting may have changed since it was accepted
        sent = {"content-type": CONTENT_TYPE, "user-agent": USER_AGENT, **headers}
        async with self._pool.stream("POST", address, headers=[*sent.items()], content=body) as response:
            excerpt = b""
            async for chunk in response.aiter_stream():
                excerpt = (excerpt + chunk)[: MAX_EXCERPT_BYTES + 1]
                if len(excerpt) > MAX_EXCERPT_BYTES:
                    break  # the connection is closed with the rest unread
        shown = excerpt[:MAX_EXCERPT_BYTES].decode(errors="replace").replace("\x00", "�") or None
        if 200 <= response.status < 300:
            return Answer(response.status, None, shown)
        error = "a redirect is not followed" if 300 <= response.status < 400 else f"answered {response.status}"
        return Answer(response.status, error, shown, _retry_after(response.headers))


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    text = next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), None)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time(), 0.0)
    except ValueError:
        return None
