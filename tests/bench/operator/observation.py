"""What watches showed of tasks or Jobs and of their pods, and when."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from skyvern_crds.client import PODS, ClusterClient, JsonObject, Resource
from skyvern_crds.vocabulary import TERMINAL_PHASES

JOBS: Final = Resource("batch", "v1", "jobs")


@dataclass
class Observation:
    """By the uid of the task or Job that owns a pod; times by the monotonic clock of this process."""

    owners: Resource
    created: dict[str, float] = field(default_factory=dict)
    """The create was answered; whoever creates fills it in."""
    pod_seen: dict[str, float] = field(default_factory=dict)
    pod_running: dict[str, float] = field(default_factory=dict)
    pod_ended: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    pods: Counter[str] = field(default_factory=Counter)

    def take_owner(self, _kind: str, obj: JsonObject) -> None:
        """A task or a Job has changed."""
        uid, status = obj["metadata"]["uid"], obj.get("status") or {}
        if self.owners is JOBS:
            done = [entry["type"] for entry in status.get("conditions", []) if entry["status"] == "True"]
            ended = "completed" if "Complete" in done else "failed" if "Failed" in done else ""
        else:
            phase = status.get("phase") or ""
            ended = phase if phase in TERMINAL_PHASES else ""
            self.phases[uid] = phase
            if (status.get("webhook") or {}).get("state") == "Delivered":
                self.delivered.add(uid)
        if ended:
            self.ended.setdefault(uid, time.monotonic())
            self.phases[uid] = ended

    def take_pod(self, kind: str, obj: JsonObject) -> None:
        """A pod was created, runs, or has ended."""
        now = time.monotonic()
        uid = obj["metadata"]["ownerReferences"][0]["uid"]
        self.pods[uid] += kind == "ADDED"
        self.pod_seen.setdefault(uid, now)
        phase = (obj.get("status") or {}).get("phase")
        if phase == "Running":
            self.pod_running.setdefault(uid, now)
        if phase in {"Succeeded", "Failed"}:
            self.pod_ended.setdefault(uid, now)

    @property
    def duplicates(self) -> int:
        """Pods beyond the first of an owner."""
        return sum(number - 1 for number in self.pods.values())


@asynccontextmanager
async def observed(
    client: ClusterClient, namespace: str, owners: Resource, on_pod: Callable[[str, JsonObject], Any] | None = None
) -> AsyncIterator[Observation]:
    """Watch a namespace for the length of the block."""
    seen = Observation(owners)

    def take_pod(kind: str, obj: JsonObject) -> None:
        seen.take_pod(kind, obj)
        if on_pod is not None:
            on_pod(kind, obj)

    versions = {ref: await _version(client, ref, namespace) for ref in (owners, PODS)}
    watches = [
        asyncio.create_task(_follow(client, ref, namespace, versions[ref], take))
        for ref, take in ((owners, seen.take_owner), (PODS, take_pod))
    ]
    try:
        yield seen
        for watch in watches:
            if watch.done():
                watch.result()
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


async def _version(client: ClusterClient, ref: Resource, namespace: str) -> str:
    pages = [page async for page in client.list_pages(ref, namespace)]
    return pages[-1].resource_version


async def _follow(
    client: ClusterClient, ref: Resource, namespace: str, version: str, take: Callable[[str, JsonObject], None]
) -> None:
    """Hand every change to ``take``. The server ends a watch that is too slow; it continues where it stopped."""
    while True:
        async for event in client.watch(ref, namespace, resource_version=version):
            version = event.resource_version
            if event.type != "BOOKMARK":
                take(event.type, event.object)


def spans_ms(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds between two moments of each owner, median and 99th percentile. Two sources: never below 0."""
    spans = sorted(max(0.0, second[uid] - first[uid]) * 1000 for uid in first if uid in second)
    return {"p50": statistics.median(spans), "p99": spans[-(-len(spans) * 99 // 100) - 1]}
