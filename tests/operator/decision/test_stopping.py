"""The table of decisions about pods that are taken away: a row a case, as in test_decide.py."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from skyvern_crds.status import Condition
from skyvern_crds.vocabulary import ConditionType, Phase, Reason
from skyvern_operator.decision.conditions import find
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.slots.admission import Decision
from skyvern_operator.decision.view import View
from skyvern_operator.state.facts import Trouble
from skyvern_operator.state.records import PodLife, TaskRecord, vanished_pod
from tests.operator.examples import (
    COMPLETED_POD,
    EVICTED_UNSTARTED,
    RUNNING,
    STOPPED_POD,
    UNSCHEDULABLE,
    a_pod,
    a_task,
    after,
    at,
    deleting,
    ended_pod,
    gone,
    known,
    look_at,
    queued,
    running,
    running_pod,
    tell,
    waiting_pod,
)
from tests.operator.kubelet import verdict

HELD = Decision(admitted=False, message="the limit of 2 active tasks is reached; next to start")
GATED = a_pod(
    scheduled=False, scheduled_at=None, node_name=None, scheduling_reason="SchedulingGated", scheduling_message="gated"
)
LATE = known(queued(), UNSCHEDULABLE, now=900)
"""Its start deadline has passed, and it says so."""
NO_IMAGE = known(queued(), waiting_pod("ImagePullBackOff"), now=300)
NOT_MOUNTED = Trouble("pod-1", at(15), 'FailedMount: secret "absent" not found', missing=True)
TIMEOUT = Trouble("pod-1", at(15), "FailedMount: timed out waiting for the condition")
NO_SECRET = known(queued(), waiting_pod("CreateContainerConfigError"), now=120)
OVERDUE = known(running(), running_pod(), now=1800)
SUSPENDING = known(queued(suspend=True), a_pod())
CANCELING = known(queued(cancel_requested=True), a_pod())
CANCELING_RUNNING = known(running(cancel_requested=True), running_pod())
TOLD = (LATE, NO_IMAGE, NO_SECRET, SUSPENDING, CANCELING)
BEHIND_GATE = known(a_task(), GATED)
DID_NOTHING = ended_pod(message=verdict(Phase.FAILED, Reason.REPORT_REFUSED, "HTTP 403"))


def withdrawn(task: TaskRecord) -> TaskRecord:
    """The task without its cancellation."""
    return replace(task, cancel_requested=False)


def resumed(task: TaskRecord) -> TaskRecord:
    return replace(task, suspend=False)


Row = tuple[str, View, Sequence[str]]

ROWS: list[Row] = [
    # Cancel
    ("canceled without a pod", look_at(a_task(cancel_requested=True)), ["canceled Canceled"]),
    ("canceled while held", look_at(a_task(cancel_requested=True), admission=HELD), ["canceled Canceled"]),
    (
        "canceled while pending: it says so, then the pod is asked to stop",
        look_at(queued(cancel_requested=True), a_pod()),
        ["running Canceling", "delete pod-1"],
    ),
    (
        "canceled while running: the pod is asked to stop",
        look_at(running(cancel_requested=True), running_pod()),
        ["running Canceling", "delete pod-1"],
    ),
    ("told, but not done because of a crash", look_at(CANCELING, a_pod()), ["delete pod-1"]),
    ("asked to stop, it is waited for", look_at(CANCELING, deleting(a_pod())), ["wake +330"]),
    ("stopped by the cancellation", look_at(running(cancel_requested=True), STOPPED_POD), ["canceled Canceled"]),
    ("gone by the cancellation", look_at(queued(cancel_requested=True), gone(a_pod())), ["canceled Canceled"]),
    (
        "a verdict that was there before the cancellation stands",
        look_at(running(cancel_requested=True), COMPLETED_POD),
        ["completed Completed"],
    ),
    (
        "a node that does not confirm the stop of an agent is lost",
        look_at(CANCELING_RUNNING, deleting(running_pod()), now=331),
        ["failed NodeLost", "event NodeLost"],
    ),
    (
        "an agent that never started is canceled without the node's word",
        look_at(CANCELING, deleting(a_pod()), now=331),
        ["canceled Canceled"],
    ),
    ("withdrawn before it is told", look_at(queued(), a_pod()), ["wake +15"]),
    ("withdrawn before the pod is deleted", look_at(withdrawn(CANCELING), a_pod()), ["delete pod-1"]),
    ("withdrawn while the pod ends", look_at(withdrawn(CANCELING), deleting(a_pod())), ["wake +330"]),
    ("withdrawn and never started", look_at(withdrawn(CANCELING), gone(a_pod())), ["canceled Canceled"]),
    ("withdrawn and started", look_at(withdrawn(CANCELING_RUNNING), STOPPED_POD), ["canceled Canceled"]),
    # Deadlines
    (
        "the start deadline takes the pod away before the verdict",
        look_at(queued(), UNSCHEDULABLE, now=900),
        ["queued Stopping", "delete pod-1 if unchanged"],
    ),
    (
        "nothing has to be stopped without a pod",
        look_at(replace(queued(), status=queued().status.model_copy(update={"pod_uid": None})), now=900),
        ["timed_out StartDeadlineExceeded", "event StartDeadlineExceeded"],
    ),
    ("told, but not done because of a crash", look_at(LATE, UNSCHEDULABLE, now=901), ["delete pod-1 if unchanged"]),
    ("the deleted pod is waited for", look_at(LATE, deleting(UNSCHEDULABLE, 930), now=901), ["wake +329"]),
    (
        "once it is gone the task is timed out",
        look_at(LATE, gone(UNSCHEDULABLE), now=930),
        ["timed_out StartDeadlineExceeded", "event StartDeadlineExceeded"],
    ),
    (
        "even if nobody saw it go",
        look_at(LATE, vanished_pod(LATE, "apply-1"), now=930),
        ["timed_out StartDeadlineExceeded", "event StartDeadlineExceeded"],
    ),
    (
        "even if its node keeps silent",
        look_at(LATE, deleting(UNSCHEDULABLE, 930), now=1230),
        ["timed_out StartDeadlineExceeded", "event StartDeadlineExceeded"],
    ),
    (
        "a pod that has just started is looked at again and runs",
        look_at(LATE, running_pod(), now=901),
        ["running Starting", "wake +899"],
    ),
    (
        "a container that starts under deletion is not let in",
        look_at(LATE, deleting(running_pod(), 930), now=901),
        ["wake +329"],
    ),
    (
        "and the task is timed out",
        look_at(LATE, deleting(ended_pod(143, reason="Error"), 930), now=902),
        ["timed_out StartDeadlineExceeded", "event StartDeadlineExceeded"],
    ),
    (
        "a pod that somebody deletes is timed out as well",
        look_at(queued(), deleting(a_pod(), 0), now=900),
        ["queued Stopping"],
    ),
    (
        "the active deadline stops the pod",
        look_at(running(), running_pod(), now=1800),
        ["running Canceling", "delete pod-1"],
    ),
    (
        "stopped by the active deadline",
        look_at(running(), STOPPED_POD, now=1801),
        ["timed_out DeadlineExceeded", "event DeadlineExceeded"],
    ),
    (
        "a cancellation comes too late for it",
        look_at(replace(OVERDUE, cancel_requested=True), STOPPED_POD, now=1801),
        ["timed_out DeadlineExceeded", "event DeadlineExceeded"],
    ),
    (
        "the kubelet's own deadline",
        look_at(running(), running_pod(phase="Failed", reason="DeadlineExceeded"), now=9),
        ["timed_out DeadlineExceeded", "event DeadlineExceeded"],
    ),
    # Containers that cannot be made
    ("an image is waited for", look_at(queued(), waiting_pod("ErrImagePull")), ["queued Pending", "wake +300"]),
    (
        "an image that does not come",
        look_at(queued(), waiting_pod("ImagePullBackOff"), now=300),
        ["queued Stopping", "delete pod-1 if unchanged"],
    ),
    (
        "it has failed when the pod is gone",
        look_at(NO_IMAGE, gone(a_pod()), now=301),
        ["failed ImagePullFailed", "event ImagePullFailed"],
    ),
    (
        "an image that comes at the last moment is used",
        look_at(NO_IMAGE, a_pod(), now=301),
        ["queued Pending", "look up trouble", "wake +59"],
    ),
    # A pod that is not being started: only Events tell why
    ("it is asked what keeps it", look_at(queued(), a_pod(), now=15), ["look up trouble", "wake +105"]),
    ("and nothing may", look_at(queued(), a_pod(), now=20, trouble=Trouble("pod-1", at(15))), ["wake +100"]),
    ("what keeps it is told", look_at(queued(), a_pod(), now=20, trouble=TIMEOUT), ["queued Pending", "wake +100"]),
    (
        "it is asked again at the end of the grace period",
        look_at(queued(), a_pod(), now=120, trouble=NOT_MOUNTED),
        ["queued Pending", "look up trouble", "wake +60"],
    ),
    (
        "a Secret that is missing then ends it",
        look_at(queued(), a_pod(), now=121, trouble=replace(NOT_MOUNTED, at=at(120))),
        ["queued Stopping", "delete pod-1 if unchanged"],
    ),
    (
        "what may pass does not",
        look_at(queued(), a_pod(), now=121, trouble=replace(TIMEOUT, at=at(120))),
        ["queued Pending", "wake +59"],
    ),
    (
        "and is asked for every minute",
        look_at(queued(), a_pod(), now=185, trouble=replace(TIMEOUT, at=at(120))),
        ["queued Pending", "look up trouble", "wake +55"],
    ),
    (
        "nobody asks about a pod whose browser runs",
        look_at(queued(), a_pod(browser=RUNNING), now=200),
        ["wake +700"],
    ),
    (
        "an image whose name is wrong never comes",
        look_at(queued(), waiting_pod("InvalidImageName")),
        ["queued Stopping", "delete pod-1 if unchanged"],
    ),
    (
        "a container's configuration is waited for",
        look_at(queued(), waiting_pod("CreateContainerConfigError")),
        ["queued Pending", "wake +120"],
    ),
    (
        "a configuration that stays wrong",
        look_at(queued(), waiting_pod("CreateContainerError"), now=120),
        ["queued Stopping", "delete pod-1 if unchanged"],
    ),
    (
        "it has failed when nobody saw the pod go",
        look_at(NO_SECRET, vanished_pod(NO_SECRET, "apply-1"), now=121),
        ["failed ContainerConfigError", "event ContainerConfigError"],
    ),
    (
        "a process that could not be started",
        look_at(queued(), ended_pod(128, "no such file", reason="StartError")),
        ["failed ContainerConfigError", "event ContainerConfigError"],
    ),
    # Deleted by somebody
    ("a pod under deletion is waited for", look_at(running(), deleting(running_pod())), ["wake +330"]),
    (
        "a node that keeps silent is lost",
        look_at(running(), deleting(running_pod()), now=330),
        ["failed NodeLost", "event NodeLost"],
    ),
    (
        "without a start the start deadline decides",
        look_at(queued(), deleting(a_pod(), 0), now=400),
        ["queued Pending", "wake +500"],
    ),
    # Suspend
    ("suspended before the start", look_at(a_task(suspend=True)), ["queued Queued"]),
    (
        "suspended while pending",
        look_at(queued(suspend=True), a_pod()),
        ["queued Suspending", "delete pod-1 if unchanged"],
    ),
    ("its pod is waited for", look_at(SUSPENDING, deleting(a_pod())), ["wake +330"]),
    ("suspended, its pod gone", look_at(SUSPENDING, gone(a_pod())), ["queued Queued"]),
    ("suspended, nobody saw the pod go", look_at(SUSPENDING, vanished_pod(SUSPENDING, "apply-1")), ["queued Queued"]),
    ("suspended, its node silent", look_at(SUSPENDING, deleting(a_pod()), now=330), ["queued Queued"]),
    (
        "suspended, killed in its start",
        look_at(SUSPENDING, deleting(ended_pod(137, reason="Error"))),
        ["queued Queued"],
    ),
    ("suspended, its pod evicted", look_at(SUSPENDING, EVICTED_UNSTARTED), ["queued Queued"]),
    (
        "a pod that starts before its deletion runs",
        look_at(SUSPENDING, running_pod()),
        ["running Starting", "wake +1800"],
    ),
    ("resumed before the pod is deleted", look_at(resumed(SUSPENDING), a_pod()), ["queued Pending", "wake +15"]),
    ("resumed while the pod ends", look_at(resumed(SUSPENDING), deleting(a_pod())), ["wake +330"]),
    ("resumed, the pod gone", look_at(resumed(SUSPENDING), gone(a_pod())), ["queued Queued"]),
    (
        "then comes the second attempt",
        look_at(resumed(known(SUSPENDING, gone(a_pod())))),
        ["create pod 2"],
    ),
    (
        "canceled while suspending",
        look_at(replace(SUSPENDING, cancel_requested=True), deleting(a_pod())),
        ["running Canceling", "wake +330"],
    ),
    (
        "canceled while suspending, the pod gone",
        look_at(replace(SUSPENDING, cancel_requested=True), gone(a_pod())),
        ["canceled Canceled"],
    ),
    (
        "suspend does not stop what runs, and that is told",
        look_at(running(suspend=True), running_pod()),
        ["running Starting", "wake +1800"],
    ),
    # Gates
    ("a pod behind a gate waits in a queue", look_at(a_task(), GATED), ["queued SchedulingGated"]),
    ("for as long as it takes", look_at(BEHIND_GATE, GATED, now=10**6), []),
    (
        "the start deadline counts from the end of that",
        look_at(known(BEHIND_GATE, UNSCHEDULABLE, now=5000), UNSCHEDULABLE, now=5000),
        ["wake +900"],
    ),
    (
        "an operator that comes back later counts from then",
        look_at(BEHIND_GATE, UNSCHEDULABLE, now=5000),
        ["queued Pending"],
    ),
]


@pytest.mark.parametrize(("view", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_view_leads_to_its_actions(view: View, expected: Sequence[str]) -> None:
    now = (view.now - at(0)).total_seconds()
    assert tell(decide(view), now) == list(expected)


@pytest.mark.parametrize("task", TOLD, ids=lambda task: stopping(task).reason)
def test_what_was_told_is_the_end_whatever_the_pod_looked_like_at_last(task: TaskRecord) -> None:
    told = stopping(task)
    pods = (a_pod(), vanished_pod(task, "apply-1"), ended_pod(143, reason="Error"), EVICTED_UNSTARTED)
    ends = {tuple(tell(decide(look_at(task, gone(pod), now=2000)))) for pod in pods}
    assert len(ends) == 1
    status = after(look_at(task, gone(a_pod()), now=2000))
    if told.reason != Reason.SUSPENDED:
        entry = find(status.conditions, ConditionType.SUCCEEDED)
        assert entry is not None
        assert (entry.reason, entry.message) == (told.reason, told.message)
    assert find(status.conditions, ConditionType.STOPPING) is None


def test_suspending_uses_up_no_infrastructure_retry() -> None:
    task = a_task(infra_retries=0)
    for attempt in (1, 2, 3):
        pod = a_pod(attempt)
        task = known(task, pod)
        task = known(replace(task, suspend=True), pod)
        task = resumed(known(task, gone(pod)))
    assert (task.status.attempt, task.status.infra_failures) == (3, None)
    assert tell(decide(look_at(replace(task, infra_retries=1), replace(EVICTED_UNSTARTED, attempt=4)))) == [
        "queued InfraRetry",
        "event InfraRetry",
    ]


def test_suspension_that_has_no_effect_says_so() -> None:
    entry = find(after(look_at(running(suspend=True), running_pod())).conditions, ConditionType.SUCCEEDED)
    assert entry is not None
    assert "spec.suspend is set, which has no effect" in entry.message


def test_admission_waits_for_the_gate() -> None:
    entry = find(BEHIND_GATE.status.conditions, ConditionType.ADMITTED)
    assert entry is not None
    assert (entry.status, entry.reason) == ("False", "SchedulingGated")
    lifted = find(known(BEHIND_GATE, a_pod(), now=5000).status.conditions, ConditionType.ADMITTED)
    assert lifted is not None
    assert (lifted.status, lifted.last_transition_time) == ("True", at(5000))


def test_pod_replaced_under_its_name_is_still_a_deleted_pod() -> None:
    pod = replace(a_pod(uid="pod-9"), life=PodLife.LIVE)
    assert tell(decide(look_at(LATE, pod, now=901)))[0] == "failed PodDeleted"


def stopping(task: TaskRecord) -> Condition:
    """The condition Stopping of a task that has one."""
    entry = find(task.status.conditions, ConditionType.STOPPING)
    assert entry is not None
    return entry


def test_agent_that_was_not_let_in_is_run_again_unless_a_report_arrived() -> None:
    assert tell(decide(look_at(running(), DID_NOTHING))) == ["queued InfraRetry", "event InfraRetry"]
    assert tell(decide(look_at(a_task(), DID_NOTHING))) == ["queued InfraRetry", "event InfraRetry"]
    assert after(look_at(running(), DID_NOTHING)).started_at is None
    assert tell(decide(look_at(running(reported=True), DID_NOTHING))) == [
        "failed ReportRefused",
        "event ReportRefused",
    ]
    assert tell(decide(look_at(running(infra_retries=0), DID_NOTHING)))[0] == "failed ReportRefused"


def test_runner_that_takes_its_reports_back_is_not_run_again() -> None:
    task = replace(known(running(reported=True), running_pod()), reported=False)
    assert tell(decide(look_at(task, running_pod())))[:1] == ["wake +1800"]
    assert tell(decide(look_at(task, DID_NOTHING))) == ["failed ReportRefused", "event ReportRefused"]
