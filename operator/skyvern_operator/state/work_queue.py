"""The work queue: one entry and one worker for each key, urgent keys first, and a heap of wake-ups."""

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

from skyvern_crds.backoff import full_jitter
from skyvern_operator.state.lane import Lane
from skyvern_operator.state.records import TaskKey

FIRST_BACKOFF: Final = 0.25
MAX_BACKOFF: Final = 60.0
_LONGEST_SLEEP: Final = 30.0
_SPARE_WAKE_UPS: Final = 64
"""Replaced wake-ups that stay in the heap, which is rebuilt when they outnumber the others."""


class Choice(Enum):
    """Which keys a worker takes."""

    URGENT_ONLY = "urgent only"
    """So that new work cannot keep all workers busy."""
    URGENT_FIRST = "urgent first"
    URGENT_LAST = "urgent last"
    """So that urgent work cannot keep all workers busy: whoever may cancel tasks can make any number of keys urgent."""


class WorkQueue:
    """Keys of tasks to be reconciled.

    A key is in the queue at most once. If it is added while a worker has it, it is queued again afterwards. Each key
    wakes one idle worker, not all of them. Namespaces take turns, among the urgent keys and among the others. Times are
    wall-clock seconds, since they come from objects; sleeps are bounded, so that a change of the clock is noticed.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, rng: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._rng = rng
        self._urgent = Lane()
        self._normal = Lane()
        self._working: set[TaskKey] = set()
        self._again: dict[TaskKey, bool] = {}
        self._failures: dict[TaskKey, int] = {}
        self._due: dict[TaskKey, float] = {}
        self._heap: list[tuple[float, TaskKey]] = []
        self._idle: deque[asyncio.Future[None]] = deque()
        self._idle_urgent: deque[asyncio.Future[None]] = deque()
        """Workers that take urgent keys only."""
        self._alarm: asyncio.TimerHandle | None = None

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
        if key in self._urgent or (key in self._normal and not urgent):
            return
        if urgent:
            added = self._normal.remove(key)
            self._urgent.add(key, self._clock() if added is None else added)
        else:
            self._normal.add(key, self._clock())
        self._wake_one(urgent=urgent)

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
            if self._idle and self._heap[0] == (at, key):
                self._set_alarm()

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

    async def get(self, choice: Choice = Choice.URGENT_FIRST) -> tuple[TaskKey, float]:
        """The next key and how many seconds it waited. Call :meth:`done` afterwards."""
        while True:
            self._promote_due()
            lane = self._lane(choice)
            if lane:
                key, added = lane.pop()
                self._working.add(key)
                self._due.pop(key, None)
                return key, max(0.0, self._clock() - added)
            if choice is Choice.URGENT_ONLY and self._normal:
                # An ordinary worker, woken for another key, has taken the urgent one: its own key needs one in turn.
                self._wake_one(urgent=False)
            await self._added(self._idle_urgent if choice is Choice.URGENT_ONLY else self._idle)

    def _lane(self, choice: Choice) -> Lane:
        """The lane that a worker takes its next key from."""
        match choice:
            case Choice.URGENT_ONLY:
                return self._urgent
            case Choice.URGENT_FIRST:
                return self._urgent or self._normal
            case Choice.URGENT_LAST:
                return self._normal or self._urgent

    def look(self, key: TaskKey) -> None:
        """The worker that has the key looks at the task now: what it was added for until now needs no other look."""
        self._again.pop(key, None)

    def done(self, key: TaskKey) -> None:
        """The worker has finished with the key."""
        self._working.discard(key)
        if key in self._again:
            self.add(key, urgent=self._again.pop(key))

    async def _added(self, idle: deque[asyncio.Future[None]]) -> None:
        """Wait until a key wakes this worker."""
        waiter = asyncio.get_running_loop().create_future()
        idle.append(waiter)
        self._set_alarm()
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # woken and canceled at once: the key must wake another worker
                if self._urgent:
                    self._wake_one(urgent=True)
                if self._normal:
                    self._wake_one(urgent=False)
            raise

    def _wake_one(self, *, urgent: bool) -> None:
        """Wake one idle worker. One that finds its key taken by a worker that was not idle waits again."""
        for idle in (self._idle_urgent, self._idle) if urgent else (self._idle,):
            while idle:
                waiter = idle.popleft()
                if not waiter.done():  # its worker may have been canceled
                    waiter.set_result(None)
                    return

    def _set_alarm(self) -> None:
        """Wake an idle worker when the next wake-up is due. Without an idle one, the next that asks sees to it."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._heap:
            pause = min(max(self._heap[0][0] - self._clock(), 0.0), _LONGEST_SLEEP)
            self._alarm = asyncio.get_running_loop().call_later(pause, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._promote_due()
        if self._idle:
            self._set_alarm()

    def _promote_due(self) -> None:
        """Queue every key whose wake-up is due."""
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                self.add(key)
