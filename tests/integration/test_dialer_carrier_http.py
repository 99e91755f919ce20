"""The connections on which calls are placed: each request is written once, and what is not sent is told apart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dialer.carriers.http import Answer, Connections, NotSent
from local_stack.ports import free_port

OK = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nhi"
CHUNKED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"
)


class Server:
    """Counts connections and requests; answers each request with the next of its `answers`, None: it hangs up."""

    def __init__(self, *answers: bytes | None) -> None:
        self.port = free_port()
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            self.hang_up()
            await server.wait_closed()
            await asyncio.gather(*self._serving)

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        task = asyncio.current_task()
        assert task is not None
        self._serving.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self._answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Connections]:
    connections = Connections(f"http://127.0.0.1:{server.port}/base", headers={"authorization": "Bearer key"})
    try:
        yield connections
    finally:
        connections.close()


async def post(connections: Connections, *, within_seconds: float = 5.0) -> Answer:
    return await connections.post("/v1/calls", b"{}", within_seconds=within_seconds)


async def test_one_connection_carries_many_requests_and_the_whole_answer_is_read() -> None:
    async with Server(OK, CHUNKED, OK).running() as server, connected(server) as connections:
        answers = [await post(connections) for _ in range(3)]
    assert [(answer.status, answer.body) for answer in answers] == [(201, b"hi"), (200, b"hi"), (201, b"hi")]
    assert answers[0].headers["retry-after"] == "7"
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /base/v1/calls HTTP/1.1\r\n")
    assert b"authorization: Bearer key\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\n{}")


async def test_a_connection_that_the_carrier_closed_meanwhile_is_not_used(
    eventually: Callable[..., Awaitable[object]],
) -> None:
    async with Server(OK, OK).running() as server, connected(server) as connections:
        await post(connections)
        server.hang_up()
        await eventually(lambda: not connections._idle[0][1].reusable)
        assert (await post(connections)).status == 201
    assert (server.connections, len(server.requests)) == (2, 2)


async def test_a_request_without_an_answer_may_have_been_heard_and_is_not_sent_again() -> None:
    async with Server(OK, None, b"no HTTP\r\n\r\n").running() as server, connected(server) as connections:
        await post(connections)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await post(connections)
    assert len(server.requests) == 3


async def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    async with Server(b"", OK).running() as server, connected(server) as connections:
        with pytest.raises(TimeoutError):
            await post(connections, within_seconds=0.1)
        assert (await post(connections)).status == 201
    assert (server.connections, len(server.requests)) == (2, 2)


async def test_where_nobody_listens_nothing_is_sent() -> None:
    async with connected(Server()) as connections:
        with pytest.raises(NotSent, match="ConnectionRefusedError"):
            await post(connections)
