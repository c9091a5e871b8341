"""One namespace's trouble is never another's: forbidden and deleted ones beside one that works."""

from pathlib import Path

import pytest

from skyvern_crds.client import ClusterClient
from tests.cluster import ControlPlane
from tests.crds.client.faults import FaultProxy
from tests.operator.accounts import OperatorAccount
from tests.operator.cluster import Cluster
from tests.operator.conftest import NAMESPACES, make_namespace
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess, running_operator
from tests.waiting import eventually

pytestmark = pytest.mark.contract

SLOW = 120.0
"""Seconds: a namespace that comes back is noticed after a pause of up to 30 s for its pods, and for its tasks."""


@pytest.fixture
async def account(client: ClusterClient) -> OperatorAccount:
    """The operator's account, without rights yet."""
    account = OperatorAccount(client, await make_namespace(client))
    await account.make()
    return account


async def complete(client: ClusterClient, namespace: str, name: str) -> None:
    """Create a task, play its pod and wait for its end."""
    tasks, kubelet = Cluster(client, namespace, name), Kubelet(client, namespace)
    await tasks.create()
    await tasks.status(lambda status: status.get("podUID"), f"a pod in {namespace}", within=SLOW)
    pod = await tasks.pod()
    await kubelet.start(pod)
    await kubelet.end(pod, message=verdict())
    await tasks.phase("completed", within=SLOW)


async def unavailable(operator: OperatorProcess, count: int) -> None:
    """Wait until so many namespaces are counted as unavailable."""
    await eventually(
        lambda: operator.metric("skyvern_operator_namespaces_unavailable"),
        lambda found: found == count,
        what=f"{count} namespaces unavailable",
        within=SLOW,
    )


async def test_namespace_without_its_role_stops_no_other_and_comes_back(
    served: ControlPlane, client: ClusterClient, account: OperatorAccount, tmp_path: Path
) -> None:
    sound, late = await make_namespace(client), await make_namespace(client)
    await account.grant(sound)
    config = account.kubeconfig(served, tmp_path)
    async with running_operator(tmp_path, config, f"{late},{sound}", release_namespace=account.home) as operator:
        await unavailable(operator, 1)
        await complete(client, sound, "beside-a-forbidden-one")
        await account.grant(late)
        await complete(client, late, "after-its-role-came")
        await unavailable(operator, 0)
        assert operator.process.poll() is None
        assert (await operator.page("/readyz"))[0] == 200


async def test_deleted_namespace_and_taken_role_stop_no_other_while_the_operator_runs(
    served: ControlPlane, client: ClusterClient, account: OperatorAccount, tmp_path: Path
) -> None:
    sound, forbidden, doomed = [await make_namespace(client) for _ in range(3)]
    for namespace in (sound, forbidden, doomed):
        await account.grant(namespace)
    names = f"{doomed},{forbidden},{sound}"
    async with FaultProxy(served, own_credentials=True) as proxy:
        config = account.kubeconfig(served, tmp_path, proxy.url)
        async with running_operator(tmp_path, config, names, release_namespace=account.home) as operator:
            await complete(client, forbidden, "before")
            await Cluster(client, doomed, "caught").create()
            await client.delete(NAMESPACES, None, doomed)
            await account.revoke(forbidden)
            served.run_kubectl("wait", "--for=delete", f"namespace/{doomed}", "--timeout=120s")
            proxy.cut()  # rights are checked when a watch begins
            await unavailable(operator, 2)
            await complete(client, sound, "beside-both")
            await account.grant(forbidden)
            await complete(client, forbidden, "after-its-role-came-back")
            await unavailable(operator, 1)
            assert operator.process.poll() is None
        async with running_operator(tmp_path, config, names, release_namespace=account.home) as operator:
            await unavailable(operator, 1)
            await complete(client, sound, "after-a-restart")
            assert operator.process.poll() is None
