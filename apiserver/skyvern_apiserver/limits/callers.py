"""The callers of this process, each known by its API key: what they have in progress, and how fast they ask."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.errors import LimitError
from skyvern_apiserver.limits.token_bucket import TokenBucket
from skyvern_crds.client import Change
from skyvern_crds.rest.key_limits import KeyLimits

PLACE_SECONDS: Final = 1
"""``Retry-After`` where nobody knows when a request in progress ends."""
WAIT_SECONDS: Final = 5
"""The same for places that are held for long."""


class Caller:
    """What one key uses now."""

    __slots__ = ("creates", "lookups", "places", "requests")

    def __init__(self) -> None:
        self.requests = TokenBucket()
        self.creates = TokenBucket()
        self.lookups = TokenBucket()
        self.places: dict[str, int] = defaultdict(int)
        """Places taken, by the name of their limit."""


class Callers:
    """Holds each API key to its limits. Other replicas count for themselves."""

    def __init__(
        self,
        limits: KeyLimits,
        refused: Callable[[str], None] = lambda _limit: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._refused = refused
        self._clock = clock
        self._callers: dict[str, Caller] = {}

    def changed(self, change: Change[ApiKey]) -> None:
        """Forget a key that is gone."""
        if change.new is None:
            self._callers.pop(change.name, None)

    def limits_of(self, key: ApiKey) -> KeyLimits:
        """The limits of a key: those of the settings, but for what its Secret says."""
        return replace(self._limits, **key.limits) if key.limits else self._limits

    @contextmanager
    def request(self, key: ApiKey) -> Iterator[None]:
        """The place of a request until it is answered. Raises LimitError."""
        rate = self.limits_of(key).requests_per_second
        self._take(key, self._caller(key).requests, "requests_per_second", rate, "requests a second")
        limit = self.limits_of(key).concurrent_requests
        with self._place(key, "concurrent_requests", limit, "requests in progress", PLACE_SECONDS):
            yield

    def create(self, key: ApiKey) -> None:
        """Count a valid request for a new task. Raises LimitError."""
        rate = self.limits_of(key).creates_per_second
        self._take(key, self._caller(key).creates, "creates_per_second", rate, "new tasks a second")

    def lookup(self, key: ApiKey) -> None:
        """Count a request for a task that is not in the cache. Raises LimitError."""
        rate = self.limits_of(key).lookups_per_second
        self._take(key, self._caller(key).lookups, "lookups_per_second", rate, "requests a second for unknown tasks")

    @contextmanager
    def waiting(self, key: ApiKey) -> Iterator[None]:
        """The place of a request that waits for a task's end. Raises LimitError."""
        limit = self.limits_of(key).waiting_requests
        with self._place(key, "waiting_requests", limit, "waiting requests", WAIT_SECONDS):
            yield

    @contextmanager
    def event_stream(self, key: ApiKey) -> Iterator[None]:
        """The place of a stream of events until it ends. Raises LimitError."""
        limit = self.limits_of(key).event_streams
        with self._place(key, "event_streams", limit, "open streams of events", WAIT_SECONDS):
            yield

    def _caller(self, key: ApiKey) -> Caller:
        caller = self._callers.get(key.secret)
        if caller is None:
            caller = self._callers[key.secret] = Caller()
        return caller

    def _take(self, key: ApiKey, bucket: TokenBucket, name: str, rate: int, words: str) -> None:
        if seconds := bucket.take(rate, self._clock()):
            self._refused(name)
            raise LimitError(key.organization, f"the limit of {words} is {rate}", seconds)

    @contextmanager
    def _place(self, key: ApiKey, name: str, limit: int, words: str, retry_after: float) -> Iterator[None]:
        places = self._caller(key).places
        if limit and places[name] >= limit:
            self._refused(name)
            raise LimitError(key.organization, f"the limit of {words} is {limit}", retry_after)
        places[name] += 1
        try:
            yield
        finally:
            places[name] -= 1
