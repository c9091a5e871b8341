"""Pods that the API server does not take, and an operator that is killed when it has created one."""

import asyncio
import json
from collections.abc import Sequence

from skyvern_crds.client import JsonObject
from tests.e2e.failures.release import BARE_NAMESPACE, CONFIG_ERROR_SECONDS, DOOMED_NAMESPACE, QUOTA_NAMESPACE
from tests.e2e.failures.row import ROW_SECONDS, Row, Scene
from tests.waiting import eventually

MUTE = "skyvern-failures-mute"
"""A policy that keeps everybody from writing the status of one task."""
WRITE = '{"status": {"queuedAt": "2026-01-01T00:00:00Z"}}'


async def quota(scene: Scene) -> Sequence[JsonObject]:
    """A quota is used up, and then lifted."""
    there = scene.within(QUOTA_NAMESPACE)
    await there.do("create", "quota", "none", "--hard=pods=0")
    try:
        await there.do("wait", "quota/none", "--for=jsonpath={.status.hard.pods}=0", f"--timeout={ROW_SECONDS:g}s")
        first = await there.told(await there.begin("quota"), "QuotaExceeded")
    finally:
        await there.do("delete", "quota", "none")
    return [first, await there.end("quota")]


async def service_account(scene: Scene) -> Sequence[JsonObject]:
    """The service account of the tasks' pods is missing."""
    there = scene.within(BARE_NAMESPACE)
    await there.do("delete", "serviceaccount", "skyvern-task", "--ignore-not-found")
    return [await there.end(await there.begin("no-account"))]


async def priority_class(scene: Scene) -> Sequence[JsonObject]:
    """The profile's priority class is missing."""
    return [await scene.end(await scene.begin("no-priority", profile="absent-priority"))]


async def runtime_class(scene: Scene) -> Sequence[JsonObject]:
    """The profile's runtime class is missing."""
    return [await scene.end(await scene.begin("no-runtime", profile="absent-runtime"))]


async def denied(scene: Scene) -> Sequence[JsonObject]:
    """A policy denies the pod."""
    return [await scene.end(await scene.begin("denied", profile="denied"))]


async def refused(scene: Scene) -> Sequence[JsonObject]:
    """A webhook denies the pod."""
    return [await scene.end(await scene.begin("refused", profile="refused"))]


async def unasked(scene: Scene) -> Sequence[JsonObject]:
    """A webhook that must be asked is down."""
    name = await scene.begin("unasked", profile="unasked", startDeadlineSeconds=10)
    return [await scene.told(name, "CreateBlocked"), await scene.end(name)]


async def namespace(scene: Scene) -> Sequence[JsonObject]:
    """The namespace is deleted while an agent works in it. The task must say so before it goes as well."""
    there = scene.within(DOOMED_NAMESPACE)
    await there.busy(await there.begin("doomed", working=True))
    await scene.do("delete", "namespace", DOOMED_NAMESPACE, "--wait=false")
    seen = [await there.end("doomed")]
    await scene.do("wait", "--for=delete", f"namespace/{DOOMED_NAMESPACE}", f"--timeout={ROW_SECONDS:g}s")
    return seen


def _mute(namespace_name: str, task: str) -> str:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": MUTE},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["skyvern.io"],
                        "apiVersions": ["v1"],
                        "operations": ["UPDATE"],
                        "resources": ["skyverntasks/status"],
                    }
                ]
            },
            "matchConditions": [{"name": "own", "expression": f"object.metadata.name == '{task}'"}],
            "validations": [{"expression": "false", "message": "for the test"}],
        },
    }
    own = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace_name}}}
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": MUTE},
        "spec": {"policyName": MUTE, "validationActions": ["Deny"], "matchResources": own},
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})


async def unmute(scene: Scene) -> None:
    """Let the status be written again."""
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        await scene.do("delete", kind, MUTE, "--ignore-not-found")


async def interrupted(scene: Scene) -> Sequence[JsonObject]:
    """The operator is killed when it has created a pod and could not yet write so. There must be one pod all along.

    One of its namespaces is gone by then, which must not keep the next operator from the others.
    """
    await scene.told(await scene.begin("interrupted", suspend=True), "Queued")
    await scene.do("apply", "-f", "-", stdin=_mute(scene.namespace, "interrupted"))
    write = ("patch", "skt", "interrupted", "--subresource=status", "--type=merge", "--dry-run=server", "-p", WRITE)

    async def muted() -> bool:
        return (await asyncio.to_thread(scene.kubectl, *write, check=False)).returncode != 0

    try:
        await eventually(muted, bool, what="nobody may write its status", within=ROW_SECONDS)
        await scene.do("patch", "skt", "interrupted", "--type=merge", "-p", '{"spec": {"suspend": false}}')
        task = await scene.task("interrupted")
        [pod] = await eventually(lambda: scene.pods_of(task), bool, what="its pod", within=ROW_SECONDS)
        assert "podUID" not in (await scene.task("interrupted")).get("status", {})
        system = ("--namespace", scene.release.namespace)
        label = "app.kubernetes.io/component=operator"
        await scene.do(*system, "delete", "pod", "-l", label, "--grace-period=0", "--force")
    finally:
        await unmute(scene)
    ended = await scene.end("interrupted")
    assert ended["status"]["podUID"] == pod["metadata"]["uid"], "another pod ran"
    return [ended]


ROWS = (
    Row(
        "a ResourceQuota is used up",
        "`pods: 0`, and then no quota",
        quota,
        ("queued", "QuotaExceeded"),
        ("exceeded quota: none", "limited: pods=0"),
        ends=("completed", "Completed"),
    ),
    Row(
        "the service account is missing",
        f"`kubectl delete serviceaccount`, `configErrorSeconds: {CONFIG_ERROR_SECONDS}`",
        service_account,
        ("failed", "PodRejected"),
        ("the service account is missing", 'serviceaccount "skyvern-task" not found'),
        attempts=0,
    ),
    Row(
        "the profile's priority class is missing",
        "a profile that names one",
        priority_class,
        ("failed", "PodRejected"),
        ("the priority class is missing", "skyvern-absent"),
        attempts=0,
    ),
    Row(
        "the profile's runtime class is missing",
        "a profile that names one",
        runtime_class,
        ("failed", "PodRejected"),
        ("the runtime class is missing", "skyvern-absent"),
        attempts=0,
    ),
    Row(
        "an admission policy denies the pod",
        "a ValidatingAdmissionPolicy",
        denied,
        ("failed", "PodRejected"),
        ("pods need the label cost-center",),
        attempts=0,
    ),
    Row(
        "an admission webhook denies the pod",
        "a webhook that denies without a code",
        refused,
        ("failed", "PodRejected"),
        ("images must be signed",),
        attempts=0,
    ),
    Row(
        "an admission webhook is down",
        "a webhook at a service that does not exist, `startDeadlineSeconds: 10`",
        unasked,
        ("queued", "CreateBlocked"),
        ("failed calling webhook", "unasked.skyvern.test"),
        ends=("timed_out", "StartDeadlineExceeded"),
        attempts=0,
    ),
    Row(
        "the namespace is deleted while the agent works",
        "`kubectl delete namespace`",
        namespace,
        ("failed", "PodDeleted"),
        ("was deleted",),
    ),
)
INTERRUPTED = Row(
    "the operator is killed between the pod and the status",
    "a policy that refuses status, a killed operator, and then no policy",
    interrupted,
    ("completed", "Completed"),
)
