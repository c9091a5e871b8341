"""Whether the caches are fresh enough to answer from."""

from typing import Any, Final

from skyvern_apiserver.errors import UnavailableError
from skyvern_crds.client import Reflector

STALE_SECONDS: Final = 300.0
"""Cache age beyond which requests get 503."""


def is_synced(*caches: Reflector[Any]) -> bool:
    """Whether each cache has read the cluster once."""
    return all(cache.synced.is_set() for cache in caches)


def age_of(*caches: Reflector[Any]) -> float:
    """Seconds since the API server was last heard from, by the cache that heard from it longest ago."""
    return max(cache.age for cache in caches)


def require_fresh_cache(*caches: Reflector[Any]) -> None:
    """Raise UnavailableError unless the caches are fresh enough to answer from."""
    if not is_synced(*caches) or age_of(*caches) >= STALE_SECONDS:
        raise UnavailableError("The cluster cannot be reached: try again later")
