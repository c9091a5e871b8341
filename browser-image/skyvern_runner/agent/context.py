"""What a run works with, passed in by the pod or the command line."""

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
    """The surroundings of a run."""

    model: Model
    """Answers the questions."""
    connect: Callable[[], Page]
    """Starts a browser, or a new one in place of a lost one. Raises BrowserError."""
    journal: Journal
    """Takes the record."""
    reporter: Reporter
    """Where the record's short form goes while the run goes on."""
    uploader: Uploader
    """Where files go."""
    observer: Observer
    """Where events go."""
    stop: StopFlag
    """Checked before every action."""
    today: date
    """The date that the model is told."""
    started: float
    """Monotonic time at which the process started."""

    def publish(self, *, urgent: bool = False) -> None:
        """Report the run's present state."""
        self.reporter.publish(self.journal.status(), urgent=urgent)
