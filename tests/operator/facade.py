"""A server where the facade stands: it gives files to the holder of a signed link, and stores records of tasks."""

import asyncio
import time
from typing import Self
from urllib.parse import quote

from aiohttp import web

from skyvern_crds.rest.archive import ARCHIVE_PATH, record_key, verify_record
from skyvern_crds.rest.artifacts import ARTIFACTS_PATH, LinkError, verify_link
from skyvern_crds.rest.keys import archive_key, artifact_link_key


class Facade:
    """Serves ``files`` by their keys, if the link is signed with the release's key for it."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.files: dict[str, bytes] = {}
        self.fault: int | None = None
        """The status of every answer, when it is set."""
        self.open = asyncio.Event()
        """Requests wait while it is clear."""
        self.open.set()
        self.waiting = 0
        """Records that are being stored."""
        self.refusals = 0
        """How many of the next records are refused, as when the store is down."""
        self.url = ""
        app = web.Application()
        app.add_routes([web.get(f"{ARTIFACTS_PATH}/{{key:.*}}", self._give)])
        app.add_routes([web.put(f"{ARCHIVE_PATH}/{{task:.*}}", self._archive)])
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _archive(self, request: web.Request) -> web.Response:
        record = await request.read()
        verify_record(
            archive_key(self._key),
            request.path,
            record,
            {key.lower(): value for key, value in request.headers.items()},
            time.time(),
        )
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        if self.refusals > 0:
            self.refusals -= 1
            return web.Response(status=503, text="The artifact store cannot be reached")
        self.files[record_key(*request.match_info["task"].split("/"))] = record
        return web.Response(status=201)

    async def _give(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        await self.open.wait()
        if self.fault is not None:
            return web.Response(status=self.fault, text="not now")
        try:
            path = f"{ARTIFACTS_PATH}/{quote(key)}"
            verify_link(
                artifact_link_key(self._key), path, request.query["expires"], request.query["signature"], time.time()
            )
        except LinkError as error:
            return web.Response(status=403, text=str(error))
        found = self.files.get(key)
        return web.Response(status=404, text="Artifact not found") if found is None else web.Response(body=found)
