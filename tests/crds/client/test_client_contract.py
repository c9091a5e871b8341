"""The client against the real API server: calls, errors, timeouts."""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.client import (
    PODS,
    SKYVERNTASKS,
    AlreadyExists,
    ClusterClient,
    Conflict,
    Gone,
    Invalid,
    NotFound,
    Resource,
    Timeouts,
    TooManyRequests,
    Unavailable,
    WatchEvent,
)
from skyvern_crds.vocabulary import API_VERSION, KIND
from tests.cluster import ControlPlane
from tests.crds.client.faults import FaultProxy, Refusal
from tests.crds.client.kubeconfig import kubeconfig

pytestmark = pytest.mark.contract

CONFIG_MAPS = Resource("", "v1", "configmaps")


def config_map(name: str, **data: str) -> dict[str, Any]:
    meta = {"name": name, "labels": {"of": "tests"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def task(name: str, **meta: str) -> dict[str, Any]:
    spec = {"url": "https://example.com"}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name, **meta}, "spec": spec}


async def test_object_from_creation_to_deletion(client: ClusterClient, namespace: str) -> None:
    created = await client.create(CONFIG_MAPS, namespace, config_map("a", x="1"))
    assert (await client.get(CONFIG_MAPS, namespace, "a"))["data"] == {"x": "1"}
    patched = await client.merge_patch(CONFIG_MAPS, namespace, "a", {"data": {"x": None, "y": "2"}})
    assert patched["data"] == {"y": "2"}
    with pytest.raises(AlreadyExists, match='"a" already exists'):
        await client.create(CONFIG_MAPS, namespace, config_map("a"))
    with pytest.raises(Conflict, match="UID"):
        await client.delete(CONFIG_MAPS, namespace, "a", uid="another")
    uid, old = created["metadata"]["uid"], created["metadata"]["resourceVersion"]
    with pytest.raises(Conflict, match="ResourceVersion"):
        await client.delete(CONFIG_MAPS, namespace, "a", uid=uid, resource_version=old)
    await client.delete(CONFIG_MAPS, namespace, "a", uid=uid, resource_version=patched["metadata"]["resourceVersion"])
    with pytest.raises(NotFound, match='"a" not found'):
        await client.get(CONFIG_MAPS, namespace, "a")
    with pytest.raises(NotFound):
        await client.delete(CONFIG_MAPS, namespace, "a")


async def test_server_side_apply_owns_its_fields(client: ClusterClient, namespace: str) -> None:
    await client.apply(CONFIG_MAPS, namespace, "a", config_map("a", x="1"), field_manager="one")
    with pytest.raises(Conflict, match='conflict with "one"'):
        await client.apply(CONFIG_MAPS, namespace, "a", config_map("a", x="2"), field_manager="two", force=False)
    forced = await client.apply(CONFIG_MAPS, namespace, "a", config_map("a", x="2"), field_manager="two")
    assert forced["data"] == {"x": "2"}


async def test_apply_to_a_status_is_guarded_by_the_resource_version_and_not_by_the_uid(
    client: ClusterClient, namespace: str
) -> None:
    version = (await client.create(SKYVERNTASKS, namespace, task("a")))["metadata"]["resourceVersion"]
    await client.delete(SKYVERNTASKS, namespace, "a")
    await client.create(SKYVERNTASKS, namespace, task("a"))

    async def apply(name: str, **meta: str) -> dict[str, Any]:
        body = task(name, **meta) | {"status": {"phase": "queued"}}
        return await client.apply(SKYVERNTASKS, namespace, name, body, field_manager="one", subresource="status")

    with pytest.raises(Conflict, match="the object has been modified"):
        await apply("a", resourceVersion=version)
    assert (await apply("a", uid="7635654b-5a6d-4f9d-83e6-56be942d2dce"))["status"] == {"phase": "queued"}
    with pytest.raises(NotFound):
        await apply("b")


async def test_lists_come_in_pages_of_one_moment(client: ClusterClient, namespace: str) -> None:
    await asyncio.gather(*(client.create(CONFIG_MAPS, namespace, config_map(f"c{i}")) for i in range(7)))
    pages = []
    async with aclosing(client.list_pages(CONFIG_MAPS, namespace, label_selector="of=tests", limit=3)) as listed:
        async for page in listed:
            pages.append(page)
            if len(pages) == 1:
                await client.create(CONFIG_MAPS, namespace, config_map("a-late-one"))
    assert [len(page.items) for page in pages] == [3, 3, 1]
    assert len({page.resource_version for page in pages}) == 1


