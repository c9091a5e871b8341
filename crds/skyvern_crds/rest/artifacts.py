"""Names of artifacts in the store and the signed, expiring URLs under which the facade serves them."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

ARTIFACTS_PATH: Final = "/api/v1/artifacts"
"""Path prefix of downloads on the facade's public port."""
UPLOAD_PATH: Final = "/internal/artifacts"
"""Path prefix of uploads on the facade's internal port."""
DEFAULT_TTL_SECONDS: Final = 7 * 24 * 3600
"""Life of a signed URL, in answers and webhooks alike."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")


class ArtifactError(Exception):
    """Base of this module's errors."""


class ArtifactNameError(ArtifactError, ValueError):
    """The name is not a legal artifact name."""


class LinkError(ArtifactError):
    """The link is forged or has expired."""


def is_name(name: str) -> bool:
    """Whether ``name`` is a legal artifact name: at most 128 characters, 1 to 4 plain segments."""
    return len(name) <= 128 and _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return ``name`` if it is a legal artifact name. Raises ArtifactNameError."""
    if not is_name(name):
        raise ArtifactNameError(
            f"{name[:140]!r} is not an artifact name: use at most four segments of letters, digits, '.', '_' and '-'"
        )
    return name


def store_key(namespace: str, task: str, uid: str, name: str) -> str:
    """Key of an artifact in the object store."""
    return f"{namespace}/{task}/{uid}/{check_name(name)}"


@dataclass(frozen=True, slots=True)
class ArtifactLinks:
    """Makes and checks signed URLs: HMAC-SHA256 over path and expiry."""

    public_url: str
    """Base URL of the facade as its callers reach it, without a trailing slash."""
    key: bytes
    """``keys.artifact_link_key`` of the release's signing key."""
    now: int
    """Unix time at which links are made."""
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    """Life of a link."""

    @property
    def expires(self) -> int:
        """Unix time at which the links expire: a full hour, so that a URL stays the same between polls."""
        return -(-(self.now + self.ttl_seconds) // 3600) * 3600

    def url(self, namespace: str, task: str, uid: str, name: str) -> str:
        """Signed URL of one artifact."""
        path = f"{ARTIFACTS_PATH}/{quote(store_key(namespace, task, uid, name))}"
        query = urlencode({"expires": self.expires, "signature": link_signature(self.key, path, self.expires)})
        return f"{self.public_url.rstrip('/')}{path}?{query}"


def link_signature(key: bytes, path: str, expires: int) -> str:
    """Lower-case hex HMAC-SHA256 of ``{path}\\n{expires}``."""
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def verify_link(key: bytes, path: str, expires: str, signature: str, now: float) -> None:
    """Check a download's path (as requested, percent-encoded) and query. Raises LinkError."""
    try:
        until = int(expires)
    except ValueError:
        raise LinkError("The link is incomplete: 'expires' must be a Unix time") from None
    if not hmac.compare_digest(link_signature(key, path, until).encode(), signature.encode()):
        raise LinkError("The link's signature does not match: ask for the task again and use the new link")
    if now > until:
        raise LinkError("The link has expired: ask for the task again and use the new link")
