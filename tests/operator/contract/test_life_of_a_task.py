"""The life of a task under a running operator and a real API server; the test plays the kubelet."""

from typing import Any

import pytest

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient
from skyvern_crds.runner_contract import ExitCode
from skyvern_crds.vocabulary import MANAGER_RUNNER, Phase, Reason
from skyvern_operator.state.names import pod_name
from tests.cluster import ControlPlane
from tests.operator.cluster import Cluster, condition, reason_of
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess
from tests.waiting import eventually

pytestmark = pytest.mark.contract

MANIFEST = """
apiVersion: skyvern.io/v1
kind: SkyvernTask
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{url: "https://jobs.example.com/apply", navigationGoal: Apply for a job, navigationPayload: {{name: Chris}}}}
"""


async def test_task_applied_with_kubectl_gets_a_pod_runs_and_completes(
    served: ControlPlane, tasks: Cluster, kubelet: Kubelet
) -> None:
    manifest = MANIFEST.format(name=tasks.name, namespace=tasks.namespace)
    served.run_kubectl("apply", "-f", "-", input=manifest)
    pod = await tasks.pod()
    assert reason_of(await tasks.phase("queued")) == "Pending"
    await kubelet.start(pod)
    status = await tasks.phase("running")
    assert status["startedAt"]
    assert condition(status, "BrowserReady")["status"] == "True"
    await kubelet.end(pod, message=verdict())
    status = await tasks.phase("completed")
    assert status["finishedAt"]
    assert condition(status, "Succeeded")["status"] == "True"
    assert [found["metadata"]["name"] for found in await tasks.pods_of()] == [pod]


