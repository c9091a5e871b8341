"""The reflector against the real API server through a proxy that spoils its watches."""

import asyncio
import json
from pathlib import Path

import pytest

from skyvern_crds.client import (
    SKYVERNTASKS,
    ChangeType,
    ClusterClient,
)
from tests.cluster import ControlPlane
from tests.crds.client.faults import FaultProxy, Refusal
from tests.crds.client.following import create, following, suspend, version
from tests.waiting import until

pytestmark = pytest.mark.contract


async def test_what_happened_while_the_watch_was_broken_is_caught_up(
    client: ClusterClient, spoiled: ClusterClient, proxy: FaultProxy, namespace: str
) -> None:
    for name in ("a", "b"):
        await create(client, namespace, name)
    async with following(spoiled, [namespace]) as followed:
        proxy.down = True
        proxy.cut()
        await client.delete(SKYVERNTASKS, namespace, "a")
        await suspend(client, namespace, "b")
        last = await create(client, namespace, "c")
        assert followed.names() == ["a", "b"]
        proxy.down = False
        assert await followed.reflector.wait_for(namespace, "c", version(last), 10)
        assert followed.reported()[2:] == [("DELETED", "a"), ("MODIFIED", "b"), ("ADDED", "c")]


async def test_deletions_in_a_gap_that_the_server_has_forgotten_are_not_lost(
    client: ClusterClient, spoiled: ClusterClient, proxy: FaultProxy, namespace: str
) -> None:
    uids = {name: (await create(client, namespace, name))["metadata"]["uid"] for name in "abcd"}
    async with following(spoiled, [namespace]) as followed:
        proxy.down = True
        proxy.expired_watches = 1
        proxy.cut()
        await client.delete(SKYVERNTASKS, namespace, "a")
        await suspend(client, namespace, "b")
        await client.delete(SKYVERNTASKS, namespace, "c")
        again = await create(client, namespace, "c")
        last = await create(client, namespace, "e")
        proxy.down = False
        assert await followed.reflector.wait_for(namespace, "e", version(last), 10)
        assert followed.reflector.restarts["Expired"] + followed.reflector.restarts["Gone"] == 1
        assert proxy.lists >= 2
        assert sorted(followed.reported()[4:]) == [
            ("ADDED", "c"),
            ("ADDED", "e"),
            ("DELETED", "a"),
            ("DELETED", "c"),
            ("MODIFIED", "b"),
        ]
        assert followed.reported().index(("DELETED", "c")) < len(followed.changes) - 1
        about_c = [change for change in followed.changes if change.name == "c"]
        assert [change.type for change in about_c] == [ChangeType.ADDED, ChangeType.DELETED, ChangeType.ADDED]
        assert about_c[1].old is not None
        assert about_c[1].old.uid == uids["c"]
        deletions = [change for change in followed.changes if change.type is ChangeType.DELETED]
        assert [change.last for change in deletions] == [None, None], "nobody saw these objects end"
        assert (record := followed.reflector.get(namespace, "c")) is not None
        assert record.uid == again["metadata"]["uid"]
        assert followed.names() == ["b", "c", "d", "e"]


ERROR_500 = {"type": "ERROR", "object": {"kind": "Status", "code": 500, "reason": "InternalError", "message": "etcd"}}
ERROR_410 = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


@pytest.mark.parametrize(
    "spoil",
    [
        (json.dumps(ERROR_500).encode() + b"\n", False, "InternalError"),
        (json.dumps(ERROR_410).encode() + b"\n", False, "Expired"),
        (b'{"type":"ADDED","object":{"metad', True, "TornStream"),
        (b"<html>the balancer is tired</html>\n", False, "BadStream"),
        (b'{"type":"ADDED","object":null}\n', False, "BadStream"),
    ],
    ids=["error", "expired", "torn", "no-json", "no-object"],
)
async def test_spoiled_stream_is_followed_on(
    spoil: tuple[bytes, bool, str],
    client: ClusterClient,
    spoiled: ClusterClient,
    proxy: FaultProxy,
    namespace: str,
) -> None:
    data, end, reason = spoil
    await create(client, namespace, "a")
    async with following(spoiled, [namespace]) as followed:
        await until(lambda: proxy.streams == 1)
        await proxy.inject(data, end=end)
        await until(lambda: followed.reflector.restarts[reason] == 1, what=reason)
        await client.delete(SKYVERNTASKS, namespace, "a")
        last = await create(client, namespace, "b")
        assert await followed.reflector.wait_for(namespace, "b", version(last), 10)
        # Where it is listed again, one list may show both changes, and then the deletion comes last.
        assert sorted(followed.reported()) == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


async def test_lines_torn_into_small_pieces_are_put_together(
    served: ControlPlane, client: ClusterClient, namespace: str, tmp_path: Path
) -> None:
    async with (
        FaultProxy(served, piece=7) as proxy,
        await ClusterClient.connect(proxy.kubeconfig(tmp_path)) as spoiled,
        following(spoiled, [namespace]) as followed,
    ):
        await until(lambda: proxy.streams == 1)
        for number in range(5):
            last = await create(client, namespace, f"t{number}")
        assert await followed.reflector.wait_for(namespace, "t4", version(last), 10)
        assert followed.names() == [f"t{number}" for number in range(5)]
        assert proxy.watches == 1


async def test_silent_watch_shows_its_age_and_is_replaced(
    client: ClusterClient, spoiled: ClusterClient, proxy: FaultProxy, namespace: str
) -> None:
    async with following(spoiled, [namespace]) as followed:
        await until(lambda: proxy.streams == 1)
        await create(client, namespace, "a")
        await until(lambda: followed.names() == ["a"])
        assert followed.reflector.age < 1
        proxy.stall()
        last = await create(client, namespace, "b")
        await until(lambda: followed.reflector.age > 1)
        assert followed.names() == ["a"]
        assert await followed.reflector.wait_for(namespace, "b", version(last), 10)
        assert followed.reflector.restarts == {"Timeout": 1}
        assert followed.reflector.age < 1


async def test_server_may_refuse_for_a_while(
    client: ClusterClient, spoiled: ClusterClient, proxy: FaultProxy, namespace: str
) -> None:
    async with following(spoiled, [namespace]) as followed:
        await until(lambda: proxy.streams == 1)
        proxy.refusals += [Refusal(403), Refusal(503), Refusal(429, {"Retry-After": "1"}), Refusal(500)]
        proxy.cut()
        began = asyncio.get_running_loop().time()
        last = await create(client, namespace, "a")
        assert await followed.reflector.wait_for(namespace, "a", version(last), 10)
        assert asyncio.get_running_loop().time() - began >= 1, "the server's Retry-After is kept"
        assert not proxy.refusals


async def test_first_list_may_fail(
    client: ClusterClient, spoiled: ClusterClient, proxy: FaultProxy, namespace: str
) -> None:
    await create(client, namespace, "a")
    proxy.refusals += [Refusal(503), Refusal(410), Refusal(503)]
    async with following(spoiled, [namespace]) as followed:
        assert followed.names() == ["a"]
        assert not proxy.refusals
