"""Pages of lists across the cluster and the archive."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyvern_apiserver.archive.index import DAYS_SECONDS, ArchiveIndex
from skyvern_apiserver.archive.records import Archive
from skyvern_apiserver.cache.task_index import TaskIndex
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import InvalidRequestError, UnavailableError
from skyvern_apiserver.storage.artifact_store import ArtifactStore
from skyvern_apiserver.tasks.listing import ListQuery, page_of
from skyvern_crds.client import Change, ChangeType
from tests.apiserver.archive.ended_task import archive, ended_task


class Place:
    """A namespace: its tasks in the cluster, and its archive."""

    def __init__(self) -> None:
        self.index = TaskIndex()
        self.archive = Archive(ArtifactStore.open("memory:///"))

    def put(self, record: TaskRecord, old: TaskRecord | None = None) -> None:
        self._tell(Change(ChangeType.ADDED, "a", record.name, old, record, 1))

    def remove(self, record: TaskRecord) -> None:
        self._tell(Change(ChangeType.DELETED, "a", record.name, record, None, 1))

    def _tell(self, change: Change[TaskRecord]) -> None:
        self.index.changed(change)
        self.archive.index.changed(change)

    async def page(self, **query: Any) -> list[str]:
        return names(await page_of(self.index, self.archive.index, "a", ListQuery(**query)))


def names(items: Iterable[Any]) -> list[str]:
    return [item.name for item in items]


async def test_task_that_leaves_the_cluster_between_two_pages_appears_once() -> None:
    place = Place()
    tasks = [ended_task(f"t{number}", created=f"2026-03-0{number}T10:00:00Z") for number in range(1, 7)]
    for obj in tasks:
        place.put(record_of(obj))
    first = await place.page(page_size=2)
    for obj in (tasks[4], tasks[3], tasks[0]):  # t5 has been shown, t4 and t1 have not
        record = await archive(place.archive, obj)
        place.remove(record)
    assert [*first, *await place.page(page_size=2, page=2), *await place.page(page_size=2, page=3)] == [
        "t6",
        "t5",
        "t4",
        "t3",
        "t2",
        "t1",
    ]
    assert await place.page(page_size=2, page=4) == []


async def test_task_in_the_cluster_and_in_the_archive_counts_once() -> None:
    place = Place()
    for number in range(1, 5):
        place.put(await archive(place.archive, ended_task(f"t{number}", created=f"2026-03-01T10:00:0{number}Z")))
    assert await place.page() == ["t4", "t3", "t2", "t1"]
    assert [await place.page(page_size=1, page=page) for page in range(1, 6)] == [["t4"], ["t3"], ["t2"], ["t1"], []]


async def test_archived_task_whose_name_another_task_has_taken_is_listed() -> None:
    place = Place()
    await archive(place.archive, ended_task("nightly", created="2026-03-01T10:00:00Z", uid="first"))
    await archive(place.archive, ended_task("nightly", created="2026-03-01T11:00:00Z", uid="second"))
    place.put(record_of(ended_task("nightly", created="2026-03-01T12:00:00Z", uid="third")))
    listed = await page_of(place.index, place.archive.index, "a", ListQuery())
    assert [item.uid for item in listed] == ["third", "second", "first"]
    assert (await place.archive.find("a", "nightly")).uid == "second"


async def test_record_that_is_stored_again_after_a_change_is_listed_once() -> None:
    place = Place()
    await archive(place.archive, ended_task("t", modified="2026-03-02T10:00:00Z"))
    await archive(place.archive, ended_task("u", modified="2026-03-03T10:00:00Z"))
    await archive(place.archive, ended_task("t", modified="2026-03-04T10:00:00Z"))
    assert await place.page(sort="modified_at") == ["t", "u"]
    assert (await place.archive.find("a", "t")).modified_at.day == 4


async def test_tenants_do_not_see_the_archive_of_others() -> None:
    place = Place()
    await archive(place.archive, ended_task("t"))
    assert await page_of(place.index, place.archive.index, "b", ListQuery()) == []


PHASES = ["completed", "failed", "timed_out"]
WHERE = ["cluster", "archive", "both"]
TASKS = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(0, 60),
        st.sampled_from(PHASES),
        st.sampled_from([None, "x", "y"]),
        st.sampled_from(WHERE),
    ),
    max_size=12,
)
QUERIES = st.builds(
    ListQuery,
    task_status=st.lists(st.sampled_from(PHASES), max_size=2),
    application=st.sampled_from([None, "x"]),
    sort=st.sampled_from(["created_at", "modified_at"]),
    order=st.sampled_from(["asc", "desc"]),
    page=st.integers(1, 4),
    page_size=st.integers(1, 5),
)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(TASKS, QUERIES)
def test_page_is_what_filtering_and_sorting_everything_gives(
    tasks: list[tuple[int, int, str, str | None, str]], query: ListQuery
) -> None:
    def at(hours: int) -> str:
        return f"2026-03-0{1 + hours // 24}T{hours % 24:02}:00:00Z"

    async def pages() -> tuple[list[str], list[str]]:
        place, records = Place(), []
        for number, (created, later, phase, application, where) in enumerate(tasks):
            times = {"created": at(created), "modified": at(created + later)}
            obj = ended_task(f"t{number:02}", phase=phase, application=application, **times)
            record = record_of(obj) if where == "cluster" else await archive(place.archive, obj)
            records.append(record)
            if where != "archive":
                place.put(record)
        shown = [
            record
            for record in records
            if (not query.task_status or record.phase in query.task_status)
            and query.application in {None, record.application}
        ]
        shown.sort(key=lambda record: (getattr(record, query.sort), record.name), reverse=query.order == "desc")
        cut = query.cut()
        page = await page_of(place.index, place.archive.index, "a", query)
        return names(page), names(shown[cut.start : cut.start + cut.size])

    page, expected = asyncio.run(pages())
    assert page == expected


async def test_days_are_listed_again_only_after_a_task_has_left_the_cluster() -> None:
    place, now = Place(), [0.0]
    index = ArchiveIndex(place.archive._store, clock=lambda: now[0])
    assert index.known_days("a", "created_at") is None
    assert await index.days("a", "created_at") == ()
    record = await archive(place.archive, ended_task("t"))
    assert index.known_days("a", "created_at") == ()
    index.changed(Change(ChangeType.DELETED, "b", "t", record, None, 1))
    assert index.known_days("a", "created_at") == ()
    index.changed(Change(ChangeType.DELETED, "a", "t", record, None, 1))
    assert index.known_days("a", "created_at") is None
    assert [ref.day for ref in await index.days("a", "created_at")] == ["2026-03-01"]
    now[0] = DAYS_SECONDS
    assert index.known_days("a", "created_at") is None


async def test_page_with_more_archived_tasks_than_are_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skyvern_apiserver.archive.pages.MAX_ARCHIVED", 2)
    place = Place()
    for number in range(3):
        await archive(place.archive, ended_task(f"t{number}"))
    assert len(await place.page(page_size=2)) == 2
    with pytest.raises(InvalidRequestError) as refused:
        await place.page(page_size=3)
    assert refused.value.details[0]["loc"] == ["query", "page_size"]


async def test_store_that_fails_is_not_asked_by_every_request(tmp_path: Path) -> None:
    now = [0.0]
    index = ArchiveIndex(ArtifactStore.open(f"file://{tmp_path}/store"), clock=lambda: now[0])
    folder = tmp_path / "store" / "_archive" / "a" / "days"
    folder.mkdir(parents=True)
    (folder / "created_at").symlink_to("created_at")
    with pytest.raises(UnavailableError):
        await index.days("a", "created_at")
    (folder / "created_at").unlink()
    with pytest.raises(UnavailableError):
        await index.days("a", "created_at")
    now[0] = 6.0
    assert await index.days("a", "created_at") == ()
