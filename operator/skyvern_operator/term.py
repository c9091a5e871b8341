"""What only a leader does: decide and write. All of it is built anew for each term."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from skyvern_crds.client import ClusterClient
from skyvern_crds.rest.keys import archive_key
from skyvern_crds.vocabulary import Phase
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.slots.admission import Admission
from skyvern_operator.decision.slots.creation_gate import CreationGate
from skyvern_operator.execution.archive import Archive
from skyvern_operator.execution.executor import Executor
from skyvern_operator.execution.milestones import Milestones
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.task_actions import TaskActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.tracing import TaskTracing
from skyvern_operator.execution.webhook.sender import WebhookSender
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.metrics import Metrics, State
from skyvern_operator.reconcile import Reconciler
from skyvern_operator.state.records import TaskKey
from skyvern_operator.state.store import Store
from skyvern_operator.state.work_queue import WorkQueue


@dataclass(frozen=True, slots=True)
class _Term:
    """One lead, from its beginning to its end."""

    queue: WorkQueue
    admission: Admission
    reconciler: Reconciler
    sender: WebhookSender


class Leader:
    """Works on the tasks of the store while this operator leads.

    The store stays warm in between. Slots, wake-ups, back-offs and deliveries do not outlive the term: while another
    operator leads, it decides about them.
    """

    def __init__(
        self,
        client: ClusterClient,
        config: OperatorConfig,
        metrics: Metrics,
        *,
        signing_key: bytes,
        release_namespace: str,
        check_lead: Callable[[], None],
        tracing: TaskTracing | None = None,
    ) -> None:
        """``check_lead`` raises NotLeadingError when this operator may not write."""
        self._tracing = tracing
        self._client = client
        self._config = config
        self._metrics = metrics
        self._signing_key = signing_key
        self._release_namespace = release_namespace
        self._check_lead = check_lead
        self._term: _Term | None = None
        self.store = Store(self._changed)
        metrics.watch_state(self._state)

    async def run(self) -> None:
        """Work on every task until canceled."""
        self._term = term = self._new_term()
        try:
            self.store.report_all()
            term.reconciler.seed()
            async with asyncio.TaskGroup() as group:
                group.create_task(term.reconciler.run())
                group.create_task(term.sender.run())
        finally:
            self._term = None
            self.store.forget_facts()

    def _changed(self, key: TaskKey, *, urgent: bool) -> None:
        if self._term is not None:
            self._term.queue.add(key, urgent=urgent)

    def _new_term(self) -> _Term:
        client, config, metrics, store, queue = self._client, self._config, self._metrics, self.store, WorkQueue()
        profile_bounds = {name: p.max_active for name, p in config.profiles.items() if p.max_active is not None}
        admission = Admission(config.limits, profile_bounds, queue.add)
        gate = CreationGate(queue.add, quota_retry_seconds=config.grace_periods.quota_retry_seconds)
        sender = WebhookSender(
            client,
            store,
            config,
            metrics,
            signing_key=self._signing_key,
            release_namespace=self._release_namespace,
            wake=queue.add,
            check_lead=self._check_lead,
            tracing=self._tracing,
        )
        writer = Writer(TokenBucket(config.writes.qps, config.writes.burst), metrics, self._check_lead)
        archive = None
        if config.artifacts_url is not None:
            at_once = max(1, config.workers // 4)
            archive = Archive(config.artifacts_url, archive_key(self._signing_key), at_once=at_once)
        executor = Executor(
            PodActions(client, writer, store, gate, config, tracing=self._tracing),
            TaskActions(client, writer, store, Milestones(metrics, config.limits.shares, self._tracing), archive),
            deliver=sender.submit,
            wake=lambda key, at: queue.wake_at(key, at.timestamp()),
        )
        reconciler = Reconciler(
            config,
            metrics,
            store=store,
            queue=queue,
            gate=gate,
            admission=admission,
            executor=executor,
            sender=sender,
        )
        return _Term(queue, admission, reconciler, sender)

    def _state(self) -> State:
        term = self._term
        return State(
            phases=Counter(task.status.phase or Phase.CREATED for task in self.store.tasks()),
            queued=len(term.queue) if term is not None else 0,
            active=term.admission.active if term is not None else 0,
            held=term.admission.waiting if term is not None else 0,
            unreadable=sum(bool(task.unreadable or task.ignored) for task in self.store.tasks()),
        )
