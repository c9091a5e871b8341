"""A page that renders the OpenAPI document and tries it out: one static file, which asks no other host."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_INLINE: Final = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)


async def docs_page(request: Request) -> Response:
    """Serve the page."""
    page = files("skyvern_apiserver.api").joinpath("docs.html").read_bytes()
    headers = {"Content-Security-Policy": policy_of(page), "X-Content-Type-Options": "nosniff"}
    return Response(page, media_type="text/html", headers=headers)


def policy_of(page: bytes) -> str:
    """A policy that allows the page's own script and style, known by their digests, and nothing else."""
    allowed = {
        kind.decode(): f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
        for kind, text in _INLINE.findall(page)
    }
    return (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
