"""A burst of tasks on simulated nodes: do all end, with one pod each and few writes, and how fast?

``python -m tests.bench.operator_burst [--tasks N] [--nodes N]`` prints a table and writes build/bench/operator.json.
The control plane, the operator and its writes are real; kwok plays the kubelets, so no browser runs.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, JsonObject, Resource
from skyvern_crds.vocabulary import API_VERSION, KIND, LABEL_TASK_UID, TERMINAL_PHASES
from skyvern_operator.state.parsing import pod_record
from tests.cluster import ControlPlane, Progress, control_plane
from tests.cluster.control_plane.kwok import completed_ending
from tests.operator.process import OperatorProcess, running_operator
from tests.operator.receiver import Receiver
from tests.waiting import eventually

CRD_FILE: Final = Path(__file__).parents[2] / "crds" / "skyverntasks.skyvern.io.yaml"
OUTPUT: Final = Path("build/bench/operator.json")
NAMESPACE: Final = "burst"
RUNNER_MS: Final = 1000
"""How long each simulated runner runs."""
PARALLEL_CREATES: Final = 16
DEADLINE_SECONDS: Final = 300.0
MAX_WRITES: Final = 6
"""The bar for the operator's writes for one task."""


@dataclass
class Observation:
    """What the watches showed, by the task's uid; times by the monotonic clock of this process."""

    created: dict[str, float] = field(default_factory=dict)
    pod_seen: dict[str, float] = field(default_factory=dict)
    runner_ended: dict[str, float] = field(default_factory=dict)
    task_ended: dict[str, float] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    phases: dict[str, str] = field(default_factory=dict)
    pods: Counter[str] = field(default_factory=Counter)
    status_writes: Counter[str] = field(default_factory=Counter)

    def task(self, kind: str, obj: JsonObject) -> None:
        """Nobody but the operator writes to the tasks here, so each change is one of its writes."""
        uid, status, now = obj["metadata"]["uid"], obj.get("status") or {}, time.monotonic()
        self.created.setdefault(uid, now)
        self.status_writes[uid] += kind == "MODIFIED"
        if status.get("phase") in TERMINAL_PHASES:
            self.task_ended.setdefault(uid, now)
            self.phases[uid] = status["phase"]
        if (status.get("webhook") or {}).get("state") == "Delivered":
            self.delivered.add(uid)

    def pod(self, kind: str, obj: JsonObject) -> None:
        """A pod was created, or its runner has ended."""
        uid, now = obj["metadata"]["labels"][LABEL_TASK_UID], time.monotonic()
        self.pods[uid] += kind == "ADDED"
        self.pod_seen.setdefault(uid, now)
        record = pod_record(obj)
        if record is not None and record.runner.terminated:
            self.runner_ended.setdefault(uid, now)

    def writes(self) -> list[int]:
        """The operator's writes for each task."""
        return [self.status_writes[uid] + self.pods[uid] for uid in self.created]


async def follow(client: ClusterClient, ref: Resource, version: str, take: Callable[[str, JsonObject], None]) -> None:
    """Hand every change to ``take``. The server ends a watch that is too slow; it continues where it stopped."""
    while True:
        async for event in client.watch(ref, NAMESPACE, resource_version=version):
            version = event.resource_version
            if event.type != "BOOKMARK":
                take(event.type, event.object)


async def create_all(client: ClusterClient, count: int, callback: str) -> None:
    """Create the tasks, several at a time."""
    slots = asyncio.Semaphore(PARALLEL_CREATES)

    async def create(number: int) -> None:
        spec = {"url": "https://jobs.example.com/apply", "navigationGoal": "Apply", "webhookCallbackUrl": callback}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": f"task-{number}"}, "spec": spec}
        async with slots:
            await client.create(SKYVERNTASKS, NAMESPACE, body)

    await asyncio.gather(*(create(number) for number in range(count)))


