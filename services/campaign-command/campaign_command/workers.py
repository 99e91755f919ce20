"""Threads for the synchronous store: commands and permits have a pool each, so that neither waits for the other."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Workers:
    """A named pool of threads that asyncio code can await."""

    def __init__(self, name: str, *, threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the pool."""
        # In the caller's context, so that what it writes belongs to the caller's trace.
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, work)

    def close(self) -> None:
        """Finish what is in hand and end the threads."""
        self._pool.shutdown(wait=True)
