"""The HTTP endpoint for probes and metrics."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from skyvern_operator.process.metrics import Metrics


def health_app(metrics: Metrics, *, ready: Callable[[], bool], leads: Callable[[], bool]) -> web.Application:
    """/healthz: the event loop runs. /readyz: the first list is complete, in a standby too. /metrics: Prometheus."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ok\n" if leads() else "standby\n")
        return web.Response(status=503, text="the first list is not complete\n")

    async def prometheus(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", prometheus)])
    return app
