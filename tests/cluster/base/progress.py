"""Progress of long steps on the terminal."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TTY_INTERVAL_S = 1.0
PLAIN_INTERVAL_S = 30.0


def _write_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class Progress:
    """Shows which step runs and how long it took: `build the node's programs ... 12.3 s`.

    On a terminal the line of the running step counts the seconds; elsewhere a step is one plain line when it ends,
    with a line every half minute while it runs. `write` takes text as it is: a test session sends it past capture.
    """

    def __init__(self, write: Callable[[str], None] | None = None, *, live: bool | None = None) -> None:
        self._write = write or _write_stderr
        self._live = (write is None and sys.stderr.isatty()) if live is None else live
        self._depth = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Run the body as a step; one that raises is marked as failed. Steps may nest: only the outer one is live."""
        began = time.monotonic()
        self._depth += 1
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(title, began, over), daemon=True)
        if self._depth == 1:
            ticker.start()
        outcome = "failed after "
        try:
            yield
            outcome = ""
        finally:
            over.set()
            if self._depth == 1:
                ticker.join()
            self._line(f"{title} ... {outcome}{time.monotonic() - began:.1f} s")
            self._depth -= 1

    def note(self, text: str) -> None:
        """A line that is not a step."""
        self._line(text)

    def _line(self, text: str) -> None:
        self._write(f"\r\x1b[K{text}\n" if self._live else f"{text}\n")

    def _tick(self, title: str, began: float, over: threading.Event) -> None:
        while not over.wait(TTY_INTERVAL_S if self._live else PLAIN_INTERVAL_S):
            seconds = time.monotonic() - began
            if self._live:
                self._write(f"\r\x1b[K{title} ... {seconds:.0f} s")
            else:
                self._write(f"{title} ... still running after {seconds:.0f} s\n")
