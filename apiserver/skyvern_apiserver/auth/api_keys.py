"""API keys: Secrets in the release's namespace, found by the digests of their keys."""

import hashlib
import hmac
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from starlette.requests import HTTPConnection

from skyvern_apiserver.errors import CredentialsError
from skyvern_crds.client import Change
from skyvern_crds.rest.api_key import read_api_key

KEY_EXPIRED: Final = "Your API key has expired. Please ask your administrator for a new one"

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
    limits: Mapping[str, int] = field(default_factory=dict)
    """Limits of this key instead of the settings', by the names of KeyLimits."""
    allowed_secrets: tuple[str, ...] = ()
    """Patterns of the names of Secrets that requests may refer to."""

    def allows_secret(self, name: str) -> bool:
        """Whether requests may refer to a Secret of the tenant."""
        return any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in self.allowed_secrets)


def key_of(obj: Mapping[str, Any]) -> ApiKey:
    """The API key that a Secret, given as Kubernetes JSON, holds. Raises ApiKeyError."""
    found = read_api_key(obj)
    return ApiKey(
        secret=found.secret,
        digest=hashlib.sha256(found.key).digest(),
        organization=found.organization,
        namespace=found.namespace,
        active=found.active,
        limits=found.limits,
        allowed_secrets=found.allowed_secrets,
    )


class KeyRing:
    """The current API keys; fed by a reflector."""

    def __init__(self, serves: Callable[[str], bool]) -> None:
        self._serves = serves
        self._by_secret: dict[str, ApiKey] = {}
        self._sharing: dict[bytes, dict[str, ApiKey]] = defaultdict(dict)
        """The Secrets that hold one key, by their names; nearly always one."""
        self._by_digest: dict[bytes, ApiKey] = {}

    def changed(self, change: Change[ApiKey]) -> None:
        """Apply one change of a Secret."""
        key = change.new
        if key is not None and not self._serves(key.namespace):
            log.warning(
                "API key ignored: its namespace is not served; add it to SKYVERN_NAMESPACES",
                extra={"secret": key.secret, "namespace": key.namespace},
            )
            key = None
        former = self._by_secret.pop(change.name, None)
        if key is not None:
            self._by_secret[change.name] = key
        for digest in {each.digest for each in (former, key) if each is not None}:
            self._choose(digest, former, key)

    def _choose(self, digest: bytes, former: ApiKey | None, key: ApiKey | None) -> None:
        """Of Secrets with the same key the active one wins, then the first by name."""
        sharing = self._sharing[digest]
        if former is not None and former.digest == digest:
            del sharing[former.secret]
        if key is not None and key.digest == digest:
            sharing[key.secret] = key
        if sharing:
            self._by_digest[digest] = min(sharing.values(), key=lambda each: (not each.active, each.secret))
        else:
            del self._sharing[digest]
            self._by_digest.pop(digest, None)

    def known(self) -> Iterable[ApiKey]:
        """The keys that callers may present."""
        return self._by_digest.values()

    def holds(self, key: ApiKey) -> bool:
        """Whether a key that was valid before still is."""
        known = self._by_digest.get(key.digest)
        return known is not None and known.active and known.namespace == key.namespace

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
    """The key in ``x-api-key``, else in ``Authorization: Bearer``, cleaned."""
    given = clean(connection.headers.get("x-api-key", ""))
    if not given:
        scheme, _, rest = connection.headers.get("authorization", "").strip().partition(" ")
        given = clean(rest) if scheme.lower() == "bearer" else ""
    return given.encode("latin-1")


def clean(value: str) -> str:
    """A header's value without the blanks, quotes and ``Bearer`` that callers tend to put around a key."""
    value = value.strip().strip("\"'").strip()
    if value[:7].lower() == "bearer ":
        value = value[7:].strip().strip("\"'").strip()
    return value
