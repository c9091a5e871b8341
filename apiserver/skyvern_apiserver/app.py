"""The two applications: the public API, and the internal one for runners, probes and metrics."""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from skyvern_apiserver import artifacts
from skyvern_apiserver.docs import docs_page
from skyvern_apiserver.errors import EXCEPTION_HANDLERS
from skyvern_apiserver.middleware import ObservedRequests
from skyvern_apiserver.openapi import document
from skyvern_apiserver.operations import OPERATIONS, Endpoint
from skyvern_apiserver.services import Services, services_of
from skyvern_crds.rest.artifacts import UPLOAD_PATH

Methods = dict[str, Endpoint]


def public_app(services: Services) -> Starlette:
    """The Tasks API."""
    paths: dict[str, Methods] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method] = operation.endpoint
    description = json.dumps(document(version("skyvern-apiserver"))).encode()
    paths["/openapi.json"] = {"GET": _fixed(description, "application/json")}
    paths["/docs"] = {"GET": docs_page}
    origins = services.settings.allowed_origins
    cors = Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    return _application(services, paths, [cors] if origins else [])


def internal_app(services: Services) -> Starlette:
    """Uploads of artifacts, health and metrics; reachable inside the cluster only."""
    paths: dict[str, Methods] = {
        f"{UPLOAD_PATH}/{{namespace}}/{{task}}/{{uid}}/{{file:path}}": {"PUT": artifacts.upload},
        "/healthz": {"GET": _fixed(b"ok", "text/plain")},
        "/readyz": {"GET": _ready},
        "/metrics": {"GET": _metrics},
    }
    return _application(services, paths, [])


def _application(services: Services, paths: dict[str, Methods], middleware: list[Middleware]) -> Starlette:
    routes = [
        Route(form, PathMethods(path, methods))
        for path, methods in paths.items()
        for form in ((path,) if path.endswith(":path}") else (path, f"{path}/"))
    ]
    observed = Middleware(ObservedRequests, metrics=services.metrics)
    app = Starlette(routes=routes, middleware=[observed, *middleware], exception_handlers=EXCEPTION_HANDLERS)
    app.router.redirect_slashes = False
    app.state.services = services
    return app


class PathMethods:
    """The endpoints of one path: an application of its own, so that a wrong method is told all the right ones."""

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
        response = await endpoint(request)
        await response(scope, receive, send)


def _fixed(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return endpoint


async def _ready(request: Request) -> Response:
    services = services_of(request)
    if services.draining.is_set():
        return PlainTextResponse("the process is about to end", 503)
    if not services.synced:
        return PlainTextResponse("the cluster has not been read yet", 503)
    return PlainTextResponse("ok")


async def _metrics(request: Request) -> Response:
    return Response(services_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
