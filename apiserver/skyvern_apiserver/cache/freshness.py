"""Whether the caches are fresh enough to answer from: the keys for everybody, the tasks for each namespace."""

from dataclasses import dataclass
from typing import Any, Final

from skyvern_apiserver.errors import UnavailableError
from skyvern_crds.client import Reflector

STALE_SECONDS: Final = 300.0
"""Cache age beyond which requests get 503."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Judges the caches. A namespace that cannot be read, for want of rights or otherwise, fails its own keys only."""

    tasks: Reflector[Any]
    keys: Reflector[Any]
    stale_seconds: float = STALE_SECONDS

    def can_serve(self) -> bool:
        """Whether the keys have been read, and of the tasks each namespace or, where some are refused, the others."""
        if not self.keys.synced.is_set():
            return False
        streams = self.tasks.streams.values()
        tried = all(each.listed.is_set() or each.error is not None for each in streams)
        return tried and (not streams or any(each.listed.is_set() for each in streams))

    def require_keys(self) -> None:
        """Raise UnavailableError unless the keys are fresh enough."""
        if not self.keys.synced.is_set() or self.keys.age >= self.stale_seconds:
            raise UnavailableError("The cluster cannot be reached: try again later")

    def require_tasks(self, namespace: str) -> None:
        """Raise UnavailableError unless the tasks of a namespace are fresh enough."""
        stream = self.tasks.stream(namespace)
        if stream is None or not stream.listed.is_set() or stream.age >= self.stale_seconds:
            raise UnavailableError(f"The tasks of namespace {namespace!r} cannot be read for now: try again later")

    def ages(self) -> dict[tuple[str, str], float]:
        """Seconds since the API server was heard of, by kind and namespace (``*`` for all); inf before a first list."""
        caches = (("SkyvernTask", self.tasks), ("Secret", self.keys))
        return {(kind, scope or "*"): each.age for kind, cache in caches for scope, each in cache.streams.items()}
