"""What the first list and later ones find, and what they say about the cluster."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skyvern_crds.client import ClusterClient
from skyvern_operator.errors import RestoredError, SetupError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.store import Store
from skyvern_operator.watch.watches import Patience, Watches
from tests.operator.watch.lists import Lists
from tests.operator.watch.parts import Parts
from tests.waiting import until


@pytest.fixture
async def lists() -> AsyncIterator[Lists]:
    async with Lists() as lists:
        yield lists


@pytest.fixture
async def client(lists: Lists, tmp_path: Path) -> AsyncIterator[ClusterClient]:
    async with await ClusterClient.connect(lists.kubeconfig(tmp_path)) as client:
        yield client


@pytest.fixture
def store() -> Store:
    return Store(lambda key, *, urgent: None)


@pytest.fixture
def parts(client: ClusterClient, store: Store) -> Parts:
    parts = Parts(client, store, "jobs")
    parts.stream.opened.set()
    return parts


def watches_of(client: ClusterClient, store: Store, *namespaces: str, patience: Patience | None = None) -> Watches:
    return Watches(client, store, Metrics(), namespaces, resync_seconds=3600, patience=patience)


async def test_list_older_than_the_last_one_is_a_restored_cluster(lists: Lists, parts: Parts) -> None:
    await parts.resync.compare()
    lists.version = 90
    with pytest.raises(RestoredError, match="a list is of version 90, after one of 100"):
        await parts.resync.compare()


async def test_task_older_than_it_was_is_a_restored_cluster(lists: Lists, parts: Parts) -> None:
    lists.tasks["jobs", "apply"] = 95
    await parts.resync.compare()
    lists.version, lists.tasks["jobs", "apply"] = 120, 80  # so much has been written since that the list looks new
    with pytest.raises(RestoredError, match="jobs/apply was at 95 before version 120, and is older now"):
        await parts.resync.compare()


async def test_task_that_is_newer_in_the_store_than_in_the_list_is_no_restored_cluster(
    lists: Lists, parts: Parts, store: Store
) -> None:
    lists.tasks["jobs", "apply"] = 105
    lists.version = 110
    await parts.resync.compare()
    lists.tasks["jobs", "apply"], lists.version = 95, 100
    other = Parts(parts.client, store, "jobs")  # its list began before the other one, and was slow
    other.stream.opened.set()
    await other.resync.compare()
    assert [task.version for task in store.tasks()] == [105]


async def test_pods_older_than_they_were_are_a_restored_cluster(lists: Lists, parts: Parts) -> None:
    for version in (100, 90):
        lists.version = version
        following = asyncio.create_task(parts.pods.run())
        stream = parts.pods.streams["jobs"]
        await until(lambda: stream.position == version, 30)  # noqa: B023 - awaited at once
        following.cancel()
        assert parts.pods.restored.is_set() == (version == 90)


async def test_start_takes_the_namespaces_that_answer_and_the_others_later(
    lists: Lists, client: ClusterClient, store: Store
) -> None:
    lists.tasks = {("a", "one"): 1, ("b", "two"): 2}
    lists.forbidden = {"b"}
    async with watches_of(client, store, "a", "b") as watches:
        assert watches.not_ready() == "the first list is not complete"
        await watches.first()
        assert [task.key.name for task in store.tasks()] == ["one"]
        assert watches.not_ready() is None
        assert list(watches.troubles()) == ["b: no Role (403 Forbidden)"]
        assert watches.state().unavailable == {"Forbidden": 1}
        lists.forbidden = set()
        await until(lambda: len(store) == 2, 60, "the namespace that came back")
        await until(lambda: watches.state().unavailable == {}, 60)


async def test_start_without_any_namespace_that_answers_is_not_ready(
    lists: Lists, client: ClusterClient, store: Store
) -> None:
    lists.forbidden = {"a", "b"}
    async with watches_of(client, store, "a", "b") as watches:
        await watches.first()
        assert watches.not_ready() == (
            "no namespace can be read: a: no Role (403 Forbidden); b: no Role (403 Forbidden)"
        )


async def test_start_waits_for_a_list_of_many_objects_as_long_as_it_goes_on(
    lists: Lists, client: ClusterClient, store: Store
) -> None:
    lists.tasks = {("a", "one"): 1}
    lists.gates = [asyncio.Event(), asyncio.Event()]
    lists.gates[0].set()
    async with watches_of(client, store, "a", patience=Patience(start=(0.0,))) as watches:
        starting = asyncio.create_task(watches.first())
        await until(lambda: lists.page == 1 or starting.done(), 30, "the second page asked for")
        lists.gates[1].set()
        await starting
        assert watches.not_ready() is None


async def test_start_gives_a_server_up_that_does_not_answer(lists: Lists, client: ClusterClient, store: Store) -> None:
    lists.gates = [asyncio.Event()]
    async with watches_of(client, store, "a", patience=Patience(start=(0.01,), page=0.05)) as watches:
        with pytest.raises(SetupError, match="unavailable: it does not answer"):
            await watches.first()


async def test_cluster_without_the_crd_is_named_even_if_no_namespace_can_be_read(
    lists: Lists, client: ClusterClient, store: Store
) -> None:
    lists.forbidden, lists.kinds = {"a"}, ["others"]
    async with watches_of(client, store, "a") as watches:
        with pytest.raises(SetupError, match="install the CRD"):
            await watches.first()
