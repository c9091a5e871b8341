"""What the operator knows: slim records of tasks and pods, newest version first, and facts not yet in status."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from skyvern_operator.state.facts import NO_FACTS, Facts
from skyvern_operator.state.new_objects import NewObjects
from skyvern_operator.state.records import Owner, PodLife, PodRecord, TaskKey, TaskRecord, vanished_pod

TOMBSTONE_SECONDS: Final = 300.0
"""How long a deleted object's uid is remembered, so that a late answer does not bring the object back."""
_KNOWN_OF_THE_END: Final = (
    PodLife.LIVE,
    PodLife.DELETING,
    PodLife.MISSING,
    PodLife.VANISHED,
    PodLife.SEEN_TO_END,
)
"""How much is known of a pod's end, the least first."""


class OnChange(Protocol):
    """Takes the key of a task whose record or pod has changed."""

    def __call__(self, key: TaskKey, *, urgent: bool) -> None:
        """Take a key; urgent ones go before new work."""


def is_urgent(task: TaskRecord | None, pod: PodRecord | None) -> bool:
    """Whether a change goes before new work, as ends, cancellations and deletions do. Pure."""
    if task is None or task.cancel_requested or task.deleting:
        return True
    return not task.ended and pod is not None and (pod.ended or pod.life.gone or pod.life is PodLife.MISSING)