async def test_server_explains_what_is_invalid(client: ClusterClient, namespace: str) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": []}}
    with pytest.raises(Invalid, match=r"spec\.containers: Required value") as caught:
        await client.create(PODS, namespace, pod)
    assert caught.value.status == 422
    assert caught.value.details["causes"][0]["field"] == "spec.containers"


async def test_reviews_are_posted(client: ClusterClient) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "nonsense"}}
    answer = await client.post("/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert answer["status"].get("authenticated", False) is False
    assert (await client.get_path("/version"))["major"] == "1"


async def collect(client: ClusterClient, namespace: str, version: str, seconds: int) -> list[WatchEvent]:
    events = client.watch(
        CONFIG_MAPS, namespace, resource_version=version, label_selector="of=tests", timeout_seconds=seconds
    )
    async with aclosing(events):
        return [event async for event in events]


async def test_watch_brings_changes_and_bookmarks_and_ends_in_good_order(client: ClusterClient, namespace: str) -> None:
    first = await client.create(CONFIG_MAPS, namespace, config_map("a"))
    watching = asyncio.create_task(collect(client, namespace, first["metadata"]["resourceVersion"], 4))
    await client.create(CONFIG_MAPS, namespace, config_map("b"))
    await client.delete(CONFIG_MAPS, namespace, "a")
    elsewhere = await client.create(CONFIG_MAPS, "default", config_map(f"bookmark-{namespace}"))
    *changes, last = await asyncio.wait_for(watching, 20)
    assert [(e.type, e.object["metadata"]["name"]) for e in changes if e.type != "BOOKMARK"] == [
        ("ADDED", "b"),
        ("DELETED", "a"),
    ]
    assert last.type == "BOOKMARK"
    assert int(last.resource_version) >= int(elsewhere["metadata"]["resourceVersion"])


async def test_watch_from_a_forgotten_version_is_gone(client: ClusterClient, namespace: str) -> None:
    events = client.watch(SKYVERNTASKS, namespace, resource_version="1")
    with pytest.raises(Gone):
        await asyncio.wait_for(anext(events), 20)


async def test_line_of_three_megabytes_passes(client: ClusterClient, namespace: str) -> None:
    version = (await client.create(CONFIG_MAPS, namespace, config_map("a")))["metadata"]["resourceVersion"]
    text = "\x01" * 480_000  # six bytes each, as JSON
    await client.create(CONFIG_MAPS, namespace, config_map("big", text=text))
    async with aclosing(
        client.watch(CONFIG_MAPS, namespace, resource_version=version, label_selector="of=tests")
    ) as events:
        event = await asyncio.wait_for(anext(events), 20)
    assert event.object["data"]["text"] == text


async def test_refusal_says_how_long_to_wait(served: ControlPlane, tmp_path: Path) -> None:
    async with FaultProxy(served) as proxy, await ClusterClient.connect(proxy.kubeconfig(tmp_path)) as client:
        proxy.refusals.append(Refusal(429, {"Retry-After": "4"}, "slow down"))
        with pytest.raises(TooManyRequests, match="slow down") as caught:
            await client.get_path("/version")
        assert caught.value.retry_after == 4
        proxy.refusals.append(Refusal(200, {}, "<html>"))
        with pytest.raises(Unavailable, match="not JSON"):
            await client.get_path("/version")
        proxy.down = True
        with pytest.raises(Unavailable, match="GET /version"):
            await client.get_path("/version")


async def test_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = tmp_path / "config"
    config.write_text(kubeconfig(f"http://127.0.0.1:{port}", {}))
    async with server, await ClusterClient.connect(str(config), timeouts=Timeouts(request=0.2)) as client:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="GET /version: no answer in time"):
            await client.get_path("/version")
        with pytest.raises(Unavailable, match="no answer in time"):
            await anext(client.watch(PODS, resource_version="1"))
        assert time.monotonic() - began < 5


async def test_no_server_is_unavailable(tmp_path: Path, unused_tcp_port: int) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig(f"http://127.0.0.1:{unused_tcp_port}", {}))
    async with await ClusterClient.connect(str(config)) as client:
        with pytest.raises(Unavailable, match="Unreachable"):
            await client.get_path("/version")
