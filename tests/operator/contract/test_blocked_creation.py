"""Pods that the API server refuses: the tasks say why, hold nothing, cost little, and run once the way is free."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from skyvern_crds.client import ClusterClient, ClusterError, JsonObject, Resource
from tests.cluster import ControlPlane
from tests.operator.cluster import Cluster, condition, reason_of
from tests.operator.conftest import SERVICE_ACCOUNTS, StartOperator, make_namespace
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess, running_operator
from tests.waiting import eventually

pytestmark = pytest.mark.contract

CONFIG_MAPS = Resource("", "v1", "configmaps")
QUOTAS = Resource("", "v1", "resourcequotas")
WEBHOOKS = Resource("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", namespaced=False)


@asynccontextmanager
async def failing_webhook(client: ClusterClient, namespace: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A webhook that no pod of the namespace gets past, since nobody listens at its address. What comes removes it."""
    name = f"absent-{uuid.uuid4().hex[:8]}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods", "configmaps"]}
    hook = {
        "name": "pods.absent.test",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }
    await client.create(WEBHOOKS, None, {"metadata": {"name": name}, "webhooks": [hook]})
    there = True

    async def remove() -> None:
        nonlocal there
        if there:
            there = False
            await client.delete(WEBHOOKS, None, name)

    try:
        yield remove
    finally:
        await remove()


async def answer(client: ClusterClient, namespace: str) -> str:
    """What the API server says about another object that the webhook is about; empty if it would take it."""
    try:
        await client.create(CONFIG_MAPS, namespace, {"metadata": {"generateName": "probe-"}})
    except ClusterError as error:
        return error.message
    return ""


async def run_to_end(tasks: Cluster, kubelet: Kubelet, name: str) -> None:
    """Play the kubelet for one task."""
    pod = await tasks.pod(name)
    await kubelet.start(pod)
    await kubelet.end(pod, message=verdict())
    await tasks.phase("completed", name)
    await kubelet.remove(pod)


async def created(operator: OperatorProcess, code: int) -> float:
    """How many creates of pods the API server has answered with this code."""
    return await operator.metric("skyvern_operator_api_writes_total", verb="create", resource="pods", code=str(code))


async def test_blocked_namespace_says_why_and_keeps_no_slot_from_another(
    served: ControlPlane, client: ClusterClient, own_tasks: Cluster, own_kubelet: Kubelet, tmp_path: Path
) -> None:
    other = Cluster(client, await make_namespace(client), "apply")
    kubelet = Kubelet(client, other.namespace)
    blocked, healthy = [f"blocked-{n}" for n in range(5)], [f"healthy-{n}" for n in range(5)]
    async with failing_webhook(client, own_tasks.namespace) as remove:
        there = own_tasks.namespace
        await eventually(lambda: answer(client, there), lambda words: "failed calling" in words, what="the webhook")
        for name in blocked:
            await own_tasks.create(name)
        await own_tasks.create("late", startDeadlineSeconds=10)
        namespaces = f"{own_tasks.namespace},{other.namespace}"
        async with running_operator(
            tmp_path, served.kubeconfig, namespaces, release_namespace=other.namespace, limits={"maxActive": 5}
        ) as operator:
            for name in healthy:
                await other.create(name)
            for name in healthy:
                await run_to_end(other, kubelet, name)
            for name in blocked:
                status = await own_tasks.reason("CreateBlocked", name, within=60)
                assert status["phase"] == "queued"
                admitted = condition(status, "Admitted")
                assert (admitted["status"], admitted["reason"]) == ("False", "CreateBlocked")
                assert "failed calling webhook" in admitted["message"]
            late = await own_tasks.phase("timed_out", "late", within=60)
            assert reason_of(late) == "StartDeadlineExceeded"
            assert "failed calling webhook" in late["failureReason"]
            await eventually(  # but for the moments in which one of them tries
                lambda: operator.metric("skyvern_operator_slots_used"), lambda used: used == 0, what="no slot in use"
            )
            assert await own_tasks.pods() == []
            await remove()
            for name in blocked:
                pod = await own_tasks.pod(name)
                await own_kubelet.start(pod)
                await own_kubelet.end(pod, message=verdict())
                await own_tasks.phase("completed", name)


async def test_quota_is_waited_for_by_one_task_at_a_time_and_used_as_soon_as_it_is_free(
    client: ClusterClient, start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    quota = {"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}}
    await client.create(QUOTAS, own_tasks.namespace, quota)

    async def known() -> JsonObject:
        return await client.get(QUOTAS, own_tasks.namespace, "one")

    await eventually(known, lambda found: found.get("status"), what="quota in force")
    names = [f"task-{number:02}" for number in range(20)]
    async with start_operator(gracePeriods={"quotaRetrySeconds": 600}, workers=4) as operator:
        for name in names:
            await own_tasks.create(name)

        async def holder() -> list[str]:
            return [pod["metadata"]["name"] for pod in await own_tasks.pods()]

        [pod] = await eventually(holder, bool, what="the first pod")
        running = next(name for name in names if pod.startswith(name))
        for name in names:
            if name != running:
                status = await own_tasks.reason("QuotaExceeded", name)
                assert status["phase"] == "queued"
                assert "exceeded quota" in condition(status, "Admitted")["message"]
        assert await operator.metric("skyvern_operator_slots_used") == 1
        assert await created(operator, 403) <= 8  # one, and those that asked at the same time
        await run_to_end(own_tasks, own_kubelet, running)
        [after] = await eventually(
            holder, lambda pods: len(pods) == 1 and pods != [pod], what="a pod in the place of the first"
        )
        await client.delete(QUOTAS, own_tasks.namespace, "one")
        await own_kubelet.start(after)
        await own_kubelet.end(after, message=verdict())
        for name in names:
            await own_tasks.pod(name)
        assert await created(operator, 403) <= 30


async def test_missing_service_account_is_waited_for_and_then_ends_the_task(
    client: ClusterClient, start_operator: StartOperator, own_tasks: Cluster
) -> None:
    async with start_operator(serviceAccountName="absent", gracePeriods={"configErrorSeconds": 300}):
        await own_tasks.create()
        status = await own_tasks.reason("CreateBlocked")
        assert "absent" in condition(status, "Admitted")["message"]
        await client.create(SERVICE_ACCOUNTS, own_tasks.namespace, {"metadata": {"name": "absent"}})
        await own_tasks.pod()
    async with start_operator(serviceAccountName="missing", gracePeriods={"configErrorSeconds": 1}):
        await own_tasks.create("second")
        status = await own_tasks.phase("failed", "second")
        assert reason_of(status) == "PodRejected"
        assert status["failureReason"].startswith("the service account is missing: ")
