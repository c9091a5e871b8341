"""Downloads by signed links."""

import time
from urllib.parse import urlsplit

import httpx2
import pytest

from skyvern_apiserver.services import Services
from skyvern_crds.rest.artifacts import ARTIFACTS_PATH, ArtifactLinks, link_signature
from tests.apiserver.artifacts.running_task import PNG, RunningTask
from tests.apiserver.conftest import Caller
from tests.waiting import until

pytestmark = pytest.mark.contract


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
async def test_range_is_answered_with_206(
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
    signature = link_signature(services.settings.link_key, path, until_)
    answer = await caller().get(f"{path}?expires={until_}&signature={signature}")
    assert answer.status_code == 403
    assert "expired" in answer.text


async def test_link_to_a_missing_file_is_404(running: RunningTask, caller: Caller, services: Services) -> None:
    answer = await caller().get(running.link(services, "never-uploaded.webm"))
    assert (answer.status_code, answer.json()) == (404, {"detail": "Artifact not found"})


async def test_links_work_on_the_public_port_only(final_screenshot: str, inside: httpx2.AsyncClient) -> None:
    assert (await inside.get(final_screenshot)).status_code == 404
    assert final_screenshot.startswith(f"http://facade.test{ARTIFACTS_PATH}/")


def test_links_signed_with_another_key_differ(running: RunningTask, services: Services) -> None:
    other = ArtifactLinks(services.settings.public_url, b"another signing key", int(time.time()))
    made = other.url(running.namespace, running.name, running.uid, "final.png")
    assert made != running.link(services, "final.png")
