"""A server that answers lists of tasks and pods, where the API server stands: its state can go back."""

import asyncio
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from skyvern_crds.vocabulary import API_VERSION, KIND, PLURAL
from tests.crds.client.kubeconfig import kubeconfig

FORBIDDEN = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no Role"}


class Lists:
    """Tasks by namespace and name, each with its version, at one version of everything; watches are silent."""

    def __init__(self) -> None:
        self.version = 100
        self.tasks: dict[tuple[str, str], int] = {}
        self.forbidden: set[str] = set()
        """Namespaces that may not be read."""
        self.gates: list[asyncio.Event] = []
        """Lists of tasks have a page for each, which comes when it is set; all tasks are in the first one."""
        self.page = 0
        """The page of a list of tasks that was asked for last, from 0."""
        self.kinds = [PLURAL]
        """What the API server serves."""

    async def __aenter__(self) -> Self:
        self._ending = asyncio.Event()
        app = web.Application()
        app.add_routes(
            [
                web.get("/apis/skyvern.io/v1", self._served),
                web.get("/apis/skyvern.io/v1/namespaces/{namespace}/skyverntasks", self._tasks),
                web.get("/api/v1/namespaces/{namespace}/pods", self._pods),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._ending.set()
        await self._runner.cleanup()

    def kubeconfig(self, directory: Path) -> str:
        """A kubeconfig for it."""
        host, port = self._runner.addresses[0][:2]
        path = directory / "lists.conf"
        path.write_text(kubeconfig(f"http://{host}:{port}", {}))
        return str(path)

    async def _served(self, _: web.Request) -> web.Response:
        return web.json_response({"resources": [{"name": kind} for kind in self.kinds]})

    async def _tasks(self, request: web.Request) -> web.StreamResponse:
        self.page = page = int(request.query.get("continue", 0))
        if page < len(self.gates):
            await self.gates[page].wait()
        more = str(page + 1) if page + 1 < len(self.gates) else ""
        return await self._answer(request, [self._task(*key) for key in self.tasks] if page == 0 else [], more)

    async def _pods(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, [])

    async def _answer(self, request: web.Request, items: list[dict[str, Any]], more: str = "") -> web.StreamResponse:
        namespace = request.match_info["namespace"]
        if namespace in self.forbidden:
            return web.json_response(FORBIDDEN, status=403)
        if request.query.get("watch") == "true":
            stream = web.StreamResponse()
            await stream.prepare(request)
            await self._ending.wait()
            return stream
        found = [item for item in items if item["metadata"]["namespace"] == namespace]
        metadata = {"resourceVersion": str(self.version), "continue": more}
        return web.json_response({"metadata": metadata, "items": found})

    def _task(self, namespace: str, name: str) -> dict[str, Any]:
        version = str(self.tasks[namespace, name])
        metadata = {"namespace": namespace, "name": name, "uid": f"uid-{name}", "resourceVersion": version}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": {}}
