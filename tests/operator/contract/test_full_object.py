"""A task whose runner has filled its object up to the limit of the API server."""

import pytest

from skyvern_crds.client import SKYVERNTASKS, Unavailable
from tests.operator.cluster import Cluster
from tests.operator.conftest import StartOperator
from tests.operator.kubelet import Kubelet, verdict

pytestmark = pytest.mark.contract


async def test_runner_that_fills_its_object_is_stopped_and_frees_its_slot(
    own_tasks: Cluster, own_kubelet: Kubelet, start_operator: StartOperator
) -> None:
    async with start_operator(limits={"maxActive": 1}):
        await own_tasks.create(activeDeadlineSeconds=20)
        pod = await own_tasks.pod()
        await own_kubelet.start(pod)
        await report(own_tasks, "{}")
        await own_tasks.reason("Running")
        await fill(own_tasks)
        await own_tasks.create("next")
        await own_tasks.reason("Canceling", within=150)
        await own_tasks.pod_deleting(pod)
        await own_kubelet.end(pod, message=verdict())
        assert "extractedInformation" not in await own_tasks.phase("completed")
        await own_tasks.pod("next")


async def report(tasks: Cluster, result: str) -> None:
    status = {"lastHeartbeat": "2026-01-01T12:00:00Z", "extractedInformation": result}
    body = {"status": status}
    await tasks.client.merge_patch(SKYVERNTASKS, tasks.namespace, tasks.name, body, subresource="status")


async def fill(tasks: Cluster) -> None:
    """Leave fewer bytes free than any condition takes."""
    least, most = 1_000_000, 2_000_000
    while most - least > 20:
        size = (least + most) // 2
        try:
            await report(tasks, "x" * size)
        except Unavailable:
            most = size
        else:
            least = size
