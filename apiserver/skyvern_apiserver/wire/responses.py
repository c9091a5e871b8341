"""JSON answers, written by pydantic's serializer."""

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is ``value`` as JSON."""
    return Response(to_json(value), status, headers, "application/json")
