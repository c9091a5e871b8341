"""The table of decisions about pods beside the current one, and about pods that watches no longer show."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import PodLife
from tests.operator.examples import (
    EVICTED_UNSTARTED,
    a_pod,
    a_task,
    at,
    deleting,
    ended,
    known,
    look_at,
    queued,
    running,
    running_pod,
    tell,
)

MISSING = replace(a_pod(), life=PodLife.MISSING)
UNLABELED = running_pod(labeled=False)
RETRYING = known(queued(), EVICTED_UNSTARTED)

Row = tuple[str, View, Sequence[str]]

ROWS: list[Row] = [
    # Beside the current one
    (
        "another pod of a task with one is deleted",
        look_at(running(), running_pod(), strays=(a_pod(2),)),
        ["confirm task", "wake +1800", "delete pod-2", "event MultiplePods"],
    ),
    (
        "and nothing more once that has begun",
        look_at(running(), running_pod(), strays=(deleting(a_pod(2)),)),
        ["wake +1800"],
    ),
    (
        "no pod is made beside one that status does not name",
        look_at(RETRYING, strays=(running_pod(),), now=10),
        ["confirm task", "delete pod-1", "event MultiplePods"],
    ),
    ("its end is waited for", look_at(RETRYING, strays=(deleting(a_pod()),), now=10), ["wake +320"]),
    ("but not that of a lost node", look_at(RETRYING, strays=(deleting(a_pod()),), now=330), ["create pod 2"]),
    (
        "a canceled task does not wait for it",
        look_at(a_task(cancel_requested=True), strays=(a_pod(2),)),
        ["confirm task", "canceled Canceled", "delete pod-2", "event MultiplePods"],
    ),
    (
        "nothing runs on after the end",
        look_at(ended(), strays=(a_pod(2),)),
        ["confirm task", "wake +3600", "delete pod-2", "event MultiplePods"],
    ),
    (
        "one that watches no longer show is looked up",
        look_at(RETRYING, strays=(MISSING,), now=10),
        ["look up pod"],
    ),
    (
        "and again and again without its label",
        look_at(RETRYING, strays=(deleting(UNLABELED),), now=10),
        ["look up pod", "wake +10"],
    ),
    ("but not for an ended task", look_at(ended(), strays=(deleting(UNLABELED),)), ["wake +3600"]),
    (
        "the pods of a deleted task are left to the garbage collector",
        look_at(a_task(deleting=True), strays=(a_pod(),)),
        [],
    ),
    # Out of sight
    ("a pod that watches no longer show is looked up", look_at(queued(), MISSING), ["look up pod"]),
    (
        "so is that of an unreadable task that is to be canceled",
        look_at(queued(unreadable="odd", cancel_requested=True), MISSING, reported="odd"),
        ["look up pod"],
    ),
    (
        "whose pod without its label is looked at again and again",
        look_at(queued(unreadable="odd", cancel_requested=True), deleting(UNLABELED), reported="odd"),
        ["look up pod", "wake +10"],
    ),
    ("before a cancellation counts it as gone", look_at(queued(cancel_requested=True), MISSING), ["look up pod"]),
    (
        "one that has ended needs no look",
        look_at(queued(infra_retries=0), replace(EVICTED_UNSTARTED, life=PodLife.MISSING)),
        ["failed Evicted", "event Evicted"],
    ),
    (
        "a pod without its label is looked at again and again",
        look_at(running(), UNLABELED),
        ["look up pod", "wake +10"],
    ),
    ("and not beyond a deadline", look_at(running(), UNLABELED, now=1795), ["look up pod", "wake +5"]),
    (
        "evicted before its start, then gone unseen, it is retried",
        look_at(queued(), replace(EVICTED_UNSTARTED, life=PodLife.VANISHED)),
        ["queued InfraRetry", "event InfraRetry"],
    ),
]


@pytest.mark.parametrize(("view", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_view_leads_to_its_actions(view: View, expected: Sequence[str]) -> None:
    now = (view.now - at(0)).total_seconds()
    assert tell(decide(view), now) == list(expected)
