"""One POST at a time on connections that are kept, for requests that must not be sent twice.

What must stay true: a request is written once, and `NotSent` means that not a byte of it has left; whatever else goes
wrong leaves open whether it was heard. (A general client spends a millisecond of processor time on each request, most
of it on its pool: more than all the rest of a call.)
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

KEPT_SECONDS = 3.0
"""Less than servers keep an idle connection, so that a request does not meet one that is just being closed."""
MAX_ANSWER_BYTES = 1_000_000


class NotSent(Exception):
    """There was no connection, so nothing has left."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """As many as there are requests without an answer, and those of the last seconds. Use `close()` at the end."""

    def __init__(self, url: str, *, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host, secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if secure else 80)
        self._tls = ssl.create_default_context() if secure else None
        self._path = parts.path.rstrip("/")
        lines = [f"host: {parts.netloc.rpartition('@')[2]}", *(f"{name}: {value}" for name, value in headers.items())]
        self._headers = "\r\n".join(lines)
        self._idle: list[tuple[float, _Connection]] = []

    async def post(self, path: str, body: bytes, *, within_seconds: float) -> Answer:
        """Raises NotSent; OSError (TimeoutError is one) if the request may have been heard."""
        head = f"POST {self._path}{path} HTTP/1.1\r\n{self._headers}\r\ncontent-length: {len(body)}\r\n\r\n"
        deadline = asyncio.get_running_loop().time() + within_seconds
        connection = self._kept()
        if connection is None:
            try:
                async with asyncio.timeout_at(deadline):
                    connection = await self._connect()
            except OSError as error:
                raise NotSent(type(error).__name__) from None
        try:
            async with asyncio.timeout_at(deadline):
                answer = await connection.exchange(head.encode() + body)
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the kept connections."""
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    def _kept(self) -> "_Connection | None":
        while self._idle:
            since, connection = self._idle.pop()
            if connection.reusable and time.monotonic() - since < KEPT_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
        return connection


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._open = True
        self.reusable = False

    async def exchange(self, request: bytes) -> Answer:
        """Write the request, and wait for its answer."""
        assert self._transport is not None
        self.reusable = False
        self._answer = asyncio.get_running_loop().create_future()
        if self._open:
            self._transport.write(request)
        else:
            self._fail(ConnectionResetError("the connection is closed"))
        return await self._answer

    def close(self) -> None:
        """Close it; an exchange that waits fails."""
        self.reusable = False
        if self._transport is not None:
            self._transport.close()

    # ---- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, but not a subclass

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(ConnectionAbortedError("what came back is not HTTP"))
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._open = self.reusable = False
        self._fail(ConnectionResetError("the connection was closed before an answer"))

    # ---- what the parser tells

    def on_message_begin(self) -> None:
        self._headers, self._body = {}, bytearray()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_ANSWER_BYTES:
            self._fail(ConnectionAbortedError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes"))
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._answer is None or self._answer.done():
            return  # an interim answer, or one that nobody asked for
        self.reusable = self._open and self._parser.should_keep_alive()
        self._answer.set_result(Answer(status, self._headers, bytes(self._body)))

    def _fail(self, error: ConnectionError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
