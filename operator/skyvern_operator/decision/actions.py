"""What a decision can ask for. Values only; the executor carries them out."""

from dataclasses import dataclass
from datetime import datetime

from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class CreatePod:
    """Make the pod of an attempt; its name follows from the task's uid and the attempt."""

    attempt: int


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete a pod, and only the one of this uid, with its own grace period."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class LookUpPod:
    """Ask the API server whether a pod that is missing from the store exists."""

    name: str


@dataclass(frozen=True, slots=True)
class ApplyStatus:
    """Make these the operator's fields of the task's status, all of them."""

    status: OperatorStatus


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Record a Kubernetes Event about the task."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class ReportUnreadable:
    """Report once, in the log and by an Event, which fields of the task's status cannot be read."""

    faults: str


@dataclass(frozen=True, slots=True)
class DeliverWebhook:
    """Try to deliver the webhook once."""


@dataclass(frozen=True, slots=True)
class DeleteTask:
    """Remove an ended task whose time to live is over."""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Decide again at this time, whether or not anything changes until then."""

    at: datetime


Action = (
    CreatePod
    | DeletePod
    | LookUpPod
    | ApplyStatus
    | EmitEvent
    | ReportUnreadable
    | DeliverWebhook
    | DeleteTask
    | WakeAt
)
