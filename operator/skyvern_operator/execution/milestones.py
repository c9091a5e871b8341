"""Counts and times what a status write says for the first time. Kubernetes gives its times in whole seconds."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from skyvern_crds.status import OperatorStatus, WebhookState
from skyvern_crds.vocabulary import TERMINAL_PHASES, ConditionType, Reason
from skyvern_operator.decision.conditions import find, succeeded_reason
from skyvern_operator.execution.tracing import TaskTracing
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import PodRecord, TaskRecord


class Hop(StrEnum):
    """A stretch of a task's way, named after its end."""

    SCHEDULED = "scheduled"
    """From admission to a node."""
    STARTED = "started"
    """From there to the start of the runner: images, volumes and the browser."""
    REPORTED = "reported"
    """From there to the runner's first report, seen."""
    TOLD = "told"
    """From the task's end to the delivery of its webhook."""


def hops(task: TaskRecord, status: OperatorStatus, pod: PodRecord | None, now: datetime) -> Iterator[tuple[Hop, float]]:
    """The hops that ``status`` tells of and the task's stored status does not, with their seconds."""
    before = task.status
    started = status.started_at
    if started is not None and before.started_at is None and pod is not None and pod.scheduled_at is not None:
        admitted = find(status.conditions, ConditionType.ADMITTED)
        if admitted is not None:
            yield Hop.SCHEDULED, _seconds(admitted.last_transition_time, pod.scheduled_at)
        yield Hop.STARTED, _seconds(pod.scheduled_at, started)
    if started is not None and succeeded_reason(status) is Reason.RUNNING is not succeeded_reason(before):
        yield Hop.REPORTED, _seconds(started, now)
    if _delivered(status) and not _delivered(before) and status.finished_at is not None:
        yield Hop.TOLD, _seconds(status.finished_at, now)


def _delivered(status: OperatorStatus) -> bool:
    return status.webhook is not None and status.webhook.state is WebhookState.DELIVERED


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds())


class Milestones:
    """Observes the status writes of all tasks."""

    def __init__(self, metrics: Metrics, shares: Mapping[str, float], tracing: TaskTracing | None = None) -> None:
        """``shares`` are the weights of namespaces; any other has 1. Without ``tracing`` there are no spans."""
        self._metrics = metrics
        self._shares = shares
        self._tracing = tracing

    def observe(self, task: TaskRecord, status: OperatorStatus, pod: PodRecord | None) -> None:
        """Take note of a status that has been written over the one of ``task``."""
        if self._tracing is not None:
            self._tracing.told(task, status, pod)
        now = datetime.now(UTC)
        for hop, seconds in hops(task, status, pod, now):
            self._metrics.hops.labels(hop.value).observe(seconds)
        self._admission(task, status)
        if status.phase in TERMINAL_PHASES and not task.ended:
            self._verdict(status, now)
        elif status.started_at is not None and task.status.started_at is None:
            self._metrics.start_latency.observe(_seconds(task.created_at, status.started_at))

    def _admission(self, task: TaskRecord, status: OperatorStatus) -> None:
        before = find(task.status.conditions, ConditionType.ADMITTED)
        after = find(status.conditions, ConditionType.ADMITTED)
        if after is None or (before is not None and (before.status, before.reason) == (after.status, after.reason)):
            return
        if after.status != "True":
            self._metrics.holds.labels(after.reason).inc()
        elif before is None or before.status != "True":
            share = f"{self._shares.get(task.key.namespace, 1):g}"
            self._metrics.admission_wait.labels(share).observe(_seconds(task.created_at, after.last_transition_time))

    def _verdict(self, status: OperatorStatus, now: datetime) -> None:
        phase = status.phase.value if status.phase is not None else ""
        reason = succeeded_reason(status)
        self._metrics.verdicts.labels(phase, reason.value if reason is not None else "").inc()
        if status.finished_at is not None:
            self._metrics.verdict_lag.observe(_seconds(status.finished_at, now))
            if status.started_at is not None:
                self._metrics.duration.labels(phase).observe(_seconds(status.started_at, status.finished_at))
