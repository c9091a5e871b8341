"""Ended tasks: what is kept of them, and which are too many."""

from dataclasses import replace
from typing import Any

import pytest

from skyvern_crds.vocabulary import ANNOTATION_RETRY_WEBHOOK
from skyvern_operator.state.ended import EndedTasks
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey, TaskRecord
from tests.operator.examples import at, ended

CONDITION = {
    "type": "Succeeded", "status": "True", "reason": "Completed", "lastTransitionTime": "2026-01-01T12:00:00Z",
}  # fmt: skip


def stored(phase: str, *, webhook: dict[str, Any] | None = None, asked: str | None = None) -> TaskRecord:
    """The record of a stored task; with ``webhook`` it has one, in this state."""
    spec = {"url": "https://example.com", "webhookCallbackUrl": "https://example.com/hook" if webhook else None}
    status = {"phase": phase, "finishedAt": "2026-01-01T12:00:00Z", "podName": "a-1", "podUID": "p", "attempt": 1}
    meta = {
        "name": "a", "namespace": "jobs", "uid": "u", "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T11:00:00Z", "annotations": {ANNOTATION_RETRY_WEBHOOK: asked} if asked else {},
    }  # fmt: skip
    return task_record(
        {"metadata": meta, "spec": spec, "status": status | {"conditions": [CONDITION], "webhook": webhook}}
    )


@pytest.mark.parametrize(
    ("task", "settled"),
    [
        (stored("running"), False),
        (stored("completed"), True),
        (stored("failed", webhook={"state": "Pending"}), False),
        (stored("failed", webhook={"state": "Delivered"}), True),
        (stored("failed", webhook={"state": "Failed"}), True),
        (stored("failed", webhook={"state": "Failed"}, asked="2"), False),
        (stored("failed", webhook={"state": "Failed", "retryRequested": "2"}, asked="2"), True),
    ],
)
def test_settled_task_keeps_what_cleaning_up_needs(task: TaskRecord, settled: bool) -> None:
    assert task.settled is settled
    assert bool(task.status.conditions) is not settled
    assert (task.status.finished_at, task.pod_name, task.current_attempt) == (at(0), "a-1", 1)


def test_status_that_cannot_be_read_is_kept_whole() -> None:
    task = task_record({"metadata": {"name": "a"}, "status": {"phase": "completed", "attempt": "many"}})
    assert task.unreadable
    assert not task.settled


def numbered(number: int, namespace: str = "jobs", uid: str | None = None) -> TaskRecord:
    task = ended()
    status = task.status.model_copy(update={"finished_at": at(number)})
    return replace(task, key=TaskKey(namespace, f"t{number}"), uid=uid or f"u{number}", status=status)


def test_oldest_tasks_beyond_the_limit_are_surplus() -> None:
    tasks = EndedTasks(2)
    later, middle, first, other = numbered(3), numbered(2), numbered(1), numbered(0, "other")
    assert tasks.count(later) == tasks.count(middle) == tasks.count(other) == []
    assert tasks.count(first) == [first.key]
    assert tasks.count(later) == tasks.count(first) == []  # counted once each
    assert [tasks.is_surplus(task) for task in (first, middle, later, other)] == [True, False, False, False]


def test_task_that_is_gone_makes_room() -> None:
    tasks = EndedTasks(1)
    tasks.count(numbered(1))
    tasks.forget(numbered(1).key)
    assert tasks.count(numbered(2)) == []
    assert tasks.count(numbered(3)) == [numbered(2).key]


def test_new_task_of_the_same_name_is_another_one() -> None:
    tasks = EndedTasks(1)
    tasks.count(numbered(1))
    tasks.count(numbered(2))
    again = numbered(1, uid="again")
    assert tasks.is_surplus(numbered(1))
    assert not tasks.is_surplus(again)


def test_no_limit_keeps_all() -> None:
    tasks = EndedTasks(None)
    assert [tasks.count(numbered(number)) for number in range(100)] == [[]] * 100


def test_names_of_tasks_that_are_gone_take_no_memory() -> None:
    tasks = EndedTasks(10)
    for number in range(10_000):
        tasks.count(numbered(number))
        tasks.forget(numbered(number - 5).key)
    assert len(tasks._oldest["jobs"]) < 100
