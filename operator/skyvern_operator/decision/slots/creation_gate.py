"""Decides which tasks may ask for their pods while the API server refuses them.

Tasks of one namespace and profile have pods of the same size, made with the same rights, so they share a gate. The
first refusal closes it. One task at a time then tries whether the way is free, and the others wait without a request
and without a slot. Each pod that is created lets more tasks through, until the gate opens for all.
"""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from skyvern_crds.vocabulary import Reason
from skyvern_operator.state.records import TaskKey, TaskRecord

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
MAX_DOUBLINGS: Final = 20
CONFIRMATIONS: Final = 2
"""Failures in a row that make an obstacle of one that may be an accident."""
SPARE_PLACES: Final = 64
"""Places that have been left and stay in the line, which is rebuilt when they outnumber the others."""
OPEN_AFTER: Final = 64
"""Pods created in a row that prove that the way is free for all."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no pod can be created for now."""

    reason: Reason
    """QuotaExceeded or CreateBlocked."""
    message: str
    """A topic, a colon, and the API server's own words."""
    at: datetime
    """When the API server last said so."""
    certain: bool = True
    """Whether the first answer proves it. A failure of the server may be an accident or hit everything."""
    config_error: bool = False
    """Whether it ends the task after a grace period: what the pod refers to is missing."""

    @property
    def topic(self) -> str:
        """What it is about. Within a topic the words vary: amounts used, addresses, names of pods."""
        return self.reason if self.reason is Reason.QUOTA_EXCEEDED else self.message.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Passage:
    """Whether a task may ask for its pod."""

    open: bool
    obstacle: Obstacle | None = None
    """What stands in the way, as far as it is known. A task that may try in spite of it finds out."""
    retry_at: datetime | None = None
    """When the task may try; None for one whose turn has not come."""


OPEN: Final = Passage(open=True)


class _Place(NamedTuple):
    """A task's place in front of the gate."""

    tries: int
    """Failures of its own, so that a pod that fails for reasons of its own does not hold up the others."""
    rank: int
    """The priority, negated."""
    created_at: datetime
    key: TaskKey


@dataclass(slots=True)
class _Gate:
    """The gate of one namespace and profile."""

    retry_at: datetime
    obstacle: Obstacle | None = None
    failures: int = 0
    successes: int = 0
    doublings: int = 0
    trying: dict[TaskKey, _Place] = field(default_factory=dict)
    waiting: dict[TaskKey, _Place] = field(default_factory=dict)
    line: list[_Place] = field(default_factory=list)
    """A heap of the places, in which those that have been left are ignored."""

    def join(self, place: _Place) -> None:
        self.waiting[place.key] = place
        heapq.heappush(self.line, place)
        if len(self.line) > 2 * len(self.waiting) + SPARE_PLACES:
            self.line = list(self.waiting.values())
            heapq.heapify(self.line)

    def let_through(self) -> list[TaskKey]:
        """Let the next tasks try: one while the gate is closed, and one more for each pod created since."""
        chosen = []
        while self.waiting and len(self.trying) <= self.successes:
            place = heapq.heappop(self.line)
            if self.waiting.get(place.key) == place:
                self.trying[place.key] = self.waiting.pop(place.key)
                chosen.append(place.key)
        return chosen


