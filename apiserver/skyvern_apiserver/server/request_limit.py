"""How many requests are in progress at a time."""

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from skyvern_apiserver.errors import UnavailableError
from skyvern_apiserver.server.middleware import QUIET
from skyvern_apiserver.wire.responses import json_response

MAX_REQUESTS: Final = 256
"""Of a port; each may hold a body of a megabyte. Probes and the heartbeat do not count."""


class Place:
    """The place of one request, which may give it up before its answer ends."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave: Callable[[], None] | None = leave

    def give_up(self) -> None:
        """Leave it to another request."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()


class LimitedRequests:
    """Refuses requests beyond the limit at once, in the API's own form, rather than let all of them wait."""

    def __init__(self, app: ASGIApp, most: int = MAX_REQUESTS) -> None:
        self._app = app
        self._most = most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].rstrip("/") in QUIET:
            await self._app(scope, receive, send)
            return
        if self._running >= self._most:
            error = UnavailableError("The service is busy: try again later", 1)
            await json_response({"detail": error.detail}, error.status, error.headers)(scope, receive, send)
            return
        self._running += 1
        place = scope.setdefault("state", {})["place"] = Place(self._leave)
        try:
            await self._app(scope, receive, send)
        finally:
            place.give_up()

    def _leave(self) -> None:
        self._running -= 1
