"""What a reflector reports, and what it knows of each stream that it follows."""

import asyncio
import heapq
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from skyvern_crds.client.errors import ClusterError

T = TypeVar("T")


class ChangeType(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change of one object; ``old`` is None for ADDED, ``new`` for DELETED."""

    type: ChangeType
    namespace: str
    name: str
    old: T | None
    new: T | None
    resource_version: int
    """Of the change; of the list that no longer showed the object, for a deletion that the watch has missed."""
    last: T | None = None
    """For DELETED, the object's last state, as the watch delivered its deletion. None when nobody saw it end: a list no
    longer shows it, or another object has taken its name."""


@dataclass(slots=True)
class Entry(Generic[T]):
    """What the cache holds of one object."""

    uid: str
    resource_version: int
    value: T


@dataclass(slots=True)
class Stream(Generic[T]):
    """State of the list and watch of one namespace, or of all."""

    namespace: str | None
    entries: dict[tuple[str, str], Entry[T]] = field(default_factory=dict)
    position: int | None = None
    """Everything up to this resource version has been seen. Comes only from the server's lists and events."""
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first list is complete; never cleared."""
    error: ClusterError | None = None
    """Why the last list or watch failed, until one goes well."""
    heard_at: float = float("-inf")
    failures: int = 0
    """How many lists and watches have failed since the last event."""
    failed_at: float = float("-inf")
    waiters: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)

    @property
    def age(self) -> float:
        """Seconds since the server was last heard of; infinite before the first list."""
        return time.monotonic() - self.heard_at

    @property
    def idle(self) -> float:
        """Seconds since the server was heard of or could not be: while a stream is alive, one of both happens."""
        return time.monotonic() - max(self.heard_at, self.failed_at)

    def failed(self, error: ClusterError) -> None:
        """A list or a watch has failed."""
        self.failures += 1
        self.error, self.failed_at = error, time.monotonic()

    def ended_well(self) -> None:
        """The server has ended a watch in good order, so up to now nothing more has happened."""
        self.failures = 0
        self.error, self.heard_at = None, time.monotonic()

    def advance(self, position: int) -> None:
        """Everything up to ``position`` has been seen: wake those who wait for it."""
        self.position = position
        self.heard_at = time.monotonic()
        self.error = None
        while self.waiters and self.waiters[0][0] <= position:
            future = heapq.heappop(self.waiters)[2]
            if not future.done():
                future.set_result(None)
