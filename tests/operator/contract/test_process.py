"""The operator as a process: crashes, limits, memory, refusal to start."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cluster import ControlPlane
from tests.collector import Collector
from tests.operator.cluster import Cluster, condition, reason_of
from tests.operator.conftest import StartOperator
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import configuration
from tests.operator.receiver import Receiver
from tests.waiting import eventually

pytestmark = pytest.mark.contract


async def pod_of_killed_operator(start_operator: StartOperator, own_tasks: Cluster) -> str:
    """The pod of a task that an operator created just before it was killed."""
    async with start_operator() as operator:
        await own_tasks.create()
        pod = await own_tasks.pod()
        operator.kill()
    return pod


async def test_pod_created_before_a_crash_is_adopted_and_followed_to_its_end(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    pod = await pod_of_killed_operator(start_operator, own_tasks)
    await own_kubelet.start(pod)
    await own_kubelet.end(pod, message=verdict())
    async with start_operator():
        status = await own_tasks.phase("completed")
    assert (status["podName"], status["attempt"]) == (pod, 1)
    assert len(await own_tasks.pods()) == 1


async def test_one_trace_tells_of_a_task_although_its_operator_was_killed(
    start_operator: StartOperator,
    own_tasks: Cluster,
    own_kubelet: Kubelet,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        async with start_operator() as operator:
            task = await own_tasks.create(webhookCallbackUrl=f"{receiver.url}?token=secret")
            pod = await own_tasks.pod()
            await collector.wait("create pod", "queue")
            operator.kill()
        await own_kubelet.start(pod)
        await own_kubelet.end(pod, message=verdict())
        async with start_operator():
            await own_tasks.phase("completed")
            await receiver.wait()
        spans = await collector.wait("task", "webhook")
    assert len(spans) == len(collector.spans), "a span was told twice"
    assert {span.trace_id for span in spans.values()} == {task["metadata"]["uid"].replace("-", "")}
    names = {span.span_id: span.name for span in spans.values()} | {"": ""}
    assert {span.name: names[span.parent_id] for span in spans.values()} == {"task": ""} | dict.fromkeys(
        ("queue", "attempt", "conclude", "webhook"), "task"
    ) | dict.fromkeys(("create pod", "schedule", "start browser", "start runner", "run"), "attempt")
    assert "secret" not in str(spans)
    [manifest] = await own_tasks.pods()
    environment = {entry["name"]: entry.get("value") for entry in manifest["spec"]["containers"][0]["env"]}
    run = spans["run"]
    assert environment["TRACEPARENT"] == f"00-{run.trace_id}-{run.span_id}-01"


async def test_operator_killed_again_and_again_creates_one_pod_for_each_task(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    names = [f"task-{number}" for number in range(12)]
    for name in names:
        await own_tasks.create(name)
    least = 0

    async def enough() -> bool:
        return len(await own_tasks.pods()) >= least

    for least in (1, 5, 9):
        async with start_operator(writes={"qps": 15, "burst": 1}) as operator:
            await eventually(enough, bool, what=f"{least} pods")
            operator.kill()
    async with start_operator():
        for name in names:
            pod = await own_tasks.pod(name)
            await own_kubelet.start(pod)
            await own_kubelet.end(pod, message=verdict())
        for name in names:
            assert (await own_tasks.phase("completed", name))["attempt"] == 1
    assert len(await own_tasks.pods()) == len(names)


async def test_pod_that_vanished_while_nobody_looked_is_not_run_again(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    pod = await pod_of_killed_operator(start_operator, own_tasks)
    await own_kubelet.start(pod)
    await own_kubelet.remove(pod)
    async with start_operator():
        assert reason_of(await own_tasks.phase("failed")) == "PodDeleted"
    assert await own_tasks.pods() == []


async def test_limit_holds_tasks_back_by_priority(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    await own_tasks.create("first", priority=9)
    await own_tasks.create("low")
    await own_tasks.create("high", priority=5)
    async with start_operator(limits={"maxActive": 1}):
        pod = await own_tasks.pod("first")
        held = await own_tasks.phase("queued", "low")
        assert condition(held, "Admitted")["reason"] == "LimitReached"
        assert (
            condition(held, "Admitted")["message"]
            == "the limit of 1 active tasks is reached; among the next 10 in its line"
        )
        await own_kubelet.start(pod)
        await own_kubelet.end(pod, message=verdict())
        await own_tasks.phase("completed", "first")
        await own_tasks.pod("high")
        assert len(await own_tasks.pods()) == 2
        await own_tasks.cancel("high")
        await own_tasks.pod("low")


async def test_image_and_configuration_fail_after_their_grace_periods(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet
) -> None:
    async with start_operator(gracePeriods={"imagePullSeconds": 2, "configErrorSeconds": 2}):
        for name, waits, reason in (
            ("image", "ErrImagePull", "ImagePullFailed"),
            ("config", "CreateContainerConfigError", "ContainerConfigError"),
        ):
            await own_tasks.create(name)
            pod = await own_tasks.pod(name)
            await own_kubelet.wait(pod, waits, "not there")
            await own_tasks.pod_deleting(pod)
            await own_kubelet.remove(pod)
            status = await own_tasks.phase("failed", name)
            assert reason_of(status) == reason
            assert "not there" in status["failureReason"]


async def test_idle_operator_is_small_and_stops_on_sigterm(start_operator: StartOperator) -> None:
    async with start_operator() as operator:
        assert (await operator.page("/healthz"))[0] == 200
        assert operator.resident_mib() < 110
        assert await asyncio.to_thread(operator.stop) == 0


async def test_cluster_without_the_crd_is_named(control_plane: ControlPlane, tmp_path: Path) -> None:
    text = f"""
import asyncio
from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, Reflector, Resource
from skyvern_operator.watch import watches as module
from skyvern_operator.watch.watches import Watches
from skyvern_operator.errors import SetupError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.store import Store
module.SKYVERNTASKS = Resource("skyvern.io", "v1", "absent")
async def main():
    async with (
        await ClusterClient.connect({str(control_plane.kubeconfig)!r}) as client,
        Watches(client, Store(lambda key, urgent: None), Metrics(), None, resync_seconds=1) as watches,
    ):
        await watches.first()
try:
    asyncio.run(main())
except SetupError as error:
    print(error)
"""
    answer = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True
    )
    assert "install the CRD" in answer.stdout


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"images": {"browser": "b"}}, "images.runner: Field required"),
        ({"limits": {"maxActive": 0}}, "limits.maxActive"),
        ({"color": "red"}, "color: Extra inputs are not permitted"),
        ({"signingKeyFile": "/nowhere"}, "/nowhere cannot be read"),
    ],
)
def test_wrong_configuration_is_named_and_ends_the_process(
    wrong: dict[str, object], named: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(tmp_path, **wrong)))
    answer = subprocess.run(
        [sys.executable, "-m", "skyvern_operator", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 2
    assert named in answer.stderr
