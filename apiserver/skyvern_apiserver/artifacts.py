"""The artifacts gateway: runners upload on the internal port, callers download by signed links on the public one."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from skyvern_apiserver.body import read_limited
from skyvern_apiserver.cache import TaskRecord
from skyvern_apiserver.errors import ApiError, TaskNotFoundError
from skyvern_apiserver.runners import Runner, task_account
from skyvern_apiserver.services import OBJECT_NAME, Services, services_of
from skyvern_crds.ids import task_id_of
from skyvern_crds.rest.artifacts import ARTIFACTS_PATH, ArtifactNameError, LinkError, store_key, verify_link
from skyvern_crds.rest.response import RECORDING

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_RECORDING_BYTES: Final = 256 * 1024 * 1024
UPLOAD_SECONDS: Final = 300.0
"""Longest time that an upload may take."""
CONTENT_TYPES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".webm": "video/webm",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
ACTIVE_CONTENT: Final = frozenset({".html", ".svg", ".xml"})
"""Kinds that a browser would run scripts of: they come from pages that the agent visited."""
SANDBOX: Final = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_UID: Final = re.compile(r"[a-zA-Z0-9-]{1,64}")
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def _key(request: Request) -> str:
    """The store's key for the path. Raises ApiError 404 for anything but a plain artifact name."""
    params = request.path_params
    namespace, task, uid = params["namespace"], params["task"], params["uid"]
    request.state.task_id = task_id_of(task)
    if not (OBJECT_NAME.fullmatch(namespace) and OBJECT_NAME.fullmatch(task) and _UID.fullmatch(uid)):
        raise ApiError(404, "Artifact not found")
    try:
        return store_key(namespace, task, uid, params["file"])
    except ArtifactNameError as error:
        raise ApiError(404, str(error)) from None


async def upload(request: Request) -> Response:
    """Take a file from the runner of the task that the path names."""
    services = services_of(request)
    key = _key(request)
    runner = await services.runners.authenticate(request.headers.get("authorization", ""))
    await _require_own_task(services, runner, request)
    limit = MAX_RECORDING_BYTES if request.path_params["file"] == RECORDING else MAX_FILE_BYTES
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await services.artifacts.put(key, _counted(services, read_limited(request, limit)))
    except TimeoutError:
        raise ApiError(408, "The file did not arrive in time", headers={"Connection": "close"}) from None
    return Response(status_code=201)


async def _counted(services: Services, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        services.metrics.uploaded.inc(len(chunk))
        yield chunk


async def _require_own_task(services: Services, runner: Runner, request: Request) -> None:
    """Raise ApiError 403 unless the runner's pod is that of the task; the picture may be a moment behind.

    A task that is gone is a 404 for pods of its namespace, so that its runner stops trying instead of waiting for 403
    to pass, as it does while the operator has not noted the pod yet.
    """
    params = request.path_params
    account = services.settings.task_service_account
    record: TaskRecord | None = services.tasks.get(params["namespace"], params["task"])
    if record is None or not _owns(runner, record, params["uid"], account):
        try:
            record = await services.find_live(params["namespace"], params["task"])
        except TaskNotFoundError:
            record = None
    at_home = runner.username == task_account(params["namespace"], account)
    if at_home and (record is None or record.uid != params["uid"]):
        raise ApiError(404, f"Task {params['task']} is gone: nothing more is stored for it")
    if record is None or not _owns(runner, record, params["uid"], account):
        raise ApiError(403, f"The token's pod {runner.pod_name!r} is not the pod of task {params['task']}")


def _owns(runner: Runner, record: TaskRecord, uid: str, service_account: str) -> bool:
    return record.uid == uid and runner.may_write(record, service_account)


async def download(request: Request) -> Response:
    """Answer with a file, or a range of it, to the holder of a signed link."""
    services = services_of(request)
    key = _key(request)
    query = request.query_params
    try:
        verify_link(
            services.settings.signing_key,
            f"{ARTIFACTS_PATH}/{quote(key)}",
            query.get("expires", ""),
            query.get("signature", ""),
            time.time(),
        )
    except LinkError as error:
        return PlainTextResponse(str(error), 403)
    found = await services.artifacts.head(key)
    if found is None:
        raise ApiError(404, "Artifact not found")
    headers = _headers(key, found.etag)
    if found.etag is not None and request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    start, end, status = 0, found.size, 200
    if (wanted := request.headers.get("range")) and request.headers.get("if-range", found.etag) == found.etag:
        start, end, status = byte_range(wanted, found.size)
    if status == 416:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(services.artifacts.get(key, start, end), status, headers)


def _headers(key: str, etag: str | None) -> dict[str, str]:
    name = PurePosixPath(key)
    headers = {
        "Content-Type": CONTENT_TYPES.get(name.suffix.lower(), "application/octet-stream"),
        "Content-Disposition": f'inline; filename="{name.name}"',
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=300",
    }
    if name.suffix.lower() in ACTIVE_CONTENT:
        headers["Content-Security-Policy"] = SANDBOX
    return headers | ({"ETag": etag} if etag else {})


def byte_range(header: str, size: int) -> tuple[int, int, int]:
    """Start, end (exclusive) and status for a Range header; several ranges, or another unit, are all of the file."""
    match = _RANGE.fullmatch(header.strip().replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return 0, size, 200
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return 0, size, 200
    return (start, end, 206) if start < end else (0, 0, 416)
