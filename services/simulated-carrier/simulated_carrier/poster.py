"""POSTs small bodies and reads the status of the answer: what webhooks need, on connections that are kept.

Why not httpx: a carrier at a thousand calls a second sends hundreds of single reports a second. With 32 on their way
at once, each took 2.5 ms or more through httpx (2 ms of it processor time), and under 0.1 ms through this.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from typing import cast
from urllib.parse import SplitResult, urlsplit

import httptools

TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 200
MAX_IDLE = 64  # kept per scheme and host


class Poster:
    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, str], list[_Connection]] = defaultdict(list)
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._tls = ssl.create_default_context()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer; redirects are not followed.

        Raises OSError (no connection, or it broke; TimeoutError is one) and ValueError (not a url).
        """
        parts = urlsplit(url)
        request = _request(parts, body, headers)
        idle = self._idle[parts.scheme, parts.netloc]
        async with self._slots, asyncio.timeout(TIMEOUT_SECONDS):
            while idle:
                kept = idle.pop()
                if kept.reusable:
                    try:
                        return await self._exchange(kept, request, idle)
                    except ConnectionError:
                        break  # closed by the other side while idle, as it may: once more on a new one
            return await self._exchange(await self._connect(parts), request, idle)

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()

    async def _exchange(self, connection: "_Connection", request: bytes, idle: list["_Connection"]) -> int:
        try:
            status = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.reusable and len(idle) < MAX_IDLE:
            idle.append(connection)
        else:
            connection.close()
        return status

    async def _connect(self, parts: SplitResult) -> "_Connection":
        host, secure = parts.hostname or "", parts.scheme == "https"
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection,
            host,
            parts.port or (443 if secure else 80),
            ssl=self._tls if secure else None,
        )
        return connection


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.reusable = False

    async def exchange(self, request: bytes) -> int:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, but not a subclass

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(ConnectionAbortedError("what came back is not HTTP"))
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return  # an interim answer
        self.reusable = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def connection_lost(self, error: Exception | None) -> None:
        self.reusable = False
        self._fail(ConnectionResetError("the connection was closed before an answer"))

    def _fail(self, error: ConnectionError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _request(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a webhook's url is http(s)://host[:port]/path")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = [f"POST {target} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
