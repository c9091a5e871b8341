"""The part of a task's trace that is the run: the browser, the start page, each step with its look and its actions.

Spans say what was done, how long it took and how it ended, never what was read or typed.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from skyvern_crds.status import StepStatus
from skyvern_crds.tracing.export import Spans
from skyvern_crds.tracing.span import ATTEMPT, Span, SpanKind
from skyvern_crds.tracing.trace import Path, TaskTrace
from skyvern_crds.vocabulary import Phase
from skyvern_runner.model.ask import Usage
from skyvern_runner.report.events import ActionDone, Ended, Event, Observer, PageOpened, StepStarted
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.json_log import place
from skyvern_runner.report.records import StepRecord

T = TypeVar("T")
Value = str | int | float | bool

AGENT: Final = "agent"
"""Name of the span of the whole run."""
CONNECT: Final = "connect browser"
OPEN: Final = "open page"
STEP: Final = "step"
LOOK: Final = "look"
_ENDED_WELL: Final = (Phase.COMPLETED, Phase.CANCELED)


class RunTrace:
    """Tells the spans of one run, and passes events on. The events that it makes spans of are of the agent's thread."""

    def __init__(
        self, trace: TaskTrace, attempt: int, *, journal: Journal, spans: Spans, observer: Observer, started: float
    ) -> None:
        """``trace.caller_id`` is the span that the run continues; ``started`` is the monotonic time of its start."""
        self._trace = trace
        self._root: Path = (ATTEMPT, attempt, AGENT)
        self._journal = journal
        self._spans = spans
        self._observer = observer
        self._started = started
        self._number = 0
        self._told = 0
        """Steps that have been told."""

    def notify(self, event: Event) -> None:
        """Take note of an event."""
        self._observer.notify(event)
        match event:
            case PageOpened():
                self.ended(OPEN, _ago(event.load_seconds), attributes={"url.full": place(event.url)})
            case StepStarted():
                self._tell_steps()
                self.ended(LOOK, _ago(event.seconds), attributes={"skyvern.elements": event.elements})
            case ActionDone(_, record):
                start = record.ended_at - timedelta(seconds=record.seconds)
                error = None if record.ok else "action_failed"
                self.ended(record.action.type, start, record.ended_at, error=error)
            case Ended():
                self._tell_steps()
                self._tell_run(event)
            case _:
                pass

    def connecting(self, connect: Callable[[], T]) -> Callable[[], T]:
        """The same function, with a span for each call."""

        def traced() -> T:
            start = datetime.now(UTC)
            try:
                page = connect()
            except Exception as error:
                self.ended(CONNECT, start, error=type(error).__name__)
                raise
            self.ended(CONNECT, start)
            return page

        return traced

    def ended(
        self,
        name: str,
        start: datetime,
        end: datetime | None = None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: dict[str, Value] | None = None,
        error: str | None = None,
    ) -> None:
        """Something has ended that was part of the current step, or of the run where there is none."""
        self._number += 1
        steps = self._journal.steps
        parent = self._path(steps[-1]) if steps and steps[-1].status is StepStatus.RUNNING else self._root
        self._add((*self._root, self._number), parent, name, (start, end or datetime.now(UTC)), kind, attributes, error)

    def _tell_steps(self) -> None:
        for step in self._journal.steps[self._told :]:
            if step.status is StepStatus.RUNNING:
                return
            self._told += 1
            about: dict[str, Value] = {
                "skyvern.step.order": step.order,
                "skyvern.step.retry": step.retry_index,
                "skyvern.step.status": step.status.value,
                "skyvern.step.actions": len(step.actions),
            }
            if step.url:
                about["url.full"] = place(step.url)
            error = "step_failed" if step.status is StepStatus.FAILED else None
            times = (step.created_at, step.modified_at)
            self._add(self._path(step), self._root, STEP, times, SpanKind.INTERNAL, about | tokens(step.usage), error)

    def _tell_run(self, event: Ended) -> None:
        about: dict[str, Value] = {
            "skyvern.task.status": event.outcome.value,
            "skyvern.reason": event.reason.value,
            "skyvern.steps": event.steps,
        }
        error = event.reason.value if event.outcome not in _ENDED_WELL else None
        times = (_ago(time.monotonic() - self._started), datetime.now(UTC))
        self._add(self._root, None, AGENT, times, SpanKind.INTERNAL, about | tokens(event.usage), error)

    def _path(self, step: StepRecord) -> Path:
        return (*self._root, STEP, step.order, step.retry_index)

    def _add(  # noqa: PLR0917 - reads like the span's own fields
        self,
        path: Path,
        parent: Path | None,
        name: str,
        times: tuple[datetime, datetime],
        kind: SpanKind,
        attributes: dict[str, Value] | None,
        error: str | None,
    ) -> None:
        trace = self._trace
        parent_id = trace.span_id(*parent) if parent is not None else trace.caller_id
        ids = (trace.trace_id, trace.span_id(*path), parent_id)
        self._spans.add(Span(*ids, name, *times, kind, attributes or {}, error))


def tokens(usage: Usage) -> dict[str, Value]:
    """Tokens, as OpenTelemetry's conventions for generative AI name them."""
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
    }


def _ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)
