"""The facade's spans of a task: the requests that make and cancel it."""

import logging
from datetime import UTC, datetime
from typing import Final

from skyvern_crds.tracing.export import SpanExport
from skyvern_crds.tracing.settings import TracingSettings
from skyvern_crds.tracing.span import TASK, Span, SpanKind
from skyvern_crds.tracing.trace import TraceParent, task_trace
from skyvern_crds.vocabulary import MANAGER_APISERVER

CREATE: Final = "create task"
CANCEL: Final = "cancel task"

log = logging.getLogger(__name__)


class RequestTracing:
    """Tells of requests in the traces of the tasks that they concern."""

    def __init__(self, settings: TracingSettings) -> None:
        self._settings = settings
        self._spans = SpanExport(settings, MANAGER_APISERVER, log.warning)

    def served(
        self, name: str, uid: str, traceparent: str | None, start: datetime, caller: TraceParent | None = None
    ) -> None:
        """A request that began at ``start`` concerned the task with this uid and this annotation.

        It is a child of the caller's span where the caller names one, else of the task.
        """
        trace = task_trace(uid, str(caller) if caller is not None else traceparent, self._settings.sampler)
        if trace.sampled:
            parent_id = trace.caller_id if caller is not None else trace.span_id(TASK)
            span_id, about = trace.span_id(name, start.isoformat()), {"skyvern.task.uid": uid}
            now = datetime.now(UTC)
            self._spans.add(Span(trace.trace_id, span_id, parent_id, name, start, now, SpanKind.SERVER, about))

    def start(self) -> None:
        """Load what sending needs, in the background."""
        self._spans.start()

    def close(self, seconds: float) -> None:
        """Send what waits, for at most ``seconds``."""
        self._spans.close(seconds)
