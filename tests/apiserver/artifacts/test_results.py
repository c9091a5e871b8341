"""Extracted information that is too large for the object: it is in the store, and no answer shows null instead."""

import json
from typing import Any

import httpx2
import pytest

from skyvern_apiserver.services import Services
from skyvern_crds.rest.response import MAX_RESULT_BYTES
from tests.apiserver.artifacts.running_task import RunningTask
from tests.apiserver.calls import create
from tests.apiserver.cluster import Tenants
from tests.apiserver.conftest import Caller
from tests.apiserver.separate import with_store_away
from tests.waiting import until

pytestmark = pytest.mark.contract


Lost = tuple[bytes | None, str]
"""Content of a result's file, and what is wrong with it."""


def reference(content: bytes) -> dict[str, Any]:
    return {"name": "result.json", "size": len(content), "sha256": "0" * 64}


@pytest.fixture(scope="module")
async def large_result(running: RunningTask, inside: httpx2.AsyncClient, services: Services) -> bytes:
    """Extracted information of the running task that is in the store."""
    content = b'{"rows": [' + b",".join(b'"row"' for _ in range(4000)) + b"]}"
    assert (await running.upload(inside, "result.json", content)).status_code == 201
    running.tenants.status(running.namespace, running.name, {"extractedInformationRef": reference(content)})
    await until(lambda: running.status_has(services, "extracted_information_ref"))
    return content


async def test_large_result_is_read_from_the_store(
    running: RunningTask, alice: httpx2.AsyncClient, large_result: bytes
) -> None:
    answer = (await alice.get(f"/api/v1/tasks/{running.task_id}")).json()
    assert answer["extracted_information"] == json.loads(large_result)
    assert answer["extracted_information_url"]


async def test_list_item_has_the_link_to_a_large_result_and_null_for_it(
    running: RunningTask, alice: httpx2.AsyncClient, caller: Caller, large_result: bytes
) -> None:
    listed = (await alice.get("/api/v1/tasks?page_size=1000")).json()
    item = next(each for each in listed if each["task_id"] == running.task_id)
    assert item["extracted_information"] is None
    assert (await caller().get(item["extracted_information_url"])).content == large_result
    assert item["screenshot_url"] is None


@pytest.mark.parametrize("lost", [(None, "missing"), (b"{", "not JSON"), (b"[" * 900 + b"]" * 900, "nested deeper")])
async def test_result_that_is_lost_for_good_is_null_and_the_answer_says_so(
    alice: httpx2.AsyncClient, inside: httpx2.AsyncClient, tenants: Tenants, services: Services, lost: Lost
) -> None:
    content, problem = lost
    task = RunningTask(tenants, await create(alice))
    if content is not None:
        assert (await task.upload(inside, "result.json", content)).status_code == 201
    tenants.status(task.namespace, task.name, {"phase": "completed", "extractedInformationRef": reference(b"")})
    await until(lambda: task.status_has(services, "extracted_information_ref"))
    answer = await alice.get(f"/api/v1/tasks/{task.task_id}")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["extracted_information"]) == ("completed", None)
    assert problem in answer.json()["failure_reason"]
    assert answer.json()["extracted_information_url"]


@pytest.mark.usefixtures("large_result")
async def test_result_is_not_answered_as_null_while_the_store_is_away(
    running: RunningTask, tenants: Tenants, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with with_store_away(services, monkeypatch, tenants.key("alice")) as client:
        answer = await client.get(f"/api/v1/tasks/{running.task_id}")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert answer.json()["detail"] == "The artifact store cannot be reached: try again later"


async def test_result_larger_than_an_answer_is_left_to_its_link(
    alice: httpx2.AsyncClient, inside: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task, content = RunningTask(tenants, await create(alice)), json.dumps("x" * MAX_RESULT_BYTES).encode()
    assert (await task.upload(inside, "result.json", content)).status_code == 201
    tenants.status(task.namespace, task.name, {"extractedInformationRef": reference(content)})
    await until(lambda: task.status_has(services, "extracted_information_ref"))
    answer = (await alice.get(f"/api/v1/tasks/{task.task_id}")).json()
    assert answer["extracted_information"] is None
    assert answer["extracted_information_url"]
