"""The reflector against the real API server, some of it through a proxy that spoils its watches."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.client import (
    SKYVERNTASKS,
    Change,
    ChangeType,
    ClusterClient,
    JsonObject,
    Reflector,
    Timeouts,
)
from skyvern_crds.vocabulary import API_VERSION, KIND
from tests.cluster import ControlPlane
from tests.crds.conftest import NAMESPACES
from tests.crds.faults import FaultProxy, Refusal
from tests.waiting import until

pytestmark = pytest.mark.contract

LABEL = "tests/run"


@dataclass(frozen=True)
class Record:
    """What the tests keep of an object."""

    name: str
    uid: str
    title: str | None

    @staticmethod
    def of(obj: JsonObject) -> "Record":
        return Record(obj["metadata"]["name"], obj["metadata"]["uid"], obj["spec"].get("title"))


@dataclass
class Followed:
    """A running reflector and all that it has reported."""

    reflector: Reflector[Record]
    changes: list[Change[Record]] = field(default_factory=list)

    def reported(self) -> list[tuple[str, str]]:
        return [(str(change.type), change.name) for change in self.changes]

    def names(self) -> list[str]:
        return sorted(record.name for record in self.reflector.values())


@asynccontextmanager
async def following(
    client: ClusterClient, namespaces: Sequence[str] | None, label_selector: str = "", **options: Any
) -> AsyncIterator[Followed]:
    changes: list[Change[Record]] = []
    options = {"longest_pause": 0.2} | options
    reflector = Reflector(client, SKYVERNTASKS, namespaces, label_selector, Record.of, changes.append, **options)
    running = asyncio.create_task(reflector.run())
    try:
        await asyncio.wait_for(reflector.synced.wait(), 10)
        yield Followed(reflector, changes)
        assert running.done() == (namespaces == [])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def proxy(served: ControlPlane) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(served) as proxy:
        yield proxy


@pytest.fixture
async def spoiled(proxy: FaultProxy, tmp_path: Path) -> AsyncIterator[ClusterClient]:
    """A client whose requests go through the proxy."""
    timeouts = Timeouts(silence=1.5)
    async with await ClusterClient.connect(proxy.kubeconfig(tmp_path), timeouts=timeouts) as client:
        yield client


async def create(client: ClusterClient, namespace: str, name: str, **labels: str) -> JsonObject:
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "labels": labels},
        "spec": {"url": "https://example.com"},
    }
    return await client.create(SKYVERNTASKS, namespace, body)


async def suspend(client: ClusterClient, namespace: str, name: str) -> JsonObject:
    return await client.merge_patch(SKYVERNTASKS, namespace, name, {"spec": {"suspend": True}})


def version(obj: JsonObject) -> str:
    return str(obj["metadata"]["resourceVersion"])


async def test_changes_arrive_in_order(client: ClusterClient, namespace: str) -> None:
    await create(client, namespace, "a")
    async with following(client, [namespace]) as followed:
        assert followed.names() == ["a"]
        await create(client, namespace, "b")
        await suspend(client, namespace, "a")
        await client.delete(SKYVERNTASKS, namespace, "a")
        await until(lambda: len(followed.changes) == 4)
        assert followed.reported() == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]
        deletion = followed.changes[-1]
        assert (deletion.old, deletion.new) == (followed.changes[0].new, None)
        assert followed.reflector.get(namespace, "a") is None
        assert (record := followed.reflector.get(namespace, "b")) is not None
        assert record.name == "b"


async def test_long_list_is_read_in_pages(spoiled: ClusterClient, proxy: FaultProxy, namespace: str) -> None:
    await asyncio.gather(*(create(spoiled, namespace, f"t{number:02}") for number in range(25)))
    async with following(spoiled, [namespace], page_size=10) as followed:
        assert followed.names() == [f"t{number:02}" for number in range(25)]
        assert proxy.lists == 3


async def test_only_what_the_selector_selects_is_kept(client: ClusterClient, namespace: str) -> None:
    run = uuid.uuid4().hex
    await create(client, namespace, "other")
    async with following(client, None, f"{LABEL}={run}") as followed:
        await create(client, namespace, "mine", **{LABEL: run})
        await until(lambda: followed.names() == ["mine"])
        await client.merge_patch(SKYVERNTASKS, namespace, "mine", {"metadata": {"labels": None}})
        await until(lambda: followed.names() == [], what="an object without the label is gone")
        assert followed.reported() == [("ADDED", "mine"), ("DELETED", "mine")]


async def test_several_namespaces_are_followed_and_no_other(client: ClusterClient, namespace: str) -> None:
    second, third = f"{namespace}-2", f"{namespace}-3"
    for name in (second, third):
        await client.create(NAMESPACES, None, {"metadata": {"name": name}})
    async with following(client, [namespace, second]) as followed:
        for each in (third, second, namespace):
            made = await create(client, each, f"in-{each}")
        assert await followed.reflector.wait_for(namespace, f"in-{namespace}", version(made), 5)
        await until(lambda: len(followed.reflector) == 2)
        assert followed.names() == [f"in-{namespace}", f"in-{second}"]
        assert not await followed.reflector.wait_for(third, "x", version(made), 0.01), "nobody follows that namespace"


async def test_own_writes_are_seen_before_reading_on(client: ClusterClient, namespace: str) -> None:
    async with following(client, [namespace]) as followed:
        for number in range(20):
            made = await create(client, namespace, f"t{number}")
            assert await followed.reflector.wait_for(namespace, f"t{number}", version(made), 5)
            assert followed.reflector.get(namespace, f"t{number}") is not None
        assert not await followed.reflector.wait_for(namespace, "t0", int(version(made)) + 10**9, 0.05)


async def test_many_waiters_are_each_woken(client: ClusterClient, namespace: str) -> None:
    async with following(client, [namespace]) as followed:

        async def one(number: int) -> bool:
            made = await create(client, namespace, f"t{number}")
            return await followed.reflector.wait_for(namespace, f"t{number}", version(made), 5)

        assert await asyncio.gather(*(one(number) for number in range(40))) == [True] * 40


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
        assert followed.reported() == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]


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


@pytest.mark.parametrize("error", [ValueError, AttributeError, RecursionError, AssertionError])
async def test_object_that_cannot_be_read_is_left_out_and_named(
    client: ClusterClient, namespace: str, error: type[Exception]
) -> None:
    def read(obj: JsonObject) -> str:
        if obj["spec"].get("suspend"):
            raise error("suspended ones are beyond me")
        return str(obj["metadata"]["name"])

    changes: list[Change[str]] = []
    await create(client, namespace, "a")
    reflector = Reflector(client, SKYVERNTASKS, [namespace], "", read, changes.append)
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(reflector.synced.wait(), 10)
    await suspend(client, namespace, "a")
    last = await create(client, namespace, "b")
    assert await reflector.wait_for(namespace, "b", version(last), 5)
    assert list(reflector.values()) == ["b"]
    assert reflector.left_out == {(namespace, "a"): f"{error.__name__}: suspended ones are beyond me"}
    assert [(change.type, change.name) for change in changes] == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]
    await client.delete(SKYVERNTASKS, namespace, "a")
    await until(lambda: not reflector.left_out, 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_change_that_its_receiver_cannot_take_does_not_stop_the_others(
    client: ClusterClient, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def receive(change: Change[Record]) -> None:
        if change.name == "odd":
            raise KeyError("no place for it")
        seen.append(f"{change.type} {change.name}")

    await create(client, namespace, "odd")
    reflector = Reflector(client, SKYVERNTASKS, [namespace], "", Record.of, receive)
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(reflector.synced.wait(), 10)
    await suspend(client, namespace, "odd")
    await create(client, namespace, "even")
    await client.delete(SKYVERNTASKS, namespace, "odd")
    await until(lambda: seen == ["ADDED even"] and len(reflector) == 1, 5)
    assert not running.done()
    assert f"{namespace}/odd: the change was not handled" in caplog.text
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_nothing_to_follow_is_in_sync(client: ClusterClient) -> None:
    async with following(client, []) as followed:
        assert followed.names() == []
