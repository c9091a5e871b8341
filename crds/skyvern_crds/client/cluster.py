"""An async client of the Kubernetes API for raw JSON objects: few calls, a timeout on each, errors by kind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast
from urllib.parse import urlencode

from skyvern_crds.client.connection import Connection, find_loader
from skyvern_crds.client.errors import Unauthorized, as_unavailable, error_from_response
from skyvern_crds.client.pages import PageSizes
from skyvern_crds.client.resources import JsonObject, Page, Resource, WatchEvent
from skyvern_crds.client.stream import heard, lines, parse_answer, parse_event

if TYPE_CHECKING:
    from aiohttp import ClientResponse

DEFAULT_USER_AGENT: Final = "skyvern-crds"
MERGE_PATCH: Final = "application/merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
Use = Literal["call", "list", "watch"]
"""What a request is for: lists and watches, maybe hundreds, do not take the connections of calls."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which a call is given up."""

    connect: float = 5.0
    """To open a connection."""
    request: float = 30.0
    """For a whole call, connection included."""
    silence: float = 90.0
    """Without a byte on a watch. The API server sends a bookmark about every minute."""


class ClusterClient:
    """Talks to one API server. Create it with :meth:`connect` inside the event loop; close it at the end.

    Nothing is retried here but a call refused with 401, once, with fresh credentials: whether to repeat a write is
    for the caller to know. Every method raises a :class:`~skyvern_crds.client.errors.ClusterError`.
    """

    def __init__(
        self, connection: Connection, timeouts: Timeouts | None = None, user_agent: str = DEFAULT_USER_AGENT
    ) -> None:
        self._connection = connection
        self._timeouts = timeouts or Timeouts()
        self._user_agent = user_agent

    @classmethod
    async def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        *,
        timeouts: Timeouts | None = None,
        user_agent: str = DEFAULT_USER_AGENT,
    ) -> Self:
        """Load credentials: the given kubeconfig, else KUBECONFIG, else the pod's own, else ~/.kube/config.

        No request is made. ``user_agent`` names the program in the server's audit log. Raises ConfigurationError when
        there are no credentials.
        """
        connection = Connection(find_loader(kubeconfig, context))
        await connection.sessions()
        return cls(connection, timeouts, user_agent)

    async def close(self) -> None:
        """Close every connection; running calls fail."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    # Reading ----------------------------------------------------------------------------------------------------

    async def get(self, ref: Resource, namespace: str | None, name: str) -> JsonObject:
        """The object, as it is now. Raises NotFound."""
        return await self._call("GET", ref.path(namespace, name))

    async def list_pages(
        self,
        ref: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
    ) -> AsyncGenerator[Page, None]:
        """All objects of a namespace, or of all, in pages of one moment: at most ``limit`` objects each, and fewer
        when they are large.

        Raises Gone when the list took longer than the server keeps that moment (minutes): start again.
        """
        path, sizes = ref.path(namespace), PageSizes(limit)
        query = {"labelSelector": label_selector, "fieldSelector": field_selector}
        while True:
            query["limit"] = str(sizes.limit)
            data = await self._read_at_most(path, query, sizes.max_bytes)
            if data is None:
                sizes.too_large()
                continue
            answer = parse_answer(data, f"GET {path}")
            meta, items = answer["metadata"], answer.get("items") or []
            sizes.took(len(items), len(data))
            del data, answer
            yield Page(items, str(meta["resourceVersion"]))
            del items
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]

    async def watch(
        self,
        ref: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str = "",
        timeout_seconds: int = 270,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Changes after ``resource_version``, bookmarks included, until the server ends the watch.

        Raises Gone when the version is too old (list again), the error that the server sent in the stream, and
        Unavailable when the stream broke or was silent for too long. Close the iterator to end the watch.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "labelSelector": label_selector,
            "timeoutSeconds": str(timeout_seconds),
        }
        async with self._open("GET", ref.path(namespace), query=query, use="watch") as response:
            with as_unavailable("the watch of", ref.path(namespace)):
                async for line in lines(heard(response.content.iter_any(), self._timeouts.silence)):
                    yield parse_event(line)

    # Writing ----------------------------------------------------------------------------------------------------

    async def create(self, ref: Resource, namespace: str | None, body: Mapping[str, Any]) -> JsonObject:
        """Create an object. Raises AlreadyExists, Invalid, Forbidden (policy, quota)."""
        return await self._call("POST", ref.path(namespace), body=body)

    async def delete(
        self,
        ref: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_period_seconds: int | None = None,
    ) -> None:
        """Delete an object, dependents in the background.

        Raises NotFound, and Conflict when its uid or, if one is given, its version is another.
        """
        body: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        if any(preconditions.values()):
            body["preconditions"] = {name: value for name, value in preconditions.items() if value}
        if grace_period_seconds is not None:
            body["gracePeriodSeconds"] = grace_period_seconds
        await self._call("DELETE", ref.path(namespace, name), body=body)

    async def apply(
        self,
        ref: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        field_manager: str,
        force: bool = True,
        subresource: str | None = None,
    ) -> JsonObject:
        """Server-side apply: own exactly the fields of ``body``, which needs apiVersion and kind.

        Creates the object when it is absent; an absent object of a subresource raises NotFound. A
        ``resourceVersion`` in the body's metadata is a precondition, and the only guard against another object that
        has taken the name: on a status the API server ignores a different uid. Raises Conflict then, or, without
        ``force``, when another manager owns a field.
        """
        query = {"fieldManager": field_manager, "force": "true" if force else "false"}
        path = ref.path(namespace, name, subresource)
        return await self._call("PATCH", path, query=query, body=body, content_type=APPLY_PATCH)

    async def merge_patch(
        self,
        ref: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str | None = None,
        field_manager: str | None = None,
    ) -> JsonObject:
        """JSON merge patch; a null deletes its key."""
        query = {"fieldManager": field_manager} if field_manager else {}
        path = ref.path(namespace, name, subresource)
        return await self._call("PATCH", path, query=query, body=body, content_type=MERGE_PATCH)

    async def post(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """POST to a path of the API, for what is asked rather than stored: TokenReview, SubjectAccessReview."""
        return await self._call("POST", path, body=body)

    async def get_path(self, path: str) -> JsonObject:
        """GET of a path of the API that answers with JSON, such as ``/version``."""
        return await self._call("GET", path)

    # The wire ---------------------------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        async with self._open(method, path, query=query, body=body, content_type=content_type) as response:
            with as_unavailable(method, path):
                data = await response.read()
        return parse_answer(data, f"{method} {path}")

    async def _read_at_most(self, path: str, query: Mapping[str, str], max_bytes: int | None) -> bytes | None:
        """The answer to a list; None if it is longer, and then its rest is not taken in."""
        async with self._open("GET", path, query=query, use="list") as response:
            with as_unavailable("GET", path):
                parts, size = [], 0
                async for part in response.content.iter_any():
                    parts.append(part)
                    size += len(part)
                    if max_bytes is not None and size > max_bytes:
                        response.close()
                        return None
        return b"".join(parts)

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        use: Use = "call",
    ) -> AsyncIterator["ClientResponse"]:
        """An answer below 400; a call refused with 401 is made once more with credentials loaded again."""
        target = path + "?" + urlencode({key: value for key, value in (query or {}).items() if value})
        for last in (False, True):
            loaded_at = self._connection.loaded_at
            response = await self._send(method, target, body, content_type, use)
            try:
                if response.status < 400:
                    yield response
                    return
                with as_unavailable(method, path):
                    data = await response.read()
            finally:
                response.close() if use == "watch" else response.release()
            error = error_from_response(response.status, response.reason, data, response.headers.get("Retry-After"))
            if last or not isinstance(error, Unauthorized):
                raise error
            await self._connection.refresh(loaded_at)

    async def _send(
        self, method: str, target: str, body: Mapping[str, Any] | None, content_type: str, use: Use
    ) -> "ClientResponse":
        from aiohttp import ClientTimeout  # noqa: PLC0415 - comes with the kubernetes package

        sessions, headers = await self._connection.sessions()
        api = sessions.calls if use == "call" else sessions.following
        limits = self._timeouts
        headers |= {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # within a cluster, packing costs more than it saves
            "Content-Type": content_type,
            "User-Agent": self._user_agent,
        }
        timeout = ClientTimeout(
            total=None if use == "watch" else limits.request,
            sock_connect=limits.connect,
        )
        with as_unavailable(method, target.partition("?")[0]):
            async with asyncio.timeout(limits.request):
                response = await api.rest_client.request(  # type: ignore[no-untyped-call]
                    method,
                    api.configuration.host + target,
                    headers=headers,
                    body=None if body is None else dict(body),
                    _request_timeout=timeout,
                )
        return cast("ClientResponse", response.response)
