"""Ids in the form that callers of the Tasks API know: a prefix and a decimal number that grows with time."""

import hashlib
import secrets
import time
from datetime import UTC, datetime
from typing import Final

EPOCH_SECONDS: Final = 1_655_683_200
"""Unix time at which the numbers start: 2022-06-20T00:00:00Z."""
MICROSECONDS: Final = 1_000_000
"""In a second."""
TASK_PREFIX: Final = "tsk"
STEP_PREFIX: Final = "stp"


def new_id(prefix: str, *, now_ns: int | None = None) -> str:
    """``<prefix>_<decimal>``: seconds since EPOCH_SECONDS, 20 bits of microseconds, 12 random bits.

    Ids made one after the other ascend. Two processes that create ids in the same microsecond collide once in
    4096 times: whoever stores an id must try another when it exists.
    """
    moment = time.time_ns() if now_ns is None else now_ns
    seconds, rest = divmod(moment, 1_000_000_000)
    return f"{prefix}_{((seconds - EPOCH_SECONDS) << 32) | ((rest // 1000) << 12) | secrets.randbits(12)}"


def time_of(task_id: str) -> datetime | None:
    """When a task's id was made; None for one that does not say."""
    digits = task_id.removeprefix(f"{TASK_PREFIX}_")
    if digits == task_id or not (digits.isascii() and digits.isdecimal()) or len(digits) > 19:
        return None
    seconds, rest = divmod(int(digits), 1 << 32)
    if rest >> 12 >= MICROSECONDS:
        return None
    return datetime.fromtimestamp(EPOCH_SECONDS + seconds, UTC).replace(microsecond=rest >> 12)


def id_for(prefix: str, *parts: str) -> str:
    """``<prefix>_<decimal>`` with a number of 58 bits that follows from ``parts`` alone, and names no time.

    In the place of the microseconds is a number that they cannot reach, so that :func:`time_of` is None.
    """
    digest = hashlib.sha256("\0".join(parts).encode(errors="replace")).digest()
    number = int.from_bytes(digest[:8], "big") >> 1
    no_time = MICROSECONDS + (number >> 12 & 0xFFFFF) % ((1 << 20) - MICROSECONDS)
    return f"{prefix}_{number >> 32 << 32 | no_time << 12 | number & 0xFFF}"


def task_id_of(name: str) -> str:
    """REST id of the object ``name``: ``tsk-123`` is ``tsk_123``, any other name is its own id."""
    return f"tsk_{name[4:]}" if name.startswith("tsk-") and name[4:].isdigit() else name


def name_of(task_id: str) -> str:
    """Object name of a REST id; the inverse of :func:`task_id_of`."""
    return f"tsk-{task_id[4:]}" if task_id.startswith("tsk_") and task_id[4:].isdigit() else task_id
