"""What to do about a task: pure, total, level-triggered. An ordered list of cases; the first that fits holds.

Everything is recomputed from the task, its pod and the clock, so that a crash after any prefix of the actions is
repaired by deciding again. A task whose agent may have started is never run again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from skyvern_crds.status import Failure, OperatorStatus, WebhookState, WebhookStatus
from skyvern_crds.vocabulary import PHASE_OF_REASON, ConditionType, Phase, Reason
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
from skyvern_operator.admission import ADMITTED, Decision
from skyvern_operator.classify import Outcome, classify
from skyvern_operator.conditions import cut, find, put, succeeded_reason, with_reason
from skyvern_operator.config import Graces
from skyvern_operator.records import ContainerRecord, ContainerState, PodRecord, TaskRecord

_IMAGE_ERRORS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}
)
_CONFIG_ERRORS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"}
)
_MAX_INFRA_BACKOFF: Final = 300.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The part of the configuration that decisions depend on."""

    graces: Graces
    default_ttl_seconds: int | None = None
    seccomp_profile: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server did not take the pod."""

    reason: Reason
    """QuotaExceeded, or a reason that ends the task."""
    message: str
    retry_at: datetime | None = None
    """When to try again; None when that is of no use."""


@dataclass(frozen=True, slots=True)
class View:
    """All that a decision may look at."""

    task: TaskRecord
    pod: PodRecord | None
    """Pod of the current attempt; with ``gone`` set when it is known to be gone; None when not in the store."""
    pod_name: str
    """Name that this pod has or would have."""
    now: datetime
    policy: Policy
    admission: Decision = ADMITTED
    refusal: Refusal | None = None
    webhook: WebhookStatus | None = None
    """Outcome of a try that is not in status yet."""
    webhook_under_way: bool = False


def current_attempt(task: TaskRecord) -> int:
    """Number of the attempt under way, or of the next one when there is none."""
    made = task.status.attempt or 0
    return made if task.status.pod_uid else made + 1


def wants_slot(task: TaskRecord, pod: PodRecord | None) -> bool:
    """Whether the task needs an answer from admission before anything else can be done for it."""
    waiting = task.status.started_at is None and task.status.pod_uid is None and pod is None
    return waiting and not (task.ended or task.deleting or task.cancel_requested or task.suspend or task.unreadable)


def holds_slot(task: TaskRecord, pod: PodRecord | None) -> bool:
    """Whether the task counts as active: it has, or had, a pod and no verdict."""
    return not task.ended and not task.deleting and (pod is not None or task.status.pod_uid is not None)


def decide(view: View) -> list[Action]:
    """The actions that bring the task further, in the order in which they must be done."""
    for case in _CASES:
        actions = case(view)
        if actions is not None:
            return actions
    raise AssertionError("the last case always fits")


# The cases --------------------------------------------------------------------------------------------------------


def _unreadable(view: View) -> list[Action] | None:
    return [] if view.task.unreadable else None


def _deleting(view: View) -> list[Action] | None:
    """The garbage collector removes the pod after its owner."""
    return [] if view.task.deleting else None


def _ended(view: View) -> list[Action] | None:
    """The verdict stands. What is left: nothing may keep running, the webhook, the time to live."""
    task, pod = view.task, view.pod
    if not task.ended:
        return None
    actions: list[Action] = []
    if pod is not None and not (pod.ended or pod.deleting or pod.gone):
        actions.append(DeletePod(pod.name, pod.uid))
    actions += _webhook(view)
    if any(isinstance(action, ApplyStatus | DeliverWebhook) for action in actions) or view.webhook_under_way:
        return actions
    ttl = task.ttl_seconds if task.ttl_seconds is not None else view.policy.default_ttl_seconds
    if ttl is not None and not any(isinstance(action, WakeAt) for action in actions):
        due = (task.status.finished_at or task.created_at) + timedelta(seconds=ttl)
        actions.append(DeleteTask() if due <= view.now else WakeAt(due))
    return actions


def _runner_ended(view: View) -> list[Action] | None:
    """The pod's end is the truth, whatever else was asked for in the meantime."""
    if view.pod is None or not view.pod.ended:
        return None
    return _conclude(view, classify(view.pod))


def _pod_vanished(view: View) -> list[Action] | None:
    """A pod that was there and is not, without having been seen to end."""
    pod = view.pod
    if pod is None and view.task.status.pod_uid is not None:
        return [LookUpPod(view.pod_name)]
    if pod is not None and not pod.gone and view.task.status.pod_uid not in (None, pod.uid):
        return _verdict(view, Reason.POD_DELETED, f"the pod {pod.name} was replaced by another hand")
    if pod is None or not pod.gone:
        return None
    outcome = classify(pod)
    if not pod.seen:
        # Nobody saw how far this pod came: it may have acted.
        outcome = Outcome(Reason.POD_DELETED, f"the pod {pod.name} vanished unobserved", started=True)
    return _conclude(view, outcome)


def _cancelled(view: View) -> list[Action] | None:
    if not view.task.cancel_requested:
        return None
    if view.pod is None:
        return _verdict(view, Reason.CANCELLED, "cancelled before it was started")
    return _stop(view, view.pod, "cancelled on request; waiting for the pod to end")


def _active_deadline(view: View) -> list[Action] | None:
    due = _active_until(view)
    if view.pod is None or due is None or view.now < due:
        return None
    return _stop(view, view.pod, f"activeDeadlineSeconds ({view.task.active_deadline_seconds}) passed")