async def burst(plane: ControlPlane, count: int, operator: OperatorProcess, receiver: Receiver) -> dict[str, Any]:
    """Run the tasks to their ends; return the figures."""
    seen = Observation()
    async with await ClusterClient.connect(str(plane.kubeconfig)) as client, asyncio.TaskGroup() as group:
        pages = [page async for page in client.list_pages(SKYVERNTASKS, NAMESPACE)]
        version = pages[-1].resource_version
        watches = [
            group.create_task(follow(client, SKYVERNTASKS, version, seen.task)),
            group.create_task(follow(client, PODS, version, seen.pod)),
        ]
        cpu = cpu_seconds(operator)
        begun = time.monotonic()
        await create_all(client, count, receiver.url)
        created = time.monotonic()

        async def look() -> tuple[int, int]:
            return len(seen.task_ended), len(seen.delivered)

        await eventually(look, lambda ends: min(ends) >= count, what=f"{count} ends reported", within=DEADLINE_SECONDS)
        ended = max(seen.task_ended.values())
        for watch in watches:
            watch.cancel()
    writes = seen.writes()
    return {
        "tasks": count,
        "phases": dict(Counter(seen.phases.values())),
        "duplicate_pods": sum(number - 1 for number in seen.pods.values()),
        "tasks_without_pod": count - len(seen.pods),
        "writes_a_task": {"mean": statistics.mean(writes), "max": max(writes)},
        "operator_counted_writes": await operator.metric("skyvern_operator_api_writes_total"),
        "webhooks_received": len(receiver.deliveries),
        "create_seconds": created - begun,
        "all_ended_seconds": ended - begun,
        "ended_per_minute": count / (ended - begun) * 60,
        "task_seen_to_pod_seen": percentiles(seen.created, seen.pod_seen),
        "runner_ended_to_task_ended": percentiles(seen.runner_ended, seen.task_ended),
        "operator_rss_mib": operator.resident_mib(),
        "operator_cpu_ms_a_task": (cpu_seconds(operator) - cpu) / count * 1000,
        "runner_ms": RUNNER_MS,
        "cpus": os.cpu_count(),
        "load_before": os.getloadavg()[0],
    }


def percentiles(first: dict[str, float], second: dict[str, float]) -> dict[str, float]:
    """Seconds between two moments of each task: median, 99th percentile, maximum. Two watches: never below 0."""
    spans = sorted(max(0.0, second[uid] - first[uid]) for uid in first if uid in second)
    return {
        "p50": statistics.median(spans),
        "p99": spans[min(len(spans) - 1, len(spans) * 99 // 100)],
        "max": spans[-1],
    }


def cpu_seconds(operator: OperatorProcess) -> float:
    """Processor time of the operator so far."""
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def failures(figures: dict[str, Any]) -> list[str]:
    """The bars that were missed."""
    bars = {
        "every task completed": figures["phases"] == {"completed": figures["tasks"]},
        "one pod a task": figures["duplicate_pods"] == 0 and figures["tasks_without_pod"] == 0,
        f"at most {MAX_WRITES} writes a task": figures["writes_a_task"]["max"] <= MAX_WRITES,
        "one webhook a task": figures["webhooks_received"] == figures["tasks"],
        "at most 110 MiB": figures["operator_rss_mib"] <= 110,
    }
    return [bar for bar, met in bars.items() if not met]


async def measure(plane: ControlPlane, count: int) -> dict[str, Any]:
    """Start the operator and a receiver of webhooks, and run the burst."""
    with tempfile.TemporaryDirectory() as directory:
        async with (
            Receiver() as receiver,
            running_operator(Path(directory), plane.kubeconfig, NAMESPACE) as operator,
        ):
            return await burst(plane, count, operator, receiver)


def prepare(plane: ControlPlane, nodes: int) -> None:
    """CRD, namespace, service account, simulated nodes."""
    plane.run_kubectl("apply", "--server-side", "-f", str(CRD_FILE))
    plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRD_FILE))
    plane.run_kubectl("create", "namespace", NAMESPACE)
    plane.run_kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    plane.run_kubectl("create", "serviceaccount", "skyvern-task", "--namespace", NAMESPACE)
    plane.add_kwok_nodes(nodes, completed_ending(after_ms=RUNNER_MS))


def table(figures: dict[str, Any]) -> str:
    """The figures as text."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {_number(entry)}" for key, entry in value.items())  # noqa: PLW2901
        lines.append(f"  {name.replace('_', ' '):<28} {_number(value)}")
    return "\n".join(lines)


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) and value < 1000 else f"{value}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark: 0 when every bar is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.operator_burst", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--nodes", type=int, default=10)
    options = parser.parse_args(arguments)
    progress = Progress()
    with control_plane(progress) as plane:
        prepare(plane, options.nodes)
        with progress.step(f"run {options.tasks} tasks at once"):
            figures = asyncio.run(measure(plane, options.tasks))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"operator, {options.tasks} tasks at once:\n{table(figures)}\n  written to {OUTPUT}")
    missed = failures(figures)
    for bar in missed:
        print(f"  MISSED: {bar}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
