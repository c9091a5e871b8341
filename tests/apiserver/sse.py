"""A client of server-sent events, by the rules of the HTML standard as far as the facade needs them."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp

from tests.waiting import until


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: dict[str, Any]


def parse(content: bytes) -> list[Event]:
    """The events of a stream; comments and ``retry`` are left out."""
    events = []
    for block in content.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append(Event(fields["event"], fields["id"], json.loads(fields["data"])))
    return events


@dataclass
class Listener:
    """A caller of an application whose answer does not end by itself."""

    app: ASGIApp
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    ended: bool = False
    taking: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear it, and the caller takes nothing more."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it, and the caller has hung up."""
    sends: int = 0

    def call(self, path: str, headers: dict[str, str], method: str = "GET") -> "Listener":
        self.taking.set()
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
        self.task = asyncio.create_task(self._run(scope))
        return self

    async def _run(self, scope: dict[str, Any]) -> None:
        await self.app(scope, self._receive, self._send)
        self.ended = True

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.taking.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.sends += 1
            self.content += message.get("body", b"")

    @property
    def events(self) -> list[Event]:
        return parse(self.content)

    @property
    def names(self) -> list[str]:
        return [f"{each.name} {each.data.get('status', '')}".strip() for each in self.events]

    async def end(self) -> None:
        await until(lambda: self.ended, seconds=60, what="the stream has ended")
        await self.task

    async def hang_up(self) -> None:
        self.gone.set()
        await self.end()
