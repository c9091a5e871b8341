"""What has happened to a task since its caller last heard, from the task's present state alone. Pure.

The id of an event says all that its receiver knows. So any replica can go on from it, after a restart too, and nobody
keeps a history.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from skyvern_apiserver.wire.event_stream import frame
from skyvern_crds.rest.response import wire_time
from skyvern_crds.status import Condition, Step
from skyvern_crds.stored import StoredTask
from skyvern_crds.vocabulary import ConditionType, Phase

_ID: Final = re.compile(
    r"(?P<task>[0-9a-f]{8})\.(?P<phase>[a-z_]*)\.(?P<queue>[0-9a-f]*)\.(?P<step>\d{1,9})\.(?P<retry>\d{1,9})"
    r"\.(?P<step_status>[a-z]*)\.(?P<heartbeat>\d{1,16})(?P<end>\.end)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller knows of a task."""

    task: str
    """Of the task's uid: another task may take its name."""
    phase: str = ""
    queue: str = ""
    """Of what the task waits for."""
    step: int = 0
    """Number of the last step, from 1."""
    retry: int = 0
    step_status: str = ""
    heartbeat: int = 0
    """Time of the last sign of life, in milliseconds."""
    end: bool = False

    @classmethod
    def read(cls, event_id: str | None, task: StoredTask) -> Self:
        """From the id of the last event; nothing when it is not one of this task's."""
        mark, match = _mark(task.metadata.uid), _ID.fullmatch(event_id or "")
        if match is None or match["task"] != mark:
            return cls(mark)
        return cls(
            mark,
            phase=match["phase"],
            queue=match["queue"],
            step=int(match["step"]),
            retry=int(match["retry"]),
            step_status=match["step_status"],
            heartbeat=int(match["heartbeat"]),
            end=match["end"] is not None,
        )

    def __str__(self) -> str:
        parts = (self.task, self.phase, self.queue, self.step, self.retry, self.step_status, self.heartbeat)
        return ".".join(map(str, parts)) + (".end" if self.end else "")


def news(task: StoredTask, heard: Heard) -> tuple[bytes, Heard]:
    """The events that a caller has not heard, and what it knows then."""
    frames = []
    for name, data, heard in _events(task, heard):  # noqa: B020, PLR1704 - each event says what is known after it
        frames.append(frame(name, data, str(heard)))
    return b"".join(frames), heard


def _events(task: StoredTask, heard: Heard) -> Iterator[tuple[str, dict[str, Any], Heard]]:
    status = task.status
    if heard.phase != task.phase:
        heard = replace(heard, phase=task.phase.value)
        yield "phase", {"status": task.phase}, heard
    held = _held(task)
    if heard.queue != (mark := _mark(held.reason + held.message) if held else ""):
        heard = replace(heard, queue=mark)
        if held:
            yield "queue", {"reason": held.reason, "message": held.message}, heard
    for step in sorted(status.steps, key=lambda step: (step.order, step.retry_index)):
        now = (step.order + 1, step.retry_index, step.status.value)
        known = (heard.step, heard.retry, heard.step_status)
        if now[:2] > known[:2] or (now[:2] == known[:2] and now != known):
            heard = replace(heard, step=now[0], retry=now[1], step_status=now[2])
            yield "step", _step(step), heard
    beat = int(status.last_heartbeat.timestamp() * 1000) if status.last_heartbeat else 0
    if status.last_heartbeat and beat > heard.heartbeat:
        heard = replace(heard, heartbeat=beat)
        yield "heartbeat", {"at": wire_time(status.last_heartbeat), "current_url": status.current_url}, heard
    if task.phase.terminal and not heard.end:
        heard = replace(heard, end=True)
        finished = wire_time(status.finished_at) if status.finished_at else None
        yield "end", {"status": task.phase, "failure_reason": status.failure_reason, "finished_at": finished}, heard


def _held(task: StoredTask) -> Condition | None:
    """What keeps the task from starting."""
    if task.phase is not Phase.QUEUED:
        return None
    admitted = (each for each in task.status.conditions if each.type == ConditionType.ADMITTED)
    return next((each for each in admitted if each.status != "True"), None)


def _step(step: Step) -> dict[str, Any]:
    return step.model_dump(mode="json", exclude={"created_at", "modified_at"}) | {
        "created_at": wire_time(step.created_at),
        "modified_at": wire_time(step.modified_at),
    }


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
