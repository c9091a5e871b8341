"""Stopping a run: a flag that a signal sets, and waits that a signal interrupts."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from skyvern_runner.errors import Stopped


class StopFlag:
    """Set by SIGTERM, SIGINT or another thread; never cleared.

    It uses neither a lock nor a threading.Event: the handler runs on the main thread, which may be waiting on that very
    event and would then wait for itself.
    """

    def __init__(self) -> None:
        self._requested = False
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
        self._requested = True
        if self._interruptible:
            self._raise()

    def _raise(self) -> NoReturn:
        raise Stopped
