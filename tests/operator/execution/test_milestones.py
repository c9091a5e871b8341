"""What a status write adds to the metrics."""

from dataclasses import replace

import pytest

from skyvern_crds.status import OperatorStatus, WebhookState, WebhookStatus
from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision import statuses
from skyvern_operator.execution.milestones import Hop, Milestones, hops
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import PodRecord, TaskRecord
from tests.operator.examples import (
    COMPLETED_POD,
    RUNNING,
    a_pod,
    a_task,
    after,
    at,
    ended,
    known,
    look_at,
    queued,
    running,
    running_pod,
)

STARTED_LATE = running_pod(scheduled_at=at(2), runner=replace(RUNNING, started_at=at(7)))


def held(task: TaskRecord) -> OperatorStatus:
    return statuses.held(look_at(task, now=1), Reason.QUEUED, Reason.LIMIT_REACHED, "the limit is reached")


def told() -> tuple[TaskRecord, OperatorStatus]:
    task = ended(has_webhook=True)
    delivered = WebhookStatus(state=WebhookState.DELIVERED, attempts=1)
    return task, task.status.model_copy(update={"webhook": delivered})


@pytest.mark.parametrize(
    ("task", "status", "pod", "seconds"),
    [
        (a_task(), after(look_at(a_task(), a_pod())), a_pod(), {}),
        (
            queued(),
            after(look_at(queued(), STARTED_LATE, now=12)),
            STARTED_LATE,
            {Hop.SCHEDULED: 2, Hop.STARTED: 5},
        ),
        (running(), after(look_at(running(reported=True), running_pod(), now=9)), running_pod(), {Hop.REPORTED: 9}),
        (
            queued(),
            after(look_at(queued(reported=True), STARTED_LATE, now=9)),
            STARTED_LATE,
            {Hop.SCHEDULED: 2, Hop.STARTED: 5, Hop.REPORTED: 2},
        ),
        (running(), after(look_at(running(), COMPLETED_POD, now=9)), COMPLETED_POD, {}),
        (*told(), None, {Hop.TOLD: 9}),
        (told()[0], told()[0].status, None, {}),
    ],
    ids=["a pod", "a start", "a first report", "both at once", "an end", "a delivery", "nothing new"],
)
def test_hops_are_those_that_a_write_tells_first(
    task: TaskRecord, status: OperatorStatus, pod: PodRecord | None, seconds: dict[Hop, float]
) -> None:
    assert dict(hops(task, status, pod, at(9))) == seconds


def test_wait_for_a_slot_is_counted_by_share_and_each_hold_by_reason() -> None:
    metrics = Metrics()
    milestones = Milestones(metrics, {"jobs": 3})
    task = a_task()
    milestones.observe(task, held(task), None)
    waiting = replace(task, status=held(task))
    milestones.observe(waiting, held(waiting), None)
    milestones.observe(waiting, known(waiting, a_pod(), now=40).status, a_pod())
    read = metrics.registry.get_sample_value
    assert read("skyvern_operator_holds_total", {"reason": "LimitReached"}) == 1
    assert read("skyvern_operator_admission_wait_seconds_sum", {"share": "3"}) == 40
    assert read("skyvern_operator_admission_wait_seconds_count", {"share": "3"}) == 1
