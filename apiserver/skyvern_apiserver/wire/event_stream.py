"""Server-sent events: their form on the wire, and the answer that carries them until it has nothing more to say."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from skyvern_apiserver.wire.caller import hung_up, unless_hung_up
from skyvern_crds import wire

MEDIA_TYPE: Final = "text/event-stream"
KEEP_ALIVE: Final = b": keep-alive\n\n"
"""A comment, which shows both ends and every proxy between them that the stream is alive."""
FIRST: Final = b"retry: 3000\n\n"
"""How long a client waits before it connects again."""
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Proxies must not hold events back."""

Write = Callable[[bytes], Awaitable[None]]


def frame(name: str, data: object, event_id: str) -> bytes:
    """One event; its data is JSON, which has no line breaks."""
    return b"event: %s\nid: %s\ndata: %s\n\n" % (name.encode(), event_id.encode(), wire.encode(data))


class EventStream(Response):
    """Sends what ``follow`` writes, until it returns or the caller hangs up; to HEAD the headers alone."""

    def __init__(self, follow: Callable[[Write], Awaitable[None]]) -> None:
        super().__init__(headers=HEADERS, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._follow = follow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            try:
                await unless_hung_up(self._write_all(send), hung_up(Request(scope, receive)))
            except ClientDisconnect:
                return
        await send({"type": "http.response.body", "body": b""})

    async def _write_all(self, send: Send) -> None:
        async def write(content: bytes) -> None:
            await send({"type": "http.response.body", "body": content, "more_body": True})

        await write(FIRST)
        await self._follow(write)
