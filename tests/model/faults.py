"""Faults on demand: by the model's name, or as a sequence set through /scripted/faults."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

HTTP_ERRORS = {
    400: ("invalid_request_error", "invalid_value", "Scripted fault: the request is refused."),
    401: ("invalid_request_error", "invalid_api_key", "Scripted fault: the API key is refused."),
    403: ("invalid_request_error", "forbidden", "Scripted fault: the key may not use this model."),
    404: ("invalid_request_error", "model_not_found", "Scripted fault: the model does not exist."),
    429: ("requests", "rate_limit_exceeded", "Scripted fault: rate limit reached."),
    500: ("server_error", None, "Scripted fault: the server had an error."),
    502: ("server_error", None, "Scripted fault: bad gateway."),
    503: ("server_error", None, "Scripted fault: the engine is overloaded."),
}
REPLY_FAULTS = frozenset(
    {"malformed", "truncated", "fenced", "prose", "wrong-shape", "empty-actions", "unknown-ids", "refusal"}
)
NAMES = (*(str(code) for code in HTTP_ERRORS), "hang", "no-json-schema", *sorted(REPLY_FAULTS))


class FaultError(ValueError):
    """A fault's name is unknown or its argument is not a number."""


@dataclass(frozen=True)
class Fault:
    """One fault, written NAME, NAME/ARGUMENT (seconds) or NAME*TIMES when it comes from a model's name."""

    name: str
    seconds: float | None = None
    times: int | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status when the fault is one."""
        return int(self.name) if self.name.isdigit() else None


def parse_fault(text: str) -> Fault:
    """Read a fault, such as "500", "429/0.5", "hang/30" or "malformed*2". Raises FaultError."""
    rest, _, times = text.partition("*")
    name, _, seconds = rest.partition("/")
    if name not in NAMES:
        raise FaultError(f"unknown fault {name!r}; known: {', '.join(NAMES)}")
    try:
        fault = Fault(name, float(seconds) if seconds else None, int(times) if times else None)
    except ValueError as error:
        raise FaultError(f"fault {text!r}: {error}") from error
    # A rate limit passes; the others stay until the caller chooses another model.
    return Fault(name, fault.seconds, fault.times or 1) if name == "429" else fault


class FaultPlan:
    """The faults still to come of one running server."""

    def __init__(self) -> None:
        self._sequence: deque[Fault | None] = deque()
        self._used: Counter[str] = Counter()

    def queue(self, faults: Iterable[str | None]) -> None:
        """Append faults for the next requests, one each; None lets a request pass."""
        parsed = [parse_fault(text) if text else None for text in faults]
        self._sequence.extend(parsed)

    def clear(self) -> None:
        """Forget the sequence and what was used up."""
        self._sequence.clear()
        self._used.clear()

    def waiting(self) -> int:
        """Return how many requests of the sequence are still to come."""
        return len(self._sequence)

    def take(self, model: str, from_model: str | None) -> Fault | None:
        """Return the fault of this request: the sequence first, then the one in the model's name."""
        if self._sequence:
            return self._sequence.popleft()
        if from_model is None:
            return None
        fault = parse_fault(from_model)
        if fault.times is not None and self._used[model] >= fault.times:
            return None
        self._used[model] += 1
        return fault


async def hang(fault: Fault) -> None:
    """Wait as long as the fault says (30 s by default)."""
    await asyncio.sleep(30.0 if fault.seconds is None else fault.seconds)


def spoil(fault: Fault, content: str) -> tuple[str | None, str, str | None]:
    """Return (content, finish_reason, refusal) of a reply that has this fault."""
    if fault.name == "malformed":
        return '{"thought": "scripted fault", "actions": [{"type": "click", "id": ]', "stop", None
    if fault.name == "truncated":
        return content[: len(content) // 2], "length", None
    if fault.name == "fenced":
        return f"Here is the answer:\n```json\n{content}\n```", "stop", None
    if fault.name == "prose":
        return "The weather on the sound is fair today, with a light breeze from the west.", "stop", None
    if fault.name == "wrong-shape":
        return '{"weather": "fair", "wind": 3}', "stop", None
    if fault.name == "refusal":
        return None, "stop", "Scripted fault: I will not help with this."
    answer = json.loads(content)
    if fault.name == "empty-actions" and "actions" in answer:
        answer["actions"] = []
    if fault.name == "unknown-ids":
        for action in answer.get("actions", []):
            action["id"] = action["id"] and "zz9"
    return json.dumps(answer), "stop", None
