"""The endpoints of one path."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Methods = dict[str, Callable[[Request], Awaitable[Response]]]
"""The endpoint of each method."""


class PathMethods:
    """All endpoints of one path in one application, so that a 405 can list every allowed method."""

    def __init__(self, path: str, methods: Methods) -> None:
        self._path = path
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive, send)
        request.state.route = self._path
        endpoint = self._methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            allowed = ", ".join([*self._methods, *(["HEAD"] if "GET" in self._methods else [])])
            raise HTTPException(405, headers={"Allow": allowed})
        with ExitStack() as held:
            request.state.held = held
            response = await endpoint(request)
            await response(scope, receive, send)
