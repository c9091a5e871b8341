"""The HTTP endpoint for probes and metrics."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from skyvern_operator.process.metrics import Metrics


def health_app(
    metrics: Metrics,
    *,
    not_ready: Callable[[], str | None],
    stuck: Callable[[], str | None],
    leads: Callable[[], bool],
) -> web.Application:
    """/healthz: the event loop runs and no watch is stuck. /readyz: what is known is current, in a standby too.
    /metrics: Prometheus.

    ``not_ready`` and ``stuck`` say why not, None when all is well.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _answer(stuck())

    async def readyz(_: web.Request) -> web.Response:
        return _answer(not_ready(), well="ok" if leads() else "standby")

    async def prometheus(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", prometheus)])
    return app


def _answer(trouble: str | None, well: str = "ok") -> web.Response:
    return web.Response(text=well + "\n") if trouble is None else web.Response(status=503, text=trouble + "\n")
