"""What is due when: a heap of actions, and one task that does them.

The one thing that must stay true: actions run in the order of their due times, and those due at the same time in the
order in which they were put there.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

LONGEST_SLEEP_SECONDS = 1.0  # so that the age of the last turn tells whether the timeline still turns
ACTIONS_A_TURN = 200  # then requests and deliveries get their turn


class Timeline:
    def __init__(self) -> None:
        self.turned_at = time.monotonic()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._wakes_at = 0.0

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Does `action` at `due` (monotonic seconds), or as soon as possible if that is past."""
        heapq.heappush(self._heap, (due, next(self._order), action))
        if due < self._wakes_at:
            self._wakes_at = due
            self._wake.set()

    async def run(self) -> None:
        """Runs until cancelled; what an action raises is raised here."""
        while True:
            self.turned_at = now = time.monotonic()
            for _ in range(ACTIONS_A_TURN):
                if not self._heap or self._heap[0][0] > now:
                    break
                heapq.heappop(self._heap)[2]()
            self._wakes_at = now + LONGEST_SLEEP_SECONDS
            if self._heap:
                self._wakes_at = min(self._wakes_at, self._heap[0][0])
            self._wake.clear()
            try:
                async with asyncio.timeout(max(0.0, self._wakes_at - time.monotonic())):
                    await self._wake.wait()
            except TimeoutError:
                continue
