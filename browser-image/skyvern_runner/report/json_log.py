"""The run as logs of a pod: one JSON object per line."""

import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import urlsplit

from skyvern_crds import wire
from skyvern_runner.report.events import (
    ActionDone,
    CompletionChecked,
    Ended,
    Event,
    Extracted,
    ModelAnswered,
    PageOpened,
    StepStarted,
    Warned,
)


class JsonLog:
    """One JSON object per line for each event, without payload, page text, secrets or the query of a URL."""

    def __init__(self, task: str, stream: TextIO = sys.stderr) -> None:
        self._task = task
        self._stream = stream
        self._lock = threading.Lock()

    def notify(self, event: Event) -> None:
        """Write the event."""
        level = "warning" if isinstance(event, Warned) else "info"
        self.write(level, type(event).__name__, **_fields(event))

    def write(self, level: str, message: str, **fields: Any) -> None:
        """Write one line."""
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        line = wire.dumps({"time": now, "level": level, "message": message, "task": self._task} | fields)
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()


def _fields(event: Event) -> dict[str, Any]:
    match event:
        case PageOpened():
            return {"url": place(event.url), "seconds": round(event.seconds, 3)}
        case StepStarted():
            return {
                "step": event.order,
                "retry": event.retry_index,
                "url": place(event.url),
                "elements": event.elements,
                "seconds": round(event.seconds, 3),
            }
        case ModelAnswered():
            return {
                "actions": event.actions,
                "input_tokens": event.usage.input_tokens,
                "output_tokens": event.usage.output_tokens,
                "seconds": round(event.seconds, 3),
            }
        case ActionDone(_, record):
            element = record.action.element
            done = {"type": record.action.type, "id": element and str(element), "ok": record.ok}
            return {key: value for key, value in done.items() if value is not None} | {
                "seconds": round(record.seconds, 3)
            }
        case CompletionChecked():
            return {"achieved": event.achieved}
        case Extracted():
            return {"bytes": wire.size(event.result)}
        case Warned():
            return {"what": event.what, "error": event.message}
        case Ended():
            return {
                "outcome": event.outcome.value,
                "reason": event.reason.value,
                "steps": event.steps,
                "seconds": round(event.seconds, 3),
            }


def place(url: str) -> str:
    """The address without user, query and fragment, which may hold what nobody should read."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:300]
