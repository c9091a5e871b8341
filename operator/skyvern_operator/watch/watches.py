"""All that is watched: the tasks by kopf, the pods by a reflector, and the lists that check kopf.

Each namespace is on its own: one that is gone or forbidden is tried again and again, and the others never notice.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, ClusterError, NotFound, Reflector
from skyvern_crds.vocabulary import CRD_NAME
from skyvern_operator.errors import RestoredError, SetupError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.process.watch_metrics import WatchState
from skyvern_operator.state.parsing import pod_record
from skyvern_operator.state.records import POD_SELECTOR, PodRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.kopf_adapter import EXIT_SECONDS, watch
from skyvern_operator.watch.resync import Resync
from skyvern_operator.watch.task_streams import REFUSED, SILENCE_SECONDS, TaskStream, TaskStreams

logger = logging.getLogger(__name__)

FIRST_PAUSES: Final = (0.5, 1, 2, 4, 8, 15)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of silence, and what they mean."""

    silence: float = SILENCE_SECONDS
    """Without an event, a watch of tasks is begun again. The reflector's is its client's ``Timeouts.silence``."""
    stale: float = 180.0
    """What is known is no longer current: three bookmarks are missing."""
    stuck: float = 420.0
    """Without an event or a failure, only a new process helps: a watch lasts 270 s at most."""
    page: float = 30.0
    """A list of which no page came for so long does not go on: the client gives a page up then."""
    start: Sequence[float] = FIRST_PAUSES
    """Pauses in which the start looks whether every namespace has answered; then it begins without those that have not.
    The last one is repeated while none has, and a list goes on."""


