"""Upload: store a file that a runner sends to the internal port."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from skyvern_apiserver.artifacts.file_path import FilePath, read_file_path
from skyvern_apiserver.auth.runners import Runner, task_account
from skyvern_apiserver.cache.task_lookup import find_live_task
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError, TaskNotFoundError
from skyvern_apiserver.services import Services
from skyvern_apiserver.wire.body import read_limited
from skyvern_apiserver.wire.input import Input
from skyvern_crds.rest.response import RECORDING

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_RECORDING_BYTES: Final = 256 * 1024 * 1024
UPLOAD_SECONDS: Final = 300.0
"""Time limit of an upload."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in progress."""

    path: FilePath
    authorization: str
    """Value of the header."""
    chunks: AsyncIterator[bytes]
    """The content; raises ApiError 413 at the limit."""


async def _read_upload(request: Request) -> Upload:
    path = read_file_path(request)
    limit = MAX_RECORDING_BYTES if path.file == RECORDING else MAX_FILE_BYTES
    return Upload(path, request.headers.get("authorization", ""), read_limited(request, limit))


UPLOAD: Final = Input(_read_upload)


async def upload_file(services: Services, upload: Upload) -> Response:
    """Store a file of a task, if the caller is the task's current pod."""
    runner = await services.runners.authenticate(upload.authorization)
    await _require_own_task(services, runner, upload.path)
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await services.artifacts.put(upload.path.key, _counted(services, upload.chunks))
    except TimeoutError:
        raise ApiError(408, "The file did not arrive in time", headers={"Connection": "close"}) from None
    return Response(status_code=201)


async def _counted(services: Services, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        services.metrics.uploaded.inc(len(chunk))
        yield chunk


async def _require_own_task(services: Services, runner: Runner, path: FilePath) -> None:
    """Raise ApiError 403 unless the runner's pod is the task's current pod.

    The cache may lag, so a refusal takes a live look first. A task that is gone is a 404 for pods of its namespace:
    its runner gives up then, while it retries after a 403 because the operator may not have recorded the pod yet.
    """
    account = task_account(path.namespace, services.settings.task_service_account)
    task: TaskRecord | None = services.tasks.get(path.namespace, path.task)
    if task is None or not _owns(runner, task, path.uid, account):
        try:
            task = await find_live_task(services.client, path.namespace, path.task)
        except TaskNotFoundError:
            task = None
    if runner.username == account and (task is None or task.uid != path.uid):
        raise ApiError(404, f"Task {path.task} is gone: nothing more is stored for it")
    if task is None or not _owns(runner, task, path.uid, account):
        raise ApiError(403, f"The token's pod {runner.pod_name!r} is not the pod of task {path.task}")


def _owns(runner: Runner, task: TaskRecord, uid: str, account: str) -> bool:
    """Whether the runner is the pod of the current attempt of the task with this uid."""
    return (
        task.uid == uid
        and runner.username == account
        and bool(runner.pod_uid)
        and (runner.pod_name, runner.pod_uid) == (task.pod_name, task.pod_uid)
    )
