"""Reading answers, and watches: lines of JSON in a stream of bytes that may be cut anywhere."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final, cast

from skyvern_crds import wire
from skyvern_crds.client.errors import Unavailable, error_from_status
from skyvern_crds.client.resources import JsonObject, WatchEvent

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""A guard against a stream that is not a watch. etcd keeps objects of at most 1.5 MiB; escaped, that can be 9 MiB."""


async def heard(chunks: AsyncIterator[bytes], silence: float) -> AsyncIterator[bytes]:
    """The chunks. Raises TimeoutError when none comes for so many seconds, Unavailable when the connection is closed.

    aiohttp gives its own limit up with the connection, and then nothing ends a read that has begun before.
    """
    while True:
        try:
            async with asyncio.timeout(silence):
                chunk = await anext(chunks, None)
        except RuntimeError as error:  # aiohttp's answer to a read that begins after
            raise Unavailable(0, "Closed", f"the watch cannot be read any more: {error}") from error
        if chunk is None:
            return
        yield chunk


async def lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Lines without their newline. Raises Unavailable when the stream ends in the middle of one."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        head, *rest = chunk.split(b"\n")
        parts.append(head)
        size += len(head)
        for following in rest:
            line = b"".join(parts)
            if line.strip():
                yield line
            parts, size = [following], len(following)
        if size > MAX_LINE_BYTES:
            raise Unavailable(0, "BadStream", f"a line of the watch is longer than {MAX_LINE_BYTES} bytes")
    if size:
        raise Unavailable(0, "TornStream", f"the watch ended in the middle of a line, after {size} bytes of it")


def parse_answer(data: bytes, call: str) -> JsonObject:
    """The answer to a call. Raises Unavailable if it is not JSON."""
    try:
        return cast(JsonObject, wire.loads(data))
    except ValueError as error:
        raise Unavailable(200, "BadAnswer", f"{call}: the answer is not JSON: {data[:80]!r}") from error


def parse_event(line: bytes) -> WatchEvent:
    """One event. Raises the ClusterError that an ERROR event carries; Unavailable if the line is not an event."""
    try:
        event: Any = wire.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(0, "BadStream", f"the watch sent a line that is not an event: {line[:80]!r}") from error
    if not isinstance(obj, dict):
        raise Unavailable(0, "BadStream", f"the watch sent an event without an object: {line[:80]!r}")
    if kind == "ERROR":
        raise error_from_status(obj)
    version = (obj.get("metadata") or {}).get("resourceVersion")
    if kind not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"} or not version:
        raise Unavailable(0, "BadStream", f"the watch sent an event of unknown type or version: {line[:80]!r}")
    return WatchEvent(kind, obj)
