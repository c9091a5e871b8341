"""Whether a run is traced: the operator says so in the pod's environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from skyvern_crds.tracing.export import SpanExport
from skyvern_crds.tracing.settings import ENV_TRACEPARENT, read_tracing
from skyvern_crds.tracing.trace import TaskTrace, parse_traceparent
from skyvern_runner.report.events import Observer, Warned
from skyvern_runner.report.journal import Journal
from skyvern_runner.task.task import Identity
from skyvern_runner.trace.run_trace import RunTrace

SERVICE: Final = "skyvern-runner"
PAUSE_SECONDS: Final = 1.0
"""Pause between two sends: little is left to send at the end of a run."""
CLOSE_SECONDS: Final = 1.0
"""How long the end of a run may wait for a collector that takes spans."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """The trace that a run continues, and its way to the collector."""

    trace: TaskTrace
    attempt: int
    spans: SpanExport

    def of_run(self, journal: Journal, observer: Observer, started: float) -> RunTrace:
        """The spans of the run that ``journal`` records; ``observer`` gets its events too."""
        return RunTrace(self.trace, self.attempt, journal=journal, spans=self.spans, observer=observer, started=started)


def tracing_of(environment: Mapping[str, str], identity: Identity, observer: Observer) -> Tracing | None:
    """What the operator has said; None when nothing is recorded, and after a warning when it cannot be."""

    def warn(message: str) -> None:
        observer.notify(Warned("tracing", message))

    parent = parse_traceparent(environment.get(ENV_TRACEPARENT))
    if parent is None or not parent.sampled:
        return None
    try:
        settings = read_tracing(environment)
    except ValueError as error:
        warn(str(error))
        return None
    if settings is None:
        return None
    trace = TaskTrace(identity.uid, parent.trace_id, parent.span_id, sampled=True)
    return Tracing(trace, identity.attempt, SpanExport(settings, SERVICE, warn, pause_seconds=PAUSE_SECONDS))
