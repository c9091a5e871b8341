"""A shim around three gaps of kopf: whatever ends one watch ends the operator, no pause follows a watch that ends, and
every event takes a long way.

That is so for a namespace whose Role has been taken away (403), for an error in the stream other than 410, and for a
line that cannot be parsed. kopf has no setting for it, so its function that yields the events of one namespace for
ever is put under the care of a TaskStream, which calls it again. Its function that makes one request for a watch fails
when the answer ends at once, so that the TaskStream pauses; kopf would ask again without any pause. And before kopf
calls the handler, it looks for causes of four kinds in an event. Most events are the echo of our own writes: the
TaskStream keeps those to itself.
"""

import functools
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Final

from kopf._cogs.clients import errors, watching
from kopf._core.reactor import queueing

from skyvern_operator.errors import SetupError
from skyvern_operator.watch.task_streams import TaskStreams

_Watch = Callable[..., AsyncGenerator[Any, None]]
_FOR_EVER: Final = "infinite_watch"
_ONCE: Final = "watch_objs"
QUICK_END_SECONDS: Final = 1.0
"""As for the reflector."""
_REASONS: Final = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Gone", 429: "TooManyRequests"}


class QuickEndError(Exception):
    """A watch ended at once and brought nothing."""


@contextmanager
def kept_alive(streams: TaskStreams, is_known: Callable[[Any], bool]) -> Iterator[None]:
    """Let the streams keep kopf's watches alive, and leave out the events that are known already.

    Raises SetupError when this version of kopf has no such places.
    """
    for_ever, once = getattr(watching, _FOR_EVER, None), getattr(watching, _ONCE, None)
    if for_ever is None or once is None or getattr(queueing, "watching", None) is not watching:
        raise SetupError(f"this version of kopf has no {watching.__name__}.{_FOR_EVER} or {_ONCE}: install kopf 1.45")
    setattr(watching, _FOR_EVER, functools.partial(_watch, for_ever, streams, is_known))
    setattr(watching, _ONCE, functools.partial(_watch_once, once))
    try:
        yield
    finally:
        setattr(watching, _FOR_EVER, for_ever)
        setattr(watching, _ONCE, once)


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


def reason_of(error: Exception) -> str:
    """A word for what ended a watch; there are few of them."""
    if isinstance(error, errors.APIError):
        return _REASONS.get(error.status, f"Status{error.status}")
    if isinstance(error, watching.WatchingError):
        return "ErrorEvent"
    if isinstance(error, QuickEndError):
        return "QuickEnd"
    return "BadStream" if isinstance(error, ValueError | LookupError | TypeError) else type(error).__name__
