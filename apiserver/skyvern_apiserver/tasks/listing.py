"""List the tasks of a namespace."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain, islice
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.cache.task_index import by_modification
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.response import task_response
from skyvern_crds.vocabulary import Phase

CHUNK_TASKS: Final = 50
CHUNK_BYTES: Final = 256 * 1024
"""What a long list renders and holds before other requests get their turn and the client has taken it."""


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


async def list_tasks(services: Services, key: ApiKey, query: ListQuery) -> Response:
    """The page of ``query`` from the tasks of the key's namespace."""
    tasks = select(services.index.newest_first(key.namespace), query)
    chunks = in_chunks(render_list(tasks, links_now(services.settings)))
    first, second = next(chunks), next(chunks, None)
    if second is None:
        return Response(first, media_type="application/json")
    return StreamingResponse(_taking_turns(chain((first, second), chunks)), media_type="application/json")


def select(newest_first: Iterable[TaskRecord], query: ListQuery) -> list[TaskRecord]:
    """The tasks of the page of ``query``."""
    if query.workflow_run_id is not None:
        return []
    matching: Iterable[TaskRecord] = (
        record
        for record in newest_first
        if (not query.task_status or record.phase in query.task_status)
        and (query.application is None or record.application == query.application)
    )
    if query.sort == "modified_at":
        matching = by_modification(matching, descending=query.order == "desc")
    elif query.order == "asc":
        matching = reversed(list(matching))
    start = (query.page - 1) * query.page_size
    end = min(start + query.page_size, sys.maxsize)
    return [record for number, record in enumerate(islice(matching, end)) if number >= start]


def render_list(tasks: list[TaskRecord], links: ArtifactLinks) -> Iterator[bytes]:
    """The pieces of a JSON array: every task as lists carry it, with no link but that to a large result."""
    for number, task in enumerate(tasks):
        yield (b"," if number else b"[") + task_response(task.stored(), links, in_list=True).encode()
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


async def _taking_turns(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)
