"""One log line and one metric for each request."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skyvern_apiserver.process.metrics import Metrics

log = logging.getLogger("skyvern_apiserver.request")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that metrics distinguish; all others count as one, because callers choose them."""
MAX_LOGGED_CHARACTERS = 256
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/api/v1/heartbeat"})
"""Paths that probes request every few seconds; logged at DEBUG."""


class ObservedRequests:
    """Logs method, path, status, duration and task id; never a body, a query or a key."""

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

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
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
                    "task": state.get("task_id", "")[:MAX_LOGGED_CHARACTERS] or None,
                },
            )
