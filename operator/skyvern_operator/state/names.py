"""Names of the objects that the operator makes for a task: readable, unique for the task object, legal host names."""

import hashlib
import re
from typing import Final

from skyvern_crds.vocabulary import Reason

DIGEST_CHARACTERS: Final = 8
MAX_NAME: Final = 63


def pod_name(task: str, uid: str, attempt: int) -> str:
    """Name of the pod of an attempt."""
    return _name(task, uid, str(attempt))


def event_name(task: str, uid: str, reason: Reason) -> str:
    """Name of the Event that reports a reason: the same each time, so that it exists once."""
    return _name(task, uid, reason.value.lower())


def _name(task: str, uid: str, last: str) -> str:
    suffix = f"-{hashlib.sha256(uid.encode()).hexdigest()[:DIGEST_CHARACTERS]}-{last}"
    readable = re.sub(r"[^a-z0-9-]", "-", task.lower())[: MAX_NAME - len(suffix)].strip("-")
    return (readable or "task") + suffix
