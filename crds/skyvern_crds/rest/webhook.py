"""Body and signature of the webhook that reports a task's end."""

import hashlib
import hmac
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.response import task_response
from skyvern_crds.stored import StoredTask

HEADER_SIGNATURE: Final = "x-skyvern-signature"
HEADER_TIMESTAMP: Final = "x-skyvern-timestamp"


class SignatureStyle(StrEnum):
    """How a webhook is signed."""

    V0 = "v0"
    """``v0=`` and the hex HMAC-SHA256 of ``v0:{timestamp}:{body}``, Slack's scheme (docs of the Tasks API)."""
    LEGACY = "legacy"
    """The bare hex HMAC-SHA256 of the body, which callers of the product's running service verify."""


def webhook_body(
    task: StoredTask, links: ArtifactLinks | None, *, result: JsonValue = None, result_problem: str | None = None
) -> bytes:
    """The task response without ``request``, as compact JSON in UTF-8; the signature covers these bytes.

    ``result`` is the extracted information of a task that only refers to it: without it the body would carry null.
    ``result_problem`` says why it never can be read.
    """
    response = task_response(task, links, result=result, result_problem=result_problem)
    # Who reads it has received it; and where REST answers null, webhooks have always had an empty list.
    update = {"webhook_failure_reason": "", "action_screenshot_urls": response.action_screenshot_urls or []}
    return response.model_copy(update=update).encode(with_request=False)


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
