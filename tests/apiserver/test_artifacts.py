"""Files of tasks: uploaded by the pod of the task and by nobody else, downloaded by signed links."""

import json
import socket
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from skyvern_apiserver.artifacts.upload import MAX_FILE_BYTES
from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.artifact_store import MAX_RESULT_BYTES, ArtifactStore
from skyvern_apiserver.storage.links import links_now
from skyvern_crds.rest.artifacts import ARTIFACTS_PATH, ArtifactLinks, link_signature
from tests.apiserver.calls import create
from tests.apiserver.cluster import TASK_ACCOUNT, Tenants
from tests.apiserver.conftest import PUBLIC_URL, Caller
from tests.waiting import until

pytestmark = pytest.mark.contract

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


class RunningTask:
    """A task whose current pod exists, and that pod's token."""

    def __init__(self, tenants: Tenants, task_id: str) -> None:
        self.tenants = tenants
        self.task_id = task_id
        self.name = task_id.replace("_", "-")
        self.namespace = tenants.a
        self.uid = tenants.task(self.namespace, self.name)["metadata"]["uid"]
        self.pod = f"pod-{uuid4().hex[:8]}"
        self.pod_uid = tenants.pod(self.namespace, self.pod)
        self.token = tenants.token(self.namespace, self.pod, self.pod_uid)
        status = {"phase": "running", "podName": self.pod, "podUID": self.pod_uid}
        tenants.status(self.namespace, self.name, status)

    def upload_path(self, file: str) -> str:
        return f"/internal/artifacts/{self.namespace}/{self.name}/{self.uid}/{file}"

    async def upload(self, inside: httpx2.AsyncClient, file: str, content: object, token: str = "") -> httpx2.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        return await inside.put(self.upload_path(file), content=content, headers=headers)  # type: ignore[arg-type]

    def status_has(self, services: Services, field: str) -> bool:
        record = services.tasks.get(self.namespace, self.name)
        return record is not None and bool(getattr(record.stored().status, field))

    def link(self, services: Services, file: str) -> str:
        return links_now(services.settings).url(self.namespace, self.name, self.uid, file)


@pytest.fixture(scope="session")
async def running(alice: httpx2.AsyncClient, tenants: Tenants) -> RunningTask:
    return RunningTask(tenants, await create(alice))


@pytest.fixture(scope="session")
async def final_screenshot(running: RunningTask, inside: httpx2.AsyncClient, services: Services) -> str:
    """Signed link to an uploaded screenshot."""
    answer = await running.upload(inside, "final.png", PNG)
    assert answer.status_code == 201, answer.text
    return running.link(services, "final.png")


async def test_upload_by_the_tasks_pod_is_downloaded_by_its_link(final_screenshot: str, caller: Caller) -> None:
    answer = await caller().get(final_screenshot)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in answer.headers


async def test_response_links_to_the_uploaded_screenshot(
    final_screenshot: str, running: RunningTask, alice: httpx2.AsyncClient, caller: Caller, services: Services
) -> None:
    listed = {"name": "final.png", "contentType": "image/png", "size": len(PNG), "sha256": "0" * 64}
    running.tenants.status(running.namespace, running.name, {"artifacts": [listed]})

    await until(lambda: running.status_has(services, "artifacts"))
    answer = (await alice.get(f"/api/v1/tasks/{running.task_id}")).json()
    assert (await caller().get(answer["screenshot_url"])).content == PNG


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


