"""The facade's exceptions. An :class:`ApiError` is the answer to a request; a :class:`SettingsError` ends the start."""

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Final

Detail = dict[str, Any]
"""One entry of a 422 answer's list."""

RETRY_AFTER_SECONDS: Final = 5
"""``Retry-After`` where the cluster names no time."""


class FacadeError(Exception):
    """Base of this package's exceptions."""


class SettingsError(FacadeError):
    """A setting is missing or unusable; the message names the variable and the remedy."""


class LostResultError(FacadeError):
    """The extracted information that a task refers to can never be read; the message says why."""


class ApiError(FacadeError):
    """The request is answered with an error. ``detail`` is the body's ``detail``."""

    def __init__(self, status: int, detail: str | list[Detail], *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class InvalidRequestError(ApiError):
    """The body, the query or a header is invalid: 422 with one entry per error."""

    def __init__(self, details: Iterable[Detail]) -> None:
        self.details = list(details)
        super().__init__(422, self.details)


class CredentialsError(ApiError):
    """The caller presented no usable API key: 403."""

    def __init__(self, text: str = "Invalid credentials") -> None:
        super().__init__(403, text)


class TaskNotFoundError(ApiError):
    """The task does not exist, or belongs to another tenant: 404."""

    def __init__(self, task_id: str) -> None:
        super().__init__(404, f"Task not found {task_id}")


class LimitError(ApiError):
    """The API key has reached one of its limits: 429."""

    def __init__(self, organization: str, text: str, retry_after: float) -> None:
        seconds = str(max(1, ceil(retry_after)))
        super().__init__(
            429, f"Rate limit exceeded for organization {organization}: {text}", headers={"Retry-After": seconds}
        )


class IllegalCancelError(ApiError):
    """The task has ended or is being canceled: 400."""

    def __init__(self, task_id: str, phase: str) -> None:
        if phase == "canceled":
            text = f"Invalid task status transition to canceled for {task_id} because task is already canceled"
        else:
            text = f"Invalid task status transition from {phase} to canceled for {task_id}"
        super().__init__(400, text)


class UnavailableError(ApiError):
    """The cluster or the store is unavailable, or the facade has not read the cluster yet: 503."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        seconds = RETRY_AFTER_SECONDS if retry_after is None else max(1, round(retry_after))
        super().__init__(503, text, headers={"Retry-After": str(seconds)})
