"""Store the final record of a task, which the operator sends before it removes the task."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from skyvern_apiserver.artifacts.file_path import read_task_path
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.services import Services
from skyvern_apiserver.wire.body import read_limited
from skyvern_apiserver.wire.input import Input
from skyvern_crds import wire
from skyvern_crds.rest.archive import (
    MAX_RECORD_BYTES,
    ArchiveSignatureError,
    record_path,
    verify_record,
)


@dataclass(frozen=True, slots=True)
class Record:
    """A record that is to be stored."""

    path: str
    task: tuple[str, str, str]
    """Namespace, name and uid, from the path."""
    headers: Mapping[str, str]
    content: bytes


async def _read_record(request: Request) -> Record:
    task = read_task_path(request)
    content = b"".join([chunk async for chunk in read_limited(request, MAX_RECORD_BYTES)])
    return Record(record_path(*task), task, request.headers, content)


RECORD: Final = Input(_read_record)


async def store_record(services: Services, record: Record) -> Response:
    """Store the record, if the operator of this release has signed the request."""
    try:
        verify_record(services.settings.archive_key, record.path, record.content, record.headers, time.time())
    except ArchiveSignatureError as error:
        raise ApiError(403, str(error)) from None
    await services.archive.store(_task_of(record), record.content)
    return Response(status_code=201)


def _task_of(record: Record) -> TaskRecord:
    try:
        obj = wire.loads(record.content)
        task = record_of(obj) if isinstance(obj, dict) and isinstance(obj.get("metadata"), dict) else None
    except ValueError:
        task = None
    if task is None or (task.namespace, task.name, task.uid) != record.task:
        raise ApiError(422, "The record is not that of the task which the path names")
    return task
