"""What it means for a task that the API server refuses its pod: every create error has a name and a consequence."""

from datetime import datetime
from typing import Any, Final

from skyvern_crds.client import ClusterError, Forbidden, Invalid, NotFound, Unavailable
from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision.slots.creation_gate import Obstacle
from skyvern_operator.state.facts import Refusal

CreateError = Forbidden | Invalid | NotFound | Unavailable
"""Errors of a create that are about this pod or its namespace. Any other is worth another try, as it is."""

_QUOTA: Final = ("exceeded quota", "status unknown for quota")
_MISSING: Final = {
    "error looking up service account": "the service account is missing",
    "no PriorityClass with name": "the priority class is missing",
    "pod rejected: RuntimeClass": "the runtime class is missing",
}
"""Words of the API server about what the pod refers to, each with its topic."""
_DENIED: Final = (" is forbidden: ", " denied the request")
"""Words of an admission policy and of an admission webhook, whose refusals may have the code 422 or 400."""


def refusal_of(error: CreateError, now: datetime) -> Refusal | Obstacle:
    """A refusal ends the task; an obstacle may go away."""
    words = _words(error)
    if isinstance(error, Invalid):
        denied = any(mark in error.message for mark in _DENIED)
        return Refusal(Reason.POD_REJECTED if denied else Reason.POD_SPEC_INVALID, error.message)
    if isinstance(error, Unavailable):
        message = f"the API server fails to create the pod: {words}"
        return Obstacle(Reason.CREATE_BLOCKED, message, now, certain=False)
    causes: list[Any] = list(error.details.get("causes") or [])
    terminating = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    if terminating or "being terminated" in words or isinstance(error, NotFound):
        return Obstacle(Reason.CREATE_BLOCKED, f"the namespace is terminating: {words}", now)
    if any(mark in words for mark in _QUOTA):
        return Obstacle(Reason.QUOTA_EXCEEDED, words, now)
    if "cannot create resource" in words:
        return Obstacle(Reason.CREATE_BLOCKED, f"the operator's role does not allow it: {words}", now)
    if "not yet ready to handle request" in words:
        return Obstacle(Reason.CREATE_BLOCKED, f"the API server is starting: {words}", now, certain=False)
    for mark, topic in _MISSING.items():
        if mark in words:
            return Obstacle(Reason.CREATE_BLOCKED, f"{topic}: {words}", now, config_error=True)
    return Refusal(Reason.POD_REJECTED, error.message)


def _words(error: ClusterError) -> str:
    """The API server's words without the name of the pod, since the tasks of a namespace share them."""
    before, forbidden, rest = error.message.partition(" is forbidden: ")
    return rest if forbidden and before.startswith('pods "') else error.message
