"""Decides what to do about a task: pure, total, level-triggered. The first case of an ordered list that fits decides.

Everything is recomputed from the task, its pod and the clock, so a crash between two actions is repaired by deciding
again. A task whose agent may have started is never run again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from skyvern_crds.status import WebhookState
from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision import statuses, stopping, strays, waiting
from skyvern_operator.decision.actions import (
    Action,
    ApplyStatus,
    DeleteTask,
    DeliverWebhook,
    LookUpPod,
    ReportUnreadable,
)
from skyvern_operator.decision.classify import classify
from skyvern_operator.decision.conclusion import conclude, verdict
from skyvern_operator.decision.steps import apply, deletion, wake
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import ENDED_PHASES, ContainerState, PodLife

BROWSER_END_SECONDS: Final = 10
"""How long after the runner's end the kubelet's word about the browser is waited for, when the browser was lost."""

FIRST_REPORT: Final = timedelta(seconds=5)
"""Within this time of its start a runner has usually made its first report."""


def decide(view: View) -> list[Action]:
    """The actions that move the task forward, in the order in which they must be carried out."""
    for case in _CASES:
        actions = case(view)
        if actions is not None:
            actions = strays.out_of_sight(view, strays.removed(view, actions))
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
    return strays.missing(view) or stopping.unreadable(view)


def _ended(view: View) -> list[Action] | None:
    """The verdict stands. What is left: stop what still runs, deliver the webhook, remove the pod and then the task."""
    if not view.task.ended:
        return None
    stop = deletion(view.pod) if view.pod is not None and not (view.pod.ended or view.pod.life.gone) else []
    webhook, next_try = _webhook(view)
    told = not (webhook or next_try or view.webhook_under_way)
    if told and (view.surplus or (view.expires_at is not None and view.expires_at <= view.now)):
        return [*stop, DeleteTask()]
    ended_pod = view.pod is not None and view.pod.ended and view.pod.life is PodLife.LIVE
    pod_due = view.pod_expires_at if ended_pod else None
    clean = deletion(view.pod) if pod_due is not None and pod_due <= view.now else []
    return [*stop, *clean, *webhook, *wake(view, next_try, pod_due, view.expires_at if told else None)]


def _browser_ending(view: View) -> list[Action] | None:
    """A browser that was lost may have run out of memory. Where only one of its processes was killed for that, the
    kubelet says so when it has stopped the container, a second or two after the runner's end."""
    pod = view.pod
    if pod is None or pod.life.gone or pod.phase in ENDED_PHASES or not pod.runner.terminated:
        return None
    if pod.browser.state is not ContainerState.RUNNING or pod.runner.finished_at is None:
        return None
    until = pod.runner.finished_at + timedelta(seconds=BROWSER_END_SECONDS)
    in_time = pod.runner.finished_at <= view.now < until  # a node whose clock is ahead holds nothing back
    if not in_time or classify(pod).reason is not Reason.BROWSER_FAILED:
        return None
    return wake(view, until)


def _runner_ended(view: View) -> list[Action] | None:
    """The pod's end decides, whatever has been requested since."""
    if view.pod is None or not view.pod.ended:
        return None
    return conclude(view, view.pod, classify(view.pod))


def _pod_vanished(view: View) -> list[Action] | None:
    """The pod that the status names is missing, or was replaced."""
    pod, known = view.pod, view.task.status.pod_uid
    if pod is None:
        return [LookUpPod(view.task.pod_name)] if known is not None else None
    if known is not None and known != pod.uid:
        return verdict(view, Reason.POD_DELETED, f"the pod {pod.name} was replaced by another pod of the same name")
    return conclude(view, pod, classify(pod)) if pod.life.gone else None


def _pending(view: View) -> list[Action] | None:
    if view.pod is None or view.pod.runner.started:
        return None
    return [*apply(view, statuses.pending(view, view.pod)), *wake(view, view.start_until, view.lost_at)]


def _starting(view: View) -> list[Action] | None:
    """A start is told with the runner's first report, which is due in moments and saves a write.

    Until that report is accepted the agent does not act, so nothing is lost if nobody remembers the start.
    """
    pod, start, status = view.pod, view.started_at, view.task.status
    named = pod is not None and status.pod_uid == pod.uid  # or no report would be accepted
    if start is None or not named or view.let_in or status.started_at is not None or view.stopping is not None:
        return None
    told_at = start + FIRST_REPORT
    return wake(view, told_at, view.lost_at) if start <= view.now < told_at else None


def _running(view: View) -> list[Action] | None:
    return [*apply(view, statuses.running(view)), *wake(view, view.active_until, view.lost_at)]


_CASES: Final[tuple[Callable[[View], list[Action] | None], ...]] = (
    _deleting,
    _unreadable,
    _ended,
    _browser_ending,
    _runner_ended,
    strays.missing,
    _pod_vanished,
    stopping.node_lost,
    stopping.stopped,
    stopping.canceled,
    stopping.active_deadline,
    stopping.start_deadline,
    stopping.suspended,
    strays.not_alone,
    waiting.no_pod,
    stopping.cannot_start,
    stopping.unprepared,
    _pending,
    _starting,
    _running,
)


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
    if asked_again:
        return [ApplyStatus(task.status.model_copy(update={"webhook": statuses.webhook_hurried(view, stored)}))], None
    if stored.next_attempt_at is None or stored.next_attempt_at <= view.now:
        return [DeliverWebhook()], None
    return [], stored.next_attempt_at
