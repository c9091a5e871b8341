"""A page that renders the OpenAPI document: one static file without external assets."""

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


async def docs_page(request: Request) -> Response:
    """Serve the page."""
    page = files("skyvern_apiserver.api").joinpath("docs.html").read_bytes()
    headers = {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(page, media_type="text/html", headers=headers)
