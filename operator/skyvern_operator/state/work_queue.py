"""The work queue: one entry and one worker for each key, urgent keys first, and a heap of wake-ups."""

import asyncio
import contextlib
import heapq
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from skyvern_crds.backoff import full_jitter
from skyvern_operator.state.records import TaskKey

FIRST_BACKOFF: Final = 0.25
MAX_BACKOFF: Final = 60.0
_LONGEST_SLEEP: Final = 30.0
_SPARE_WAKE_UPS: Final = 64
"""Replaced wake-ups that stay in the heap, which is rebuilt when they outnumber the others."""


class WorkQueue:
    """Keys of tasks to be reconciled.

    A key is in the queue at most once. If it is added while a worker has it, it is queued again afterwards. Times are
    wall-clock seconds, since they come from objects; sleeps are bounded, so that a change of the clock is noticed.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, rng: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._rng = rng
        self._urgent: OrderedDict[TaskKey, float] = OrderedDict()
        self._normal: OrderedDict[TaskKey, float] = OrderedDict()
        self._working: set[TaskKey] = set()
        self._again: dict[TaskKey, bool] = {}
        self._failures: dict[TaskKey, int] = {}
        self._due: dict[TaskKey, float] = {}
        self._heap: list[tuple[float, TaskKey]] = []
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._normal)

    @property
    def sleeping(self) -> int:
        """Keys with a wake-up set."""
        return len(self._due)

    def add(self, key: TaskKey, *, urgent: bool = False) -> None:
        """Queue the key. Urgent keys go before all others."""
        if key in self._working:
            self._again[key] = urgent or self._again.get(key, False)
            return
        if urgent and key not in self._urgent:
            self._urgent[key] = self._normal.pop(key, self._clock())
        elif not urgent and key not in self._urgent:
            self._normal.setdefault(key, self._clock())
        self._changed.set()

    def wake_at(self, key: TaskKey, at: float | None) -> None:
        """Set the key's wake-up, or clear it."""
        if at is None:
            self._due.pop(key, None)
        elif self._due.get(key) != at:
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            if len(self._heap) > 2 * len(self._due) + _SPARE_WAKE_UPS:
                self._heap = [(at, key) for key, at in self._due.items()]
                heapq.heapify(self._heap)
            self._changed.set()

    def retry(self, key: TaskKey, *, at_least: float = 0.0) -> float:
        """Queue a key that failed again after a back-off with full jitter. Returns the delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        jittered = full_jitter(failures + 1, first=FIRST_BACKOFF, longest=MAX_BACKOFF, rng=self._rng)
        delay = max(jittered, at_least)
        self.wake_at(key, self._clock() + delay)
        return delay

    def forget(self, key: TaskKey) -> None:
        """Reset the back-off of a key that succeeded."""
        self._failures.pop(key, None)

    async def get(self, *, urgent_only: bool = False) -> tuple[TaskKey, float]:
        """The next key and how many seconds it waited. Call :meth:`done` afterwards.

        With ``urgent_only`` the worker leaves other keys alone, so that new work cannot keep all workers busy.
        """
        while True:
            self._promote_due()
            lane = self._urgent if self._urgent or urgent_only else self._normal
            if lane:
                key, added = lane.popitem(last=False)
                self._working.add(key)
                self._due.pop(key, None)
                self._changed.set()
                return key, max(0.0, self._clock() - added)
            self._changed.clear()
            # Not wait_for: before Python 3.12 it can lose a wake-up or a cancellation that coincides with the timeout.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._changed.wait()

    def done(self, key: TaskKey) -> None:
        """The worker has finished with the key."""
        self._working.discard(key)
        if key in self._again:
            self.add(key, urgent=self._again.pop(key))

    def _promote_due(self) -> None:
        """Queue every key whose wake-up is due."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                self.add(key)

    def _pause(self) -> float:
        if not self._heap:
            return _LONGEST_SLEEP
        return min(max(self._heap[0][0] - self._clock(), 0.0), _LONGEST_SLEEP)
