"""Uploads: taken from the task's current pod, and from nobody else."""

from uuid import uuid4

import httpx2
import pytest

from skyvern_apiserver.artifacts.upload import MAX_FILE_BYTES
from skyvern_apiserver.services import Services
from tests.apiserver.artifacts.running_task import RunningTask
from tests.apiserver.calls import create
from tests.apiserver.cluster import TASK_ACCOUNT, Tenants
from tests.apiserver.conftest import Caller

pytestmark = pytest.mark.contract


async def test_file_in_a_folder_is_stored(
    running: RunningTask, inside: httpx2.AsyncClient, caller: Caller, services: Services
) -> None:
    assert (await running.upload(inside, "steps/3-0/screenshot-1.jpg", b"jpeg")).status_code == 201
    answer = await caller().get(running.link(services, "steps/3-0/screenshot-1.jpg"))
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")


async def test_upload_without_a_token_is_refused(running: RunningTask, inside: httpx2.AsyncClient) -> None:
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic eDp5"}):
        answer = await inside.put(running.upload_path("x.png"), content=b"x", headers=headers)
        assert answer.status_code == 401


async def test_upload_with_a_token_for_another_audience_is_refused(
    running: RunningTask, inside: httpx2.AsyncClient, tenants: Tenants
) -> None:
    token = tenants.token(running.namespace, running.pod, running.pod_uid, audience="")
    assert (await running.upload(inside, "x.png", b"x", token)).status_code == 401


async def test_upload_by_another_pod_is_refused(
    running: RunningTask, inside: httpx2.AsyncClient, alice: httpx2.AsyncClient, tenants: Tenants
) -> None:
    other = RunningTask(tenants, await create(alice))
    answer = await running.upload(inside, "x.png", b"x", other.token)
    assert answer.status_code == 403
    assert other.pod in answer.json()["detail"]


async def test_upload_with_a_token_of_no_pod_is_refused(
    running: RunningTask, inside: httpx2.AsyncClient, tenants: Tenants
) -> None:
    token = tenants.plane.token_for(running.namespace, TASK_ACCOUNT, audience="skyvern-artifacts")
    assert (await running.upload(inside, "x.png", b"x", token)).status_code == 403


async def test_upload_for_a_former_object_of_the_name_is_refused(
    running: RunningTask, inside: httpx2.AsyncClient
) -> None:
    path = running.upload_path("x.png").replace(running.uid, str(uuid4()))
    answer = await inside.put(path, content=b"x", headers={"authorization": f"Bearer {running.token}"})
    # Final, unlike the 403 before the operator has recorded the pod: the runner gives up at once.
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        f"Task {running.name} is gone: nothing more is stored for it",
    )


@pytest.mark.parametrize(
    "file", ["../x.png", "a/../../x.png", "%2e%2e/x.png", ".hidden", "a//b", "a%00b", "a b", "x" * 200, "a/b/c/d/e"]
)
async def test_names_that_leave_the_tasks_folder_are_refused(
    running: RunningTask, inside: httpx2.AsyncClient, file: str
) -> None:
    answer = await running.upload(inside, file, b"x")
    assert answer.status_code == 404


async def test_file_beyond_the_limit_is_refused_and_leaves_nothing(
    running: RunningTask, inside: httpx2.AsyncClient, caller: Caller, services: Services
) -> None:
    async def chunks() -> object:
        for _ in range(MAX_FILE_BYTES // 2**20 + 1):
            yield b"x" * 2**20

    assert (await running.upload(inside, "large.png", chunks())).status_code == 413
    assert (await caller().get(running.link(services, "large.png"))).status_code == 404


async def test_recording_may_be_larger(
    running: RunningTask, inside: httpx2.AsyncClient, caller: Caller, services: Services
) -> None:
    async def chunks() -> object:
        for _ in range(MAX_FILE_BYTES // 2**20 + 1):
            yield b"x" * 2**20

    assert (await running.upload(inside, "recording.webm", chunks())).status_code == 201
    answer = await caller().head(running.link(services, "recording.webm"))
    assert int(answer.headers["content-length"]) == MAX_FILE_BYTES + 2**20
    assert answer.headers["content-type"] == "video/webm"
    tail = await caller().get(running.link(services, "recording.webm"), headers={"range": "bytes=-10"})
    assert tail.content == b"x" * 10
