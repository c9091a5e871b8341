"""Compares full lists of the tasks with what their watch delivered: repairs lost deletions and detects a dead watch.

After a 410 kopf lists again and does not report deletions, and it does not restart a watch task that failed, although
the process looks alive (nolar/kopf#1276). The process keeps no state, so the remedy is to end and be restarted.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from skyvern_crds.client import SKYVERNTASKS, ClusterClient, ClusterError, NotFound, Reflector
from skyvern_crds.stored import read_metadata
from skyvern_crds.vocabulary import CRD_NAME
from skyvern_operator.errors import DeadWatchError, SetupError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import PodRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake

logger = logging.getLogger(__name__)

LAG_SECONDS: Final = 15.0
"""How late a watch may be."""
RECHECK_SECONDS: Final = 30.0
"""Pause before the next list, after one in which something was missing."""
FIRST_PAUSES: Final = (0.5, 1, 2, 4, 8, 15)
"""Between tries to list for the first time."""


@dataclass(slots=True)
class _Listed:
    """A complete list of the tasks."""

    versions: dict[str, int] = field(default_factory=dict)
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
        namespaces: Sequence[str] | None,
        every_seconds: float,
        lag_seconds: float = LAG_SECONDS,
        recheck_seconds: float = RECHECK_SECONDS,
    ) -> None:
        """``namespaces`` None means all of them."""
        self._client = client
        self._store = store
        self._intake = intake
        self._pods = pods
        self._metrics = metrics
        self._scopes: Sequence[str | None] = namespaces if namespaces is not None else [None]
        self._every = every_seconds
        self._lag = lag_seconds
        self._recheck = recheck_seconds

    async def first(self) -> None:
        """Take in every task. Retries while the API server is unavailable; raises SetupError without the CRD."""
        for pause in (*FIRST_PAUSES, None):
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

    async def run(self) -> None:
        """Compare until canceled. Raises DeadWatchError if the watch lacks objects of two lists in a row."""
        strikes = 0
        while True:
            await asyncio.sleep(self._recheck if strikes else self._every)
            try:
                missed = await self.compare()
            except ClusterError as error:
                logger.warning("the list failed and will be retried: %s", error)
                continue
            strikes = strikes + 1 if missed else 0
            if strikes >= 2:
                raise DeadWatchError(
                    f"the watch of tasks is dead: {missed} objects of two lists in a row were not delivered"
                )

    async def compare(self) -> int:
        """Take in a full list and drop what it no longer has. Returns how many tasks the watch has missed."""
        listed = await self._list()
        await asyncio.sleep(self._lag)  # a watch that is merely late delivers deletions with the last state
        for task in list(self._store.tasks()):
            if task.uid not in listed.versions and task.version <= listed.as_of:
                self._intake.absent_task(task)
        self._compare_pods()
        missed = len(self._intake.tasks.missing(listed.versions))
        self._intake.tasks.forget_absent(listed.versions, listed.as_of)
        if missed:
            self._metrics.missed.labels("tasks").inc(missed)
            logger.warning("the watch of tasks has not delivered %d listed objects", missed)
        return missed

    def _compare_pods(self) -> None:
        """The reflector never hears of a pod that came and went while it could not watch; the store knows it from the
        answer to its creation."""
        for pod in list(self._store.pods()):
            cached, position = self._pods.get(pod.namespace, pod.name), self._pods.position(pod.namespace)
            if (cached is None or cached.uid != pod.uid) and position is not None and pod.version <= position:
                self._intake.absent_pod(pod)
        for known in list(self._pods.values()):
            if known is not None:
                self._intake.known_pod(known)

    async def _list(self) -> _Listed:
        listed, moments = _Listed(), []
        for namespace in self._scopes:
            moment = 0
            async for page in self._client.list_pages(SKYVERNTASKS, namespace):
                moment = int(page.resource_version)
                for obj in page.items:
                    meta = read_metadata(obj)
                    listed.versions[meta.uid] = meta.resource_version
                    self._intake.listed_task(obj)
            moments.append(moment)
        listed.as_of = min(moments, default=0)
        self._metrics.resynced.set(time.time())
        return listed
