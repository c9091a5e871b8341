"""The system under test: a release in a cluster, clients for what its tests talk to, and waits with deadlines."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from subprocess import CompletedProcess
from typing import Any

import httpx2

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, JsonObject, NotFound
from skyvern_crds.vocabulary import LABEL_TASK_UID, TERMINAL_PHASES
from tests.cluster import Cluster
from tests.cluster.images.build import Image
from tests.cluster.release.follow import diagnosis
from tests.cluster.release.install import Release
from tests.cluster.release.scripted import ScriptedServers

POLL_SECONDS = 0.1
END_SECONDS = 150.0
"""For any task to end; tasks compete for processors."""


@dataclass(frozen=True)
class Tasks:
    """The tasks of one namespace, whose operator is that of a release in a cluster."""

    cluster: Cluster
    client: ClusterClient
    release: Release
    namespace: str

    def kubectl(self, *args: str, check: bool = True, stdin: str | None = None) -> CompletedProcess[str]:
        """kubectl in the namespace of the tasks."""
        return self.cluster.run_kubectl("--namespace", self.namespace, *args, check=check, input=stdin)

    def apply(self, name: str, spec: dict[str, Any]) -> CompletedProcess[str]:
        """kubectl apply of a task; the caller checks its exit code."""
        task = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "metadata": {"name": name}, "spec": spec}
        return self.kubectl("apply", "-f", "-", stdin=json.dumps(task), check=False)

    def start(self, name: str, spec: dict[str, Any]) -> str:
        """Apply a task that must be accepted; return its name."""
        done = self.apply(name, spec)
        assert done.returncode == 0, done.stderr
        return name

    def remove(self, name: str) -> None:
        """Delete a task, so that its pod frees its resources."""
        self.kubectl("delete", "skt", name, "--wait=false", "--ignore-not-found")

    async def task(self, name: str) -> JsonObject:
        """The task as it is now."""
        return await self.client.get(SKYVERNTASKS, self.namespace, name)

    async def until(
        self, name: str, holds: Callable[[JsonObject], bool], what: str, seconds: float = END_SECONDS
    ) -> JsonObject:
        """The task as soon as its status satisfies a condition; fails with all that is known when time is up."""
        deadline = time.monotonic() + seconds
        while True:
            task = await self.task(name)
            if holds(task.get("status", {})):
                return task
            if time.monotonic() > deadline:
                raise AssertionError(f"task {name}: not {what} after {seconds:g} s\n{self.story(task)}")
            await asyncio.sleep(POLL_SECONDS)

    async def ended(self, name: str, seconds: float = END_SECONDS) -> JsonObject:
        """The task when it has ended."""
        return await self.until(name, lambda status: status.get("phase") in TERMINAL_PHASES, "ended", seconds)

    async def at_work(self, name: str, steps: int = 1, seconds: float = END_SECONDS) -> JsonObject:
        """The task when its agent has reported so many steps; fails at once if it ends earlier."""

        def far_enough(status: JsonObject) -> bool:
            assert status.get("phase") not in TERMINAL_PHASES, f"{name} has ended: {status.get('failureReason')}"
            return bool(status.get("phase") == "running" and status.get("stepCount", 0) >= steps)

        return await self.until(name, far_enough, f"at work for {steps} steps", seconds)

    async def pods_of(self, task: JsonObject) -> list[JsonObject]:
        """The pods of a task that exist."""
        selector = f"{LABEL_TASK_UID}={task['metadata']['uid']}"
        pages = self.client.list_pages(PODS, self.namespace, label_selector=selector)
        return [pod async for page in pages for pod in page.items]

    async def pod(self, name: str) -> JsonObject | None:
        """A pod; None when it is gone."""
        try:
            return await self.client.get(PODS, self.namespace, name)
        except NotFound:
            return None

    def story(self, task: JsonObject) -> str:
        """What is known about a task that did not do what it should."""
        status = json.dumps(task.get("status", {}), indent=1)
        return f"{status}\n{diagnosis(self.cluster, task, self.release.namespace)}"


@dataclass(frozen=True)
class System(Tasks):
    """A release, its tasks, and clients for everything that its tests talk to."""

    servers: ScriptedServers
    site: httpx2.AsyncClient
    api: httpx2.AsyncClient
    """The Tasks API, with a valid key."""
    old_applications: int
    """What the site had recorded before these tests."""
    images: Mapping[str, Image]
    """Built from this tree, by name; they are on the node."""
    api_key: str = field(repr=False)

    async def hooks(self, name: str) -> list[dict[str, Any]]:
        """What the site has received under /hooks/<name>, oldest first."""
        answer = await self.site.get(f"/hooks/{name}")
        deliveries: list[dict[str, Any]] = answer.raise_for_status().json()
        return deliveries

    async def application_of(self, full_name: str) -> dict[str, Any]:
        """The one application that the site has recorded under a name since the tests began."""
        recorded = (await self.site.get("/applications.json")).raise_for_status().json()
        found = [entry for entry in recorded[self.old_applications :] if entry["full_name"] == full_name]
        assert len(found) == 1, f"the site has {len(found)} applications of {full_name}"
        application: dict[str, Any] = found[0]
        return application


def condition(task: JsonObject, kind: str) -> JsonObject:
    """A condition of a task by its type."""
    entries = [entry for entry in task["status"]["conditions"] if entry["type"] == kind]
    assert len(entries) == 1, f"{len(entries)} conditions of type {kind}"
    found: JsonObject = entries[0]
    return found


def outcome(task: JsonObject) -> tuple[str, str]:
    """Phase of a task, and the reason of its condition Succeeded."""
    return task["status"]["phase"], condition(task, "Succeeded")["reason"]
