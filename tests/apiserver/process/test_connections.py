"""Connections that send nothing, too much, or take nothing: the facade serves the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
from starlette.types import Receive, Scope, Send

from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.server.connection import Connection
from skyvern_apiserver.server.request_limit import LimitedRequests
from skyvern_apiserver.server.serve import make_server
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.program import free_port
from tests.apiserver.small_facade import small_services, small_settings
from tests.waiting import until

HEARTBEAT = "/api/v1/heartbeat"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Tight(Connection):
    """The limits small enough to be reached soon."""

    max_connections = 40
    head_seconds = 1.0


@asynccontextmanager
async def listening(folder: Path, protocol: type[Connection]) -> AsyncIterator[int]:
    """The port of a facade."""
    settings = small_settings(folder, "a", host="127.0.0.1")
    async with FakeApiServer() as cluster, small_services(cluster, folder, settings) as services:
        server = make_server(public_app(services), settings, free_port(), protocol)
        serving = asyncio.create_task(server.serve())
        try:
            await until(lambda: server.started)
            yield server.config.port
        finally:
            server.should_exit = True
            await serving


async def connect(port: int, stack: AsyncExitStack) -> Streams:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(writer.close)
    return reader, writer


async def end_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the facade closes the connection."""
    received = b""
    async with asyncio.timeout(60):
        try:
            while chunk := await reader.read(65536):
                received += chunk
        except ConnectionError:
            pass
    return received


async def heartbeat(port: int) -> int:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        return (await client.get(HEARTBEAT)).status_code


class Patient(Tight):
    head_seconds = 600.0


async def test_silent_connections_make_room_for_new_ones(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, listening(tmp_path, Patient) as port:
        silent = [await connect(port, stack) for _ in range(Patient.max_connections + 20)]
        assert await heartbeat(port) == 200
        for reader, _ in silent[:20]:
            assert await end_of(reader) == b""  # those that were silent longest


async def test_connection_that_sends_no_request_is_closed(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, listening(tmp_path, Tight) as port:
        silent, _ = await connect(port, stack)
        slow, writer = await connect(port, stack)
        writer.write(b"GET /api/v1/heartbeat HTTP/1.1\r\nx-slow: ")
        assert await end_of(silent) == b""
        assert await end_of(slow) == b""


async def test_headers_beyond_the_limit_are_refused_as_they_come(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, listening(tmp_path, Patient) as port:
        for separator in (b"\r\nx-more: ", b"x"):
            reader, writer = await connect(port, stack)
            writer.write(b"GET /api/v1/heartbeat HTTP/1.1\r\nhost: x\r\nx-large: ")
            writer.write((separator + b"y" * 100) * 400)
            assert (await end_of(reader)).startswith(b"HTTP/1.1 431 ")
        assert await heartbeat(port) == 200


async def test_many_requests_on_one_connection_are_each_answered(tmp_path: Path) -> None:
    """The counter of headers begins anew with each request, and those that came together are answered in turn."""
    async with AsyncExitStack() as stack, listening(tmp_path, Patient) as port:
        reader, writer = await connect(port, stack)
        request = b"GET /api/v1/heartbeat HTTP/1.1\r\nhost: x\r\nx-large: " + b"y" * 20_000 + b"\r\n\r\n"
        for _ in range(5):
            writer.write(request * 2)
            for _ in range(2):
                async with asyncio.timeout(60):
                    assert (await reader.readuntil(b"Server is running.")).startswith(b"HTTP/1.1 200 ")


async def test_requests_beyond_the_limit_get_json_and_heartbeats_do_not_count() -> None:
    release = asyncio.Event()
    started = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            started.set()
            await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx2.ASGITransport(app=LimitedRequests(slow, most=1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://facade.test") as client:
        first = asyncio.create_task(client.get("/slow"))
        await started.wait()
        refused = await client.get("/other")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json() == {"detail": "The service is busy: try again later"}
        assert (await client.get(HEARTBEAT)).status_code == 200
        release.set()
        assert (await first).status_code == 200
        assert (await client.get("/other")).status_code == 200
