"""How long it takes from `kubectl apply` to a page in a browser, and from the runner's end to the verdict.

`python -m tests.bench.e2e_latency [--tasks N]`: a table on the terminal, all figures in build/bench/e2e_latency.json.
The pods share this machine's clock, so that their logs and what is seen from here can be compared.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, JsonObject, Resource
from skyvern_crds.vocabulary import TERMINAL_PHASES
from tests.cluster import Cluster, Progress, SetupError, up
from tests.e2e.manifests import SITE, opening
from tests.e2e.release import NAMESPACE, Installed, install_for_tests

TARGET = Path(__file__).parents[2] / "build" / "bench" / "e2e_latency.json"
TASK_SECONDS = 90.0
BARS = {
    "apply -> page open": "2.5 s",
    "runner ended -> task ended": "1 s",
    "operator RSS": "110 MiB",
    "facade RSS": "110 MiB",
    "runner peak RSS": "130 MiB",
    "browser image": "650 MB",
    "runner image": "300 MB",
    "operator image": "250 MB",
    "apiserver image": "250 MB",
}


@dataclass
class Seen:
    """Moments of one task as seen through watches: seconds of this machine's clock."""

    applied: float = 0.0
    events: dict[str, float] = field(default_factory=dict)

    def note(self, what: str) -> None:
        """Keep the first time that something is seen."""
        self.events.setdefault(what, time.time())


@dataclass(frozen=True)
class Figures:
    """One task, in seconds from its start unless the name says otherwise."""

    pod_seen: float
    runner_seen_running: float
    page_open: float
    runner_start_to_page: float
    runner_end_to_pod_status: float
    runner_end_to_task: float
    whole: float
    runner_peak_rss_mib: int


def note_pod(seen: Seen, pod: JsonObject) -> None:
    """Note the pod's states."""
    seen.note("pod")
    for entry in pod["status"].get("containerStatuses", []):
        for state in entry["state"]:
            seen.note(f"{entry['name']} {state}")


def note_task(seen: Seen, task: JsonObject) -> None:
    """Note the end of the task."""
    if task.get("status", {}).get("phase") in TERMINAL_PHASES:
        seen.note("ended")


@asynccontextmanager
async def watching(
    client: ClusterClient, ref: Resource, seen: Seen, note: Callable[[Seen, JsonObject], None], name: str
) -> AsyncIterator[None]:
    """Note what happens to the objects of a kind whose name begins with ``name``."""
    page = await anext(client.list_pages(ref, NAMESPACE, limit=1))

    async def follow() -> None:
        async for event in client.watch(ref, NAMESPACE, resource_version=page.resource_version):
            if event.type in ("ADDED", "MODIFIED") and event.object["metadata"]["name"].startswith(name):
                note(seen, event.object)

    follower = asyncio.create_task(follow())
    try:
        yield
    finally:
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)


async def measure(cluster: Cluster, client: ClusterClient, name: str) -> Figures:
    """Run one task that opens a page and reads it. Raises SetupError when it does not complete."""
    seen = Seen()
    task = {
        "apiVersion": "skyvern.io/v1",
        "kind": "SkyvernTask",
        "metadata": {"name": name},
        "spec": opening(f"{SITE}/", ttlSecondsAfterFinished=600),
    }
    async with (
        watching(client, PODS, seen, note_pod, f"{name}-"),
        watching(client, SKYVERNTASKS, seen, note_task, name),
    ):
        seen.applied = time.time()
        apply = ("--namespace", NAMESPACE, "apply", "-f", "-")
        await asyncio.to_thread(cluster.run_kubectl, *apply, input=json.dumps(task))
        deadline = time.monotonic() + TASK_SECONDS
        while not {"ended", "runner terminated"} <= set(seen.events):
            if time.monotonic() > deadline:
                raise SetupError(f"task {name} has not ended within {TASK_SECONDS:g} s: {seen.events}")
            await asyncio.sleep(0.02)
    status = (await client.get(SKYVERNTASKS, NAMESPACE, name))["status"]
    if status["phase"] != "completed":
        raise SetupError(f"task {name} is {status['phase']}: {status.get('failureReason')}")
    log = cluster.run_kubectl("logs", "--namespace", NAMESPACE, status["podName"], "-c", "runner").stdout
    lines = {entry["message"]: entry for entry in map(json.loads, log.splitlines())}
    page, end = (datetime.fromisoformat(lines[key]["time"]).timestamp() for key in ("PageOpened", "exit"))
    return Figures(
        pod_seen=seen.events["pod"] - seen.applied,
        runner_seen_running=seen.events["runner running"] - seen.applied,
        page_open=page - seen.applied,
        runner_start_to_page=lines["PageOpened"]["seconds"],
        runner_end_to_pod_status=seen.events["runner terminated"] - end,
        runner_end_to_task=seen.events["ended"] - end,
        whole=seen.events["ended"] - seen.applied,
        runner_peak_rss_mib=lines["exit"]["peak_rss_mib"],
    )


