"""What becomes of a pod that the API server does not create."""

from pathlib import Path

import pytest
from aiohttp import web

from skyvern_crds.client import ClusterClient, JsonObject, Unavailable
from skyvern_crds.vocabulary import API_VERSION, KIND
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.slots.creation_gate import CreationGate
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey
from skyvern_operator.state.store import Store
from tests.operator.execution.answering import api_server, refusal

OBJECT: JsonObject = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "metadata": {
        "name": "apply",
        "namespace": "jobs",
        "uid": "0b6dbf2c-7c2f-4d57-9a83-0f6fd0d9b9a1",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": "2026-01-01T12:00:00Z",
    },
    "spec": {"url": "https://jobs.example.com/apply", "navigationGoal": "Apply"},
}


def without_reads(request: web.Request) -> web.Response:
    """The answer of an API server whose store is down."""
    return refusal(500, "InternalError", "etcdserver: request timed out")


def without_creation(request: web.Request) -> web.Response:
    """The answer of an API server that reads, and fails to create anything."""
    return web.json_response(OBJECT) if request.method == "GET" else without_reads(request)


def actions(client: ClusterClient, store: Store | None = None) -> tuple[PodActions, CreationGate]:
    gate = CreationGate(ignore, quota_retry_seconds=15)
    writer = Writer(TokenBucket(100, 100), Metrics(), SoleOperator(Metrics()).check)
    config = OperatorConfig.model_validate({"images": {"browser": "b", "runner": "r"}})
    return PodActions(client, writer, store or Store(ignore), gate, config), gate


def ignore(key: TaskKey, *, urgent: bool = False) -> None:
    """A change that no queue waits for."""


async def test_pod_that_alone_cannot_be_created_is_in_front_of_a_gate(tmp_path: Path) -> None:
    async with api_server(tmp_path, without_creation) as client:
        pods, gate = actions(client)
        await pods.create(task_record(OBJECT), 1, OBJECT)
    assert gate.waiting == 1


async def test_general_outage_is_an_error_to_be_retried_and_closes_no_gate(tmp_path: Path) -> None:
    async with api_server(tmp_path, without_reads) as client:
        pods, gate = actions(client)
        with pytest.raises(Unavailable):
            await pods.create(task_record(OBJECT), 1, OBJECT)
    assert gate.waiting == 0


async def test_kubelet_is_asked_what_keeps_a_pod_and_may_not_be_asked(tmp_path: Path) -> None:
    event = {
        "reason": "FailedMount",
        "message": 'secret "absent" not found',
        "lastTimestamp": "2026-01-01T12:00:01Z",
        "source": {"component": "kubelet"},
    }
    asked: list[str] = []
    answers = [
        web.json_response({"metadata": {"resourceVersion": "1"}, "items": [event]}),
        refusal(403, "Forbidden", 'events is forbidden: User "operator" cannot list resource "events"'),
    ]

    def events(request: web.Request) -> web.Response:
        asked.append(request.query["fieldSelector"])
        return answers.pop(0)

    task = task_record(OBJECT)
    store = Store(ignore)
    store.put_task(task)
    async with api_server(tmp_path, events) as client:
        pods, _ = actions(client, store)
        await pods.look_up_trouble(task, "pod-1")
        known = store.facts(task).trouble
        assert known is not None
        assert (known.pod_uid, known.missing) == ("pod-1", True)
        await pods.look_up_trouble(task, "pod-1")
    unknown = store.facts(task).trouble
    assert unknown is not None
    assert (unknown.message, unknown.missing) == ("", False)
    assert asked == ["involvedObject.uid=pod-1,type=Warning"] * 2


async def test_warnings_about_a_pod_without_end_are_not_all_read(tmp_path: Path) -> None:
    event = {"reason": "FailedMount", "message": "no", "lastTimestamp": "2026-01-01T12:00:01Z", "source": {}}
    asked: list[str] = []

    def events(request: web.Request) -> web.Response:
        asked.append(request.path)
        if len(asked) > 9:
            return refusal(500, "InternalError", "asked too often")
        return web.json_response({"metadata": {"resourceVersion": "1", "continue": "more"}, "items": [event] * 250})

    task = task_record(OBJECT)
    store = Store(ignore)
    store.put_task(task)
    async with api_server(tmp_path, events) as client:
        pods, _ = actions(client, store)
        await pods.look_up_trouble(task, "pod-1")
    assert len(asked) == 2
