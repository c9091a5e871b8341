"""Stopping a run: a flag that a signal sets, and waits that a signal interrupts."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from skyvern_runner.errors import Stopped

ACT_SECONDS: Final = 5.0
"""Time for the action in progress to end by itself once a signal has come; then it is broken off."""


class StopFlag:
    """Set by SIGTERM, SIGINT or another thread; never cleared.

    It uses neither a lock nor a threading.Event: the handler runs on the main thread, which may be waiting on that very
    event and would then wait for itself.
    """

    def __init__(self, act_seconds: float = ACT_SECONDS) -> None:
        self._act_seconds = act_seconds
        self._requested = False
        self._ended = False
        self._interruptible = 0

    @property
    def requested(self) -> bool:
        """Whether the run was asked to stop."""
        return self._requested

    def request(self) -> None:
        """Ask the run to stop before its next action."""
        self._requested = True

    def install(self) -> None:
        """Stop on SIGTERM and SIGINT. Call it on the main thread."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)

    def end(self) -> None:
        """The run is over, and what is left to deliver has limits of its own: nothing is interrupted anymore."""
        self._ended = True
        signal.setitimer(signal.ITIMER_REAL, 0)

    def check(self) -> None:
        """Raises Stopped once the run was asked to stop."""
        if self._requested:
            self._raise()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within the block a signal raises Stopped at once; use it only for waits that leave nothing half done."""
        self._interruptible += 1
        try:
            self.check()
            yield
        finally:
            self._interruptible -= 1

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises Stopped as soon as the run is asked to stop."""
        with self.interruptible():
            time.sleep(max(0.0, seconds))

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        first = not self._requested
        self._requested = True
        if self._ended:
            return
        if self._interruptible:
            self._raise()
        if first:
            # A page that does not load, or a file that does not come, may take longer than the pod has.
            signal.signal(signal.SIGALRM, self._lose_patience)
            signal.setitimer(signal.ITIMER_REAL, self._act_seconds)

    def _lose_patience(self, _number: int, _frame: FrameType | None) -> None:
        if not self._ended:
            self._raise()

    def _raise(self) -> NoReturn:
        raise Stopped
