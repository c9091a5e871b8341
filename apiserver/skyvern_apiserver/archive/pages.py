"""Pages of lists across the cluster and the archive, in one order.

A task keeps its place when it moves from the one to the other, so it appears once, whatever page it moves between.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from skyvern_apiserver.archive.index import ArchiveIndex, DayRef, Filter
from skyvern_apiserver.archive.layout import Entry, bounds_of
from skyvern_apiserver.cache.task_index import Position, Snapshot
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import InvalidRequestError
from skyvern_apiserver.wire.error_details import detail

MAX_ARCHIVED: Final = 10_000
"""Archived tasks in a page: each has to be read from the store."""

Item = TaskRecord | Entry
"""A task in the cluster, or one in the archive."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A page: at most ``size`` tasks after the first ``start``."""

    start: int
    size: int
    descending: bool


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the list: tasks in the cluster, and those in the archive from the same day."""

    ref: DayRef | None
    live: Sequence[Position]


async def merged_page(
    index: ArchiveIndex,
    days: Sequence[DayRef],
    snapshot: Snapshot,
    wanted: Filter,
    cut: Cut,
) -> list[Item]:
    """The tasks of a page. The days must have been listed after the snapshot was taken.

    Raises UnavailableError, and InvalidRequestError for more than MAX_ARCHIVED archived tasks.
    """
    page: list[Item] = []
    archived, start = 0, cut.start
    segments = list(_segments(days, snapshot.positions))
    for segment in reversed(segments) if cut.descending else segments:
        count = await _count(index, segment, snapshot, wanted)
        if start >= count:
            start -= count
            continue
        items = await _items(index, segment, snapshot, wanted)
        ordered = items[::-1] if cut.descending else items
        taken = ordered[start : start + cut.size - len(page)]
        start = 0
        page += taken
        archived += sum(isinstance(each, Entry) for each in taken) if segment.ref else 0
        if archived > MAX_ARCHIVED:
            text = f"The page has more than {MAX_ARCHIVED} archived tasks: ask for smaller pages"
            raise InvalidRequestError([detail("too_long", ("query", "page_size"), text, cut.size)])
        if len(page) >= cut.size:
            break
    return page


def _segments(days: Sequence[DayRef], positions: Sequence[Position]) -> Iterator[_Segment]:
    """The whole list in ascending stretches."""
    done = 0
    for ref in days:
        first, beyond = bounds_of(ref.day)
        low = bisect_left(positions, (first, ""), done)
        high = bisect_left(positions, (beyond, ""), low)
        yield _Segment(None, positions[done:low])
        yield _Segment(ref, positions[low:high])
        done = high
    yield _Segment(None, positions[done:])


async def _count(index: ArchiveIndex, segment: _Segment, snapshot: Snapshot, wanted: Filter) -> int:
    if segment.ref is None:
        return len(segment.live)
    archived = await index.count(segment.ref, wanted)
    ended = [record for _, name in segment.live if (record := snapshot.records[name]).phase.terminal]
    if ended and archived:
        uids = (await index.day(segment.ref)).uids
        archived -= sum(record.uid in uids for record in ended)
    return len(segment.live) + archived


async def _items(index: ArchiveIndex, segment: _Segment, snapshot: Snapshot, wanted: Filter) -> list[Item]:
    """The tasks of a stretch, ascending. One that is still in the cluster, and in the archive already, counts there."""
    live: list[Item] = [snapshot.records[name] for _, name in segment.live]
    if segment.ref is None:
        return live
    archived: list[Item] = [
        entry
        for entry in (await index.day(segment.ref)).entries
        if wanted.takes(entry.phase, entry.application) and not _is_in(snapshot, entry)
    ]
    if not live:
        return archived
    places = dict(zip(map(id, live), segment.live, strict=True))
    return sorted([*live, *archived], key=lambda item: item.position if isinstance(item, Entry) else places[id(item)])


def _is_in(snapshot: Snapshot, entry: Entry) -> bool:
    record = snapshot.records.get(entry.name)
    return record is not None and record.uid == entry.uid
