"""Decides what to do about a task: pure, total, level-triggered. The first case of an ordered list that fits decides.

Everything is recomputed from the task, its pod and the clock, so a crash between two actions is repaired by deciding
again. A task whose agent may have started is never run again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from skyvern_crds.status import OperatorStatus, WebhookState
from skyvern_crds.vocabulary import PHASE_OF_REASON, Phase, Reason
from skyvern_operator.decision import statuses
from skyvern_operator.decision.actions import (
    Action,
    ApplyStatus,
    CreatePod,
    DeletePod,
    DeleteTask,
    DeliverWebhook,
    EmitEvent,
    LookUpPod,
    ReportUnreadable,
    WakeAt,
)
from skyvern_operator.decision.classify import Outcome, classify
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import PodLife, PodRecord

SUSPENDED_MESSAGE: Final = "spec.suspend is set"


def decide(view: View) -> list[Action]:
    """The actions that move the task forward, in the order in which they must be carried out."""
    for case in _CASES:
        actions = case(view)
        if actions is not None:
            return actions + _report(view)  # last: an Event that is refused must not hold back a stop
    raise AssertionError("the last case always fits")


def _report(view: View) -> list[Action]:
    """Fields that cannot be read are reported once for each change of them, whatever else happens to the task."""
    faults = "; ".join(filter(None, (view.task.unreadable, view.task.ignored)))
    return [ReportUnreadable(faults)] if faults and faults != view.reported and not view.task.deleting else []


def _deleting(view: View) -> list[Action] | None:
    """The garbage collector removes the pod after its owner."""
    return [] if view.task.deleting else None


def _unreadable(view: View) -> list[Action] | None:
    """Nothing is decided from a status that cannot be read. Such a task can be canceled, and its report says so."""
    task, pod = view.task, view.pod
    if task.unreadable is None:
        return None
    if not task.cancel_requested:
        return []
    if pod is None and task.status.pod_uid is not None:
        return [LookUpPod(task.pod_name)]
    if pod is not None and not (pod.ended or pod.life.gone):
        return _node_lost(view) or [*_deletion(pod), *_wake(view, view.lost_at)]
    return [] if task.ended else _verdict(view, Reason.CANCELED, "canceled on request")


def _ended(view: View) -> list[Action] | None:
    """The verdict stands. What is left: stop what still runs, deliver the webhook, remove the pod and then the task."""
    if not view.task.ended:
        return None
    stop = _deletion(view.pod) if view.pod is not None and not (view.pod.ended or view.pod.life.gone) else []
    webhook, next_try = _webhook(view)
    told = not (webhook or next_try or view.webhook_under_way)
    if told and (view.surplus or (view.expires_at is not None and view.expires_at <= view.now)):
        return [*stop, DeleteTask()]
    ended_pod = view.pod is not None and view.pod.ended and view.pod.life is PodLife.LIVE
    pod_due = view.pod_expires_at if ended_pod else None
    clean = _deletion(view.pod) if pod_due is not None and pod_due <= view.now else []
    return [*stop, *clean, *webhook, *_wake(view, next_try, pod_due, view.expires_at if told else None)]


def _runner_ended(view: View) -> list[Action] | None:
    """The pod's end decides, whatever has been requested since."""
    if view.pod is None or not view.pod.ended:
        return None
    return _conclude(view, view.pod, classify(view.pod))


def _pod_vanished(view: View) -> list[Action] | None:
    """The pod that the status names is missing, or was replaced."""
    pod, known = view.pod, view.task.status.pod_uid
    if pod is None:
        return [LookUpPod(view.task.pod_name)] if known is not None else None
    if known is not None and known != pod.uid:
        return _verdict(view, Reason.POD_DELETED, f"the pod {pod.name} was replaced by another pod of the same name")
    return _conclude(view, pod, classify(pod)) if pod.life.gone else None


