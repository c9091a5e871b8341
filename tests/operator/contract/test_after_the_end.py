"""What remains of ended tasks, and what is removed when, under a real API server."""

import pytest

from skyvern_crds import wire
from skyvern_crds.client import SKYVERNTASKS
from skyvern_crds.rest.archive import record_key
from skyvern_crds.vocabulary import ANNOTATION_RETRY_WEBHOOK
from tests.operator.cluster import Cluster, condition
from tests.operator.conftest import StartOperator
from tests.operator.facade import Facade
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.receiver import Receiver
from tests.waiting import eventually

pytestmark = pytest.mark.contract


async def test_pods_and_surplus_tasks_are_removed_and_the_others_stay_whole(
    start_operator: StartOperator,
    own_tasks: Cluster,
    own_kubelet: Kubelet,
    receiver: Receiver,
    facade: Facade,
) -> None:
    limits = {"maxActive": None, "maxEndedPerNamespace": 2}
    async with start_operator(limits=limits, endedPodSeconds=0, artifactsUrl=facade.url) as operator:
        for name in ("first", "second", "third"):
            await own_tasks.create(name, webhookCallbackUrl=receiver.url)
            pod = await own_tasks.pod(name)
            await own_kubelet.start(pod)
            await own_kubelet.end(pod, message=verdict())
            await own_tasks.status(
                lambda status: status.get("webhook", {}).get("state") == "Delivered", "webhook delivered", name
            )
            await own_tasks.pod_deleting(pod)

        async def names() -> set[str]:
            pages = own_tasks.client.list_pages(SKYVERNTASKS, own_tasks.namespace)
            return {task["metadata"]["name"] async for page in pages for task in page.items}

        # Ends are told in whole seconds, so either of the first two can be the oldest.
        left = await eventually(names, lambda found: len(found) == 2, what="one task removed")
        kept = left.pop()

        # The operator keeps little of an ended task. Another delivery must not write that little over the whole.
        await own_tasks.change({"metadata": {"annotations": {ANNOTATION_RETRY_WEBHOOK: "again"}}}, kept)
        status = await own_tasks.status(
            lambda status: (
                status["webhook"].get("retryRequested") == "again" and status["webhook"]["state"] == "Delivered"
            ),
            "delivered again",
            kept,
        )
        assert condition(status, "Succeeded")["message"]
        assert condition(status, "Admitted")["status"] == "True"
        assert status["startedAt"]
        assert await operator.metric("skyvern_operator_api_writes_total", verb="delete", resource="skyverntasks") == 1


async def test_task_is_removed_after_its_time_to_live_once_its_final_record_is_stored(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, facade: Facade
) -> None:
    facade.refusals = 1
    async with start_operator(artifactsUrl=facade.url) as operator:
        task = await own_tasks.create(ttlSecondsAfterFinished=1)
        pod = await own_tasks.pod()
        await own_kubelet.start(pod)
        await own_kubelet.end(pod, message=verdict())

        async def failures() -> float:
            return await operator.metric("skyvern_operator_reconcile_errors_total", error="ArchiveError")

        await eventually(failures, lambda count: count >= 1, what="the facade's refusal counted")
        status = await own_tasks.phase("completed")  # the task is still there

        async def names() -> list[str]:
            pages = own_tasks.client.list_pages(SKYVERNTASKS, own_tasks.namespace)
            return [task["metadata"]["name"] async for page in pages for task in page.items]

        await eventually(names, lambda found: not found, what="task removed", within=60)
        await own_tasks.pod_deleting(pod)
    record = wire.loads(facade.files[record_key(own_tasks.namespace, own_tasks.name, task["metadata"]["uid"])])
    assert record["spec"] == task["spec"]
    assert record["status"] == status
    assert [set(each) for each in record["metadata"]["managedFields"]] == [{"time"}]
