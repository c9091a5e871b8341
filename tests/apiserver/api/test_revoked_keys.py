"""Keys that are revoked while their watch is cut."""

from pathlib import Path

from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.waiting import eventually, until


async def test_revoked_key_is_dead_within_seconds_although_its_watch_says_nothing(tmp_path: Path) -> None:
    async with FakeApiServer() as server:
        alice = server.put_key(RELEASE, "alice", tenant="a")
        async with small_services(server, tmp_path, small_settings(tmp_path, "a")) as services:
            await until(services.freshness.can_serve)
            async with client_of(services) as public:

                async def status() -> int:
                    return (await public.get("/api/v1/tasks", headers=alice)).status_code

                assert await status() == 200
                await until(lambda: server.watches == 2, what="tasks and keys are watched")
                server.mute()
                server.put_key(RELEASE, "alice", tenant="a", state="invalid")
                await eventually(status, lambda code: code == 403, what="the key is refused", within=30)


async def test_keys_stay_fresh_through_watches_that_bring_nothing(tmp_path: Path) -> None:
    async with FakeApiServer() as server:
        server.put_key(RELEASE, "alice", tenant="a")
        async with small_services(server, tmp_path, small_settings(tmp_path, "a")) as services:
            await until(services.freshness.can_serve)
            before = server.requests["watch"]
            await until(lambda: server.requests["watch"] >= before + 2, seconds=60)
            assert services.secrets.age < 30
            assert not services.secrets.restarts
