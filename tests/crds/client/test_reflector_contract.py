"""The reflector against the real API server: what it reports, keeps and leaves out."""

import asyncio
import uuid

import pytest

from skyvern_crds.client import (
    SKYVERNTASKS,
    Change,
    ClusterClient,
    JsonObject,
    Reflector,
)
from tests.crds.client.faults import FaultProxy
from tests.crds.client.following import LABEL, Record, create, following, suspend, version
from tests.crds.conftest import NAMESPACES
from tests.waiting import until

pytestmark = pytest.mark.contract


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
        assert deletion.last == followed.changes[2].new, "the watch delivered the object's last state"
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
