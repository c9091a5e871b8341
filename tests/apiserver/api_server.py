"""An API server without Kubernetes, for what a real one takes too long to show: hundreds of namespaces, a cut watch.

It keeps Secrets and SkyvernTasks, answers lists, watches, reads, creations and merge patches, and counts what it is
asked. It checks nothing.
"""

import asyncio
import base64
import copy
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Self

from aiohttp import web

BOOKMARK_SECONDS = 0.2

Collection = tuple[str, str]
"""Plural and namespace."""


class FakeApiServer:
    """Serves on the loopback while it is entered."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        """How often each was asked: list, watch, get, create, patch."""
        self.forbidden: set[str] = set()
        """Namespaces that may not be read or written."""
        self._heard = asyncio.Event()
        self._heard.set()
        self._objects: dict[Collection, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._watches: dict[Collection, list[asyncio.Queue[bytes | None]]] = defaultdict(list)
        self._version = 1

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**24)
        for group in ("/api/v1", "/apis/skyvern.io/v1"):
            collection = f"{group}/namespaces/{{namespace}}/{{plural}}"
            app.router.add_get(collection, self._read)
            app.router.add_post(collection, self._create)
            app.router.add_get(collection + "/{name}", self._get)
            app.router.add_patch(collection + "/{name}", self._patch)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.cut()
        await self._runner.cleanup()

    def kubeconfig(self, folder: Path) -> str:
        path = folder / "fake.conf"
        path.write_text(
            "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {}}],"
            f" clusters: [{{name: c, cluster: {{server: '{self.url}'}}}}],"
            " contexts: [{name: c, context: {cluster: c, user: u}}]}"
        )
        return str(path)

    @property
    def watches(self) -> int:
        """Watches that are open now."""
        return sum(len(each) for each in self._watches.values())

    def collection(self, plural: str, namespace: str) -> dict[str, dict[str, Any]]:
        """The objects of a namespace by name."""
        return self._objects[plural, namespace]

    def cut(self, namespace: str | None = None) -> None:
        """End the watches of a namespace, or all."""
        for (_, each), queues in self._watches.items():
            if namespace in {None, each}:
                for queue in queues:
                    queue.put_nowait(None)

    def mute(self) -> None:
        """Let the open watches carry nothing for the rest of their time, as when a network drops their packets."""
        self._heard.clear()
        self._heard = asyncio.Event()
        self._heard.set()

    def forbid(self, namespace: str) -> None:
        """Take the rights on a namespace away."""
        self.forbidden.add(namespace)
        self.cut(namespace)

    def put(self, plural: str, namespace: str, name: str, **fields: Any) -> dict[str, Any]:
        """Create or replace an object."""
        self._version += 1
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            **fields.pop("metadata", {}),
            "resourceVersion": str(self._version),
        }
        obj = {"metadata": metadata, **fields}
        collection = (plural, namespace)
        known = name in self._objects[collection]
        self._objects[collection][name] = obj
        self._tell(collection, "MODIFIED" if known else "ADDED", obj)
        return obj

    def remove(self, plural: str, namespace: str, name: str) -> None:
        """Delete an object."""
        self._version += 1
        obj = self._objects[plural, namespace].pop(name)
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
        self._tell((plural, namespace), "DELETED", obj)

    def put_key(self, namespace: str, name: str, *, tenant: str, state: str = "active", **more: str) -> dict[str, str]:
        """Create or replace the Secret of an API key; the headers with which its holder calls."""
        key = f"key-of-{name}-for-the-tests"
        fields = {"key": key, "namespace": tenant, "state": state} | more
        data = {field.replace("_", "-"): base64.b64encode(value.encode()).decode() for field, value in fields.items()}
        self.put("secrets", namespace, name, metadata={"labels": {"skyvern.io/api-key": "true"}}, data=data)
        return {"x-api-key": key}

    def _tell(self, collection: Collection, kind: str, obj: object) -> None:
        line = json.dumps({"type": kind, "object": obj}).encode() + b"\n"
        for queue in self._watches[collection]:
            queue.put_nowait(line)

    async def _read(self, request: web.Request) -> web.StreamResponse:
        namespace, plural = request.match_info["namespace"], request.match_info["plural"]
        watching = request.query.get("watch") == "true"
        self.requests["watch" if watching else "list"] += 1
        if namespace in self.forbidden:
            return _forbidden(namespace)
        if watching:
            return await self._watch(request, (plural, namespace))
        items = list(self._objects[plural, namespace].values())
        return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": items})

    async def _watch(self, request: web.Request, collection: Collection) -> web.StreamResponse:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        since = int(request.query["resourceVersion"])
        for obj in self._objects[collection].values():
            if int(obj["metadata"]["resourceVersion"]) > since:
                queue.put_nowait(json.dumps({"type": "MODIFIED", "object": obj}).encode() + b"\n")
        self._watches[collection].append(queue)
        response = web.StreamResponse()
        heard = self._heard
        until = asyncio.get_running_loop().time() + int(request.query["timeoutSeconds"])
        try:
            await response.prepare(request)
            while asyncio.get_running_loop().time() < until:
                try:
                    line = await asyncio.wait_for(queue.get(), BOOKMARK_SECONDS)
                except TimeoutError:
                    meta = {"resourceVersion": str(self._version)}
                    line = json.dumps({"type": "BOOKMARK", "object": {"metadata": meta}}).encode() + b"\n"
                if line is None:
                    break
                await heard.wait()
                await response.write(line)
        except ConnectionError:
            pass  # the client has left
        finally:
            self._watches[collection].remove(queue)
        return response

    async def _get(self, request: web.Request) -> web.Response:
        self.requests["get"] += 1
        place = request.match_info
        obj = self._objects[place["plural"], place["namespace"]].get(place["name"])
        return web.json_response(obj) if obj else _status(404, "NotFound", f"{place['name']} not found")

    async def _create(self, request: web.Request) -> web.Response:
        self.requests["create"] += 1
        place, body = request.match_info, await request.json()
        if place["namespace"] in self.forbidden:
            return _forbidden(place["namespace"])
        made = self.put(place["plural"], place["namespace"], body["metadata"]["name"], **body)
        return web.json_response(made, status=201)

    async def _patch(self, request: web.Request) -> web.Response:
        self.requests["patch"] += 1
        place, patch = request.match_info, await request.json()
        obj = self._objects[place["plural"], place["namespace"]].get(place["name"])
        if obj is None:
            return _status(404, "NotFound", f"{place['name']} not found")
        fields = copy.deepcopy(obj)
        fields["metadata"].setdefault("annotations", {}).update(patch["metadata"].get("annotations", {}))
        return web.json_response(self.put(place["plural"], place["namespace"], place["name"], **fields))


def _forbidden(namespace: str) -> web.Response:
    return _status(403, "Forbidden", f'User "facade" cannot do this in the namespace "{namespace}"')


def _status(code: int, reason: str, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "reason": reason, "message": message}, status=code)
