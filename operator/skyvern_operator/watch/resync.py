"""Compares full lists with what the watches delivered: repairs lost deletions and detects a dead watch.

After a 410 kopf lists again and does not report deletions, and it does not restart a watch task that failed, although
the process looks alive (nolar/kopf#1276). The process keeps no state, so the remedy is to end and be restarted.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from skyvern_crds.client import PODS, SKYVERNTASKS, ClusterClient, ClusterError, JsonObject, NotFound, Resource
from skyvern_crds.stored import read_metadata
from skyvern_crds.vocabulary import CRD_NAME
from skyvern_operator.errors import DeadWatchError, SetupError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import POD_SELECTOR
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake

logger = logging.getLogger(__name__)

LAG_SECONDS: Final = 15.0
"""How late a watch may be."""
RECHECK_SECONDS: Final = 30.0
"""Pause before the next list, after one in which something was missing."""
_FIRST_PAUSES: Final = (0.5, 1, 2, 4, 8, 15)


@dataclass(slots=True)
class _Listed:
    """A complete list of one kind."""

    versions: dict[str, int] = field(default_factory=dict)
    as_of: int = 0


class Resync:
    """Lists both kinds periodically and compares."""

    def __init__(
        self,
        client: ClusterClient,
        store: Store,
        intake: Intake,
        metrics: Metrics,
        namespaces: Sequence[str] | None,
        *,
        every_seconds: float,
        lag_seconds: float = LAG_SECONDS,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        """``namespaces`` None means all of them."""
        self._client = client
        self._store = store
        self._intake = intake
        self._metrics = metrics
        self._scopes: Sequence[str | None] = namespaces if namespaces is not None else [None]
        self._every = every_seconds
        self._lag = lag_seconds
        self._recheck = recheck_seconds
        self.synced = asyncio.Event()

    async def first(self) -> None:
        """Take in every object. Retries while the API server is unavailable; raises SetupError without the CRD."""
        for pause in (*_FIRST_PAUSES, None):
            try:
                await self._list()
                break
            except NotFound as error:
                raise SetupError(f"the cluster has no {CRD_NAME}: install the CRD (the chart does)") from error
            except ClusterError as error:
                if pause is None:
                    raise SetupError(f"the API server is unavailable: {error}") from error
                logger.warning("waiting for the API server: %s", error)
                await asyncio.sleep(pause)
        self.synced.set()

    async def run(self) -> None:
        """Compare until canceled. Raises DeadWatchError if a watch lacks objects of two lists in a row."""
        strikes = {"tasks": 0, "pods": 0}
        while True:
            await asyncio.sleep(self._recheck if any(strikes.values()) else self._every)
            try:
                missed = await self.compare()
            except ClusterError as error:
                logger.warning("the list failed and will be retried: %s", error)
                continue
            for kind, count in missed.items():
                strikes[kind] = strikes[kind] + 1 if count else 0
                if strikes[kind] >= 2:
                    raise DeadWatchError(
                        f"the watch of {kind} is dead: {count} objects of two lists in a row were not delivered"
                    )

    async def compare(self) -> dict[str, int]:
        """Take in a full list and drop what it no longer has. Returns how many objects each watch has missed."""
        tasks, pods = await self._list()
        await asyncio.sleep(self._lag)  # a watch that is merely late delivers deletions with the last state
        self._drop_absent(tasks, pods)
        missed = {}
        for kind, log, listed in (("tasks", self._intake.tasks, tasks), ("pods", self._intake.pods, pods)):
            missed[kind] = len(log.missing(listed.versions))
            log.forget_absent(listed.versions, listed.as_of)
            if missed[kind]:
                self._metrics.missed.labels(kind).inc(missed[kind])
                logger.warning("the watch of %s has not delivered %d listed objects", kind, missed[kind])
        return missed

    async def _list(self) -> tuple[_Listed, _Listed]:
        # Pods first: when a task is taken in, its pod is already there and does not seem to have vanished.
        pods = await self._take_in(PODS, POD_SELECTOR, self._intake.listed_pod)
        tasks = await self._take_in(SKYVERNTASKS, "", self._intake.listed_task)
        self._metrics.resynced.set(time.time())
        return tasks, pods

    def _drop_absent(self, tasks: _Listed, pods: _Listed) -> None:
        for pod in list(self._store.pods()):
            if pod.uid not in pods.versions and pod.version <= pods.as_of:
                self._intake.absent_pod(pod)
        for task in list(self._store.tasks()):
            if task.uid not in tasks.versions and task.version <= tasks.as_of:
                self._intake.absent_task(task)

    async def _take_in(self, kind: Resource, selector: str, put: Callable[[JsonObject], None]) -> _Listed:
        listed, moments = _Listed(), []
        for namespace in self._scopes:
            moment = 0
            async for page in self._client.list_pages(kind, namespace, label_selector=selector):
                moment = int(page.resource_version)
                for obj in page.items:
                    meta = read_metadata(obj)
                    listed.versions[meta.uid] = meta.resource_version
                    put(obj)
            moments.append(moment)
        listed.as_of = min(moments, default=0)
        return listed
