"""A shim around four gaps of kopf, for which it has no settings.

- Whatever ends one watch ends the operator: a namespace whose Role has been taken away (403), an error in the stream
  other than 410, a line that cannot be parsed. So its function that yields the events of one namespace for ever is put
  under the care of a TaskStream, which calls it again.
- No pause follows a watch that ends at once. So its function that makes one request for a watch fails then.
- Before it calls the handler, it looks for causes of four kinds in an event. Most events are the echo of our own
  writes, so the TaskStream keeps those to itself.
- Its lists come in pages of so many objects, however large they are, and the first one repeats what has been listed a
  moment before. So the client lists instead, in pages of few bytes, and the first watch begins after the list before.
"""

import functools
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Final

from kopf._cogs.clients import errors, fetching, watching
from kopf._core.reactor import queueing

from skyvern_crds.client import SKYVERNTASKS, ClusterClient, ClusterError, JsonObject
from skyvern_operator.errors import SetupError
from skyvern_operator.watch.task_streams import TaskStreams

_Watch = Callable[..., AsyncGenerator[Any, None]]
_FOR_EVER: Final = "infinite_watch"
_ONCE: Final = "watch_objs"
_LIST: Final = "fetch_objs"
QUICK_END_SECONDS: Final = 1.0
"""As for the reflector."""
_REASONS: Final = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Gone", 429: "TooManyRequests"}


class QuickEndError(Exception):
    """A watch ended at once and brought nothing."""


@contextmanager
def kept_alive(client: ClusterClient, streams: TaskStreams, is_known: Callable[[Any], bool]) -> Iterator[None]:
    """Let the streams keep kopf's watches alive, without the events that are known already, and the client list.

    Raises SetupError when this version of kopf has no such places.
    """
    places = ((watching, _FOR_EVER), (watching, _ONCE), (fetching, _LIST))
    missing = [f"{module.__name__}.{name}" for module, name in places if not hasattr(module, name)]
    if missing or getattr(queueing, "watching", None) is not watching or watching.fetching is not fetching:
        raise SetupError(f"this version of kopf lacks {', '.join(missing) or queueing.__name__}: install kopf 1.45")
    for_ever, once, listed = (getattr(module, name) for module, name in places)
    setattr(watching, _FOR_EVER, functools.partial(_watch, for_ever, streams, is_known))
    setattr(watching, _ONCE, functools.partial(_watch_once, once))
    setattr(fetching, _LIST, functools.partial(_list, client, streams))
    try:
        yield
    finally:
        setattr(watching, _FOR_EVER, for_ever)
        setattr(watching, _ONCE, once)
        setattr(fetching, _LIST, listed)


def _watch(
    original: _Watch, streams: TaskStreams, is_known: Callable[[Any], bool], *, namespace: str | None, **options: Any
) -> AsyncGenerator[Any, None]:
    """As kopf's ``infinite_watch``."""
    stream = streams.of(namespace)
    return stream.events(functools.partial(original, namespace=namespace, **options), reason_of, is_known)


async def _watch_once(original: _Watch, **options: Any) -> AsyncGenerator[Any, None]:
    """As kopf's ``watch_objs``. Raises QuickEndError."""
    began, heard = time.monotonic(), False
    async with aclosing(original(**options)) as events:
        async for event in events:
            heard = True
            yield event
    if not heard and time.monotonic() - began < QUICK_END_SECONDS:
        raise QuickEndError("the watch ended at once and brought nothing")


async def _list(
    client: ClusterClient, streams: TaskStreams, *, namespace: str | None, **_options: Any
) -> AsyncGenerator[tuple[list[JsonObject], str], None]:
    """As kopf's ``fetch_objs``: pages of objects, each with the version of the list."""
    version = streams.of(namespace).take_listed()
    if version is not None:
        yield [], str(version)
        return
    async with aclosing(client.list_pages(SKYVERNTASKS, namespace)) as pages:
        async for page in pages:
            yield page.items, page.resource_version


def reason_of(error: Exception) -> str:
    """A word for what ended a watch; there are few of them."""
    if isinstance(error, ClusterError):
        return error.reason
    if isinstance(error, errors.APIError):
        return _REASONS.get(error.status, f"Status{error.status}")
    if isinstance(error, watching.WatchingError):
        return "ErrorEvent"
    if isinstance(error, QuickEndError):
        return "QuickEnd"
    return "BadStream" if isinstance(error, ValueError | LookupError | TypeError) else type(error).__name__
