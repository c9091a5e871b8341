"""Creates, deletes and looks up a task's pods. Every create error has a name and a consequence."""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from skyvern_crds.client import (
    EVENTS,
    PODS,
    SKYVERNTASKS,
    AlreadyExists,
    ClusterClient,
    Conflict,
    Forbidden,
    Invalid,
    JsonObject,
    NotFound,
    Unavailable,
)
from skyvern_crds.runner_contract import TERMINATION_GRACE_SECONDS, task_document
from skyvern_crds.vocabulary import Reason
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.refusals import CreateError, refusal_of
from skyvern_operator.decision.slots.creation_gate import CreationGate, Obstacle
from skyvern_operator.errors import CreateRetryError, ProfileError, StaleRecordError
from skyvern_operator.execution.pod_manifest import build_pod
from skyvern_operator.execution.tracing import TaskTracing
from skyvern_operator.execution.writer import Writer
from skyvern_operator.state.facts import Refusal
from skyvern_operator.state.parsing import controlling_task, pod_record, trouble_of
from skyvern_operator.state.records import TaskRecord
from skyvern_operator.state.store import Store

MAX_EVENTS: Final = 500
"""How many warnings about a pod are looked at. Whoever may record Events could make any number of them, and a worker
must not read them all."""


class PodActions:
    """What a decision can ask for about pods."""

    def __init__(
        self,
        client: ClusterClient,
        writer: Writer,
        store: Store,
        gate: CreationGate,
        config: OperatorConfig,
        *,
        tracing: TaskTracing | None = None,
    ) -> None:
        self._client = client
        self._writer = writer
        self._store = store
        self._gate = gate
        self._config = config
        self._tracing = tracing

    async def turn(self) -> None:
        """Wait until the rate of writes allows :meth:`create`."""
        await self._writer.turn()

    async def create(self, task: TaskRecord, attempt: int, obj: JsonObject) -> None:
        """Create the pod of an attempt from the task's current object; a pod of ours that already exists will do.

        Call :meth:`turn` before the object is read.
        """
        try:
            document = task_document(obj, attempt)
            trace = self._tracing.runner(task, attempt) if self._tracing is not None else None
            manifest = build_pod(document, self._config, obj["metadata"].get("labels") or {}, trace)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["spec", *map(str, first["loc"])])
            message = f"{where}: {first['msg'].removeprefix('Value error, ')}"
            self._remember(task, Refusal(Reason.SPEC_INVALID, message))
            return
        except ProfileError as error:
            self._remember(task, Refusal(Reason.SPEC_INVALID, str(error)))
            return
        begun = datetime.now(UTC)
        try:
            pod = await self._writer.write(
                "create", PODS, lambda: self._client.create(PODS, task.key.namespace, manifest), waited=True
            )
        except AlreadyExists:
            adopted = await self._adopt(task, manifest["metadata"]["name"])
            if adopted is None:
                return
            pod = adopted
        except (Forbidden, Invalid, NotFound, Unavailable) as error:
            await self._refused(task, error)
            return
        else:
            self._gate.passed(task, datetime.now(UTC))
            if self._tracing is not None:
                self._tracing.pod_created(task, attempt, begun)
        record = pod_record(pod)
        if record is not None:
            self._store.put_pod(record)

    async def _refused(self, task: TaskRecord, error: CreateError) -> None:
        """Remember what the refusal means. An API server that does not answer for the task either is nobody's obstacle:
        what it raises then is worth another try, like any failed call."""
        if isinstance(error, Unavailable):
            await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name)
        meaning = refusal_of(error, datetime.now(UTC))
        if isinstance(meaning, Obstacle):
            self._gate.blocked(task, meaning)
        else:
            self._remember(task, meaning)

    async def delete(self, task: TaskRecord, name: str, uid: str, version: int | None = None) -> None:
        """Delete the pod of this uid, and of this version if one is given, with its grace period.

        Raises StaleRecordError when the pod is another; the store then has it as it is.
        """

        def call() -> Awaitable[None]:
            resource_version = str(version) if version is not None else None
            return self._client.delete(PODS, task.key.namespace, name, uid=uid, resource_version=resource_version)

        try:
            await self._writer.write("delete", PODS, call, urgent=True)
        except NotFound:
            self._store.mark_vanished(task, name)
            return
        except Conflict as error:
            await self.look_up(task, name)  # it has changed, or another pod has taken the name
            raise StaleRecordError(f"the pod {name} has changed") from error
        pod = self._store.pod(task.owner, name)
        if pod is not None:
            self._store.mark_deleting(pod, datetime.now(UTC) + timedelta(seconds=TERMINATION_GRACE_SECONDS))

    async def look_up(self, task: TaskRecord, name: str) -> None:
        """Ask the API server for a pod that the store does not have."""
        try:
            record = pod_record(await self._client.get(PODS, task.key.namespace, name))
        except NotFound:
            record = None
        if record is None or record.task_uid != task.uid:
            self._store.mark_vanished(task, name)
        else:
            self._store.put_pod(record)

    async def look_up_trouble(self, task: TaskRecord, pod_uid: str) -> None:
        """Ask the API server for the kubelet's newest warning about a pod."""
        selector = f"involvedObject.uid={pod_uid},type=Warning"
        events: list[JsonObject] = []
        try:
            async for page in self._client.list_pages(EVENTS, task.key.namespace, field_selector=selector):
                events += page.items
                if len(events) >= MAX_EVENTS or not page.items:
                    break
        except Forbidden:
            pass  # a role of an earlier release: the pod's trouble stays untold
        trouble = trouble_of(pod_uid, events, datetime.now(UTC))
        self._store.put_facts(task, replace(self._store.facts(task), trouble=trouble))

    async def _adopt(self, task: TaskRecord, name: str) -> JsonObject | None:
        """The pod of this name if the task controls it; otherwise None, and a refusal."""
        try:
            pod = await self._client.get(PODS, task.key.namespace, name)
        except NotFound as error:
            raise CreateRetryError(f"the pod {name} existed a moment ago") from error
        owner = controlling_task(pod)
        if owner is None or owner["uid"] != task.uid:
            message = f"a pod named {name} exists and does not belong to this task: remove it, or rename the task"
            self._remember(task, Refusal(Reason.NAME_CONFLICT, message))
            return None
        return pod

    def _remember(self, task: TaskRecord, refusal: Refusal) -> None:
        self._store.put_facts(task, replace(self._store.facts(task), refusal=refusal))
