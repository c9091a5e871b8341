"""A server that takes webhooks and keeps them."""

import json
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from skyvern_crds.rest.webhook import HEADER_SIGNATURE, HEADER_TIMESTAMP, SignatureStyle, sign
from tests.waiting import eventually


@dataclass(frozen=True)
class Delivery:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its body."""
        return dict(json.loads(self.body))

    def signed_with(self, key: bytes, style: SignatureStyle = SignatureStyle.V0) -> bool:
        """Whether the signature is that of the key."""
        timestamp = int(self.headers[HEADER_TIMESTAMP])
        return self.headers[HEADER_SIGNATURE] == sign(style, key, timestamp, self.body)


class Receiver:
    """Answers with the given statuses in turn, then with 200."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        """Headers of the answers."""
        self.url = ""
        app = web.Application()
        app.add_routes([web.post("/{tail:.*}", self._take)])
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.deliveries.append(Delivery(headers, await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        location = {"Location": "/elsewhere"} if status // 100 == 3 else {}
        return web.Response(status=status, headers=location | self.headers)

    async def wait(self, count: int = 1, within: float = 30.0) -> list[Delivery]:
        """Wait for so many deliveries; all of them."""

        async def look() -> list[Delivery]:
            return list(self.deliveries)

        return await eventually(look, lambda seen: len(seen) >= count, what=f"{count} deliveries", within=within)
