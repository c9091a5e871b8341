"""Stopping by signal."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from skyvern_crds.runner_contract import TERMINATION_GRACE_SECONDS
from skyvern_runner.agent.finish import BROWSER_SECONDS, REPORT_SECONDS, UPLOAD_SECONDS
from skyvern_runner.errors import Stopped
from skyvern_runner.stop import ACT_SECONDS, StopFlag


@pytest.fixture
def stop() -> Iterator[StopFlag]:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    flag = StopFlag(act_seconds=0.1)
    flag.install()
    yield flag
    signal.setitimer(signal.ITIMER_REAL, 0)
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


def test_action_that_does_not_end_after_a_signal_is_broken_off(stop: StopFlag) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped):
        time.sleep(100)


def test_delivery_is_not_broken_off(stop: StopFlag) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    stop.end()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.3)
    assert stop.requested


def test_action_delivery_and_verdict_fit_into_the_time_of_the_pod() -> None:
    assert ACT_SECONDS + BROWSER_SECONDS + UPLOAD_SECONDS + REPORT_SECONDS < TERMINATION_GRACE_SECONDS