class Store:
    """Records by key. Fed by watches, lists and the answers to our own writes, in any order: versions decide."""

    def __init__(self, on_change: OnChange, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_change = on_change
        self._clock = clock
        self._tasks: dict[TaskKey, TaskRecord] = {}
        self._pods: dict[Owner, dict[str, PodRecord]] = {}
        self._facts: dict[str, Facts] = {}
        self._tombstones: dict[str, float] = {}
        self.new_objects = NewObjects()
        """Objects of which pods are about to be made."""

    def __len__(self) -> int:
        return len(self._tasks)

    def tasks(self) -> Iterator[TaskRecord]:
        """Every task."""
        return iter(self._tasks.values())

    def pods(self) -> Iterator[PodRecord]:
        """Every pod that exists, as far as the store knows."""
        return (pod for pods in self._pods.values() for pod in pods.values() if not pod.life.gone)

    def task(self, key: TaskKey) -> TaskRecord | None:
        """The task of this key."""
        return self._tasks.get(key)

    def pod(self, owner: Owner, name: str) -> PodRecord | None:
        """The pod of this name that belongs to a task."""
        return self._pods.get(owner, {}).get(name)

    def current_pod(self, task: TaskRecord) -> PodRecord | None:
        """The pod of the task's current attempt, or the newest pod of a task whose status cannot be read."""
        pods = self._pods.get(task.owner)
        if pods and task.unreadable:
            return max(pods.values(), key=lambda pod: (not pod.life.gone, pod.attempt))
        return pods.get(task.pod_name) if pods else None

    def runs(self, owner: Owner) -> bool:
        """Whether a task, which may be deleted, has a pod that has not ended."""
        return any(not (pod.ended or pod.life.gone) for pod in self._pods.get(owner, {}).values())

    def other_pods(self, task: TaskRecord) -> tuple[PodRecord, ...]:
        """Pods of the task beside the current one in which an agent could still act; normally there is none."""
        pods, current = self._pods.get(task.owner, {}), self.current_pod(task)
        return tuple(pod for pod in pods.values() if pod is not current and not (pod.ended or pod.life.gone))

    def facts(self, task: TaskRecord) -> Facts:
        """What the operator knows about a task beyond its object."""
        return self._facts.get(task.uid, NO_FACTS)

    def has(self, key: TaskKey, uid: str, version: int) -> bool:
        """Whether the store has this version of a task or a newer one."""
        old = self._tasks.get(key)
        return old is not None and old.uid == uid and old.version >= version

    def put_facts(self, task: TaskRecord, facts: Facts) -> None:
        """Remember facts about a task for as long as the store has the task."""
        now = self._tasks.get(task.key)
        if facts == NO_FACTS or now is None or now.uid != task.uid:
            self._facts.pop(task.uid, None)
        else:
            self._facts[task.uid] = facts

    def forget_facts(self) -> None:
        """Forget the facts about all tasks: another operator may have written newer ones into their status."""
        self._facts.clear()

    def report_all(self) -> None:
        """Report every task as changed."""
        for key in list(self._tasks):
            self._notify(key)

    def put_task(self, task: TaskRecord) -> bool:
        """Add or update a task. False if the store already has this version or a newer one.

        A version that says nothing new is kept, since writes need it, and is no change: a runner's reports cost no
        decision.
        """
        old = self._tasks.get(task.key)
        if task.uid in self._tombstones or (old is not None and old.version >= task.version):
            return False
        if old is not None and old.uid != task.uid:
            self._forget(old)
        self._tasks[task.key] = task
        if old is None or not task.says_the_same_as(old):
            self._notify(task.key)
        return True

    def drop_task(self, key: TaskKey, uid: str) -> bool:
        """Remove a task that no longer exists. False if the store did not have it."""
        self._bury(uid)
        old = self._tasks.get(key)
        if old is None or old.uid != uid:
            return False
        del self._tasks[key]
        self._forget(old)
        self._notify(key)
        return True

    def put_pod(self, pod: PodRecord) -> bool:
        """Add or update a pod, as :meth:`put_task` does a task. A missing one is there again in the version it had."""
        old = self.pod(pod.owner, pod.name)
        if pod.uid in self._tombstones:
            return False
        if old is not None and (old.version, old.life is not PodLife.MISSING) >= (pod.version, True):
            return False
        self._pods.setdefault(pod.owner, {})[pod.name] = pod
        if old is None or not pod.says_the_same_as(old):
            self._notify(pod.key)
        return True

    def drop_pod(self, pod: PodRecord) -> bool:
        """Record that a watch delivered the pod's end, with its last state. False if already recorded.

        One whose grace period was not over may have lost its label instead, which watches report in the same way.
        """
        return self._end(pod, PodLife.SEEN_TO_END if pod.grace_over else PodLife.MISSING)

    def lose_pod(self, pod: PodRecord) -> bool:
        """Record that a list lacks the pod, although no watch delivered its deletion. False if already recorded."""
        return self._end(pod, PodLife.MISSING)

    def mark_deleting(self, pod: PodRecord, due: datetime) -> None:
        """Record that the API server accepted our deletion; the watch delivers the details."""
        old = self.pod(pod.owner, pod.name)
        if old is not None and old.uid == pod.uid and old.life is PodLife.LIVE:
            self._pods[pod.owner][pod.name] = replace(old, life=PodLife.DELETING, deletion_due=due)

    def mark_vanished(self, task: TaskRecord, name: str) -> None:
        """Record that the API server has no pod of this name."""
        old = self.pod(task.owner, name)
        if old is not None and old.life.gone:
            return
        record = replace(old, life=PodLife.VANISHED) if old is not None else vanished_pod(task, name)
        self._pods.setdefault(task.owner, {})[name] = record
        self._notify(task.key)

    def _end(self, pod: PodRecord, life: PodLife) -> bool:
        """Keep the pod's last state while the store has its task. A delivered deletion replaces a missed one."""
        if life is PodLife.SEEN_TO_END:
            self._bury(pod.uid)
        pods = self._pods.get(pod.owner)
        old = pods.get(pod.name) if pods else None
        if pods is None or old is None or old.uid != pod.uid:
            return False
        if _KNOWN_OF_THE_END.index(life) <= _KNOWN_OF_THE_END.index(old.life):
            return False
        last = pod if pod.version >= old.version else old
        task = self._tasks.get(pod.key)
        if task is not None and task.owner == pod.owner and not task.ended:
            pods[pod.name] = replace(last, life=life)
        else:
            del pods[pod.name]
            if not pods:
                del self._pods[pod.owner]
        self._notify(pod.key)
        return True

    def is_urgent(self, key: TaskKey) -> bool:
        """Whether what is known of the key goes before new work."""
        task = self._tasks.get(key)
        return is_urgent(task, self.current_pod(task) if task is not None else None)

    def _notify(self, key: TaskKey) -> None:
        self._on_change(key, urgent=self.is_urgent(key))

    def _forget(self, task: TaskRecord) -> None:
        self._facts.pop(task.uid, None)
        pods = self._pods.get(task.owner)
        if pods is not None:
            # Pods that exist are dropped once the garbage collector has deleted them, if watches show that.
            unseen = (name for name, pod in pods.items() if pod.life.gone or pod.life is PodLife.MISSING)
            for name in list(unseen):
                del pods[name]
            if not pods:
                del self._pods[task.owner]

    def _bury(self, uid: str) -> None:
        now = self._clock()
        self._tombstones[uid] = now
        while self._tombstones:
            oldest = next(iter(self._tombstones))
            if now - self._tombstones[oldest] < TOMBSTONE_SECONDS:
                break
            del self._tombstones[oldest]
