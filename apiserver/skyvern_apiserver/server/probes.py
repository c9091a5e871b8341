"""Readiness and metrics, on the internal port."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from skyvern_apiserver.cache.freshness import is_synced
from skyvern_apiserver.services import services_of


async def ready(request: Request) -> Response:
    """Whether requests should be routed here.

    A cluster that goes away later does not change it: answering 503 is better than answering nothing.
    """
    services = services_of(request)
    if services.draining.is_set():
        return PlainTextResponse("shutting down", 503)
    if not is_synced(services.tasks, services.secrets):
        return PlainTextResponse("the cluster has not been read yet", 503)
    return PlainTextResponse("ok")


async def metrics(request: Request) -> Response:
    """Metrics in the exposition format."""
    return Response(services_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
