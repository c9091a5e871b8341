"""The watch of tasks of each namespace, kept alive on its own: one that fails is begun again, and no other notices."""

import asyncio
import functools
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from skyvern_crds.backoff import full_jitter
from skyvern_operator.watch.delivery_log import DeliveryLog

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 200.0
"""Without any event. The API server sends a bookmark about every minute, and kopf reopens a silent watch after 90 s."""
BUFFER: Final = 1000
"""Events read ahead of kopf's workers."""
MAX_ERROR: Final = 300
"""Characters kept of why a watch failed: a whole object may stand in it."""
REFUSED: Final = frozenset({"Forbidden", "NotFound"})
"""Reasons that concern one namespace and may last: its Role, the namespace itself or the kind is missing."""

logger = logging.getLogger(__name__)


class TaskStream:
    """The watch of one namespace, or of all."""

    def __init__(self, namespace: str | None, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self.namespace = namespace
        self.log = DeliveryLog()
        self.opened = asyncio.Event()
        """Set once the pods and tasks of the namespace have been listed: the watch begins then."""
        self.error: str | None = None
        """Why the last list or watch failed, until one goes well."""
        self.refusal: str | None = None
        """``error`` as a word, if it is one of ``REFUSED``."""
        self.heard_at = self.active_at = time.monotonic()
        self.restarts: Counter[str] = Counter()
        """How often the watch was begun again, by reason."""
        self._listed: int | None = None
        self._failures = 0
        self._silence = silence_seconds
        self._attempt: asyncio.Task[None] | None = None

    def __str__(self) -> str:
        return f"the watch of tasks in {self.namespace or 'all namespaces'}"

    @property
    def age(self) -> float:
        """Seconds since the server was last heard of."""
        return time.monotonic() - self.heard_at

    @property
    def idle(self) -> float:
        """Seconds since the server was heard of or could not be: while the watch is alive, one of both happens."""
        return time.monotonic() - max(self.heard_at, self.active_at)

    def begin(self, version: int, objects: Mapping[str, int]) -> None:
        """Let the watch begin after a list of this version, which showed objects, by uid, in their versions."""
        for uid, each in objects.items():
            self.log.saw(uid, each)
        self._listed = version
        self.heard()
        self.opened.set()

    def take_listed(self) -> int | None:
        """The version of the list after which the watch begins, once; None when everything must be listed again."""
        version, self._listed = self._listed, None
        return version

    def heard(self) -> None:
        """The server has answered with a list or an event."""
        self.heard_at = time.monotonic()
        self.error = self.refusal = None

    def failed(self, reason: str, message: str) -> float:
        """Count a failure. Returns for how many seconds to pause."""
        self._failures += 1
        self.restarts[reason] += 1
        self.active_at = time.monotonic()
        self.error, self.refusal = f"{message[:MAX_ERROR]} ({reason})", reason if reason in REFUSED else None
        pause = full_jitter(self._failures, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        logger.warning("%s: %s; trying again in %.1f s (failure %d)", self, self.error, pause, self._failures)
        return pause

    def restart(self) -> None:
        """Give up the present attempt and begin again."""
        if self._attempt is not None:
            self._attempt.cancel()

    async def events(
        self,
        watch: Callable[[], AsyncGenerator[Any, None]],
        reason_of: Callable[[Exception], str],
        is_known: Callable[[Any], bool] = lambda _event: False,
    ) -> AsyncGenerator[Any, None]:
        """What ``watch`` yields, once the stream is open; ``watch`` is called again whenever it ends or raises.

        It yields as kopf does: listed objects with the type None, changes and bookmarks with theirs. What is known
        already is left out.
        """
        queue: asyncio.Queue[Any] = asyncio.Queue(BUFFER)
        read = functools.partial(self._read, watch, is_known, queue)
        keeper = asyncio.create_task(self._keep(read, reason_of), name=str(self))
        try:
            while True:
                yield await queue.get()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _keep(self, read: Callable[[], Coroutine[Any, Any, None]], reason_of: Callable[[Exception], str]) -> None:
        await self.opened.wait()
        while True:
            self._attempt = asyncio.create_task(read(), name=f"{self} (attempt)")
            try:
                await asyncio.wait({self._attempt})
            finally:  # it must end before the next one begins, and with this task
                self._attempt.cancel()
                [outcome] = await asyncio.gather(self._attempt, return_exceptions=True)
            if isinstance(outcome, TimeoutError):
                pause = self.failed("Silent", "no event, not even a bookmark")
            elif isinstance(outcome, Exception):
                pause = self.failed(reason_of(outcome), str(outcome))
            elif outcome is None:
                pause = self.failed("Ended", "the watch ended")
            else:
                pause = self.failed("Dead", "what lists show is not delivered")
            await asyncio.sleep(pause)

    async def _read(
        self,
        watch: Callable[[], AsyncGenerator[Any, None]],
        is_known: Callable[[Any], bool],
        queue: asyncio.Queue[Any],
    ) -> None:
        async with aclosing(watch()) as events:
            while True:
                async with asyncio.timeout(self._silence):
                    event = await anext(events, None)
                if event is None:
                    return
                self.heard()
                if isinstance(event, dict) and event.get("type") is not None:
                    self._failures = 0  # not for a listed object: lists may succeed while the watch never does
                if not is_known(event):
                    await queue.put(event)


class TaskStreams:
    """The streams of all namespaces that are watched."""

    def __init__(self, namespaces: Sequence[str] | None, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        """``namespaces`` None means all of them, in one stream."""
        scopes: Sequence[str | None] = [None] if namespaces is None else list(dict.fromkeys(namespaces))
        self.by_scope = {scope: TaskStream(scope, silence_seconds=silence_seconds) for scope in scopes}

    def of(self, namespace: str | None) -> TaskStream:
        """The stream that covers a namespace. Raises KeyError for one that is not watched."""
        return self.by_scope.get(None) or self.by_scope[namespace]
