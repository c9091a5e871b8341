"""The workers: take a key, look, decide and execute until nothing is left to do for it."""

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from skyvern_crds.client import ClusterError
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.slots.admission import Admission
from skyvern_operator.decision.slots.creation_gate import OPEN, CreationGate
from skyvern_operator.decision.view import Policy, View, holds_slot, wants_slot
from skyvern_operator.errors import ArchiveBusyError, ArchiveError, CreateRetryError, NotLeadingError, StaleRecordError
from skyvern_operator.execution.executor import Executor
from skyvern_operator.execution.webhook.sender import WebhookSender
from skyvern_operator.process.isolation import Where, isolated
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.ended import EndedTasks
from skyvern_operator.state.facts import Facts
from skyvern_operator.state.records import Owner, PodRecord, TaskKey, TaskRecord
from skyvern_operator.state.store import Store
from skyvern_operator.state.work_queue import Choice, WorkQueue

logger = logging.getLogger(__name__)

MAX_PASSES: Final = 8
"""Decisions in a row for one key before other keys get their turn."""
CREATE_PAUSE_SECONDS: Final = 2.0
SETTLE_SECONDS: Final = 0.02
"""Slots freed within this time are handed out together."""


def choice_of(number: int, workers: int) -> Choice:
    """A quarter of the workers is reserved for ends and cancellations, and for another quarter they come last."""
    if number < workers // 4:
        return Choice.URGENT_ONLY
    return Choice.URGENT_LAST if number >= workers - workers // 4 else Choice.URGENT_FIRST


