"""Stopping by signal."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from skyvern_runner.errors import Stopped
from skyvern_runner.stop import StopFlag


@pytest.fixture
def stop() -> Iterator[StopFlag]:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    flag = StopFlag()
    flag.install()
    yield flag
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


def test_signal_cuts_a_wait_short(stop: StopFlag) -> None:
    begin = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with pytest.raises(Stopped):
        stop.sleep(30)
    assert time.monotonic() - begin < 10


def test_signal_outside_of_waits_only_sets_the_flag(stop: StopFlag) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested
    with pytest.raises(Stopped):
        stop.check()
    with pytest.raises(Stopped), stop.interruptible():
        pytest.fail("the block must not be entered")
