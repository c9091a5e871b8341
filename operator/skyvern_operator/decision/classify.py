"""What the end of a pod means for its task. Pure: an ordered list of cases, of which the first that fits decides.

The end of the runner's container decides, not the phase of the pod, which follows seconds later.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from signal import Signals
from typing import Final

from skyvern_crds.runner_contract import ExitCode, TerminationRecord, parse_termination
from skyvern_crds.vocabulary import Phase, Reason
from skyvern_operator.state.records import START_ERRORS, PodLife, PodRecord

SIGNAL_BASE: Final = 128
"""What is added to the number of the signal that killed a container's process."""
_DISRUPTIONS: Final = {
    "PreemptionByScheduler": Reason.PREEMPTED,
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
}
"""Reasons of the pod condition DisruptionTarget."""
_POD_REASONS: Final = {
    "Evicted": Reason.EVICTED,
    "Preempting": Reason.PREEMPTED,
    "NodeLost": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_SHUTDOWN,
    "Shutdown": Reason.NODE_SHUTDOWN,
    "Terminated": Reason.NODE_SHUTDOWN,
}
"""Values of ``status.reason`` that the kubelet and the controllers set."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pod ended."""

    reason: Reason
    """A reason with a terminal phase."""
    message: str
    """For people."""
    started: bool
    """Whether the agent started or may have started. If so, it may have acted, and the task is never run again."""
    infrastructure: bool = False
    """Whether the cluster ended the pod. If the agent had not started, another attempt is safe."""
    own_verdict: bool = False
    """Whether the runner reached its own verdict, which a later cancellation or deadline does not change."""
    exit_code: int | None = None
    finished_at: datetime | None = None


def classify(pod: PodRecord) -> Outcome:
    """The outcome of a pod that has ended or no longer exists."""
    record = parse_termination(pod.runner.message) if pod.runner.terminated else None
    for case in _CASES:
        outcome = case(pod, record)
        if outcome is not None:
            return outcome
    raise AssertionError("the last case always fits")


def _outcome(
    pod: PodRecord, reason: Reason, message: str, *, infrastructure: bool = False, own_verdict: bool = False
) -> Outcome:
    return Outcome(
        reason=reason,
        message=message,
        started=pod.runner.started or (pod.life is PodLife.VANISHED and not pod.ended),
        infrastructure=infrastructure,
        own_verdict=own_verdict,
        exit_code=pod.runner.exit_code,
        finished_at=pod.runner.finished_at,
    )


def _runner_out_of_memory(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    if pod.runner.terminated and pod.runner.killed_for_memory:
        return _outcome(pod, Reason.OUT_OF_MEMORY, "the runner ran out of memory: raise its limit")
    return None


def _did_nothing(pod: PodRecord, record: TerminationRecord | None) -> Outcome | None:
    """The runner's word that no report was accepted and so nothing was done; conclude() compares it with status."""
    if record is None or record.reason is not Reason.REPORT_REFUSED or pod.runner.exit_code != ExitCode.VERDICT:
        return None
    message = record.failure_reason or "none of the runner's reports was accepted"
    return replace(_outcome(pod, Reason.REPORT_REFUSED, message, infrastructure=True), started=False)


def _verdict(pod: PodRecord, record: TerminationRecord | None) -> Outcome | None:
    if record is None or pod.runner.exit_code != ExitCode.VERDICT or record.outcome is Phase.CANCELED:
        return None
    if record.outcome is Phase.FAILED and pod.browser.killed_for_memory:
        return None
    default = "the goal was reached" if record.outcome is Phase.COMPLETED else f"the agent ended: {record.outcome}"
    return _outcome(pod, record.reason, record.failure_reason or default, own_verdict=True)


def _browser_out_of_memory(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    if pod.browser.killed_for_memory:
        return _outcome(pod, Reason.OUT_OF_MEMORY, "the browser ran out of memory: raise its limit")
    return None


def _kubelet_deadline(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    if pod.reason == "DeadlineExceeded":
        return _outcome(pod, Reason.DEADLINE_EXCEEDED, "the pod exceeded the kubelet's own deadline")
    return None


def _disrupted(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    reason = _DISRUPTIONS.get(pod.disruption) or _POD_REASONS.get(pod.reason)
    if reason is None:
        return None
    if reason is Reason.EVICTED and "shutdown" in pod.message.lower():
        reason = Reason.NODE_SHUTDOWN
    words = (pod.message or pod.disruption_message).strip()
    detail = f": {words}" if words else ""
    node = f" on node {pod.node_name}" if pod.node_name else ""
    return _outcome(
        pod, reason, f"the cluster ended the pod{node} ({pod.disruption or pod.reason}){detail}",
        infrastructure=True,
    )  # fmt: skip


def _never_started(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    for name, container in (("browser", pod.browser), ("runner", pod.runner)):
        if container.terminated and container.reason in START_ERRORS and not pod.runner.started:
            return _outcome(
                pod, Reason.CONTAINER_CONFIG_ERROR, f"the {name} could not be started: {container.message}".strip(": ")
            )
    return None


def _no_verdict(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    if pod.runner.terminated and pod.runner.exit_code == ExitCode.VERDICT:
        return _outcome(pod, Reason.RESULT_MISSING, "the runner ended with exit code 0 and left no readable verdict")
    return None


def _failed_with_record(pod: PodRecord, record: TerminationRecord | None) -> Outcome | None:
    if record is not None and record.outcome is Phase.FAILED:
        return _outcome(pod, record.reason, record.failure_reason or f"exit code {pod.runner.exit_code}")
    return None


def _deleted(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    stopped = not pod.runner.terminated or pod.runner.exit_code == ExitCode.STOPPED
    if pod.life is not PodLife.LIVE and stopped:
        how = "vanished unobserved" if pod.life is PodLife.VANISHED else "was deleted"
        return _outcome(pod, Reason.POD_DELETED, f"the pod {pod.name} {how}", infrastructure=True)
    return None


def _exit_code(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    if not pod.runner.terminated:
        return None
    if pod.runner.exit_code == ExitCode.STOPPED:
        return _outcome(pod, Reason.AGENT_FAILED, "the runner was stopped by a signal that the operator did not send")
    return _outcome(pod, Reason.AGENT_FAILED, f"the runner failed with exit code {_told(pod.runner.exit_code)}")


def _told(exit_code: int | None) -> str:
    """An exit code, with the signal that it stands for: a shell's convention, which container runtimes follow."""
    number = (exit_code or 0) - SIGNAL_BASE
    try:
        return f"{exit_code} (killed by {Signals(number).name})"
    except ValueError:
        return str(exit_code)


def _refused_by_kubelet(pod: PodRecord, _: TerminationRecord | None) -> Outcome | None:
    text = f"the pod ended before its runner started ({pod.reason or pod.phase})"
    reason = Reason.EVICTED if pod.runner.started else Reason.NODE_REFUSED
    return _outcome(pod, reason, f"{text}: {pod.message}" if pod.message else text, infrastructure=True)


_CASES: Final[tuple[Callable[[PodRecord, TerminationRecord | None], Outcome | None], ...]] = (
    _runner_out_of_memory,
    _did_nothing,
    _verdict,
    _browser_out_of_memory,
    _kubelet_deadline,
    _disrupted,
    _never_started,
    _no_verdict,
    _failed_with_record,
    _deleted,
    _exit_code,
    _refused_by_kubelet,
)