class Reconciler:
    """Moves every task to its end, one pass at a time."""

    def __init__(
        self,
        config: OperatorConfig,
        metrics: Metrics,
        *,
        store: Store,
        queue: WorkQueue,
        gate: CreationGate,
        admission: Admission,
        executor: Executor,
        sender: WebhookSender,
    ) -> None:
        self._store = store
        self._queue = queue
        self._gate = gate
        self._admission = admission
        self._executor = executor
        self._sender = sender
        self._metrics = metrics
        self._workers = config.workers
        self._policy = Policy(
            config.grace_periods, config.default_ttl_seconds, config.ended_pod_seconds, config.sandbox.seccomp_profile
        )
        self._ended = EndedTasks(config.limits.max_ended_per_namespace)
        self._retry_at: dict[TaskKey, float] = {}
        """When each key that has failed is tried again."""
        self._settling: asyncio.TimerHandle | None = None

    def seed(self) -> None:
        """Before the first decision, count the active tasks and line up the others, so that none jumps the line."""
        idle = []
        for task in self._store.tasks():
            with isolated(self._metrics, Where.START, task.key):
                pod = self._store.current_pod(task)
                if holds_slot(task, pod):
                    self._admission.hold(task)
                elif wants_slot(task, pod):
                    idle.append(task)
        for task in idle:
            self._admission.line_up(task)
        self._admission.settle()

    async def run(self) -> None:
        """Work until canceled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(choice_of(number, self._workers)))

    async def _work(self, choice: Choice) -> None:
        while True:
            key, waited = await self._queue.get(choice)
            if self._backs_off(key):
                self._queue.done(key)
                continue
            self._metrics.queued.observe(waited)
            begun = time.perf_counter()
            try:
                await self._reconcile(key)
            except Exception as error:  # noqa: BLE001 - the outermost frame of a task's reconciliation
                self._failed(key, error)
            else:
                self._queue.forget(key)
                self._retry_at.pop(key, None)
            finally:
                self._queue.done(key)
                self._metrics.reconcile.observe(time.perf_counter() - begun)
                self._settle_soon()
            await asyncio.sleep(0)  # a pass that awaits nothing would keep probes and watches from running

    def _failed(self, key: TaskKey, error: Exception) -> None:
        """Retry later. Expected, transient errors are not logged."""
        at_least = 0.0
        if isinstance(error, ClusterError):
            at_least = error.retry_after or 0.0
        elif isinstance(error, CreateRetryError):
            at_least = CREATE_PAUSE_SECONDS
        delay = self._queue.retry(key, at_least=at_least)
        if isinstance(error, StaleRecordError | NotLeadingError | ArchiveBusyError):
            return
        self._retry_at[key] = time.time() + delay
        self._free_ended(key)
        self._metrics.errors.labels(type(error).__name__).inc()
        fields = {"task": str(key), "error": type(error).__name__, "retry_in": round(delay, 2)}
        expected = isinstance(error, ClusterError | CreateRetryError | ArchiveError)
        logger.warning("%s", error, extra={"fields": fields}, exc_info=None if expected else error)

    def _backs_off(self, key: TaskKey) -> bool:
        """Whether the key has failed and its change can wait for its next try, whoever keeps changing its task."""
        retry_at = self._retry_at.get(key)
        if retry_at is None or time.time() >= retry_at or self._store.is_urgent(key):
            return False
        self._queue.wake_at(key, retry_at)
        return True

    async def _reconcile(self, key: TaskKey) -> None:
        for _ in range(MAX_PASSES):
            self._queue.look(key)
            task = self._store.task(key)
            if task is None:
                self._let_go(key)
                self._ended.forget(key)
                return
            for surplus in self._ended.count(task) if task.ended else ():
                self._queue.add(surplus)
            pod, facts, now = self._store.current_pod(task), self._store.facts(task), datetime.now(UTC)
            view = self._ask(self._view(task, pod, facts, now))
            await self._executor.run(task, decide(view))
            if self._knows_nothing_new(task, pod, facts):
                return
        self._queue.add(key)

    def _knows_nothing_new(self, task: TaskRecord, pod: PodRecord | None, facts: Facts) -> bool:
        """Whether another decision would be the same. Records are replaced, never changed, so identity is enough."""
        now, pod_now = self._store.task(task.key), self._store.current_pod(task)
        same = now is task or (now is not None and now.says_the_same_as(task))
        same_pod = pod_now is pod or (pod_now is not None and pod is not None and pod_now.says_the_same_as(pod))
        return same and same_pod and self._store.facts(task) is facts

    def _ask(self, view: View) -> View:
        """Hold the slot of an active task, give one back that is not needed, or ask for one.

        A task in front of a closed gate gives its slot to those that could run.
        """
        task, backoff = view.task, view.backoff_until
        self._free(task.key, but=task.uid)
        if holds_slot(task, view.pod):
            self._gate.forget(task.key)
            self._admission.hold(task)
            return view
        if not wants_slot(task, view.pod) or view.refusal is not None:
            self._let_go(task.key)
            return view
        passage = OPEN if backoff is not None and view.now < backoff else self._gate.ask(task, view.now)
        if not passage.open:
            self._admission.leave(task.key)
            self._admission.release(task.key, task.uid)
            return replace(view, passage=passage)
        return replace(view, passage=passage, admission=self._admission.ask(task))

    def _let_go(self, key: TaskKey) -> None:
        """The task holds nothing any more, and waits for nothing."""
        self._gate.forget(key)
        self._admission.leave(key)
        self._free(key)

    def _free(self, key: TaskKey, *, but: str | None = None) -> None:
        """Free the slots of the tasks of this name but one. A deleted task keeps its slot as long as its pod runs.

        The pod may have been what a quota counted.
        """
        task = self._store.task(key)
        for uid in self._admission.holders(key):
            deleted = task is None or task.uid != uid
            if uid != but and not (deleted and self._store.runs(Owner(key.namespace, uid))):
                self._admission.release(key, uid)
                self._gate.freed(key.namespace, datetime.now(UTC))

    def _view(self, task: TaskRecord, pod: PodRecord | None, facts: Facts, now: datetime) -> View:
        return View(
            task=task,
            pod=pod,
            now=now,
            policy=self._policy,
            refusal=facts.refusal,
            webhook=facts.webhook,
            strays=self._store.other_pods(task),
            webhook_under_way=self._sender.under_way(task.uid),
            trouble=facts.trouble if pod is not None and facts.trouble and facts.trouble.pod_uid == pod.uid else None,
            reported=facts.reported,
            surplus=task.ended and self._ended.is_surplus(task),
        )

    def _free_ended(self, key: TaskKey) -> None:
        """Free the slot of a task whose pod has ended and whose verdict cannot be written: that may last for ever."""
        task = self._store.task(key)
        pod = self._store.current_pod(task) if task is not None else None
        if task is not None and pod is not None and (pod.ended or pod.life.gone):
            self._admission.release(key, task.uid)

    def _settle_soon(self) -> None:
        if self._admission.changed and self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)

    def _settle(self) -> None:
        self._settling = None
        self._admission.settle()
