"""Keys for one purpose each, derived from the release's signing key: whoever has one of them can make no other."""

import hashlib
import hmac
from typing import Final

_SALT: Final = b"skyvern.io/v1"
_KEY_BYTES: Final = 32


def artifact_link_key(release_key: bytes) -> bytes:
    """The key that signs links to artifacts. Only the operator and the facade have it."""
    return hkdf(release_key, _SALT, b"artifact-links", _KEY_BYTES)


def archive_key(release_key: bytes) -> bytes:
    """The key that signs requests to store the final record of a task. Only the operator and the facade have it."""
    return hkdf(release_key, _SALT, b"archive", _KEY_BYTES)


def webhook_key(release_key: bytes, namespace: str) -> bytes:
    """The key that signs the webhooks of a namespace's tasks that no API key has made: text, to be used as it is.

    A receiver gets it to verify them, and can forge neither a link nor the webhook of another namespace.
    """
    return hkdf(release_key, _SALT, b"webhook\0" + namespace.encode(), _KEY_BYTES).hex().encode()


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869)."""
    extracted = hmac.digest(salt, key, hashlib.sha256)
    block, made, count = b"", b"", 0
    while len(made) < length:
        count += 1
        block = hmac.digest(extracted, block + info + bytes([count]), hashlib.sha256)
        made += block
    return made[:length]
