"""The spans that status writes tell of."""

from dataclasses import replace

from skyvern_crds.status import OperatorStatus
from skyvern_crds.tracing.span import Span
from skyvern_crds.tracing.trace import Sampler, TaskTrace, task_trace
from skyvern_crds.vocabulary import Phase, Reason
from skyvern_operator.decision import statuses
from skyvern_operator.execution.spans import spans_of
from skyvern_operator.state.records import PodRecord
from tests.operator.examples import (
    EVICTED_UNSTARTED,
    NOW,
    RUNNING,
    TASK_UID,
    a_pod,
    a_task,
    after,
    at,
    ended_pod,
    gone,
    look_at,
    running_pod,
)
from tests.operator.kubelet import verdict

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = task_trace(TASK_UID, CALLER, Sampler())
STARTED = running_pod(
    scheduled_at=at(2), browser=replace(RUNNING, started_at=at(5)), runner=replace(RUNNING, started_at=at(7))
)
FINISHED = replace(
    STARTED,
    runner=replace(ended_pod(message=verdict()).runner, started_at=at(7), finished_at=at(20)),
)


class Life:
    """Writes statuses of a task in turn, and keeps the spans that they tell."""

    def __init__(self) -> None:
        self.task = a_task(traceparent=CALLER)
        self.spans: list[Span] = []

    def write(self, status: OperatorStatus, pod: PodRecord | None, now: float) -> list[str]:
        """Names of the spans that a write tells."""
        told = list(spans_of(TRACE, self.task, status, pod, at(now)))
        self.spans += told
        self.task = replace(self.task, status=status)
        return [span.name for span in told]

    def see(self, pod: PodRecord | None, now: float, **changes: object) -> list[str]:
        """What is decided about a pod that looks like this is written."""
        task = replace(self.task, **changes)  # type: ignore[arg-type]
        return self.write(after(look_at(task, pod, now=now)), pod, now)


def seconds(spans: list[Span]) -> dict[str, tuple[float, float]]:
    return {span.name: ((span.start - NOW).total_seconds(), (span.end - NOW).total_seconds()) for span in spans}


def finished_life() -> Life:
    life = Life()
    assert life.see(a_pod(scheduled_at=None, scheduled=None), 1) == ["queue"]
    assert life.see(STARTED, 10, reported=True) == ["schedule", "start browser", "start runner", "first report"]
    assert life.see(FINISHED, 21, reported=True) == ["run", "attempt", "conclude", "task"]
    return life


def test_each_hop_is_told_once_by_the_write_that_ends_it() -> None:
    assert seconds(finished_life().spans) == {
        "queue": (0, 1),
        "schedule": (1, 2),
        "start browser": (2, 5),
        "start runner": (5, 7),
        "first report": (7, 10),
        "run": (7, 20),
        "attempt": (1, 20),
        "conclude": (20, 21),
        "task": (0, 20),
    }


def test_spans_form_one_tree_below_the_caller() -> None:
    spans = finished_life().spans
    by_id = {span.span_id: span.name for span in spans}
    assert len(by_id) == len(spans)
    assert {span.trace_id for span in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    parents = {span.name: by_id.get(span.parent_id or "", span.parent_id) for span in spans}
    assert parents == dict.fromkeys(("queue", "attempt", "conclude"), "task") | {"task": "00f067aa0ba902b7"} | (
        dict.fromkeys(("schedule", "start browser", "start runner", "first report", "run"), "attempt")
    )


def test_another_leader_tells_the_same_span_for_the_same_write() -> None:
    def told(trace: TaskTrace) -> list[Span]:
        task = a_task(traceparent=CALLER)
        return list(spans_of(trace, task, after(look_at(task, FINISHED, now=21)), FINISHED, at(21)))

    assert told(TRACE) == told(task_trace(TASK_UID, CALLER, Sampler()))
    assert [span.name for span in told(TRACE)][-2:] == ["conclude", "task"]


def test_nothing_is_told_by_a_write_that_ends_nothing() -> None:
    life = finished_life()
    assert life.write(life.task.status, FINISHED, 30) == []


def test_failed_attempt_and_the_next_one_are_told_apart() -> None:
    life = Life()
    life.see(a_pod(), 1)
    lost = gone(EVICTED_UNSTARTED)
    assert life.see(lost, 5) == ["schedule", "attempt"]
    second = replace(STARTED, attempt=2, uid="pod-2", created_at=at(15), scheduled_at=at(16))
    life.see(second, 17, reported=True)
    attempts = [span for span in life.spans if span.name in {"attempt", "schedule"}]
    assert [span.error for span in attempts] == [None, "InfraRetry", None]
    assert len({span.span_id for span in attempts}) == 3
    assert seconds(attempts)["schedule"] == (15, 16)


def test_task_that_never_had_a_pod_is_told_with_its_reason() -> None:
    life = Life()
    task = life.task
    status = statuses.verdict(
        look_at(task, now=9), Reason.START_DEADLINE_EXCEEDED, "no slot for https://secret.example"
    )
    assert status.phase is Phase.TIMED_OUT
    assert life.write(status, None, 9) == ["task"]
    (span,) = life.spans
    assert span.error == "StartDeadlineExceeded"
    assert dict(span.attributes) == {
        "k8s.namespace.name": "jobs",
        "skyvern.task.name": "apply",
        "skyvern.task.uid": TASK_UID,
        "skyvern.task.attempts": 0,
        "skyvern.task.status": "timed_out",
        "skyvern.reason": "StartDeadlineExceeded",
    }
