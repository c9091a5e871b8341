"""Which tasks may ask for their pods while the API server refuses them."""

from dataclasses import replace
from typing import Any

import pytest

from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision.slots.creation_gate import OPEN, OPEN_AFTER, CreationGate, Obstacle
from skyvern_operator.state.records import TaskKey, TaskRecord
from tests.operator.examples import a_task, at


def task(name: str, namespace: str = "a", **changes: Any) -> TaskRecord:
    return replace(a_task(), key=TaskKey(namespace, name), uid=f"{namespace}-{name}", **changes)


def quota(seconds: float = 0) -> Obstacle:
    return Obstacle(Reason.QUOTA_EXCEEDED, f"exceeded quota: pods, used: {seconds}", at(seconds))


def role(seconds: float = 0) -> Obstacle:
    return Obstacle(Reason.CREATE_BLOCKED, f"the role does not allow it: {seconds}", at(seconds))


def fault(seconds: float = 0) -> Obstacle:
    return Obstacle(Reason.CREATE_BLOCKED, "the API server fails: 500", at(seconds), certain=False)


class Tasks:
    """Tasks that ask whenever they are woken, and an API server that refuses them or not."""

    def __init__(self, *tasks: TaskRecord) -> None:
        self.tasks = {task.key: task for task in tasks}
        self.woken: list[TaskKey] = []
        self.gate = CreationGate(self.woken.append, quota_retry_seconds=15, rng=lambda: 0.0)

    def may_try(self, seconds: float) -> list[str]:
        """Names of the tasks that may ask for a pod at some time."""
        return [task.key.name for task in self.tasks.values() if self.gate.ask(task, at(seconds)).open]

    def create(self, seconds: float, obstacle: Obstacle | None = None) -> list[str]:
        """Let each task that may ask do so. Those that get a pod leave. The names of those that asked."""
        asked = self.may_try(seconds)
        for key in [key for key in self.tasks if key.name in asked]:
            if obstacle is None:
                self.gate.passed(self.tasks.pop(key), at(seconds))
            else:
                self.gate.blocked(self.tasks[key], replace(obstacle, at=at(seconds)))
        return asked


def many(number: int, namespace: str = "a") -> list[TaskRecord]:
    return [task(f"t{n:03}", namespace, created_at=at(n - 1000)) for n in range(number)]


def test_tasks_that_come_and_go_in_front_of_a_gate_leave_nothing_behind() -> None:
    tasks = Tasks(*many(3))
    tasks.create(0, quota())
    for number in range(10_000):
        passing = task(f"passing-{number}", created_at=at(number))
        assert not tasks.gate.ask(passing, at(0)).open
        tasks.gate.forget(passing.key)
    gate = tasks.gate._gates["a"][None]
    assert len(gate.line) < 200
    assert tasks.create(60) == ["t000"]


def test_open_gate_is_no_gate() -> None:
    tasks = Tasks(*many(3))
    assert tasks.gate.ask(task("t000"), at(0)) is OPEN
    assert len(tasks.create(0)) == 3
    assert tasks.gate.waiting == 0


@pytest.mark.parametrize("obstacle", [quota(), role(), fault()])
def test_one_task_at_a_time_tries_the_way_and_the_tries_of_many_are_few(obstacle: Obstacle) -> None:
    tasks = Tasks(*many(300))
    tasks.create(0, obstacle)
    tries = [tasks.create(seconds, obstacle) for seconds in range(1, 601)]
    assert max(len(names) for names in tries) == 1
    assert 20 <= sum(len(names) for names in tries) <= 60


def test_those_who_wait_know_why_and_the_one_that_tries_knows_when() -> None:
    tasks = Tasks(*many(3))
    tasks.create(0, quota())
    passages = [tasks.gate.ask(task, at(1)) for task in tasks.tasks.values()]
    assert [passage.open for passage in passages] == [False] * 3
    assert {passage.obstacle.message for passage in passages if passage.obstacle} == {"exceeded quota: pods, used: 0"}
    assert [passage.retry_at for passage in passages] == [at(15), None, None]


def test_gate_opens_with_a_ramp_and_every_task_gets_its_pod() -> None:
    tasks = Tasks(*many(200))
    tasks.create(0, quota())
    waves = [len(tasks.create(15)) for _ in range(9)]
    assert waves[:5] == [1, 2, 4, 8, 16]
    assert sum(waves) == 200
    assert tasks.gate.waiting == 0
    assert tasks.gate.ask(task("late"), at(16)) is OPEN


