"""How long a wait takes."""

import pytest

from skyvern_runner.actions.catalog import read_action
from skyvern_runner.actions.page.wait import Wait


@pytest.mark.parametrize(
    ("given", "waited"),
    [({"seconds": 0.05}, 0.05), ({}, 2.0), ({"seconds": None}, 2.0), ({"seconds": 3600}, 30.0)],
    ids=["short", "default", "null", "too long"],
)
def test_wait_takes_its_seconds_up_to_a_limit(given: dict[str, float | None], waited: float) -> None:
    action = read_action({"type": "wait"} | given)
    assert isinstance(action, Wait)
    slept: list[float] = []
    assert action.run(slept.append) == f"waited {waited:g} s"
    assert slept == [waited]
