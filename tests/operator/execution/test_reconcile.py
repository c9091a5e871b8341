"""The workers: what one task raises concerns that task alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from skyvern_crds.client import ClusterClient
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.slots.admission import Admission
from skyvern_operator.decision.slots.creation_gate import CreationGate
from skyvern_operator.execution.executor import Executor
from skyvern_operator.execution.milestones import Milestones
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.task_actions import TaskActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.webhook.sender import WebhookSender
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.reconcile import Reconciler
from skyvern_operator.state.records import TaskKey, TaskRecord
from skyvern_operator.state.store import Store
from skyvern_operator.state.work_queue import WorkQueue
from tests.crds.client.kubeconfig import kubeconfig
from tests.operator.examples import COMPLETED_POD, ended, running_pod
from tests.operator.examples import running as task_running
from tests.waiting import until

CONFIG = OperatorConfig.model_validate({"images": {"browser": "b", "runner": "r"}, "workers": 4})
POISON = TaskKey("jobs", "poison")


class Parts:
    """A reconciler without an API server: what it decides here are deliveries of webhooks, kept in ``delivered``."""

    def __init__(self, client: ClusterClient, jitter: float = 0.0) -> None:
        self.metrics, self.queue = Metrics(), WorkQueue(rng=lambda: jitter)
        self.admission = Admission(CONFIG.limits, {}, self.queue.add)
        self.store = Store(self.queue.add)
        self.delivered: list[str] = []
        self.tries = 0
        check_lead = SoleOperator(self.metrics).check
        writer = Writer(TokenBucket(100, 100), self.metrics, check_lead)
        sender = WebhookSender(
            client,
            self.store,
            CONFIG,
            self.metrics,
            signing_key=b"k",
            release_namespace="r",
            wake=self.queue.add,
            check_lead=check_lead,
        )
        gate = CreationGate(self.queue.add, quota_retry_seconds=15)
        executor = Executor(
            PodActions(client, writer, self.store, gate, CONFIG),
            TaskActions(client, writer, self.store, Milestones(self.metrics, {}), None),
            deliver=self._deliver,
            wake=self._wake,
        )
        self.reconciler = Reconciler(
            CONFIG,
            self.metrics,
            store=self.store,
            queue=self.queue,
            gate=gate,
            admission=self.admission,
            executor=executor,
            sender=sender,
        )

    def _deliver(self, task: TaskRecord) -> None:
        if task.key == POISON:
            self.tries += 1
            raise RecursionError("an object that no code foresaw")
        self.delivered.append(task.key.name)

    def _wake(self, key: TaskKey, at: datetime) -> None:
        self.queue.wake_at(key, at.timestamp())


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    worker = asyncio.create_task(parts.reconciler.run())
    try:
        yield
        assert not worker.done()
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[ClusterClient]:
    """A client of no server."""
    config = tmp_path / "kubeconfig"
    config.write_text(kubeconfig("http://127.0.0.1:9", {"token": "none"}))
    async with await ClusterClient.connect(str(config)) as client:
        yield client


@pytest.fixture
def parts(client: ClusterClient) -> Parts:
    return Parts(client)


def due(name: str) -> TaskRecord:
    """A completed task whose webhook is due."""
    return replace(ended(has_webhook=True), key=TaskKey("jobs", name), uid=f"uid-{name}")


async def test_task_whose_reconciliation_raises_is_tried_again_and_others_are_not_held_up(parts: Parts) -> None:
    names = [f"task-{number}" for number in range(8)]
    parts.store.put_task(due("poison"))
    for name in names:
        parts.store.put_task(due(name))
    async with running(parts):
        await until(lambda: sorted(parts.delivered) == names, what="all others delivered")
        await until(lambda: parts.tries >= 3, what="poison tried again")
        parts.store.put_task(due("late"))
        await until(lambda: "late" in parts.delivered, what="a later task delivered")
    assert parts.metrics.registry.get_sample_value(
        "skyvern_operator_reconcile_errors_total", {"error": "RecursionError"}
    ) == float(parts.tries)


async def test_task_whose_verdict_cannot_be_written_keeps_no_slot_once_its_pod_has_ended(parts: Parts) -> None:
    task = task_running()
    parts.store.put_task(task)
    parts.store.put_pod(COMPLETED_POD)
    parts.reconciler.seed()
    assert parts.admission.holders(task.key) == [task.uid]
    async with running(parts):
        await until(lambda: not parts.admission.active, what="the slot free")


async def test_reconciliation_that_learns_nothing_new_is_not_repeated(parts: Parts) -> None:
    parts.store.put_task(due("once"))
    async with running(parts):
        await until(lambda: parts.delivered, what="delivered")
        await until(lambda: len(parts.queue) == 0, what="queue empty")
    assert parts.delivered == ["once"]


async def test_changes_of_a_task_that_fails_wait_for_its_next_try(client: ClusterClient) -> None:
    parts = Parts(client, jitter=0.99)
    parts.store.put_task(due("poison"))
    async with running(parts):
        await until(lambda: parts.tries >= 3, what="a longer pause")
        tries, begun = parts.tries, time.monotonic()
        for version in range(2, 200):
            parts.store.put_task(replace(due("poison"), version=version, generation=version))
            parts.store.put_task(replace(due("sound"), version=version, generation=version))
            await until(lambda: not len(parts.queue), what="queue empty")
        pauses = (time.monotonic() - begun) / 0.24  # each is at least the first one
        assert parts.tries - tries <= 1 + pauses
    assert len(parts.delivered) > 100


async def test_deleted_task_keeps_its_slot_until_its_pod_is_gone(parts: Parts) -> None:
    task, pod = task_running(), running_pod()
    parts.store.put_task(task)
    parts.store.put_pod(pod)
    async with running(parts):
        await until(lambda: parts.admission.active == 1, what="the slot counted")
        parts.store.drop_task(task.key, task.uid)
        await until(lambda: not len(parts.queue), what="queue empty")
        parts.store.put_task(due("later"))
        await until(lambda: parts.delivered, what="a later task worked on")
        assert parts.admission.active == 1
        parts.store.drop_pod(pod)
        await until(lambda: parts.admission.active == 0, what="the slot free")
