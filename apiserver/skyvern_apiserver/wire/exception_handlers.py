"""How the applications turn exceptions into answers."""

from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.wire.cluster_errors import from_cluster
from skyvern_apiserver.wire.responses import json_response
from skyvern_crds.client import ClusterError


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  # registered for this class only
    return json_response({"detail": error.detail}, error.status, error.headers)


async def _cluster_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClusterError)  # noqa: S101  # registered for this class only
    return await _api_error(request, from_cluster(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class only
    text = error.detail if error.status_code == 413 else HTTPStatus(error.status_code).phrase
    return json_response({"detail": text}, error.status_code, error.headers)


async def _disconnected(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this answer, and the server logs it with its traceback."""
    return json_response({"error": f"Unexpected error: {type(error).__name__}"}, 500)


EXCEPTION_HANDLERS: Final[dict[Any, ExceptionHandler]] = {
    ApiError: _api_error,
    ClusterError: _cluster_error,
    HTTPException: _http_error,
    ClientDisconnect: _disconnected,
    Exception: _unexpected,
}
"""Handlers for Starlette."""
