"""Requests that wait for a task to end."""

import asyncio
from collections import defaultdict
from typing import Final

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError
from skyvern_crds.client import Change

MAX_WAITING: Final = 128
"""Requests that wait at a time: half of those that may be in progress, so that the other half is always served."""
RETRY_SECONDS: Final = 5


class Endings:
    """Wakes requests when their task has ended or is gone. A reflector feeds it: waiting asks the cluster nothing."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], set[asyncio.Future[None]]] = defaultdict(set)
        self.count = 0
        """Requests that wait now."""
        self._closed = False

    def changed(self, change: Change[TaskRecord]) -> None:
        """Apply one change."""
        if change.new is None or change.new.phase.terminal:
            _wake(self._waiting.get((change.namespace, change.name), set()))

    def close(self) -> None:
        """Let nobody wait any more: the process is about to end."""
        self._closed = True
        for futures in self._waiting.values():
            _wake(futures)

    async def wait(self, namespace: str, name: str, seconds: float) -> None:
        """Return at the next change that ends or removes the task, and in ``seconds`` at the latest.

        Raises ApiError 429 when too many wait.
        """
        if self._closed:
            return
        if self.count >= MAX_WAITING:
            text = "Too many requests wait for tasks: ask again without 'wait', or later"
            raise ApiError(429, text, headers={"Retry-After": str(RETRY_SECONDS)})
        key, future = (namespace, name), asyncio.get_running_loop().create_future()
        self._waiting[key].add(future)
        self.count += 1
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return
        finally:
            self.count -= 1
            self._waiting[key].discard(future)
            if not self._waiting[key]:
                del self._waiting[key]


def _wake(futures: set[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
