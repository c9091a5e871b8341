"""Several operators: one leads, the others stand by and take over."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from skyvern_crds.client import LEASES, ClusterClient, JsonObject
from skyvern_operator.errors import SetupError
from skyvern_operator.process.elector import Elector
from skyvern_operator.process.leadership import Timing
from skyvern_operator.process.metrics import Metrics
from tests.operator.cluster import Cluster
from tests.operator.conftest import StartOperator
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess
from tests.waiting import eventually, until

pytestmark = pytest.mark.contract

SHORT = {"enabled": True, "leaseSeconds": 6, "renewSeconds": 5, "retrySeconds": 0.25}
LONG = {"enabled": True, "leaseSeconds": 300, "renewSeconds": 200, "retrySeconds": 0.25}
TIMING = Timing(lease_seconds=4, renew_seconds=3, retry_seconds=0.1)
PATIENT = Timing(lease_seconds=60, renew_seconds=40, retry_seconds=0.1)


async def leader_of(operators: Sequence[OperatorProcess]) -> OperatorProcess:
    """Wait until exactly one of the operators leads; that one."""

    async def leading() -> list[OperatorProcess]:
        return [each for each in operators if await each.metric("skyvern_operator_leader") == 1]

    [leader] = await eventually(leading, lambda found: len(found) == 1, what="one leader", within=60)
    return leader


async def finish(tasks: Cluster, kubelet: Kubelet, names: Sequence[str]) -> None:
    """Play each task's pod to its end, and check that it was the only one."""
    for name in names:
        pod = await tasks.pod(name)
        await kubelet.start(pod)
        await kubelet.end(pod, message=verdict())
    for name in names:
        status = await tasks.phase("completed", name, within=60)
        [only] = await tasks.pods_of(name)
        assert (status["attempt"], status["podUID"]) == (1, only["metadata"]["uid"])


async def test_standby_goes_on_with_the_tasks_of_a_leader_that_was_killed(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    names = [f"task-{number}" for number in range(8)]

    async def pods() -> int:
        return len(await own_tasks.pods())

    # Slow enough that it has most of its work before it when it is killed.
    async with start_operator(leaderElection=SHORT, writes={"qps": 2, "burst": 1}) as leader:
        await leader_of([leader])
        async with start_operator(leaderElection=SHORT) as standby:
            for name in names:
                await own_tasks.create(name)
            await eventually(pods, lambda count: count >= 2, what="the first pods")
            leader.kill()
            await leader_of([standby])
            await finish(own_tasks, own_kubelet, names)


async def test_leader_that_was_stopped_and_resumed_writes_nothing_more_and_stands_by(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    names = [f"task-{number}" for number in range(8)]
    # Its workers wait for their turns to write, one every two seconds, when it is stopped.
    async with start_operator(leaderElection=SHORT, writes={"qps": 0.5, "burst": 1}) as old:
        await leader_of([old])
        async with start_operator(leaderElection=SHORT) as new:
            assert await new.page("/readyz") == (200, "standby\n")
            for name in names:
                await own_tasks.create(name)
            await eventually(own_tasks.pods, bool, what="a first pod")
            written = await old.metric("skyvern_operator_api_writes_total")
            old.pause()
            await leader_of([new])
            await finish(own_tasks, own_kubelet, names)
            old.resume()
            await eventually(
                lambda: old.page("/readyz"), lambda page: page == (200, "standby\n"), what="the old leader stands by"
            )
            # One more may have gone out between the look and the stop.
            assert await old.metric("skyvern_operator_api_writes_total") <= written + 1
            assert await asyncio.to_thread(new.stop) == 0
        await leader_of([old])
        await own_tasks.create("later")
        await finish(own_tasks, own_kubelet, ["later"])


async def test_leader_that_ends_hands_over_long_before_its_lease_runs_out(
    start_operator: StartOperator, own_tasks: Cluster
) -> None:
    async with start_operator(leaderElection=LONG) as first:
        await leader_of([first])
        async with start_operator(leaderElection=LONG) as second:
            assert await asyncio.to_thread(first.stop) == 0
            assert await leader_of([second]) is second
            await own_tasks.create()
            await own_tasks.pod()


async def wait_for_ever() -> None:
    """The work of a candidate without tasks."""
    await asyncio.Event().wait()


@asynccontextmanager
async def campaigning(client: ClusterClient, namespace: str, name: str, timing: Timing) -> AsyncIterator[Elector]:
    """A candidate whose work is to wait."""
    elector = Elector(client, Metrics(), timing, namespace=namespace, name="lease", identity=name)
    task = asyncio.create_task(elector.run(wait_for_ever))
    try:
        yield elector
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def holder(client: ClusterClient, namespace: str) -> object:
    """Who holds the Lease of the candidates."""
    lease: JsonObject = await client.get(LEASES, namespace, "lease")
    return lease["spec"]["holderIdentity"]


async def test_lease_that_is_deleted_stays_with_its_leader(
    client: ClusterClient, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with campaigning(client, namespace, "first", PATIENT) as first:
        await until(lambda: first.leads, what="the first leads")
        async with campaigning(client, namespace, "second", PATIENT):
            await until(lambda: "standing by for first" in caplog.text, what="the second has seen the Lease")
            await client.delete(LEASES, namespace, "lease")

            async def known() -> list[JsonObject]:
                return [lease async for page in client.list_pages(LEASES, namespace) for lease in page.items]

            [lease] = await eventually(known, bool, what="the Lease made again")
            assert lease["spec"]["holderIdentity"] == "first"


async def test_leader_yields_to_a_name_that_was_written_over_its_own(client: ClusterClient, namespace: str) -> None:
    async with campaigning(client, namespace, "first", TIMING) as first:
        await until(lambda: first.leads, what="it leads")
        await client.merge_patch(LEASES, namespace, "lease", {"spec": {"holderIdentity": "person"}})
        await until(lambda: not first.leads, what="it has stepped down")
        await until(lambda: first.leads, 60, what="it leads again once the other's time is over")
        lease = await client.get(LEASES, namespace, "lease")
        assert lease["spec"]["leaseTransitions"] == 1
    assert await holder(client, namespace) == ""


async def test_lease_out_of_reach_is_named_with_the_remedy(client: ClusterClient) -> None:
    elector = Elector(client, Metrics(), TIMING, namespace="nowhere", name="lease", identity="me")
    with pytest.raises(SetupError, match=r"nowhere/lease is out of reach: .*leaderElection.enabled"):
        await elector.run(wait_for_ever)
