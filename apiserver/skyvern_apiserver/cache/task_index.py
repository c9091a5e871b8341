"""The cached tasks of each namespace in the orders of lists, so that a page costs what it holds."""

import heapq
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Final, Literal

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_crds.client import Change
from skyvern_crds.vocabulary import Phase

Sort = Literal["created_at", "modified_at"]
Position = tuple[datetime, str]
"""Time and name: what lists are sorted by."""
Group = Phase | str | None
"""The tasks of a phase, those with an application (a plain string), or all of them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tasks of a namespace at one moment."""

    positions: Sequence[Position]
    """Those that were asked for, ascending."""
    records: Mapping[str, TaskRecord]
    """All of them, by name."""


_TIMES: Final[dict[Sort, Callable[[TaskRecord], datetime]]] = {
    "created_at": lambda record: record.created_at,
    "modified_at": lambda record: record.modified_at,
}


class _Namespace:
    """The tasks of one namespace: by name, and the positions of each group in ascending order."""

    def __init__(self) -> None:
        self.records: dict[str, TaskRecord] = {}
        self.orders: dict[tuple[Sort, str, Group], list[Position]] = defaultdict(list)

    def put(self, record: TaskRecord) -> None:
        self.records[record.name] = record
        for key, position in _places(record):
            insort(self.orders[key], position)

    def remove(self, record: TaskRecord) -> None:
        del self.records[record.name]
        for key, position in _places(record):
            order = self.orders[key]
            del order[bisect_left(order, position)]
            if not order:
                del self.orders[key]


def _places(record: TaskRecord) -> Iterator[tuple[tuple[Sort, str, Group], Position]]:
    """Every order in which the task stands, and where."""
    for sort, time_of in _TIMES.items():
        position = (time_of(record), record.name)
        yield (sort, "all", None), position
        yield (sort, "phase", record.phase), position
        if record.application is not None:
            yield (sort, "application", record.application), position


class TaskIndex:
    """The tasks of each namespace; fed by a reflector."""

    def __init__(self) -> None:
        self._namespaces: dict[str, _Namespace] = {}

    def changed(self, change: Change[TaskRecord]) -> None:
        """Apply one change."""
        if change.old is not None:
            tasks = self._namespaces[change.old.namespace]
            tasks.remove(change.old)
            if not tasks.records and change.new is None:
                del self._namespaces[change.old.namespace]
        if change.new is not None:
            self._namespaces.setdefault(change.namespace, _Namespace()).put(change.new)

    def page(
        self,
        namespace: str,
        start: int,
        size: int,
        *,
        phases: Sequence[Phase] = (),
        application: str | None = None,
        sort: Sort = "created_at",
        descending: bool = True,
    ) -> list[TaskRecord]:
        """At most ``size`` tasks after the first ``start`` that have one of the phases, if any, and the application."""
        tasks = self._namespaces.get(namespace)
        if tasks is None:
            return []
        positions: Iterable[Position]
        if application is not None:
            order = tasks.orders.get((sort, "application", application), [])
            if not phases:
                return _records(tasks, _cut(order, start, size, descending=descending))
            matching = (each for each in _walk(order, descending=descending) if tasks.records[each[1]].phase in phases)
            return _records(tasks, islice(matching, start, start + size))
        orders = [tasks.orders.get((sort, "phase", phase), []) for phase in dict.fromkeys(phases)]
        if len(orders) > 1:
            positions = heapq.merge(*(_walk(order, descending=descending) for order in orders), reverse=descending)
            return _records(tasks, islice(positions, start, start + size))
        order = orders[0] if orders else tasks.orders[sort, "all", None]
        return _records(tasks, _cut(order, start, size, descending=descending))

    def snapshot(
        self,
        namespace: str,
        *,
        phases: Sequence[Phase] = (),
        application: str | None = None,
        sort: Sort = "created_at",
    ) -> Snapshot:
        """The tasks that have one of the phases, if any, and the application, as they are now."""
        tasks = self._namespaces.get(namespace)
        if tasks is None:
            return Snapshot((), {})
        records = tasks.records.copy()
        if application is not None:
            order = tasks.orders.get((sort, "application", application), [])
            return Snapshot([each for each in order if not phases or records[each[1]].phase in phases], records)
        if not phases:
            return Snapshot(tasks.orders.get((sort, "all", None), []).copy(), records)
        orders = [tasks.orders.get((sort, "phase", phase), []) for phase in dict.fromkeys(phases)]
        return Snapshot(sorted(chain.from_iterable(orders)), records)

    def count(self) -> int:
        """Number of tasks in all namespaces."""
        return sum(len(tasks.records) for tasks in self._namespaces.values())


def _records(tasks: _Namespace, positions: Iterable[Position]) -> list[TaskRecord]:
    return [tasks.records[name] for _, name in positions]


def _walk(order: Sequence[Position], *, descending: bool) -> Iterator[Position]:
    return reversed(order) if descending else iter(order)


def _cut(order: Sequence[Position], start: int, size: int, *, descending: bool) -> Iterable[Position]:
    if not descending:
        return order[start : start + size]
    end = max(0, len(order) - start)
    return reversed(order[max(0, end - size) : end])
