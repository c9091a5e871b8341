"""Download: send a file to the holder of a signed link."""

import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from skyvern_apiserver.artifacts.byte_range import byte_range
from skyvern_apiserver.artifacts.file_headers import file_headers
from skyvern_apiserver.artifacts.file_path import read_file_path
from skyvern_apiserver.errors import ApiError, UnavailableError
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.artifact_store import ArtifactStore, ReplacedError, StoredFile
from skyvern_apiserver.wire.input import Input
from skyvern_apiserver.wire.versioned import is_known
from skyvern_crds.rest.artifacts import ARTIFACTS_PATH, LinkError, verify_link

TRIES: Final = 3
"""How often in a row a file may be replaced while it is being looked up."""


class LinkQuery(BaseModel):
    """Query of a signed link."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    expires: str
    """Unix time at which the link expires."""
    signature: str
    """Hex HMAC-SHA256 of path and expiry."""


@dataclass(frozen=True, slots=True)
class Download:
    """A request for a file, or a range of it."""

    key: str
    """Key in the object store."""
    expires: str
    signature: str
    range: str | None
    if_range: str | None
    if_none_match: str | None
    head: bool
    """Whether the caller wants only the headers."""


async def _read_download(request: Request) -> Download:
    """Neither parameter is required here, so that people with an incomplete link get an explanation as text."""
    headers = request.headers
    return Download(
        key=read_file_path(request).key,
        expires=request.query_params.get("expires", ""),
        signature=request.query_params.get("signature", ""),
        range=headers.get("range"),
        if_range=headers.get("if-range"),
        if_none_match=headers.get("if-none-match"),
        head=request.method == "HEAD",
    )


DOWNLOAD: Final = Input(_read_download, query=LinkQuery)


async def download_file(services: Services, wanted: Download) -> Response:
    """The file, or a range of it."""
    path = f"{ARTIFACTS_PATH}/{quote(wanted.key)}"
    try:
        verify_link(services.settings.link_key, path, wanted.expires, wanted.signature, time.time())
    except LinkError as error:
        return PlainTextResponse(str(error), 403)
    for _ in range(TRIES):
        found = await services.artifacts.head(wanted.key)
        if found is None:
            raise ApiError(404, "Artifact not found")
        try:
            return await _answer(services.artifacts, wanted, found)
        except ReplacedError:
            continue
    raise UnavailableError("The file is being replaced all the time: try again later")


async def _answer(artifacts: ArtifactStore, wanted: Download, found: StoredFile) -> Response:
    """The file that was found, or a range of it. Raises ReplacedError."""
    headers = file_headers(wanted.key, found.etag)
    if is_known(wanted.if_none_match, found.etag):
        return Response(status_code=304, headers=headers)
    start, end, status = 0, found.size, 200
    if wanted.range and wanted.if_range in {None, found.etag}:
        start, end, status = byte_range(wanted.range, found.size)
    if status == 416:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    headers["Content-Length"] = str(end - start)
    if wanted.head:
        return Response(status_code=status, headers=headers)
    return StreamingResponse(await artifacts.open_range(wanted.key, found, start, end), status, headers)
