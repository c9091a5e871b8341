"""Readiness and metrics, on the internal port."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from skyvern_apiserver.services import services_of


async def ready(request: Request) -> Response:
    """Whether requests should be routed here.

    A cluster that goes away later does not change it: answering 503 is better than answering nothing. Nor does a
    namespace that cannot be read: its keys get 503, and all others are served.
    """
    services = services_of(request)
    if services.draining.is_set():
        return PlainTextResponse("shutting down", 503)
    if not services.freshness.can_serve():
        return PlainTextResponse("the cluster has not been read yet", 503)
    return PlainTextResponse("ok")


async def metrics(request: Request) -> Response:
    """Metrics in the exposition format."""
    return Response(services_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
