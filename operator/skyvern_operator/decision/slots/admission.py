"""Decides which waiting tasks may start: limits, shares of the namespaces, and priority and age within each."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skyvern_operator.config import Limits
from skyvern_operator.decision.slots.line import Line, Place, place_of, rough_place
from skyvern_operator.state.records import TaskKey, TaskRecord


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a task may start."""

    admitted: bool
    message: str = ""
    """Which limit holds it back, and its rough place in the line."""


ADMITTED = Decision(admitted=True)
NOT_ASKED = Decision(admitted=False)
"""The task needs no slot now, or has no answer yet, so there is no reason to show."""


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
        if not self.namespaces[namespace]:
            del self.namespaces[namespace]
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


class Admission:
    """Hands out slots. A task holds its slot from admission until its pod has ended.

    A free slot goes to the namespace that has the fewest active tasks for its share, and there to the task of the
    highest priority, then of the greatest age. So no tenant can put its tasks before those of another. Handing out
    slots costs a look at each namespace that waits, and little for each slot, however many tasks wait.
    """

    def __init__(self, limits: Limits, profiles: Mapping[str, int], wake: Callable[[TaskKey], None]) -> None:
        """``wake`` is called with each task whose answer has changed."""
        self._bounds = Bounds(limits.max_active, limits.max_active_per_namespace, profiles)
        self._shares = limits.shares
        self._usage = Usage()
        self._holders: dict[TaskKey, dict[str, str | None]] = defaultdict(dict)
        """Limited profiles of those that hold a slot, by key and then by uid: a deleted task may still have a pod."""
        self._waiting: dict[TaskKey, tuple[str | None, Place]] = {}
        self._lines: dict[str, dict[str | None, Line]] = defaultdict(dict)
        self._messages: dict[TaskKey, tuple[str, str]] = {}
        """Rough place and whole message. A change of the limit alone is not worth a write."""
        self._moved: set[tuple[str, str | None]] = set()
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

    def holders(self, key: TaskKey) -> list[str]:
        """Uids of the tasks of this key that hold a slot: the task, and its predecessors that still have a pod."""
        return list(self._holders.get(key, ()))

    def hold(self, task: TaskRecord) -> None:
        """Count a task that is already active."""
        if task.uid not in self._holders.get(task.key, ()):
            profile = self._bounded(task)
            self._holders[task.key][task.uid] = profile
            self._usage.add(task.key.namespace, profile, 1)
            self.leave(task.key)

    def ask(self, task: TaskRecord) -> Decision:
        """Whether the task may start. If not, it joins the line, and ``wake`` is called when its answer changes."""
        if task.uid in self._holders.get(task.key, ()):
            return ADMITTED
        if not self._waiting and self._obstacle(task) is None:
            self.hold(task)
            return ADMITTED
        self.line_up(task)
        _, message = self._messages.get(task.key, ("", ""))
        return Decision(admitted=False, message=message)

    def line_up(self, task: TaskRecord) -> None:
        """Add a task to the line without answering it; :meth:`settle` then admits tasks in order."""
        entry = (self._bounded(task), place_of(task))
        if task.uid in self._holders.get(task.key, ()) or self._waiting.get(task.key) == entry:
            return
        self.leave(task.key)
        self._waiting[task.key] = entry
        self._lines[task.key.namespace].setdefault(entry[0], Line()).join(entry[1])
        self._touch(task.key.namespace, entry[0])

    def leave(self, key: TaskKey) -> None:
        """Free the place in the line of a task that does not want to start now."""
        if key in self._waiting:
            profile, place = self._waiting.pop(key)
            self._lines[key.namespace][profile].leave(place)
            self._touch(key.namespace, profile)
            self._messages.pop(key, None)

    def release(self, key: TaskKey, uid: str) -> bool:
        """Free the slot of a task that has ended or no longer wants to start. False if it had none."""
        if uid not in self._holders.get(key, ()):
            return False
        self._usage.add(key.namespace, self._holders[key].pop(uid), -1)
        if not self._holders[key]:
            del self._holders[key]
        self.changed = self.changed or bool(self._waiting)
        return True

    def settle(self) -> None:
        """Give free slots to the tasks in line, and wake each task whose answer has changed."""
        self._hand_out()
        moved, self._moved = self._moved, set()
        for namespace, profile in moved:
            self._tell(namespace, profile)
        self.changed = False

    def _bounded(self, task: TaskRecord) -> str | None:
        """The task's profile if it has a limit of its own.

        All other tasks of a namespace share a line: their owners may make up any number of profiles.
        """
        return task.profile if task.profile in self._bounds.profiles else None

    def _obstacle(self, task: TaskRecord) -> str | None:
        return self._bounds.obstacle(self._usage, task.key.namespace, self._bounded(task))

    def _hand_out(self) -> None:
        if not self._waiting or self._full:
            return
        heads = [turn for namespace in self._lines if (turn := self._turn(namespace)) is not None]
        heapq.heapify(heads)
        while heads and not self._full:
            namespace = heads[0][2]
            turn = self._turn(namespace)
            if turn == heads[0]:
                _, _, _, profile, place = turn
                self.leave(place.key)
                self._holders[place.key][place.uid] = profile
                self._usage.add(namespace, profile, 1)
                self._wake(place.key)
                turn = self._turn(namespace)
            if turn is None:
                heapq.heappop(heads)
            else:
                heapq.heapreplace(heads, turn)

    @property
    def _full(self) -> bool:
        return self._bounds.total is not None and self._usage.total >= self._bounds.total

    def _turn(self, namespace: str) -> tuple[float, object, str, str | None, Place] | None:
        """When it is a namespace's turn, the smallest first, and its next task; None if none of it may start."""
        usage, heads = self._usage, []
        for profile, line in self._lines[namespace].items():
            if line.places and self._bounds.obstacle(usage, namespace, profile) is None:
                heads.append((line.places[0], profile))
        if not heads:
            return None
        place, profile = min(heads, key=lambda head: head[0])
        return usage.namespaces[namespace] / self._shares.get(namespace, 1), place.created_at, namespace, profile, place

    def _tell(self, namespace: str, profile: str | None) -> None:
        """Tell the tasks of a line their rough places, where those have changed."""
        line = self._lines[namespace][profile]
        obstacle = self._bounds.obstacle(self._usage, namespace, profile) or "other namespaces are served first"
        for number, place in line.moved():
            rough = rough_place(number)
            before, _ = self._messages.get(place.key, ("", ""))
            if before != rough:
                self._messages[place.key] = (rough, f"{obstacle}; {rough}")
                self._wake(place.key)
        if not line.places:
            del self._lines[namespace][profile]
            if not self._lines[namespace]:
                del self._lines[namespace]

    def _touch(self, namespace: str, profile: str | None) -> None:
        self._moved.add((namespace, profile))
        self.changed = True
