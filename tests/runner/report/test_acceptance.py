"""When an agent may begin, by the status that holds its first report."""

from typing import Any

import pytest

from skyvern_runner.report.acceptance import obstacle

NAMED: dict[str, Any] = {"podUID": "a-pod", "attempt": 2, "phase": "queued"}
STOPPING = {"type": "Stopping", "status": "True", "reason": "Suspended"}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (NAMED, None),
        (NAMED | {"conditions": [STOPPING | {"status": "False"}, {"type": "Admitted", "status": "True"}]}, None),
        ({}, "its attempt is not recorded yet, and this is 2"),
        ({"attempt": 2}, "its attempt is not recorded yet"),
        (NAMED | {"attempt": 3}, "its attempt is 3, and this is 2"),
        (NAMED | {"phase": "timed_out"}, "has ended already: timed_out"),
        (NAMED | {"conditions": [STOPPING]}, "being stopped: Suspended"),
    ],
)
def test_agent_begins_only_in_the_pod_that_is_meant(status: dict[str, Any], why: str | None) -> None:
    found = obstacle(status, 2)
    assert found is None if why is None else found is not None and why in found
