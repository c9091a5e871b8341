"""Who may start: limits, priority, age, fairness."""

from collections import Counter
from dataclasses import replace
from typing import Any

from skyvern_operator.config import Limits
from skyvern_operator.decision.admission import Admission, Bounds, Usage, Waiting, line_up, select
from skyvern_operator.state.records import TaskKey, TaskRecord
from tests.operator.examples import a_task, at


def waiting(name: str, namespace: str = "a", priority: int = 0, age: float = 0) -> Waiting:
    return Waiting(TaskKey(namespace, name), priority, at(-age))


def names(line: list[Waiting]) -> list[str]:
    return [entry.key.name for entry in line]


def task(name: str, namespace: str = "a", **changes: Any) -> TaskRecord:
    return replace(a_task(), key=TaskKey(namespace, name), uid=f"{namespace}-{name}", **changes)


def admission(limits: Limits, profiles: dict[str, int] | None = None) -> tuple[Admission, list[TaskKey]]:
    woken: list[TaskKey] = []
    return Admission(limits, profiles or {}, woken.append), woken


def test_priority_goes_before_age() -> None:
    line = [waiting("old", age=9), waiting("urgent", priority=5), waiting("older", age=10)]
    assert names(line_up(line, Usage())) == ["urgent", "older", "old"]


def test_namespaces_take_turns() -> None:
    line = [waiting(f"a{n}", "a", age=10 - n) for n in range(3)] + [waiting("b0", "b"), waiting("b1", "b")]
    assert names(line_up(line, Usage())) == ["a0", "b0", "a1", "b1", "a2"]


def test_namespace_with_many_active_tasks_waits_for_the_others() -> None:
    usage = Usage(3, Counter({"a": 3}))
    line = [waiting("a0", "a", age=9), waiting("b0", "b"), waiting("b1", "b")]
    assert names(line_up(line, usage)) == ["b0", "b1", "a0"]


def test_each_limit_holds_and_is_named() -> None:
    line = [waiting("a0"), waiting("a1"), waiting("b0", "b"), waiting("c0", "c")]
    admitted, held = select(line, Usage(), Bounds(total=2, namespace=1, profiles={}))
    assert names(admitted) == ["a0", "b0"]
    assert held[TaskKey("c", "c0")] == "the limit of 2 active tasks is reached; next to start"
    assert held[TaskKey("a", "a1")] == "the limit of 2 active tasks is reached; among the next 10"


def test_namespace_at_its_limit_does_not_hold_back_another() -> None:
    gate, _ = admission(Limits(max_active=10, max_active_per_namespace=1))
    assert gate.ask(task("one")).admitted
    assert not gate.ask(task("two")).admitted
    assert not gate.ask(task("other", "b")).admitted
    gate.settle()
    assert gate.ask(task("other", "b")).admitted
    assert gate.ask(task("two")).message == "the limit of 1 active tasks in namespace a is reached; next to start"


def test_profile_has_its_own_limit() -> None:
    gate, _ = admission(Limits(max_active=None), {"large": 1})
    assert gate.ask(task("one", profile="large")).admitted
    assert not gate.ask(task("two", profile="large")).admitted


def test_free_slot_goes_to_the_next_in_line_and_wakes_it() -> None:
    gate, woken = admission(Limits(max_active=1))
    first, second = task("first"), task("second")
    assert gate.ask(first).admitted
    assert not gate.ask(second).admitted
    gate.release(first.key)
    assert gate.changed
    gate.settle()
    assert woken == [second.key]
    assert gate.ask(second).admitted
    assert (gate.active, gate.waiting) == (1, 0)


def test_answer_is_given_once_the_line_has_settled() -> None:
    gate, woken = admission(Limits(max_active=1))
    gate.ask(task("first"))
    assert gate.ask(task("second")).message == ""
    gate.settle()
    assert woken == [TaskKey("a", "second")]
    assert "next to start" in gate.ask(task("second")).message


def test_line_after_a_restart_is_taken_by_priority() -> None:
    gate, _ = admission(Limits(max_active=1))
    gate.line_up(task("low"))
    gate.line_up(task("high", priority=5))
    gate.settle()
    assert gate.ask(task("high", priority=5)).admitted
    assert not gate.ask(task("low")).admitted
