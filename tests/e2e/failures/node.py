"""Failures of the bare node itself, which everything in the cluster feels: the command alone produces them."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from skyvern_crds.client import JsonObject
from tests.cluster import SetupError, cache_dir
from tests.cluster.node.host import CGROUPS
from tests.cluster.node.layout import NODE
from tests.cluster.node.lifecycle import start_kubelet, stop_kubelet
from tests.e2e.failures.row import ROW_SECONDS, Result, Row, Scene, produce

OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"


def node_state() -> Path:
    """Where the bare node of this machine keeps its state."""
    return cache_dir() / "cluster-state"


async def stop() -> None:
    """Stop the kubelet."""
    await asyncio.to_thread(stop_kubelet, node_state())


async def start(scene: Scene) -> None:
    """Start the kubelet again, and wait until the scheduler may use the node."""
    with suppress(SetupError):  # it runs already
        await asyncio.to_thread(start_kubelet, node_state())
    await scene.do("wait", f"node/{NODE}", "--for=condition=Ready", f"--timeout={ROW_SECONDS:g}s")


async def restarted(scene: Scene) -> Sequence[JsonObject]:
    """The kubelet is restarted while the agent works, which goes on in the same pod."""
    pod = await scene.busy(await scene.begin("restarted", working=True))
    steps = (await scene.task("restarted"))["status"]["stepCount"]
    await stop()
    await start(scene)
    task = await scene.at_work("restarted", steps + 2, ROW_SECONDS)
    assert task["status"]["podName"] == pod, "another pod runs"
    await asyncio.to_thread(scene.remove, "restarted")
    return [task]


async def rebooted(scene: Scene) -> Sequence[JsonObject]:
    """All processes of the pod die while the kubelet is away, as when the machine restarts."""
    pod = await scene.pod(await scene.busy(await scene.begin("rebooted", working=True)))
    assert pod is not None
    await stop()
    try:
        uid = pod["metadata"]["uid"]
        groups = [group for group in CGROUPS.glob(f"**/pod{uid}") if group.is_dir()]
        members = {
            pid for group in groups for file in group.glob("**/cgroup.procs") for pid in file.read_text().split()
        }
        assert members, f"no process of pod {uid} was found"
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    finally:
        await start(scene)
    return [await scene.end("rebooted")]


async def silent(scene: Scene) -> Sequence[JsonObject]:
    """The node does not confirm that the pod has ended."""
    return [await scene.end("silent")]


async def declared(scene: Scene) -> Sequence[JsonObject]:
    """An administrator declares the silent node out of service."""
    await scene.end("silent")
    await scene.do("taint", "nodes", NODE, f"{OUT_OF_SERVICE}=nodeshutdown:NoSchedule", "--overwrite")
    try:
        return [await scene.end("declared")]
    finally:
        await scene.do("taint", "nodes", NODE, f"{OUT_OF_SERVICE}-")


async def early(scene: Scene) -> Sequence[JsonObject]:
    """A pod is sent to the node before anybody has noticed its silence; the next one goes to the node that is back."""
    first = await scene.until("early", lambda status: "being deleted" in str(status), "under deletion", ROW_SECONDS)
    await asyncio.gather(scene.end("silent"), scene.end("declared"))
    await start(scene)
    return [first, await scene.end("early")]


async def outage(scene: Scene) -> list[Result]:
    """Produce the rows of a node that falls silent and comes back."""
    await asyncio.gather(
        scene.begin("silent", working=True, profile="impatient"),
        scene.begin("declared", working=True, profile="patient"),
    )
    await asyncio.gather(scene.busy("silent"), scene.busy("declared"))
    await stop()
    try:
        await scene.begin("early", profile="impatient")
        return await produce(scene, OUTAGE)
    finally:
        await start(scene)


async def produce_on_node(scene: Scene) -> list[Result]:
    """Produce all of them, one after the other."""
    return [*await produce(scene, (RESTARTED,)), *await produce(scene, (REBOOTED,)), *await outage(scene)]


RESTARTED = Row(
    "the kubelet is restarted while the agent works",
    "the kubelet stopped and started",
    restarted,
    ("running", "Running"),
    ("the agent is working",),
)
REBOOTED = Row(
    "the machine restarts while the agent works",
    "the kubelet stopped, every process of the pod killed, the kubelet started",
    rebooted,
    ("failed", "AgentFailed"),
)
OUTAGE = (
    Row(
        "the node falls silent while the agent works",
        "the kubelet stopped, a toleration of 5 s, `lostNodeSeconds: 5`",
        silent,
        ("failed", "NodeLost"),
        ("does not confirm the end",),
    ),
    Row(
        "the silent node is declared out of service",
        f"the kubelet stopped, the taint `{OUT_OF_SERVICE}`",
        declared,
        ("failed", "NodeLost"),
    ),
    Row(
        "the node falls silent before the agent started",
        "the kubelet stopped before the task came, and started again",
        early,
        ("queued", "Pending"),
        ("being deleted",),
        ends=("completed", "Completed"),
        attempts=2,
    ),
)
