"""Reading a request's body, as chunks or as JSON, within limits of size, time and depth."""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

from pydantic_core import from_json
from starlette.requests import Request

from skyvern_apiserver.errors import ApiError, Detail, InvalidRequestError
from skyvern_apiserver.wire.error_details import detail

T = TypeVar("T")
MAX_BODY_BYTES: Final = 1024 * 1024
"""Largest JSON body."""
MAX_MARKS: Final = 256 * 1024
"""Most commas and opening brackets of a JSON body: the most that a task of the largest size can have, and a bound on
what it costs to read."""
LONG_BYTES: Final = 16 * 1024
"""A longer body is read in a thread, while other requests are served."""
MAX_DEPTH: Final = 64
"""Deepest nesting of a JSON body."""
BODY_SECONDS: Final = 30.0
"""Time within which a JSON body must arrive."""
_PLACE: Final = re.compile(r"^(.*) at line (\d+) column (\d+)$", re.DOTALL)


async def read_limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body's chunks. Raises ApiError 413 as soon as there are more than ``limit`` bytes."""
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    if size <= limit:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                break
            if chunk:
                yield chunk
    if size > limit:
        text = f"The body is too large: {limit} bytes are the limit"
        raise ApiError(413, text, headers={"Connection": "close"})


async def read_body(request: Request) -> bytes:
    """A body of at most MAX_BODY_BYTES. Raises ApiError 413 and 408."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return b"".join([chunk async for chunk in read_limited(request, MAX_BODY_BYTES)])
    except TimeoutError:
        raise ApiError(408, "The body did not arrive in time", headers={"Connection": "close"}) from None


async def in_turn(work: Callable[[], T], body: bytes) -> T:
    """The result of ``work`` on a body, which does not keep other requests waiting when the body is long."""
    return work() if len(body) <= LONG_BYTES else await asyncio.to_thread(work)


def parse_json(body: bytes) -> Any:
    """The body as a JSON value. Raises InvalidRequestError, and ApiError 413."""
    if not body.strip():
        raise InvalidRequestError([detail("missing", ["body"], "Field required")])
    if len(body) > MAX_MARKS and sum(map(body.count, (b",", b"[", b"{"))) > MAX_MARKS:
        raise ApiError(413, f"The body is too large: {MAX_MARKS} values are the limit")
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError([_syntax_error(body, str(error))]) from None
    if excess := _excess(value):
        raise InvalidRequestError([excess])
    return value


def _syntax_error(body: bytes, text: str) -> Detail:
    """In FastAPI's form, where the place is the offset in the body."""
    if "recursion limit" in text:
        return _too_deep()
    match = _PLACE.match(text)
    if match is None:
        return detail("json_invalid", ["body", 0], "JSON decode error", {}, error=text)
    line, column = int(match[2]), int(match[3])
    start = sum(len(each) + 1 for each in body.split(b"\n")[: line - 1])
    return detail("json_invalid", ["body", start + max(column - 1, 0)], "JSON decode error", {}, error=match[1])


def _too_deep() -> Detail:
    return detail("json_depth", ["body"], f"JSON is nested too deeply: {MAX_DEPTH} levels are the limit")


def _excess(value: Any) -> Detail | None:
    """The error of a value nested too deeply, or with a number that no double can hold (``1e999``)."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
            elif isinstance(each, float) and not math.isfinite(each):
                return detail("finite_number", ["body"], "Input should be a finite number")
        if not below:
            return None
        level = below
    return _too_deep()
