"""What the operator knows: slim records of tasks and pods, newest version first, and facts not yet in status."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from skyvern_operator.state.facts import Facts
from skyvern_operator.state.records import PodRecord, TaskKey, TaskRecord, vanished_pod

TOMBSTONE_SECONDS: Final = 300.0
"""How long a deleted object's uid is remembered, so that a late answer does not bring it back."""


class Store:
    """Records by key. Fed by watches, lists and the answers to our own writes, in any order: versions decide."""

    def __init__(self, on_change: Callable[[TaskKey], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        """``on_change`` is called with the key of each task whose record or pod has changed."""
        self._on_change = on_change
        self._clock = clock
        self._tasks: dict[TaskKey, TaskRecord] = {}
        self._pods: dict[str, dict[str, PodRecord]] = {}
        self._facts: dict[str, Facts] = {}
        self._tombstones: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def tasks(self) -> Iterator[TaskRecord]:
        """Every task."""
        return iter(self._tasks.values())

    def pods(self) -> Iterator[PodRecord]:
        """Every pod that exists, as far as is known."""
        return (pod for pods in self._pods.values() for pod in pods.values() if not pod.gone)

    def task(self, key: TaskKey) -> TaskRecord | None:
        """The task of this key."""
        return self._tasks.get(key)

    def pod(self, task_uid: str, name: str) -> PodRecord | None:
        """The pod of this name that belongs to a task."""
        return self._pods.get(task_uid, {}).get(name)

    def facts(self, task_uid: str) -> Facts:
        """What else is known about a task."""
        return self._facts.setdefault(task_uid, Facts())

    def put_task(self, task: TaskRecord) -> bool:
        """Take in a task; False when a newer version is known already."""
        old = self._tasks.get(task.key)
        if task.uid in self._tombstones or (old is not None and old.version >= task.version):
            return False
        if old is not None and old.uid != task.uid:
            self._forget(old)
        self._tasks[task.key] = task
        self._on_change(task.key)
        return True

    def drop_task(self, key: TaskKey, uid: str) -> bool:
        """The task is gone; False when that is known already."""
        self._bury(uid)
        old = self._tasks.get(key)
        if old is None or old.uid != uid:
            return False
        del self._tasks[key]
        self._forget(old)
        self._on_change(key)
        return True

    def put_pod(self, pod: PodRecord) -> bool:
        """Take in a pod; False when a newer version is known already."""
        old = self.pod(pod.task_uid, pod.name)
        if pod.uid in self._tombstones or (old is not None and old.version >= pod.version):
            return False
        self._pods.setdefault(pod.task_uid, {})[pod.name] = pod
        self._on_change(pod.key)
        return True

    def drop_pod(self, pod: PodRecord) -> bool:
        """The pod is gone; ``pod`` is its last state, kept while its task is there. False when known already."""
        self._bury(pod.uid)
        pods = self._pods.get(pod.task_uid)
        old = pods.get(pod.name) if pods else None
        if pods is None or old is None or old.uid != pod.uid or old.gone:
            return False
        last = pod if pod.version >= old.version else old
        if pod.key in self._tasks:
            pods[pod.name] = replace(last, gone=True)
        else:
            del pods[pod.name]
            if not pods:
                del self._pods[pod.task_uid]
        self._on_change(pod.key)
        return True

    def mark_deleting(self, pod: PodRecord, due: datetime) -> None:
        """Our deletion was accepted; the watch will tell the details."""
        old = self.pod(pod.task_uid, pod.name)
        if old is not None and old.uid == pod.uid and not old.deleting and not old.gone:
            self._pods[pod.task_uid][pod.name] = replace(old, deletion_due=due)

    def mark_vanished(self, task: TaskRecord, name: str) -> None:
        """The API server has no such pod, whatever was known of it."""
        old = self.pod(task.uid, name)
        record = replace(old, gone=True) if old is not None else vanished_pod(task, name)
        self._pods.setdefault(task.uid, {})[name] = record
        self._on_change(task.key)

    def _forget(self, task: TaskRecord) -> None:
        self._facts.pop(task.uid, None)
        pods = self._pods.get(task.uid)
        if pods is not None:
            # Those that exist are dropped when the garbage collector has removed them.
            for name in [name for name, pod in pods.items() if pod.gone]:
                del pods[name]
            if not pods:
                del self._pods[task.uid]

    def _bury(self, uid: str) -> None:
        now = self._clock()
        self._tombstones[uid] = now
        while self._tombstones:
            oldest = next(iter(self._tombstones))
            if now - self._tombstones[oldest] < TOMBSTONE_SECONDS:
                break
            del self._tombstones[oldest]
