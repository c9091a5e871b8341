"""Reading the index: which days there are, and what each holds."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from skyvern_apiserver.archive.kept import Kept
from skyvern_apiserver.archive.layout import Entry, application_digest, day_key, days_key, is_day, read_entry
from skyvern_apiserver.cache.task_index import Sort
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import UnavailableError
from skyvern_apiserver.storage.artifact_store import ArtifactStore, ListedFile
from skyvern_crds.client import Change
from skyvern_crds.vocabulary import Phase

DAYS_SECONDS: Final = 60.0
"""How long a list of days is believed while no task is seen to leave the cluster."""
PAUSE_SECONDS: Final = 5.0
"""After a failure the store is not asked for so long: each try may take twenty seconds."""
KEPT_ENTRIES: Final = 60_000
"""Entries of days that are kept, of about 350 bytes."""
KEPT_COUNTS: Final = 100_000
"""Counts of days that are kept: one for each phase and application of a day."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tasks a list shows."""

    phases: Sequence[Phase] = ()
    """All, if empty."""
    application: str | None = None
    """All, if None."""

    def takes(self, phase: Phase, digest: str) -> bool:
        """Whether a task of this phase, and of the application with this digest, is shown."""
        if self.phases and phase not in self.phases:
            return False
        return self.application is None or digest == application_digest(self.application)


@dataclass(frozen=True, slots=True)
class DayRef:
    """A day of one order, as it was when the days were listed."""

    namespace: str
    sort: Sort
    day: str
    version: str


@dataclass(frozen=True, slots=True)
class Day:
    """The entries of a day, ascending."""

    entries: tuple[Entry, ...]
    uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Days:
    days: tuple[DayRef, ...]
    removals: int
    until: float


class ArchiveIndex:
    """Days, and what they hold, remembered while it is true.

    A record is stored before its task leaves the cluster, and the version of its day changes before the record counts
    as stored. So days that are listed after a task was seen to leave show it.
    """

    def __init__(self, store: ArtifactStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._removals: Counter[str] = Counter()
        self._days: dict[tuple[str, Sort], _Days] = {}
        self._locks: defaultdict[tuple[str, Sort], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._entries: Kept[DayRef, Day] = Kept(KEPT_ENTRIES)
        self._counts: Kept[DayRef, Counter[tuple[Phase, str]]] = Kept(KEPT_COUNTS)
        self._down_until = 0.0

    def changed(self, change: Change[TaskRecord]) -> None:
        """Take note of a task that has left the cluster: it may be in the archive now."""
        if change.old is not None and (change.new is None or change.new.uid != change.old.uid):
            self._removals[change.namespace] += 1

    def known_days(self, namespace: str, sort: Sort) -> tuple[DayRef, ...] | None:
        """The days that have entries, ascending; None when the store has to be asked."""
        known = self._days.get((namespace, sort))
        if known is None or known.removals != self._removals[namespace] or self._clock() >= known.until:
            return None
        return known.days

    async def days(self, namespace: str, sort: Sort) -> tuple[DayRef, ...]:
        """As :meth:`known_days`, from the store if need be. Raises UnavailableError."""
        async with self._locks[namespace, sort]:
            known = self.known_days(namespace, sort)
            if known is not None:
                return known
            removals, until = self._removals[namespace], self._clock() + DAYS_SECONDS
            files = await self._list(days_key(namespace, sort))
            names = sorted((file.key.rpartition("/")[2], file.version) for file in files)
            days = tuple(DayRef(namespace, sort, name, version) for name, version in names if is_day(name))
            self._days[namespace, sort] = _Days(days, removals, until)
            return days

    async def count(self, ref: DayRef, wanted: Filter) -> int:
        """How many entries of the day the filter takes. Raises UnavailableError."""
        counts = self._counts.get(ref)
        if counts is None:
            counts = _count((await self.day(ref)).entries)
            self._counts.put(ref, counts, 1 + len(counts))
        if not wanted.phases and wanted.application is None:
            return counts.total()
        return sum(count for (phase, digest), count in counts.items() if wanted.takes(phase, digest))

    async def day(self, ref: DayRef) -> Day:
        """What the day holds. Raises UnavailableError."""
        async with self._locks[ref.namespace, ref.sort]:
            known = self._entries.get(ref)
            if known is not None:
                return known
            files = await self._list(day_key(ref.namespace, ref.sort, ref.day))
            day = await asyncio.to_thread(_read_day, files)
            return self._entries.put(ref, day, 1 + len(day.entries))

    async def _list(self, prefix: str) -> list[ListedFile]:
        if self._clock() < self._down_until:
            raise UnavailableError("The archive of tasks cannot be read for now: try again later")
        try:
            return await self._store.list(prefix)
        except UnavailableError:
            self._down_until = self._clock() + PAUSE_SECONDS
            raise


def _read_day(files: Iterable[ListedFile]) -> Day:
    entries = [entry for file in files if (entry := read_entry(file.key)) is not None]
    return Day(
        tuple(sorted(entries, key=lambda entry: entry.position)),
        frozenset(entry.uid for entry in entries),
    )


def _count(entries: Iterable[Entry]) -> Counter[tuple[Phase, str]]:
    return Counter((entry.phase, entry.application) for entry in entries)
