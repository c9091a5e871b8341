"""The process: the caches of the cluster, two servers, and a clean shutdown."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.server.app import internal_app, public_app
from skyvern_apiserver.server.connection import Connection
from skyvern_apiserver.services import Services, build_services
from skyvern_crds.client import ClusterClient

GRACE_SECONDS = 20
"""Time for running requests to finish after the ports have closed."""
FLUSH_SECONDS = 2.0
"""How long a stop waits for spans that have not been sent."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the idle timeout of common load balancers, so that they close idle connections and we do not."""

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Leaves signal handling to the process, which runs two servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install nothing."""
        yield


def make_server(app: Starlette, settings: Settings, port: int, protocol: type[Connection] = Connection) -> Server:
    """A server for one of the two ports; ``protocol`` has the limits of its connections."""
    return Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=port,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ClusterError without usable credentials for a cluster."""
    async with await ClusterClient.connect() as client:
        services = build_services(settings, client)
        public = make_server(public_app(services), settings, settings.port)
        internal = make_server(internal_app(services), settings, settings.internal_port)
        if services.tracing is not None:
            services.tracing.start()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as group:
            caches = [group.create_task(cache.run()) for cache in (services.tasks, services.secrets)]
            servers = [group.create_task(server.serve()) for server in (public, internal)]
            stopping = group.create_task(_stop(stop, services, public, internal))
            # A server that cannot bind its port ends at once; then everything ends.
            await asyncio.wait(servers, return_when=asyncio.FIRST_COMPLETED)
            public.should_exit = internal.should_exit = True
            await asyncio.gather(*servers)
            for task in (*caches, stopping):
                task.cancel()
        if services.tracing is not None:
            await asyncio.to_thread(services.tracing.close, FLUSH_SECONDS)


async def _stop(stop: asyncio.Event, services: Services, *servers: Server) -> None:
    """On the signal: fail the readiness probe, give routing time to notice, then close."""
    await stop.wait()
    services.draining.set()
    services.endings.close()
    services.listeners.close()
    log.info("stopping", extra={"drain_seconds": services.settings.drain_seconds})
    await asyncio.sleep(services.settings.drain_seconds)
    for server in servers:
        server.should_exit = True
