"""Every way a task can end: which phase it means, who decides it, when, and what a user can do about it.

``crds/FAILURES.md`` is generated from this table; a test holds it complete.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from skyvern_crds.vocabulary import PHASE_OF_REASON, Phase, Reason


class Decider(StrEnum):
    """The program that decides an ending."""

    AGENT = "agent"
    """The runner, by its termination record."""
    OPERATOR = "operator"
    """The operator, from the pod's state, a refusal of the API server, or the clock."""
    BOTH = "agent or operator"


@dataclass(frozen=True, slots=True)
class Ending:
    """One way a task can end."""

    decided_by: Decider
    when: str
    """The condition under which the reason is set, as the end of a sentence that begins with "It is set when"."""
    remedy: str
    """What the user or administrator can do."""


ENDINGS: Final[dict[Reason, Ending]] = {
    Reason.COMPLETED: Ending(
        Decider.AGENT,
        "the agent reached the goal and a second look at the page confirmed it",
        "Read `status.extractedInformation` or the artifact that `status.extractedInformationRef` names.",
    ),
    Reason.TERMINATED: Ending(
        Decider.AGENT,
        "the agent judges the goal to be out of reach, or the terminate criterion holds",
        "Read `status.failureReason` and the last screenshots; change the goal, the payload or the criterion.",
    ),
    Reason.AGENT_FAILED: Ending(
        Decider.BOTH,
        "a step failed with all its retries, or the runner ended with an exit code other than 0 and no better reason",
        "Read the runner's log and `status.steps`; raise `maxRetriesPerStep` if the page is only slow.",
    ),
    Reason.MAX_STEPS_REACHED: Ending(
        Decider.AGENT,
        "the task has used `maxSteps` steps",
        "Raise `maxSteps`, or split the goal into several tasks.",
    ),
    Reason.MODEL_FAILED: Ending(
        Decider.AGENT,
        "the language model cannot be used: wrong key or address, exhausted limits, or answers that cannot be read",
        "Check the model's Secret and its limits; the message carries the server's own words.",
    ),
    Reason.PAGE_FAILED: Ending(
        Decider.AGENT,
        "the start page cannot be opened",
        "Check `url` from within the cluster: its name, its certificate, egress rules and proxies. What the message "
        "calls refused, the chart value `tasks.webAccess` may allow.",
    ),
    Reason.BROWSER_FAILED: Ending(
        Decider.AGENT,
        "the browser did not start, or was lost and could not be replaced",
        "Look at the browser container's log and memory limit.",
    ),
    Reason.REPORT_REFUSED: Ending(
        Decider.AGENT,
        "the API server accepted none of the agent's reports within 120 s, so it did nothing; no retry was left",
        "Read the message: the operator must run, the pod reach the API server, and its account may patch "
        "`skyverntasks/status`. Then create the task again.",
    ),
    Reason.OUT_OF_MEMORY: Ending(
        Decider.OPERATOR,
        "the runner's or the browser's container was killed for memory, whatever its exit code",
        "Raise the memory limit of the container that the message names (chart values or a profile).",
    ),
    Reason.IMAGE_PULL_FAILED: Ending(
        Decider.OPERATOR,
        "an image could not be pulled within the grace period",
        "Check the image's name, the registry and the pull secrets.",
    ),
    Reason.CONTAINER_CONFIG_ERROR: Ending(
        Decider.OPERATOR,
        "a container could not be created or started within the grace period, or a Secret for it is missing",
        "Create the Secret or key that the message names, or mend the seccomp profile on the node.",
    ),
    Reason.START_DEADLINE_EXCEEDED: Ending(
        Decider.OPERATOR,
        "the runner has not started within `startDeadlineSeconds` of admission, or no pod could be created for so long",
        "See the conditions Admitted and PodScheduled: add nodes, remove the obstacle, raise `startDeadlineSeconds`.",
    ),
    Reason.DEADLINE_EXCEEDED: Ending(
        Decider.OPERATOR,
        "the task has not ended within `activeDeadlineSeconds` of its start",
        "Raise `activeDeadlineSeconds`, or split the goal.",
    ),
    Reason.EVICTED: Ending(
        Decider.OPERATOR,
        "the pod was evicted after the agent had started, or with no retry left",
        "Look at the node's pressure and at drains; create the task again if its work can be repeated.",
    ),
    Reason.NODE_REFUSED: Ending(
        Decider.OPERATOR,
        "a node's kubelet refused the pod (OutOfcpu, OutOfmemory, NodeAffinity, say) with no retry left",
        "Look at the node that the message names; raise `infraRetries`, or create the task again: nothing was done.",
    ),
    Reason.PREEMPTED: Ending(
        Decider.OPERATOR,
        "a pod of higher priority took the place after the agent had started, or with no retry left",
        "Give the tasks a PriorityClass that matters enough; create the task again if its work can be repeated.",
    ),
    Reason.NODE_SHUTDOWN: Ending(
        Decider.OPERATOR,
        "the node shut down after the agent had started, or with no retry left",
        "Create the task again if its work can be repeated.",
    ),
    Reason.NODE_LOST: Ending(
        Decider.OPERATOR,
        "the node disappeared or fell silent after the agent had started, or with no retry left",
        "Check the node; create the task again if its work can be repeated.",
    ),
    Reason.POD_DELETED: Ending(
        Decider.OPERATOR,
        "somebody other than the operator deleted the pod, after the agent had started or with no retry left",
        "To stop a task, cancel it; do not delete its pod.",
    ),
    Reason.POD_SPEC_INVALID: Ending(
        Decider.OPERATOR,
        "the API server finds the pod invalid",
        "Mend the profile or the chart values that the message points at.",
    ),
    Reason.POD_REJECTED: Ending(
        Decider.OPERATOR,
        "an admission policy, a webhook or Pod Security refuses the pod, or its service account, priority class or "
        "runtime class has been missing for `gracePeriods.configErrorSeconds`",
        "Follow the policy's message, or exempt the namespace; create what is missing.",
    ),
    Reason.NAME_CONFLICT: Ending(
        Decider.OPERATOR,
        "a pod with the task's pod name exists and belongs to something else",
        "Delete that pod or create the task under another name.",
    ),
    Reason.RESULT_MISSING: Ending(
        Decider.OPERATOR,
        "the runner ended with exit code 0 and left no readable verdict",
        "Check that the runner image and the operator are of the same release.",
    ),
    Reason.CANCELED: Ending(
        Decider.OPERATOR,
        "the user canceled the task and its pod has ended, or it had none",
        "Nothing: this is what was asked for.",
    ),
    Reason.SPEC_INVALID: Ending(
        Decider.OPERATOR,
        "the stored spec breaks rules that the CRD did not check when it was stored, or names a profile or model that "
        "the operator does not offer",
        "Create the task again with the field that the message names mended.",
    ),
}
"""One entry for each reason whose phase is terminal."""

_HEADER: Final = """<!-- Generated from skyvern_crds/failures.py by `make generate`: change that, not this. -->
# How a task ends

The reason of the condition `Succeeded`, which is also `status.failure.reason` and a label of the metrics. The message
beside it names the container, field or object in question.
"""


def render() -> str:
    """The table as Markdown, one section a phase."""
    parts = [_HEADER]
    for phase in (Phase.COMPLETED, Phase.FAILED, Phase.TERMINATED, Phase.TIMED_OUT, Phase.CANCELED):
        parts.append(f"\n## {phase.value}\n\n| reason | decided by | when | what to do |\n| --- | --- | --- | --- |\n")
        parts += [
            f"| `{reason}` | {ending.decided_by} | {ending.when} | {ending.remedy} |\n"
            for reason, ending in ENDINGS.items()
            if PHASE_OF_REASON[reason] is phase
        ]
    return "".join(parts)
