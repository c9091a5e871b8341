"""Pods that need more than the watch tells: those of a task beside its current one, and those out of the watch's sight.

Neither can act, since their reports are refused. But a second agent must not depend on that alone. Pure.
"""

from datetime import timedelta
from typing import Final

from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision.actions import Action, EmitEvent, LookUpPod, WakeAt
from skyvern_operator.decision.steps import deletion, wake
from skyvern_operator.decision.view import View

LOOK_SECONDS: Final = 10.0
"""How often a pod that watches do not show is looked up."""


def in_doubt(view: View) -> list[Action] | None:
    """The watch no longer shows the pod. It may have lost its label only, so the API server is asked."""
    pod = view.pod
    return [LookUpPod(pod.name)] if pod is not None and pod.life.in_doubt else None


def not_alone(view: View) -> list[Action] | None:
    """Make no pod while another one of the task may still run, unless its node is lost."""
    if view.pod is not None:
        return None
    times = [view.lost_at_of(pod) for pod in view.strays]
    waits = [time for time in times if time is None or view.now < time]
    return wake(view, *waits) if waits else None


def removal(view: View) -> list[Action]:
    """Delete the pods beside the current one, and say so."""
    actions: list[Action] = []
    for pod in view.strays:
        if gone := deletion(pod):
            message = f"the pod {pod.name} is not the task's current one and is deleted"
            actions += [*gone, EmitEvent(Reason.MULTIPLE_PODS, message)]
    return actions


def out_of_sight(view: View, actions: list[Action]) -> list[Action]:
    """The actions, and further looks at a pod whose label is gone: no watch will tell of its end."""
    pod = view.pod
    if pod is None or pod.labeled or pod.ended or pod.life.gone or view.task.ended:
        return actions
    times = [action.at for action in actions if isinstance(action, WakeAt)]
    due = min([*times, view.now + timedelta(seconds=LOOK_SECONDS)])
    return [*(action for action in actions if not isinstance(action, WakeAt)), LookUpPod(pod.name), WakeAt(due)]
