"""Objects of new tasks: at hand for their pods, and never for another version, an older task, or beyond the bound."""

from dataclasses import replace
from typing import Any

from skyvern_operator.state.new_objects import NewObjects
from skyvern_operator.state.records import TaskKey, TaskRecord
from tests.operator.examples import NOW, a_task, at, queued, running

OBJECT = {"metadata": {"name": "apply"}, "spec": {"navigationGoal": "Apply"}}


def kept(task: TaskRecord, seconds: float = 0.0, **options: Any) -> NewObjects:
    objects = NewObjects(**options)
    objects.keep(task, OBJECT, at(seconds))
    return objects


def test_object_of_a_new_task_is_given_once() -> None:
    objects = kept(a_task())
    assert objects.take(a_task(), at(5)) == OBJECT
    assert objects.take(a_task(), at(5)) is None


def test_other_version_or_other_task_of_the_name_is_read_again() -> None:
    assert kept(a_task()).take(a_task(version=2), NOW) is None
    assert kept(a_task()).take(a_task(uid="another"), NOW) is None
    objects = kept(a_task())
    objects.keep(running(version=2), OBJECT, NOW)
    assert objects.take(a_task(), NOW) is None


def test_task_that_waited_is_read_again() -> None:
    assert kept(a_task()).take(a_task(), at(31)) is None
    assert kept(a_task(), seconds=31).take(a_task(), NOW) is None
    assert kept(a_task(), seconds=-31).take(a_task(), at(-31)) is None, "clocks that do not agree prove nothing"


def test_task_that_the_operator_has_written_to_is_read_again() -> None:
    assert kept(queued()).take(queued(), NOW) is None


def test_newest_objects_stay_within_the_bound() -> None:
    tasks = [replace(a_task(), key=TaskKey("jobs", f"task-{number}")) for number in range(100)]
    objects = NewObjects(max_bytes=1000)
    for task in tasks:
        objects.keep(task, OBJECT, NOW)
    found = [objects.take(task, NOW) is not None for task in tasks]
    assert 5 < sum(found) < 20
    assert found == sorted(found)
