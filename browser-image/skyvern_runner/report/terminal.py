"""The run as lines on a terminal."""

import sys
import threading
from typing import Final, TextIO

from skyvern_crds import wire
from skyvern_crds.vocabulary import Phase
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

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _RESET = "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[0m"
_MAX_RESULT: Final = 2000


class TerminalView:
    """Shows the run to a person. Colors only on a terminal."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._color = stream.isatty()
        self._lock = threading.Lock()

    def notify(self, event: Event) -> None:
        """Print the event."""
        for style, text in self._lines(event):
            with self._lock:
                self._stream.write(f"{style}{text}{_RESET}\n" if self._color and style else f"{text}\n")
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
                mark, style = ("+", _GREEN) if record.ok else ("!", _RED)
                return [(style, f"  {mark} {record.line(label)}")]
            case CompletionChecked():
                return [(_DIM, f"  checked: {'reached' if event.achieved else 'not reached'}: {event.reason}")]
            case Extracted():
                return [("", f"  extracted: {wire.dumps(event.result)[:_MAX_RESULT]}")]
            case Warned():
                return [(_YELLOW, f"  warning: {event.what}: {event.message}")]
            case Ended():
                return [(_GREEN if event.outcome is Phase.COMPLETED else _RED, _closing(event))]


def _closing(event: Ended) -> str:
    why = f": {event.failure_reason}" if event.failure_reason else ""
    used = f"{event.steps} steps, {event.usage.input_tokens} + {event.usage.output_tokens} tokens"
    return f"{event.outcome.value}{why} ({used}, {event.seconds:.1f} s)"
