"""Tells the spans of tasks whose traces are recorded."""

from datetime import UTC, datetime

from skyvern_crds.status import OperatorStatus
from skyvern_crds.tracing.export import Spans
from skyvern_crds.tracing.settings import TracingSettings
from skyvern_crds.tracing.span import ATTEMPT, Span, SpanKind, run_path
from skyvern_crds.tracing.trace import TaskTrace, task_trace
from skyvern_operator.execution.pod_manifest import RunnerTrace
from skyvern_operator.execution.spans import child_of_task, spans_of
from skyvern_operator.execution.webhook.rules import Answer
from skyvern_operator.state.records import PodRecord, TaskRecord

CREATE_POD = "create pod"
WEBHOOK = "webhook"


class TaskTracing:
    """The spans of all tasks."""

    def __init__(self, settings: TracingSettings, spans: Spans) -> None:
        self._settings = settings
        self._spans = spans

    def told(self, task: TaskRecord, status: OperatorStatus, pod: PodRecord | None) -> None:
        """A status has been written over the one of ``task``."""
        if (trace := self._recorded(task)) is not None:
            self._spans.add(*spans_of(trace, task, status, pod, datetime.now(UTC)))

    def pod_created(self, task: TaskRecord, attempt: int, start: datetime) -> None:
        """The API server has created a pod, for which it was asked at ``start``."""
        if (trace := self._recorded(task)) is not None:
            span_id, parent = trace.span_id(ATTEMPT, attempt, CREATE_POD), trace.span_id(ATTEMPT, attempt)
            now, kind = datetime.now(UTC), SpanKind.CLIENT
            self._spans.add(Span(trace.trace_id, span_id, parent, CREATE_POD, start, now, kind))

    def webhook_tried(self, task: TaskRecord, start: datetime, answer: Answer) -> None:
        """A try to deliver the task's webhook, which began at ``start``, has ended."""
        if (trace := self._recorded(task)) is None:
            return
        about: dict[str, str | int] = {"http.request.method": "POST", "server.address": task.webhook_host}
        if answer.status is not None:
            about["http.response.status_code"] = answer.status
        error = None if answer.accepted else str(answer.status or "no_answer")
        path = (WEBHOOK, start.isoformat())
        now, kind = datetime.now(UTC), SpanKind.CLIENT
        self._spans.add(child_of_task(trace, path, start, now, kind=kind, attributes=about, error=error))

    def runner(self, task: TaskRecord, attempt: int) -> RunnerTrace | None:
        """What the runner of an attempt has to know; None when nothing is recorded."""
        if (trace := self._recorded(task)) is None:
            return None
        return RunnerTrace(str(trace.parent(*run_path(attempt))), self._settings.endpoint)

    def _recorded(self, task: TaskRecord) -> TaskTrace | None:
        trace = task_trace(task.uid, task.traceparent, self._settings.sampler)
        return trace if trace.sampled else None
