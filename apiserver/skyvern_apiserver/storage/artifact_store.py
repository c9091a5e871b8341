"""The artifact store: files of tasks in an object store (local disk, S3, GCS, Azure)."""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import ObjectStore, from_url

from skyvern_apiserver.errors import FacadeError, LostResultError, SettingsError, UnavailableError
from skyvern_crds import wire
from skyvern_crds.rest.response import MAX_RESULT_BYTES

PART_BYTES: Final = 5 * 1024 * 1024
"""Size of an upload's parts, the smallest that S3 accepts; two are in memory at a time."""
CHUNK_BYTES: Final = 256 * 1024
LIST_CHUNK: Final = 1000
"""Files of a list that are taken at a time, as many as S3 gives to a request."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the store knows about a file."""

    size: int
    etag: str | None
    """Changes with the content."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file in a list."""

    key: str
    version: str
    """Changes with the content."""


class TooLargeError(FacadeError):
    """The file is larger than its reader takes."""


class ReplacedError(FacadeError):
    """Another file has taken the place of the one that was found."""


class ArtifactStore:
    """Puts and gets files by key. Every method raises UnavailableError when the store fails."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str) -> "ArtifactStore":
        """Open the store at ``url``; credentials come from the environment. Raises SettingsError."""
        parts = urlsplit(url)
        try:
            if parts.scheme in {"file", "memory"}:
                if parts.scheme == "file":
                    Path(unquote(parts.path)).mkdir(parents=True, exist_ok=True)
                return cls(from_url(url))
            # Options of the client that are given here replace all that the environment says of it.
            client: Any = {"timeout": "60s", "connect_timeout": "5s", "allow_http": _may_use_http(os.environ)}
            retry: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
            return cls(from_url(url, client_options=client, retry_config=retry))
        except (BaseError, OSError, ValueError) as error:
            raise SettingsError(f"SKYVERN_ARTIFACTS_URL {url!r} cannot be opened: {error}") from error

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Store the whole file or nothing; exceptions from ``chunks`` propagate."""
        try:
            await obstore.put_async(self._store, key, chunks, chunk_size=PART_BYTES, max_concurrency=2)
        except (BaseError, OSError) as error:
            raise _unavailable("write", key, error) from error

    async def put_bytes(self, key: str, content: bytes) -> None:
        """Store a small file."""
        try:
            await obstore.put_async(self._store, key, content, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _unavailable("write", key, error) from error

    async def delete(self, key: str) -> None:
        """Remove a file; one that does not exist is gone already."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _unavailable("delete", key, error) from error

    async def list(self, prefix: str) -> list[ListedFile]:
        """All files below a prefix, which is a folder, in no particular order."""
        files: list[ListedFile] = []
        try:
            async for chunk in obstore.list(self._store, prefix, chunk_size=LIST_CHUNK):
                files += [ListedFile(each["path"], each["e_tag"] or str(each["last_modified"])) for each in chunk]
        except (BaseError, OSError) as error:
            raise _unavailable("list", prefix, error) from error
        return files

    async def head(self, key: str) -> StoredFile | None:
        """Size and entity tag of a file; None when it does not exist."""
        try:
            meta = await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _unavailable("read", key, error) from error
        return StoredFile(meta["size"], meta["e_tag"])

    async def open_range(self, key: str, found: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes from ``start`` up to ``end``, exclusive, of the file that :meth:`head` has found.

        Raises ReplacedError when another file has taken its place since, so that nobody gets parts of two.
        """
        if start == end:
            return _stream(key, None)
        options: Any = {"range": (start, end), "if_match": found.etag}
        try:
            return _stream(key, await obstore.get_async(self._store, key, options=options))
        except (PreconditionError, FileNotFoundError):
            raise ReplacedError(key) from None
        except (BaseError, OSError) as error:
            raise _unavailable("read", key, error) from error

    async def read(self, key: str, limit: int) -> bytes | None:
        """A whole file; None when it does not exist. Raises TooLargeError beyond ``limit`` bytes."""
        try:
            result = await obstore.get_async(self._store, key)
            size = result.meta["size"]
            if size > limit:
                raise TooLargeError(f"{size} bytes, and {limit} are read")
            return bytes(await result.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _unavailable("read", key, error) from error

    async def read_result(self, key: str) -> Any:
        """The extracted information that a task refers to; None when it is larger than MAX_RESULT_BYTES.

        Raises LostResultError when the file is missing or can never be read, and UnavailableError when it may be later.
        """
        try:
            data = await self.read(key, MAX_RESULT_BYTES)
        except TooLargeError:
            return None
        if data is None:
            raise _lost(key, "its file is missing in the artifact store")
        try:
            result = wire.loads(data)
        except ValueError:
            raise _lost(key, "its file is not JSON") from None
        if wire.is_cut(result):
            raise _lost(key, f"it is nested deeper than {wire.MAX_DEPTH} levels, so read its file")
        return result


async def _stream(key: str, result: Any) -> AsyncIterator[bytes]:
    """The content of an answer of the store; None has none."""
    if result is None:
        return
    try:
        async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(chunk)
    except (BaseError, OSError) as error:
        raise _unavailable("read", key, error) from error


def _may_use_http(environ: Mapping[str, str]) -> bool:
    """Whether one of the stores' usual variables lets a store be reached without TLS."""
    return any(environ.get(f"{store}_ALLOW_HTTP", "").lower() in {"true", "1"} for store in ("AWS", "AZURE", "GOOGLE"))


def _lost(key: str, problem: str) -> LostResultError:
    log.error("result cannot be read", extra={"key": key, "error": problem})
    return LostResultError(f"The extracted information cannot be given: {problem}")


def _unavailable(verb: str, key: str, error: Exception) -> UnavailableError:
    log.error("artifact store failed", extra={"verb": verb, "key": key, "error": str(error)})
    return UnavailableError("The artifact store cannot be reached: try again later")