class Watches:
    """Keeps the store current. Enter it, call :meth:`first`, then :meth:`run`; leaving it ends the watches."""

    def __init__(
        self,
        client: ClusterClient,
        store: Store,
        metrics: Metrics,
        namespaces: Sequence[str] | None,
        *,
        resync_seconds: float,
        patience: Patience | None = None,
        exit_seconds: float | None = EXIT_SECONDS,
    ) -> None:
        """``namespaces`` None means all of them. ``exit_seconds``: as for kopf_adapter.watch."""
        self._client = client
        self._namespaces = namespaces
        self._exit_seconds = exit_seconds
        self._patience = patience or Patience()
        self._streams = TaskStreams(namespaces, silence_seconds=self._patience.silence)
        self._intake = Intake(store, metrics, self._streams)
        # Its cache holds the very records that the store holds, so a pod is in memory once.
        self._pods: Reflector[PodRecord | None] = Reflector(
            client, PODS, namespaces, POD_SELECTOR, pod_record, self._intake.pod_change
        )
        self._resync = Resync(
            client, store, self._intake, self._pods, metrics, streams=self._streams, every_seconds=resync_seconds
        )
        self._parts: list[asyncio.Task[None]] = []
        self._started = False
        metrics.watch_streams(self.state)

    async def __aenter__(self) -> Self:
        self._parts.append(asyncio.create_task(self._pods.run(), name="pods"))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for part in self._parts:
            part.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)

    async def first(self) -> None:
        """Take in every object of the namespaces that answer. Raises SetupError when that is impossible."""
        self._parts.append(asyncio.create_task(self._open_all(), name="namespaces"))
        served = False
        for pause in itertools.chain(self._patience.start, self._pauses_of_long_lists()):
            served = served or await self._is_served()
            await self._wait_for_streams(pause)
            for part in self._parts:
                if part.done():
                    part.result()
            if served and all(self._is_settled(stream) for stream in self._streams.by_scope.values()):
                break
        closed = [stream for stream in self._streams.by_scope.values() if not stream.opened.is_set()]
        troubles = "; ".join(self.troubles()) or "it does not answer"
        if not served or (closed and not any(map(self._is_settled, self._streams.by_scope.values()))):
            raise SetupError(f"the API server is unavailable: {troubles}")
        if closed:
            logger.warning("starting without %d of the namespaces: %s", len(closed), troubles)
        self._started = True

    async def run(self) -> None:
        """Watch until a signal ends kopf. Raises what ended a watch."""
        kopf = watch(self._client, self._intake, self._streams, self._namespaces, exit_seconds=self._exit_seconds)
        self._parts += [
            asyncio.create_task(self._resync.run(), name="resync"),
            asyncio.create_task(kopf, name="kopf"),
            asyncio.create_task(self._end_when_restored(), name="restored"),
        ]
        ended, _ = await asyncio.wait(self._parts, return_when=asyncio.FIRST_COMPLETED)
        for part in ended:
            part.result()

    # How it goes -------------------------------------------------------------------------------------------------

    def not_ready(self) -> str | None:
        """Why the store does not show what is; None when it does, but for namespaces that refuse."""
        if not self._started:
            return "the first list is not complete"
        streams = self._streams.by_scope.values()
        if all(self._refusal(stream) for stream in streams):
            return "no namespace can be read: " + "; ".join(self.troubles())
        for stream in streams:
            age = max(stream.age, self._pods.streams[stream.namespace].age)
            if self._refusal(stream) is None and age > self._patience.stale:
                return f"nothing was heard of {stream.namespace or 'the watches'} for {age:.0f} s"
        return None

    def stuck(self) -> str | None:
        """Which watch neither delivers nor fails, so that only a new process helps."""
        for stream in self._streams.by_scope.values():
            for name, idle in (("tasks", stream.idle), ("pods", self._pods.streams[stream.namespace].idle)):
                if self._started and stream.opened.is_set() and idle > self._patience.stuck:
                    return f"the watch of {name} in {stream.namespace or 'all namespaces'} is stuck for {idle:.0f} s"
        return None

    def troubles(self) -> Iterator[str]:
        """The namespaces that cannot be watched now, each with the reason."""
        for stream in self._streams.by_scope.values():
            error = self._pods.streams[stream.namespace].error or stream.error
            if error is not None:
                yield f"{stream.namespace or 'all namespaces'}: {error}"

    def state(self) -> WatchState:
        """Values of the metrics."""
        healthy = [stream for stream in self._streams.by_scope.values() if self._refusal(stream) is None]
        return WatchState(
            silence={
                "tasks": max((stream.age for stream in healthy), default=0.0),
                "pods": max((self._pods.streams[stream.namespace].age for stream in healthy), default=0.0),
            },
            restarts={
                "tasks": sum((stream.restarts for stream in self._streams.by_scope.values()), Counter()),
                "pods": self._pods.restarts,
            },
            unavailable=Counter(filter(None, map(self._refusal, self._streams.by_scope.values()))),
        )

    def _refusal(self, stream: TaskStream) -> str | None:
        error = self._pods.streams[stream.namespace].error
        return error.reason if error is not None and error.reason in REFUSED else stream.refusal

    def _is_settled(self, stream: TaskStream) -> bool:
        return stream.opened.is_set() or self._refusal(stream) is not None

    def _pauses_of_long_lists(self) -> Iterator[float]:
        """Late is not dead: as long as nothing else can be begun with, lists of many objects may take their time."""
        streams = self._streams.by_scope.values()
        while not any(map(self._is_settled, streams)) and any(map(self._is_listing, streams)):
            yield self._patience.start[-1]

    def _is_listing(self, stream: TaskStream) -> bool:
        pods = self._pods.streams[stream.namespace]
        return (stream if pods.listed.is_set() else pods).age < self._patience.page

    # The parts ---------------------------------------------------------------------------------------------------

    async def _open_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for stream in self._streams.by_scope.values():
                group.create_task(self._open(stream), name=f"open {stream.namespace or '*'}")
        await asyncio.get_running_loop().create_future()  # a part that ended would end the others

    async def _open(self, stream: TaskStream) -> None:
        """Take in a namespace for the first time, as soon as it answers.

        Pods first: when a task is taken in, its pod is already there and does not seem to have vanished.
        """
        await self._pods.streams[stream.namespace].listed.wait()
        stream.heard()
        while not stream.opened.is_set():
            try:
                listed = await self._resync.take_in(stream)
            except ClusterError as error:
                await asyncio.sleep(stream.failed(error.reason, error.message))
            else:
                stream.begin(listed.as_of, listed.versions)

    async def _wait_for_streams(self, seconds: float) -> None:
        waits = [asyncio.create_task(stream.opened.wait()) for stream in self._streams.by_scope.values()]
        _, late = await asyncio.wait(waits, timeout=seconds)
        for wait in late:
            wait.cancel()

    async def _is_served(self) -> bool:
        """Whether the API server serves the kind; False while it is not known. Raises SetupError without the CRD."""
        try:
            answer = await self._client.get_path(f"/apis/{SKYVERNTASKS.group}/{SKYVERNTASKS.version}")
            served = any(kind["name"] == SKYVERNTASKS.plural for kind in answer.get("resources") or [])
        except NotFound:
            served = False
        except ClusterError as error:
            logger.warning("waiting for the API server: %s", error)
            return False
        if not served:
            raise SetupError(f"the cluster has no {CRD_NAME}: install the CRD (the chart does)")
        return True

    async def _end_when_restored(self) -> None:
        await self._pods.restored.wait()
        raise RestoredError("the cluster went back to an older state, restarting to take it in: the pods are older")
