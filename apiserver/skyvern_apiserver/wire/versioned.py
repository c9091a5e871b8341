"""JSON answers with an entity tag: not made, and not sent, for callers who have them; compressed for those who ask."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

MIN_PACKED_BYTES: Final = 2048
"""A shorter answer fits into two packets as it is."""
LONG_BYTES: Final = 64 * 1024
"""Beyond this an answer is compressed in a thread."""
FAST: Final = 1
"""Compression level."""
_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Versioned:
    """An answer whose bytes follow from what its tag was made of."""

    tag: str
    """Weak entity tag."""
    make: Callable[[], Awaitable[bytes | Iterator[bytes]]]
    """Makes the JSON: whole, or in pieces where it may be long."""


def tag_of(*parts: object) -> str:
    """The tag for an answer that follows from ``parts``; weak, since compressed answers have it too."""
    text = "\n".join(map(str, parts))
    return f'W/"{hashlib.blake2b(text.encode(errors="replace"), digest_size=12).hexdigest()}"'


def is_known(if_none_match: str | None, tag: str | None) -> bool:
    """Whether the header ``If-None-Match`` lists the tag; weak and strong tags of the same text are equal there."""
    if if_none_match is None or tag is None:
        return False
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag.removeprefix("W/") in known or known == ["*"]


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the header ``Accept-Encoding`` asks for gzip."""
    for each in accept_encoding.lower().split(","):
        coding, _, weight = each.replace(" ", "").partition(";q=")
        if coding in {"gzip", "*"}:
            return weight.rstrip("0") not in {"0.", "0", ""} or not weight
    return False


async def versioned_response(request: Request, answer: Versioned) -> Response:
    """The answer, or 304 for a caller who has it."""
    headers = {"ETag": answer.tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if is_known(request.headers.get("if-none-match"), answer.tag):
        return Response(status_code=304, headers=headers)
    pack = accepts_gzip(request.headers.get("accept-encoding", ""))
    content = await answer.make()
    if isinstance(content, bytes):
        if pack and len(content) >= MIN_PACKED_BYTES:
            headers["Content-Encoding"] = "gzip"
            content = await _packed(content)
        return Response(content, headers=headers, media_type="application/json")
    if pack:
        headers["Content-Encoding"] = "gzip"
        content = _packed_pieces(content)
    return StreamingResponse(_taking_turns(content), headers=headers, media_type="application/json")


async def _packed(content: bytes) -> bytes:
    if len(content) < LONG_BYTES:
        return gzip.compress(content, FAST, mtime=0)
    return await asyncio.to_thread(gzip.compress, content, FAST, mtime=0)


def _packed_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(FAST, wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


async def _taking_turns(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)
