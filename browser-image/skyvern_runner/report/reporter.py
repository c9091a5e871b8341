"""Reports to the object's status, in the background; the latest report wins."""

import threading
import time
from datetime import UTC, datetime
from typing import Final, Protocol

from skyvern_crds.backoff import full_jitter
from skyvern_crds.status import RunnerStatus
from skyvern_runner.errors import ReportError
from skyvern_runner.report.events import Observer, Warned

MIN_INTERVAL_SECONDS: Final = 2.0
"""Least time between two writes, except at the end of a step."""
HEARTBEAT_SECONDS: Final = 30.0
"""How long after the last report it is repeated with a new heartbeat."""
_FIRST_BACKOFF: Final = 0.2
_MAX_BACKOFF: Final = 5.0


class Reporter(Protocol):
    """Receives the state of the run."""

    def publish(self, status: RunnerStatus, *, urgent: bool = False) -> None:
        """Report the state; returns at once. ``urgent`` marks the end of a step."""

    def close(self, seconds: float) -> bool:
        """Deliver what is pending, for at most ``seconds``. Returns whether all was delivered."""


class NullReporter:
    """Reports nowhere, for the command line."""

    def publish(self, status: RunnerStatus, *, urgent: bool = False) -> None:
        """Nothing to do."""

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
    the operator has yet to record the pod in the task's status.
    """

    def __init__(
        self,
        writer: StatusWriter,
        observer: Observer,
        *,
        interval: float = MIN_INTERVAL_SECONDS,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._writer = writer
        self._observer = observer
        self._interval = interval
        self._heartbeat = heartbeat
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
            pause = full_jitter(self._failures, first=_FIRST_BACKOFF, longest=_MAX_BACKOFF)
            self._not_before = time.monotonic() + pause
            if error.passing:
                self._pending = self._pending or status
            first = self._failures == 1
        if first or not error.passing:
            self._observer.notify(Warned("report", str(error)))
