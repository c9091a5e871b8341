"""Pods that are taken away: evicted, preempted, deleted."""

import json
from collections.abc import Sequence

from skyvern_crds.client import JsonObject
from skyvern_crds.vocabulary import LABEL_TASK_UID
from tests.cluster.node.layout import PAUSE_IMAGE
from tests.e2e.failures.release import HIGH, SEAT
from tests.e2e.failures.row import Row, Scene

RIVAL = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "rival"},
    "spec": {
        "priorityClassName": HIGH,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "pause",
                "image": PAUSE_IMAGE,
                "resources": {"requests": {SEAT: "1"}, "limits": {SEAT: "1"}},
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    },
}


async def evict(scene: Scene, pod: str) -> None:
    """Evict a pod through the API."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": scene.namespace},
    }
    path = f"/api/v1/namespaces/{scene.namespace}/pods/{pod}/eviction"
    await scene.do("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


async def ungate(scene: Scene, pod: str) -> None:
    """Do what a queue does when a pod's turn has come."""
    patch = [{"op": "remove", "path": "/spec/schedulingGates"}]
    await scene.do("patch", "pod", pod, "--type=json", "-p", json.dumps(patch))


async def evicted_early(scene: Scene) -> Sequence[JsonObject]:
    """A pod is evicted before it was scheduled; the next one is not."""
    await scene.told(await scene.begin("gated-evicted"), "SchedulingGated")
    await evict(scene, await scene.pod_named("gated-evicted"))
    first = await scene.told("gated-evicted", "InfraRetry")
    await scene.told("gated-evicted", "SchedulingGated")
    await ungate(scene, await scene.pod_named("gated-evicted"))
    return [first, await scene.end("gated-evicted")]


async def evicted_at_last(scene: Scene) -> Sequence[JsonObject]:
    """A pod is evicted before it was scheduled, and no retry is left."""
    await scene.told(await scene.begin("gated-last", infraRetries=0), "SchedulingGated")
    await evict(scene, await scene.pod_named("gated-last"))
    return [await scene.end("gated-last")]


async def deleted_early(scene: Scene) -> Sequence[JsonObject]:
    """A pod is deleted before it was scheduled; the next one is not."""
    await scene.told(await scene.begin("gated-deleted"), "SchedulingGated")
    await scene.do("delete", "pod", await scene.pod_named("gated-deleted"))
    first = await scene.told("gated-deleted", "InfraRetry")
    await scene.told("gated-deleted", "SchedulingGated")
    await ungate(scene, await scene.pod_named("gated-deleted"))
    return [first, await scene.end("gated-deleted")]


async def gated(scene: Scene) -> Sequence[JsonObject]:
    """A queue holds a pod for longer than the start deadline, and then lets it go."""
    await scene.told(await scene.begin("gated", startDeadlineSeconds=10), "SchedulingGated")
    first = await scene.still_after("gated", 11)
    await ungate(scene, await scene.pod_named("gated"))
    return [first, await scene.end("gated")]


async def evicted(scene: Scene) -> Sequence[JsonObject]:
    """A pod is evicted while its agent works."""
    await evict(scene, await scene.busy(await scene.begin("evicted", working=True)))
    return [await scene.end("evicted")]


async def deleted(scene: Scene) -> Sequence[JsonObject]:
    """Somebody deletes the pod while its agent works."""
    pod = await scene.busy(await scene.begin("deleted", working=True))
    await scene.do("delete", "pod", pod, "--wait=false")
    return [await scene.end("deleted")]


async def preempted(scene: Scene) -> Sequence[JsonObject]:
    """A pod of a higher priority needs what the task's pod has."""
    await scene.busy(await scene.begin("preempted", working=True, profile="seated"))
    await scene.do("apply", "-f", "-", stdin=json.dumps(RIVAL))
    try:
        return [await scene.end("preempted")]
    finally:
        await scene.do("delete", "pod", "rival", "--wait=false")


async def drained(scene: Scene) -> Sequence[JsonObject]:
    """The node is drained of the task's pod while its agent works."""
    await scene.busy(await scene.begin("drained", working=True))
    uid = (await scene.task("drained"))["metadata"]["uid"]
    node = (await scene.do("get", "nodes", "-o", "name")).strip()
    selector = f"--pod-selector={LABEL_TASK_UID}={uid}"
    try:
        await scene.do("drain", node, selector, "--delete-emptydir-data", "--timeout=120s")
    finally:
        await scene.do("uncordon", node)
    return [await scene.end("drained")]


ROWS = (
    Row(
        "the pod is evicted before the agent started",
        "an Eviction while a gate holds the pod",
        evicted_early,
        ("queued", "InfraRetry"),
        ("attempt 1 ended before the agent started",),
        ends=("completed", "Completed"),
        attempts=2,
    ),
    Row(
        "the same, with no retry left",
        "the same with `infraRetries: 0`",
        evicted_at_last,
        ("failed", "Evicted"),
        ("attempt 1 was the last",),
    ),
    Row(
        "the pod is evicted while the agent works",
        "an Eviction",
        evicted,
        ("failed", "Evicted"),
        ("EvictionByEvictionAPI",),
    ),
    Row(
        "the pod is deleted before the agent started",
        "`kubectl delete pod` while a gate holds it",
        deleted_early,
        ("queued", "InfraRetry"),
        ("was deleted",),
        ends=("completed", "Completed"),
        attempts=2,
    ),
    Row(
        "the pod is deleted while the agent works",
        "`kubectl delete pod`",
        deleted,
        ("failed", "PodDeleted"),
        ("was deleted",),
    ),
    Row(
        "a pod of higher priority takes the place",
        "a pod that needs the same extended resource, of which there is one",
        preempted,
        ("failed", "Preempted"),
        ("PreemptionByScheduler", "higher priority"),
    ),
    Row(
        "a queue (Kueue) holds the pod for longer than the start deadline",
        "an admission policy that adds a scheduling gate, `startDeadlineSeconds: 10`",
        gated,
        ("queued", "SchedulingGated"),
        ("held by a scheduling gate",),
        ends=("completed", "Completed"),
    ),
)
DRAINED = Row(
    "the node is drained while the agent works",
    "`kubectl drain`",
    drained,
    ("failed", "Evicted"),
    ("EvictionByEvictionAPI",),
)
