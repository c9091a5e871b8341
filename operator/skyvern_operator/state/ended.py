"""Ended tasks: how little of them is kept in memory, and which are more than a namespace may have."""

import heapq
from collections import defaultdict
from datetime import datetime
from typing import Final, NamedTuple

from skyvern_crds.status import Condition, OperatorStatus, WebhookState
from skyvern_operator.state.records import TaskKey, TaskRecord

_KEPT: Final = ("phase", "finished_at", "pod_name", "pod_uid", "attempt", "webhook")
"""What is still needed of the status of a task that is settled."""
_NO_FIELDS: Final[set[str]] = set()
_NO_CONDITIONS: Final[list[Condition]] = []
_SPARE: Final = 64
"""Entries of tasks that are gone which stay in the line, which is rebuilt when they outnumber the others."""


class _Ended(NamedTuple):
    at: datetime
    uid: str


def is_settled(status: OperatorStatus, webhook_retry: str | None, *, has_webhook: bool) -> bool:
    """Whether a stored status is final: nothing will be written to it unless its owner asks for another delivery."""
    if status.phase is None or not status.phase.terminal:
        return False
    webhook = status.webhook
    if not has_webhook:
        return True
    answered = webhook_retry is None or (webhook is not None and webhook.retry_requested == webhook_retry)
    return webhook is not None and webhook.state is not WebhookState.PENDING and answered


def slim(status: OperatorStatus) -> OperatorStatus:
    """A settled status without its conditions and messages, at a fifth of the memory. It must never be written."""
    return OperatorStatus.model_construct(
        _fields_set=_NO_FIELDS, **{name: getattr(status, name) for name in _KEPT}, conditions=_NO_CONDITIONS
    )


class EndedTasks:
    """Counts the ended tasks of each namespace and names the oldest of those beyond the limit."""

    def __init__(self, limit: int | None) -> None:
        """``limit`` is the number of ended tasks that a namespace keeps; None is no limit."""
        self._limit = limit
        self._kept: dict[str, dict[TaskKey, _Ended]] = defaultdict(dict)
        self._oldest: dict[str, list[tuple[_Ended, TaskKey]]] = defaultdict(list)
        self._surplus: dict[TaskKey, str] = {}

    def count(self, task: TaskRecord) -> list[TaskKey]:
        """Count an ended task. Returns the tasks of its namespace that are now too many."""
        if self._limit is None or self.is_surplus(task):
            return []
        kept, line = self._kept[task.key.namespace], self._oldest[task.key.namespace]
        ended = _Ended(task.status.finished_at or task.created_at, task.uid)
        before = kept.get(task.key)
        if before is not None and before.uid == task.uid:
            return []
        kept[task.key] = ended
        heapq.heappush(line, (ended, task.key))
        surplus = []
        while len(kept) > self._limit:
            oldest, key = heapq.heappop(line)
            if kept.get(key) == oldest:
                del kept[key]
                self._surplus[key] = oldest.uid
                surplus.append(key)
        return surplus

    def forget(self, key: TaskKey) -> None:
        """No ended task has this key anymore."""
        self._surplus.pop(key, None)
        kept = self._kept.get(key.namespace)
        if kept is None or kept.pop(key, None) is None:
            return
        line = self._oldest[key.namespace]
        if not kept:
            del self._kept[key.namespace], self._oldest[key.namespace]
        elif len(line) > 2 * len(kept) + _SPARE:
            line[:] = [(ended, other) for other, ended in kept.items()]
            heapq.heapify(line)

    def is_surplus(self, task: TaskRecord) -> bool:
        """Whether the task is one too many."""
        return self._surplus.get(task.key) == task.uid
