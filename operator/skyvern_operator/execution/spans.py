"""The operator's spans of a task, built after the fact from the times on the task and its pod. Pure.

Each is told by the one status write that first says it has ended, so a restart or another leader tells none again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from skyvern_crds.status import OperatorStatus
from skyvern_crds.tracing.span import ATTEMPT, RUN, TASK, Span
from skyvern_crds.tracing.trace import Path, TaskTrace
from skyvern_crds.vocabulary import TERMINAL_PHASES, ConditionType, Phase, Reason
from skyvern_operator.decision.conditions import find, succeeded_reason
from skyvern_operator.state.records import PodRecord, TaskRecord

QUEUE: Final = "queue"
"""Until the task has a slot and a pod."""
SCHEDULE: Final = "schedule"
"""Until the pod has a node."""
START_BROWSER: Final = "start browser"
"""Until the browser's container runs: volumes and images."""
START_RUNNER: Final = "start runner"
"""Until the runner's container runs."""
FIRST_REPORT: Final = "first report"
"""Until the runner has reported, which is when the agent begins."""
CONCLUDE: Final = "conclude"
"""From the runner's end to the verdict."""
_ENDED_WELL: Final = (Phase.COMPLETED, Phase.CANCELED)


def spans_of(
    trace: TaskTrace, task: TaskRecord, status: OperatorStatus, pod: PodRecord | None, now: datetime
) -> Iterator[Span]:
    """The spans that ``status``, written at ``now`` over the one of ``task``, ends."""
    write = _Write(trace, task, status, pod, now)
    yield from write.queue()
    yield from write.start()
    yield from write.first_report()
    yield from write.attempt()
    yield from write.task_end()


def child_of_task(trace: TaskTrace, path: Path, start: datetime, end: datetime, **about: Any) -> Span:
    """A span of the task; ``about`` are further fields of :class:`Span`."""
    return Span(trace.trace_id, trace.span_id(*path), trace.span_id(TASK), str(path[0]), start, end, **about)


@dataclass(frozen=True, slots=True)
class _Write:
    """A status write, and what it says for the first time."""

    trace: TaskTrace
    task: TaskRecord
    status: OperatorStatus
    pod: PodRecord | None
    now: datetime

    def queue(self) -> Iterator[Span]:
        before = find(self.task.status.conditions, ConditionType.ADMITTED)
        after = find(self.status.conditions, ConditionType.ADMITTED)
        if after is None or after.status != "True" or (before is not None and before.status == "True"):
            return
        again = before is not None and (self.task.status.attempt or 0) > 0
        start = before.last_transition_time if before is not None and again else self.task.created_at
        about = {"skyvern.queue.reason": before.reason} if before is not None else {}
        path = (QUEUE, self.status.attempt or 1)
        yield child_of_task(self.trace, path, start, after.last_transition_time, attributes=about)

    def start(self) -> Iterator[Span]:
        """The pod's way to its start, once it has started or ended without."""
        pod, started = self.pod, self.status.started_at
        if pod is None or self.task.status.started_at is not None or (started is None and not self._ends_attempt):
            return
        reached = self._begin
        for name, time in (
            (SCHEDULE, pod.scheduled_at),
            (START_BROWSER, pod.browser.started_at),
            (START_RUNNER, started),
        ):
            if time is not None:
                yield self._part(name, reached, time)
                reached = max(reached, time)

    def first_report(self) -> Iterator[Span]:
        started = self.status.started_at
        if started is not None and self._reason is Reason.RUNNING is not succeeded_reason(self.task.status):
            yield self._part(FIRST_REPORT, started, self.now)

    def attempt(self) -> Iterator[Span]:
        if not self._ends_attempt:
            return
        about: dict[str, str | int] = {"skyvern.attempt": self._number, **self._said}
        if (pod := self.pod) is not None:
            about |= {"k8s.pod.name": pod.name, "k8s.pod.uid": pod.uid, "k8s.node.name": pod.node_name or ""}
        started = self.status.started_at or self.task.status.started_at
        if started is not None:
            yield self._part(RUN, started, self._end, attributes=self._said, error=self._error)
        path = (ATTEMPT, self._number)
        yield child_of_task(self.trace, path, self._begin, self._end, attributes=about, error=self._error)

    def task_end(self) -> Iterator[Span]:
        if not self._ends_task:
            return
        task, status, trace = self.task, self.status, self.trace
        if self._ends_attempt:
            yield child_of_task(trace, (CONCLUDE,), self._end, self.now)
        about: dict[str, str | int] = {
            "k8s.namespace.name": task.key.namespace,
            "skyvern.task.name": task.key.name,
            "skyvern.task.uid": task.uid,
            "skyvern.task.attempts": status.attempt or 0,
            "skyvern.task.status": status.phase.value if status.phase is not None else "",
            **self._said,
        }
        ids = trace.trace_id, trace.span_id(TASK), trace.caller_id
        yield Span(*ids, TASK, task.created_at, self._end, attributes=about, error=self._error)

    @property
    def _reason(self) -> Reason | None:
        return succeeded_reason(self.status)

    @property
    def _said(self) -> dict[str, str]:
        return {"skyvern.reason": self._reason.value} if self._reason is not None else {}

    @property
    def _error(self) -> str | None:
        failed = self.status.phase not in _ENDED_WELL if self._ends_task else self._reason is Reason.INFRA_RETRY
        return self._reason.value if self._reason is not None and failed else None

    @property
    def _ends_task(self) -> bool:
        return self.status.phase in TERMINAL_PHASES and not self.task.ended

    @property
    def _ends_attempt(self) -> bool:
        """Whether a pod that the status names, or has just named, is done with."""
        before, after = self.task.status.pod_uid, self.status.pod_uid
        return (after is not None and self._ends_task) or (before is not None and after is None and not self.task.ended)

    @property
    def _end(self) -> datetime:
        return self.status.finished_at if self._ends_task and self.status.finished_at is not None else self.now

    @property
    def _number(self) -> int:
        return self.pod.attempt if self.pod is not None else self.status.attempt or 1

    @property
    def _begin(self) -> datetime:
        """When the attempt began: at its pod's creation, a time that Kubernetes cuts to seconds, or at the admission,
        which follows the creation of the first pod at once."""
        conditions = (find(status.conditions, ConditionType.ADMITTED) for status in (self.status, self.task.status))
        times = [condition.last_transition_time for condition in conditions if condition and condition.status == "True"]
        created = self.pod.created_at if self.pod is not None else None
        return max([self.task.created_at, *times[:1], *([created] if created is not None else [])])

    def _part(self, name: str, start: datetime, end: datetime, **about: Any) -> Span:
        attempt, ids = (ATTEMPT, self._number), self.trace
        return Span(ids.trace_id, ids.span_id(*attempt, name), ids.span_id(*attempt), name, start, end, **about)
