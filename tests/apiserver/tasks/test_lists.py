"""Lists of tasks: order, pages, filters, tenants."""

import asyncio
import json

import httpx2
import pytest

from skyvern_apiserver.services import Services
from tests.apiserver.calls import create, phase_of
from tests.apiserver.cluster import Tenants
from tests.waiting import until

pytestmark = pytest.mark.contract


async def test_list_is_newest_first_and_paged(bob: httpx2.AsyncClient) -> None:
    made = [await create(bob, application="paging") for _ in range(5)]
    listed = (await bob.get("/api/v1/tasks?application=paging")).json()
    assert [task["task_id"] for task in listed] == made[::-1]
    second = (await bob.get("/api/v1/tasks?application=paging&page=2&page_size=2")).json()
    assert [task["task_id"] for task in second] == [made[2], made[1]]
    assert (await bob.get("/api/v1/tasks?application=paging&page=9")).json() == []
    ascending = (await bob.get("/api/v1/tasks?application=paging&order=asc&sort=created_at")).json()
    assert [task["task_id"] for task in ascending] == made
    assert len((await bob.get("/api/v1/tasks?page_size=100000")).json()) >= 5


async def test_list_filters_by_several_statuses(bob: httpx2.AsyncClient, tenants: Tenants, services: Services) -> None:
    made = [await create(bob, application="filter") for _ in range(3)]
    for task_id, phase in zip(made, ("running", "completed", "queued"), strict=True):
        name = task_id.replace("_", "-")
        tenants.status(tenants.b, name, {"phase": phase})
        await until(lambda name=name, phase=phase: phase_of(services, tenants.b, name) == phase)  # type: ignore[misc]
    query = "application=filter&task_status=running&task_status=queued"
    assert [task["task_id"] for task in (await bob.get(f"/api/v1/tasks?{query}")).json()] == [made[2], made[0]]


async def test_long_list_is_complete(bob: httpx2.AsyncClient, services: Services, tenants: Tenants) -> None:
    await asyncio.gather(*(create(bob, application="many") for _ in range(60)))
    listed = (await bob.get("/api/v1/tasks?application=many&page_size=1000")).json()
    assert len({task["task_id"] for task in listed}) == 60


async def test_foreign_task_is_unknown(alice: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> None:
    task_id = await create(alice)
    assert (await bob.get(f"/api/v1/tasks/{task_id}")).json() == {"detail": f"Task not found {task_id}"}
    assert (await bob.post(f"/api/v1/tasks/{task_id}/cancel")).status_code == 404
    assert (await bob.get(f"/api/v1/tasks/{task_id}/steps")).json() == []
    assert task_id not in (await bob.get("/api/v1/tasks?page_size=1000")).text


async def test_task_larger_than_writers_may_make_is_answered_without_its_bulk(
    bob: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    name = f"too-large-{tenants.release}"
    spec = {"url": "https://example.com", "navigationGoal": "Apply", "navigationPayload": "x" * 250_000}
    task = {
        "apiVersion": "skyvern.io/v1",
        "kind": "SkyvernTask",
        "metadata": {"name": name, "namespace": tenants.b},
        "spec": spec,
    }
    tenants.plane.run_kubectl("create", "--filename=-", input=json.dumps(task))
    await until(lambda: services.tasks.get(tenants.b, name) is not None)
    listed = await bob.get("/api/v1/tasks?page_size=1000")
    assert name in [each["task_id"] for each in listed.json()]
    answer = (await bob.get(f"/api/v1/tasks/{name}")).json()
    assert answer["request"]["navigation_goal"] == "Apply"
    assert answer["request"]["navigation_payload"] is None


async def test_deleted_task_leaves_the_list(alice: httpx2.AsyncClient, tenants: Tenants, services: Services) -> None:
    task_id = await create(alice)
    name = task_id.replace("_", "-")
    tenants.plane.run_kubectl("delete", "skyverntask", name, "--namespace", tenants.a)
    await until(lambda: services.tasks.get(tenants.a, name) is None)
    assert task_id not in (await alice.get("/api/v1/tasks?page_size=1000")).text
    assert (await alice.get(f"/api/v1/tasks/{task_id}")).status_code == 404
