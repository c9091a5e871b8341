"""Status writes that the runner's reports overtake, and decisions that no longer fit their object."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from skyvern_crds import wire
from skyvern_crds.client import ClusterClient, JsonObject, Unavailable
from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import API_VERSION, KIND, Phase
from skyvern_operator.errors import StaleRecordError
from skyvern_operator.execution.milestones import Milestones
from skyvern_operator.execution.task_actions import STATUS_TRIES, TaskActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey, TaskRecord
from skyvern_operator.state.store import Store
from tests.operator.execution.answering import api_server, refusal
from tests.operator.execution.test_pod_actions import OBJECT

CANCELED = OperatorStatus(phase=Phase.CANCELED)


class BusyTask:
    """A task that somebody changes before each of the operator's first writes."""

    def __init__(self, changes: int, status: dict[str, Any] | None = None) -> None:
        """``status`` is what the changes write beside the time of the report."""
        self.changes = changes
        self.status = {"phase": "running", "lastHeartbeat": "2026-01-01T12:00:00Z"}
        self.version = 1
        self.room = 100_000
        """Bytes of JSON that the status may have."""
        self.written: list[OperatorStatus] = []
        self._change = status or {}

    def obj(self) -> dict[str, Any]:
        meta = {"name": "busy", "namespace": "jobs", "uid": "u1", "resourceVersion": str(self.version), "generation": 1}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, "spec": {}, "status": self.status}

    def answer(self, request: web.Request, sent: dict[str, Any]) -> web.Response:
        if request.method == "GET":
            return web.json_response(self.obj())
        if self.changes:
            self.changes -= 1
            self.version += 1
            self.status = {**self.status, **self._change, "lastHeartbeat": f"2026-01-01T12:00:00.{self.version:06}Z"}
        if sent["metadata"]["resourceVersion"] != str(self.version):
            return refusal(409, "Conflict", "the object has been modified")
        status = {name: value for name, value in {**self.status, **sent["status"]}.items() if value is not None}
        if wire.size(status) > self.room:
            return refusal(500, "Unknown", "etcdserver: request is too large")
        self.version += 1
        self.status = status
        if "phase" in sent["status"]:
            self.written.append(OperatorStatus.model_validate(sent["status"]))
        return web.json_response(self.obj())


async def write(directory: Path, busy: BusyTask, task: TaskRecord) -> None:
    async def answer(request: web.Request) -> web.Response:
        return busy.answer(request, wire.loads(await request.read()) if request.can_read_body else {})

    async with api_server(directory, answer) as client:
        await actions(client, task).apply_status(task, CANCELED)


def actions(client: ClusterClient, task: TaskRecord) -> TaskActions:
    metrics, store = Metrics(), Store(ignore)
    store.put_task(task)
    writer = Writer(TokenBucket(100, 100), metrics, SoleOperator(metrics).check)
    return TaskActions(client, writer, store, Milestones(metrics, {}), None)


def ignore(key: TaskKey, *, urgent: bool = False) -> None:
    """A change that no queue waits for."""


async def test_runner_that_reports_all_the_time_cannot_keep_a_status_from_being_written(tmp_path: Path) -> None:
    busy = BusyTask(changes=STATUS_TRIES - 1)
    await write(tmp_path, busy, task_record(busy.obj()))
    assert busy.written == [CANCELED]


async def test_status_is_not_written_over_a_change_that_the_decision_depends_on(tmp_path: Path) -> None:
    busy = BusyTask(changes=1)
    unreported = replace(task_record(busy.obj()), reported=False)
    with pytest.raises(StaleRecordError):
        await write(tmp_path, busy, unreported)
    assert busy.written == []


async def test_result_that_fills_the_object_does_not_keep_a_status_from_being_written(tmp_path: Path) -> None:
    busy = BusyTask(changes=0)
    busy.status["extractedInformation"] = "x" * busy.room
    await write(tmp_path, busy, task_record(busy.obj()))
    assert busy.written == [CANCELED]
    assert "extractedInformation" not in busy.status


async def test_result_that_a_runner_may_write_is_never_removed(tmp_path: Path) -> None:
    busy = BusyTask(changes=0)
    busy.status["extractedInformation"], busy.room = "x" * 1000, 1000
    with pytest.raises(Unavailable, match="too large"):
        await write(tmp_path, busy, task_record(busy.obj()))
    assert "extractedInformation" in busy.status


async def test_status_that_is_overtaken_again_and_again_gives_way_to_other_tasks(tmp_path: Path) -> None:
    busy = BusyTask(changes=1000)
    with pytest.raises(StaleRecordError):
        await write(tmp_path, busy, task_record(busy.obj()))
    assert busy.changes == 1000 - STATUS_TRIES


def given_up(attempt: int) -> JsonObject:
    """The task when so many pods have come and gone before their agents started."""
    return OBJECT | {"status": {"phase": "queued", "attempt": attempt, "infraFailures": attempt}}


@pytest.mark.parametrize(("attempt", "fits"), [(1, True), (2, False)])
async def test_attempt_that_another_operator_has_made_and_given_up_is_not_made_again(
    tmp_path: Path, attempt: int, fits: bool
) -> None:
    async with api_server(tmp_path, lambda _: web.json_response(given_up(attempt))) as client:
        known = task_record(given_up(1))
        if fits:
            assert await actions(client, known).fresh(known) == given_up(attempt)
        else:
            with pytest.raises(StaleRecordError):
                await actions(client, known).fresh(known)
