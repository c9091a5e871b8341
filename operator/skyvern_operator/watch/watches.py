"""All that is watched: the tasks by kopf, the pods by a reflector, and the lists that check kopf."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Self

from skyvern_crds.client import PODS, ClusterClient, Reflector
from skyvern_operator.errors import SetupError
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import pod_record
from skyvern_operator.state.records import POD_SELECTOR, PodRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.kopf_adapter import registry, watch
from skyvern_operator.watch.resync import FIRST_PAUSES, Resync

logger = logging.getLogger(__name__)


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
    ) -> None:
        """``namespaces`` None means all of them."""
        self._namespaces = namespaces
        self._intake = Intake(store, metrics)
        # Its cache holds the very records that the store holds, so a pod is in memory once.
        self._pods: Reflector[PodRecord | None] = Reflector(
            client, PODS, namespaces, POD_SELECTOR, pod_record, self._intake.pod_change
        )
        self._resync = Resync(
            client, store, self._intake, self._pods, metrics, namespaces=namespaces, every_seconds=resync_seconds
        )
        self._tasks: list[asyncio.Task[None]] = []
        self.synced = asyncio.Event()
        """Set once every object has been taken in."""

    async def __aenter__(self) -> Self:
        self._tasks.append(asyncio.create_task(self._pods.run(), name="pods"))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def first(self) -> None:
        """Take in every object. Raises SetupError when that is impossible.

        Pods first: when a task is taken in, its pod is already there and does not seem to have vanished.
        """
        for scope in self._namespaces if self._namespaces is not None else [None]:
            await self._first_pods(scope)
        await self._resync.first()
        self.synced.set()

    async def run(self) -> None:
        """Watch until a signal ends kopf. Raises what ended a watch."""
        self._tasks += [
            asyncio.create_task(self._resync.run(), name="resync"),
            asyncio.create_task(watch(registry(self._intake), self._namespaces), name="kopf"),
        ]
        ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()

    async def _first_pods(self, scope: str | None) -> None:
        for pause in FIRST_PAUSES:
            try:
                async with asyncio.timeout(pause):
                    return await self._pods.listed(scope)
            except TimeoutError:
                logger.warning("waiting for the list of pods: %s", self._pods.error(scope) or "no answer yet")
        raise SetupError(f"pods cannot be listed: {self._pods.error(scope) or 'no answer'}")
