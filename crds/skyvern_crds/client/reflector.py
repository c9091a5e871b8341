"""A local cache of many objects, kept current by list and watch.

What it promises: each object's changes arrive in order; no deletion is ever lost, not even when the watch fell too
far behind (410) and everything is listed again; a broken, silent or refused watch is reopened with growing pauses; one
object that cannot be handled is left out and named, and no other object notices; the age of the cache is known at any
time.
"""

import asyncio
import heapq
import itertools
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final, Generic, TypeVar

from skyvern_crds.backoff import full_jitter
from skyvern_crds.client.changes import Change, ChangeType, Entry, Stream
from skyvern_crds.client.cluster import ClusterClient
from skyvern_crds.client.errors import ClusterError, Gone, Unavailable
from skyvern_crds.client.resources import JsonObject, Resource, WatchEvent

T = TypeVar("T")

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
FAILURES_BEFORE_RELIST: Final = 3
"""A version that the server cannot serve need not be answered with 410: after so many failures, list again."""
MAX_REASON: Final = 300
"""Characters kept of why an object is left out."""
WATCH_MARGIN_SECONDS: Final = 30.0
"""How much longer than it was asked to last a watch may take to end."""
QUICK_END_SECONDS: Final = 1.0
"""A watch that ends cleanly within this time without an event counts as failed; otherwise it would be a hot loop."""

logger = logging.getLogger(__name__)