async def test_result_that_is_missing_from_the_store_is_not_answered_as_null(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task = RunningTask(tenants, await create(alice))
    tenants.status(task.namespace, task.name, {"phase": "completed", "extractedInformationRef": reference(b"")})
    await until(lambda: task.status_has(services, "extracted_information_ref"))
    answer = await alice.get(f"/api/v1/tasks/{task.task_id}")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert "is missing" in answer.json()["detail"]
    assert (await alice.get("/api/v1/tasks?page_size=1000")).status_code == 200


@pytest.mark.usefixtures("large_result")
async def test_result_is_not_answered_as_null_while_the_store_is_away(
    running: RunningTask, tenants: Tenants, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        away = replace(services, artifacts=ArtifactStore.open("s3://bucket/prefix"))
        transport = httpx2.ASGITransport(app=public_app(away))
        headers = {"x-api-key": tenants.key("alice")}
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers=headers) as client:
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


async def test_file_in_a_folder_is_stored(
    running: RunningTask, inside: httpx2.AsyncClient, caller: Caller, services: Services
) -> None:
    assert (await running.upload(inside, "steps/3-0/screenshot-1.jpg", b"jpeg")).status_code == 201
    answer = await caller().get(running.link(services, "steps/3-0/screenshot-1.jpg"))
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")


async def test_pages_are_shown_in_a_sandbox(
    running: RunningTask, inside: httpx2.AsyncClient, caller: Caller, services: Services
) -> None:
    for file in ("page.html", "chart.svg"):
        assert (await running.upload(inside, file, b"<script>1</script>")).status_code == 201
        policy = (await caller().get(running.link(services, file))).headers["content-security-policy"]
        assert policy.startswith("sandbox;")


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=100-", 100, None),
        ("bytes=-5", -5, None),
        ("bytes=5-999999", 5, None),
    ],
)
async def test_range_is_answered_in_part(
    final_screenshot: str, caller: Caller, header: str, first: int, last: int | None
) -> None:
    answer = await caller().get(final_screenshot, headers={"range": header})
    expected = PNG[first:] if last is None else PNG[first : last + 1]
    assert (answer.status_code, answer.content) == (206, expected)
    start = first % len(PNG)
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/{len(PNG)}"
    assert answer.headers["content-length"] == str(len(expected))


async def test_range_outside_the_file_is_refused(final_screenshot: str, caller: Caller) -> None:
    answer = await caller().get(final_screenshot, headers={"range": "bytes=99999999-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(PNG)}")


async def test_known_file_is_not_sent_again(final_screenshot: str, caller: Caller) -> None:
    tag = (await caller().head(final_screenshot)).headers["etag"]
    answer = await caller().get(final_screenshot, headers={"if-none-match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    other = await caller().get(final_screenshot, headers={"range": "bytes=0-0", "if-range": '"other"'})
    assert other.status_code == 200


async def test_forged_and_foreign_links_are_refused(final_screenshot: str, caller: Caller, services: Services) -> None:
    forged = final_screenshot[:-1] + ("0" if final_screenshot[-1] != "0" else "1")
    other_file = final_screenshot.replace("final.png", "recording.webm")
    later = final_screenshot.replace("expires=", "expires=9")
    bare = final_screenshot.partition("?")[0]
    for link in (forged, other_file, later, bare, bare + "?expires=x&signature=ü"):
        answer = await caller().get(link)
        assert answer.status_code == 403, link
        assert answer.headers["content-type"].startswith("text/plain")
        assert "new link" in answer.text or "incomplete" in answer.text


async def test_expired_link_is_refused(final_screenshot: str, caller: Caller, services: Services) -> None:
    path, until_ = urlsplit(final_screenshot).path, int(time.time()) - 1
    signature = link_signature(services.settings.signing_key, path, until_)
    answer = await caller().get(f"{path}?expires={until_}&signature={signature}")
    assert answer.status_code == 403
    assert "expired" in answer.text


async def test_link_to_a_file_that_is_not_there(running: RunningTask, caller: Caller, services: Services) -> None:
    answer = await caller().get(running.link(services, "recording.webm"))
    assert (answer.status_code, answer.json()) == (404, {"detail": "Artifact not found"})


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
    # For good, unlike the 403 before the operator has noted the pod: the runner gives up at once.
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


async def test_links_do_not_leave_the_public_port(final_screenshot: str, inside: httpx2.AsyncClient) -> None:
    assert (await inside.get(final_screenshot)).status_code == 404
    assert final_screenshot.startswith(f"http://facade.test{ARTIFACTS_PATH}/")


def test_links_of_another_key_differ(running: RunningTask, services: Services) -> None:
    other = ArtifactLinks(services.settings.public_url, b"another signing key", int(time.time()))
    made = other.url(running.namespace, running.name, running.uid, "final.png")
    assert made != running.link(services, "final.png")
