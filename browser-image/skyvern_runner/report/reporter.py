"""Reports to the object's status, in the background; the latest report wins."""

import threading
import time
from datetime import UTC, datetime
from typing import Final, Protocol

from skyvern_crds.backoff import full_jitter
from skyvern_crds.status import RunnerStatus
from skyvern_runner.errors import FirstReportError, ReportError
from skyvern_runner.report.events import Observer, Warned
from skyvern_runner.stop import StopFlag

MIN_INTERVAL_SECONDS: Final = 2.0
"""Least time between two writes, except at the end of a step."""
HEARTBEAT_SECONDS: Final = 30.0
"""How long after the last report it is repeated with a new heartbeat."""
FIRST_REPORT_SECONDS: Final = 120.0
"""How long the first report may take: as long as an operator or an API server takes that is being replaced."""
_FIRST_BACKOFF: Final = 0.2
_MAX_BACKOFF: Final = 5.0
_MAX_FIRST_BACKOFF: Final = 2.0
"""The same before the first report is accepted, for which the agent waits."""
_LOOK_SECONDS: Final = 0.02


class Reporter(Protocol):
    """Receives the state of the run."""

    def publish(self, status: RunnerStatus, *, urgent: bool = False) -> None:
        """Report the state; returns at once. ``urgent`` marks the end of a step."""

    def confirm(self, stop: StopFlag) -> None:
        """Wait until a report was accepted, without which the agent must not act.

        Raises FirstReportError, after which nothing is reported any more, and Stopped.
        """

    def close(self, seconds: float) -> bool:
        """Deliver what is pending, for at most ``seconds``. Returns whether all was delivered."""


class NullReporter:
    """Reports nowhere, for the command line."""

    def publish(self, status: RunnerStatus, *, urgent: bool = False) -> None:
        """Nothing to do."""

    def confirm(self, stop: StopFlag) -> None:
        """Nobody has to agree."""

    def close(self, seconds: float) -> bool:
        """Nothing is ever pending."""
        return True


class StatusWriter(Protocol):
    """Writes a status."""

    def write(self, status: RunnerStatus) -> None:
        """Write. Raises ReportError."""


class ClusterReporter:
    """Writes in a background thread: one report per interval, and one at each step's end. Newer reports replace older.

    A failed write is retried with back-off for as long as the run lasts. Right after the start a refusal is normal:
    the operator has yet to record the pod in the task's status. The agent does not begin before the first one that is
    accepted, so a pod that the task does not name, or no longer, never acts.
    """

    def __init__(
        self,
        writer: StatusWriter,
        observer: Observer,
        *,
        interval: float = MIN_INTERVAL_SECONDS,
        heartbeat: float = HEARTBEAT_SECONDS,
        first_report: float = FIRST_REPORT_SECONDS,
    ) -> None:
        self._writer = writer
        self._observer = observer
        self._interval = interval
        self._heartbeat = heartbeat
        self._first_report = first_report
        self._accepted = False
        self._refused: ReportError | None = None
        self._changed = threading.Condition()
        self._pending: RunnerStatus | None = None
        self._latest: RunnerStatus | None = None
        self._urgent = False
        self._closing = False
        self._gone = False
        self._not_before = 0.0
        self._failures = 0
        self._thread: threading.Thread | None = None

    def publish(self, status: RunnerStatus, *, urgent: bool = False) -> None:
        """Queue a report, replacing the pending one."""
        with self._changed:
            self._pending = self._latest = status
            self._urgent = self._urgent or urgent
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def confirm(self, stop: StopFlag) -> None:
        """Wait until a report was accepted. Raises FirstReportError and Stopped."""
        deadline = time.monotonic() + self._first_report
        try:
            # A signal must not interrupt the use of a lock that the reporting thread needs: hence no waiting on it.
            while not self._accepted:
                refused = self._refused
                if time.monotonic() >= deadline or (refused is not None and not refused.passing):
                    raise FirstReportError(f"the agent did not begin: {refused or 'its first report has no answer'}")
                stop.sleep(_LOOK_SECONDS)
        finally:
            self._gone = self._gone or not self._accepted

    def close(self, seconds: float) -> bool:
        """Deliver what is pending, for at most ``seconds``."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))
        with self._changed:
            delivered = self._pending is None and (self._thread is None or not self._thread.is_alive())
            self._gone = True
            self._changed.notify_all()
        return delivered

    def _run(self) -> None:
        while (status := self._next()) is not None:
            try:
                self._writer.write(status)
            except ReportError as error:
                self._failed(status, error)
            else:
                with self._changed:
                    self._accepted = True
                    self._failures = 0
                    self._not_before = time.monotonic() + self._interval

    def _next(self) -> RunnerStatus | None:
        """Wait for the next report that is due; None when there will be no more."""
        with self._changed:
            while not self._gone:
                now = time.monotonic()
                if self._pending is None and self._closing:
                    return None
                hurry = (self._urgent or self._closing) and self._failures == 0
                if self._pending is not None and (hurry or now >= self._not_before):
                    status, self._pending, self._urgent = self._pending, None, False
                    return status
                if self._pending is None and self._latest is not None and now >= self._not_before + self._heartbeat:
                    return self._latest.model_copy(update={"last_heartbeat": datetime.now(UTC)})
                due = self._not_before if self._pending is not None else self._not_before + self._heartbeat
                self._changed.wait(max(0.01, due - now))
            return None

    def _failed(self, status: RunnerStatus, error: ReportError) -> None:
        with self._changed:
            self._failures += 1
            self._refused = error
            longest = _MAX_BACKOFF if self._accepted else _MAX_FIRST_BACKOFF
            pause = full_jitter(self._failures, first=_FIRST_BACKOFF, longest=longest)
            self._not_before = time.monotonic() + pause
            if error.passing:
                self._pending = self._pending or status
            first = self._failures == 1
        if first or not error.passing:
            self._observer.notify(Warned("report", str(error)))
