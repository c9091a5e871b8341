"""Body and signature of the webhook that tells of a task's end."""

import hashlib
import hmac
import json
from enum import StrEnum
from typing import Any, Final

from skyvern_crds.artifacts import ArtifactLinks
from skyvern_crds.rest import task_response

HEADER_SIGNATURE: Final = "x-skyvern-signature"
HEADER_TIMESTAMP: Final = "x-skyvern-timestamp"


class SignatureStyle(StrEnum):
    """How a webhook is signed."""

    V0 = "v0"
    """``v0=`` and the hex HMAC-SHA256 of ``v0:{timestamp}:{body}``, Slack's scheme (docs of the Tasks API)."""
    LEGACY = "legacy"
    """The bare hex HMAC-SHA256 of the body, which callers of the product's running service verify."""


def webhook_body(obj: dict[str, Any], links: ArtifactLinks | None) -> bytes:
    """The task response without ``request``, as compact JSON in UTF-8; the signature covers these bytes."""
    response = task_response(obj, links)
    del response["request"]
    return json.dumps(response, separators=(",", ":"), ensure_ascii=False).encode()


def sign(style: SignatureStyle, key: bytes, timestamp: int, body: bytes) -> str:
    """Value of the signature header for a body sent at Unix time ``timestamp``."""
    if style is SignatureStyle.LEGACY:
        return hmac.new(key, body, hashlib.sha256).hexdigest()
    message = b"v0:" + str(timestamp).encode() + b":" + body
    return "v0=" + hmac.new(key, message, hashlib.sha256).hexdigest()


def webhook_headers(style: SignatureStyle, key: bytes, timestamp: int, body: bytes) -> dict[str, str]:
    """Headers of a delivery."""
    return {
        "Content-Type": "application/json",
        HEADER_SIGNATURE: sign(style, key, timestamp, body),
        HEADER_TIMESTAMP: str(timestamp),
    }
