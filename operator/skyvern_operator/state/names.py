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


def event_name(task: str, uid: str, reason: Reason, message: str) -> str:
    """Name of the Event with this message: the same each time, so that the Event exists once."""
    return _name(task, f"{uid}\n{message}", reason.value.lower())


def _name(task: str, identity: str, last: str) -> str:
    suffix = f"-{hashlib.sha256(identity.encode()).hexdigest()[:DIGEST_CHARACTERS]}-{last}"
    readable = re.sub(r"[^a-z0-9-]", "-", task.lower())[: MAX_NAME - len(suffix)].strip("-")
    return (readable or "task") + suffix
