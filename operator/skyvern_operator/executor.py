"""Carries out actions, in order, and stops at the first error. Every create error has a name and a consequence."""

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError

from skyvern_crds.client import (
    EVENTS,
    PODS,
    SKYVERNTASKS,
    AlreadyExists,
    ClusterClient,
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    JsonObject,
    NotFound,
    Resource,
)
from skyvern_crds.runner_contract import TERMINATION_GRACE_SECONDS, task_document
from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import (
    API_VERSION,
    KIND,
    MANAGED_BY,
    MANAGER_OPERATOR,
    TERMINAL_PHASES,
    ConditionType,
    Reason,
)
from skyvern_operator.actions import (
    Action,
    ApplyStatus,
    CreatePod,
    DeletePod,
    DeleteTask,
    DeliverWebhook,
    EmitEvent,
    LookUpPod,
    WakeAt,
)
from skyvern_operator.conditions import cut, find, succeeded_reason
from skyvern_operator.config import OperatorConfig
from skyvern_operator.errors import CreateRetryError, StaleRecordError
from skyvern_operator.limiter import TokenBucket
from skyvern_operator.metrics import Metrics
from skyvern_operator.pod import ProfileError, build_pod, pod_name
from skyvern_operator.records import TaskKey, TaskRecord, controlling_task, pod_record, task_record
from skyvern_operator.refusals import refusal_of
from skyvern_operator.store import Store
from skyvern_operator.view import Refusal

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Executor:
    """The only place that writes to the API server, but for nothing else than what a decision asked for."""

    def __init__(
        self,
        client: ClusterClient,
        store: Store,
        config: OperatorConfig,
        metrics: Metrics,
        *,
        deliver: Callable[[TaskRecord], None],
        wake: Callable[[TaskKey, datetime], None],
    ) -> None:
        """``deliver`` starts one try of a webhook; ``wake`` sets the task's next wake-up."""
        self._client = client
        self._store = store
        self._config = config
        self._metrics = metrics
        self._deliver = deliver
        self._wake = wake
        self._bucket = TokenBucket(config.writes.qps, config.writes.burst)

    async def run(self, task: TaskRecord, actions: Sequence[Action]) -> None:
        """Carry out the actions for a task.

        Raises StaleRecordError when the object is another by now, CreateRetryError when a pod cannot be made for
        the moment, and ClusterError for all that is worth a retry.
        """
        for action in actions:
            await self._run(task, action)

    async def _run(self, task: TaskRecord, action: Action) -> None:
        match action:
            case CreatePod(attempt):
                await self._create_pod(task, attempt)
            case DeletePod(name, uid):
                await self._delete_pod(task, name, uid)
            case LookUpPod(name):
                await self._look_up(task, name)
            case ApplyStatus(status):
                await self._apply_status(task, status)
            case EmitEvent(reason, message):
                await self._emit(task, reason, message)
            case DeliverWebhook():
                self._deliver(task)
            case DeleteTask():
                await self._delete_task(task)
            case WakeAt(at):
                self._wake(task.key, at)

    # Pods -----------------------------------------------------------------------------------------------------------

    async def _create_pod(self, task: TaskRecord, attempt: int) -> None:
        """Make the pod, from the object as it is now; a pod of ours that exists already is as good."""
        obj = await self._fresh(task)
        facts = self._store.facts(task.uid)
        try:
            document = task_document(obj, attempt)
            manifest = build_pod(document, self._config, obj["metadata"].get("labels") or {})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            self._refuse(task, Refusal(Reason.SPEC_INVALID, f"spec.{where}: {first['msg']}"))
            return
        except ProfileError as error:
            self._refuse(task, Refusal(Reason.SPEC_INVALID, str(error)))
            return
        try:
            pod = await self._write("create", PODS, lambda: self._client.create(PODS, task.key.namespace, manifest))
        except AlreadyExists:
            adopted = await self._adopt(task, manifest["metadata"]["name"])
            if adopted is None:
                return
            pod = adopted
        except (Forbidden, Invalid) as error:
            self._refuse(task, refusal_of(error, self._config.graces.quota_retry_seconds * random.uniform(1, 2)))  # noqa: S311
            return
        facts.refusal = None
        record = pod_record(pod)
        if record is not None:
            self._store.put_pod(record)

    async def _adopt(self, task: TaskRecord, name: str) -> JsonObject | None:
        """The pod of this name if the task controls it; a refusal otherwise."""
        try:
            pod = await self._client.get(PODS, task.key.namespace, name)
        except NotFound as error:
            raise CreateRetryError(f"the pod {name} existed a moment ago") from error
        owner = controlling_task(pod)
        if owner is None or owner["uid"] != task.uid:
            message = f"a pod named {name} exists and does not belong to this task: remove it, or rename the task"
            self._refuse(task, Refusal(Reason.NAME_CONFLICT, message))
            return None
        return pod

    def _refuse(self, task: TaskRecord, refusal: Refusal) -> None:
        self._store.facts(task.uid).refusal = refusal

    async def _delete_pod(self, task: TaskRecord, name: str, uid: str) -> None:
        try:
            await self._write(
                "delete", PODS, lambda: self._client.delete(PODS, task.key.namespace, name, uid=uid), urgent=True
            )
        except NotFound:
            self._store.mark_vanished(task, name)
            return
        except Conflict:
            return  # another pod of this name: the watch brings it
        pod = self._store.pod(task.uid, name)
        if pod is not None:
            self._store.mark_deleting(pod, datetime.now(UTC) + timedelta(seconds=TERMINATION_GRACE_SECONDS))

    async def _look_up(self, task: TaskRecord, name: str) -> None:
        try:
            record = pod_record(await self._client.get(PODS, task.key.namespace, name))
        except NotFound:
            record = None
        if record is None or record.task_uid != task.uid:
            self._store.mark_vanished(task, name)
        else:
            self._store.put_pod(record)

    # The task -------------------------------------------------------------------------------------------------------

    async def _fresh(self, task: TaskRecord) -> JsonObject:
        """The object as it is now. Raises StaleRecordError when a decision for ``task`` no longer fits it."""
        try:
            obj = await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name)
        except NotFound as error:
            self._store.drop_task(task.key, task.uid)
            raise StaleRecordError(f"{task.key} is gone") from error
        now = task_record(obj)
        self._store.put_task(now)
        before = (task.uid, task.deleting, task.cancel_requested, task.suspend, task.status.pod_uid, task.status.phase)
        if (now.uid, now.deleting, now.cancel_requested, now.suspend, now.status.pod_uid, now.status.phase) != before:
            raise StaleRecordError(f"{task.key} has changed")
        return obj

    async def _apply_status(self, task: TaskRecord, status: OperatorStatus) -> None:
        """Write all of the operator's fields; the answer is the newest record."""
        # On a status the API server overlooks a wrong uid. The version makes sure that a task which was deleted and
        # made again under the same name never gets its predecessor's verdict, which it could not lose again.
        version = {"uid": task.uid, "resourceVersion": str(task.version)}
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": task.key.name, "namespace": task.key.namespace, **version},
            "status": status.fitted().wire(),
        }

        def call() -> Awaitable[JsonObject]:
            return self._client.apply(
                SKYVERNTASKS,
                task.key.namespace,
                task.key.name,
                body,
                field_manager=MANAGER_OPERATOR,
                subresource="status",
            )

        try:
            answer = await self._write(
                "apply", SKYVERNTASKS, call, urgent=status.phase in TERMINAL_PHASES and not task.ended
            )
        except NotFound as error:
            self._store.drop_task(task.key, task.uid)
            raise StaleRecordError(f"{task.key} is gone") from error
        except Conflict as error:
            await self._fresh(task)
            raise StaleRecordError(f"{task.key} was written by another meanwhile") from error
        except Invalid as error:
            await self._already_decided(task, error)
            return
        self._store.put_task(task_record(answer))
        self._log_change(task, status)
        facts = self._store.facts(task.uid)
        if facts.webhook == status.webhook:
            facts.webhook = None
        if status.phase in TERMINAL_PHASES and not task.ended:
            self._count_verdict(status)
        elif status.started_at is not None and task.status.started_at is None:
            self._metrics.start_latency.observe(max(0.0, (status.started_at - task.created_at).total_seconds()))

    @staticmethod
    def _log_change(task: TaskRecord, status: OperatorStatus) -> None:
        reason = succeeded_reason(status)
        if (status.phase, reason) != (task.status.phase, succeeded_reason(task.status)):
            condition = find(status.conditions, ConditionType.SUCCEEDED)
            fields = {"task": str(task.key), "phase": status.phase, "reason": reason, "pod": status.pod_name}
            logger.info(condition.message if condition is not None else "", extra={"fields": fields})

    async def _already_decided(self, task: TaskRecord, error: Invalid) -> None:
        """The schema refuses to leave a terminal phase: somebody else, a former leader say, has decided."""
        now = task_record(await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name))
        if not now.ended or task.ended:
            raise error
        self._store.put_task(now)
        raise StaleRecordError(f"{task.key} has ended already: {now.status.phase}") from error

    def _count_verdict(self, status: OperatorStatus) -> None:
        phase = status.phase.value if status.phase is not None else ""
        reason = next((entry.reason for entry in status.conditions if entry.type == "Succeeded"), "")
        self._metrics.verdicts.labels(phase, reason).inc()
        if status.finished_at is not None:
            lag = (datetime.now(UTC) - status.finished_at).total_seconds()
            self._metrics.verdict_lag.observe(max(0.0, lag))
            if status.started_at is not None:
                seconds = (status.finished_at - status.started_at).total_seconds()
                self._metrics.duration.labels(phase).observe(max(0.0, seconds))

    async def _delete_task(self, task: TaskRecord) -> None:
        namespace, name = task.key
        try:
            await self._write(
                "delete", SKYVERNTASKS, lambda: self._client.delete(SKYVERNTASKS, namespace, name, uid=task.uid)
            )
        except (NotFound, Conflict):
            self._store.drop_task(task.key, task.uid)

    async def _emit(self, task: TaskRecord, reason: Reason, message: str) -> None:
        """One Event about the end; its name follows from the task, so that it is there once."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        reference = {"apiVersion": API_VERSION, "kind": KIND, "namespace": task.key.namespace}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": pod_name(task.key.name, task.uid, 0), "namespace": task.key.namespace},
            "involvedObject": reference | {"name": task.key.name, "uid": task.uid},
            "type": "Warning",
            "reason": reason.value,
            "message": cut(message),
            "source": {"component": MANAGED_BY},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._write("create", EVENTS, lambda: self._client.create(EVENTS, task.key.namespace, body))
        except (AlreadyExists, Forbidden):
            return  # told before, or the namespace is on its way out; the status has it anyway

    async def _write(
        self, verb: str, resource: Resource, call: Callable[[], Awaitable[T]], *, urgent: bool = False
    ) -> T:
        """One write: counted, and after its turn. Verdicts and stops do not wait behind new work."""
        await self._bucket.take(urgent=urgent)
        try:
            answer = await call()
        except ClusterError as error:
            self._metrics.writes.labels(verb, resource.plural, str(error.status)).inc()
            raise
        self._metrics.writes.labels(verb, resource.plural, "200").inc()
        return answer
