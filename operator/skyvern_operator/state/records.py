"""Slim records of SkyvernTasks and their pods: parsed once at the edge, all that decisions need and nothing more."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from skyvern_crds.runner_contract import CONTAINER_BROWSER, CONTAINER_RUNNER
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import (
    ANNOTATION_CANCEL,
    ANNOTATION_RETRY_WEBHOOK,
    GROUP,
    KIND,
    LABEL_ATTEMPT,
    LABEL_MANAGED_BY,
    MANAGED_BY,
)
from skyvern_operator.state.names import pod_name

POD_SELECTOR: Final = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
"""Selects the pods of all tasks."""
START_ERRORS: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of a container that is reported as terminated and whose process never ran."""
STATUS_UNKNOWN: Final = "ContainerStatusUnknown"
"""Reason of a container that the kubelet lost: reported as terminated without a start, though it may have run."""


class TaskKey(NamedTuple):
    """Names a task; what the queue holds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """What the operator keeps of a SkyvernTask. The goal, payload and schema are read when the pod is made."""

    key: TaskKey
    uid: str
    version: int
    """resourceVersion; comparable within a kind."""
    generation: int
    created_at: datetime
    deleting: bool
    cancel_requested: bool
    webhook_retry: str | None
    """Value of the retry-webhook annotation."""
    has_webhook: bool
    suspend: bool
    priority: int
    profile: str | None
    start_deadline_seconds: int
    active_deadline_seconds: int
    ttl_seconds: int | None
    infra_retries: int
    without_effect: tuple[str, ...]
    """Fields of the spec that have no effect here."""
    status: OperatorStatus
    reported: bool
    """The runner has written to status."""
    unreadable: str | None = None
    """Why the stored status cannot be read (written by a newer version, say); such a task is left alone."""

    @property
    def ended(self) -> bool:
        """Whether the verdict is written."""
        return self.status.phase is not None and self.status.phase.terminal

    @property
    def current_attempt(self) -> int:
        """Number of the attempt under way, or of the next one when there is none."""
        made = self.status.attempt or 0
        return made if self.status.pod_uid else made + 1

    @property
    def pod_name(self) -> str:
        """Name that the pod of the current attempt has or would have."""
        if self.status.pod_uid and self.status.pod_name:
            return self.status.pod_name
        return pod_name(self.key.name, self.uid, self.current_attempt)


class ContainerState(StrEnum):
    """State of a container, as the kubelet reports it."""

    ABSENT = "absent"
    WAITING = "waiting"
    RUNNING = "running"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """State of one container."""

    state: ContainerState = ContainerState.ABSENT
    reason: str = ""
    message: str = ""
    image: str = ""
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    killed_for_memory: bool = False
    """Now or in its last run."""

    @property
    def started(self) -> bool:
        """Whether its process has run, or may have."""
        if self.state is ContainerState.TERMINATED:
            return self.reason == STATUS_UNKNOWN or (self.reason not in START_ERRORS and self.started_at is not None)
        return self.state is ContainerState.RUNNING

    @property
    def terminated(self) -> bool:
        """Whether it has ended."""
        return self.state is ContainerState.TERMINATED


class PodLife(StrEnum):
    """Whether a pod still exists, and what proves that it does not."""

    LIVE = "live"
    DELETING = "deleting"
    """Its deletion has begun."""
    SEEN_TO_END = "seen to end"
    """A watch delivered its deletion, so the record is its last state."""
    VANISHED = "vanished"
    """It is gone and nobody saw it end: after the state in the record its agent may have started."""

    @property
    def gone(self) -> bool:
        """Whether the API server no longer has the pod."""
        return self in (PodLife.SEEN_TO_END, PodLife.VANISHED)


@dataclass(frozen=True, slots=True)
class PodRecord:
    """What the operator keeps of a pod."""

    namespace: str
    name: str
    uid: str
    version: int
    task_uid: str
    task_name: str
    attempt: int
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    node_name: str | None = None
    life: PodLife = PodLife.LIVE
    deletion_due: datetime | None = None
    """deletionTimestamp: when the grace period of its deletion ends."""
    scheduled: bool | None = None
    scheduled_at: datetime | None = None
    scheduling_reason: str = ""
    scheduling_message: str = ""
    disruption: str = ""
    """Reason of the condition DisruptionTarget."""
    runner: ContainerRecord = ContainerRecord()
    browser: ContainerRecord = ContainerRecord()

    @property
    def ended(self) -> bool:
        """Whether the agent can no longer act: its container has terminated, or the whole pod has."""
        return self.runner.terminated or self.phase in ("Succeeded", "Failed")

    @property
    def key(self) -> TaskKey:
        """The task it belongs to."""
        return TaskKey(self.namespace, self.task_name)


def task_record(obj: dict[str, Any]) -> TaskRecord:
    """Parse a SkyvernTask given as Kubernetes JSON."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    annotations = meta.get("annotations") or {}
    unreadable, parsed = None, OperatorStatus()
    try:
        parsed = OperatorStatus.model_validate(status)
    except ValidationError as error:
        unreadable = f"{error.error_count()} fields of status are unreadable, the first: {error.errors()[0]['loc']}"
    return TaskRecord(
        key=TaskKey(meta["namespace"], meta["name"]),
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        generation=meta.get("generation", 1),
        created_at=_time(meta["creationTimestamp"]),
        deleting="deletionTimestamp" in meta,
        cancel_requested=annotations.get(ANNOTATION_CANCEL, "false") != "false",
        webhook_retry=(annotations.get(ANNOTATION_RETRY_WEBHOOK) or "")[:64] or None,
        has_webhook=bool(spec.get("webhookCallbackUrl")),
        suspend=bool(spec.get("suspend", False)),
        priority=_number(spec, "priority"),
        profile=spec.get("profile"),
        start_deadline_seconds=_number(spec, "start_deadline_seconds"),
        active_deadline_seconds=_number(spec, "active_deadline_seconds"),
        ttl_seconds=spec.get("ttlSecondsAfterFinished"),
        infra_retries=_number(spec, "infra_retries"),
        without_effect=_without_effect(spec),
        status=parsed,
        reported=bool(status.get("lastHeartbeat") or status.get("stepCount")),
        unreadable=unreadable,
    )


