"""Decisions that no longer fit the object that they were about."""

from pathlib import Path

import pytest
from aiohttp import web

from skyvern_crds.client import JsonObject
from skyvern_operator.errors import StaleRecordError
from skyvern_operator.execution.milestones import Milestones
from skyvern_operator.execution.task_actions import TaskActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import SoleOperator
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.store import Store
from tests.operator.execution.answering import api_server
from tests.operator.execution.test_pod_actions import OBJECT, ignore


def given_up(attempt: int) -> JsonObject:
    """The task when so many pods have come and gone before their agents started."""
    return OBJECT | {"status": {"phase": "queued", "attempt": attempt, "infraFailures": attempt}}


@pytest.mark.parametrize(("attempt", "fits"), [(1, True), (2, False)])
async def test_attempt_that_another_operator_has_made_and_given_up_is_not_made_again(
    tmp_path: Path, attempt: int, fits: bool
) -> None:
    async with api_server(tmp_path, lambda _: web.json_response(given_up(attempt))) as client:
        metrics, store = Metrics(), Store(ignore)
        writer = Writer(TokenBucket(100, 100), metrics, SoleOperator(metrics).check)
        tasks = TaskActions(client, writer, store, Milestones(metrics, {}), None)
        known = task_record(given_up(1))
        if fits:
            assert await tasks.fresh(known) == given_up(attempt)
        else:
            with pytest.raises(StaleRecordError):
                await tasks.fresh(known)
