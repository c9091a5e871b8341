"""Callers who follow a task while it changes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError
from skyvern_crds.client import Change

T = TypeVar("T")
MAX_LISTENERS: Final = 1000
"""Of a process; half the connections that it has."""
RETRY_SECONDS: Final = 5


class Topic:
    """One task that is followed. It holds the newest state alone: whoever is slow misses those in between."""

    def __init__(self, record: TaskRecord) -> None:
        self.record = record
        self.deleted = False
        self.changed = asyncio.Event()
        """Set at the next change, which has another Event then."""
        self.listeners = 0
        self._made: dict[Any, Any] = {}

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What ``make`` returns; made once for each key and state of the task, however many ask."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def put(self, record: TaskRecord | None) -> None:
        """Take a newer state of the task; None when it has been deleted."""
        if record is None:
            self.deleted = True
            self.wake()
        elif record.resource_version > self.record.resource_version:
            self.record = record
            self._made.clear()
            self.wake()

    def wake(self) -> None:
        """Have all listeners look again."""
        self.changed.set()
        self.changed = asyncio.Event()


class Listeners:
    """Finds those who follow a task that has changed. A reflector feeds it: following asks the cluster nothing."""

    def __init__(self) -> None:
        self._topics: dict[tuple[str, str], Topic] = {}
        self.count = 0
        """Callers who follow a task now."""
        self.closed = False

    def changed(self, change: Change[TaskRecord]) -> None:
        """Apply one change."""
        key = (change.namespace, change.name)
        if topic := self._topics.get(key):
            topic.put(change.new)
            if topic.deleted:
                del self._topics[key]

    def wake(self) -> None:
        """Have everybody look again whether they may listen."""
        for topic in self._topics.values():
            topic.wake()

    def close(self) -> None:
        """Let nobody listen any more: the process is about to end."""
        self.closed = True
        self.wake()

    @contextmanager
    def listen(self, record: TaskRecord) -> Iterator[Topic]:
        """The topic of a task, for as long as the caller follows it. Raises ApiError 429 when too many do."""
        if self.count >= MAX_LISTENERS:
            text = "Too many callers follow tasks: try again later"
            raise ApiError(429, text, headers={"Retry-After": str(RETRY_SECONDS)})
        key = (record.namespace, record.name)
        topic = self._topics.setdefault(key, Topic(record))
        topic.put(record)
        topic.listeners += 1
        self.count += 1
        try:
            yield topic
        finally:
            self.count -= 1
            topic.listeners -= 1
            if not topic.listeners and self._topics.get(key) is topic:
                del self._topics[key]
