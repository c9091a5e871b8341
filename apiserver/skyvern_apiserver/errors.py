"""What can go wrong with a request, and the answers callers of the Tasks API know for it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_snake
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from skyvern_crds.client import AlreadyExists, ClusterError, Forbidden, Invalid, TooManyRequests

Detail = dict[str, Any]
Location = Sequence[str | int]

RETRY_AFTER_SECONDS: Final = 5
"""What a caller is told to wait when the cluster names no time."""
MAX_INPUT_CHARACTERS: Final = 256
"""Longest offending value that an error repeats."""
MAX_MISTAKES: Final = 50
"""Entries of a 422 answer; a body can have more mistakes than that."""
_HEADER_OF_FIELD: Final = {"max_steps": "x-max-steps-override"}

log = logging.getLogger(__name__)


class ApiError(Exception):
    """A request is answered with an error. ``detail`` is the body's ``detail``."""

    def __init__(self, status: int, detail: str | list[Detail], *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class InvalidRequestError(ApiError):
    """The body, the query or a header is wrong: 422 with one entry a mistake."""

    def __init__(self, details: Iterable[Detail]) -> None:
        self.details = list(details)
        super().__init__(422, self.details)


class CredentialsError(ApiError):
    """The caller gave no usable API key: 403."""

    def __init__(self, text: str = "Invalid credentials") -> None:
        super().__init__(403, text)


class TaskNotFoundError(ApiError):
    """No such task, or one of another tenant: 404."""

    def __init__(self, task_id: str) -> None:
        super().__init__(404, f"Task not found {task_id}")


class IllegalCancelError(ApiError):
    """The task has ended or is being canceled: 400."""

    def __init__(self, task_id: str, phase: str) -> None:
        if phase == "canceled":
            text = f"Invalid task status transition to canceled for {task_id} because task is already canceled"
        else:
            text = f"Invalid task status transition from {phase} to canceled for {task_id}"
        super().__init__(400, text)


class UnavailableError(ApiError):
    """The cluster is away, or the facade has not read it yet: 503."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        seconds = RETRY_AFTER_SECONDS if retry_after is None else max(1, round(retry_after))
        super().__init__(503, text, headers={"Retry-After": str(seconds)})


def detail(kind: str, location: Location, message: str, given: object = None, **context: object) -> Detail:
    """One entry of a 422 answer's list."""
    entry: Detail = {"type": kind, "loc": list(location), "msg": message, "input": _short(given)}
    return entry | ({"ctx": context} if context else {})


def details_of(error: ValidationError, source: str) -> list[Detail]:
    """A model's refusal as entries; ``source`` is body, query or header."""
    return [_entry(item, source) for item in error.errors(include_url=False)[:MAX_MISTAKES]]


def _entry(item: ErrorDetails, source: str) -> Detail:
    location: list[str | int] = [part if isinstance(part, int) else to_snake(part) for part in item["loc"][:1]]
    location += item["loc"][1:]
    context = {key: str(value) if isinstance(value, Exception) else value for key, value in item.get("ctx", {}).items()}
    if location and (header := _HEADER_OF_FIELD.get(str(location[0]))):
        source, location = "header", [header]
    return detail(item["type"], [source, *location], item["msg"], item.get("input"), **context)


def _short(value: object) -> object:
    """The offending value, or its beginning: an answer never repeats a large or nested body."""
    if isinstance(value, str):
        return value[:MAX_INPUT_CHARACTERS]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = repr(value)
    small = isinstance(value, dict | list) and len(text) <= MAX_INPUT_CHARACTERS
    return value if small else text[:MAX_INPUT_CHARACTERS]


def from_cluster(error: ClusterError) -> ApiError:
    """The answer for a refusal of the Kubernetes API."""
    if isinstance(error, Invalid):
        return InvalidRequestError(_causes(error))
    if isinstance(error, TooManyRequests):
        seconds = str(max(1, round(error.retry_after or RETRY_AFTER_SECONDS)))
        return ApiError(429, "The cluster is busy: try again later", headers={"Retry-After": seconds})
    if isinstance(error, Forbidden) and ("exceeded quota" in error.message or "for quota" in error.message):
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return ApiError(429, f"The namespace's quota lets no task in: {error.message}", headers=headers)
    if isinstance(error, Forbidden):
        return ApiError(403, f"The cluster refuses the task: {error.message}")
    if isinstance(error, AlreadyExists):
        return UnavailableError("The task could not be named: try again", 1)
    log.warning("cluster error", extra={"status": error.status, "reason": error.reason, "error": error.message})
    return UnavailableError("The cluster cannot be reached: try again later", error.retry_after)


def _causes(error: Invalid) -> list[Detail]:
    """The API server's causes, on the request's own field names: ``spec.navigationGoal`` is body, navigation_goal."""
    causes = [(str(each.get("field", "")), str(each.get("message", ""))) for each in error.details.get("causes", [])]
    # Beside real causes the API server says, of no field, that it did not look at its rules.
    named = [cause for cause in causes if cause[0] != "<nil>"]
    return [detail("value_error", _location(field), text) for field, text in named or [("", error.message)]]


def _location(field: str) -> list[str | int]:
    head, _, rest = field.partition(".")
    if head != "spec" or not rest:
        return ["body"]
    parts = rest.replace("[", ".").replace("]", "").split(".")
    first = to_snake(parts[0])
    if first in _HEADER_OF_FIELD:
        return ["header", _HEADER_OF_FIELD[first]]
    return ["body", first, *(int(part) if part.isdigit() else part for part in parts[1:])]


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  # registered for this class only
    return JSONResponse({"detail": error.detail}, error.status, headers=error.headers)


async def _cluster_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClusterError)  # noqa: S101  # registered for this class only
    return await _api_error(request, from_cluster(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class only
    text = error.detail if error.status_code == 413 else HTTPStatus(error.status_code).phrase
    return JSONResponse({"detail": text}, error.status_code, headers=error.headers)


async def _disconnected(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this answer, and the server logs it with its trace."""
    return JSONResponse({"error": f"Unexpected error: {type(error).__name__}"}, 500)


EXCEPTION_HANDLERS: Final[dict[Any, ExceptionHandler]] = {
    ApiError: _api_error,
    ClusterError: _cluster_error,
    HTTPException: _http_error,
    ClientDisconnect: _disconnected,
    Exception: _unexpected,
}
"""Handlers for Starlette."""
