"""Pods that need more than the watch tells: those of a task beside its current one, and those out of the watch's sight.

Neither can act, since their reports are refused. But a second agent must not depend on that alone. Pure.
"""

from datetime import timedelta
from typing import Final

from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision.actions import Action, ConfirmTask, DeletePod, EmitEvent, LookUpPod, WakeAt
from skyvern_operator.decision.steps import deletion, wake
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import PodLife, PodRecord

LOOK_SECONDS: Final = 10.0
"""How often a pod that watches do not show is looked up."""


def missing(view: View) -> list[Action] | None:
    """The watch no longer shows the pod. It may have lost its label only, so the API server is asked."""
    pod = view.pod
    return [LookUpPod(pod.name)] if pod is not None and pod.life is PodLife.MISSING else None


def not_alone(view: View) -> list[Action] | None:
    """Make no pod while another one of the task may still run, unless its node is lost."""
    if view.pod is not None:
        return None
    times = [view.lost_at_of(pod) for pod in view.strays]
    waits = [time for time in times if time is None or view.now < time]
    return wake(view, *waits) if waits else None


def removed(view: View, actions: list[Action]) -> list[Action]:
    """The actions, and the deletion of the pods beside the current one. The task is read again before that: an operator
    whose watch of pods is ahead of its watch of tasks takes the pod of the next attempt for one too many."""
    removal = _removal(view)
    confirmed = [ConfirmTask()] if any(isinstance(action, DeletePod) for action in removal) else []
    return [*confirmed, *actions, *removal]


def _removal(view: View) -> list[Action]:
    """Delete the pods beside the current one, and say so. From a status that cannot be read, nobody can tell them."""
    actions: list[Action] = []
    for pod in () if view.task.deleting or view.task.unreadable else view.strays:
        if pod.life is PodLife.MISSING:
            actions.append(LookUpPod(pod.name))
        elif gone := deletion(pod):
            message = f"the pod {pod.name} is not the task's current one and is deleted"
            actions += [*gone, EmitEvent(Reason.MULTIPLE_PODS, message)]
    return actions


def out_of_sight(view: View, actions: list[Action]) -> list[Action]:
    """The actions, and further looks at pods whose label is gone: no watch will tell of their end."""
    task = view.task
    if task.ended or task.deleting or (task.unreadable and not task.cancel_requested):
        return actions  # their end changes nothing
    pods = (view.pod, *(view.strays if not task.unreadable else ()))
    unseen = [pod.name for pod in pods if pod is not None and _runs_unseen(pod)]
    if not unseen:
        return actions
    times = [action.at for action in actions if isinstance(action, WakeAt)]
    due = min([*times, view.now + timedelta(seconds=LOOK_SECONDS)])
    others = [action for action in actions if not isinstance(action, WakeAt)]
    return [*others, *map(LookUpPod, unseen), WakeAt(due)]


def _runs_unseen(pod: PodRecord) -> bool:
    return not (pod.labeled or pod.ended or pod.life.gone or pod.life is PodLife.MISSING)
