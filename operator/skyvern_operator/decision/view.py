"""What a decision depends on, and the times that follow from it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from skyvern_crds.status import Condition, WebhookStatus
from skyvern_crds.vocabulary import PHASE_OF_REASON, ConditionType, Reason
from skyvern_operator.config import GracePeriods
from skyvern_operator.decision.conditions import find, reason_of, succeeded_reason
from skyvern_operator.decision.slots.admission import NOT_ASKED, Decision
from skyvern_operator.decision.slots.creation_gate import OPEN, Passage
from skyvern_operator.state.facts import Refusal, Trouble
from skyvern_operator.state.records import PodLife, PodRecord, TaskRecord

MAX_INFRA_BACKOFF_SECONDS: Final = 300.0
MAX_DOUBLINGS: Final = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """The part of the configuration that decisions depend on."""

    grace_periods: GracePeriods
    default_ttl_seconds: int | None = None
    ended_pod_seconds: int = 0
    seccomp_profile: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a decision depends on."""

    task: TaskRecord
    pod: PodRecord | None
    """Pod of the current attempt; None when it is not in the store."""
    now: datetime
    policy: Policy
    passage: Passage = OPEN
    admission: Decision = NOT_ASKED
    refusal: Refusal | None = None
    webhook: WebhookStatus | None = None
    """Outcome of a delivery that may not be in status yet."""
    webhook_under_way: bool = False
    strays: tuple[PodRecord, ...] = ()
    """Other pods of the task in which an agent could act if the task named them."""
    trouble: Trouble | None = None
    """What was found out about the pod, if it is not being started."""
    reported: str | None = None
    """The unreadable fields that were reported last."""
    surplus: bool = False
    """Whether the task has ended and its namespace has too many such tasks."""

    @property
    def stopping(self) -> Condition | None:
        """The condition Stopping, once status says why the pod is being taken away."""
        told = find(self.task.status.conditions, ConditionType.STOPPING)
        return told if told is not None and told.status == "True" else None

    @property
    def stop_reason(self) -> Reason | None:
        """The reason that the task will end with, or Suspended; None unless status says that its pod is stopped."""
        reason = reason_of(self.stopping)
        known = reason is Reason.SUSPENDED or (reason in PHASE_OF_REASON and PHASE_OF_REASON[reason].terminal)
        return reason if known else None

    @property
    def canceling(self) -> bool:
        """Whether the task is to be canceled. A cancellation that status has told is not withdrawn any more."""
        return self.task.cancel_requested or self.stop_reason is Reason.CANCELED

    @property
    def shut_out(self) -> bool:
        """Whether the pod can no longer get its first report accepted, without which its agent does not act.

        A pod that exists and is not under deletion does not count: it may be let in again.
        """
        return self.stopping is not None and (self.pod is None or self.pod.life is not PodLife.LIVE)

    @property
    def let_in(self) -> bool:
        """Whether the runner was let in. Once status has told that the agent works, no runner can take that back."""
        return self.task.reported or succeeded_reason(self.task.status) is Reason.RUNNING

    @property
    def agent_started(self) -> bool:
        """Whether the agent may have acted. Such a task is never run again."""
        told = self.task.status.started_at is not None or self.let_in
        return told or (self.pod is not None and self.pod.runner.started and not self.shut_out)

    @property
    def started_at(self) -> datetime | None:
        """Start of the runner; None for one that has been shut out."""
        seen = self.pod.runner.started_at if self.pod is not None and self.agent_started else None
        return self.task.status.started_at or seen

    @property
    def active_until(self) -> datetime | None:
        """When activeDeadlineSeconds have passed; None before the start."""
        start = self.started_at
        return start + timedelta(seconds=self.task.active_deadline_seconds) if start is not None else None

    @property
    def start_until(self) -> datetime | None:
        """When startDeadlineSeconds have passed; None before admission, behind a gate, and after the agent's start."""
        admitted = find(self.task.status.conditions, ConditionType.ADMITTED)
        if admitted is None or admitted.status != "True" or self.agent_started:
            return None
        return admitted.last_transition_time + timedelta(seconds=self.task.start_deadline_seconds)

    @property
    def lost_at(self) -> datetime | None:
        """When a node that has not confirmed the end of a deleted pod counts as lost."""
        return self.lost_at_of(self.pod) if self.pod is not None else None

    def lost_at_of(self, pod: PodRecord) -> datetime | None:
        """The same of any pod; None while its deletion has not begun."""
        if pod.deletion_due is None:
            return None
        return pod.deletion_due + timedelta(seconds=self.policy.grace_periods.lost_node_seconds)

    @property
    def backoff_until(self) -> datetime | None:
        """When the next attempt is due, after the infrastructure ended one."""
        given_up = find(self.task.status.conditions, ConditionType.POD_SCHEDULED)
        if given_up is None or given_up.reason != Reason.INFRA_RETRY:
            return None
        failures = min(max(self.task.status.infra_failures or 1, 1), MAX_DOUBLINGS)
        doubled = self.policy.grace_periods.infra_backoff_seconds * 2 ** (failures - 1)
        return given_up.last_transition_time + timedelta(seconds=min(doubled, MAX_INFRA_BACKOFF_SECONDS))

    @property
    def expires_at(self) -> datetime | None:
        """When an ended task is deleted; None to keep it."""
        own, default = self.task.ttl_seconds, self.policy.default_ttl_seconds
        seconds = own if own is not None else default
        if seconds is None:
            return None
        return (self.task.status.finished_at or self.task.created_at) + timedelta(seconds=seconds)

    @property
    def pod_expires_at(self) -> datetime:
        """When the pod of an ended task is deleted."""
        ended = self.task.status.finished_at or self.task.created_at
        return ended + timedelta(seconds=self.policy.ended_pod_seconds)


def wants_slot(task: TaskRecord, pod: PodRecord | None) -> bool:
    """Whether the task needs admission before anything else can happen to it."""
    idle = pod is None and task.status.pod_uid is None
    return idle and not (task.ended or task.deleting or task.cancel_requested or task.suspend or task.unreadable)


def holds_slot(task: TaskRecord, pod: PodRecord | None) -> bool:
    """Whether the task counts as active: it has a pod and no verdict.

    A task that cannot be read, or is being deleted, may never get a verdict, so it counts only while its pod can run.
    """
    if task.ended:
        return False
    if task.unreadable or task.deleting:
        return pod is not None and not (pod.ended or pod.life.gone)
    return pod is not None or task.status.pod_uid is not None
