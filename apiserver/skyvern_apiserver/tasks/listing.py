"""List the tasks of a namespace."""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from skyvern_apiserver.archive.index import ArchiveIndex, Filter
from skyvern_apiserver.archive.layout import Entry
from skyvern_apiserver.archive.pages import Cut, Item, merged_page
from skyvern_apiserver.archive.records import Archive
from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.cache.answers import Answers, Kind
from skyvern_apiserver.cache.task_index import TaskIndex
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_apiserver.tasks.tags import tag_of_tasks
from skyvern_apiserver.wire.versioned import Versioned
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.response import task_response
from skyvern_crds.vocabulary import Phase

CHUNK_TASKS: Final = 25
CHUNK_BYTES: Final = 256 * 1024
"""What a long list renders and holds before other requests get their turn and the client has taken it."""


_MOST: Final = sys.maxsize // 4


class ListQuery(BaseModel):
    """Query of ``GET /tasks``."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    page: int = Field(1, ge=1)
    """Page number, from 1."""
    page_size: int = Field(10, ge=1)
    """Tasks per page."""
    task_status: list[Phase] = Field(default_factory=list)
    """Only tasks with one of these statuses; may be repeated."""
    application: str | None = None
    """Only tasks with this label."""
    workflow_run_id: str | None = None
    """Accepted; no task belongs to a workflow run, so nothing matches."""
    only_standalone_tasks: bool = False
    """Accepted; every task is standalone."""
    sort: Literal["created_at", "modified_at"] = "created_at"
    """Sort key."""
    order: Literal["asc", "desc"] = "desc"
    """Sort direction."""

    def cut(self) -> Cut:
        """The page in numbers that sequences take."""
        start = min((self.page - 1) * self.page_size, _MOST)
        return Cut(start, min(self.page_size, _MOST), descending=self.order == "desc")


async def list_tasks(services: Services, key: ApiKey, query: ListQuery) -> Versioned:
    """The page of ``query`` from the tasks of the key's namespace."""
    items = await page_of(services.index, services.archive.index, key.namespace, query)
    links = links_now(services.settings)

    async def render() -> bytes | Iterator[bytes]:
        tasks = await _with_records(services.archive, key.namespace, items)
        chunks = in_chunks(render_list(services.answers, tasks, links))
        first, second = next(chunks), next(chunks, None)
        return first if second is None else chain((first, second), chunks)

    return Versioned(tag_of_tasks(items, links), render)


async def _with_records(archive: Archive, namespace: str, items: list[Item]) -> list[TaskRecord]:
    """The tasks of a page; one whose record has been removed from the store is left out."""
    entries = [each for each in items if isinstance(each, Entry)]
    archived = await archive.of_entries(namespace, entries) if entries else {}
    found = (archived.get(each.uid) if isinstance(each, Entry) else each for each in items)
    return [task for task in found if task is not None]


async def page_of(index: TaskIndex, archive: ArchiveIndex, namespace: str, query: ListQuery) -> list[Item]:
    """The tasks of the page of ``query``, in the cluster and in the archive.

    Raises ApiError 400 for filters that exclude each other, and UnavailableError while the archive cannot be read.
    """
    if archive.known_days(namespace, query.sort) == () or query.workflow_run_id is not None:
        return list(select(index, namespace, query))
    snapshot = index.snapshot(namespace, phases=query.task_status, application=query.application, sort=query.sort)
    days = await archive.days(namespace, query.sort)
    wanted = Filter(query.task_status, query.application)
    return await merged_page(archive, days, snapshot, wanted, query.cut())


def select(index: TaskIndex, namespace: str, query: ListQuery) -> list[TaskRecord]:
    """The tasks in the cluster of the page of ``query``. Raises ApiError 400 for filters that exclude each other."""
    if query.workflow_run_id is not None:
        if query.only_standalone_tasks:
            raise ApiError(400, "only_standalone_tasks and workflow_run_id cannot be used together")
        return []
    cut = query.cut()
    return index.page(
        namespace,
        cut.start,
        cut.size,
        phases=query.task_status,
        application=query.application,
        sort=query.sort,
        descending=cut.descending,
    )


def render_list(answers: Answers, tasks: list[TaskRecord], links: ArtifactLinks) -> Iterator[bytes]:
    """The pieces of a JSON array: every task as lists carry it, with no link but that to a large result."""
    for number, task in enumerate(tasks):
        item = answers.get(Kind.ITEM, task, links.expires)
        if item is None:
            made = task_response(task.stored(), links, in_list=True).encode()
            item = answers.put(Kind.ITEM, task, links.expires, made)
        yield (b"," if number else b"[") + item
    yield b"]" if tasks else b"[]"


def in_chunks(items: Iterable[bytes]) -> Iterator[bytes]:
    """The items joined to chunks of CHUNK_TASKS items, or fewer where these have CHUNK_BYTES."""
    chunk: list[bytes] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item)
        if len(chunk) == CHUNK_TASKS or size >= CHUNK_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)
