"""The cases in which a pod is taken away. Pure.

Status first tells why (the condition Stopping), then the pod is deleted, and the verdict waits for its end. Once it is
told, the admission policy and the runner itself see to it that an agent which has not begun does not begin.
"""

from datetime import timedelta
from typing import Final

from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision import statuses
from skyvern_operator.decision.actions import Action, LookUpTrouble
from skyvern_operator.decision.conclusion import STOPS_OF_A_STARTED_AGENT, as_told, verdict
from skyvern_operator.decision.steps import apply, deletion, stop, wake
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import PodLife

EARLY_SECONDS: Final = 15
"""How long after scheduling a pod is left to start before it is asked what keeps it."""
LOOK_PAUSE: Final = timedelta(seconds=60)


def node_lost(view: View) -> list[Action] | None:
    """The node does not confirm the pod's end. An agent that has not started is shut out, so what was told holds."""
    pod, lost_at = view.pod, view.lost_at
    if pod is None or lost_at is None or view.now < lost_at:
        return None
    if not view.agent_started:
        return as_told(view, started=False)
    return verdict(view, Reason.NODE_LOST, f"node {pod.node_name} does not confirm the end of the pod {pod.name}")


def stopped(view: View) -> list[Action] | None:
    """Status has told why, and the deletion has begun. Only a cancellation changes what follows from a suspension."""
    pod, reason = view.pod, view.stop_reason
    if pod is None or pod.life is not PodLife.DELETING or reason is None:
        return None
    if view.agent_started and reason not in STOPS_OF_A_STARTED_AGENT:
        return None
    if reason is Reason.SUSPENDED and view.task.cancel_requested:
        return None
    return wake(view, view.lost_at)


def canceled(view: View) -> list[Action] | None:
    """Canceled on request. Once that is told, a request that is withdrawn changes nothing."""
    if not view.canceling:
        return None
    if view.pod is None:
        return verdict(view, Reason.CANCELED, "canceled before it was started")
    return stop(view, view.pod, Reason.CANCELED, "canceled on request")


def active_deadline(view: View) -> list[Action] | None:
    """The agent has had its time."""
    due = view.active_until
    if view.pod is None or due is None or view.now < due:
        return None
    message = f"activeDeadlineSeconds ({view.task.active_deadline_seconds}) passed"
    return stop(view, view.pod, Reason.DEADLINE_EXCEEDED, message)


def start_deadline(view: View) -> list[Action] | None:
    """The runner has not started in time."""
    due = view.start_until
    if due is None or view.now < due:
        return None
    why = statuses.pending_message(view.pod, view.trouble) if view.pod is not None else "no pod was created"
    message = f"the runner did not start within {view.task.start_deadline_seconds} s: {why}"
    if view.pod is None:
        return verdict(view, Reason.START_DEADLINE_EXCEEDED, message)
    return stop(view, view.pod, Reason.START_DEADLINE_EXCEEDED, message, unchanged=True)


def suspended(view: View) -> list[Action] | None:
    """Hold back a task that has not started; one that has started continues."""
    if not view.task.suspend or view.agent_started:
        return None
    if view.pod is not None:
        return stop(view, view.pod, Reason.SUSPENDED, statuses.SUSPENDED_MESSAGE, unchanged=True)
    return apply(view, statuses.suspended(view))


def cannot_start(view: View) -> list[Action] | None:
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
            return stop(view, pod, reason, message, unchanged=True)
        return [*apply(view, statuses.pending(view, pod)), *wake(view, due, view.start_until, view.lost_at)]
    return None


def unprepared(view: View) -> list[Action] | None:
    """The node has not started any container. Its Events are asked why: no status says that a volume's Secret is
    missing, for example. They are asked once early, to tell it, and from the end of the grace period every minute."""
    pod, trouble = view.pod, view.trouble
    if pod is None or pod.life is not PodLife.LIVE or pod.scheduled_at is None or not statuses.being_prepared(pod):
        return None
    grace = view.policy.grace_periods.config_error_seconds
    early = pod.scheduled_at + timedelta(seconds=min(EARLY_SECONDS, grace))
    late = pod.scheduled_at + timedelta(seconds=grace)
    due = early if view.now < late else late + (view.now - late) // LOOK_PAUSE * LOOK_PAUSE
    look = view.now >= due and (trouble is None or trouble.at < due)
    if view.now >= late and trouble is not None and trouble.missing and not look:
        message = statuses.pending_message(pod, trouble)
        return stop(view, pod, Reason.CONTAINER_CONFIG_ERROR, message, unchanged=True)
    times = (early, late if view.now < late else due + LOOK_PAUSE, view.start_until, view.lost_at)
    told = apply(view, statuses.pending(view, pod))
    return [*told, *([LookUpTrouble(pod.uid)] if look else []), *wake(view, *times)]


def unreadable(view: View) -> list[Action] | None:
    """Nothing is decided from a status that cannot be read, but that its task is canceled when that is requested."""
    pod = view.pod
    if pod is None or pod.ended or pod.life.gone:
        return [] if view.task.ended else verdict(view, Reason.CANCELED, "canceled on request")
    if view.lost_at is None or view.now < view.lost_at:
        return [*deletion(pod), *wake(view, view.lost_at)]
    if not pod.runner.started:
        return verdict(view, Reason.CANCELED, "canceled on request")
    return verdict(view, Reason.NODE_LOST, f"node {pod.node_name} does not confirm the end of the pod {pod.name}")
