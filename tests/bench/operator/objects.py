"""Tasks and Jobs of the benchmark, and the ways in which they are created."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from skyvern_crds.client import SKYVERNTASKS, ClusterClient, JsonObject
from skyvern_crds.runner_contract import task_document
from skyvern_crds.vocabulary import API_VERSION, KIND, MANAGER_OPERATOR, MANAGER_RUNNER
from skyvern_operator.config import OperatorConfig
from skyvern_operator.execution.pod_manifest import build_pod
from tests.bench.operator.observation import JOBS, Observation

PARALLEL: Final = 16
SPEC: Final = {"url": "https://jobs.example.com/apply", "navigationGoal": "Apply"}
_CONFIG: Final = OperatorConfig.model_validate(
    {"images": {"browser": "example.test/b:1", "runner": "example.test/r:1"}}
)
_SAMPLE: Final = {
    "metadata": {"name": "sample", "namespace": "jobs", "uid": "0b6dbf2c-7c2f-4d57-9a83-0f6fd0d9b9a1"},
    "spec": SPEC,
}


def task(name: str, callback: str = "") -> JsonObject:
    """A SkyvernTask, with a webhook if a callback is given."""
    spec = SPEC | ({"webhookCallbackUrl": callback} if callback else {})
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def job(name: str) -> JsonObject:
    """A Job whose pod is that of a task, so that the API server and the nodes have the same to do for both."""
    pod = build_pod(task_document(_SAMPLE, 1), _CONFIG, {})
    template = {"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]}
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


async def create(client: ClusterClient, namespace: str, seen: Observation, body: JsonObject) -> None:
    """Create one, and note when that was answered."""
    answer = await client.create(seen.owners, namespace, body)
    seen.created.setdefault(answer["metadata"]["uid"], time.monotonic())


async def create_at_once(
    client: ClusterClient, namespace: str, seen: Observation, bodies: Iterable[JsonObject]
) -> None:
    """Create them as fast as the API server takes them, several at a time."""
    slots = asyncio.Semaphore(PARALLEL)

    async def one(body: JsonObject) -> None:
        async with slots:
            await create(client, namespace, seen, body)

    async with asyncio.TaskGroup() as group:
        for body in bodies:
            group.create_task(one(body))


async def create_at_rate(
    client: ClusterClient, namespace: str, seen: Observation, bodies: Iterable[JsonObject], rate: float
) -> None:
    """Create so many a second, whether or not the answers come in time: an open loop."""
    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            group.create_task(create(client, namespace, seen, body))


async def report(client: ClusterClient, namespace: str, name: str) -> None:
    """The first report of a runner."""
    status = {"lastHeartbeat": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "stepCount": 1}
    await _apply(client, namespace, name, status, MANAGER_RUNNER)


async def create_ended(client: ClusterClient, namespace: str, count: int) -> None:
    """Tasks that ended just now, without pods."""
    slots = asyncio.Semaphore(PARALLEL)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    done = {"type": "Succeeded", "status": "True", "reason": "Completed", "message": "", "lastTransitionTime": now}
    status = {
        "phase": "completed", "conditions": [done], "podName": "ended-1", "podUID": "0", "attempt": 1,
        "queuedAt": now, "startedAt": now, "finishedAt": now,
    }  # fmt: skip

    async def one(name: str) -> None:
        async with slots:
            await client.create(SKYVERNTASKS, namespace, task(name))
            await _apply(client, namespace, name, status, MANAGER_OPERATOR)

    for first in range(0, count, 1000):
        async with asyncio.TaskGroup() as group:
            for number in range(first, min(first + 1000, count)):
                group.create_task(one(f"ended-{number}"))


async def _apply(client: ClusterClient, namespace: str, name: str, status: dict[str, Any], manager: str) -> None:
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "status": status}
    await client.apply(SKYVERNTASKS, namespace, name, body, field_manager=manager, subresource="status")


def bodies(owners: object, count: int, prefix: str, callback: str = "") -> list[JsonObject]:
    """So many Jobs or tasks."""
    names = [f"{prefix}-{number}" for number in range(count)]
    return [job(name) for name in names] if owners is JOBS else [task(name, callback) for name in names]
