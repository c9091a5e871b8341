"""How much the holder of one API key may ask of one facade pod."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

MAX_LIMIT: Final = 1_000_000
_NUMBER: Final = re.compile(r"[0-9]{1,7}")


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """Limits of one key at one pod; 0 is no limit. A rate may be exceeded by what ten seconds have left unused."""

    requests_per_second: int = 200
    """All requests."""
    creates_per_second: int = 50
    """Valid requests for new tasks."""
    lookups_per_second: int = 20
    """Requests for a task that the pod's cache does not hold, each of which asks the cluster."""
    concurrent_requests: int = 64
    """Requests in progress, until their answer has been taken."""
    waiting_requests: int = 32
    """Of these, requests that wait for the end of a task."""
    event_streams: int = 256
    """Open streams of events, which are no requests in progress."""


def read_limit(text: str) -> int:
    """A limit as people write it. Raises ValueError with the remedy."""
    if not _NUMBER.fullmatch(text) or int(text) > MAX_LIMIT:
        raise ValueError(f"give a number from 0 (no limit) to {MAX_LIMIT}")
    return int(text)


def secret_limits(data: Mapping[str, str]) -> dict[str, int]:
    """The limits that the fields of an API key's Secret set for it. Raises ValueError that names the field."""
    found = {}
    for each in fields(KeyLimits):
        name = each.name.replace("_", "-")
        if text := data.get(name):
            try:
                found[each.name] = read_limit(text)
            except ValueError as error:
                raise ValueError(f"its {name!r} is {text[:32]!r}: {error}") from None
    return found
