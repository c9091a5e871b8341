"""Who may start: limits, shares, priority, age."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_operator.config import Limits
from skyvern_operator.decision.slots.admission import Admission
from skyvern_operator.decision.slots.line import rough_place
from skyvern_operator.state.records import TaskKey, TaskRecord
from tests.operator.examples import a_task, at


def task(name: str, namespace: str = "a", **changes: Any) -> TaskRecord:
    return replace(a_task(), key=TaskKey(namespace, name), uid=f"{namespace}-{name}", **changes)


def admission(limits: Limits, profiles: dict[str, int] | None = None) -> tuple[Admission, list[TaskKey]]:
    woken: list[TaskKey] = []
    return Admission(limits, profiles or {}, woken.append), woken


def started(gate: Admission, tasks: list[TaskRecord]) -> list[str]:
    """Names of the tasks that have a slot."""
    return [one.key.name for one in tasks if one.uid in gate.holders(one.key)]


def start(tasks: list[TaskRecord], slots: int, active: list[TaskRecord] | None = None, **limits: Any) -> list[str]:
    """Names of the tasks that start when so many slots are free."""
    gate, _ = admission(Limits(max_active=slots + len(active or []), **limits))
    for one in active or []:
        gate.hold(one)
    for one in tasks:
        gate.line_up(one)
    gate.settle()
    return started(gate, tasks)


def aged(name: str, namespace: str = "a", age: float = 0, **changes: Any) -> TaskRecord:
    return task(name, namespace, created_at=at(-age), **changes)


def test_priority_goes_before_age() -> None:
    tasks = [aged("old", age=9), aged("urgent", priority=5), aged("older", age=10)]
    assert start(tasks, 1) == ["urgent"]
    assert start(tasks, 2) == ["urgent", "older"]


def test_namespaces_take_turns() -> None:
    tasks = [aged(f"a{n}", "a", age=10 - n) for n in range(5)] + [aged("b0", "b"), aged("b1", "b")]
    assert start(tasks, 2) == ["a0", "b0"]
    assert start(tasks, 4) == ["a0", "a1", "b0", "b1"]


def test_priority_of_one_tenant_does_not_pass_the_first_task_of_another() -> None:
    flood = [aged(f"a{n}", "a", age=1000, priority=1000) for n in range(300)]
    assert "b0" in start([*flood, aged("b0", "b")], 1, active=[task("running", "a")])


def test_namespace_with_many_active_tasks_waits_for_the_others() -> None:
    active = [task(f"x{n}", "a") for n in range(3)]
    tasks = [aged("a0", "a", age=9), aged("b0", "b"), aged("b1", "b")]
    assert start(tasks, 2, active) == ["b0", "b1"]


def test_share_of_a_namespace_counts() -> None:
    tasks = [aged(f"{namespace}{n}", namespace, age=9 - n) for namespace in "ab" for n in range(9)]
    names = start(tasks, 8, shares={"a": 3})
    assert Counter(name[0] for name in names) == {"a": 6, "b": 2}


def test_profiles_that_a_tenant_makes_up_make_the_line_no_dearer() -> None:
    gate, _ = admission(Limits(max_active=10, max_active_per_namespace=1), {"big": 1})
    made_up = [task(f"t{n}", "a", profile=f"made-up-{n}") for n in range(100)]
    for one in [*made_up, task("big", "a", profile="big", created_at=at(9))]:
        gate.line_up(one)
    gate.settle()
    assert set(gate._lines["a"]) == {None, "big"}
    for one in made_up:
        gate.hold(one)
        gate.release(one.key, one.uid)
    assert not gate._usage.profiles


def test_each_limit_holds_and_is_named() -> None:
    gate, _ = admission(Limits(max_active=2, max_active_per_namespace=1))
    tasks = [aged("a0", age=2), aged("a1", age=1), aged("b0", "b"), task("c0", "c")]
    for one in tasks:
        gate.line_up(one)
    gate.settle()
    assert started(gate, tasks) == ["a0", "b0"]
    assert gate.ask(tasks[3]).message == "the limit of 2 active tasks is reached; next in its line"


def test_namespace_at_its_limit_does_not_hold_back_another() -> None:
    gate, _ = admission(Limits(max_active=10, max_active_per_namespace=1))
    assert gate.ask(task("one")).admitted
    assert not gate.ask(task("two")).admitted
    assert not gate.ask(task("other", "b")).admitted
    gate.settle()
    assert gate.ask(task("other", "b")).admitted
    expected = "the limit of 1 active tasks in namespace a is reached; next in its line"
    assert gate.ask(task("two")).message == expected


def test_profile_has_its_own_limit_and_does_not_hold_back_the_others() -> None:
    gate, _ = admission(Limits(max_active=None), {"large": 1})
    assert gate.ask(task("one", profile="large")).admitted
    assert not gate.ask(task("two", profile="large", priority=9)).admitted
    small = task("small")
    gate.ask(small)
    gate.settle()
    assert gate.ask(small).admitted


def test_free_slot_goes_to_the_next_in_line_and_wakes_it() -> None:
    gate, woken = admission(Limits(max_active=1))
    first, second = task("first"), task("second")
    assert gate.ask(first).admitted
    assert not gate.ask(second).admitted
    assert gate.release(first.key, first.uid)
    assert gate.changed
    gate.settle()
    assert woken == [second.key]
    assert gate.ask(second).admitted
    assert (gate.active, gate.waiting, gate.changed) == (1, 0, False)


def test_answer_is_given_once_the_line_has_settled() -> None:
    gate, woken = admission(Limits(max_active=1))
    gate.ask(task("first"))
    assert gate.ask(task("second")).message == ""
    gate.settle()
    assert woken == [TaskKey("a", "second")]
    assert "next in its line" in gate.ask(task("second")).message


def test_line_after_a_restart_is_taken_by_priority() -> None:
    gate, _ = admission(Limits(max_active=1))
    gate.line_up(task("low"))
    gate.line_up(task("high", priority=5))
    gate.settle()
    assert gate.ask(task("high", priority=5)).admitted
    assert not gate.ask(task("low")).admitted


def test_deleted_task_keeps_its_slot_from_its_successor_until_it_is_released() -> None:
    gate, _ = admission(Limits(max_active=None), {"large": 1})
    old = task("same", profile="large")
    new = replace(old, uid="new", profile="large")
    assert gate.ask(old).admitted
    assert not gate.ask(new).admitted
    assert gate.holders(old.key) == [old.uid]
    gate.release(old.key, old.uid)
    gate.settle()
    assert gate.ask(new).admitted


def test_freed_slot_changes_few_answers_however_long_the_line() -> None:
    gate, woken = admission(Limits(max_active=1, max_active_per_namespace=1))
    running = task("running", "b")
    gate.ask(running)
    tasks = [aged(f"a{n}", age=9000 - n) for n in range(3000)]
    for one in tasks:
        gate.line_up(one)
    gate.settle()
    for one in tasks[:50]:
        gate.release(running.key, running.uid)
        woken.clear()
        gate.settle()
        assert one.key in woken
        assert len(woken) <= 6
        running = one


def test_message_keeps_its_limit_while_the_place_is_the_same() -> None:
    gate, woken = admission(Limits(max_active=2, max_active_per_namespace=1))
    gate.hold(task("a", "a"))
    waiting = task("waiting", "a")
    gate.line_up(waiting)
    gate.settle()
    told = gate.ask(waiting).message
    gate.hold(task("b", "b"))  # now the total limit is reached, too
    woken.clear()
    gate.settle()
    assert (gate.ask(waiting).message, woken) == (told, [])


@dataclass
class Reference:
    """Admission as simply as can be: everything is computed again for each slot."""

    total: int | None
    namespace: int | None
    profiles: dict[str, int]
    shares: dict[str, float]
    active: list[TaskRecord] = field(default_factory=list)
    waiting: list[TaskRecord] = field(default_factory=list)

    def line_of(self, one: TaskRecord) -> tuple[str, str | None]:
        return one.key.namespace, one.profile if one.profile in self.profiles else None

    def may_start(self, one: TaskRecord) -> bool:
        same_namespace = [other for other in self.active if other.key.namespace == one.key.namespace]
        same_profile = [other for other in self.active if other.profile == one.profile]
        return (
            (self.total is None or len(self.active) < self.total)
            and (self.namespace is None or len(same_namespace) < self.namespace)
            and len(same_profile) < self.profiles.get(one.profile or "", 10**9)
        )

    def settle(self) -> None:
        while candidates := [one for one in self.waiting if self.may_start(one)]:
            heads = []
            for namespace in {one.key.namespace for one in candidates}:
                own = [one for one in candidates if one.key.namespace == namespace]
                head = min(own, key=lambda one: (-one.priority, one.created_at, one.key))
                count = sum(one.key.namespace == namespace for one in self.active)
                heads.append((count / self.shares.get(namespace, 1), head.created_at, namespace, head))
            chosen = min(heads, key=lambda entry: entry[:3])[3]
            self.waiting.remove(chosen)
            self.active.append(chosen)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("join"), st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 3),
            st.sampled_from([None, "large", "small"]),
        ),
        st.tuples(st.just("end"), st.integers(0, 20)),
        st.tuples(st.just("leave"), st.integers(0, 20)),
        st.tuples(st.just("settle")),
    ),
    max_size=40,
)  # fmt: skip
BOUND = st.none() | st.integers(1, 4)


@settings(max_examples=300, deadline=None)
@given(STEPS, BOUND, BOUND, st.dictionaries(st.just("large"), st.integers(1, 2)))
def test_slots_go_to_those_that_a_simple_reference_chooses(
    steps: list[tuple[Any, ...]], total: int | None, namespace: int | None, profiles: dict[str, int]
) -> None:
    shares: dict[str, float] = {"b": 2, "c": 0.5}
    gate, _ = admission(Limits(max_active=total, max_active_per_namespace=namespace, shares=shares), profiles)
    reference = Reference(total, namespace, profiles, shares)
    for number, step in enumerate([*steps, ("settle",)]):
        if step[0] == "join":
            one = aged(f"t{number}", step[1], priority=step[2], age=step[3], profile=step[4])
            gate.line_up(one)
            reference.waiting.append(one)
        elif step[0] == "end" and reference.active:
            one = reference.active.pop(step[1] % len(reference.active))
            assert gate.release(one.key, one.uid)
        elif step[0] == "leave" and reference.waiting:
            gate.leave(reference.waiting.pop(step[1] % len(reference.waiting)).key)
        elif step[0] == "settle":
            gate.settle()
            reference.settle()
            assert set(started(gate, reference.active)) == {one.key.name for one in reference.active}
            assert (gate.active, gate.waiting) == (len(reference.active), len(reference.waiting))
            check_messages(gate, reference)


def check_messages(gate: Admission, reference: Reference) -> None:
    """Each task that waits knows its rough place in its line."""
    for one in reference.waiting:
        own = [o for o in reference.waiting if reference.line_of(o) == reference.line_of(one)]
        own.sort(key=lambda o: (-o.priority, o.created_at, o.key))
        assert gate.ask(one).message.endswith(f"; {rough_place(own.index(one) + 1)}")