def _number(spec: dict[str, Any], field: str) -> int:
    info = SkyvernTaskSpec.model_fields[field]
    return int(spec.get(info.alias or field, info.default))


def _without_effect(spec: dict[str, Any]) -> tuple[str, ...]:
    """Fields that are accepted for callers of the Tasks API and that nothing here acts upon."""
    given = ("totpVerificationUrl", "totpIdentifier", "maxScreenshotScrolls")
    proxy = ("proxyLocation",) if spec.get("proxyLocation", "NONE") != "NONE" else ()
    return proxy + tuple(field for field in given if spec.get(field))


def pod_record(obj: dict[str, Any]) -> PodRecord | None:
    """Parse a pod given as Kubernetes JSON; None when no SkyvernTask controls it."""
    meta, status = obj["metadata"], obj.get("status") or {}
    owner = controlling_task(obj)
    if owner is None:
        return None
    deletion_due = _optional_time(meta.get("deletionTimestamp"))
    attempt = (meta.get("labels") or {}).get(LABEL_ATTEMPT, "1")
    conditions = {entry["type"]: entry for entry in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    disruption = conditions.get("DisruptionTarget", {})
    return PodRecord(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        task_uid=owner["uid"],
        task_name=owner["name"],
        attempt=int(attempt) if attempt.isdigit() else 1,
        phase=status.get("phase", "Pending"),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        node_name=(obj.get("spec") or {}).get("nodeName"),
        life=PodLife.LIVE if deletion_due is None else PodLife.DELETING,
        deletion_due=deletion_due,
        scheduled={"True": True, "False": False}.get(scheduled.get("status", "")),
        scheduled_at=_optional_time(scheduled.get("lastTransitionTime")),
        scheduling_reason=scheduled.get("reason", ""),
        scheduling_message=scheduled.get("message", ""),
        disruption=disruption.get("reason", "") if disruption.get("status") == "True" else "",
        runner=_container(status.get("containerStatuses"), CONTAINER_RUNNER),
        browser=_container(status.get("initContainerStatuses"), CONTAINER_BROWSER),
    )


def controlling_task(obj: dict[str, Any]) -> dict[str, Any] | None:
    """The owner reference of the SkyvernTask that controls the object, if there is one."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner["kind"] == KIND and owner["apiVersion"].partition("/")[0] == GROUP:
            return dict(owner)
    return None


def vanished_pod(task: TaskRecord, name: str) -> PodRecord:
    """Stands for a pod that the task's status names and the API server does not have."""
    return PodRecord(
        namespace=task.key.namespace,
        name=name,
        uid=task.status.pod_uid or "",
        version=0,
        task_uid=task.uid,
        task_name=task.key.name,
        attempt=task.status.attempt or 1,
        phase="Unknown",
        life=PodLife.VANISHED,
    )


def _container(statuses: list[dict[str, Any]] | None, name: str) -> ContainerRecord:
    entry = next((entry for entry in statuses or () if entry["name"] == name), None)
    if entry is None:
        return ContainerRecord()
    last = (entry.get("lastState") or {}).get("terminated") or {}
    for state in (ContainerState.TERMINATED, ContainerState.RUNNING, ContainerState.WAITING):
        value = (entry.get("state") or {}).get(state.value)
        if value is not None:
            return ContainerRecord(
                state=state,
                reason=value.get("reason", ""),
                message=value.get("message", ""),
                image=entry.get("image", ""),
                exit_code=value.get("exitCode"),
                started_at=_optional_time(value.get("startedAt")),
                finished_at=_optional_time(value.get("finishedAt")),
                killed_for_memory="OOMKilled" in (value.get("reason"), last.get("reason")),
            )
    return ContainerRecord()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _optional_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
