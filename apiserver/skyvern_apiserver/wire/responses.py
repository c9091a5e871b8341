"""JSON answers."""

from collections.abc import Mapping

from starlette.responses import Response

from skyvern_crds import wire


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is ``value`` as JSON."""
    return Response(wire.encode(value), status, headers, "application/json")
