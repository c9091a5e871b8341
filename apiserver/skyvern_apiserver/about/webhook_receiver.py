"""A receiver of webhooks for tests."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.services import Services
from skyvern_apiserver.wire.input import Input
from skyvern_crds.rest.webhook import HEADER_SIGNATURE, HEADER_TIMESTAMP

_TEXTS: Final = {HEADER_SIGNATURE: "Signature of the body.", HEADER_TIMESTAMP: "When it was signed, in Unix time."}


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The headers that every webhook has."""

    signature: str
    timestamp: str


async def _read_headers(request: Request) -> SignedHeaders:
    headers = request.headers
    return SignedHeaders(headers.get(HEADER_SIGNATURE, ""), headers.get(HEADER_TIMESTAMP, ""))


TEST_WEBHOOK: Final = Input(
    _read_headers,
    headers=tuple(
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in _TEXTS.items()
    ),
)


async def receive_webhook(_services: Services, headers: SignedHeaders) -> Response:
    """Accept a webhook that has both headers. Its body is not read, and its signature not judged."""
    if not (headers.signature and headers.timestamp):
        raise ApiError(400, "Missing webhook signature or timestamp")
    return PlainTextResponse("webhook validation")