def _start_deadline(view: View) -> list[Action] | None:
    due = _start_until(view)
    if due is None or view.now < due or (view.pod is not None and view.pod.runner.started):
        return None
    why = _pending_message(view.pod) if view.pod is not None else "no pod could be made"
    message = f"the runner did not start within {view.task.start_deadline_seconds} s: {why}"
    return [*_verdict(view, Reason.START_DEADLINE_EXCEEDED, message), *_deletion(view.pod)]


def _suspended(view: View) -> list[Action] | None:
    """Holds back a task that has not started; one that has goes on."""
    if not view.task.suspend or view.task.status.started_at or (view.pod is not None and view.pod.runner.started):
        return None
    if view.pod is not None:
        return _deletion(view.pod)
    return _held(view, Reason.QUEUED, Reason.SUSPENDED, "spec.suspend is set")


def _no_pod(view: View) -> list[Action] | None:
    """Start the next attempt, or say what it waits for."""
    if view.pod is not None:
        return None
    refusal, backoff = view.refusal, _backoff_until(view)
    if refusal is not None and refusal.retry_at is None:
        return _verdict(view, refusal.reason, refusal.message)
    if refusal is not None and refusal.retry_at is not None and view.now < refusal.retry_at:
        return [*_held(view, refusal.reason, Reason.QUOTA_EXCEEDED, refusal.message), WakeAt(refusal.retry_at)]
    if backoff is not None and view.now < backoff:
        return [WakeAt(backoff)]
    if not view.admission.admitted:
        if not view.admission.message:
            return []
        return _held(view, Reason.QUEUED, Reason.LIMIT_REACHED, view.admission.message)
    return [CreatePod(current_attempt(view.task))]


def _cannot_start(view: View) -> list[Action] | None:
    """A container that cannot be made: borne for a while, since a registry or a Secret may come back."""
    pod = view.pod
    if pod is None or pod.runner.started:
        return None
    for name, container in (("browser", pod.browser), ("runner", pod.runner)):
        trouble = _trouble(name, container, view.policy.graces)
        if trouble is None:
            continue
        reason, message, grace = trouble
        due = (pod.scheduled_at or view.now) + timedelta(seconds=grace)
        if view.now >= due:
            return [*_verdict(view, reason, message), *_deletion(pod)]
        return [*_apply(view, _pending(view)), *_wake(due, _start_until(view))]
    return None


def _pending_pod(view: View) -> list[Action] | None:
    if view.pod is None or view.pod.runner.started:
        return None
    return [*_apply(view, _pending(view)), *_wake(_start_until(view))]


def _running_pod(view: View) -> list[Action] | None:
    reason = Reason.RUNNING if view.task.reported else Reason.STARTING
    status = _with(view, _observed(view), reason, "the agent is at work" if view.task.reported else "the agent starts")
    return [*_apply(view, status), *_wake(_active_until(view))]


_CASES: Final[tuple[Callable[[View], list[Action] | None], ...]] = (
    _unreadable,
    _deleting,
    _ended,
    _runner_ended,
    _pod_vanished,
    _cancelled,
    _active_deadline,
    _start_deadline,
    _suspended,
    _no_pod,
    _cannot_start,
    _pending_pod,
    _running_pod,
)


# What follows from a pod's end ------------------------------------------------------------------------------------


def _conclude(view: View, outcome: Outcome) -> list[Action]:
    """The verdict for a pod that has ended, seen together with what was asked for in the meantime."""
    task = view.task
    started = outcome.started or task.status.started_at is not None or task.reported
    if outcome.own_verdict:
        return _verdict(view, outcome.reason, outcome.message, outcome)
    if task.cancel_requested:
        return _verdict(view, Reason.CANCELLED, "cancelled on request", outcome)
    deadline = _active_until(view)
    if started and deadline is not None and view.now >= deadline and _was_stopped(view):
        message = f"activeDeadlineSeconds ({task.active_deadline_seconds}) passed"
        return _verdict(view, Reason.DEADLINE_EXCEEDED, message, outcome)
    if started or not outcome.infrastructure:
        return _verdict(view, outcome.reason, outcome.message, outcome)
    if task.suspend:
        return _held(view, Reason.QUEUED, Reason.SUSPENDED, "spec.suspend is set")
    attempt = view.pod.attempt if view.pod is not None else current_attempt(task)
    if attempt > task.infra_retries:
        return _verdict(view, outcome.reason, f"{outcome.message}; attempt {attempt} was the last", outcome)
    return _retry(view, outcome, attempt)


def _was_stopped(view: View) -> bool:
    """Whether the pod was told to stop (rather than having failed by itself before the clock was looked at)."""
    pod = view.pod
    return pod is not None and (pod.deleting or pod.gone)


def _retry(view: View, outcome: Outcome, attempt: int) -> list[Action]:
    """Give up the attempt; the condition PodScheduled remembers since when, for the back-off."""
    message = f"attempt {attempt} ended before the agent started: {outcome.message}"
    status = _observed(view)
    conditions = drop_and_put(status, Reason.INFRA_RETRY, message, view)
    status = status.model_copy(
        update={"attempt": attempt, "pod_name": None, "pod_uid": None, "node_name": None, "conditions": conditions}
    )
    return [*_apply(view, _with(view, status, Reason.INFRA_RETRY, message))]


def drop_and_put(status: OperatorStatus, reason: Reason, message: str, view: View) -> list[Action]:  # type: ignore
    raise NotImplementedError
