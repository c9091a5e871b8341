"""Plays scheduler and kubelet for pods of a control plane without nodes: binds them and reports their states."""

from datetime import UTC, datetime
from typing import Any

from skyvern_crds.client import PODS, ClusterClient, JsonObject
from skyvern_crds.runner_contract import CONTAINER_BROWSER, CONTAINER_RUNNER, TerminationRecord
from skyvern_crds.vocabulary import Phase, Reason

NODE = "a-node"


def verdict(
    outcome: Phase = Phase.COMPLETED, reason: Reason = Reason.COMPLETED, failure_reason: str | None = None
) -> str:
    """A termination message of the runner."""
    return TerminationRecord(outcome=outcome, reason=reason, failure_reason=failure_reason, step_count=1).message()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _container(name: str, state: dict[str, Any]) -> dict[str, Any]:
    running = "running" in state
    return {
        "name": name,
        "image": f"example.test/{name}:1",
        "imageID": "",
        "restartCount": 0,
        "ready": running,
        "started": running,
        "state": state,
    }


class Kubelet:
    """Moves pods from state to state, each method one real write to the API server."""

    def __init__(self, client: ClusterClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def bind(self, name: str) -> None:
        """What the scheduler does: the pod has a node."""
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        }
        await self._client.post(f"/api/v1/namespaces/{self._namespace}/pods/{name}/binding", binding)

    async def start(self, name: str) -> None:
        """Bind the pod; both containers run."""
        await self.bind(name)
        running = {"running": {"startedAt": _now()}}
        await self._report(name, "Running", browser=running, runner=running)

    async def wait(self, name: str, reason: str, message: str = "") -> None:
        """Bind the pod; the runner waits for a reason such as ErrImagePull."""
        await self.bind(name)
        running, waiting = {"running": {"startedAt": _now()}}, {"waiting": {"reason": reason, "message": message}}
        await self._report(name, "Pending", browser=running, runner=waiting)

    async def end(self, name: str, exit_code: int = 0, message: str = "", reason: str = "Completed") -> None:
        """The runner's container has terminated; the browser's still runs, so the pod does too."""
        terminated: dict[str, Any] = {
            "exitCode": exit_code,
            "reason": reason,
            "message": message,
            "startedAt": _now(),
            "finishedAt": _now(),
        }
        browser = {"running": {"startedAt": _now()}}
        await self._report(name, "Running", browser=browser, runner={"terminated": terminated})

    async def evict(self, name: str, reason: str, message: str = "") -> None:
        """The pod failed as a whole, without any container having been started."""
        body = {"status": {"phase": "Failed", "reason": reason, "message": message}}
        await self._client.merge_patch(PODS, self._namespace, name, body, subresource="status")

    async def remove(self, name: str) -> None:
        """What the kubelet does last with a pod under deletion."""
        await self._client.delete(PODS, self._namespace, name, grace_period_seconds=0)

    async def _report(self, name: str, phase: str, *, browser: dict[str, Any], runner: dict[str, Any]) -> JsonObject:
        body = {
            "status": {
                "phase": phase,
                "startTime": _now(),
                "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": _now()}],
                "initContainerStatuses": [_container(CONTAINER_BROWSER, browser)],
                "containerStatuses": [_container(CONTAINER_RUNNER, runner)],
            }
        }
        return await self._client.merge_patch(PODS, self._namespace, name, body, subresource="status")
