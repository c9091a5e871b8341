"""Objects of tasks that were just created, kept until their pods are: records have neither goal nor payload."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from skyvern_crds import wire
from skyvern_crds.client import JsonObject
from skyvern_crds.status import OperatorStatus
from skyvern_operator.state.records import TaskKey, TaskRecord

MAX_AGE: Final = timedelta(seconds=30)
"""How long after its creation a task is new. The pod of an older one is made from the object as it is then: in less
time, no pod of the task can have been created, run, ended and been deleted without the watch showing any of it."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""JSON of all objects together."""
_UNTOUCHED: Final = OperatorStatus()


class NewObjects:
    """Keeps new objects as JSON, the newest of them when they are too many. One that is absent is read again."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[TaskKey, tuple[str, int, bytes]] = OrderedDict()
        self._bytes = 0

    def keep(self, task: TaskRecord, obj: JsonObject, now: datetime) -> None:
        """Keep the object of a task without a status, or forget what is kept of another task."""
        self._forget(task.key)
        if task.status != _UNTOUCHED or task.unreadable or not _is_new(task, now):
            return
        data = wire.encode(obj)
        self._kept[task.key] = (task.uid, task.version, data)
        self._bytes += len(data)
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def take(self, task: TaskRecord, now: datetime) -> JsonObject | None:
        """The object in exactly this version, once; None if it is not kept or no longer new."""
        found = self._forget(task.key)
        if found is None or found[:2] != (task.uid, task.version) or not _is_new(task, now):
            return None
        obj: JsonObject = wire.loads(found[2])
        return obj

    def _forget(self, key: TaskKey) -> tuple[str, int, bytes] | None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= len(found[2])
        return found


def _is_new(task: TaskRecord, now: datetime) -> bool:
    """Whether it was created just now, by clocks that agree."""
    return abs(now - task.created_at) <= MAX_AGE
