"""What can go wrong between a program and the API server: one exception for each thing a caller can do about it."""

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any


class ClusterError(Exception):
    """The API server refused a request, or could not be asked.

    ``status`` is the HTTP status (0 when there was no answer), ``reason`` the machine-readable reason of the
    server's Status object, ``message`` its text for people, ``details`` its details (causes per field), and
    ``retry_after`` the seconds the server asks to wait, if it does.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, reason, message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.details: Mapping[str, Any] = details or {}

    def __str__(self) -> str:
        return f"{self.message} ({self.status} {self.reason})" if self.status else f"{self.message} ({self.reason})"


class ConfigurationError(ClusterError):
    """No usable credentials: neither a kubeconfig nor a pod's service account."""


class NotFound(ClusterError):  # noqa: N818 - named as the API names it
    """404: the object, or its kind, does not exist."""


class AlreadyExists(ClusterError):  # noqa: N818
    """409: an object of this name exists."""


class Conflict(ClusterError):  # noqa: N818
    """409: a precondition (uid, resource version) or a field's ownership stands against the write."""


class Unauthorized(ClusterError):  # noqa: N818
    """401: the credentials are not, or no longer, accepted."""


class Forbidden(ClusterError):  # noqa: N818
    """403: not allowed by RBAC, by an admission policy or by a quota; the message tells which."""


class Invalid(ClusterError):  # noqa: N818
    """400, 413 or 422: the request itself is at fault and never succeeds by repetition."""


class Gone(ClusterError):  # noqa: N818
    """410: the resource version or the continue token is too old; list again."""


class TooManyRequests(ClusterError):  # noqa: N818
    """429: slow down; ``retry_after`` says for how long."""


class Unavailable(ClusterError):  # noqa: N818
    """No answer, a timeout, a broken stream or a 5xx answer; try again later."""


def error_for(
    status: int, reason: str, message: str, retry_after: float | None, details: Mapping[str, Any]
) -> ClusterError:
    """The exception for an HTTP status and the reason of a Status object."""
    kind: type[ClusterError]
    match status:
        case 401:
            kind = Unauthorized
        case 403:
            kind = Forbidden
        case 404:
            kind = NotFound
        case 409:
            kind = AlreadyExists if reason == "AlreadyExists" else Conflict
        case 410:
            kind = Gone
        case 400 | 413 | 422:
            kind = Invalid
        case 429:
            kind = TooManyRequests
        case _ if status >= 500 or status == 408:
            kind = Unavailable
        case _:
            kind = ClusterError
    return kind(status, reason, message, retry_after, details)


def error_from_status(obj: Mapping[str, Any]) -> ClusterError:
    """The exception for a ``v1.Status`` object, as it stands in a body or in an ERROR event of a watch."""
    details = obj.get("details")
    details = details if isinstance(details, dict) else {}
    seconds = details.get("retryAfterSeconds")
    code = obj.get("code")
    return error_for(
        code if isinstance(code, int) and code else 500,
        str(obj.get("reason") or "Unknown"),
        str(obj.get("message") or "the API server gave no message"),
        float(seconds) if isinstance(seconds, int) and seconds > 0 else None,
        details,
    )


def error_from_response(status: int, phrase: str | None, body: bytes, retry_after_header: str | None) -> ClusterError:
    """The exception for an answer of status 400 and above; the body need not be a Status object."""
    try:
        obj = json.loads(body)
    except ValueError:
        obj = None
    wait = parse_retry_after(retry_after_header)
    if not isinstance(obj, dict) or obj.get("kind") != "Status":
        text = body[:512].decode(errors="replace").strip() or phrase or "no message"
        return error_for(status, phrase or "Unknown", text, wait, {})
    error = error_from_status({**obj, "code": status})
    error.retry_after = wait if wait is not None else error.retry_after
    return error


def parse_retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which is a number or an HTTP date; None when it is absent or cannot be read."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


class as_unavailable:  # noqa: N801 - reads as a statement
    """Turns what the HTTP library and the network raise into Unavailable, naming the call."""

    def __init__(self, method: str, path: str) -> None:
        self._call = f"{method} {path}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        from aiohttp import ClientError  # noqa: PLC0415 - comes with the kubernetes package

        if isinstance(error, TimeoutError):
            raise Unavailable(0, "Timeout", f"{self._call}: no answer in time") from error
        if isinstance(error, (ClientError, OSError)):
            raise Unavailable(0, "Unreachable", f"{self._call}: {error or type(error).__name__}") from error
