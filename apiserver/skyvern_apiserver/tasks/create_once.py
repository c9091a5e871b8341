"""Create an object once, even if an answer of the API server is lost on its way."""

import asyncio
import logging
from typing import Final

from skyvern_crds.client import SKYVERNTASKS, AlreadyExists, ClusterClient, JsonObject, NotFound, Unavailable

PAUSES: Final = (0.1, 0.5, 1.0)
"""Seconds between the tries."""
LONGEST_SECONDS: Final = 40.0
"""Time for all tries, of which one alone may take thirty seconds."""

log = logging.getLogger(__name__)


async def create_or_find(client: ClusterClient, obj: JsonObject) -> JsonObject:
    """The SkyvernTask of this name: created now, or by whoever was first.

    When no answer comes, the object may or may not have been made, and a request that is still on its way may make it
    later. So the same name is sent again: the API server lets one of the two in, and says so. Raises Unavailable when
    it stays unknown, and NotFound without a namespace.
    """
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            for pause in PAUSES:
                try:
                    return await _create_or_find(client, obj)
                except Unavailable as error:
                    log.warning("no answer to a create", extra={"task": obj["metadata"]["name"], "error": str(error)})
                    await asyncio.sleep(pause)
            return await _create_or_find(client, obj)
    except TimeoutError as error:
        raise Unavailable(0, "Timeout", f"no answer in {LONGEST_SECONDS:.0f} s") from error


async def _create_or_find(client: ClusterClient, obj: JsonObject) -> JsonObject:
    namespace, name = obj["metadata"]["namespace"], obj["metadata"]["name"]
    try:
        return await client.create(SKYVERNTASKS, namespace, obj)
    except AlreadyExists:
        pass
    try:
        return await client.get(SKYVERNTASKS, namespace, name)
    except NotFound:
        raise Unavailable(0, "Deleted", f"task {name} was deleted while it was being looked up") from None
