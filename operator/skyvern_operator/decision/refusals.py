"""What it means for a task that the API server refuses its pod: every create error has a name and a consequence."""

from datetime import UTC, datetime, timedelta
from typing import Any

from skyvern_crds.client import Forbidden, Invalid
from skyvern_crds.vocabulary import Reason
from skyvern_operator.errors import CreateRetryError
from skyvern_operator.state.facts import Refusal


def refusal_of(error: Forbidden | Invalid, quota_retry_seconds: float) -> Refusal:
    """What the API server's refusal of a pod means. Raises CreateRetryError for one that is expected to pass."""
    if isinstance(error, Invalid):
        return Refusal(Reason.POD_SPEC_INVALID, error.message)
    causes: list[Any] = list(error.details.get("causes") or [])
    if any(cause.get("reason") == "NamespaceTerminating" for cause in causes) or "being terminated" in error.message:
        raise CreateRetryError(error.message) from error
    if "exceeded quota" in error.message:
        retry_at = datetime.now(UTC) + timedelta(seconds=quota_retry_seconds)
        return Refusal(Reason.QUOTA_EXCEEDED, error.message, retry_at=retry_at)
    if "cannot create resource" in error.message:
        raise CreateRetryError(f"the operator's role does not allow it: {error.message}") from error
    return Refusal(Reason.POD_REJECTED, error.message)