class CreationGate:
    """All gates. Those that are open do not exist."""

    def __init__(
        self,
        wake: Callable[[TaskKey], None],
        *,
        quota_retry_seconds: float,
        rng: Callable[[], float] = random.random,
    ) -> None:
        """``wake`` is called with each task whose passage has changed."""
        self._wake = wake
        self._quota_retry_seconds = quota_retry_seconds
        self._rng = rng
        self._gates: dict[str, dict[str | None, _Gate]] = defaultdict(dict)
        self._profiles: dict[TaskKey, str | None] = {}
        """The tasks in front of a gate."""

    @property
    def waiting(self) -> int:
        """Tasks in front of gates."""
        return len(self._profiles)

    def ask(self, task: TaskRecord, now: datetime) -> Passage:
        """Whether the task may ask for its pod. If not, it waits, and is woken when its turn comes."""
        if self._profiles.get(task.key, task.profile) != task.profile:
            self.forget(task.key)  # another task of the same name
        gate = self._gate(task)
        if gate is None:
            return OPEN
        if task.key not in self._profiles:
            self._join(gate, task)
            self._tell(key for key in gate.let_through() if key != task.key)
        if task.key not in gate.trying:
            return Passage(open=False, obstacle=gate.obstacle)
        if now < gate.retry_at:
            return Passage(open=False, obstacle=gate.obstacle, retry_at=gate.retry_at)
        return Passage(open=True, obstacle=gate.obstacle)

    def blocked(self, task: TaskRecord, obstacle: Obstacle) -> None:
        """The API server has refused the task's pod: the gate closes, or stays closed for longer."""
        gate = self._gate(task)
        if gate is None:
            gate = self._gates[task.key.namespace][task.profile] = _Gate(obstacle.at)
            gate.doublings = MAX_DOUBLINGS if obstacle.reason is Reason.QUOTA_EXCEEDED else 0
        elif task.key not in gate.trying:  # it asked before the gate was closed
            if task.key not in self._profiles:
                self._join(gate, task)
            self._wake(task.key)
            return
        tries = gate.trying[task.key].tries + 1 if task.key in gate.trying else 1
        recalled = {
            **gate.trying,
            task.key: self._place(task, 0 if obstacle.reason is Reason.QUOTA_EXCEEDED else tries),
        }
        gate.trying.clear()
        for place in recalled.values():
            gate.join(place)
        self._profiles[task.key] = task.profile
        gate.failures, gate.successes = gate.failures + 1, 0
        gate.retry_at = obstacle.at + self._pause(gate, obstacle)
        news = self._learn(gate, obstacle)
        everybody = list(gate.waiting) if news or obstacle.config_error else []
        self._tell([*recalled, *gate.let_through(), *everybody])

    def passed(self, task: TaskRecord, now: datetime) -> None:
        """The task has its pod. If it was trying the way, more may follow it."""
        gate = self._gate(task)
        if gate is None or task.key not in gate.trying:
            self.forget(task.key)
            return
        del gate.trying[task.key], self._profiles[task.key]
        gate.failures, gate.doublings, gate.retry_at = 0, 0, now
        gate.successes += 1
        if gate.successes >= OPEN_AFTER:
            everybody = gate.trying | gate.waiting
            for key in everybody:
                del self._profiles[key]
            gate.trying, gate.waiting = {}, {}
            self._tell(everybody)
        else:
            self._tell([*gate.trying, *gate.let_through()])
        self._drop_if_idle(task.key.namespace, task.profile)

    def forget(self, key: TaskKey) -> None:
        """The task does not want a pod any more. If it was its turn, the next one has it."""
        if key not in self._profiles:
            return
        profile = self._profiles.pop(key)
        gate = self._gates[key.namespace][profile]
        gate.trying.pop(key, None)
        gate.waiting.pop(key, None)
        self._tell(gate.let_through())
        self._drop_if_idle(key.namespace, profile)

    def freed(self, namespace: str, now: datetime) -> None:
        """A pod of the namespace has ended: what its quota counts may have become less."""
        for gate in self._gates.get(namespace, {}).values():
            if gate.obstacle is not None and gate.obstacle.reason is Reason.QUOTA_EXCEEDED:
                soonest = max(now, gate.obstacle.at + timedelta(seconds=FIRST_PAUSE_SECONDS / 2))
                gate.doublings, gate.retry_at = 0, min(gate.retry_at, soonest)
                self._tell(gate.trying)

    def _gate(self, task: TaskRecord) -> _Gate | None:
        gates = self._gates.get(task.key.namespace)
        return gates.get(task.profile) if gates else None

    def _join(self, gate: _Gate, task: TaskRecord) -> None:
        self._profiles[task.key] = task.profile
        gate.join(self._place(task, 0))

    @staticmethod
    def _place(task: TaskRecord, tries: int) -> _Place:
        return _Place(tries, -task.priority, task.created_at, task.key)

    def _pause(self, gate: _Gate, obstacle: Obstacle) -> timedelta:
        """Twice as long with each failure, with some jitter, so that gates do not try in step."""
        jitter = 1 + self._rng()
        longest = self._quota_retry_seconds if obstacle.reason is Reason.QUOTA_EXCEEDED else LONGEST_PAUSE_SECONDS / 2
        pause = min(FIRST_PAUSE_SECONDS / 2 * 2.0**gate.doublings, longest) * jitter
        gate.doublings = min(gate.doublings + 1, MAX_DOUBLINGS)
        return timedelta(seconds=pause)

    @staticmethod
    def _learn(gate: _Gate, obstacle: Obstacle) -> bool:
        """Take in what the API server has said. Whether it is news for those who wait."""
        old = gate.obstacle
        if not obstacle.certain and gate.failures < CONFIRMATIONS:
            return False
        if old is not None and old.topic == obstacle.topic:
            gate.obstacle = replace(old, at=obstacle.at)
            return False
        gate.obstacle = obstacle
        return True

    def _drop_if_idle(self, namespace: str, profile: str | None) -> None:
        gates = self._gates[namespace]
        if not (gates[profile].trying or gates[profile].waiting):
            del gates[profile]
        if not gates:
            del self._gates[namespace]

    def _tell(self, keys: Iterable[TaskKey]) -> None:
        for key in list(keys):
            self._wake(key)
