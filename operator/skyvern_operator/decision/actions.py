"""What a decision can ask for: plain values, which the executor carries out."""

from dataclasses import dataclass
from datetime import datetime

from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class CreatePod:
    """Create the pod of an attempt. Its name follows from the task's uid and the attempt."""

    attempt: int


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete the pod with this uid, with its grace period."""

    name: str
    uid: str
    version: int | None = None
    """If given, only in this version: a pod whose runner has started since then is looked at again."""


@dataclass(frozen=True, slots=True)
class ConfirmTask:
    """Read the task, and give up what follows unless the decision still fits it."""


@dataclass(frozen=True, slots=True)
class LookUpPod:
    """Ask the API server for a pod that watches and lists do not show."""

    name: str


@dataclass(frozen=True, slots=True)
class LookUpTrouble:
    """Ask for the kubelet's Events about a pod that is not being started."""

    pod_uid: str


@dataclass(frozen=True, slots=True)
class ApplyStatus:
    """Set all of the operator's fields in the task's status."""

    status: OperatorStatus


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Record a Kubernetes Event about the task."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class ReportUnreadable:
    """Report once, in the log and by an Event, which stored fields of the task cannot be read."""

    faults: str


@dataclass(frozen=True, slots=True)
class DeliverWebhook:
    """Try to deliver the webhook once."""


@dataclass(frozen=True, slots=True)
class DeleteTask:
    """Delete an ended task whose time to live has expired."""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Decide again at this time, even if nothing changes before."""

    at: datetime


Action = (
    CreatePod
    | DeletePod
    | ConfirmTask
    | LookUpPod
    | LookUpTrouble
    | ApplyStatus
    | EmitEvent
    | ReportUnreadable
    | DeliverWebhook
    | DeleteTask
    | WakeAt
)
