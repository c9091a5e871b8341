"""Reads extracted information that is too large for its object from the facade, through a signed link."""

import hashlib
import time
from typing import Final

import aiohttp
from pydantic import JsonValue
from pydantic_core import from_json

from skyvern_crds.rest.artifacts import ArtifactLinks, ArtifactNameError
from skyvern_crds.rest.response import MAX_RESULT_BYTES
from skyvern_crds.status import ResultReference
from skyvern_crds.stored import StoredTask
from skyvern_operator.errors import LostResultError, ResultError

LINK_SECONDS: Final = 300
GONE: Final = (404, 410)


class ResultReader:
    """Reads results from the facade at its address within the cluster."""

    def __init__(self, facade_url: str, link_key: bytes) -> None:
        self._facade_url = facade_url
        self._link_key = link_key

    async def read(self, session: aiohttp.ClientSession, task: StoredTask) -> JsonValue:
        """The whole result, checked against the digest in status; None when it is larger than MAX_RESULT_BYTES.

        As in an answer over REST, whoever gets None has the link to the file. Raises LostResultError when it never
        will be read, so that null does not pass for the result, and ResultError when it may be later.
        """
        reference = task.status.extracted_information_ref
        for fault in task.unreadable:
            if fault.field.startswith("status.extractedInformation"):
                raise LostResultError(f"it cannot be read: {fault}")
        if reference is None:
            return task.status.extracted_information
        if reference.size > MAX_RESULT_BYTES:
            return None
        content = await self._content(session, task, reference)
        if hashlib.sha256(content).hexdigest() != reference.sha256:
            raise LostResultError(f"the file {reference.name} differs from the digest in status")
        try:
            # Not wire.loads: a result is whole or it is none, and mending takes time that others wait for.
            value: JsonValue = from_json(content)
        except ValueError as error:
            raise LostResultError(f"the file {reference.name} is not JSON that can be read: {error}") from error
        return value

    async def _content(self, session: aiohttp.ClientSession, task: StoredTask, reference: ResultReference) -> bytes:
        problem = f"the result {reference.name} cannot be read from the facade"
        links = ArtifactLinks(self._facade_url, self._link_key, int(time.time()), LINK_SECONDS)
        meta = task.metadata
        try:
            url = links.url(meta.namespace, meta.name, meta.uid, reference.name)
            async with session.get(url, allow_redirects=False) as response:
                if response.status in GONE:
                    raise LostResultError(f"the file {reference.name} is missing in the artifact store")
                if response.status != 200:
                    text = (await response.content.read(200)).decode(errors="replace").strip()
                    raise ResultError(f"{problem}: {response.status} {text}")
                return await _limited(response, problem)
        except ArtifactNameError as error:
            raise LostResultError(f"{problem}: {error}") from error
        except TimeoutError as error:
            raise ResultError(f"{problem}: the facade does not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            # The text of an error may hold the link, which would then stand in status and log.
            raise ResultError(f"{problem}: the facade does not answer: {type(error).__name__}") from error


async def _limited(response: aiohttp.ClientResponse, problem: str) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_RESULT_BYTES:
            raise LostResultError(f"{problem}: it is larger than the status says")
    return bytes(content)
