"""Streams of a task's events, at the door where callers meet them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skyvern_apiserver.cache.listeners import Listeners, Topic
from skyvern_apiserver.cache.task_record import record_of
from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.server.request_limit import MAX_REQUESTS
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks import follow
from skyvern_crds.client import Change, ChangeType
from skyvern_crds.rest.key_limits import KeyLimits
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.apiserver.sse import Listener
from tests.waiting import until

EVENTS = "/api/v1/tasks/by-hand/events"
STEP = {"createdAt": "2026-08-29T15:38:18Z", "modifiedAt": "2026-08-29T15:38:19Z", "retryIndex": 0}


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer() as server:
        put(server, phase="created")
        yield server


@asynccontextmanager
async def facade(server: FakeApiServer, folder: Path, **limits: int) -> AsyncIterator[Services]:
    settings = replace(small_settings(folder, ["a"]), limits=replace(KeyLimits(), **limits))
    async with small_services(server, folder, settings) as services:
        await until(services.freshness.can_serve)
        yield services


def put(server: FakeApiServer, **status: Any) -> None:
    server.put("skyverntasks", "a", "by-hand", spec={"url": "https://example.com"}, status=status)


def steps(count: int, last: str = "completed") -> list[dict[str, Any]]:
    return [
        STEP | {"stepId": f"stp_{order}", "order": order, "status": last if order == count - 1 else "completed"}
        for order in range(count)
    ]


async def test_task_is_followed_from_its_queue_to_its_end(server: FakeApiServer, tmp_path: Path) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path) as services:
        listener = Listener(public_app(services)).call(EVENTS, alice)
        await until(lambda: listener.names == ["phase created"])
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.headers["cache-control"] == "no-store"
        put(server, phase="running", steps=steps(1, "running"))
        await until(lambda: listener.names[1:] == ["phase running", "step running"])
        put(server, phase="completed", steps=steps(2), finishedAt="2026-08-29T15:40:00Z")
        await listener.end()
        assert listener.names[3:] == ["phase completed", "step completed", "step completed", "end completed"]
        assert (services.listeners.count, b"event_streams 0.0" in services.metrics.text()) == (0, True)


async def test_stream_resumes_at_another_replica_and_after_its_end_there_is_nothing(
    server: FakeApiServer, tmp_path: Path
) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    put(server, phase="running", steps=steps(1))
    async with facade(server, tmp_path) as services:
        listener = Listener(public_app(services)).call(EVENTS, alice)
        await until(lambda: listener.names == ["phase running", "step completed"])
        await listener.hang_up()
        assert services.listeners.count == 0
    put(server, phase="completed", steps=steps(2))
    last = listener.events[-1].id
    async with facade(server, tmp_path) as services:
        listener = Listener(public_app(services)).call(EVENTS, alice | {"last-event-id": last})
        await listener.end()
        assert listener.names == ["phase completed", "step completed", "end completed"]
        async with client_of(services) as client:
            answer = await client.get(EVENTS, headers=alice | {"last-event-id": listener.events[-1].id})
            assert (answer.status_code, answer.content) == (204, b"")
            assert (await client.head(EVENTS, headers=alice)).headers["content-type"].startswith("text/event-stream")
            unknown = await client.get(EVENTS.replace("by-hand", "another"), headers=alice)
            assert unknown.json() == {"detail": "Task not found another"}


async def test_slow_reader_gets_the_latest_state_alone(server: FakeApiServer, tmp_path: Path) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path) as services:
        listener = Listener(public_app(services)).call(EVENTS, alice)
        await until(lambda: listener.names == ["phase created"])
        listener.taking.clear()
        put(server, phase="queued")
        await until(lambda: known(services) == "queued")
        sends = listener.sends
        for count in range(1, 41):
            put(server, phase="running", steps=steps(count, "running"), currentUrl=f"https://e.com/{count}")
        put(server, phase="completed", steps=steps(40))
        await until(lambda: known(services) == "completed")
        listener.taking.set()
        await listener.end()
        assert listener.sends <= sends + 3  # what stood in the way, the latest state, and the end of the answer
        assert listener.names.count("step completed") == 40
        assert listener.names[-1] == "end completed"


def known(services: Services) -> str | None:
    record = services.tasks.get("a", "by-hand")
    return record.phase.value if record else None


def test_state_is_rendered_once_for_all_that_know_the_same() -> None:
    metadata = {"namespace": "a", "name": "t", "uid": "u"}
    first, second = (record_of({"metadata": metadata | {"resourceVersion": version}}) for version in ("7", "8"))
    listeners, made = Listeners(), []

    def ask(topic: Topic, heard: str) -> None:
        topic.once(heard, lambda: made.append((topic.record.resource_version, heard)))

    with listeners.listen(first) as topic:
        for heard in ("nothing", "nothing", "all", "nothing"):
            ask(topic, heard)
        unchanged = topic.changed
        with listeners.listen(first) as same:
            ask(same, "all")
        assert not unchanged.is_set()
        listeners.changed(Change(ChangeType.MODIFIED, "a", "t", first, second, 8))
        assert unchanged.is_set()
        for _ in range(200):
            ask(topic, "all")
    assert made == [(7, "nothing"), (7, "all"), (8, "all")]


async def test_two_hundred_listeners_hear_the_same(server: FakeApiServer, tmp_path: Path) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path) as services:
        app = public_app(services)
        listeners = [Listener(app).call(EVENTS, alice) for _ in range(200)]
        await until(lambda: all(each.names == ["phase created"] for each in listeners), seconds=60)
        put(server, phase="running", steps=steps(3))
        await until(lambda: all(len(each.events) == 5 for each in listeners), seconds=60)
        put(server, phase="failed", steps=steps(3))
        for each in listeners:
            await each.end()
        assert len({each.content for each in listeners}) == 1


async def test_streams_take_no_place_of_requests_and_have_a_limit(server: FakeApiServer, tmp_path: Path) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path, concurrent_requests=1, event_streams=MAX_REQUESTS + 1) as services:
        app = public_app(services)
        listeners = []
        for _ in range(MAX_REQUESTS + 1):
            listeners.append(Listener(app).call(EVENTS, alice))
            await until(lambda: listeners[-1].status == 200)
        one_more = Listener(app).call(EVENTS, alice)
        await one_more.end()
        assert (one_more.status, one_more.headers["retry-after"]) == (429, "5")
        async with client_of(services) as client:
            assert (await client.get("/api/v1/tasks", headers=alice)).status_code == 200
        await listeners[0].hang_up()
        again = Listener(app).call(EVENTS, alice)
        await until(lambda: again.status == 200)
        services.listeners.close()
        for each in (*listeners[1:], again):
            await each.end()
        assert services.listeners.count == 0


async def test_revoked_key_ends_its_streams_and_no_other(server: FakeApiServer, tmp_path: Path) -> None:
    alice, bob = (server.put_key(RELEASE, name, tenant="a") for name in ("alice", "bob"))
    async with facade(server, tmp_path) as services:
        app = public_app(services)
        hers, his = (Listener(app).call(EVENTS, key) for key in (alice, bob))
        await until(lambda: services.listeners.count == 2)
        server.put_key(RELEASE, "alice", tenant="a", state="invalid")
        await hers.end()
        put(server, phase="running")
        await until(lambda: his.names == ["phase created", "phase running"])
        assert hers.names == ["phase created"]
        await his.hang_up()


async def test_stream_ends_with_its_task(server: FakeApiServer, tmp_path: Path) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path) as services:
        listener = Listener(public_app(services)).call(EVENTS, alice)
        await until(lambda: services.listeners.count == 1)
        server.remove("skyverntasks", "a", "by-hand")
        await listener.end()
        assert listener.names == ["phase created"]


async def test_silent_stream_shows_that_it_lives(
    server: FakeApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    monkeypatch.setattr(follow, "KEEP_ALIVE_SECONDS", 0.05)
    async with facade(server, tmp_path) as services:
        listener = Listener(public_app(services)).call(EVENTS, alice)
        await until(lambda: listener.content.count(b": keep-alive\n\n") >= 3)
        assert listener.names == ["phase created"]
        await listener.hang_up()
