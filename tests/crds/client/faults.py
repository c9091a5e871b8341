"""A proxy in front of the real API server that spoils what passes through: torn, broken, silent and refused watches."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from tests.cluster import ControlPlane


@dataclass(frozen=True)
class Refusal:
    """An answer given instead of the server's."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


class Loss(Enum):
    """What of a write never arrives; its connection ends instead."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass
class _Stream:
    request: web.Request
    response: web.StreamResponse
    stalled: bool = False


class FaultProxy:
    """Forwards HTTP on the loopback to the API server; spoils watches on demand.

    Requests go out as the administrator's, or with ``own_credentials`` as those of the bearer of their token.
    """

    def __init__(self, plane: ControlPlane, piece: int = 65536, *, own_credentials: bool = False) -> None:
        self._plane = plane
        self._piece = piece
        self._own_credentials = own_credentials
        self._streams: list[_Stream] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.refusals: deque[Refusal] = deque()
        """Answers for the next requests, one each."""
        self.losses: deque[Loss] = deque()
        """What the next POSTs lose, one each."""
        self.down = False
        """Drop every connection unanswered."""
        self.expired_watches = 0
        """So many of the next watches ask the server for a version that it has forgotten long ago."""
        self.ending = False
        """Answer a watch with an end in good order at once."""
        self.watches = 0
        self.lists = 0

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self._plane.pki.ca))
        if not self._own_credentials:
            context.load_cert_chain(self._plane.pki.cert("admin"), self._plane.pki.key("admin"))
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), read_bufsize=2**22)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.cut()
        await self._session.close()
        await self._runner.cleanup()

    def kubeconfig(self, directory: Path) -> str:
        """A kubeconfig that leads through the proxy."""
        path = directory / "proxy.conf"
        path.write_text(
            "{apiVersion: v1, kind: Config, current-context: p, users: [{name: p, user: {}}],"
            f" clusters: [{{name: p, cluster: {{server: '{self.url}'}}}}],"
            " contexts: [{name: p, context: {cluster: p, user: p}}]}"
        )
        return str(path)

    @property
    def streams(self) -> int:
        """Watches that are open now."""
        return len(self._streams)

    # Faults of the watches that are open now

    def cut(self) -> None:
        """Break the connections."""
        for stream in self._streams:
            if stream.request.transport:
                stream.request.transport.abort()
        self._streams.clear()

    def stall(self) -> None:
        """Keep the connections open and forward nothing any more."""
        for stream in self._streams:
            stream.stalled = True

    async def inject(self, data: bytes, *, end: bool = False, kind: str = "") -> None:
        """Write into the streams, or those of one kind; with ``end`` finish them in good order afterwards."""
        for stream in [stream for stream in self._streams if stream.request.path.endswith(kind)]:
            await stream.response.write(data)
            if end:
                await stream.response.write_eof()
                self._streams.remove(stream)

    # Forwarding

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        loss = self.losses.popleft() if self.losses and request.method == "POST" else None
        if self.down or loss is Loss.REQUEST:
            return _hang_up(request)
        watching = request.query.get("watch") == "true"
        self.watches += watching
        self.lists += request.method == "GET" and not watching
        if self.refusals:
            refusal = self.refusals.popleft()
            return web.Response(status=refusal.status, headers=refusal.headers, text=refusal.body)
        if watching and self.ending:
            return web.Response()
        query = dict(request.query)
        if watching and self.expired_watches:
            self.expired_watches -= 1
            query["resourceVersion"] = "1"
        body = await request.read()
        forwarded = {"Accept", "Content-Type"} | ({"Authorization"} if self._own_credentials else set())
        headers = {key: value for key, value in request.headers.items() if key.title() in forwarded}
        async with self._session.request(
            request.method, self._plane.url + request.path, params=query, data=body or None, headers=headers
        ) as upstream:
            if not watching or upstream.status != 200:
                answer = web.Response(status=upstream.status, body=await upstream.read())
                return _hang_up(request) if loss is Loss.ANSWER else answer
            return await self._forward(request, upstream)

    async def _forward(self, request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        stream = _Stream(request, web.StreamResponse())
        await stream.response.prepare(request)
        self._streams.append(stream)
        try:
            async for chunk in upstream.content.iter_any():
                for start in range(0, len(chunk), self._piece):
                    if not stream.stalled:
                        await stream.response.write(chunk[start : start + self._piece])
            if stream.stalled:  # the server's end of the watch is not forwarded either
                await asyncio.sleep(60)
        except (ConnectionError, aiohttp.ClientError):
            pass  # cut, or the client has left
        finally:
            if stream in self._streams:
                self._streams.remove(stream)
        return stream.response


def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
