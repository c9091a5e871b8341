"""What a task without a pod waits for, and when it has waited long enough. Pure."""

from datetime import datetime, timedelta

from skyvern_crds.vocabulary import ConditionType, Reason
from skyvern_operator.decision import statuses
from skyvern_operator.decision.actions import Action, CreatePod, WakeAt
from skyvern_operator.decision.conclusion import verdict
from skyvern_operator.decision.conditions import find
from skyvern_operator.decision.steps import apply, wake
from skyvern_operator.decision.view import View


def no_pod(view: View) -> list[Action] | None:
    """Start the next attempt, or say what it is waiting for."""
    if view.pod is not None:
        return None
    if view.agent_started:
        message = "the agent may have started in a pod that status no longer names, so the task is not run again"
        return verdict(view, Reason.POD_DELETED, message)
    if view.refusal is not None:
        return verdict(view, view.refusal.reason, view.refusal.message)
    return _given_up(view) or _next_attempt(view)


def _given_up(view: View) -> list[Action] | None:
    """What keeps the pod from being created has not gone away in time."""
    obstacle, since = view.passage.obstacle, _blocked_since(view)
    if obstacle is None or obstacle.reason is not Reason.CREATE_BLOCKED or since is None:
        return None
    grace = timedelta(seconds=view.policy.grace_periods.config_error_seconds)
    if obstacle.config_error and obstacle.at >= since + grace:
        return verdict(view, Reason.POD_REJECTED, obstacle.message)
    if view.now >= since + timedelta(seconds=view.task.start_deadline_seconds):
        seconds = view.task.start_deadline_seconds
        message = f"no pod could be created within {seconds} s: {obstacle.message}"
        return verdict(view, Reason.START_DEADLINE_EXCEEDED, message)
    return None


def _next_attempt(view: View) -> list[Action]:
    passage, backoff = view.passage, view.backoff_until
    if not passage.open:
        return _blocked(view)
    if backoff is not None and view.now < backoff:
        return [WakeAt(backoff)]
    if view.admission.admitted:
        return [CreatePod(view.task.current_attempt)]
    if passage.obstacle is not None:
        return _blocked(view)  # it waits for a slot to try again, which is not what holds it back
    if not view.admission.message:
        return []  # admission wakes the task when it has an answer
    return apply(view, statuses.held(view, Reason.QUEUED, Reason.LIMIT_REACHED, view.admission.message))


def _blocked(view: View) -> list[Action]:
    """Say what stands in the way, once that is known, and wait for the task's turn or its deadline."""
    obstacle, since = view.passage.obstacle, _blocked_since(view)
    told = []
    if obstacle is not None:
        told = apply(view, statuses.held(view, obstacle.reason, obstacle.reason, obstacle.message))
        if obstacle.reason is Reason.CREATE_BLOCKED:
            since = since or view.now
    deadline = since + timedelta(seconds=view.task.start_deadline_seconds) if since is not None else None
    return [*told, *wake(view, view.passage.retry_at, deadline)]


def _blocked_since(view: View) -> datetime | None:
    """Since when status has said that the pod cannot be created; None if it says something else."""
    admitted = find(view.task.status.conditions, ConditionType.ADMITTED)
    blocked = admitted is not None and admitted.reason == Reason.CREATE_BLOCKED
    return admitted.last_transition_time if admitted is not None and blocked else None
