"""A shim around a gap of kopf: whatever ends one watch ends the operator.

That is so for a namespace whose Role has been taken away (403), for an error in the stream other than 410, and for a
line that cannot be parsed. kopf has no setting for it, so its function that yields the events of one namespace for
ever is put under the care of a TaskStream, which calls it again.
"""

import functools
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kopf._cogs.clients import errors, watching
from kopf._core.reactor import queueing

from skyvern_operator.errors import SetupError
from skyvern_operator.watch.task_streams import TaskStreams

_Watch = Callable[..., AsyncGenerator[Any, None]]
_PLACE: Final = "infinite_watch"
_REASONS: Final = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Gone", 429: "TooManyRequests"}


@contextmanager
def kept_alive(streams: TaskStreams) -> Iterator[None]:
    """Let the streams keep kopf's watches alive. Raises SetupError when this version of kopf has no such place."""
    original = getattr(watching, _PLACE, None)
    if original is None or getattr(queueing, "watching", None) is not watching:
        raise SetupError(f"this version of kopf has no {watching.__name__}.{_PLACE}: install kopf 1.45")
    setattr(watching, _PLACE, functools.partial(_watch, original, streams))
    try:
        yield
    finally:
        setattr(watching, _PLACE, original)


def _watch(
    original: _Watch, streams: TaskStreams, *, namespace: str | None, **options: Any
) -> AsyncGenerator[Any, None]:
    """As kopf's ``infinite_watch``."""
    stream = streams.of(namespace)
    return stream.events(functools.partial(original, namespace=namespace, **options), reason_of)


def reason_of(error: Exception) -> str:
    """A word for what ended a watch; there are few of them."""
    if isinstance(error, errors.APIError):
        return _REASONS.get(error.status, f"Status{error.status}")
    if isinstance(error, watching.WatchingError):
        return "ErrorEvent"
    return "BadStream" if isinstance(error, ValueError | LookupError | TypeError) else type(error).__name__