def _node_lost(view: View) -> list[Action] | None:
    """The node does not confirm that the pod has ended. If the agent has not started, the start deadline decides."""
    pod, lost_at = view.pod, view.lost_at
    if pod is None or lost_at is None or view.now < lost_at:
        return None
    if not (view.agent_started or view.task.cancel_requested):
        return None
    return _verdict(view, Reason.NODE_LOST, f"node {pod.node_name} does not confirm the end of the pod {pod.name}")


def _canceled(view: View) -> list[Action] | None:
    if not view.task.cancel_requested:
        return None
    if view.pod is None:
        return _verdict(view, Reason.CANCELED, "canceled before it was started")
    return _stop(view, view.pod, "canceled on request; waiting for the pod to end")


def _active_deadline(view: View) -> list[Action] | None:
    due = view.active_until
    if view.pod is None or due is None or view.now < due:
        return None
    seconds = view.task.active_deadline_seconds
    return _stop(view, view.pod, f"activeDeadlineSeconds ({seconds}) passed; waiting for the pod to end")


def _start_deadline(view: View) -> list[Action] | None:
    due = view.start_until
    if due is None or view.now < due:
        return None
    why = statuses.pending_message(view.pod) if view.pod is not None else "no pod was created"
    message = f"the runner did not start within {view.task.start_deadline_seconds} s: {why}"
    return [*_verdict(view, Reason.START_DEADLINE_EXCEEDED, message), *_deletion(view.pod)]


def _suspended(view: View) -> list[Action] | None:
    """Hold back a task that has not started; one that has started continues."""
    if not view.task.suspend or view.agent_started:
        return None
    if view.pod is not None:
        return _deletion(view.pod)
    return _apply(view, statuses.held(view, Reason.QUEUED, Reason.SUSPENDED, SUSPENDED_MESSAGE))


def _no_pod(view: View) -> list[Action] | None:
    """Start the next attempt, or say what it is waiting for."""
    if view.pod is not None:
        return None
    if view.agent_started:
        message = "the agent may have started in a pod that status no longer names, so the task is not run again"
        return _verdict(view, Reason.POD_DELETED, message)
    refusal, backoff = view.refusal, view.backoff_until
    if refusal is not None and refusal.retry_at is None:
        return _verdict(view, refusal.reason, refusal.message)
    if refusal is not None and refusal.retry_at is not None and view.now < refusal.retry_at:
        status = statuses.held(view, refusal.reason, refusal.reason, refusal.message)
        return [*_apply(view, status), WakeAt(refusal.retry_at)]
    if backoff is not None and view.now < backoff:
        return [WakeAt(backoff)]
    if view.admission.admitted:
        return [CreatePod(view.task.current_attempt)]
    if not view.admission.message:
        return []  # admission wakes the task when it has an answer
    return _apply(view, statuses.held(view, Reason.QUEUED, Reason.LIMIT_REACHED, view.admission.message))


def _cannot_start(view: View) -> list[Action] | None:
    """A container cannot be created: tolerated for a grace period, since a registry or a Secret may come back."""
    pod = view.pod
    if pod is None or pod.runner.started:
        return None
    for name, container in (("browser", pod.browser), ("runner", pod.runner)):
        message = statuses.trouble_message(name, container)
        if message is None:
            continue
        grace_periods = view.policy.grace_periods
        config_error = container.reason in statuses.CONFIG_ERRORS
        reason = Reason.CONTAINER_CONFIG_ERROR if config_error else Reason.IMAGE_PULL_FAILED
        grace = grace_periods.config_error_seconds if config_error else grace_periods.image_pull_seconds
        if container.reason == statuses.IMAGE_INVALID:
            grace = 0
        due = (pod.scheduled_at or view.now) + timedelta(seconds=grace)
        if view.now >= due:
            return [*_verdict(view, reason, message), *_deletion(pod)]
        return [*_apply(view, statuses.pending(view, pod)), *_wake(view, due, view.start_until, view.lost_at)]
    return None


def _pending(view: View) -> list[Action] | None:
    if view.pod is None or view.pod.runner.started:
        return None
    return [*_apply(view, statuses.pending(view, view.pod)), *_wake(view, view.start_until, view.lost_at)]


