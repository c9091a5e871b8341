"""Stores the final record of a task with the facade, so that nothing is lost when the task is removed."""

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import aiohttp

from skyvern_crds.client import JsonObject
from skyvern_crds.rest.archive import encode_record, record_path, sign_record
from skyvern_operator.errors import ArchiveBusyError, ArchiveError

PAUSE_SECONDS: Final = 15.0
"""After a failure no record is sent for so long: the next would most likely fail too."""
TIMEOUT_SECONDS: Final = 30.0


class Archive:
    """Sends records to the facade's internal port, one request each, and few of them at once: a facade that does not
    answer must not keep the workers from what tasks wait for."""

    def __init__(self, base_url: str, key: bytes, *, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``key`` signs the requests, of which ``at_once`` may run."""
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._clock = clock
        self._free = at_once
        self._down_until = 0.0
        self._problem = ""

    def require_up(self) -> None:
        """Raises ArchiveError while the last failure is recent, and ArchiveBusyError while enough requests run."""
        if self._clock() < self._down_until:
            raise ArchiveError(self._problem)
        if not self._free:
            raise ArchiveBusyError("the final record waits until others are stored")

    async def store(self, obj: JsonObject) -> None:
        """Store the record of a task; storing it twice is harmless. Raises ArchiveError."""
        self.require_up()
        self._free -= 1
        try:
            await self._put(obj)
        finally:
            self._free += 1

    async def _put(self, obj: JsonObject) -> None:
        meta = obj["metadata"]
        path, record = record_path(meta["namespace"], meta["name"], meta["uid"]), encode_record(obj)
        headers = sign_record(self._key, path, record, int(time.time())) | {"Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.put(self._base_url + quote(path), data=record, headers=headers) as response,
            ):
                if response.status != 201:
                    text = (await response.content.read(200)).decode(errors="replace").strip()
                    raise self._failure(f"the facade answered {response.status} {text}")
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise self._failure(f"the facade does not answer: {error or type(error).__name__}") from error

    def _failure(self, problem: str) -> ArchiveError:
        self._problem = f"the final record cannot be stored at {self._base_url}, so the task is kept: {problem}"
        self._down_until = self._clock() + PAUSE_SECONDS
        return ArchiveError(self._problem)
