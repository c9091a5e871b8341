"""The run as lines on a terminal, and as one-line JSON logs of a pod."""

import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TextIO
from urllib.parse import urlsplit

from skyvern_crds.vocabulary import Phase
from skyvern_runner.acting import describe
from skyvern_runner.events import (
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

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _RESET = "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"
_MAX_RESULT: Final = 2000


class TerminalView:
    """Shows the run to a person. Colors only on a terminal."""

    def __init__(self, stream: TextIO = sys.stderr, mask: Callable[[str], str] = str) -> None:
        self._stream = stream
        self._mask = mask
        self._color = stream.isatty()
        self._lock = threading.Lock()

    def notify(self, event: Event) -> None:
        """Print the event."""
        for style, text in self._lines(event):
            line = self._mask(text)
            with self._lock:
                self._stream.write(f"{style}{line}{_RESET}\n" if self._color and style else f"{line}\n")
                self._stream.flush()

    def _lines(self, event: Event) -> list[tuple[str, str]]:
        match event:
            case PageOpened():
                return [(_BOLD, f"opened {event.url} ({event.seconds:.1f} s after the start)")]
            case StepStarted():
                again = f", try {event.retry_index + 1}" if event.retry_index else ""
                seen = f"{event.elements} elements in {event.seconds * 1000:.0f} ms"
                return [(_BOLD, f"step {event.order + 1}{again}  {event.url}"), (_DIM, f"  saw {seen}")]
            case ModelAnswered():
                usage = f"{event.usage.input_tokens} + {event.usage.output_tokens} tokens"
                return [(_DIM, f"  model: {event.seconds:.1f} s, {usage}"), ("", f"  {event.thought or 'no thought'}")]
            case ActionDone(label, record):
                line = describe(record.action, label, record.ok, record.message)
                mark, style = ("+", _GREEN) if record.ok else ("!", _RED)
                return [(style, f"  {mark} {line}")]
            case CompletionChecked():
                return [(_DIM, f"  checked: {'reached' if event.achieved else 'not reached'}: {event.reason}")]
            case Extracted():
                return [("", f"  read: {json.dumps(event.result, ensure_ascii=False)[:_MAX_RESULT]}")]
            case Warned():
                return [(_YELLOW, f"  warning: {event.what}: {event.message}")]
            case Ended():
                return [(_GREEN if event.outcome is Phase.COMPLETED else _RED, _closing(event))]


class JsonLog:
    """One JSON object a line for each change of state: no payload, no page text, no secret, no query of a URL."""

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
        line = json.dumps({"time": now, "level": level, "message": message, "task": self._task} | fields)
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()


def _closing(event: Ended) -> str:
    why = f": {event.failure_reason}" if event.failure_reason else ""
    used = f"{event.steps} steps, {event.usage.input_tokens} + {event.usage.output_tokens} tokens"
    return f"{event.outcome.value}{why} ({used}, {event.seconds:.1f} s)"


def _fields(event: Event) -> dict[str, Any]:
    match event:
        case PageOpened():
            return {"url": _place(event.url), "seconds": round(event.seconds, 3)}
        case StepStarted():
            return {
                "step": event.order,
                "retry": event.retry_index,
                "url": _place(event.url),
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
            action = record.action
            done = {"type": action.type.value, "id": action.id, "ok": record.ok, "seconds": round(record.seconds, 3)}
            return {key: value for key, value in done.items() if value is not None}
        case CompletionChecked():
            return {"achieved": event.achieved}
        case Extracted():
            return {"bytes": len(json.dumps(event.result))}
        case Warned():
            return {"what": event.what, "error": event.message}
        case Ended():
            return {
                "outcome": event.outcome.value,
                "reason": event.reason.value,
                "steps": event.steps,
                "seconds": round(event.seconds, 3),
            }


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:300]
