"""What the watch of pods reports, as the store has it afterwards."""

from dataclasses import replace

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
def intake(store: Store) -> Intake:
    return Intake(store, Metrics(), TaskStreams(None))


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
