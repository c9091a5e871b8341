"""JSON answers."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import JSONResponse

__all__ = ["JsonResponse", "to_json"]


class JsonResponse(JSONResponse):
    """A JSON answer, written by pydantic's serializer."""

    def render(self, content: Any) -> bytes:
        """Bytes of the body."""
        return to_json(content)
