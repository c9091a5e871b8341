"""The trace of a task and the ids of its spans.

Both follow from the task's uid and its annotation, so every program computes them alike, without a message from another
one, and again after a restart: a span that is told twice is the same span.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_UID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_MAX_TRACEPARENT: Final = 256
_SAMPLED: Final = 0x01
_RANDOM_BITS: Final = 56
"""The last bits of a trace id are random, in ids of W3C Trace Context as in those made of a uid. Sampling uses them."""

Path = tuple[str | int, ...]
"""Names a span among those of its task."""


@dataclass(frozen=True, slots=True)
class TraceParent:
    """A span of somebody else that ours continue: W3C Trace Context's ``traceparent``."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    sampled: bool
    """Whether the trace is recorded."""

    def __str__(self) -> str:
        """The value of the header."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"


def parse_traceparent(text: str | None) -> TraceParent | None:
    """Read a ``traceparent``; None for one that W3C Trace Context tells receivers to ignore."""
    found = _TRACEPARENT.fullmatch(text.strip()) if text and len(text) <= _MAX_TRACEPARENT else None
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


@dataclass(frozen=True, slots=True)
class Sampler:
    """Which traces are recorded."""

    ratio: float = 1.0
    """Share of the traces, from 0 to 1."""
    heeds_caller: bool = True
    """Whether a caller who sends a ``traceparent`` has decided already."""

    def takes(self, trace_id: str, caller: TraceParent | None) -> bool:
        """Whether the trace is recorded: the same answer in every program."""
        if caller is not None and self.heeds_caller:
            return caller.sampled
        return int(trace_id, 16) % (1 << _RANDOM_BITS) < self.ratio * (1 << _RANDOM_BITS)


@dataclass(frozen=True, slots=True)
class TaskTrace:
    """The trace of one task."""

    uid: str
    """Of the task."""
    trace_id: str
    """The caller's, else the task's uid without its dashes."""
    caller_id: str | None
    """The caller's span, of which the task is a child."""
    sampled: bool
    """Whether it is recorded."""

    def span_id(self, *path: str | int) -> str:
        """The id of a span of this task, by its path."""
        name = "/".join(map(str, path))
        return hashlib.sha256(f"{self.uid}\n{name}".encode()).hexdigest()[:16]

    def parent(self, *path: str | int) -> TraceParent:
        """A span of this task, for the program that continues it."""
        return TraceParent(self.trace_id, self.span_id(*path), self.sampled)


def task_trace(uid: str, traceparent: str | None, sampler: Sampler) -> TaskTrace:
    """The trace of the task with this uid and this annotation, if it has one."""
    caller = parse_traceparent(traceparent)
    if caller is not None:
        trace_id = caller.trace_id
    elif _UID.fullmatch(uid):
        trace_id = uid.replace("-", "")
    else:
        trace_id = hashlib.sha256(uid.encode()).hexdigest()[:32]
    caller_id = caller.span_id if caller is not None else None
    return TaskTrace(uid, trace_id, caller_id, sampler.takes(trace_id, caller))
