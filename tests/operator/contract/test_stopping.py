"""Pods that are taken away before their runner has started: what is told, what follows, and what a crash changes."""

import pytest

from skyvern_crds.client import PODS, ClusterClient
from skyvern_crds.runner_contract import ExitCode
from skyvern_crds.vocabulary import ANNOTATION_CANCEL, LABEL_MANAGED_BY, TERMINAL_PHASES
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.slots.creation_gate import CreationGate
from skyvern_operator.errors import StaleRecordError
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.names import pod_name
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import PodLife, TaskKey
from skyvern_operator.state.store import Store
from tests.operator.cluster import Cluster, condition, reason_of
from tests.operator.conftest import StartOperator
from tests.operator.kubelet import Kubelet, verdict

pytestmark = pytest.mark.contract


async def test_start_deadline_is_told_once_the_pod_is_gone(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create(startDeadlineSeconds=10)
    pod = await tasks.pod()
    await kubelet.bind(pod)  # from here on its deletion waits for the kubelet
    status = await tasks.reason("Stopping", within=60)
    assert status["phase"] == "queued"
    assert condition(status, "Stopping")["reason"] == "StartDeadlineExceeded"
    await tasks.pod_deleting(pod)
    assert (await tasks.task())["status"]["phase"] == "queued"
    await kubelet.remove(pod)
    status = await tasks.phase("timed_out")
    assert reason_of(status) == "StartDeadlineExceeded"
    assert condition(status, "Stopping") == {}


async def test_suspend_takes_a_pending_pod_away_and_resume_brings_another(
    own_tasks: Cluster, own_kubelet: Kubelet, start_operator: StartOperator
) -> None:
    async with start_operator() as operator:
        await own_tasks.create(infraRetries=0)
        first = await own_tasks.pod()
        await own_kubelet.bind(first)
        await own_tasks.change({"spec": {"suspend": True}})
        status = await own_tasks.reason("Suspending")
        assert status["phase"] == "queued"
        await own_tasks.pod_deleting(first)
        operator.kill()
    await own_kubelet.remove(first)  # nobody sees it end
    async with start_operator():
        status = await own_tasks.reason("Queued")
        assert condition(status, "Admitted")["reason"] == "Suspended"
        await own_tasks.change({"spec": {"suspend": False}})
        second = await own_tasks.pod(attempt=2)
        await own_kubelet.start(second)
        await own_kubelet.end(second, message=verdict())
        await own_tasks.phase("completed")


async def test_cancellation_that_is_withdrawn_after_it_was_told_holds(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.phase("running")
    await tasks.cancel()
    await tasks.reason("Canceling")
    await tasks.pod_deleting(pod)
    await tasks.change({"metadata": {"annotations": {ANNOTATION_CANCEL: None}}})
    await kubelet.end(pod, ExitCode.STOPPED, reason="Error")
    assert reason_of(await tasks.phase("canceled")) == "Canceled"


async def test_pod_that_has_changed_is_looked_at_again_and_not_deleted(
    client: ClusterClient, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    obj = await own_tasks.create()
    task, store = task_record(obj), Store(ignore)
    config = OperatorConfig.model_validate({"images": {"browser": "b", "runner": "r"}})
    gate = CreationGate(lambda key: None, quota_retry_seconds=15)
    writer = Writer(TokenBucket(100, 100), Metrics(), SoleOperator(Metrics()).check)
    actions = PodActions(client, writer, store, gate, config)
    await actions.create(task, 1, obj)
    name = pod_name(task.key.name, task.uid, 1)
    before = store.pod(task.owner, name)
    assert before is not None
    await own_kubelet.start(name)
    with pytest.raises(StaleRecordError):
        await actions.delete(task, name, before.uid, before.version)
    seen = store.pod(task.owner, name)
    assert seen is not None
    assert (seen.life, seen.runner.started) == (PodLife.LIVE, True)
    await actions.delete(task, name, seen.uid, seen.version)
    await own_tasks.pod_deleting(name)


async def test_pod_that_lost_its_label_is_not_taken_for_gone(
    client: ClusterClient, tasks: Cluster, kubelet: Kubelet
) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.phase("running")
    await client.merge_patch(PODS, tasks.namespace, pod, {"metadata": {"labels": {LABEL_MANAGED_BY: None}}})
    await kubelet.end(pod, message=verdict())
    status = await tasks.status(lambda status: status.get("phase") in TERMINAL_PHASES, "an end", within=60)
    assert reason_of(status) == "Completed"


async def test_second_pod_of_a_task_is_deleted(client: ClusterClient, tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.phase("running")
    copy = await client.get(PODS, tasks.namespace, pod)
    meta = {key: copy["metadata"][key] for key in ("labels", "annotations", "ownerReferences")}
    spec = {key: value for key, value in copy["spec"].items() if key != "nodeName"}
    await client.create(PODS, tasks.namespace, {"metadata": {"name": f"{pod}-copy", **meta}, "spec": spec})
    await tasks.pod_gone(f"{pod}-copy")
    await kubelet.end(pod, message=verdict())
    await tasks.phase("completed")


def ignore(key: TaskKey, *, urgent: bool) -> None:
    """Nobody waits for these changes."""
