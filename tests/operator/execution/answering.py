"""An API server whose every answer a test chooses."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from skyvern_crds.client import ClusterClient
from tests.crds.client.kubeconfig import kubeconfig


@asynccontextmanager
async def api_server(
    directory: Path, answer: Callable[[web.Request], web.Response | Awaitable[web.Response]]
) -> AsyncIterator[ClusterClient]:
    """A client of an API server that answers each request with what ``answer`` says."""

    async def handle(request: web.Request) -> web.Response:
        given = answer(request)
        return given if isinstance(given, web.Response) else await given

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        config = directory / "kubeconfig"
        config.write_text(kubeconfig(f"http://127.0.0.1:{runner.addresses[0][1]}", {"token": "none"}))
        async with await ClusterClient.connect(str(config)) as client:
            yield client
    finally:
        await runner.cleanup()


def refusal(status: int, reason: str, message: str) -> web.Response:
    """An answer that refuses a request."""
    return web.json_response({"kind": "Status", "reason": reason, "message": message}, status=status)
