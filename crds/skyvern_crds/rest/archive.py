"""The archive: the final records of tasks, which the operator stores with the facade before it removes a task.

A record is the SkyvernTask as the API server last had it; of ``managedFields`` the time of the last change alone.
Requests to store one are signed, since they come from the operator alone.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from skyvern_crds import wire
from skyvern_crds.stored import read_metadata

ARCHIVE_PATH: Final = "/internal/archive"
"""Path prefix on the facade's internal port; namespace, name and uid of the task follow."""
MAX_RECORD_BYTES: Final = 4 * 1024 * 1024
"""Largest record. etcd keeps objects of at most 1.5 MiB, which can be longer as JSON."""
LIFE_SECONDS: Final = 300
"""How far the clocks of operator and facade may differ, and how long a signed request is valid."""
TIME_HEADER: Final = "x-skyvern-timestamp"
SIGNATURE_HEADER: Final = "x-skyvern-signature"
_RECORD: Final = "_task.json"
"""No artifact's name starts with an underscore, so runners cannot write it and links cannot be made to it."""


class ArchiveSignatureError(Exception):
    """The request to store a record is forged or too old."""


def record_key(namespace: str, task: str, uid: str) -> str:
    """Key of a task's record in the object store, beside its artifacts."""
    return f"{namespace}/{task}/{uid}/{_RECORD}"


def record_path(namespace: str, task: str, uid: str) -> str:
    """Path of the request that stores a record."""
    return f"{ARCHIVE_PATH}/{namespace}/{task}/{uid}"


def encode_record(obj: Mapping[str, Any]) -> bytes:
    """The record of a stored object, as compact JSON."""
    meta = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    changed = read_metadata(obj).changed_at
    if changed is not None:
        meta["managedFields"] = [{"time": changed.isoformat()}]
    return wire.encode({**obj, "metadata": meta})


def sign_record(key: bytes, path: str, record: bytes, now: int) -> dict[str, str]:
    """Headers of the request that stores a record; ``now`` is in Unix time."""
    return {TIME_HEADER: str(now), SIGNATURE_HEADER: _signature(key, path, record, str(now))}


def verify_record(key: bytes, path: str, record: bytes, headers: Mapping[str, str], now: float) -> None:
    """Check such a request; names of ``headers`` are in lower case. Raises ArchiveSignatureError."""
    sent = headers.get(TIME_HEADER, "")
    expected = _signature(key, path, record, sent)
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE_HEADER, "").encode()):
        raise ArchiveSignatureError("The signature does not match: only the operator of this release stores records")
    if abs(now - int(sent)) > LIFE_SECONDS:
        raise ArchiveSignatureError(f"The request is more than {LIFE_SECONDS} s old, or the clocks differ")


def _signature(key: bytes, path: str, record: bytes, sent: str) -> str:
    digest = hashlib.sha256(record).hexdigest()
    return hmac.new(key, f"archive\n{path}\n{sent}\n{digest}".encode(), hashlib.sha256).hexdigest()
