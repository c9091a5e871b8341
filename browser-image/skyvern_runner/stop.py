"""Stopping a run: a flag that a signal sets, and waits that the signal cuts short."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from skyvern_runner.errors import Stopped


class StopFlag:
    """Set once, by SIGTERM or SIGINT, or by another thread.

    No lock and no threading.Event: the handler runs on the main thread, perhaps while that thread waits on the event,
    and would then wait for itself.
    """

    def __init__(self) -> None:
        self._requested = False
        self._cut_short = 0

    @property
    def requested(self) -> bool:
        """Whether the run shall stop."""
        return self._requested

    def request(self) -> None:
        """Ask the run to stop before its next action."""
        self._requested = True

    def install(self) -> None:
        """Stop on SIGTERM and SIGINT. Call it on the main thread."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)

    def check(self) -> None:
        """Raises Stopped when the run shall stop."""
        if self._requested:
            self._raise()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within the block a signal raises Stopped at once. Only for waits that leave nothing half done."""
        self._cut_short += 1
        try:
            self.check()
            yield
        finally:
            self._cut_short -= 1

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises Stopped when the run shall stop."""
        with self.interruptible():
            time.sleep(max(0.0, seconds))

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        if self._cut_short:
            self._raise()

    def _raise(self) -> NoReturn:
        raise Stopped
