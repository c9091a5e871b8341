"""API keys: Secrets of the release's namespace, known by the digests of their keys."""

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from starlette.requests import HTTPConnection

from skyvern_apiserver.errors import CredentialsError
from skyvern_crds.client import Change

KEY_EXPIRED: Final = "Your API key has expired. Please ask your administrator for a new one"
STATE_ACTIVE: Final = "active"
LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key; the key itself is not kept."""

    secret: str
    """Name of the Secret."""
    digest: bytes
    """SHA-256 of the key."""
    organization: str
    """Organization id that answers carry."""
    namespace: str
    """The tenant: tasks go there and are seen only there."""
    active: bool
    """False for a key whose state is not ``active``."""


def read_secret(obj: dict[str, Any]) -> ApiKey:
    """The API key that a Secret holds. Raises ValueError, which names the field and the remedy."""
    meta = obj["metadata"]
    data = {name: base64.b64decode(value).decode().strip() for name, value in (obj.get("data") or {}).items()}
    key = data.get("key", "")
    if not key:
        raise ValueError("it holds no API key: put one in its field 'key'")
    organization = data.get("organization-id") or meta["name"]
    if not LABEL_VALUE.fullmatch(organization):
        raise ValueError("its 'organization-id' is no label value: use at most 63 letters, digits, '-', '_' and '.'")
    return ApiKey(
        secret=meta["name"],
        digest=hashlib.sha256(key.encode()).digest(),
        organization=organization,
        namespace=data.get("namespace") or meta["namespace"],
        active=data.get("state", STATE_ACTIVE).lower() in {"", STATE_ACTIVE},
    )


class KeyRing:
    """The API keys that hold now; fed by a reflector."""

    def __init__(self, serves: Callable[[str], bool]) -> None:
        self._serves = serves
        self._by_secret: dict[str, ApiKey] = {}
        self._by_digest: dict[bytes, ApiKey] = {}

    def changed(self, change: Change[ApiKey]) -> None:
        """Take over one change of a Secret."""
        key = change.new
        if key is not None and not self._serves(key.namespace):
            log.warning(
                "API key is for a namespace that is not served: add it to SKYVERN_NAMESPACES",
                extra={"secret": key.secret, "namespace": key.namespace},
            )
            key = None
        if key is None:
            self._by_secret.pop(change.name, None)
        else:
            self._by_secret[change.name] = key
        # Of two Secrets with one key the active one holds, then the first by name: what comes later replaces.
        by_name = sorted(self._by_secret.values(), key=attrgetter("secret"), reverse=True)
        self._by_digest = {known.digest: known for known in sorted(by_name, key=attrgetter("active"))}

    def known(self) -> Iterable[ApiKey]:
        """The keys that callers may present."""
        return self._by_digest.values()

    def authenticate(self, connection: HTTPConnection) -> ApiKey:
        """The caller's key. Raises CredentialsError."""
        given = presented_key(connection)
        if not given:
            raise CredentialsError
        digest = hashlib.sha256(given).digest()
        known = self._by_digest.get(digest)
        if known is None or not hmac.compare_digest(known.digest, digest):
            raise CredentialsError
        if not known.active:
            raise CredentialsError(KEY_EXPIRED)
        return known


def presented_key(connection: HTTPConnection) -> bytes:
    """The key in ``x-api-key``, else in ``Authorization: Bearer``; without blanks, quotes and ``Bearer``."""
    given = clean(connection.headers.get("x-api-key", ""))
    if not given:
        scheme, _, rest = connection.headers.get("authorization", "").strip().partition(" ")
        given = clean(rest) if scheme.lower() == "bearer" else ""
    return given.encode("latin-1")


def clean(value: str) -> str:
    """What is left of a header's value when callers' habits are taken off: blanks, quotes, ``Bearer``."""
    value = value.strip().strip("\"'").strip()
    if value[:7].lower() == "bearer ":
        value = value[7:].strip().strip("\"'").strip()
    return value
