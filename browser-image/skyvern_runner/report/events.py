"""Events of a run, for people and for logs."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from skyvern_crds.vocabulary import Phase, Reason
from skyvern_runner.model.ask import Usage
from skyvern_runner.report.records import ActionRecord


@dataclass(frozen=True)
class PageOpened:
    """The start page has been opened."""

    url: str
    seconds: float
    """Since the process started."""
    load_seconds: float
    """Duration of the load, with its retries."""


@dataclass(frozen=True)
class StepStarted:
    """The page was looked at; the model is asked next."""

    order: int
    retry_index: int
    url: str
    elements: int
    seconds: float
    """Duration of the look."""


@dataclass(frozen=True)
class ModelAnswered:
    """The model replied with the next actions."""

    thought: str
    actions: int
    usage: Usage
    seconds: float


@dataclass(frozen=True)
class ActionDone:
    """An action was carried out and verified."""

    label: str
    """Role and name of its element."""
    record: ActionRecord


@dataclass(frozen=True)
class CompletionChecked:
    """The completion check was answered."""

    achieved: bool
    reason: str


@dataclass(frozen=True)
class Extracted:
    """The information was extracted."""

    result: JsonValue


@dataclass(frozen=True)
class Warned:
    """Something optional failed; the run continues."""

    what: str
    message: str


@dataclass(frozen=True)
class Ended:
    """The run ended."""

    outcome: Phase
    reason: Reason
    failure_reason: str | None
    steps: int
    usage: Usage
    seconds: float


Event = PageOpened | StepStarted | ModelAnswered | ActionDone | CompletionChecked | Extracted | Warned | Ended


class Observer(Protocol):
    """Receives the events, on the thread where they happen."""

    def notify(self, event: Event) -> None:
        """Take note of an event; must not raise."""
