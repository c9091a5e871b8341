"""Tasks that their time to live has removed, over REST: on a disk, and in a store that speaks S3."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from skyvern_apiserver.services import Services
from skyvern_crds.rest.archive import encode_record, record_key, record_path, sign_record
from skyvern_crds.rest.artifacts import store_key
from skyvern_crds.status import STEPS_FILE
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.archive.ended_task import ended_task
from tests.apiserver.s3_server import BUCKET
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.waiting import until

TASKS = "/api/v1/tasks"
SHOT = b"\x89PNG\r\n\x1a\nscreenshot"
IN_S3 = pytest.param("s3", marks=pytest.mark.socket)


@dataclass
class Archiving:
    """A facade, its cluster, and what the operator does when a task's time to live is over."""

    server: FakeApiServer
    services: Services
    public: httpx2.AsyncClient
    internal: httpx2.AsyncClient

    async def make(self, obj: dict[str, Any]) -> dict[str, Any]:
        meta = obj["metadata"]
        made = self.server.put("skyverntasks", meta["namespace"], meta["name"], **{**obj, "metadata": dict(meta)})
        await until(lambda: self.services.tasks.get(meta["namespace"], meta["name"]) is not None)
        return made

    async def store(self, obj: dict[str, Any]) -> None:
        meta = obj["metadata"]
        path, record = record_path(meta["namespace"], meta["name"], meta["uid"]), encode_record(obj)
        headers = sign_record(self.services.settings.archive_key, path, record, int(time.time()))
        answer = await self.internal.put(path, content=record, headers=headers)
        assert answer.status_code == 201, answer.text

    async def remove(self, obj: dict[str, Any]) -> None:
        meta = obj["metadata"]
        await self.store(obj)
        self.server.remove("skyverntasks", meta["namespace"], meta["name"])
        await until(lambda: self.services.tasks.get(meta["namespace"], meta["name"]) is None)

    async def listed(self, query: str = "") -> list[dict[str, Any]]:
        answer = await self.public.get(f"{TASKS}?{query}")
        assert answer.status_code == 200, answer.text
        return list(answer.json())


@pytest.fixture(params=["disk", IN_S3])
async def archiving(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Archiving]:
    settings = small_settings(tmp_path, "ab")
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").items():
            monkeypatch.setenv(name, value)
        settings = small_settings(tmp_path, "ab", store_url=f"s3://{BUCKET}/{uuid4().hex}/artifacts")
    async with (
        FakeApiServer() as server,
        small_services(server, tmp_path, settings) as services,
        client_of(services) as public,
        client_of(services, internal=True) as internal,
    ):
        public.headers.update(server.put_key(RELEASE, "alice", tenant="a"))
        await until(lambda: bool(list(services.keys.known())) and services.freshness.can_serve())
        yield Archiving(server, services, public, internal)


def step(order: int) -> dict[str, Any]:
    times = {"created_at": "2026-03-01T10:00:01Z", "modified_at": "2026-03-01T10:00:02Z"}
    return {"step_id": f"stp_{order}", "order": order, "status": "completed", "retry_index": 0, **times}


async def test_archived_task_is_answered_as_before_with_its_steps_and_files(archiving: Archiving) -> None:
    obj = await archiving.make(
        ended_task(
            "tsk-1",
            modified="2026-03-01T10:05:00Z",
            stepCount=3,
            artifacts=[{"name": "final.png", "contentType": "image/png", "size": len(SHOT)}],
            finishedAt="2026-03-01T10:04:00Z",
        )
    )
    for file, content in (("final.png", SHOT), (STEPS_FILE, json.dumps([step(order) for order in range(3)]).encode())):
        await archiving.services.artifacts.put_bytes(store_key("a", "tsk-1", "uid-tsk-1", file), content)
    before = (await archiving.public.get(f"{TASKS}/tsk_1")).json()
    await archiving.remove(obj)
    assert (await archiving.public.get(f"{TASKS}/tsk_1")).json() == before
    assert (before["status"], before["modified_at"]) == ("completed", "2026-03-01T10:05:00.000000")
    assert (await archiving.public.get(before["screenshot_url"])).content == SHOT
    steps = (await archiving.public.get(f"{TASKS}/tsk_1/steps")).json()
    assert [each["step_id"] for each in steps] == ["stp_0", "stp_1", "stp_2"]
    waited = await archiving.public.get(f"{TASKS}/tsk_1?wait=30", timeout=20)
    assert waited.json() == before
    known = await archiving.public.get(f"{TASKS}/tsk_1")
    again = await archiving.public.get(f"{TASKS}/tsk_1", headers={"if-none-match": known.headers["etag"]})
    assert again.status_code == 304


