"""Small steps that many cases share: write a status, take a pod away, wake up. Pure."""

from datetime import datetime

from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision import statuses
from skyvern_operator.decision.actions import Action, ApplyStatus, DeletePod, WakeAt
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import PodLife, PodRecord


def apply(view: View, status: OperatorStatus) -> list[Action]:
    """Write the status if it says anything new."""
    return [ApplyStatus(status)] if status != view.task.status else []


def wake(view: View, *times: datetime | None) -> list[Action]:
    """Wake up at the earliest of these times that lies ahead."""
    due = min((time for time in times if time is not None and time > view.now), default=None)
    return [WakeAt(due)] if due is not None else []


def deletion(pod: PodRecord | None, *, unchanged: bool = False) -> list[Action]:
    """Delete the pod unless that has begun; with ``unchanged`` only as long as it is what the record shows."""
    if pod is None or pod.life is not PodLife.LIVE:
        return []
    return [DeletePod(pod.name, pod.uid, pod.version if unchanged else None)]


def stop(view: View, pod: PodRecord, reason: Reason, message: str, *, unchanged: bool = False) -> list[Action]:
    """Say why the pod is stopped, then stop it. What follows from that waits for its end."""
    told = statuses.stopping(view, reason, message)
    return [*apply(view, told), *deletion(pod, unchanged=unchanged), *wake(view, view.lost_at)]
