"""Callers' connections: how long one may be silent, and how much it may send before it is served.

uvicorn limits the time between two requests of a connection. It does not limit the time before the first, nor headers,
nor how long an answer may wait for its reader.
"""

import asyncio
import heapq
import json
import time
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PIECE_BYTES: Final = 8 * 1024
"""What is parsed at a time while headers come."""
TOO_LARGE: Final = json.dumps({"detail": "The request's headers are too large"}).encode()
REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(TOO_LARGE), TOO_LARGE)
)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with limits; nobody without a key can hold more than a small part of the process."""

    max_connections: ClassVar[int] = 2000
    """Open connections of a port. One more has those closed that are idle longest."""
    max_head_bytes: ClassVar[int] = 32 * 1024
    """Request line and headers of one request."""
    max_pipelined: ClassVar[int] = 16
    """Requests that wait on a connection for the answer to the one before."""
    head_seconds: ClassVar[float] = 15.0
    """Time within which the headers of a request must arrive, from its first byte; of the first one, from the start."""
    stall_seconds: ClassVar[float] = 60.0
    """How long an answer may wait for a caller that takes nothing."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._used_at = time.monotonic()

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for the connection, and wait for its first request, but not forever."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            idle = [each for each in self.connections if isinstance(each, Connection) and each._idle]
            # Some at a time, since looking for them takes as long as hundreds of requests.
            for each in heapq.nsmallest(max(1, self.max_connections // 50), idle, key=lambda each: each._used_at):
                each.transport.abort()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for clock in (self._deadline, self._stalled):
            if clock is not None:
                clock.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has come; in small pieces while headers come, so that their size is known early."""
        rest = memoryview(data)
        while rest and not self.transport.is_closing():
            counted = self._in_head
            piece, rest = (rest[:PIECE_BYTES], rest[PIECE_BYTES:]) if counted else (rest, rest[:0])
            self._head_bytes += len(piece) if counted else 0
            super().data_received(bytes(piece))
            if self._in_head and self._head_bytes > self.max_head_bytes and not self.transport.is_closing():
                self._refuse_head()
        if self._idle and not self.transport.is_closing():
            self._expect_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._used_at = time.monotonic()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A request is complete but for its body."""
        self._in_head, self._head_bytes = False, 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if len(self.pipeline) >= self.max_pipelined:
            raise ValueError("too many requests on one connection wait for their answers")  # uvicorn answers with 400
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is complete; what follows is the next one's head."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request has been answered."""
        self._used_at = time.monotonic()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The caller does not take the answer as fast as it comes."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller has taken what was sent."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _refuse_head(self) -> None:
        if self._idle:
            self.transport.write(REFUSAL)
        self.transport.close()
