from skyvern_runner.actions.page.wait import Wait
from skyvern_runner.actions.pointer.click import Click
from skyvern_runner.agent.repeats import RepeatDetector, RepeatState


def click(element: str) -> list[Click]:
    return [Click.model_validate({"id": element})]


def test_repeats_on_the_same_page_first_get_a_note_and_then_end_the_run() -> None:
    loops = RepeatDetector(nudge_at=3, stop_at=5)
    states = [loops.note("page", click("7")) for _ in range(5)]
    fine, told, stuck = RepeatState.FINE, RepeatState.REPEATING, RepeatState.STUCK
    assert states == [fine, fine, told, told, stuck]


def test_going_back_and_forth_counts_as_repeating() -> None:
    loops = RepeatDetector(nudge_at=3, stop_at=4)
    states = [loops.note(page, click("7")) for page in ("a", "b") * 4]
    assert states[-1] is RepeatState.STUCK


def test_same_action_on_a_changing_page_does_not_count_as_repeating() -> None:
    loops = RepeatDetector(nudge_at=3, stop_at=4)
    assert {loops.note(f"page {number}", click("7")) for number in range(19)} == {RepeatState.FINE}


def test_waiting_does_not_count_as_repeating() -> None:
    loops = RepeatDetector(nudge_at=2, stop_at=3)
    wait = [Wait(seconds=1)]
    assert {loops.note("page", wait) for _ in range(10)} == {RepeatState.FINE}
