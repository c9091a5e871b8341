"""What the operator knows about a task beyond its object. A restarted operator learns it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from skyvern_crds.status import WebhookStatus
from skyvern_crds.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """The pod cannot be created, and trying again is pointless."""

    reason: Reason
    """A reason that ends the task."""
    message: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod that has a node is not being started, which only Events of the kubelet tell."""

    pod_uid: str
    at: datetime
    """When the Events were looked at."""
    message: str = ""
    """The newest warning: its reason, a colon, and the kubelet's own words; empty if there is none."""
    missing: bool = False
    """Whether something that a volume refers to is missing, a Secret or a key of one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Results of the last create, the last webhook delivery and the last report."""

    refusal: Refusal | None = None
    webhook: WebhookStatus | None = None
    """Outcome of a delivery that may not be in status yet."""
    reported: str | None = None
    """The unreadable fields that were reported last, as ReportUnreadable had them."""
    trouble: Trouble | None = None


NO_FACTS: Final = Facts()
