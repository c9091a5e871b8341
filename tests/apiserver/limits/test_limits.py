"""What one API key may ask: the others do not notice, and the answer says when to come again."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from skyvern_apiserver.cache.freshness import STALE_SECONDS
from skyvern_apiserver.cache.task_lookup import CREATION_SECONDS
from skyvern_apiserver.limits.callers import Callers
from skyvern_apiserver.limits.token_bucket import BURST_SECONDS
from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks.create_once import LONGEST_SECONDS
from skyvern_apiserver.wire.body import BODY_SECONDS, LONG_BYTES, MAX_BODY_BYTES, in_turn
from skyvern_crds.ids import TASK_PREFIX, id_for, name_of, new_id
from skyvern_crds.rest.key_limits import KeyLimits
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.calls import REQUEST
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.waiting import eventually, until

TASKS = "/api/v1/tasks"
NOON = 1000.0
NONE = KeyLimits(0, 0, 0, 0, 0, 0)
"""No limits."""


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def facade(
    server: FakeApiServer, folder: Path, limits: KeyLimits = NONE, clock: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[tuple[Services, httpx2.AsyncClient]]:
    """A facade whose rates go by ``clock``, with a caller who has no key."""
    settings = small_settings(folder, ["a", "b"])
    async with small_services(server, folder, settings) as services:
        await until(services.freshness.can_serve)
        callers = Callers(limits, lambda limit: services.metrics.refused.labels(limit).inc(), clock)
        limited = replace(services, callers=callers)
        async with client_of(limited) as client:
            yield limited, client


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer() as server:
        yield server


async def statuses(client: httpx2.AsyncClient, path: str, key: dict[str, str], count: int) -> list[int]:
    return [(await client.get(path, headers=key)).status_code for _ in range(count)]


async def test_requests_beyond_the_rate_get_429_in_the_form_that_callers_know(
    server: FakeApiServer, tmp_path: Path
) -> None:
    alice, bob = (server.put_key(RELEASE, name, tenant="a") for name in ("alice", "bob"))
    clock = Clock()
    async with facade(server, tmp_path, replace(NONE, requests_per_second=1), clock) as (services, client):
        assert await statuses(client, TASKS, alice, BURST_SECONDS) == [200] * BURST_SECONDS
        refused = await client.get(TASKS, headers=alice)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        text = "Rate limit exceeded for organization alice: the limit of requests a second is 1"
        assert refused.json() == {"detail": text}
        assert await statuses(client, TASKS, bob, 1) == [200]
        assert b'refused_requests_total{limit="requests_per_second"} 1.0' in services.metrics.text()
        clock.now += 1
        assert await statuses(client, TASKS, alice, 2) == [200, 429]


async def test_new_tasks_have_a_rate_that_invalid_requests_leave_alone(server: FakeApiServer, tmp_path: Path) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path, replace(NONE, creates_per_second=1)) as (_, client):
        for _ in range(2 * BURST_SECONDS):
            assert (await client.post(TASKS, json={}, headers=alice)).status_code == 422
        for _ in range(BURST_SECONDS):
            assert (await client.post(TASKS, json=REQUEST, headers=alice)).status_code == 200
        refused = await client.post(TASKS, json=REQUEST, headers=alice)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert server.requests["create"] == BURST_SECONDS
        assert await statuses(client, TASKS, alice, 1) == [200]


async def test_requests_in_progress_are_bounded_until_their_answers_are_taken(
    server: FakeApiServer, tmp_path: Path
) -> None:
    alice, bob = (server.put_key(RELEASE, name, tenant="a") for name in ("alice", "bob"))
    async with facade(server, tmp_path, replace(NONE, concurrent_requests=1)) as (services, client):
        taken, began = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            began.set()
            await taken.wait()

        headers = [(name.encode(), value.encode()) for name, value in alice.items()]
        scope = {"type": "http", "method": "GET", "path": TASKS, "query_string": b"", "headers": headers}
        slow = asyncio.create_task(public_app(services)(scope, receive, send))
        async with asyncio.timeout(60):
            await began.wait()
        refused = await client.get(TASKS, headers=alice)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert await statuses(client, TASKS, bob, 1) == [200]
        taken.set()
        await slow
        assert await statuses(client, TASKS, alice, 2) == [200, 200]


async def test_waiting_requests_of_one_key_are_bounded(server: FakeApiServer, tmp_path: Path) -> None:
    alice, bob = (server.put_key(RELEASE, name, tenant="a") for name in ("alice", "bob"))
    server.put("skyverntasks", "a", "by-hand", spec={"url": "https://example.com"})
    path = f"{TASKS}/by-hand?wait=60"
    async with facade(server, tmp_path, replace(NONE, waiting_requests=1)) as (services, client):
        waiting = [asyncio.create_task(client.get(path, headers=alice))]
        await until(lambda: services.endings.count == 1)
        refused = await client.get(path, headers=alice)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        waiting.append(asyncio.create_task(client.get(path, headers=bob)))
        await until(lambda: services.endings.count == 2)
        server.put("skyverntasks", "a", "by-hand", spec={"url": "https://e.com"}, status={"phase": "failed"})
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]


async def test_unknown_ids_ask_the_cluster_at_a_rate_and_old_ones_never(server: FakeApiServer, tmp_path: Path) -> None:
    alice, bob = (server.put_key(RELEASE, name, tenant=name[0]) for name in ("alice", "bob"))
    server.put("skyverntasks", "a", "by-hand", spec={"url": "https://example.com"})
    year = 365 * 86400 * 10**9
    old, future = (new_id(TASK_PREFIX, now_ns=now) for now in (1_750_000_000 * 10**9, 3_000_000_000 * 10**9 + year))
    async with facade(server, tmp_path, replace(NONE, lookups_per_second=1)) as (_, client):
        unknown = f"{TASKS}/{new_id(TASK_PREFIX)}"
        assert await statuses(client, unknown, alice, BURST_SECONDS + 1) == [404] * BURST_SECONDS + [429]
        assert server.requests["get"] == BURST_SECONDS
        for task_id in (old, future):
            assert await statuses(client, f"{TASKS}/{task_id}", alice, 50) == [404] * 50
        assert server.requests["get"] == BURST_SECONDS
        assert await statuses(client, f"{TASKS}/by-hand", alice, 1) == [200]
        assert await statuses(client, unknown, bob, 1) == [404]


async def test_task_of_another_replica_is_found_before_the_watch_shows_it(
    server: FakeApiServer, tmp_path: Path
) -> None:
    """Just created, or created again with an idempotency key after it was looked for in vain."""
    alice = server.put_key(RELEASE, "alice", tenant="a")
    async with facade(server, tmp_path, KeyLimits()) as (services, client):
        await until(lambda: server.watches == 3, what="two namespaces and the keys are watched")
        for task_id in (new_id(TASK_PREFIX), id_for(TASK_PREFIX, "alice", "order 66"), "by-hand"):
            assert await statuses(client, f"{TASKS}/{task_id}", alice, 1) == [404]
            server.mute()
            server.put("skyverntasks", "a", name_of(task_id), spec={"url": "https://example.com"})
            assert services.tasks.get("a", name_of(task_id)) is None
            assert await statuses(client, f"{TASKS}/{task_id}", alice, 1) == [200]


def test_no_cache_that_answers_is_older_than_an_id_that_needs_no_look_up() -> None:
    skew_of_clocks = 300
    assert STALE_SECONDS + BODY_SECONDS + LONGEST_SECONDS + skew_of_clocks <= CREATION_SECONDS


async def test_secret_of_a_key_sets_its_own_limits_and_a_change_holds_at_once(
    server: FakeApiServer, tmp_path: Path
) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a", requests_per_second="1")
    bob = server.put_key(RELEASE, "bob", tenant="a")
    async with facade(server, tmp_path) as (_, client):
        assert await statuses(client, TASKS, alice, BURST_SECONDS + 1) == [200] * BURST_SECONDS + [429]
        assert await statuses(client, TASKS, bob, BURST_SECONDS + 1) == [200] * (BURST_SECONDS + 1)
        server.put_key(RELEASE, "alice", tenant="a", requests_per_second="0")

        async def status() -> int:
            return (await statuses(client, TASKS, alice, 1))[0]

        await eventually(status, lambda code: code == 200, what="the new limit holds")


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({f"a{number}": "x" for number in range(70_000)}, 422),
        (["x" * 180_000], 200),
        ([[[]]] * 150_000, 413),
    ],
    ids=["many keys", "long text", "many lists"],
)
async def test_long_bodies_are_read_or_refused(
    server: FakeApiServer, tmp_path: Path, payload: Any, status: int
) -> None:
    alice = server.put_key(RELEASE, "alice", tenant="a")
    content = json.dumps(REQUEST | {"navigation_payload": payload}, separators=(",", ":")).encode()
    assert len(content) < MAX_BODY_BYTES
    async with facade(server, tmp_path) as (_, client):
        assert (await client.post(TASKS, content=content, headers=alice)).status_code == status
        assert (await client.post(TASKS, json=REQUEST, headers=alice)).status_code == 200


async def test_only_long_bodies_are_read_in_a_thread() -> None:
    here = threading.current_thread()
    assert await in_turn(threading.current_thread, b"{}") is here
    assert await in_turn(threading.current_thread, b" " * (LONG_BYTES + 1)) is not here
