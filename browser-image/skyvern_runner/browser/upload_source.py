"""Files to upload into pages: from allowed folders, or fetched from a web address."""

import mimetypes
import re
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import urllib3

from skyvern_crds.urls import SCHEMES, is_http_url
from skyvern_runner.errors import FileSourceError, HostRefusedError
from skyvern_runner.network.gate import Gate

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_REDIRECTS: Final = 5
FETCH_SECONDS: Final = 30.0
"""Time for the whole of a file."""
READ_SECONDS: Final = 10.0
"""Longest silence of a server."""
PIECE_BYTES: Final = 2 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_FILE_NAME: Final = re.compile(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)\"?", re.IGNORECASE)


@dataclass(frozen=True)
class SourceFile:
    """A file to upload."""

    name: str
    content_type: str
    data: bytes = field(repr=False)

    def pieces(self, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """The bytes in pieces that are small enough for one message to the browser."""
        return (self.data[at : at + size] for at in range(0, len(self.data), size))


@dataclass(frozen=True)
class UploadSources:
    """Where files to upload may come from."""

    folders: tuple[Path, ...] = ()
    """The only folders for local files, since the model chooses the path."""
    max_bytes: int = MAX_BYTES


def load_file(source: str, sources: UploadSources, gate: Gate) -> SourceFile:
    """The file that ``source`` (a path or an http(s) address) names. Raises FileSourceError."""
    try:
        if urllib.parse.urlsplit(source).scheme in SCHEMES:
            return _fetch(source, sources, gate)
        return _read(source, sources)
    except ValueError as error:  # an unclosed bracket, a null character
        raise FileSourceError(f"the file {source!r} cannot be found: {error}") from error


def _read(source: str, sources: UploadSources) -> SourceFile:
    path = _find(Path(source.removeprefix("file://")).expanduser(), sources)
    if not any(path.is_relative_to(folder.resolve()) for folder in sources.folders):
        raise FileSourceError(f"the file {source} may not be read: give an http or https address instead")
    try:
        size = path.stat().st_size
        if size > sources.max_bytes:
            raise _too_large(source, sources)
        data = path.read_bytes()
    except OSError as error:
        raise FileSourceError(f"the file {source} cannot be read: {error.strerror}") from error
    return SourceFile(path.name, _type_of(path.name), data)


def _find(path: Path, sources: UploadSources) -> Path:
    """A relative name is that of a file in one of the folders: the payload's own."""
    if not path.is_absolute():
        for folder in sources.folders:
            if (folder / path).is_file():
                return (folder / path).resolve()
    return path.resolve()


def _fetch(source: str, sources: UploadSources, gate: Gate) -> SourceFile:
    url, deadline = source, time.monotonic() + FETCH_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        try:
            with _connected(url, gate) as pool:
                answer = pool.request(
                    "GET", _target(url), headers={"Host": _host(url)}, preload_content=False, redirect=False
                )
                location = answer.headers.get("location")
                if answer.status in {301, 302, 303, 307, 308} and location:
                    url = urllib.parse.urljoin(url, location)
                    continue
                if answer.status != 200:
                    raise FileSourceError(f"the file {source} is unavailable: HTTP status {answer.status}")
                data = _body(answer, source, sources, deadline)
                name = _name(url, answer.headers.get("content-disposition", ""))
                content_type = answer.headers.get("content-type", "").split(";")[0].strip()
                return SourceFile(name, content_type or _type_of(name), data)
        except HostRefusedError as error:
            raise FileSourceError(f"the file {source} was refused: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise FileSourceError(f"the file {source} cannot be fetched: {error}") from error
    raise FileSourceError(f"the file {source} cannot be fetched: more than {MAX_REDIRECTS} redirects")


def _connected(url: str, gate: Gate) -> urllib3.HTTPConnectionPool:
    """Connections to the address that was judged, which the name may have left meanwhile."""
    if not is_http_url(url):
        raise ValueError(f"it leads to {url!r}, which is not an http or https address")
    parts = urllib.parse.urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    timeout = urllib3.Timeout(connect=10.0, read=READ_SECONDS)
    address = str(gate.addresses(host, port)[0])
    if not secure:
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout, retries=False)
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, retries=False, server_hostname=host, assert_hostname=host
    )


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]


def _target(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _body(answer: urllib3.BaseHTTPResponse, source: str, sources: UploadSources, deadline: float) -> bytes:
    data = bytearray()
    for piece in answer.stream(_CHUNK):
        data += piece
        if len(data) > sources.max_bytes:
            raise _too_large(source, sources)
        if time.monotonic() > deadline:
            raise FileSourceError(f"the file {source} cannot be fetched within {FETCH_SECONDS:g} s")
    return bytes(data)


def _too_large(source: str, sources: UploadSources) -> FileSourceError:
    return FileSourceError(f"the file {source} is larger than {sources.max_bytes // 2**20} MiB")


def _name(url: str, disposition: str) -> str:
    match = _FILE_NAME.search(disposition)
    name = urllib.parse.unquote(match[1]) if match else urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    return name.replace("\\", "/").rsplit("/", 1)[-1].strip() or "file"


def _type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
