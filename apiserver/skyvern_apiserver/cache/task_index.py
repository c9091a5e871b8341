"""The cached tasks of each namespace, in list order."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_crds.client import Change


class TaskIndex:
    """The tasks of each namespace by creation time; fed by a reflector."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, TaskRecord]] = defaultdict(dict)
        self._order: dict[str, list[tuple[datetime, str]]] = defaultdict(list)

    def changed(self, change: Change[TaskRecord]) -> None:
        """Apply one change."""
        if change.old is not None:
            self._forget(change.old)
        if change.new is not None:
            self._records[change.namespace][change.name] = change.new
            insort(self._order[change.namespace], (change.new.created_at, change.name))

    def _forget(self, record: TaskRecord) -> None:
        order = self._order[record.namespace]
        del order[bisect_left(order, (record.created_at, record.name))]
        del self._records[record.namespace][record.name]

    def newest_first(self, namespace: str) -> Iterator[TaskRecord]:
        """The tasks of a namespace, newest first. Read it to the end before the next await."""
        records = self._records.get(namespace, {})
        return (records[name] for _, name in reversed(self._order.get(namespace, [])))

    def count(self) -> int:
        """Number of tasks in all namespaces."""
        return sum(len(records) for records in self._records.values())


def by_modification(records: Iterable[TaskRecord], *, descending: bool) -> list[TaskRecord]:
    """The records, sorted by their last change."""
    return sorted(records, key=attrgetter("modified_at", "name"), reverse=descending)
