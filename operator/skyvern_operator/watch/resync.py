"""Compares full lists of the tasks with what their watches delivered: repairs lost deletions, finds dead watches.

After a 410 kopf lists again and does not report deletions, and a watch of it may stop without an error
(nolar/kopf#1276).
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Final

from skyvern_crds.client import SKYVERNTASKS, ClusterClient, ClusterError, Reflector
from skyvern_crds.stored import read_metadata
from skyvern_operator.errors import DeadWatchError, RestoredError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import PodRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.task_streams import TaskStream, TaskStreams

logger = logging.getLogger(__name__)

LAG_SECONDS: Final = 15.0
"""How late a watch may be."""
RECHECK_SECONDS: Final = 30.0
"""Pause before the next list, after one in which something was missing."""
STRIKES_TO_RESTART: Final = 2
STRIKES_TO_END: Final = 4
"""Lists in a row that show what the watch lacks, without an event in between: a watch that is late is not dead."""


@dataclass(slots=True)
class Listed:
    """A complete list of the tasks of one stream."""

    versions: dict[str, int] = field(default_factory=dict)
    as_of: int = 0


@dataclass(slots=True)
class _Seen:
    """What was found at the last list of a stream."""

    events: int = 0
    strikes: int = 0
    as_of: int = 0


class Resync:
    """Lists the tasks periodically and compares. Pods need no list: their reflector repairs itself."""

    def __init__(
        self,
        client: ClusterClient,
        store: Store,
        intake: Intake,
        pods: Reflector[PodRecord | None],
        metrics: Metrics,
        *,
        streams: TaskStreams,
        every_seconds: float,
        lag_seconds: float = LAG_SECONDS,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        self._client = client
        self._store = store
        self._intake = intake
        self._pods = pods
        self._metrics = metrics
        self._seen = {stream: _Seen() for stream in streams.by_scope.values()}
        self._every = every_seconds
        self._lag = lag_seconds
        self._recheck = recheck_seconds

    async def run(self) -> None:
        """Compare until canceled. Begins a dead watch again; raises DeadWatchError if that does not help."""
        while True:
            suspicious = any(seen.strikes for seen in self._seen.values())
            await asyncio.sleep(self._recheck if suspicious else self._every)
            await self.compare()

    async def compare(self) -> None:
        """List every open stream, and compare. A namespace that cannot be listed is left for the next time."""
        lists: dict[TaskStream, Listed] = {}
        for stream in [stream for stream in self._seen if stream.opened.is_set()]:
            try:
                lists[stream] = await self.take_in(stream)
            except ClusterError as error:
                logger.warning("%s cannot be checked: %s", stream, error)
        await asyncio.sleep(self._lag)  # a watch that is merely late delivers deletions with the last state
        for stream, listed in lists.items():
            self._drop_absent(stream, listed)
            self._judge(stream, listed)
        self._compare_pods()

    async def take_in(self, stream: TaskStream) -> Listed:
        """Take in every task of a stream. Raises RestoredError if they are older than what has been seen."""
        listed = Listed()
        async for page in self._client.list_pages(SKYVERNTASKS, stream.namespace):
            listed.as_of = int(page.resource_version)
            if listed.as_of < self._seen[stream].as_of:
                self._restored(f"a list is of version {listed.as_of}, after one of {self._seen[stream].as_of}")
            if not stream.opened.is_set():  # from then on its watch has to show that it is alive
                stream.heard()
            for obj in page.items:
                meta = read_metadata(obj)
                listed.versions[meta.uid] = meta.resource_version
                self._intake.listed_task(obj)
        for task in self._store.tasks():
            if listed.versions.get(task.uid, task.version) < task.version <= listed.as_of:
                self._restored(f"{task.key} was at {task.version} before version {listed.as_of}, and is older now")
        self._seen[stream].as_of = listed.as_of
        self._metrics.resynced.set(time.time())
        return listed

    def _restored(self, what: str) -> None:
        raise RestoredError(f"the cluster went back to an older state, restarting to take it in: {what}")

    def _drop_absent(self, stream: TaskStream, listed: Listed) -> None:
        for task in list(self._store.tasks()):
            covered = stream.namespace in (None, task.key.namespace)
            if covered and task.uid not in listed.versions and task.version <= listed.as_of:
                self._intake.absent_task(task)

    def _judge(self, stream: TaskStream, listed: Listed) -> None:
        """Dead is a watch that has delivered nothing at all since the last list, while the list shows changes."""
        seen, missed = self._seen[stream], len(stream.log.missing(listed.versions))
        stream.log.forget_absent(listed.versions, listed.as_of)
        late = stream.log.events != seen.events
        seen.events = stream.log.events
        seen.strikes = seen.strikes + 1 if missed and not late and stream.error is None else 0
        if missed:
            self._metrics.missed.labels("tasks").inc(missed)
            logger.warning("%s has not delivered %d listed objects (%s)", stream, missed, stream.error or "late")
        if seen.strikes >= STRIKES_TO_END:
            raise DeadWatchError(f"{stream} is dead: nothing was delivered between {seen.strikes} lists with changes")
        if seen.strikes == STRIKES_TO_RESTART:
            stream.restart()

    def _compare_pods(self) -> None:
        """The reflector never hears of a pod that came and went while it could not watch; the store knows it from the
        answer to its creation."""
        for pod in list(self._store.pods()):
            cached, stream = self._pods.get(pod.namespace, pod.name), self._pods.stream(pod.namespace)
            position = stream.position if stream is not None else None
            if (cached is None or cached.uid != pod.uid) and position is not None and pod.version <= position:
                self._intake.absent_pod(pod)
        for known in list(self._pods.values()):
            if known is not None:
                self._intake.known_pod(known)
