"""Rendered answers, kept until their task changes."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from skyvern_apiserver.cache.task_record import TaskRecord

MAX_BYTES: Final = 32 * 1024 * 1024
"""What all kept answers may take; those that nobody has asked for the longest go first."""
MAX_ANSWER_BYTES: Final = MAX_BYTES // 16
"""A larger answer is made again each time, so that few tasks do not take the room of all."""
OVERHEAD_BYTES: Final = 512
"""What an entry takes besides its content."""


class Kind(StrEnum):
    """What is rendered of a task."""

    TASK = "task"
    ITEM = "item"
    """As lists carry it."""
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class _Entry:
    uid: str
    resource_version: int
    expires: int
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content) + OVERHEAD_BYTES


class Answers:
    """Answers by task and kind. An answer is right for one resource version, and for the hour of its links."""

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self._limit = limit
        self._entries: OrderedDict[tuple[str, str, Kind], _Entry] = OrderedDict()
        self.size = 0
        """Bytes."""

    def get(self, kind: Kind, task: TaskRecord, expires: int) -> bytes | None:
        """The answer for this version of the task with links that expire at ``expires``."""
        key = (task.namespace, task.name, kind)
        entry = self._entries.get(key)
        if entry is None or (entry.resource_version, entry.expires, entry.uid) != (
            task.resource_version,
            expires,
            task.uid,
        ):
            return None
        self._entries.move_to_end(key)
        return entry.content

    def put(self, kind: Kind, task: TaskRecord, expires: int, content: bytes) -> bytes:
        """Keep an answer; returns it."""
        if len(content) > MAX_ANSWER_BYTES:
            return content
        key = (task.namespace, task.name, kind)
        known = self._entries.pop(key, None)
        entry = self._entries[key] = _Entry(task.uid, task.resource_version, expires, content)
        self.size += entry.size - (known.size if known else 0)
        while self.size > self._limit:
            self.size -= self._entries.popitem(last=False)[1].size
        return content
