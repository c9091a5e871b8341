"""The two applications: the public API, and the internal one for runners, probes and metrics."""

import json
from collections import defaultdict
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from skyvern_apiserver.api.docs_page import docs_page
from skyvern_apiserver.api.endpoints import FixedEndpoint, PublicEndpoint
from skyvern_apiserver.api.openapi import document
from skyvern_apiserver.api.operations import OPERATIONS
from skyvern_apiserver.artifacts.archive import RECORD, store_record
from skyvern_apiserver.artifacts.upload import UPLOAD, upload_file
from skyvern_apiserver.server.middleware import ObservedRequests
from skyvern_apiserver.server.path_methods import Methods, PathMethods
from skyvern_apiserver.server.probes import metrics, ready
from skyvern_apiserver.server.request_limit import LimitedRequests
from skyvern_apiserver.services import Services
from skyvern_apiserver.wire.exception_handlers import EXCEPTION_HANDLERS
from skyvern_crds.rest.archive import ARCHIVE_PATH
from skyvern_crds.rest.artifacts import UPLOAD_PATH

EXPOSED_HEADERS: Final = (
    "Retry-After",
    "ETag",
    "X-Request-Id",
    "Content-Range",
    "Accept-Ranges",
    "Content-Disposition",
)
"""Headers of answers that scripts of other origins may read, besides those that every browser shows them."""


def public_app(services: Services) -> Starlette:
    """The Tasks API."""
    paths: dict[str, Methods] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method] = operation.endpoint
    description = json.dumps(document(version("skyvern-apiserver"))).encode()
    paths["/openapi.json"] = {"GET": FixedEndpoint(description, "application/json")}
    paths["/docs"] = {"GET": docs_page}
    origins = services.settings.allowed_origins
    cors = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"], expose_headers=EXPOSED_HEADERS
    )
    return _application(services, paths, [cors] if origins else [])


def internal_app(services: Services) -> Starlette:
    """Uploads, records of the operator, probes and metrics; reachable only inside the cluster."""
    paths: dict[str, Methods] = {
        f"{UPLOAD_PATH}/{{namespace}}/{{task}}/{{uid}}/{{file:path}}": {"PUT": PublicEndpoint(upload_file, UPLOAD)},
        f"{ARCHIVE_PATH}/{{namespace}}/{{task}}/{{uid}}": {"PUT": PublicEndpoint(store_record, RECORD)},
        "/healthz": {"GET": FixedEndpoint(b"ok", "text/plain")},
        "/readyz": {"GET": ready},
        "/metrics": {"GET": metrics},
    }
    return _application(services, paths, [])


def _application(services: Services, paths: dict[str, Methods], middleware: list[Middleware]) -> Starlette:
    routes = [
        Route(form, PathMethods(path, methods))
        for path, methods in paths.items()
        for form in ((path,) if path.endswith(":path}") else (path, f"{path}/"))
    ]
    observed = Middleware(ObservedRequests, metrics=services.metrics)
    app = Starlette(
        routes=routes,
        middleware=[observed, *middleware, Middleware(LimitedRequests)],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    return app
