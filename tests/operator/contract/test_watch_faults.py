"""The operator behind a proxy that spoils its watches: both of them go on, and tasks complete."""

import asyncio
import functools
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skyvern_crds.client import ClusterClient, JsonObject, Timeouts
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.store import Store
from skyvern_operator.watch.watches import Patience, Watches
from tests.cluster import ControlPlane
from tests.crds.client.faults import FaultProxy, Refusal
from tests.operator.cluster import Cluster
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess, running_operator
from tests.waiting import eventually, until

pytestmark = pytest.mark.contract

SLOW = 120.0


@pytest.fixture
async def proxy(served: ControlPlane) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(served) as proxy:
        yield proxy


def error(code: int, reason: str) -> bytes:
    """An ERROR event."""
    status = {"kind": "Status", "code": code, "reason": reason, "message": "injected"}
    return event("ERROR", status)


def event(kind: str, obj: JsonObject) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


async def complete(tasks: Cluster, kubelet: Kubelet, name: str) -> None:
    """Let a task run to its end."""
    await tasks.create(name)
    await tasks.status(lambda status: status.get("podUID"), "a pod", name, within=SLOW)
    pod = await tasks.pod(name)
    await kubelet.start(pod)
    await kubelet.end(pod, message=verdict())
    await tasks.phase("completed", name, within=SLOW)


async def test_tasks_complete_whatever_happens_to_the_watches(
    proxy: FaultProxy, own_tasks: Cluster, own_kubelet: Kubelet, tmp_path: Path
) -> None:
    config, namespace = Path(proxy.kubeconfig(tmp_path)), own_tasks.namespace
    async with running_operator(tmp_path, config, namespace, release_namespace=namespace) as operator:

        async def spoil(name: str, data: bytes, *, end: bool = False) -> None:
            await until(lambda: proxy.streams == 2, SLOW, f"both watches before {name}")
            await proxy.inject(data, end=end)
            await complete(own_tasks, own_kubelet, name)

        await spoil("expired", error(410, "Expired"))
        await spoil("internal", error(500, "InternalError"))
        await spoil("throttled", error(429, "TooManyRequests"))
        await spoil("torn", b'{"type":"MODIFIED","object":{"metad', end=True)
        await spoil("no-json", b"<html>the balancer is tired</html>\n")
        await spoil("no-object", b'{"type":"MODIFIED","object":null}\n')
        await repeat_and_reorder(proxy, own_tasks)
        await complete(own_tasks, own_kubelet, "after-repeated")
        proxy.refusals.extend([Refusal(429, {"Retry-After": "1"}), Refusal(500), Refusal(503)])
        proxy.cut()
        await complete(own_tasks, own_kubelet, "refused")
        await end_at_once(proxy, operator)
        await complete(own_tasks, own_kubelet, "after-ends")
        await none_is_lost_or_run_twice(operator, own_tasks)


async def repeat_and_reorder(proxy: FaultProxy, tasks: Cluster) -> None:
    """Deliver a running task's and its pod's present, older and present state again."""
    await tasks.create("repeated")
    old_task = await tasks.task("repeated")
    pod = await tasks.pod("repeated")
    [old_pod] = await tasks.pods_of("repeated")
    await Kubelet(tasks.client, tasks.namespace).start(pod)
    await tasks.phase("running", "repeated", within=SLOW)
    [new_pod] = await tasks.pods_of("repeated")
    new_task = await tasks.task("repeated")
    await until(lambda: proxy.streams == 2, SLOW)
    for task_state, pod_state in ((new_task, new_pod), (old_task, old_pod), (new_task, new_pod)):
        await proxy.inject(event("MODIFIED", task_state), kind="skyverntasks")
        await proxy.inject(event("MODIFIED", pod_state), kind="pods")
    await Kubelet(tasks.client, tasks.namespace).end(pod, message=verdict())
    await tasks.phase("completed", "repeated", within=SLOW)


async def end_at_once(proxy: FaultProxy, operator: OperatorProcess) -> None:
    """Let every watch end at once: it is asked for again after a pause that grows."""
    proxy.ending, before = True, proxy.watches
    proxy.cut()
    for resource in ("tasks", "pods"):
        await eventually(
            functools.partial(
                operator.metric, "skyvern_operator_watch_restarts_total", resource=resource, reason="QuickEnd"
            ),
            lambda count: count >= 3,
            what=f"pauses of the watch of {resource}",
            within=SLOW,
        )
    asked = proxy.watches - before
    paused = await operator.metric("skyvern_operator_watch_restarts_total", reason="QuickEnd")
    assert asked <= 2 * paused + 10, "a pause before nearly every request"
    proxy.ending = False


async def none_is_lost_or_run_twice(operator: OperatorProcess, tasks: Cluster) -> None:
    assert operator.process.poll() is None
    assert (await operator.page("/healthz"))[0] == 200
    assert await operator.metric("skyvern_operator_verdicts_total", phase="completed") == 10
    assert {(await tasks.task(name))["status"]["attempt"] for name in ("expired", "repeated", "refused")} == {1}
    for resource, reasons in (("tasks", ("ErrorEvent", "BadStream")), ("pods", ("InternalError", "BadStream"))):
        for reason in reasons:
            restarts = await operator.metric("skyvern_operator_watch_restarts_total", resource=resource, reason=reason)
            assert restarts >= 1, (resource, reason)


async def test_silent_watches_are_told_and_begun_again(
    proxy: FaultProxy, own_tasks: Cluster, own_kubelet: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, namespace = proxy.kubeconfig(tmp_path), own_tasks.namespace
    monkeypatch.setenv("KUBECONFIG", config)
    store, metrics = Store(lambda key, *, urgent: None), Metrics()
    async with (
        await ClusterClient.connect(config, timeouts=Timeouts(silence=4)) as client,
        Watches(
            client,
            store,
            metrics,
            [namespace],
            resync_seconds=3600,
            patience=Patience(silence=4, stale=2, stuck=3),
            exit_seconds=None,
        ) as watches,
    ):
        assert watches.not_ready() == "the first list is not complete"
        await watches.first()
        running = asyncio.create_task(watches.run())
        await until(lambda: proxy.streams == 2, SLOW)
        await until(lambda: watches.not_ready() is None, SLOW)
        proxy.stall()
        await own_tasks.create("unheard")
        await until(lambda: f"nothing was heard of {namespace}" in (watches.not_ready() or ""), SLOW)
        await until(lambda: "is stuck" in (watches.stuck() or ""), SLOW)
        await until(lambda: [task.key.name for task in store.tasks()] == ["unheard"], SLOW, "the task taken in")
        await until(lambda: watches.not_ready() is None, SLOW, "current again")
        assert metrics.registry.get_sample_value(
            "skyvern_operator_watch_restarts_total", {"resource": "tasks", "reason": "Silent"}
        )
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)  # kopf's
