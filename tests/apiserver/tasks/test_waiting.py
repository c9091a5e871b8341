"""Requests that wait for a task to end."""

import asyncio
import json
import time

import httpx2
import pytest

from skyvern_apiserver.cache.endings import MAX_WAITING, Endings
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.server.request_limit import MAX_REQUESTS
from skyvern_apiserver.services import Services
from skyvern_crds.client import Change, ChangeType
from skyvern_crds.rest.key_limits import KeyLimits
from tests.apiserver.calls import REQUEST, create
from tests.apiserver.cluster import Tenants
from tests.waiting import until

LONG = 60
"""Longer than a test may take: what is answered sooner has not waited for the time to be up."""


def a_task(phase: str) -> TaskRecord:
    metadata = {"namespace": "a", "name": "t", "uid": "u", "resourceVersion": "1"}
    return record_of({"metadata": metadata, "spec": {"url": "https://example.com"}, "status": {"phase": phase}})


def change(endings: Endings, new: TaskRecord | None, name: str = "t", namespace: str = "a") -> None:
    endings.changed(Change(ChangeType.MODIFIED, namespace, name, None, new, 1))


async def waiting(endings: Endings, count: int = 1, namespace: str = "a") -> list[asyncio.Task[None]]:
    """Requests that wait for the same task."""
    before = endings.count
    tasks = [asyncio.create_task(endings.wait(namespace, "t", LONG)) for _ in range(count)]
    await until(lambda: endings.count == before + count)
    return tasks


@pytest.mark.parametrize(
    "new", [a_task("completed"), a_task("canceled"), None], ids=["completed", "canceled", "deleted"]
)
async def test_end_of_a_task_wakes_all_that_wait_for_it(new: TaskRecord | None) -> None:
    endings = Endings()
    tasks = await waiting(endings, 3)
    change(endings, new)
    await asyncio.gather(*tasks)
    assert endings.count == 0


async def test_other_changes_and_other_tasks_wake_nobody() -> None:
    endings = Endings()
    [task] = await waiting(endings)
    change(endings, a_task("running"))
    change(endings, None, name="another")
    change(endings, None, namespace="b")
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    assert endings.count == 0


async def test_waiting_ends_when_the_time_is_up() -> None:
    endings = Endings()
    await endings.wait("a", "t", 0.01)
    assert endings.count == 0


async def test_those_beyond_the_places_of_all_are_refused() -> None:
    endings = Endings()
    tasks = await waiting(endings, MAX_WAITING)
    with pytest.raises(ApiError) as refusal:
        await endings.wait("a", "another", LONG)
    assert (refusal.value.status, "Retry-After" in refusal.value.headers) == (429, True)
    endings.close()
    await asyncio.gather(*tasks)
    await endings.wait("a", "t", LONG)  # nobody waits in a process that ends


def test_those_who_wait_leave_room_for_other_requests() -> None:
    assert KeyLimits().waiting_requests < MAX_WAITING <= MAX_REQUESTS / 2


async def ended(tenants: Tenants, services: Services, task_id: str, phase: str) -> None:
    """End a task as soon as somebody waits for it."""
    await until(lambda: services.endings.count > 0)
    await asyncio.to_thread(tenants.status, tenants.a, task_id.replace("_", "-"), {"phase": phase})


@pytest.mark.contract
async def test_get_that_waits_is_answered_when_the_task_ends(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task_id = await create(alice)
    path = f"/api/v1/tasks/{task_id}"
    assert (await alice.get(f"{path}?wait=1")).json()["status"] == "created"
    begun = time.monotonic()
    answer, _ = await asyncio.gather(alice.get(f"{path}?wait={LONG}"), ended(tenants, services, task_id, "completed"))
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert (await alice.get(f"{path}?wait={LONG}")).json()["status"] == "completed"
    assert time.monotonic() - begun < LONG


@pytest.mark.contract
async def test_create_that_waits_is_answered_with_the_ended_task(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    async def end_it() -> None:
        await until(lambda: services.endings.count > 0)
        listed = (await alice.get("/api/v1/tasks?application=awaited")).json()
        await ended(tenants, services, listed[0]["task_id"], "failed")

    body = REQUEST | {"application": "awaited"}
    answer, _ = await asyncio.gather(alice.post(f"/api/v1/tasks?wait={LONG}", json=body), end_it())
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.json()["request"]["url"] == REQUEST["url"]


@pytest.mark.contract
async def test_new_task_is_answered_by_its_id_when_too_many_wait(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    another = await create(alice)
    places = [
        asyncio.create_task(alice.get(f"/api/v1/tasks/{another}?wait={LONG}"))
        for _ in range(KeyLimits().waiting_requests)
    ]
    await until(lambda: services.endings.count == len(places))
    answer = await alice.post(f"/api/v1/tasks?wait={LONG}", json=REQUEST)
    assert (answer.status_code, list(answer.json())) == (200, ["task_id"])
    refused = await alice.get(f"/api/v1/tasks/{answer.json()['task_id']}?wait={LONG}")
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    await asyncio.to_thread(tenants.status, tenants.a, another.replace("_", "-"), {"phase": "failed"})
    assert {place.status_code for place in await asyncio.gather(*places)} == {200}
    assert services.endings.count == 0


@pytest.mark.contract
async def test_caller_who_hangs_up_waits_no_longer(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task_id = await create(alice)
    hang_up = asyncio.Event()
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if messages:
            return messages.pop()
        await hang_up.wait()
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        """Nobody listens."""

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/api/v1/tasks/{task_id}",
        "query_string": f"wait={LONG}".encode(),
        "headers": [(b"x-api-key", tenants.key("alice").encode())],
    }
    call = asyncio.create_task(public_app(services)(scope, receive, send))
    await until(lambda: services.endings.count > 0)
    hang_up.set()
    async with asyncio.timeout(LONG / 2):
        await call
    assert services.endings.count == 0


@pytest.mark.contract
@pytest.mark.parametrize("wait", ["-1", "61", "x", "1.5"])
async def test_time_that_nobody_can_wait_is_refused(alice: httpx2.AsyncClient, wait: str) -> None:
    task_id = await create(alice)
    answers = [
        await alice.get(f"/api/v1/tasks/{task_id}?wait={wait}"),
        await alice.post(f"/api/v1/tasks?wait={wait}", json=REQUEST),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert json.loads(answer.content)["detail"][0]["loc"] == ["query", "wait"]
