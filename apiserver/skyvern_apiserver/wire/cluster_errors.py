"""The answer for each error of the Kubernetes API."""

import logging
import re
from typing import Final

from pydantic.alias_generators import to_snake

from skyvern_apiserver.errors import RETRY_AFTER_SECONDS, ApiError, Detail, InvalidRequestError, UnavailableError
from skyvern_apiserver.wire.error_details import HEADER_OF_FIELD, detail
from skyvern_crds.client import ClusterError, Forbidden, Invalid, TooManyRequests

_LACKS_RIGHTS: Final = re.compile(r'\bUser "[^"]*" cannot ')
"""How the API server words what RBAC does not allow."""
_DENIED: Final = re.compile(r"^.*? denied (?:the )?request: ", re.DOTALL)
"""What stands before the words of an admission policy or webhook."""

log = logging.getLogger(__name__)


def from_cluster(error: ClusterError) -> ApiError:
    """The answer when the Kubernetes API refuses a request or cannot be reached."""
    if isinstance(error, Invalid):
        return InvalidRequestError(_causes(error))
    if isinstance(error, TooManyRequests):
        seconds = str(max(1, round(error.retry_after or RETRY_AFTER_SECONDS)))
        return ApiError(429, "The cluster is busy: try again later", headers={"Retry-After": seconds})
    if isinstance(error, Forbidden):
        return _from_forbidden(error)
    log.warning("cluster error", extra={"status": error.status, "reason": error.reason, "error": error.message})
    return UnavailableError("The cluster cannot be reached: try again later", error.retry_after)


def _from_forbidden(error: Forbidden) -> ApiError:
    """Never a 403, by which callers know a bad key: it is a quota, a policy, or rights that the facade lacks."""
    if "exceeded quota" in error.message or "for quota" in error.message:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return ApiError(429, f"The namespace's quota admits no more tasks: {error.message}", headers=headers)
    if _LACKS_RIGHTS.search(error.message):
        log.error("the facade lacks rights in the cluster: grant them to its account", extra={"error": error.message})
        return UnavailableError(
            "The service may not do this in the cluster at present: its administrator has to mend that"
        )
    if _is_ending(error):
        log.warning("a namespace is being deleted", extra={"error": error.message})
        return UnavailableError("The namespace of the API key is being deleted: no task can be created in it")
    return InvalidRequestError([detail("value_error", ["body"], _DENIED.sub("", error.message))])


def _is_ending(error: Forbidden) -> bool:
    return any(each.get("reason") == "NamespaceTerminating" for each in error.details.get("causes") or [])


def _causes(error: Invalid) -> list[Detail]:
    """The API server's causes under the request's field names: ``spec.navigationGoal`` is body, navigation_goal."""
    causes = [(str(each.get("field", "")), str(each.get("message", ""))) for each in error.details.get("causes", [])]
    # Besides real causes the API server may report, without a field, that it did not evaluate its rules.
    named = [cause for cause in causes if cause[0] != "<nil>"]
    return [detail("value_error", _location(field), text) for field, text in named or [("", error.message)]]


def _location(field: str) -> list[str | int]:
    head, _, rest = field.partition(".")
    if head != "spec" or not rest:
        return ["body"]
    parts = rest.replace("[", ".").replace("]", "").split(".")
    first = to_snake(parts[0])
    if first in HEADER_OF_FIELD:
        return ["header", HEADER_OF_FIELD[first]]
    return ["body", first, *(int(part) if part.isdigit() else part for part in parts[1:])]
