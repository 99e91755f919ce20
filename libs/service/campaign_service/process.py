"""Runs a service until it is told to stop: its HTTP server and its loops live and die together.

SIGTERM and SIGINT: stop taking, finish what is in hand (at most 10 s), save, leave with 0. A loop that fails ends the
process: 70 when the input or the code is wrong (malformed, gap, unknown log), 1 otherwise.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping

import uvicorn
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from campaign_events.envelope import Malformed
from campaign_events.positions import Gap, UnknownLog
from campaign_service.logs import Log, brief, leaves_of, trace_of
from campaign_service.tracing import stop_tracing

EXIT_SOFTWARE = 70
GRACE_SECONDS = 10.0
Loop = Callable[[asyncio.Event], Awaitable[None]]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the process, not its server, decides what a signal means


async def run_process(
    app: FastAPI,
    *,
    host: str,
    port: int,
    loops: Mapping[str, Loop],
    log: Log,
    away: tuple[type[BaseException], ...] = (),
) -> int:
    """Serve `app` and run `loops`, each with the event that asks it to stop. Returns the exit code.

    `away` are the driver's errors that mean that the world, not the code, is at fault.
    """
    stopping = asyncio.Event()
    asyncio_loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio_loop.add_signal_handler(signum, stopping.set)
    app.state.stopping = stopping
    server = _Server(
        uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=5, lifespan="off"
        )
    )
    running = {name: asyncio.ensure_future(_awaited(loop, stopping)) for name, loop in loops.items()}
    running["http"] = asyncio.ensure_future(_serve(server))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({*running.values(), stop}, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if not stopping.is_set():
        for name, task in running.items():
            if task.done():
                code = _code_of(name, task, log, away=away)
        stopping.set()
    server.should_exit = True
    _, late = await asyncio.wait(running.values(), timeout=GRACE_SECONDS)
    for task in late:
        task.cancel()
    if late:
        log.warning("stopped_late", loops=sorted(name for name, task in running.items() if task in late))
    for name, task in running.items():
        if task.done() and not task.cancelled() and task.exception() is not None and code == 0:
            code = _code_of(name, task, log, away=away)
    await asyncio.to_thread(stop_tracing)
    log.info("stopped", exit_code=code)
    return code


async def told_to_stop(stopping: asyncio.Event, *, within_seconds: float) -> bool:
    """Let a loop rest between turns: true as soon as it is told to stop, false when the time is up."""
    try:
        await asyncio.wait_for(stopping.wait(), within_seconds)
    except TimeoutError:
        return False
    return True


def leave(code: int) -> None:
    """End the process now: a failed loop may leave tasks that wait for ever."""
    os._exit(code)


async def _awaited(loop: Loop, stopping: asyncio.Event) -> None:
    await loop(stopping)


async def _serve(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit as error:  # uvicorn's way to say that the address can't be bound
        raise OSError(f"the HTTP server could not start (exit {error.code}): is the port in use?") from None


def _code_of(name: str, task: "asyncio.Future[None]", log: Log, *, away: tuple[type[BaseException], ...]) -> int:
    error = None if task.cancelled() else task.exception()
    if error is None:
        log.error("loop_ended", loop=name)
        return 1
    is_away = all(isinstance(leaf, (OSError, KafkaError, *away)) for leaf in leaves_of(error))
    trace = None if is_away or isinstance(error, Malformed | Gap | UnknownLog) else trace_of(error)
    log.error("loop_failed", loop=name, error=type(error).__name__, detail=brief(error), trace=trace)
    return 1 if is_away else EXIT_SOFTWARE
