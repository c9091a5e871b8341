"""From an ended pod to its outcome: a row a case."""

from dataclasses import replace

import pytest

from skyvern_crds.runner_contract import ExitCode
from skyvern_crds.vocabulary import Phase, Reason
from skyvern_operator.decision.classify import classify
from skyvern_operator.state.records import ContainerRecord, ContainerState, PodLife, PodRecord
from tests.operator.examples import STOPPED_POD, a_pod, at, ended_pod, gone, running_pod
from tests.operator.kubelet import verdict

OOM_BROWSER = ContainerRecord(ContainerState.RUNNING, started_at=at(0), killed_for_memory=True)
OOM_STOPPED_BROWSER = ContainerRecord(
    ContainerState.TERMINATED, reason="OOMKilled", exit_code=143, started_at=at(0), killed_for_memory=True
)
FAILED = verdict(Phase.FAILED, Reason.BROWSER_FAILED, "the browser was lost")
UNKNOWN = running_pod(runner=ContainerRecord(ContainerState.TERMINATED, reason="ContainerStatusUnknown", exit_code=137))
LYING = verdict(Phase.COMPLETED, Reason.COMPLETED)

ROWS: list[tuple[str, PodRecord, Reason, bool, bool]] = [
    # pod, reason, the agent had started, the infrastructure ended it
    ("completed", ended_pod(0, LYING), Reason.COMPLETED, True, False),
    ("terminated", ended_pod(0, verdict(Phase.TERMINATED, Reason.TERMINATED, "no")), Reason.TERMINATED, True, False),
    ("failed by its own word", ended_pod(0, FAILED), Reason.BROWSER_FAILED, True, False),
    ("failed by its own word and exit code", ended_pod(1, FAILED), Reason.BROWSER_FAILED, True, False),
    ("a completed record with an exit code", ended_pod(1, LYING), Reason.AGENT_FAILED, True, False),
    ("no record", ended_pod(0), Reason.RESULT_MISSING, True, False),
    ("a record that nobody can read", ended_pod(0, "{"), Reason.RESULT_MISSING, True, False),
    ("a crash", ended_pod(1), Reason.AGENT_FAILED, True, False),
    ("a usage error", ended_pod(ExitCode.USAGE), Reason.AGENT_FAILED, True, False),
    ("the runner killed for memory", ended_pod(137, reason="OOMKilled"), Reason.OUT_OF_MEMORY, True, False),
    ("killed for memory with exit code 0", ended_pod(0, LYING, reason="OOMKilled"), Reason.OUT_OF_MEMORY, True, False),
    (
        "the browser killed for memory, which the agent did not survive",
        ended_pod(0, FAILED, browser=OOM_BROWSER),
        Reason.OUT_OF_MEMORY,
        True,
        False,
    ),
    (
        "the browser killed for memory, which the agent got over",
        ended_pod(0, LYING, browser=OOM_BROWSER),
        Reason.COMPLETED,
        True,
        False,
    ),
    ("stopped with its pod", STOPPED_POD, Reason.POD_DELETED, True, True),
    ("stopped by a stranger", replace(STOPPED_POD, life=PodLife.LIVE), Reason.AGENT_FAILED, True, False),
    ("lost by the kubelet, which does not know when it started", UNKNOWN, Reason.AGENT_FAILED, True, False),
    ("never started for an error", ended_pod(128, reason="StartError"), Reason.CONTAINER_CONFIG_ERROR, False, False),
    ("the kubelet's deadline", running_pod(reason="DeadlineExceeded"), Reason.DEADLINE_EXCEEDED, True, False),
    ("evicted while running", running_pod(phase="Failed", reason="Evicted"), Reason.EVICTED, True, True),
    ("evicted before its start", a_pod(phase="Failed", reason="Evicted"), Reason.EVICTED, False, True),
    ("refused by the kubelet", a_pod(phase="Failed", reason="OutOfcpu"), Reason.NODE_REFUSED, False, True),
    ("preempted", gone(running_pod(disruption="PreemptionByScheduler")), Reason.PREEMPTED, True, True),
    ("drained", gone(running_pod(disruption="EvictionByEvictionAPI")), Reason.EVICTED, True, True),
    ("tainted away", gone(running_pod(disruption="DeletionByTaintManager")), Reason.NODE_LOST, True, True),
    ("collected with its node", gone(running_pod(disruption="DeletionByPodGC")), Reason.NODE_LOST, True, True),
    (
        "stopped with a word of memory about the browser, after its agent had lost it",
        ended_pod(0, FAILED, phase="Succeeded", browser=OOM_STOPPED_BROWSER),
        Reason.OUT_OF_MEMORY,
        True,
        False,
    ),
    (
        "a node shut down",
        running_pod(phase="Failed", reason="Terminated", message="imminent node shutdown"),
        Reason.NODE_SHUTDOWN,
        True,
        True,
    ),
    (
        "a node shut down, as the kubelet's condition",
        running_pod(disruption="TerminationByKubelet", message="Pod was terminated in response to node shutdown"),
        Reason.NODE_SHUTDOWN,
        True,
        True,
    ),
    ("deleted while running", gone(running_pod()), Reason.POD_DELETED, True, True),
    ("vanished before its start was seen", replace(a_pod(), life=PodLife.VANISHED), Reason.POD_DELETED, True, True),
    ("deleted before its start", gone(a_pod()), Reason.POD_DELETED, False, True),
    ("gone after a verdict", gone(ended_pod(0, LYING)), Reason.COMPLETED, True, False),
    ("evicted after a verdict", ended_pod(0, LYING, disruption="EvictionByEvictionAPI"), Reason.COMPLETED, True, False),
]


@pytest.mark.parametrize(
    ("pod", "reason", "started", "infrastructure"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_ended_pod_has_its_outcome(pod: PodRecord, reason: Reason, started: bool, infrastructure: bool) -> None:
    outcome = classify(pod)
    assert (outcome.reason, outcome.started, outcome.infrastructure) == (reason, started, infrastructure)
    assert outcome.message


def test_disruption_is_told_in_the_words_of_who_ended_the_pod() -> None:
    by_scheduler = running_pod(
        disruption="PreemptionByScheduler", disruption_message="preempting to accommodate a higher priority pod"
    )
    told = "the cluster ended the pod on node a-node (PreemptionByScheduler): "
    assert classify(gone(by_scheduler)).message == f"{told}preempting to accommodate a higher priority pod"
    evicted = running_pod(phase="Failed", reason="Evicted", message="usage exceeds the total limit. ")
    told = "the cluster ended the pod on node a-node (Evicted): "
    assert classify(evicted).message == f"{told}usage exceeds the total limit."


@pytest.mark.parametrize(
    ("exit_code", "words"), [(1, "exit code 1"), (137, "exit code 137 (killed by SIGKILL)"), (255, "exit code 255")]
)
def test_signal_that_killed_the_runner_is_named(exit_code: int, words: str) -> None:
    assert classify(ended_pod(exit_code, reason="Error")).message == f"the runner failed with {words}"