async def test_report_of_the_runner_makes_the_task_running_and_stays(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.reason("Starting")
    await report(tasks, {"stepCount": 1, "currentUrl": "https://jobs.example.com/done"})
    await tasks.reason("Running")
    await kubelet.end(pod, message=verdict())
    status = await tasks.phase("completed")
    assert status["currentUrl"] == "https://jobs.example.com/done"


@pytest.mark.parametrize(
    ("end", "phase", "reason"),
    [
        ((0, verdict(Phase.TERMINATED, Reason.TERMINATED, "closed"), "Completed"), "terminated", "Terminated"),
        ((0, verdict(Phase.FAILED, Reason.MODEL_FAILED, "no key"), "Completed"), "failed", "ModelFailed"),
        ((1, "", "Error"), "failed", "AgentFailed"),
        ((137, "", "OOMKilled"), "failed", "OutOfMemory"),
        ((0, "gibberish", "Completed"), "failed", "ResultMissing"),
    ],
)
async def test_end_of_the_runner_decides_phase_and_reason(
    tasks: Cluster, kubelet: Kubelet, end: tuple[int, str, str], phase: str, reason: str
) -> None:
    exit_code, message, container_reason = end
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await kubelet.end(pod, exit_code, message, container_reason)
    status = await tasks.phase(phase)
    assert reason_of(status) == reason
    assert status["failure"]["reason"] == reason
    assert status["failure"]["exitCode"] == exit_code
    assert status["failureReason"]


async def test_task_canceled_before_its_start_ends_canceled(tasks: Cluster) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await tasks.cancel()
    await tasks.phase("canceled")
    await tasks.pod_gone(pod)


async def test_task_canceled_without_a_pod_ends_canceled(tasks: Cluster) -> None:
    await tasks.create(suspend=True)
    assert condition(await tasks.phase("queued"), "Admitted")["reason"] == "Suspended"
    await tasks.cancel()
    status = await tasks.phase("canceled")
    assert "podName" not in status


async def test_task_canceled_while_running_ends_when_the_runner_has_stopped(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.phase("running")
    await tasks.cancel()
    await tasks.reason("Canceling")
    await tasks.pod_deleting(pod)
    stopped = verdict(Phase.CANCELED, Reason.CANCELED, "stopped before the next action")
    await kubelet.end(pod, ExitCode.STOPPED, stopped, "Error")
    await tasks.phase("canceled")
    await kubelet.remove(pod)
    await tasks.pod_gone(pod)


async def test_pod_deleted_while_running_fails_the_task(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.phase("running")
    await kubelet.remove(pod)
    assert reason_of(await tasks.phase("failed")) == "PodDeleted"
    assert await tasks.pods_of() == []


async def test_pod_that_the_node_refuses_is_replaced(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    first = await tasks.pod()
    await kubelet.bind(first)
    await kubelet.evict(first, "OutOfcpu", "the node has no room")
    second = await tasks.pod(attempt=2)
    await kubelet.start(second)
    await kubelet.end(second, message=verdict())
    status = await tasks.phase("completed")
    assert (status["attempt"], status["podName"]) == (2, second)


async def test_attempts_are_bounded(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create(infraRetries=0)
    pod = await tasks.pod()
    await kubelet.evict(pod, "Evicted", "low on memory")
    assert reason_of(await tasks.phase("failed")) == "Evicted"


async def test_image_that_is_late_is_waited_for(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.wait(pod, "ImagePullBackOff", "not found")
    status = await tasks.status(
        lambda status: "image" in condition(status, "Succeeded").get("message", ""), "a message about the image"
    )
    assert reason_of(status) == "Pending"


async def test_active_deadline_stops_the_runner(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create(activeDeadlineSeconds=10)
    pod = await tasks.pod()
    await kubelet.start(pod)
    await tasks.phase("running")
    await tasks.reason("Canceling", within=25)
    await tasks.pod_deleting(pod)
    await kubelet.end(pod, ExitCode.STOPPED, reason="Error")
    assert reason_of(await tasks.phase("timed_out")) == "DeadlineExceeded"


async def test_deleted_task_takes_its_pod_along(
    client: ClusterClient, tasks: Cluster, operator: OperatorProcess
) -> None:
    await tasks.create()
    pod = await tasks.pod()
    held = await operator.metric("skyvern_operator_slots_used")
    await client.delete(SKYVERNTASKS, tasks.namespace, tasks.name)
    await tasks.pod_gone(pod)

    async def slots() -> float:
        return await operator.metric("skyvern_operator_slots_used")

    await eventually(slots, lambda used: used == held - 1, what="slot released")


async def test_foreign_pod_of_the_same_name_is_a_conflict(client: ClusterClient, tasks: Cluster) -> None:
    task = await tasks.create(suspend=True)
    name = pod_name(tasks.name, task["metadata"]["uid"], 1)
    await client.create(PODS, tasks.namespace, foreign_pod(name))
    await tasks.change({"spec": {"suspend": False}})
    status = await tasks.phase("failed")
    assert reason_of(status) == "NameConflict"
    assert name in status["failureReason"]


async def test_unknown_profile_is_named(tasks: Cluster) -> None:
    await tasks.create(profile="huge")
    status = await tasks.phase("failed")
    assert reason_of(status) == "SpecInvalid"
    assert "huge" in status["failureReason"]


async def test_cancellation_of_an_ended_task_changes_nothing(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await kubelet.end(pod, message=verdict())
    before = await tasks.phase("completed")
    await tasks.cancel()
    await report(tasks, {"stepCount": 3})
    after = await tasks.status(lambda status: status.get("stepCount") == 3, "late report")
    assert {**after, "stepCount": None} == {**before, "stepCount": None}


async def test_operator_leaves_no_annotation_and_no_finalizer(tasks: Cluster, kubelet: Kubelet) -> None:
    await tasks.create()
    pod = await tasks.pod()
    await kubelet.start(pod)
    await kubelet.end(pod, message=verdict())
    await tasks.phase("completed")
    for obj in [await tasks.task(), *await tasks.pods_of()]:
        assert "finalizers" not in obj["metadata"]
        assert not [key for key in obj["metadata"].get("annotations", {}) if "kopf" in key]


def foreign_pod(name: str) -> dict[str, Any]:
    """A pod of somebody else that the restricted level lets through."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "metadata": {"name": name},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "other", "image": "example.test/other:1", "securityContext": security}],
        },
    }


async def report(tasks: Cluster, fields: dict[str, Any]) -> None:
    """What the runner does."""
    body = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "status": fields}
    await tasks.client.apply(
        SKYVERNTASKS, tasks.namespace, tasks.name, body, field_manager=MANAGER_RUNNER, subresource="status"
    )