def _running(view: View) -> list[Action] | None:
    return [*_apply(view, statuses.running(view)), *_wake(view, view.active_until, view.lost_at)]


_CASES: Final[tuple[Callable[[View], list[Action] | None], ...]] = (
    _deleting,
    _unreadable,
    _ended,
    _runner_ended,
    _pod_vanished,
    _node_lost,
    _canceled,
    _active_deadline,
    _start_deadline,
    _suspended,
    _no_pod,
    _cannot_start,
    _pending,
    _running,
)


def _conclude(view: View, pod: PodRecord, outcome: Outcome) -> list[Action]:
    """What a pod's end means, given what has been requested since."""
    task = view.task
    started = outcome.started or view.agent_started
    if outcome.own_verdict:
        return _verdict(view, outcome.reason, outcome.message, outcome)
    if task.cancel_requested:
        return _verdict(view, Reason.CANCELED, "canceled on request", outcome)
    deadline = view.active_until
    if deadline is not None and view.now >= deadline and pod.life is not PodLife.LIVE:
        message = f"activeDeadlineSeconds ({task.active_deadline_seconds}) passed"
        return _verdict(view, Reason.DEADLINE_EXCEEDED, message, outcome)
    if started or not outcome.infrastructure:
        return _verdict(view, outcome.reason, outcome.message, outcome)
    if task.suspend:
        return _apply(view, statuses.held(view, Reason.QUEUED, Reason.SUSPENDED, SUSPENDED_MESSAGE))
    if pod.attempt > task.infra_retries:
        return _verdict(view, outcome.reason, f"{outcome.message}; attempt {pod.attempt} was the last", outcome)
    message = f"attempt {pod.attempt} ended before the agent started: {outcome.message}"
    return _apply(view, statuses.given_up(view, pod.attempt, message))


def _stop(view: View, pod: PodRecord, message: str) -> list[Action]:
    """Ask the pod to stop; the verdict waits for its end."""
    return [*_deletion(pod), *_apply(view, statuses.stopping(view, message)), *_wake(view, view.lost_at)]


def _deletion(pod: PodRecord | None) -> list[Action]:
    if pod is None or pod.life is not PodLife.LIVE:
        return []
    return [DeletePod(pod.name, pod.uid)]


def _verdict(view: View, reason: Reason, message: str, outcome: Outcome | None = None) -> list[Action]:
    status = statuses.verdict(view, reason, message, outcome)
    if PHASE_OF_REASON[reason] in (Phase.FAILED, Phase.TIMED_OUT):
        return [ApplyStatus(status), EmitEvent(reason, message)]
    return [ApplyStatus(status)]


def _webhook(view: View) -> tuple[list[Action], datetime | None]:
    """What the webhook needs now, and when it needs something again.

    It is delivered at least once for each task, and again whenever a user asks for it.
    """
    task, stored = view.task, view.task.status.webhook
    if not task.has_webhook or task.settled or view.webhook_under_way:
        return [], None
    if view.webhook is not None and view.webhook != stored:
        return [ApplyStatus(task.status.model_copy(update={"webhook": view.webhook}))], None
    asked_again = task.webhook_retry is not None and (stored is None or task.webhook_retry != stored.retry_requested)
    if stored is None or (asked_again and stored.state is not WebhookState.PENDING):
        return [ApplyStatus(task.status.model_copy(update={"webhook": statuses.webhook_due(view)}))], None
    if stored.state is not WebhookState.PENDING:
        return [], None
    if stored.next_attempt_at is None or stored.next_attempt_at <= view.now:
        return [DeliverWebhook()], None
    return [], stored.next_attempt_at


def _apply(view: View, status: OperatorStatus) -> list[Action]:
    return [ApplyStatus(status)] if status != view.task.status else []


def _wake(view: View, *times: datetime | None) -> list[Action]:
    """Wake up at the earliest of these times that lies ahead."""
    due = min((time for time in times if time is not None and time > view.now), default=None)
    return [WakeAt(due)] if due is not None else []
