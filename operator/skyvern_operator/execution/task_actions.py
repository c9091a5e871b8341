"""Reads, updates and deletes the task object, and records Events about it."""

import contextlib
import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from skyvern_crds import wire
from skyvern_crds.client import (
    EVENTS,
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
from skyvern_crds.fitting import fit_operator_status
from skyvern_crds.status import MAX_INLINE_RESULT_BYTES, OperatorStatus
from skyvern_crds.vocabulary import (
    ANNOTATION_CANCEL,
    API_VERSION,
    KIND,
    MANAGED_BY,
    MANAGER_OPERATOR,
    TERMINAL_PHASES,
    ConditionType,
    Reason,
)
from skyvern_operator.decision.conditions import cut, find, succeeded_reason
from skyvern_operator.errors import StaleRecordError
from skyvern_operator.execution.archive import Archive
from skyvern_operator.execution.milestones import Milestones
from skyvern_operator.execution.writer import Writer
from skyvern_operator.state.names import event_name
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskRecord
from skyvern_operator.state.store import Store

logger = logging.getLogger(__name__)

IGNORED_REMEDY: Final = "The task continues without these fields: correct or remove them."
STATUS_TRIES: Final = 10
"""How often in a row a status is written that the runner's reports overtake. A runner that a page has taken over may
report hundreds of times a second, and must not be able to keep its task from being stopped."""
TOO_LARGE: Final = "request is too large"
"""The words of etcd about an object beyond its limit, 1.5 MiB; the API server makes a 500 of them."""
UNREADABLE_REMEDY: Final = (
    "A newer version may have written it. Nothing is done about the task until it can be read: upgrade the operator, "
    f"or cancel the task with the annotation {ANNOTATION_CANCEL}, or delete it."
)


class TaskActions:
    """What a decision can ask for about the task object."""

    def __init__(
        self, client: ClusterClient, writer: Writer, store: Store, milestones: Milestones, archive: Archive | None
    ) -> None:
        """Without an archive, tasks are deleted without a record."""
        self._client = client
        self._writer = writer
        self._store = store
        self._milestones = milestones
        self._archive = archive

    async def object_of(self, task: TaskRecord) -> JsonObject:
        """The object that the decision for ``task`` was about, and if that is not at hand, the current one: see
        :meth:`fresh`."""
        return self._store.new_objects.take(task, datetime.now(UTC)) or await self.fresh(task)

    async def fresh(self, task: TaskRecord) -> JsonObject:
        """The current object. Raises StaleRecordError when a decision for ``task`` no longer fits it."""
        try:
            obj = await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name)
        except NotFound as error:
            self._store.drop_task(task.key, task.uid)
            raise StaleRecordError(f"{task.key} is gone") from error
        now = task_record(obj)
        self._store.put_task(now)
        if _decides(now) != _decides(task):
            raise StaleRecordError(f"{task.key} has changed")
        return obj

    async def apply_status(self, task: TaskRecord, status: OperatorStatus) -> None:
        """Write all of the operator's fields, and take the answer as the newest record.

        When only the runner has written since the decision for ``task``, the decision holds for the newer version too.
        """
        decided = task
        for _ in range(STATUS_TRIES):
            try:
                answer = await self._write_status(decided, status)
            except NotFound as error:
                self._store.drop_task(task.key, task.uid)
                raise StaleRecordError(f"{task.key} is gone") from error
            except Conflict:
                decided = self._newer(task, await self.fresh(task))
            except Unavailable as error:
                if TOO_LARGE not in error.message:
                    raise
                decided = self._newer(task, await self._make_room(task, error))
            except Invalid as error:
                await self._already_decided(task, error)
                return
            else:
                self._written(task, status, answer)
                return
        raise StaleRecordError(f"{task.key} is being modified all the time")

    @staticmethod
    def _newer(task: TaskRecord, obj: JsonObject) -> TaskRecord:
        """The task as it is. Raises StaleRecordError when more has changed than a decision for ``task`` can ignore."""
        now = task_record(obj)
        if not now.says_the_same_as(task):
            raise StaleRecordError(f"{task.key} was modified concurrently")
        return now

    async def _make_room(self, task: TaskRecord, error: Unavailable) -> JsonObject:
        """The object without a result that no runner of ours writes; raises ``error`` if that is not what fills it.

        Nothing bounds the size of JSON in a custom resource. A runner that a page has taken over could make its object
        so large that no verdict fits.
        """
        obj = await self.fresh(task)
        size = wire.size((obj.get("status") or {}).get("extractedInformation"))
        if size <= MAX_INLINE_RESULT_BYTES:
            raise error
        logger.warning("a result of %d bytes is removed: the status would not fit", size, extra=_fields(task))
        version = {"uid": task.uid, "resourceVersion": obj["metadata"]["resourceVersion"]}
        body = {"metadata": version, "status": {"extractedInformation": None}}

        def call() -> Awaitable[JsonObject]:
            return self._client.merge_patch(SKYVERNTASKS, task.key.namespace, task.key.name, body, subresource="status")

        try:
            return await self._writer.write("patch", SKYVERNTASKS, call, urgent=True)
        except Conflict:
            return await self.fresh(task)

    async def _write_status(self, task: TaskRecord, status: OperatorStatus) -> JsonObject:
        # A status write with a wrong uid is accepted. The version ensures that a task which was deleted and created
        # again under the same name never gets its predecessor's verdict, which could not be removed again.
        version = {"uid": task.uid, "resourceVersion": str(task.version)}
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": task.key.name, "namespace": task.key.namespace, **version},
            "status": fit_operator_status(status).wire(),
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

        urgent = status.phase in TERMINAL_PHASES and not task.ended
        return await self._writer.write("apply", SKYVERNTASKS, call, urgent=urgent)

    def _written(self, task: TaskRecord, status: OperatorStatus, answer: JsonObject) -> None:
        """Take note of a status that has been written over the one of ``task``."""
        self._store.put_task(task_record(answer))
        self._log_change(task, status)
        facts = self._store.facts(task)
        if facts.webhook is not None and facts.webhook == status.webhook:
            self._store.put_facts(task, replace(facts, webhook=None))
        self._milestones.observe(task, status, self._store.current_pod(task))

    @staticmethod
    def _log_change(task: TaskRecord, status: OperatorStatus) -> None:
        reason = succeeded_reason(status)
        if (status.phase, reason) != (task.status.phase, succeeded_reason(task.status)):
            condition = find(status.conditions, ConditionType.SUCCEEDED)
            fields = {"task": str(task.key), "phase": status.phase, "reason": reason, "pod": status.pod_name}
            logger.info(condition.message if condition is not None else "", extra={"fields": fields})

    async def _already_decided(self, task: TaskRecord, error: Invalid) -> None:
        """The schema rejects leaving a terminal phase: another writer, such as a former leader, has decided."""
        now = task_record(await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name))
        if not now.ended or task.ended:
            raise error
        self._store.put_task(now)
        raise StaleRecordError(f"{task.key} has already ended: {now.status.phase}") from error

    async def delete(self, task: TaskRecord) -> None:
        """Delete the task object, after its final record is in the archive; its pod follows. Raises ArchiveError."""
        namespace, name = task.key
        if self._archive is not None:
            self._archive.require_up()
            await self._archive.store(await self.fresh(task))
        # Otherwise it is gone, or another task has taken the name.
        with contextlib.suppress(NotFound, Conflict):
            await self._writer.write(
                "delete", SKYVERNTASKS, lambda: self._client.delete(SKYVERNTASKS, namespace, name, uid=task.uid)
            )
        self._store.drop_task(task.key, task.uid)

    async def report_unreadable(self, task: TaskRecord, faults: str) -> None:
        """Record an Event and a log line that name the stored fields that cannot be read, and remember it."""
        remedy = UNREADABLE_REMEDY if task.unreadable else IGNORED_REMEDY
        await self.emit(task, Reason.UNREADABLE, f"{faults}. {remedy}")
        logger.warning("stored fields cannot be read: %s", faults, extra=_fields(task))
        self._store.put_facts(task, replace(self._store.facts(task), reported=faults))

    async def emit(self, task: TaskRecord, reason: Reason, message: str) -> None:
        """Record one Event. Its name follows from what it says about the task, so that it exists once."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        reference = {"apiVersion": API_VERSION, "kind": KIND, "namespace": task.key.namespace}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": event_name(task.key.name, task.uid, reason, message), "namespace": task.key.namespace},
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
            await self._writer.write("create", EVENTS, lambda: self._client.create(EVENTS, task.key.namespace, body))
        except (AlreadyExists, Forbidden):
            return  # recorded before, or the namespace is terminating; the status has it anyway


def _fields(task: TaskRecord) -> dict[str, dict[str, str]]:
    return {"fields": {"task": str(task.key)}}


def _decides(task: TaskRecord) -> tuple[object, ...]:
    """What a decision that must not be made on an old record depends on."""
    status = task.status
    return (
        *(task.uid, task.deleting, task.cancel_requested, task.suspend, task.webhook_retry),
        *(status.pod_uid, status.attempt, status.phase),
    )
