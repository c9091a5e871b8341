"""What the watch of pods reports, as the store has it afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from skyvern_crds.client import Change, ChangeType
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import PodLife, PodRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.task_streams import TaskStreams
from tests.operator.examples import COMPLETED_POD, a_pod, a_task, removed, running_pod


@pytest.fixture
def store() -> Store:
    """A store with the pods' task."""
    store = Store(lambda key, *, urgent: None)
    store.put_task(a_task())
    return store


@pytest.fixture
def streams() -> TaskStreams:
    return TaskStreams(None)


@pytest.fixture
def intake(store: Store, streams: TaskStreams) -> Intake:
    return Intake(store, Metrics(), streams)


def change(
    kind: ChangeType, old: PodRecord | None, new: PodRecord | None, last: PodRecord | None = None
) -> Change[PodRecord | None]:
    return Change(kind, "jobs", a_pod().name, old, new, 9, last)


def pod_of(store: Store) -> PodRecord:
    pod = store.pod(a_task().owner, a_pod().name)
    assert pod is not None
    return pod


def test_pod_is_the_record_that_the_watch_holds(store: Store, intake: Intake) -> None:
    pod = running_pod(version=4)
    intake.pod_change(change(ChangeType.ADDED, None, pod))
    assert pod_of(store) is pod


def test_delivered_deletion_proves_the_last_state(store: Store, intake: Intake) -> None:
    before, last = running_pod(version=4), removed(replace(COMPLETED_POD, version=9))
    intake.pod_change(change(ChangeType.ADDED, None, before))
    intake.pod_change(change(ChangeType.DELETED, before, None, last))
    assert pod_of(store) == replace(last, life=PodLife.SEEN_TO_END)


def test_pod_that_a_list_no_longer_shows_is_missing(store: Store, intake: Intake) -> None:
    before = a_pod(version=4)
    intake.pod_change(change(ChangeType.ADDED, None, before))
    intake.pod_change(change(ChangeType.DELETED, before, None))
    assert pod_of(store) == replace(before, life=PodLife.MISSING)


def test_pod_of_nobody_is_passed_over(store: Store, intake: Intake) -> None:
    for kind in ChangeType:
        intake.pod_change(change(kind, None, None))
    assert list(store.pods()) == []


def task_event(kind: str | None, version: int, **metadata: Any) -> dict[str, Any]:
    """What kopf's watch of tasks yields; None as kind stands for a listed task."""
    task = a_task()
    named = {"namespace": task.key.namespace, "name": task.key.name, "uid": task.uid}
    return {"type": kind, "object": {"metadata": named | {"resourceVersion": str(version)} | metadata}}


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
def test_echo_of_an_own_write_is_known_and_counts_as_delivered(
    store: Store, streams: TaskStreams, intake: Intake, kind: str | None
) -> None:
    version = a_task().version
    assert intake.knows(task_event(kind, version))
    assert streams.of("jobs").log.missing({a_task().uid: version}) == set()
    assert streams.of("jobs").log.events == 1


def test_event_that_brings_something_new_is_not_known(store: Store, streams: TaskStreams, intake: Intake) -> None:
    version = a_task().version
    assert not intake.knows(task_event("MODIFIED", version + 1)), "a newer version"
    assert not intake.knows(task_event("MODIFIED", version, uid="another")), "another task of the same name"
    assert not intake.knows(task_event("DELETED", version)), "the store still has the task"
    assert not intake.knows({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}})
    assert not intake.knows("LISTED")
    assert streams.of("jobs").log.events == 0, "the handler will log it"