async def test_lists_go_on_in_the_archive(archiving: Archiving) -> None:
    tasks = []
    for number in range(1, 6):
        phase, label = ("failed", "x") if number % 2 else ("completed", "y")
        created = f"2026-03-0{number}T10:00:00Z"
        tasks.append(await archiving.make(ended_task(f"t{number}", created=created, phase=phase, application=label)))
    whole = await archiving.listed()
    first = await archiving.listed("page_size=2")
    for obj in (tasks[3], tasks[0], tasks[1]):  # one has been shown
        await archiving.remove(obj)
    pages = [*first, *await archiving.listed("page_size=2&page=2"), *await archiving.listed("page_size=2&page=3")]
    assert pages == whole
    assert await archiving.listed() == whole
    assert await archiving.listed("order=asc&sort=modified_at") == whole[::-1]
    assert [each["task_id"] for each in await archiving.listed("task_status=failed&task_status=running")] == [
        "t5",
        "t3",
        "t1",
    ]
    assert [each["task_id"] for each in await archiving.listed("application=y&order=asc")] == ["t2", "t4"]
    assert await archiving.listed("application=z") == []
    answer = await archiving.public.get(TASKS)
    again = await archiving.public.get(TASKS, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_archived_task_can_be_neither_canceled_nor_delivered_again(archiving: Archiving) -> None:
    obj = ended_task("tsk-2", phase="failed")
    obj["spec"]["webhookCallbackUrl"] = "https://example.com/hook"
    await archiving.remove(await archiving.make(obj))
    canceled = await archiving.public.post(f"{TASKS}/tsk_2/cancel")
    assert (canceled.status_code, "from failed to canceled" in canceled.text) == (400, True)
    again = await archiving.public.post(f"{TASKS}/tsk_2/retry_webhook")
    assert (again.status_code, "archive" in again.json()["detail"]) == (400, True)
    await archiving.remove(await archiving.make(ended_task("tsk-3")))
    without_callback = await archiving.public.post(f"{TASKS}/tsk_3/retry_webhook")
    assert (without_callback.status_code, without_callback.json()["task_id"]) == (200, "tsk_3")


async def test_archive_of_another_tenant_is_unknown(archiving: Archiving) -> None:
    obj = ended_task("theirs")
    obj["metadata"]["namespace"] = "b"
    await archiving.remove(await archiving.make(obj))
    assert (await archiving.public.get(f"{TASKS}/theirs")).status_code == 404
    assert await archiving.listed() == []
    for odd in ("..", "..%2fb%2ftheirs", "%2e%2e%2fnames", "_task.json"):
        assert (await archiving.public.get(f"{TASKS}/{odd}")).status_code == 404


async def test_task_that_was_deleted_without_a_record_is_unknown(archiving: Archiving) -> None:
    await archiving.make(ended_task("gone"))
    archiving.server.remove("skyverntasks", "a", "gone")
    await until(lambda: archiving.services.tasks.get("a", "gone") is None)
    assert (await archiving.public.get(f"{TASKS}/gone")).status_code == 404
    assert await archiving.listed() == []


async def test_task_whose_record_was_removed_from_the_store_leaves_the_list(archiving: Archiving) -> None:
    for name in ("kept", "expired"):
        await archiving.remove(await archiving.make(ended_task(name)))
    await archiving.services.artifacts.delete(record_key("a", "expired", "uid-expired"))
    assert [each["task_id"] for each in await archiving.listed()] == ["kept"]
    assert (await archiving.public.get(f"{TASKS}/expired")).status_code == 404
