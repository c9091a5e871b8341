"""How long a wait takes at most."""

import pytest

from skyvern_runner.actions.catalog import read_action
from skyvern_runner.actions.page.wait import Wait


@pytest.mark.parametrize(
    ("given", "limit"),
    [({"seconds": 0.05}, 0.05), ({}, 2.0), ({"seconds": None}, 2.0), ({"seconds": 3600}, 30.0)],
    ids=["short", "default", "null", "too long"],
)
def test_wait_takes_its_seconds_up_to_a_limit(given: dict[str, float | None], limit: float) -> None:
    action = read_action({"type": "wait"} | given)
    assert isinstance(action, Wait)
    assert action.limit == limit
