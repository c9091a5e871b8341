"""A span, as the programs tell it once it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from skyvern_crds.tracing.trace import Path

TASK: Final = "task"
"""Name of the span of the whole task, and the first part of the paths of the others."""
RUN: Final = "run"
"""Name of the span from the start of a runner to its end, which the runner's own spans are part of."""
ATTEMPT: Final = "attempt"
"""Name of the span of one pod's life."""


def run_path(attempt: int) -> Path:
    """Path of the span of a runner: the operator tells it, and the runner continues it."""
    return (ATTEMPT, attempt, RUN)


class SpanKind(StrEnum):
    """Who is at the other end."""

    INTERNAL = "INTERNAL"
    """Nobody."""
    SERVER = "SERVER"
    """A caller, whose request it is."""
    CLIENT = "CLIENT"
    """A server, to which it is a request."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that has been done. It holds names, kinds and numbers; never a text of a page, a user or a secret."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    """One of a few, so that spans can be grouped by it."""
    start: datetime
    end: datetime
    """Not before ``start``: a clock that says so counts as the start."""
    kind: SpanKind = SpanKind.INTERNAL
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    error: str | None = None
    """The kind of error it ended with, as OpenTelemetry's ``error.type``: one of few words."""
