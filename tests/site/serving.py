"""Run an ASGI application on a socket: in the foreground for a program, in a thread for a test."""

import argparse
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

START_SECONDS = 20.0


@contextmanager
def serve(app: Starlette, *, host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve `app` on a free port until the block ends and give its base URL.

    `tls` names a certificate and its key. Raises RuntimeError when the server has not started within 20 s.
    """
    listener = socket.create_server((host, 0))
    certificate, key = tls or (None, None)
    config = uvicorn.Config(app, log_level="warning", ssl_certfile=certificate, ssl_keyfile=key, lifespan="off")
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        if not server.ready.wait(START_SECONDS):
            raise RuntimeError(f"the server on {host} did not start within {START_SECONDS:g} s")
        yield f"{'https' if tls else 'http'}://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True  # a hanging answer must not hold up the end of a test
        thread.join(START_SECONDS)
        listener.close()


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def add_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """Add the options of a server program: --host and --port."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default: %(default)s)")


def run(app: Starlette, host: str, port: int) -> None:
    """Serve `app` in the foreground until SIGINT or SIGTERM."""
    uvicorn.run(app, host=host, port=port, log_level="info", timeout_graceful_shutdown=2)
