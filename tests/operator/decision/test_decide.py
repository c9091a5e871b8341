"""The table of decisions: a row a case. Each row is a view and the actions that follow, in words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from skyvern_crds.status import OperatorStatus, WebhookState, WebhookStatus
from skyvern_crds.vocabulary import ConditionType, Phase, Reason
from skyvern_operator.decision.conditions import find
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.slots.admission import Decision
from skyvern_operator.decision.view import View, holds_slot
from skyvern_operator.state.facts import Refusal
from skyvern_operator.state.records import ContainerRecord, ContainerState, PodLife, vanished_pod
from tests.operator.examples import (
    COMPLETED_POD,
    EVICTED_UNSTARTED,
    POLICY,
    RUNNING,
    UNSCHEDULABLE,
    a_pod,
    a_task,
    after,
    at,
    deleting,
    ended,
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
UNANSWERED = Decision(admitted=False)
INVALID = Refusal(Reason.POD_SPEC_INVALID, "spec.containers[0].image: Required value")
RETRYING = known(queued(), EVICTED_UNSTARTED)
TERMINATED = verdict(Phase.TERMINATED, Reason.TERMINATED, "the form is closed")
BROWSER_LOST = ended_pod(message=verdict(Phase.FAILED, Reason.BROWSER_FAILED, "the browser does not answer"))
OUT_OF_MEMORY = ContainerRecord(
    ContainerState.TERMINATED, reason="OOMKilled", exit_code=143, started_at=at(0), killed_for_memory=True
)
MAX_STEPS = verdict(Phase.FAILED, Reason.MAX_STEPS_REACHED, "25 steps")


def hooked(state: WebhookState, due: float | None = None, **changes: Any) -> Any:
    """A completed task whose webhook stands like this."""
    task = ended(has_webhook=True)
    next_try = at(due) if due is not None else None
    webhook = WebhookStatus(state=state, attempts=1, next_attempt_at=next_try)
    return replace(task, status=task.status.model_copy(update={"webhook": webhook}), **changes)


Row = tuple[str, View, Sequence[str]]

ROWS: list[Row] = [
    # Start
    ("a new task gets a pod", look_at(a_task()), ["create pod 1"]),
    ("its status names the pod once it exists", look_at(a_task(), a_pod()), ["queued Pending", "wake +15"]),
    ("a pod found after a restart is adopted", look_at(a_task(), running_pod()), ["running Starting", "wake +1800"]),
    ("a pod being prepared is waited for", look_at(queued(), a_pod()), ["wake +15"]),
    ("an unschedulable pod says so", look_at(queued(), UNSCHEDULABLE), ["queued Pending", "wake +900"]),
    ("a start is told with the first report", look_at(queued(), running_pod(), now=1), ["wake +4"]),
    (
        "which comes",
        look_at(queued(reported=True), running_pod(), now=1),
        ["running Running", "wake +1799"],
    ),
    ("or is late", look_at(queued(), running_pod(), now=5), ["running Starting", "wake +1795"]),
    (
        "a start before the operator's time is told at once",
        look_at(queued(), running_pod(), now=-1),
        ["running Starting", "wake +1801"],
    ),
    ("a running task is left alone", look_at(running(), running_pod()), ["wake +1800"]),
    (
        "a first report makes it Running",
        look_at(running(reported=True), running_pod()),
        ["running Running", "wake +1800"],
    ),
    # Limits
    ("a held task says why", look_at(a_task(), admission=HELD), ["queued Queued"]),
    ("nothing is written before admission has answered", look_at(a_task(), admission=UNANSWERED), []),
    ("a task with a pod is not held", look_at(queued(), a_pod(), admission=HELD), ["wake +15"]),
    # Refusals
    ("an invalid pod ends it", look_at(a_task(), refusal=INVALID), ["failed PodSpecInvalid", "event PodSpecInvalid"]),
    # Ends, by the runner's container
    ("completed", look_at(running(), COMPLETED_POD), ["completed Completed"]),
    ("completed, though never seen running", look_at(queued(), COMPLETED_POD), ["completed Completed"]),
    ("terminated", look_at(running(), ended_pod(message=TERMINATED)), ["terminated Terminated"]),
    (
        "the runner's own failure",
        look_at(running(), ended_pod(message=MAX_STEPS)),
        ["failed MaxStepsReached", "event MaxStepsReached"],
    ),
    (
        "a crash",
        look_at(running(), ended_pod(1, reason="Error")),
        ["failed AgentFailed", "event AgentFailed"],
    ),
    (
        "exit 0 without a verdict",
        look_at(running(), ended_pod()),
        ["failed ResultMissing", "event ResultMissing"],
    ),
    (
        "killed for memory, whatever it says",
        look_at(running(), ended_pod(0, verdict(), reason="OOMKilled")),
        ["failed OutOfMemory", "event OutOfMemory"],
    ),
    # A browser that was lost: its container's end may tell why
    ("a lost browser's own end is waited for", look_at(running(), BROWSER_LOST, now=2), ["wake +8"]),
    (
        "but not for a node whose clock is ahead",
        look_at(running(), BROWSER_LOST, now=-1),
        ["failed BrowserFailed", "event BrowserFailed"],
    ),
    (
        "it had run out of memory",
        look_at(running(), replace(BROWSER_LOST, browser=OUT_OF_MEMORY), now=2),
        ["failed OutOfMemory", "event OutOfMemory"],
    ),
    (
        "it had not",
        look_at(running(), replace(BROWSER_LOST, browser=replace(OUT_OF_MEMORY, killed_for_memory=False)), now=2),
        ["failed BrowserFailed", "event BrowserFailed"],
    ),
    (
        "its end is not waited for in vain",
        look_at(running(), BROWSER_LOST, now=10),
        ["failed BrowserFailed", "event BrowserFailed"],
    ),
    (
        "nor that of a pod which is gone",
        look_at(running(), gone(BROWSER_LOST), now=2),
        ["failed BrowserFailed", "event BrowserFailed"],
    ),
    # Disruptions
    (
        "evicted before the start is retried",
        look_at(queued(), EVICTED_UNSTARTED),
        ["queued InfraRetry", "event InfraRetry"],
    ),
    ("the retry waits for its back-off", look_at(RETRYING, now=4), ["wake +6"]),
    ("then comes the second attempt", look_at(RETRYING, now=10), ["create pod 2"]),
    ("the second attempt's pod is named", look_at(RETRYING, a_pod(2), now=10), ["queued Pending", "wake +5"]),
    (
        "the attempts are used up",
        look_at(queued(infra_retries=0), EVICTED_UNSTARTED),
        ["failed Evicted", "event Evicted"],
    ),
    (
        "evicted after the start is the end",
        look_at(running(), running_pod(phase="Failed", disruption="EvictionByEvictionAPI")),
        ["failed Evicted", "event Evicted"],
    ),
    (
        "preempted after the start is the end",
        look_at(running(), gone(running_pod(disruption="PreemptionByScheduler"))),
        ["failed Preempted", "event Preempted"],
    ),
    # Pods that vanish
    ("a missing pod is looked up", look_at(running()), ["look up pod"]),
    (
        "a pod deleted while running",
        look_at(running(), gone(running_pod())),
        ["failed PodDeleted", "event PodDeleted"],
    ),
    (
        "a pod deleted before its start is retried",
        look_at(queued(), gone(a_pod())),
        ["queued InfraRetry", "event InfraRetry"],
    ),
    (
        "a pod that nobody saw end may have acted",
        look_at(queued(), vanished_pod(queued(), "apply-1")),
        ["failed PodDeleted", "event PodDeleted"],
    ),
    (
        "a pod seen Pending that vanished may have acted",
        look_at(queued(), replace(a_pod(), life=PodLife.VANISHED)),
        ["failed PodDeleted", "event PodDeleted"],
    ),
    (
        "a pod with another uid is not ours",
        look_at(running(), running_pod(uid="pod-9")),
        ["failed PodDeleted", "event PodDeleted"],
    ),
    (
        "the runner's report is proof of a start",
        look_at(replace(queued(), reported=True), gone(a_pod())),
        ["failed PodDeleted", "event PodDeleted"],
    ),
    (
        "a report outlives the pod's name in status",
        look_at(a_task(reported=True)),
        ["failed PodDeleted", "event PodDeleted"],
    ),
    # After the end
    ("the pod of an ended task is kept for its logs", look_at(ended(), COMPLETED_POD), ["wake +300"]),
    ("and then deleted", look_at(ended(), COMPLETED_POD, now=300), ["delete pod-1", "wake +3300"]),
    ("an ended task waits for its time to live", look_at(ended()), ["wake +3600"]),
    ("one too many is removed at once", look_at(ended(), COMPLETED_POD, surplus=True), ["delete task"]),
    ("but its webhook first", look_at(hooked(WebhookState.PENDING), surplus=True), ["deliver webhook"]),
    (
        "a webhook that waits does not keep the pod",
        look_at(hooked(WebhookState.PENDING, 900), COMPLETED_POD, now=300),
        ["delete pod-1", "wake +600"],
    ),
    (
        "a settled task is never written to",
        look_at(replace(hooked(WebhookState.PENDING), settled=True)),
        ["wake +3600"],
    ),
    ("its own time to live goes first", look_at(ended(ttl_seconds=60), COMPLETED_POD), ["wake +60"]),
    ("then it is removed", look_at(ended(), COMPLETED_POD, now=3600), ["delete task"]),
    ("it may be kept without limit", look_at(ended(), policy=replace(POLICY, default_ttl_seconds=None)), []),
    ("nothing runs on after the end", look_at(ended(), running_pod()), ["delete pod-1", "wake +3600"]),
    ("a cancellation after the end is ignored", look_at(ended(cancel_requested=True)), ["wake +3600"]),
    ("a task under deletion is left alone", look_at(running(deleting=True), running_pod()), []),
    # A status that cannot be read
    ("an unreadable status is reported", look_at(a_task(unreadable="status.phase: odd")), ["report status.phase: odd"]),
    ("and then left alone", look_at(a_task(unreadable="odd"), reported="odd"), []),
    ("another fault is reported again", look_at(a_task(unreadable="odd"), reported="even"), ["report odd"]),
    ("so is its pod", look_at(a_task(unreadable="odd"), COMPLETED_POD, reported="odd"), []),
    ("and its deadlines", look_at(running(unreadable="odd"), running_pod(), now=9000, reported="odd"), []),
    (
        "it can be canceled: its pod is deleted",
        look_at(running(unreadable="odd", cancel_requested=True), running_pod(), reported="odd"),
        ["delete pod-1"],
    ),
    (
        "its pod under deletion is waited for",
        look_at(running(unreadable="odd", cancel_requested=True), deleting(running_pod()), reported="odd"),
        ["wake +330"],
    ),
    (
        "and not for longer than a lost node is",
        look_at(running(unreadable="odd", cancel_requested=True), deleting(running_pod()), now=331, reported="odd"),
        ["failed NodeLost", "event NodeLost"],
    ),
    (
        "canceled once its pod is gone",
        look_at(running(unreadable="odd", cancel_requested=True), gone(running_pod()), reported="odd"),
        ["canceled Canceled"],
    ),
    (
        "canceled without a pod",
        look_at(a_task(unreadable="odd", cancel_requested=True)),
        ["canceled Canceled", "report odd"],
    ),
    (
        "a pod that its status names is looked up before",
        look_at(running(unreadable="odd", cancel_requested=True), reported="odd"),
        ["look up pod"],
    ),
    (
        "an end that is written stands",
        look_at(ended(unreadable="odd", cancel_requested=True), COMPLETED_POD, reported="odd"),
        [],
    ),
    ("a deleted one is left to the garbage collector", look_at(a_task(unreadable="odd", deleting=True)), []),
    # Webhook
    ("the webhook is due with the verdict", look_at(ended(has_webhook=True)), ["deliver webhook"]),
    ("one try at a time", look_at(ended(has_webhook=True), webhook_under_way=True), []),
    (
        "the outcome of a try is written",
        look_at(ended(has_webhook=True), webhook=WebhookStatus(state=WebhookState.DELIVERED, attempts=1)),
        ["completed Completed"],
    ),
    ("a failed try is repeated when due", look_at(hooked(WebhookState.PENDING, 30)), ["wake +30"]),
    ("and then delivered", look_at(hooked(WebhookState.PENDING, 30), now=30), ["deliver webhook"]),
    ("a delivered webhook rests", look_at(hooked(WebhookState.DELIVERED)), ["wake +3600"]),
    (
        "the time to live waits for the webhook",
        look_at(hooked(WebhookState.PENDING, 9000), now=8000),
        ["wake +1000"],
    ),
    (
        "a pending delivery that is asked for is due at once",
        look_at(hooked(WebhookState.PENDING, 3000, webhook_retry="2")),
        ["completed Completed"],
    ),
    (
        "but never two at a time",
        look_at(hooked(WebhookState.PENDING, 3000, webhook_retry="2"), webhook_under_way=True),
        [],
    ),
    (
        "a delivery is repeated on request",
        look_at(hooked(WebhookState.DELIVERED, webhook_retry="2")),
        ["completed Completed"],
    ),
]


@pytest.mark.parametrize(("view", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_view_leads_to_its_actions(view: View, expected: Sequence[str]) -> None:
    now = (view.now - at(0)).total_seconds()
    assert tell(decide(view), now) == list(expected)


def test_delivery_that_is_asked_for_while_pending_is_due_now_and_answers_the_request() -> None:
    status = after(look_at(hooked(WebhookState.PENDING, 3000, webhook_retry="2"), now=60))
    assert status.webhook == WebhookStatus(
        state=WebhookState.PENDING, attempts=1, next_attempt_at=at(60), retry_requested="2"
    )


def test_verdict_says_why_and_when() -> None:
    status = after(look_at(running(), ended_pod(7, reason="Error"), now=60))
    assert status.failure is not None
    assert (status.failure.reason, status.failure.exit_code) == ("AgentFailed", 7)
    assert status.failure_reason == "the runner failed with exit code 7"
    assert status.finished_at == at(0)


def test_start_is_dated_by_the_kubelet() -> None:
    pod = running_pod(runner=replace(RUNNING, started_at=at(-3)))
    assert after(look_at(queued(), pod, now=60)).started_at == at(-3)


def test_message_that_only_varies_in_wording_is_not_written_again() -> None:
    task = known(queued(), waiting_pod("ErrImagePull"))
    assert tell(decide(look_at(task, waiting_pod("ImagePullBackOff")))) == ["wake +300"]


def test_sandbox_condition_shows_whether_a_profile_is_configured() -> None:
    without = after(look_at(a_task(), a_pod()))
    profiled = after(look_at(a_task(), a_pod(), policy=replace(POLICY, seccomp_profile="skyvern/chrome.json")))
    found = [find(status.conditions, ConditionType.BROWSER_SANDBOXED) for status in (without, profiled)]
    assert [entry and (entry.status, entry.reason) for entry in found] == [
        ("False", "NoSeccompProfile"),
        ("True", "SeccompProfile"),
    ]


def test_field_without_effect_is_named() -> None:
    status = after(look_at(a_task(without_effect=("proxyLocation",)), a_pod()))
    entry = find(status.conditions, ConditionType.SPEC_HONORED)
    assert entry is not None
    assert (entry.status, "proxyLocation" in entry.message) == ("False", True)


def test_transition_time_stays_while_the_status_of_a_condition_does() -> None:
    task = running()
    status = after(look_at(replace(task, reported=True), running_pod(), now=50))
    before, now = (find(s.conditions, ConditionType.SUCCEEDED) for s in (task.status, status))
    assert before is not None
    assert now is not None
    assert now.reason == "Running"
    assert now.last_transition_time == before.last_transition_time


def test_browser_that_crashed_is_shown_while_the_runner_continues() -> None:
    crashed = ContainerRecord(ContainerState.WAITING, reason="CrashLoopBackOff")
    status = after(look_at(running(), running_pod(browser=crashed)))
    entry = find(status.conditions, ConditionType.BROWSER_READY)
    assert entry is not None
    assert (entry.status, entry.message) == ("False", "CrashLoopBackOff")


def test_retry_frees_the_name_of_the_pod_and_counts_the_attempt() -> None:
    status: OperatorStatus = RETRYING.status
    assert (status.attempt, status.pod_name, status.pod_uid) == (1, None, None)


def test_backoff_doubles_with_each_attempt() -> None:
    evicted_again = replace(EVICTED_UNSTARTED, name=a_pod(2).name, uid="pod-2", attempt=2)
    second = known(known(RETRYING, a_pod(2), now=10), evicted_again, now=100)
    assert tell(decide(look_at(second, now=100)), 100) == ["wake +20"]


def test_number_of_failures_of_any_size_does_not_stop_the_operator() -> None:
    status = RETRYING.status.model_copy(update={"infra_failures": 10**11})
    task = replace(RETRYING, status=status)
    assert tell(decide(look_at(task, now=4))) == ["wake +300"]


def test_unreadable_task_holds_a_slot_only_while_its_pod_can_run() -> None:
    task = running(unreadable="odd")
    assert holds_slot(task, running_pod())
    assert not holds_slot(task, gone(running_pod()))
    assert not holds_slot(task, COMPLETED_POD)
    assert not holds_slot(task, None)
    assert holds_slot(running(), gone(running_pod()))
