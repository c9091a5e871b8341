"""The caller at the other end of the connection."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


async def hung_up(request: Request) -> None:
    """Return when the caller has closed the connection. The request's body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def unless_hung_up(work: Coroutine[Any, Any, T], hanging_up: Coroutine[Any, Any, None]) -> T:
    """The result of ``work``, which is canceled when the caller hangs up. Raises ClientDisconnect then."""
    doing, gone = asyncio.ensure_future(work), asyncio.ensure_future(hanging_up)
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        doing.cancel()
        gone.cancel()
        await asyncio.gather(doing, gone, return_exceptions=True)
