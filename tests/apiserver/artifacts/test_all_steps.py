"""Steps of an ended task whose object holds only the newest: the others come from the store."""

import json
from typing import Any

import httpx2
import pytest

from skyvern_apiserver.services import Services
from skyvern_crds.rest.response import StepResponse
from skyvern_crds.status import STEPS_FILE
from tests.apiserver.artifacts.running_task import RunningTask
from tests.apiserver.calls import create, phase_of
from tests.apiserver.cluster import Tenants
from tests.apiserver.separate import with_store_away
from tests.waiting import until

pytestmark = pytest.mark.contract

STEPS = 75
KEPT = 2


def stored_step(order: int) -> dict[str, Any]:
    """A step as the runner keeps it in the store."""
    return {
        "step_id": f"stp_{order}",
        "order": order,
        "retry_index": 0,
        "status": "completed",
        "created_at": "2026-08-29T15:38:18.000001Z",
        "modified_at": "2026-08-29T15:38:19.000001Z",
        "input_token_count": 900,
        "output_token_count": 50,
        "is_last": order == STEPS - 1,
        "thought": "Next",
        "actions": [{"type": "click", "ok": True}],
    }


def status_step(order: int) -> dict[str, Any]:
    """The same step in the object."""
    step = stored_step(order)
    return {
        "stepId": step["step_id"],
        "order": order,
        "status": "completed",
        "createdAt": step["created_at"],
        "modifiedAt": step["modified_at"],
        "inputTokenCount": 900,
        "outputTokenCount": 50,
        "isLast": step["is_last"],
    }


Stored = tuple[bytes | None, list[int]]
"""Content of a file of steps, and the orders of those in it that can be read."""
PARTLY: list[Stored] = [
    (None, []),
    (b"{", []),
    (b'{"order": 1}', []),
    (json.dumps([7, None, {"order": 1}, stored_step(3) | {"order": "x"}, stored_step(4)]).encode(), [4]),
]
ALL = [stored_step(order) for order in range(STEPS)]


async def ended(
    alice: httpx2.AsyncClient, inside: httpx2.AsyncClient, tenants: Tenants, services: Services, file: bytes | None
) -> RunningTask:
    """A task that has made more steps than its object holds."""
    task = RunningTask(tenants, await create(alice))
    if file is not None:
        assert (await task.upload(inside, STEPS_FILE, file)).status_code == 201
    steps = [status_step(order) for order in range(STEPS - KEPT, STEPS)]
    tenants.status(task.namespace, task.name, {"phase": "completed", "stepCount": STEPS, "steps": steps})
    await until(lambda: phase_of(services, task.namespace, task.name) == "completed")
    return task


async def test_every_step_of_an_ended_task_is_listed(
    alice: httpx2.AsyncClient, inside: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task = await ended(alice, inside, tenants, services, json.dumps(ALL).encode())
    for _ in range(2):  # the second time from memory
        listed = (await alice.get(f"/api/v1/tasks/{task.task_id}/steps")).json()
        assert [step["order"] for step in listed] == list(range(STEPS))
        assert [step["is_last"] for step in listed] == [False] * (STEPS - 1) + [True]
        assert {step["organization_id"] for step in listed} == {"o_alice"}
        assert listed[0]["created_at"] == "2026-08-29T15:38:18.000001"
        for step in listed:
            StepResponse.model_validate_json(json.dumps(step))


@pytest.mark.parametrize("stored", PARTLY, ids=["missing", "not JSON", "not a list", "one step can be read"])
async def test_steps_that_the_object_holds_are_listed_whatever_the_store_has(
    alice: httpx2.AsyncClient, inside: httpx2.AsyncClient, tenants: Tenants, services: Services, stored: Stored
) -> None:
    file, more = stored
    task = await ended(alice, inside, tenants, services, file)
    listed = (await alice.get(f"/api/v1/tasks/{task.task_id}/steps")).json()
    assert [step["order"] for step in listed] == [*more, *range(STEPS - KEPT, STEPS)]


async def test_steps_are_not_passed_off_as_all_while_the_store_is_away(
    alice: httpx2.AsyncClient,
    inside: httpx2.AsyncClient,
    tenants: Tenants,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = await ended(alice, inside, tenants, services, json.dumps(ALL).encode())
    async with with_store_away(services, monkeypatch, tenants.key("alice")) as client:
        answer = await client.get(f"/api/v1/tasks/{task.task_id}/steps")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
