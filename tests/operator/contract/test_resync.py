"""What full lists repair and find out about the watches, against the real API server."""

import asyncio

import pytest

from skyvern_crds.client import SKYVERNTASKS, ClusterClient
from skyvern_operator.errors import DeadWatchError
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import PodLife
from skyvern_operator.state.store import Store
from tests.operator.cluster import Cluster
from tests.operator.examples import a_pod
from tests.operator.watch.parts import Parts

pytestmark = pytest.mark.contract


@pytest.fixture
def store() -> Store:
    return Store(lambda key, *, urgent: None)


@pytest.fixture
def parts(client: ClusterClient, store: Store, namespace: str) -> Parts:
    """A namespace whose watch the test plays."""
    parts = Parts(client, store, namespace)
    parts.stream.opened.set()
    return parts


async def test_watch_that_delivers_nothing_while_lists_show_changes_is_dead(parts: Parts, own_tasks: Cluster) -> None:
    await own_tasks.create()
    with pytest.raises(DeadWatchError, match="nothing was delivered between 4 lists with changes"):
        await asyncio.wait_for(parts.resync.run(), 60)


async def test_watch_that_is_late_and_delivers_is_not_dead(parts: Parts, own_tasks: Cluster) -> None:
    late = await own_tasks.create("late")
    for number in range(6):
        parts.intake.task_event(await own_tasks.create(f"delivered-{number}"), deleted=False)
        await own_tasks.change({"spec": {"suspend": number % 2 == 0}}, "late")
        await parts.resync.compare()
    assert parts.stream.log.missing({late["metadata"]["uid"]: 1}), "it has still not been delivered"


async def test_namespace_that_has_not_been_opened_is_not_judged(parts: Parts, own_tasks: Cluster) -> None:
    await own_tasks.create()
    parts.stream.opened.clear()
    for _ in range(6):
        await parts.resync.compare()


async def test_deletion_that_the_watch_lost_is_repaired_by_the_next_list(
    client: ClusterClient, parts: Parts, store: Store, own_tasks: Cluster
) -> None:
    await own_tasks.create()
    await parts.resync.take_in(parts.stream)
    assert len(store) == 1
    await client.delete(SKYVERNTASKS, own_tasks.namespace, own_tasks.name)
    await parts.resync.compare()
    assert len(store) == 0


async def test_pod_that_came_and_went_unwatched_is_missing(parts: Parts, store: Store, own_tasks: Cluster) -> None:
    task = task_record(await own_tasks.create())
    pod = a_pod(namespace=own_tasks.namespace, name="short-lived", task_uid=task.uid, task_name=task.key.name)
    store.put_task(task)
    store.put_pod(pod)
    await parts.resync.compare()
    assert list(store.pods()) == [pod], "nothing is known before the first list of pods"
    following = asyncio.create_task(parts.pods.run())
    await asyncio.wait_for(parts.pods.synced.wait(), 30)
    await parts.resync.compare()
    following.cancel()
    assert (found := store.pod(task.owner, "short-lived")) is not None
    assert found.life is PodLife.MISSING
