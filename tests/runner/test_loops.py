import os
import signal
import time
from collections.abc import Iterator

import pytest

from skyvern_runner.errors import Stopped
from skyvern_runner.loops import LoopDetector, LoopState
from skyvern_runner.reply import Action
from skyvern_runner.stop import StopFlag


def click(element: str) -> list[Action]:
    return [Action.model_validate({"type": "click", "id": element})]


def test_the_same_on_the_same_page_is_told_and_then_stopped() -> None:
    loops = LoopDetector(nudge_at=3, stop_at=5)
    states = [loops.note("page", click("7")) for _ in range(5)]
    fine, told, stuck = LoopState.FINE, LoopState.REPEATING, LoopState.STUCK
    assert states == [fine, fine, told, told, stuck]


def test_going_back_and_forth_is_a_loop_too() -> None:
    loops = LoopDetector(nudge_at=3, stop_at=4)
    states = [loops.note(page, click("7")) for page in ("a", "b") * 4]
    assert states[-1] is LoopState.STUCK


def test_the_same_action_on_a_changing_page_is_no_loop() -> None:
    loops = LoopDetector(nudge_at=3, stop_at=4)
    assert {loops.note(f"page {number}", click("7")) for number in range(19)} == {LoopState.FINE}


def test_waiting_is_no_loop() -> None:
    loops = LoopDetector(nudge_at=2, stop_at=3)
    wait = [Action.model_validate({"type": "wait", "seconds": 1})]
    assert {loops.note("page", wait) for _ in range(10)} == {LoopState.FINE}


@pytest.fixture
def stop() -> Iterator[StopFlag]:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    flag = StopFlag()
    flag.install()
    yield flag
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


def test_a_signal_cuts_a_wait_short(stop: StopFlag) -> None:
    begin = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with pytest.raises(Stopped):
        stop.sleep(30)
    assert time.monotonic() - begin < 10


def test_a_signal_outside_of_waits_only_sets_the_flag(stop: StopFlag) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested
    with pytest.raises(Stopped):
        stop.check()
    with pytest.raises(Stopped), stop.interruptible():
        pytest.fail("the block must not be entered")
