"""What tests do with the tasks and pods of a namespace."""

from collections.abc import Callable
from typing import Any

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, JsonObject, NotFound
from skyvern_crds.vocabulary import ANNOTATION_CANCEL, API_VERSION, KIND
from skyvern_operator.state.parsing import controlling_task
from tests.waiting import eventually


class Cluster:
    """A namespace, seen through the administrator's client; ``name`` is the task meant where none is named."""

    def __init__(self, client: ClusterClient, namespace: str, name: str) -> None:
        self.client = client
        self.namespace = namespace
        self.name = name

    async def create(self, name: str | None = None, labels: dict[str, str] | None = None, **spec: Any) -> JsonObject:
        """Create a SkyvernTask; keyword arguments are fields of its spec."""
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": name or self.name, "labels": labels or {}},
            "spec": {"url": "https://jobs.example.com/apply", "navigationGoal": "Apply"} | spec,
        }
        return await self.client.create(SKYVERNTASKS, self.namespace, body)

    async def task(self, name: str | None = None) -> JsonObject:
        """The task as it is."""
        return await self.client.get(SKYVERNTASKS, self.namespace, name or self.name)

    async def change(self, body: JsonObject, name: str | None = None) -> None:
        """Merge-patch the task."""
        await self.client.merge_patch(SKYVERNTASKS, self.namespace, name or self.name, body)

    async def cancel(self, name: str | None = None) -> None:
        """Ask for the task to be canceled."""
        await self.change({"metadata": {"annotations": {ANNOTATION_CANCEL: "true"}}}, name)

    async def status(
        self,
        holds: Callable[[JsonObject], object],
        what: str,
        name: str | None = None,
        within: float = 30.0,
    ) -> JsonObject:
        """Wait until the status satisfies a condition; the status then."""

        async def look() -> JsonObject:
            return dict((await self.task(name)).get("status") or {})

        return await eventually(look, holds, what=f"{name or self.name}: {what}", within=within)

    async def phase(self, phase: str, name: str | None = None, within: float = 30.0) -> JsonObject:
        """Wait for a phase; the status then."""
        return await self.status(lambda status: status.get("phase") == phase, phase, name, within)

    async def reason(self, reason: str, name: str | None = None, within: float = 30.0) -> JsonObject:
        """Wait for a reason of Succeeded; the status then."""
        return await self.status(lambda status: reason_of(status) == reason, reason, name, within)

    async def pod(self, name: str | None = None, attempt: int = 1) -> str:
        """Wait until the status names the pod of an attempt; its name."""
        status = await self.status(
            lambda status: status.get("podUID") and status["attempt"] == attempt, f"pod {attempt}", name
        )
        return str(status["podName"])

    async def pods(self) -> list[JsonObject]:
        """The pods of all tasks."""
        return [pod async for page in self.client.list_pages(PODS, self.namespace) for pod in page.items]

    async def pods_of(self, name: str | None = None) -> list[JsonObject]:
        """The pods of one task."""
        owner = name or self.name
        return [pod for pod in await self.pods() if (controlling_task(pod) or {}).get("name") == owner]

    async def pod_gone(self, pod: str, within: float = 30.0) -> None:
        """Wait until there is no such pod."""
        await eventually(lambda: self._pod(pod), lambda found: found is None, what=f"pod {pod} gone", within=within)

    async def pod_deleting(self, pod: str) -> None:
        """Wait until the deletion of a pod has begun."""
        await eventually(
            lambda: self._pod(pod),
            lambda found: found is not None and "deletionTimestamp" in found["metadata"],
            what=f"pod {pod} under deletion",
        )

    async def _pod(self, pod: str) -> JsonObject | None:
        try:
            return await self.client.get(PODS, self.namespace, pod)
        except NotFound:
            return None


def reason_of(status: JsonObject) -> str | None:
    """Reason of the condition Succeeded."""
    return condition(status, "Succeeded").get("reason")


def condition(status: JsonObject, kind: str) -> JsonObject:
    """A condition by type; empty when absent."""
    return next((entry for entry in status.get("conditions", []) if entry["type"] == kind), {})
