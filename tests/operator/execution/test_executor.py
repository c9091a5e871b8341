"""Actions of a task whose changes the API server refuses, and of one that has changed."""

from pathlib import Path

import pytest
from aiohttp import web

from skyvern_crds.client import ClusterClient, Invalid
from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import API_VERSION, KIND, Phase
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.actions import ApplyStatus, ConfirmTask, DeletePod, ReportUnreadable
from skyvern_operator.decision.slots.creation_gate import CreationGate
from skyvern_operator.errors import StaleRecordError
from skyvern_operator.execution.executor import Executor
from skyvern_operator.execution.milestones import Milestones
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.task_actions import TaskActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey
from skyvern_operator.state.store import Store
from tests.operator.execution.answering import api_server, refusal

FAULT = "status.steps.0: field required"
FROZEN = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "metadata": {"name": "frozen", "namespace": "jobs", "uid": "u1", "resourceVersion": "1", "generation": 1},
    "spec": {"url": "https://example.com/"},
    "status": {"phase": "running", "steps": [{}]},
}


async def test_owner_learns_what_cannot_be_read_although_every_change_is_refused(tmp_path: Path) -> None:
    events: list[str] = []

    def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/events"):
            events.append(request.path)
            return web.json_response({"metadata": {"name": "e"}}, status=201)
        return refusal(422, "Invalid", "status.steps[0].stepId: Required value")

    async with api_server(tmp_path, answer) as client:
        store, task = Store(ignore), task_record(FROZEN)
        store.put_task(task)
        failed = ApplyStatus(OperatorStatus(phase=Phase.FAILED))
        with pytest.raises(Invalid):
            await executor(client, store).run(task, [failed, ReportUnreadable(FAULT)])
        assert events == ["/api/v1/namespaces/jobs/events"]
        assert store.facts(task).reported == FAULT


async def test_pod_of_the_next_attempt_is_not_deleted_for_a_task_that_names_it_by_now(tmp_path: Path) -> None:
    """As by an operator that has taken over and whose watch of tasks is late."""
    requests: list[str] = []
    old, new = ({**FROZEN, "status": {"phase": "queued", "podUID": uid, "podName": uid}} for uid in ("p1", "p2"))

    def answer(request: web.Request) -> web.Response:
        requests.append(request.method)
        return web.json_response(new)

    async with api_server(tmp_path, answer) as client:
        task = task_record(old)
        with pytest.raises(StaleRecordError):
            await executor(client, Store(ignore)).run(task, [ConfirmTask(), DeletePod("p2", "p2")])
    assert requests == ["GET"]


def executor(client: ClusterClient, store: Store) -> Executor:
    metrics = Metrics()
    writer = Writer(TokenBucket(100, 100), metrics, SoleOperator(metrics).check)
    config = OperatorConfig.model_validate({"images": {"browser": "b", "runner": "r"}})
    return Executor(
        PodActions(client, writer, store, CreationGate(ignore, quota_retry_seconds=15), config),
        TaskActions(client, writer, store, Milestones(metrics, {}), None),
        deliver=lambda task: None,
        wake=lambda key, at: None,
    )


def ignore(key: TaskKey, *, urgent: bool = False) -> None:
    """A change that no queue waits for."""