def resident(cluster: Cluster, installed: Installed, component: str) -> float:
    """MiB of memory of a program of the release: the largest process besides its pod's init."""
    deployment = f"deployment/{installed.release.fullname}-{component}"
    shell = ("sh", "-c", "cat /proc/[0-9]*/status")
    answer = cluster.run_kubectl("exec", "--namespace", installed.release.namespace, deployment, "--", *shell)
    sizes = [int(line.split()[1]) for line in answer.stdout.splitlines() if line.startswith("VmRSS:")]
    if not sizes:
        raise SetupError(f"{deployment}: no process tells its VmRSS")
    return max(sizes) / 1024


def rows(figures: Sequence[Figures], memory: dict[str, float], sizes: dict[str, int]) -> list[tuple[str, str, str]]:
    """Title, value and bar of each line of the table."""

    def spread(title: str, values: list[float]) -> tuple[str, str, str]:
        text = f"{statistics.median(values):.2f} s  ({min(values):.2f} - {max(values):.2f})"
        return title, text, BARS.get(title, "")

    return [
        spread("apply -> pod exists", [each.pod_seen for each in figures]),
        spread("apply -> runner seen running", [each.runner_seen_running for each in figures]),
        spread("apply -> page open", [each.page_open for each in figures]),
        spread("runner's first line -> page open", [each.runner_start_to_page for each in figures]),
        spread("runner ended -> kubelet says so", [each.runner_end_to_pod_status for each in figures]),
        spread(
            "kubelet says so -> task ended",
            [each.runner_end_to_task - each.runner_end_to_pod_status for each in figures],
        ),
        spread("runner ended -> task ended", [each.runner_end_to_task for each in figures]),
        spread("apply -> task ended", [each.whole for each in figures]),
        *((f"{name} RSS", f"{mib:.0f} MiB", BARS[f"{name} RSS"]) for name, mib in memory.items()),
        ("runner peak RSS", f"{max(each.runner_peak_rss_mib for each in figures)} MiB", BARS["runner peak RSS"]),
        *((f"{name} image", f"{size / 1e6:.0f} MB", BARS[f"{name} image"]) for name, size in sizes.items()),
    ]


async def run(cluster: Cluster, installed: Installed, tasks: int, progress: Progress) -> dict[str, Any]:
    """Measure tasks one after the other; return what goes into the file."""
    run_id = f"{int(time.time()) % 100000:05d}"
    figures = []
    async with await ClusterClient.connect(str(cluster.kubeconfig)) as client:
        for number in range(tasks + 1):
            with progress.step("warm up" if number == 0 else f"task {number} of {tasks}"):
                measured = await measure(cluster, client, f"bench-{run_id}-{number}")
            if number:
                figures.append(measured)
    memory = {
        title: resident(cluster, installed, name) for title, name in (("operator", "operator"), ("facade", "apiserver"))
    }
    sizes = {name: image.size for name, image in installed.images.items() if f"{name} image" in BARS}
    table = rows(figures, memory, sizes)
    for title, value, bar in table:
        print(f"{title:34} {value:28} {f'bar {bar}' if bar else ''}".rstrip())
    return {"tasks": [asdict(each) for each in figures], "rss_mib": memory, "image_bytes": sizes}


def main(argv: Sequence[str]) -> int:
    """Bring up what is needed, measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.e2e_latency", description="Latency of whole tasks.")
    parser.add_argument("--tasks", type=int, default=5, help="tasks to measure, after one to warm up (default: 5)")
    options = parser.parse_args(argv)
    progress = Progress()
    try:
        cluster = up(progress)
        installed = install_for_tests(cluster, progress)
        result = asyncio.run(run(cluster, installed, max(1, options.tasks), progress))
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