class Reflector(Generic[T]):
    """Keeps ``transform(object)`` of every object that a label selector selects, and reports each change.

    ``namespaces`` is None for all of them, else each gets its own list and watch. ``transform`` makes the record that
    is kept, so it decides the memory. ``on_change`` is called for each change, in order, after the cache has changed;
    it must not block. What either raises is logged and concerns that object alone: one that ``transform`` refuses is
    left out of the cache and stands in :attr:`left_out`.
    """

    def __init__(  # noqa: PLR0917 - the first six are what every reflector has
        self,
        client: ClusterClient,
        ref: Resource,
        namespaces: Sequence[str] | None,
        label_selector: str,
        transform: Callable[[JsonObject], T],
        on_change: Callable[[Change[T]], None] | None = None,
        *,
        page_size: int = 500,
        watch_seconds: int = 270,
        watch_margin: float = WATCH_MARGIN_SECONDS,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        self._client = client
        self._ref = ref
        self._label_selector = label_selector
        self._transform = transform
        self._on_change = on_change or (lambda _change: None)
        self._page_size = page_size
        self._watch_seconds = watch_seconds
        self._watch_margin = watch_margin
        self._longest_pause = longest_pause
        scopes: Sequence[str | None] = [None] if namespaces is None else list(dict.fromkeys(namespaces))
        self.streams: Mapping[str | None, Stream[T]] = {scope: Stream(scope) for scope in scopes}
        """What is known of each namespace's list and watch; of None where all namespaces are followed."""
        self._order = itertools.count()
        self.synced = asyncio.Event()
        """Set once every namespace has been listed; never cleared."""
        self.restarts: Counter[str] = Counter()
        """How often lists and watches failed, by the reason of the error; ``Expired`` counts the lists after a 410."""
        self.restored = asyncio.Event()
        """Set when a list is older than what had been seen: somebody has restored an older state of the cluster."""
        self.left_out: dict[tuple[str, str], str] = {}
        """Objects that exist and that ``transform`` refuses, by namespace and name, each with the reason."""
        if not self.streams:
            self.synced.set()

    # The cache -------------------------------------------------------------------------------------------------

    def get(self, namespace: str, name: str) -> T | None:
        """The record of an object, None when there is none."""
        stream = self.stream(namespace)
        entry = stream.entries.get((namespace, name)) if stream else None
        return entry.value if entry else None

    def values(self) -> Iterator[T]:
        """All records. Take a list before awaiting anything in between."""
        return (entry.value for stream in self.streams.values() for entry in stream.entries.values())

    def __len__(self) -> int:
        return sum(len(stream.entries) for stream in self.streams.values())

    @property
    def age(self) -> float:
        """Seconds since the server was last heard of, on the stream that is silent longest; inf before the first list.

        Below 70 or so when all is well, since a bookmark comes about every minute.
        """
        return max((stream.age for stream in self.streams.values()), default=0.0)

    async def wait_for(self, namespace: str, name: str, resource_version: str | int, timeout: float) -> bool:
        """Wait until the cache holds the write that made ``resource_version``; False when the time is up.

        Resource versions of one kind are comparable as integers (guaranteed since Kubernetes 1.35), and a watch
        delivers in their order, so the stream's position tells; a later deletion of the object is seen too.
        """
        wanted = int(resource_version)
        stream = self.stream(namespace)
        if stream is None:
            return False
        entry = stream.entries.get((namespace, name))
        if (stream.position is not None and stream.position >= wanted) or (entry and entry.resource_version >= wanted):
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (wanted, next(self._order), future)
        heapq.heappush(stream.waiters, waiter)
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            if waiter in stream.waiters:
                stream.waiters.remove(waiter)
                heapq.heapify(stream.waiters)
            return False
        return True

    def stream(self, namespace: str) -> Stream[T] | None:
        """The list and watch that covers a namespace; None when nobody follows it."""
        return self.streams.get(None) or self.streams.get(namespace)

    # The loop ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """List and watch until canceled."""
        async with asyncio.TaskGroup() as group:
            for stream in self.streams.values():
                group.create_task(self._follow(stream), name=f"reflector {self._ref} {stream.namespace or '*'}")

    async def _follow(self, stream: Stream[T]) -> None:
        listed = False
        while True:
            try:
                if not listed:
                    await self._list(stream)
                    listed = True
                await self._watch(stream)
                stream.ended_well()
            except Gone as error:
                # Listing at once is right, unless listing is what fails or the server says so again and again.
                listed = False
                await self._pause(stream, error, at_once=stream.failures == 0)
            except ClusterError as error:
                if stream.failures + 1 >= FAILURES_BEFORE_RELIST:
                    listed = False
                await self._pause(stream, error)

    async def _pause(self, stream: Stream[T], error: ClusterError, *, at_once: bool = False) -> None:
        stream.failed(error)
        self.restarts[error.reason] += 1
        jittered = full_jitter(stream.failures, first=FIRST_PAUSE_SECONDS, longest=self._longest_pause)
        pause = 0.0 if at_once else max(jittered, error.retry_after or 0.0)
        where = f"{self._ref} of {stream.namespace or 'all namespaces'}"
        logger.warning("%s: %s; trying again in %.1f s (failure %d)", where, error, pause, stream.failures)
        await asyncio.sleep(pause)

    async def _list(self, stream: Stream[T]) -> None:
        """Take the server's list as the truth: what it does not show has been deleted."""
        seen: set[tuple[str, str]] = set()
        version = 0
        pages = self._client.list_pages(
            self._ref, stream.namespace, label_selector=self._label_selector, limit=self._page_size
        )
        async with aclosing(pages):
            async for page in pages:
                version, stream.heard_at = int(page.resource_version), time.monotonic()
                for obj in page.items:
                    seen.add(key := _key_of(obj))
                    known = stream.entries.get(key)
                    if known is None or known.resource_version != _version_of(obj):
                        self._put(stream, key, obj)
        for key in [key for key in stream.entries if key not in seen]:
            self._remove(stream, key, version)
        for key in [key for key in self.left_out if key not in seen and self.stream(key[0]) is stream]:
            del self.left_out[key]
        if version < (stream.position or 0):
            self.restored.set()
            logger.warning("%s: the server's state went back from %s to %d", self._ref, stream.position, version)
        stream.advance(version)
        stream.listed.set()
        if not self.synced.is_set() and all(each.listed.is_set() for each in self.streams.values()):
            self.synced.set()

    async def _watch(self, stream: Stream[T]) -> None:
        began, heard = time.monotonic(), False
        seconds = round(self._watch_seconds * random.uniform(0.8, 1.0))  # noqa: S311 - spreads the load
        events = self._client.watch(
            self._ref,
            stream.namespace,
            resource_version=str(stream.position),
            label_selector=self._label_selector,
            timeout_seconds=seconds,
        )
        try:
            async with asyncio.timeout(seconds + self._watch_margin), aclosing(events):
                async for event in events:
                    heard = True
                    stream.failures = 0
                    self._take(stream, event)
        except TimeoutError:
            raise Unavailable(0, "Timeout", f"the watch did not end after its {seconds} s") from None
        if not heard and time.monotonic() - began < QUICK_END_SECONDS:
            raise Unavailable(0, "QuickEnd", "the watch ended at once and brought nothing")

    def _take(self, stream: Stream[T], event: WatchEvent) -> None:
        version = int(event.resource_version)
        if event.type != "BOOKMARK":
            key = _key_of(event.object)
            known = stream.entries.get(key)
            if known is None or known.resource_version < version:  # else it repeats what is known
                if event.type != "DELETED":
                    self._put(stream, key, event.object)
                else:
                    self.left_out.pop(key, None)
                    if known is not None:
                        self._remove(stream, key, version, last=self._last_state(known, event.object))
        stream.advance(max(version, stream.position or 0))

    def _put(self, stream: Stream[T], key: tuple[str, str], obj: JsonObject) -> None:
        version, uid = _version_of(obj), _uid_of(obj)
        known = stream.entries.get(key)
        if known is not None and known.uid != uid:  # deleted and created again unseen: two changes, not one
            self._remove(stream, key, version)
            known = None
        try:
            value = self._transform(obj)
        except Exception as error:  # noqa: BLE001 - one object must not take the others' watch down
            reason = _reason_of(error)
            if self.left_out.get(key) != reason:
                logger.warning("%s %s/%s is left out: it cannot be read: %s", self._ref, *key, reason)
            self.left_out[key] = reason
            if known is not None:
                self._remove(stream, key, version)
            return
        self.left_out.pop(key, None)
        stream.entries[key] = Entry(uid, version, value)
        kind = ChangeType.ADDED if known is None else ChangeType.MODIFIED
        self._report(Change(kind, *key, known.value if known else None, value, version))

    def _remove(self, stream: Stream[T], key: tuple[str, str], version: int, last: T | None = None) -> None:
        old = stream.entries.pop(key).value
        self._report(Change(ChangeType.DELETED, *key, old, None, version, last))

    def _last_state(self, known: Entry[T], obj: JsonObject) -> T | None:
        if known.uid != _uid_of(obj):
            return None
        try:
            return self._transform(obj)
        except Exception:  # noqa: BLE001 - the deletion counts even if its object cannot be read
            return None

    def _report(self, change: Change[T]) -> None:
        try:
            self._on_change(change)
        except Exception:
            logger.exception("%s %s/%s: the change was not handled", self._ref, change.namespace, change.name)


def _reason_of(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:MAX_REASON]
    except Exception:  # noqa: BLE001 - an error that cannot say what it is
        return type(error).__name__


def _key_of(obj: JsonObject) -> tuple[str, str]:
    meta = obj["metadata"]
    return str(meta.get("namespace", "")), str(meta["name"])


def _uid_of(obj: JsonObject) -> str:
    return str(obj["metadata"].get("uid"))


def _version_of(obj: JsonObject) -> int:
    """Resource version; 0 for one that is not a number, which no API server sends."""
    version = str(obj["metadata"].get("resourceVersion"))
    return int(version) if version.isascii() and version.isdecimal() else 0
