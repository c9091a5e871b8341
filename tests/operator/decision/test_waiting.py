"""What a task without a pod waits for: one row a case."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from skyvern_crds.vocabulary import ConditionType, Reason
from skyvern_operator.decision.conditions import find
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.slots.admission import ADMITTED, NOT_ASKED, Decision
from skyvern_operator.decision.slots.creation_gate import Obstacle, Passage
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import TaskRecord
from tests.operator.examples import a_pod, a_task, after, at, known, look_at, tell

HELD = Decision(admitted=False, message="the limit of 2 active tasks is reached; next to start")
QUOTA = Obstacle(Reason.QUOTA_EXCEEDED, "exceeded quota: pods", at(0))
ROLE = Obstacle(Reason.CREATE_BLOCKED, "the operator's role does not allow it: pods is forbidden", at(0))
MISSING = replace(ROLE, message="the service account is missing: not found", config_error=True)
TURN = Passage(open=True, obstacle=ROLE)


def shut(obstacle: Obstacle | None, retry: float | None = None, told: float = 0) -> Passage:
    """A closed gate; the obstacle was last confirmed at some seconds."""
    retry_at = at(retry) if retry is not None else None
    return Passage(open=False, obstacle=replace(obstacle, at=at(told)) if obstacle else None, retry_at=retry_at)


def waiting(task: TaskRecord, passage: Passage, now: float = 0) -> View:
    """A task in front of a closed gate has not asked admission."""
    return look_at(task, passage=passage, now=now, admission=NOT_ASKED)


def told(obstacle: Obstacle, now: float = 0, task: TaskRecord | None = None) -> TaskRecord:
    """The task once its status says what stands in the way."""
    task = task or a_task()
    return replace(task, status=after(waiting(task, shut(obstacle), now)))


LIMITED = replace(a_task(), status=after(look_at(a_task(), admission=HELD)))
BLOCKED = told(ROLE)

ROWS: list[tuple[str, View, Sequence[str]]] = [
    ("quota is waiting for its turn", waiting(a_task(), shut(QUOTA, 20)), ["queued QuotaExceeded", "wake +20"]),
    ("quota is waiting for another's turn", waiting(a_task(), shut(QUOTA)), ["queued QuotaExceeded"]),
    ("quota has no deadline", waiting(told(QUOTA), shut(QUOTA), 10_000), []),
    ("quota is tried", look_at(told(QUOTA), passage=Passage(open=True, obstacle=QUOTA)), ["create pod 1"]),
    ("nothing is told of what may be an accident", waiting(a_task(), shut(None, 1)), ["wake +1"]),
    ("an obstacle is told", waiting(a_task(), shut(ROLE, 1)), ["queued CreateBlocked", "wake +1"]),
    ("an obstacle is told once", waiting(BLOCKED, shut(ROLE, 5)), ["wake +5"]),
    ("one who waits wakes for the deadline", waiting(BLOCKED, shut(ROLE)), ["wake +900"]),
    ("an obstacle is tried", look_at(BLOCKED, passage=TURN), ["create pod 1"]),
    ("waiting for a slot to try again says nothing new", look_at(BLOCKED, passage=TURN, admission=HELD), ["wake +900"]),
    (
        "the start deadline of a blocked task",
        waiting(BLOCKED, shut(ROLE), 900),
        ["timed_out StartDeadlineExceeded", "event StartDeadlineExceeded"],
    ),
    ("a gate that has opened is passed, even late", look_at(BLOCKED, now=900), ["create pod 1"]),
    ("the deadline counts from the obstacle, not from the queue", waiting(told(ROLE, 800, LIMITED), shut(ROLE), 1000),
     ["wake +700"]),
    ("missing: the grace period is waited for", waiting(told(MISSING), shut(MISSING, 90, told=60), 60), ["wake +30"]),
    (
        "missing: still so after the grace period",
        waiting(told(MISSING), shut(MISSING, 180, told=121), 121),
        ["failed PodRejected", "event PodRejected"],
    ),
    ("missing: nobody has looked since", waiting(told(MISSING), shut(MISSING, 130, told=60), 121), ["wake +9"]),
    ("canceled while blocked", waiting(replace(BLOCKED, cancel_requested=True), shut(ROLE)), ["canceled Canceled"]),
    ("suspended while blocked", waiting(replace(BLOCKED, suspend=True), shut(ROLE)), ["queued Queued"]),
]  # fmt: skip


@pytest.mark.parametrize(("_name", "view", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_task_without_a_pod(_name: str, view: View, expected: Sequence[str]) -> None:
    assert tell(decide(view), (view.now - at(0)).total_seconds()) == list(expected)


def test_obstacle_is_told_in_the_words_of_the_api_server() -> None:
    admitted = find(BLOCKED.status.conditions, ConditionType.ADMITTED)
    assert admitted is not None
    assert (admitted.status, admitted.reason, admitted.message) == ("False", "CreateBlocked", ROLE.message)
    late = after(waiting(BLOCKED, shut(ROLE), 900))
    assert late.failure_reason == f"no pod could be created within 900 s: {ROLE.message}"


def test_message_follows_the_topic_and_not_each_wording() -> None:
    reworded = replace(ROLE, message="the operator's role does not allow it: another pod")
    assert decide(waiting(BLOCKED, shut(reworded, 5))) == decide(waiting(BLOCKED, shut(ROLE, 5)))
    changed = after(waiting(BLOCKED, shut(MISSING), 100))
    admitted = find(changed.conditions, ConditionType.ADMITTED)
    assert admitted is not None
    assert (admitted.message, admitted.last_transition_time) == (MISSING.message, at(0))


def test_pod_that_comes_after_all_starts_the_deadline_anew() -> None:
    view = look_at(known(BLOCKED, a_pod(), now=600), a_pod(), now=700, admission=ADMITTED)
    assert view.start_until == at(1500)
