"""Slim records of SkyvernTasks and their pods: what decisions need and nothing more."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple

from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import LABEL_MANAGED_BY, MANAGED_BY
from skyvern_operator.state.names import pod_name

POD_SELECTOR: Final = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
"""Selects the pods of all tasks."""
START_ERRORS: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of a container that is reported as terminated although its process never ran."""
STATUS_UNKNOWN: Final = "ContainerStatusUnknown"
"""Reason of a container that the kubelet lost: reported as terminated without a start, although it may have run."""

ENDED_PHASES: Final = frozenset({"Succeeded", "Failed"})
"""Phases of a pod whose containers have all ended."""
GATED: Final = "SchedulingGated"
"""Reason of the condition PodScheduled while the pod has scheduling gates."""


class TaskKey(NamedTuple):
    """Namespace and name of a task."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Owner(NamedTuple):
    """The task of a pod: one of the pod's own namespace, whoever else has the uid that its owner reference carries.

    Anybody who may create pods anywhere can write the uid of a foreign task into one.
    """

    namespace: str
    uid: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """What the operator keeps of a SkyvernTask. Goal, payload and schema are read when the pod is created."""

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
    """Whether the runner has written to status."""
    unreadable: str | None = None
    """Which fields of the stored status cannot be read, and why. Such a task can only be canceled or deleted."""
    settled: bool = False
    """Whether the task has ended and nothing is left to write. Its status then holds only what cleaning up needs."""
    ignored: str | None = None
    """Which other fields cannot be read, and why. The task continues without them."""
    webhook_host: str = ""
    """The host that its webhook calls; empty when there is none."""
    traceparent: str | None = None
    """Value of the traceparent annotation."""

    def says_the_same_as(self, other: "TaskRecord") -> bool:
        """Whether decisions about both are the same: they differ at most in their versions, as after a report."""
        return _task_content(self) == _task_content(other)

    @property
    def owner(self) -> Owner:
        """The task as its pods name it."""
        return Owner(self.key.namespace, self.uid)

    @property
    def ended(self) -> bool:
        """Whether the verdict is written."""
        return self.status.phase is not None and self.status.phase.terminal

    @property
    def current_attempt(self) -> int:
        """Number of the current attempt, or of the next one if there is none."""
        made = self.status.attempt or 0
        return made if self.status.pod_uid else made + 1

    @property
    def pod_name(self) -> str:
        """Name that the pod of the current attempt has or would have."""
        if self.status.pod_uid and self.status.pod_name:
            return self.status.pod_name
        return pod_name(self.key.name, self.uid, self.current_attempt)


_task_content: Final = attrgetter(*(field.name for field in fields(TaskRecord) if field.name != "version"))


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
    """Whether it was, in this run or the last."""

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
    MISSING = "missing"
    """Watches and lists no longer show it, and nobody saw its deletion: it may only have lost its label."""
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
    created_at: datetime | None = None
    labeled: bool = True
    """Whether watches and lists show it, by the label managed-by."""
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    node_name: str | None = None
    life: PodLife = PodLife.LIVE
    deletion_due: datetime | None = None
    """deletionTimestamp: when the grace period of its deletion ends."""
    grace_over: bool = False
    """deletionGracePeriodSeconds is 0, which the API server writes just before it removes the pod."""
    scheduled: bool | None = None
    scheduled_at: datetime | None = None
    scheduling_reason: str = ""
    scheduling_message: str = ""
    disruption: str = ""
    """Reason of the condition DisruptionTarget."""
    disruption_message: str = ""
    runner: ContainerRecord = ContainerRecord()
    browser: ContainerRecord = ContainerRecord()

    def says_the_same_as(self, other: "PodRecord") -> bool:
        """Whether decisions about both are the same: at most their versions differ, as when a pod gets its IP."""
        return _pod_content(self) == _pod_content(other)

    @property
    def gated(self) -> bool:
        """Whether a scheduling gate, as Kueue's, keeps it from being scheduled."""
        return self.scheduled is False and self.scheduling_reason == GATED

    @property
    def ended(self) -> bool:
        """Whether the agent can no longer act: its container has terminated, or the whole pod has."""
        return self.runner.terminated or self.phase in ENDED_PHASES

    @property
    def owner(self) -> Owner:
        """The task it belongs to, if there is one."""
        return Owner(self.namespace, self.task_uid)

    @property
    def key(self) -> TaskKey:
        """The key of the task it belongs to."""
        return TaskKey(self.namespace, self.task_name)


_pod_content: Final = attrgetter(*(field.name for field in fields(PodRecord) if field.name != "version"))


def vanished_pod(task: TaskRecord, name: str) -> PodRecord:
    """A record for a pod that the task's status names and the API server does not have."""
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
