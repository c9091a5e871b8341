"""What becomes of a pod that the API server does not create."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from skyvern_crds.client import ClusterClient, JsonObject, Unavailable
from skyvern_crds.vocabulary import API_VERSION, KIND
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.creation_gate import CreationGate
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey
from skyvern_operator.state.store import Store
from tests.crds.client.kubeconfig import kubeconfig

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


@asynccontextmanager
async def api_server(directory: Path, *, reads: bool) -> AsyncIterator[ClusterClient]:
    """A client of an API server that fails to create anything, and answers reads or fails at these, too."""

    async def answer(request: web.Request) -> web.Response:
        if reads and request.method == "GET":
            return web.json_response(OBJECT)
        status = {"kind": "Status", "reason": "InternalError", "message": "etcdserver: request timed out"}
        return web.json_response(status, status=500)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        config = directory / "kubeconfig"
        config.write_text(kubeconfig(f"http://127.0.0.1:{runner.addresses[0][1]}", {"token": "none"}))
        async with await ClusterClient.connect(str(config)) as client:
            yield client
    finally:
        await runner.cleanup()


def actions(client: ClusterClient) -> tuple[PodActions, CreationGate]:
    gate = CreationGate(ignore, quota_retry_seconds=15)
    writer = Writer(TokenBucket(100, 100), Metrics(), SoleOperator(Metrics()).check)
    config = OperatorConfig.model_validate({"images": {"browser": "b", "runner": "r"}})
    return PodActions(client, writer, Store(ignore), gate, config), gate


def ignore(key: TaskKey, *, urgent: bool = False) -> None:
    """A change that no queue waits for."""


async def test_pod_that_alone_cannot_be_created_is_in_front_of_a_gate(tmp_path: Path) -> None:
    async with api_server(tmp_path, reads=True) as client:
        pods, gate = actions(client)
        await pods.create(task_record(OBJECT), 1, OBJECT)
    assert gate.waiting == 1


async def test_general_outage_is_an_error_to_be_retried_and_closes_no_gate(tmp_path: Path) -> None:
    async with api_server(tmp_path, reads=False) as client:
        pods, gate = actions(client)
        with pytest.raises(Unavailable):
            await pods.create(task_record(OBJECT), 1, OBJECT)
    assert gate.waiting == 0
