"""What becomes of a watch when the files of credentials are written again, as a kubelet does with each new token."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from skyvern_crds.client import PODS, ClusterClient, Timeouts, Unavailable, WatchEvent
from skyvern_crds.client.connection import Connection, kubeconfig_loader
from tests.cluster.control_plane.pki import Identity, Pki
from tests.crds.client.kubeconfig import kubeconfig

pytestmark = pytest.mark.socket

SECONDS = 60.0


@dataclass
class Server:
    """An API server whose one watch brings an event for each version that is sent, and ends at 0."""

    sent: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A watch for whoever asks for one, and an empty object for all others."""
        if "watch" not in request.query:
            return web.json_response({})
        response = web.StreamResponse()
        await response.prepare(request)
        while version := await self.sent.get():
            line = '{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "%d"}}}\n'
            await response.write((line % version).encode())
        return response


@asynccontextmanager
async def serving(pki: Pki) -> AsyncIterator[Server]:
    """A server with a certificate of this authority."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pki.cert("server"), pki.key("server"))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        server.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        server.sent.put_nowait(0)
        await runner.cleanup()


@asynccontextmanager
async def watching(
    server: Server, authority: Path, silence: float
) -> AsyncIterator[tuple[ClusterClient, AsyncGenerator[WatchEvent, None]]]:
    """A client that looks at its files before each call, and a watch that has brought an event."""
    config = replace_file(
        authority.parent / "kubeconfig", kubeconfig(server.url, {"token": "none"}, authority).encode()
    )
    connection = Connection(kubeconfig_loader(str(config), None), refresh_seconds=0)
    async with (
        ClusterClient(connection, timeouts=Timeouts(silence=silence)) as client,
        aclosing(client.watch(PODS, "jobs", resource_version="1")) as events,
    ):
        server.sent.put_nowait(2)
        assert (await anext(events)).resource_version == "2"
        yield client, events


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """An authority, with a certificate for a server on the loopback."""
    pki = Pki(tmp_path_factory.mktemp("renewal") / "pki")
    pki.create()
    pki.issue(Identity("server", "server", alternatives=("IP:127.0.0.1",)))
    return pki


def replace_file(file: Path, content: bytes) -> Path:
    """Put another file in the place of this one, as a kubelet does."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    return new.rename(file)


async def call_twice(client: ClusterClient) -> None:
    """The first call after a change opens new connections, the next one closes the former."""
    for _ in range(2):
        await client.get_path("/version")


async def test_watch_goes_on_when_the_same_authority_is_written_again(pki: Pki, tmp_path: Path) -> None:
    authority = replace_file(tmp_path / "ca.crt", pki.ca.read_bytes())
    async with serving(pki) as server, watching(server, authority, SECONDS) as (client, events):
        replace_file(authority, pki.ca.read_bytes())
        await call_twice(client)
        server.sent.put_nowait(3)
        async with asyncio.timeout(SECONDS):
            assert (await anext(events)).resource_version == "3"


async def test_read_of_a_watch_whose_connection_is_closed_meanwhile_ends(pki: Pki, tmp_path: Path) -> None:
    authority = replace_file(tmp_path / "ca.crt", pki.ca.read_bytes())
    async with serving(pki) as server, watching(server, authority, 2.0) as (client, events):
        read = asyncio.ensure_future(anext(events))
        await client.get_path("/version")  # by its end the read has begun
        replace_file(authority, pki.ca.read_bytes() + pki.cert("server").read_bytes())
        await call_twice(client)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(read, SECONDS)


async def test_watch_whose_connection_was_closed_is_over(pki: Pki, tmp_path: Path) -> None:
    authority = replace_file(tmp_path / "ca.crt", pki.ca.read_bytes())
    async with serving(pki) as server, watching(server, authority, 2.0) as (client, events):
        replace_file(authority, pki.ca.read_bytes() + pki.cert("server").read_bytes())
        await call_twice(client)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(anext(events), SECONDS)
