"""What is known: versions decide, whatever the order of arrival."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from skyvern_crds.vocabulary import Reason
from skyvern_operator.state.facts import Facts, Refusal
from skyvern_operator.state.records import PodLife, PodRecord, TaskKey, TaskRecord
from skyvern_operator.state.store import Store, is_urgent
from tests.operator.examples import (
    COMPLETED_POD,
    NOW,
    TASK_UID,
    a_pod,
    a_task,
    deleting,
    ended,
    gone,
    queued,
    removed,
    running,
    running_pod,
)

OWNER = a_task().owner


@pytest.fixture
def changed() -> list[tuple[TaskKey, bool]]:
    """Keys of the changes, and whether each was urgent."""
    return []


@pytest.fixture
def store(changed: list[tuple[TaskKey, bool]]) -> Store:
    return Store(lambda key, *, urgent: changed.append((key, urgent)))


def test_older_version_is_ignored(store: Store, changed: list[tuple[TaskKey, bool]]) -> None:
    assert store.put_task(a_task(version=5))
    assert not store.put_task(a_task(version=4, priority=7))
    kept = store.task(a_task().key)
    assert kept is not None
    assert kept.priority == 0
    assert len(changed) == 1


def test_version_that_says_nothing_new_is_kept_and_is_no_change(
    store: Store, changed: list[tuple[TaskKey, bool]]
) -> None:
    store.put_task(running(version=5, reported=True))
    store.put_pod(running_pod(version=6))
    before = len(changed)
    assert store.put_task(running(version=7, reported=True))
    assert store.put_pod(running_pod(version=8))
    assert len(changed) == before
    kept = store.task(a_task().key)
    assert kept is not None
    assert kept.version == 7
    assert store.put_task(running(version=9, reported=True, cancel_requested=True))
    assert store.put_pod(replace(COMPLETED_POD, version=10))
    assert len(changed) == before + 2


def test_new_term_knows_no_facts_and_looks_at_every_task(store: Store, changed: list[tuple[TaskKey, bool]]) -> None:
    task, other = a_task(), replace(a_task(uid="another"), key=TaskKey("jobs", "other"))
    for each in (task, other):
        store.put_task(each)
    store.put_facts(task, Facts(refusal=Refusal(Reason.QUOTA_EXCEEDED, "exceeded quota")))
    changed.clear()
    store.forget_facts()
    store.report_all()
    assert store.facts(task) == Facts()
    assert sorted(key for key, _ in changed) == sorted([task.key, other.key])


def test_deleted_task_does_not_come_back_with_a_late_answer(store: Store) -> None:
    store.put_task(a_task(version=5))
    store.drop_task(a_task().key, TASK_UID)
    assert not store.put_task(a_task(version=9))
    assert store.task(a_task().key) is None


def test_task_created_again_under_the_same_name_is_another(store: Store) -> None:
    store.put_task(a_task(version=5))
    store.put_task(a_task(version=6, uid="another"))
    assert not store.drop_task(a_task().key, TASK_UID)
    assert len(store) == 1


def test_last_state_of_a_deleted_pod_is_kept_while_its_task_is_there(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod(version=2))
    store.drop_pod(removed(a_pod(version=3, reason="Evicted")))
    kept = store.pod(OWNER, a_pod().name)
    assert kept is not None
    assert (kept.life, kept.reason) == (PodLife.SEEN_TO_END, "Evicted")
    assert list(store.pods()) == []
    store.drop_task(a_task().key, TASK_UID)
    assert store.pod(OWNER, a_pod().name) is None


def test_pod_that_a_list_no_longer_shows_is_in_doubt_until_its_deletion_arrives(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    assert store.lose_pod(a_pod())
    assert life(store) is PodLife.MISSING
    assert not store.lose_pod(a_pod())
    assert store.drop_pod(removed(a_pod(version=2, reason="Evicted")))
    assert life(store) is PodLife.SEEN_TO_END
    assert not store.lose_pod(a_pod())
    assert life(store) is PodLife.SEEN_TO_END


@pytest.mark.parametrize("doubt", [Store.lose_pod, Store.drop_pod])
def test_pod_that_watches_no_longer_show_is_gone_once_the_server_says_so(
    store: Store, doubt: Callable[[Store, PodRecord], bool]
) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    assert doubt(store, a_pod(version=2))
    assert life(store) is PodLife.MISSING
    store.mark_vanished(a_task(), a_pod().name)
    assert life(store) is PodLife.VANISHED  # after it had lost its label it may have run, and nobody saw it


@pytest.mark.parametrize("pod", [a_pod(version=2), deleting(a_pod(version=2))])
def test_pod_that_has_only_lost_its_label_is_still_there(store: Store, pod: PodRecord) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    store.drop_pod(pod)
    assert life(store) is PodLife.MISSING
    assert store.put_pod(replace(pod, labeled=False))
    assert life(store) is pod.life


def test_late_answer_to_its_creation_does_not_bring_a_missing_pod_back(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod(version=2))
    store.drop_pod(a_pod(version=3))
    assert not store.put_pod(a_pod(version=1))
    assert life(store) is PodLife.MISSING


def test_missing_pod_of_a_deleted_task_is_forgotten(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    store.lose_pod(a_pod())
    store.drop_task(a_task().key, TASK_UID)
    assert not store.runs(OWNER)


def test_late_deletion_of_a_pod_that_could_not_be_found_brings_its_last_state(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    store.mark_vanished(a_task(), a_pod().name)
    assert store.drop_pod(removed(a_pod(version=2, reason="Evicted")))
    assert life(store) is PodLife.SEEN_TO_END


def test_pod_of_another_namespace_that_names_the_task_is_not_its_pod(store: Store) -> None:
    task = running()
    store.put_task(task)
    store.put_pod(running_pod())
    foreign = replace(COMPLETED_POD, namespace="other", uid="foreign", version=9)
    store.put_pod(foreign)
    assert store.current_pod(task) == running_pod()
    assert store.other_pods(task) == ()
    store.drop_pod(removed(replace(foreign, version=10)))
    assert store.current_pod(task) == running_pod()


@pytest.mark.parametrize("end", [Store.lose_pod, Store.drop_pod])
def test_pod_of_a_deleted_task_is_forgotten_although_another_task_has_the_name(
    store: Store, end: Callable[[Store, PodRecord], bool]
) -> None:
    store.put_task(running(version=5))
    store.put_pod(running_pod())
    store.put_task(a_task(version=6, uid="another"))
    assert store.runs(OWNER)
    assert end(store, running_pod(version=7))
    assert not store.runs(OWNER)
    assert store.pod(OWNER, running_pod().name) is None


def test_pods_beside_the_current_one_are_told_apart(store: Store) -> None:
    task = a_task()
    store.put_task(task)
    for pod in (a_pod(1), a_pod(2), a_pod(3, phase="Failed"), gone(a_pod(4))):
        store.put_pod(pod)
    assert store.other_pods(task) == (a_pod(2),)


def test_pod_that_was_seen_to_end_does_not_vanish_afterwards(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    store.drop_pod(removed(a_pod(version=2)))
    store.mark_vanished(a_task(), a_pod().name)
    assert life(store) is PodLife.SEEN_TO_END


@pytest.mark.parametrize(
    ("task", "pod", "urgent"),
    [
        (None, None, True),
        (a_task(), None, False),
        (a_task(cancel_requested=True), None, True),
        (a_task(deleting=True), None, True),
        (queued(), a_pod(), False),
        (running(), running_pod(), False),
        (running(), COMPLETED_POD, True),
        (queued(), gone(a_pod()), True),
        (ended(), gone(COMPLETED_POD), False),
    ],
)
def test_ends_and_cancellations_are_urgent(task: TaskRecord | None, pod: PodRecord | None, urgent: bool) -> None:
    assert is_urgent(task, pod) is urgent


def test_change_is_passed_on_with_its_urgency(store: Store, changed: list[tuple[TaskKey, bool]]) -> None:
    store.put_task(queued())
    store.put_pod(a_pod())
    store.put_pod(replace(COMPLETED_POD, version=2))
    assert changed == [(queued().key, False), (queued().key, False), (queued().key, True)]


def test_facts_of_a_task_that_is_gone_are_not_kept(store: Store) -> None:
    store.put_task(a_task())
    store.put_facts(a_task(), Facts(refusal=Refusal(Reason.POD_REJECTED, "no")))
    assert store.facts(a_task()).refusal is not None
    store.drop_task(a_task().key, TASK_UID)
    store.put_facts(a_task(), Facts(refusal=Refusal(Reason.POD_REJECTED, "no")))
    assert store.facts(a_task()) == Facts()


def life(store: Store) -> PodLife:
    pod = store.pod(OWNER, a_pod().name)
    assert pod is not None
    return pod.life


def test_pod_of_an_unknown_task_is_forgotten_with_its_deletion(store: Store) -> None:
    store.put_pod(a_pod())
    store.drop_pod(a_pod(version=2))
    assert store.pod(OWNER, a_pod().name) is None


def test_pod_that_could_not_be_found_stands_as_gone(store: Store) -> None:
    task = a_task()
    store.put_task(task)
    store.mark_vanished(task, a_pod().name)
    assert life(store) is PodLife.VANISHED


def test_provisional_deletion_yields_to_the_watch(store: Store) -> None:
    store.put_task(a_task())
    store.put_pod(a_pod())
    store.mark_deleting(a_pod(), NOW)
    marked = store.pod(OWNER, a_pod().name)
    assert marked is not None
    assert marked.life is PodLife.DELETING
    store.put_pod(replace(a_pod(), version=2))
    delivered = store.pod(OWNER, a_pod().name)
    assert delivered is not None
    assert delivered.life is PodLife.LIVE