def test_all_are_woken_once_many_in_a_row_have_passed() -> None:
    tasks = Tasks(*many(OPEN_AFTER + 200))
    tasks.create(0, quota())
    while tasks.gate.waiting:
        tasks.create(15)
    assert set(tasks.woken) >= set(tasks.tasks)


def test_refusal_during_the_ramp_closes_the_gate_for_all() -> None:
    tasks = Tasks(*many(20))
    tasks.create(0, quota())
    tasks.create(15)
    assert len(tasks.create(15, quota())) == 2
    assert tasks.may_try(15) == []
    assert len(tasks.may_try(40)) == 1


def test_pod_that_ended_lets_a_task_try_at_once_and_again_soon() -> None:
    tasks = Tasks(*many(5))
    tasks.create(0, quota())
    assert tasks.may_try(3) == []
    tasks.woken.clear()
    tasks.gate.freed("b", at(3))
    assert tasks.woken == []
    tasks.gate.freed("a", at(3))
    assert tasks.woken == [TaskKey("a", "t000")]
    assert tasks.create(3, quota()) == ["t000"]
    assert tasks.may_try(3.1) == []
    assert tasks.create(4) == ["t000"]


def test_many_ends_in_a_row_do_not_make_as_many_tries() -> None:
    tasks = Tasks(*many(5))
    tasks.create(0, quota())
    tries = 0
    for tick in range(1000):
        tasks.gate.freed("a", at(tick / 100))
        tries += len(tasks.create(tick / 100, quota()))
    assert 10 <= tries <= 21


def test_profiles_and_namespaces_have_gates_of_their_own() -> None:
    large, small, other = task("large", profile="large"), task("small"), task("other", "b", profile="large")
    tasks = Tasks(large, small, other)
    tasks.gate.blocked(large, quota())
    assert tasks.may_try(1) == ["small", "other"]


def test_task_whose_own_pod_fails_does_not_hold_up_the_others() -> None:
    tasks = Tasks(*many(3))
    poison = tasks.tasks[TaskKey("a", "t000")]
    tasks.gate.blocked(poison, fault())
    tasks.may_try(0)
    assert tasks.create(10, fault()) == ["t000"]
    assert tasks.create(40) == ["t001"]
    assert set(tasks.may_try(40)) == {"t000", "t002"}


def test_quota_is_tried_by_the_highest_priority() -> None:
    tasks = Tasks(task("first"), task("low", created_at=at(-5)), task("high", priority=5))
    tasks.gate.blocked(tasks.tasks[TaskKey("a", "first")], quota())
    tasks.may_try(0)
    tasks.create(20, quota())
    assert tasks.may_try(60) == ["high"]


def test_fault_of_the_server_is_told_when_it_is_confirmed() -> None:
    tasks = Tasks(*many(3))
    tasks.create(0, fault())
    assert tasks.gate.ask(task("t001"), at(0)).obstacle is None
    tasks.woken.clear()
    tasks.create(2, fault())
    assert tasks.gate.ask(task("t001"), at(2)).obstacle is not None
    assert set(tasks.woken) == set(tasks.tasks)


def test_those_who_wait_are_woken_for_news_only() -> None:
    tasks = Tasks(*many(50))
    tasks.create(0, role())
    tasks.woken.clear()
    tasks.create(10, role())
    assert len(set(tasks.woken)) <= 2
    tasks.create(60, quota())
    assert set(tasks.woken) == set(tasks.tasks)


def test_task_that_leaves_hands_its_turn_to_the_next() -> None:
    tasks = Tasks(*many(3))
    tasks.create(0, quota())
    tasks.gate.forget(TaskKey("a", "t000"))
    del tasks.tasks[TaskKey("a", "t000")]
    assert tasks.may_try(15) == ["t001"]
    for key in list(tasks.tasks):
        tasks.gate.forget(key)
    assert tasks.gate.waiting == 0
    assert tasks.gate.ask(task("new"), at(15)) is OPEN


def test_another_task_of_the_same_name_asks_for_itself() -> None:
    tasks = Tasks(*many(2))
    tasks.create(0, quota())
    assert tasks.gate.ask(task("t000", profile="small"), at(1)) is OPEN
    assert tasks.may_try(15)[-1:] == ["t001"]
