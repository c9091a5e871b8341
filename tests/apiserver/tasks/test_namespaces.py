"""Namespaces: one that cannot be read concerns its own keys only, and hundreds leave room for writes."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx2

from skyvern_apiserver.cache.freshness import Freshness
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.calls import REQUEST
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.waiting import eventually, until

TASKS = "/api/v1/tasks"


async def status_of(client: httpx2.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get(TASKS, headers=headers)).status_code


async def test_namespace_that_cannot_be_read_at_start_fails_its_own_keys_only(tmp_path: Path) -> None:
    async with FakeApiServer() as server:
        server.forbid("c")
        alice = server.put_key(RELEASE, "alice", tenant="a")
        carol = server.put_key(RELEASE, "carol", tenant="c")
        async with (
            small_services(server, tmp_path, small_settings(tmp_path, "abc")) as services,
            client_of(services) as public,
            client_of(services, internal=True) as internal,
        ):
            probe = await eventually(
                lambda: internal.get("/readyz"), lambda answer: answer.status_code == 200, what="the facade is ready"
            )
            assert probe.text == "ok"
            assert (await public.post(TASKS, json=REQUEST, headers=alice)).status_code == 200
            refused = await public.get(TASKS, headers=carol)
            assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
            assert "namespace 'c'" in refused.json()["detail"]
            metrics = (await internal.get("/metrics")).text
            assert 'skyvern_apiserver_cache_age_seconds{kind="SkyvernTask",namespace="c"} +Inf' in metrics
            server.forbidden.clear()
            await eventually(
                lambda: status_of(public, carol), lambda status: status == 200, what="carol is served", within=60
            )


async def test_namespace_that_cannot_be_read_anymore_fails_its_own_keys_only(tmp_path: Path) -> None:
    async with FakeApiServer() as server:
        alice = server.put_key(RELEASE, "alice", tenant="a")
        carol = server.put_key(RELEASE, "carol", tenant="c")
        async with small_services(server, tmp_path, small_settings(tmp_path, "abc")) as services:
            await until(services.freshness.can_serve)
            impatient = Freshness(services.tasks, services.secrets, stale_seconds=3)
            async with client_of(replace(services, freshness=impatient)) as public:
                assert [await status_of(public, each) for each in (alice, carol)] == [200, 200]
                server.forbid("c")
                await eventually(
                    lambda: status_of(public, carol), lambda status: status == 503, what="carol is refused"
                )
                assert await status_of(public, alice) == 200
                server.forbidden.clear()
                await eventually(
                    lambda: status_of(public, carol), lambda status: status == 200, what="carol is served", within=60
                )


async def test_facade_is_not_ready_while_no_namespace_can_be_read(tmp_path: Path) -> None:
    async with FakeApiServer() as server:
        for namespace in "ab":
            server.forbid(namespace)
        server.put_key(RELEASE, "alice", tenant="a")
        async with small_services(server, tmp_path, small_settings(tmp_path, "ab")) as services:
            await until(
                lambda: services.secrets.synced.is_set() and all(services.tasks.streams[each].error for each in "ab")
            )
            assert not services.freshness.can_serve()
            server.forbidden.remove("b")
            await until(services.freshness.can_serve, seconds=60)


async def test_watches_of_hundreds_of_namespaces_leave_connections_for_writes(tmp_path: Path) -> None:
    namespaces = [f"n{number}" for number in range(200)]
    async with FakeApiServer() as server:
        alice = server.put_key(RELEASE, "alice", tenant="n7")
        async with (
            small_services(server, tmp_path, small_settings(tmp_path, namespaces)) as services,
            client_of(services) as public,
        ):
            await until(lambda: server.watches == len(namespaces) + 1, seconds=60)
            creating = [public.post(TASKS, json=REQUEST, headers=alice) for _ in range(50)]
            assert {answer.status_code for answer in await asyncio.gather(*creating)} == {200}
            assert len(server.collection("skyverntasks", "n7")) == 50
