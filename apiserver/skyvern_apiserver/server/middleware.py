"""One log line, one metric and one id for each request."""

import logging
import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skyvern_apiserver.process.metrics import Metrics

log = logging.getLogger("skyvern_apiserver.request")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that metrics distinguish; all others count as one, because callers choose them."""
MAX_LOGGED_CHARACTERS = 256
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/api/v1/heartbeat"})
"""Paths that probes request every few seconds; logged at DEBUG."""
REQUEST_ID: Final = "x-request-id"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}")
"""Ids of callers that are taken over. Others might forge a line of the log, or fill it."""


class ObservedRequests:
    """Logs method, path, status, duration, task id and request id; never a body, a query or a key."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope["state"] = dict(scope.get("state", {}))
        status = 0
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, observe)
        except Exception:
            status = status or 500
            raise
        finally:
            seconds = time.perf_counter() - began
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.requests.labels(state.get("route", "unknown"), method, status).observe(seconds)
            path = scope["path"][:MAX_LOGGED_CHARACTERS]
            log.log(
                logging.DEBUG if path in QUIET else logging.INFO,
                "request",
                extra={
                    "method": method,
                    "path": path,
                    "status": status,
                    "ms": round(seconds * 1000, 1),
                    "request_id": request_id,
                    "task": state.get("task_id", "")[:MAX_LOGGED_CHARACTERS] or None,
                },
            )
