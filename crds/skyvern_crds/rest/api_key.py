"""API keys of the REST facade: Secrets in the release's namespace, read the same way by every program."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from skyvern_crds.rest.key_limits import secret_limits
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.vocabulary import LABEL_API_KEY

STATE_ACTIVE: Final = "active"
MIN_KEY_CHARACTERS: Final = 16
"""Shortest key: a shorter one can be guessed, and so can the signature of a webhook."""
MAX_KEY_CHARACTERS: Final = 1024
"""Longest key; callers send it in a header, whose size is limited too."""
LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""A label's value, which an organization id has to be: it marks the tasks of its key."""


class ApiKeyError(ValueError):
    """A Secret that is marked as an API key and does not hold one; the message names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class ApiKeySecret:
    """What a Secret says about one API key."""

    secret: str
    """Name of the Secret."""
    key: bytes = field(repr=False)
    """The key as callers send it and as webhooks are signed with it: blanks around it are not part of it."""
    organization: str
    """Organization id that answers carry."""
    namespace: str
    """The tenant: tasks go there and are seen only there. The Secret's own namespace unless it names another."""
    active: bool
    """False for a key whose state is not ``active``."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """What its own fields say instead of the facade's limits, by the names of :class:`KeyLimits`."""
    allowed_secrets: tuple[str, ...] = ()
    """Names of the tenant's Secrets that requests with this key may refer to; ``*`` stands for any text in them."""
    signature: SignatureStyle | None = None
    """How webhooks of the key's tasks are signed; None for the operator's setting."""


def is_api_key(obj: Mapping[str, Any]) -> bool:
    """Whether a Secret is marked as an API key."""
    labels = (obj.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(LABEL_API_KEY) == "true")


def read_api_key(obj: Mapping[str, Any]) -> ApiKeySecret:
    """The API key that a Secret, given as Kubernetes JSON, holds. Raises ApiKeyError."""
    meta = obj["metadata"]
    data = {name: _text(name, value) for name, value in (obj.get("data") or {}).items()}
    key = data.get("key", "")
    if not key:
        raise ApiKeyError("it holds no API key: put one in its field 'key'")
    if len(key) < MIN_KEY_CHARACTERS:
        raise ApiKeyError(f"its 'key' has {len(key)} characters: give it at least {MIN_KEY_CHARACTERS}")
    if len(key) > MAX_KEY_CHARACTERS:
        raise ApiKeyError(f"its 'key' has {len(key)} characters: {MAX_KEY_CHARACTERS} are the limit")
    organization = data.get("organization-id") or meta["name"]
    if not LABEL_VALUE.fullmatch(organization):
        raise ApiKeyError(
            "its 'organization-id' is not a label value: use at most 63 letters, digits, '-', '_' and '.', "
            "beginning and ending with a letter or digit"
        )
    try:
        limits = secret_limits(data)
    except ValueError as error:
        raise ApiKeyError(str(error)) from None
    return ApiKeySecret(
        secret=meta["name"],
        key=key.encode(),
        organization=organization,
        namespace=data.get("namespace") or meta["namespace"],
        active=data.get("state", STATE_ACTIVE).lower() in {"", STATE_ACTIVE},
        limits=limits,
        allowed_secrets=tuple(name for each in data.get("allowed-secrets", "").split(",") if (name := each.strip())),
        signature=_signature(data.get("webhook-signature", "").lower()),
    )


def _signature(text: str) -> SignatureStyle | None:
    try:
        return SignatureStyle(text) if text else None
    except ValueError:
        styles = " or ".join(repr(each.value) for each in SignatureStyle)
        raise ApiKeyError(f"its 'webhook-signature' is {text[:32]!r}: write {styles}, or leave it out") from None


def _text(name: str, value: Any) -> str:
    try:
        return base64.b64decode(value or "", validate=True).decode().strip()
    except (ValueError, TypeError):
        raise ApiKeyError(f"its field {name!r} is not base64 of UTF-8 text: write it again with kubectl") from None
