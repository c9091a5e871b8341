"""What a run depends on, passed in by the pod or the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from skyvern_runner.agent.page import Page
from skyvern_runner.model.ask import Model
from skyvern_runner.report.artifacts import Uploader
from skyvern_runner.report.events import Observer
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.reporter import Reporter
from skyvern_runner.stop import StopFlag


@dataclass(frozen=True)
class Context:
    """The dependencies of a run."""

    model: Model
    connect: Callable[[], Page]
    """Starts a browser, also in place of a lost one. Raises BrowserError."""
    journal: Journal
    """The record of the run."""
    reporter: Reporter
    """Receives the short form of the record while the task runs."""
    uploader: Uploader
    """Stores files."""
    observer: Observer
    """Receives events."""
    stop: StopFlag
    """Checked before every action."""
    today: date
    """Today's date, for the prompts."""
    started: float
    """Monotonic time of the process's start."""

    def publish(self, *, urgent: bool = False) -> None:
        """Report the current state of the run."""
        self.reporter.publish(self.journal.status(), urgent=urgent)
