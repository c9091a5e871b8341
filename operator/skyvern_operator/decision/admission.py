"""Decides which waiting tasks may start: limits, priority, age, fairness between namespaces."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from skyvern_operator.config import Limits
from skyvern_operator.state.records import TaskKey, TaskRecord


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a task may start."""

    admitted: bool
    message: str = ""
    """Which limit holds it back, and its place in the queue."""


ADMITTED = Decision(admitted=True)
NOT_ASKED = Decision(admitted=False)
"""The task needs no slot now, or has no answer yet, so there is no reason to show."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that is waiting to start."""

    key: TaskKey
    priority: int
    created_at: datetime
    profile: str | None = None


@dataclass(slots=True)
class Usage:
    """Slots in use, counted for each kind of limit."""

    total: int = 0
    namespaces: Counter[str] = field(default_factory=Counter)
    profiles: Counter[str] = field(default_factory=Counter)

    def add(self, namespace: str, profile: str | None, count: int) -> None:
        """Count ``count`` more tasks, or fewer if it is negative."""
        self.total += count
        self.namespaces[namespace] += count
        if profile is not None:
            self.profiles[profile] += count


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits in force; None is no limit."""

    total: int | None
    namespace: int | None
    profiles: Mapping[str, int]

    def obstacle(self, usage: Usage, namespace: str, profile: str | None) -> str | None:
        """The limit that keeps another task from starting, in words; None if there is none."""
        if self.total is not None and usage.total >= self.total:
            return f"the limit of {self.total} active tasks is reached"
        if self.namespace is not None and usage.namespaces[namespace] >= self.namespace:
            return f"the limit of {self.namespace} active tasks in namespace {namespace} is reached"
        bound = self.profiles.get(profile or "")
        if bound is not None and usage.profiles[profile or ""] >= bound:
            return f"the limit of {bound} active tasks of profile {profile} is reached"
        return None


def line_up(waiting: Iterable[Waiting], usage: Usage) -> list[Waiting]:
    """The order in which waiting tasks start: by priority, then from the namespace with the fewest active tasks (those
    placed earlier in the line count), then by age."""
    lines: dict[str, list[Waiting]] = defaultdict(list)
    for task in waiting:
        lines[task.key.namespace].append(task)
    heads = []
    for namespace, line in lines.items():
        line.sort(key=lambda task: (-task.priority, task.created_at, task.key), reverse=True)
        heads.append((-line[-1].priority, usage.namespaces[namespace], line[-1].created_at, namespace))
    heapq.heapify(heads)
    order = []
    while heads:
        _, active, _, namespace = heads[0]
        line = lines[namespace]
        order.append(line.pop())
        if line:
            heapq.heapreplace(heads, (-line[-1].priority, active + 1, line[-1].created_at, namespace))
        else:
            heapq.heappop(heads)
    return order


def select(waiting: Iterable[Waiting], usage: Usage, bounds: Bounds) -> tuple[list[Waiting], dict[TaskKey, str]]:
    """The tasks that may start now, and for each of the others the limit that holds it and its place. Pure."""
    taken = Usage(usage.total, Counter(usage.namespaces), Counter(usage.profiles))
    admitted: list[Waiting] = []
    held: dict[TaskKey, str] = {}
    for task in line_up(waiting, usage):
        obstacle = bounds.obstacle(taken, task.key.namespace, task.profile)
        if obstacle is None:
            taken.add(task.key.namespace, task.profile, 1)
            admitted.append(task)
        else:
            held[task.key] = f"{obstacle}; {_place(len(held) + 1)}"
    return admitted, held


def _place(number: int) -> str:
    """The rough place in the queue, so that a task's status changes only a few times while the queue moves."""
    if number == 1:
        return "next to start"
    bound = 10
    while number > bound:
        bound *= 10
    return f"among the next {bound}"


class Admission:
    """Hands out slots. A task holds its slot from admission to its end."""

    def __init__(self, limits: Limits, profiles: Mapping[str, int], wake: Callable[[TaskKey], None]) -> None:
        """``wake`` is called with each task whose answer has changed."""
        self._bounds = Bounds(limits.max_active, limits.max_active_per_namespace, profiles)
        self._usage = Usage()
        self._holders: dict[TaskKey, str | None] = {}
        self._waiting: dict[TaskKey, Waiting] = {}
        self._messages: dict[TaskKey, str] = {}
        self._wake = wake
        self.changed = False
        """Whether a slot came free or the line changed since the last :meth:`settle`."""

    @property
    def active(self) -> int:
        """Slots in use."""
        return self._usage.total

    @property
    def waiting(self) -> int:
        """Tasks in the line."""
        return len(self._waiting)

    def hold(self, task: TaskRecord) -> None:
        """Count a task that is already active."""
        if task.key not in self._holders:
            self._holders[task.key] = task.profile
            self._usage.add(task.key.namespace, task.profile, 1)
            self._leave_line(task.key)

    def ask(self, task: TaskRecord) -> Decision:
        """Whether the task may start. If not, it joins the line, and ``wake`` is called when its answer changes."""
        if task.key in self._holders:
            return ADMITTED
        entry = Waiting(task.key, task.priority, task.created_at, task.profile)
        if not self._waiting and self._bounds.obstacle(self._usage, task.key.namespace, task.profile) is None:
            self.hold(task)
            return ADMITTED
        if self._waiting.get(task.key) != entry:
            self._waiting[task.key] = entry
            self.changed = True
            if task.key not in self._messages:
                return NOT_ASKED
        return Decision(admitted=False, message=self._messages.get(task.key, ""))

    def line_up(self, task: TaskRecord) -> None:
        """Add a task to the line without answering it; :meth:`settle` then admits tasks in order."""
        if task.key not in self._holders:
            self._waiting[task.key] = Waiting(task.key, task.priority, task.created_at, task.profile)
            self.changed = True

    def release(self, key: TaskKey) -> bool:
        """Free the slot or the place in line of a task that has ended or no longer wants to start. True for a slot."""
        held = key in self._holders
        if held:
            profile = self._holders.pop(key)
            self._usage.add(key.namespace, profile, -1)
            self.changed = self.changed or bool(self._waiting)
        self._leave_line(key)
        return held

    def settle(self) -> None:
        """Give free slots to the tasks in line, and wake each task whose answer has changed."""
        self.changed = False
        if not self._waiting:
            return
        admitted, held = select(self._waiting.values(), self._usage, self._bounds)
        for entry in admitted:
            self._holders[entry.key] = entry.profile
            self._usage.add(entry.key.namespace, entry.profile, 1)
            self._leave_line(entry.key)
            self._wake(entry.key)
        for key, message in held.items():
            if self._messages.get(key) != message:
                self._messages[key] = message
                self._wake(key)

    def _leave_line(self, key: TaskKey) -> None:
        self._waiting.pop(key, None)
        self._messages.pop(key, None)
