"""Tasks and pods for tests of pure functions, in few words. All times are seconds after NOW."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from skyvern_crds.runner_contract import ExitCode
from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import Phase, Reason
from skyvern_operator.config import GracePeriods
from skyvern_operator.decision.actions import (
    Action,
    ApplyStatus,
    ConfirmTask,
    CreatePod,
    DeletePod,
    DeleteTask,
    DeliverWebhook,
    EmitEvent,
    LookUpPod,
    LookUpTrouble,
    ReportUnreadable,
    WakeAt,
)
from skyvern_operator.decision.conditions import succeeded_reason
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.slots.admission import ADMITTED
from skyvern_operator.decision.view import Policy, View
from skyvern_operator.state.names import pod_name
from skyvern_operator.state.records import ContainerRecord, ContainerState, PodLife, PodRecord, TaskKey, TaskRecord
from tests.operator.kubelet import verdict

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TASK_UID = "0b6dbf2c-7c2f-4d57-9a83-0f6fd0d9b9a1"
POLICY = Policy(
    GracePeriods(image_pull_seconds=300, config_error_seconds=120, lost_node_seconds=300, infra_backoff_seconds=10),
    default_ttl_seconds=3600,
    ended_pod_seconds=300,
)

RUNNING = ContainerRecord(ContainerState.RUNNING, started_at=NOW)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def a_task(**changes: Any) -> TaskRecord:
    """A new task; ``status`` may be given as an OperatorStatus."""
    base = TaskRecord(
        key=TaskKey("jobs", "apply"),
        uid=TASK_UID,
        version=1,
        generation=1,
        created_at=NOW,
        deleting=False,
        cancel_requested=False,
        webhook_retry=None,
        has_webhook=False,
        suspend=False,
        priority=0,
        profile=None,
        start_deadline_seconds=900,
        active_deadline_seconds=1800,
        ttl_seconds=None,
        infra_retries=2,
        without_effect=(),
        status=OperatorStatus(),
        reported=False,
    )
    return replace(base, **changes)


def a_pod(attempt: int = 1, **changes: Any) -> PodRecord:
    """The pod of an attempt, scheduled and being prepared."""
    base = PodRecord(
        namespace="jobs",
        name=pod_name("apply", TASK_UID, attempt),
        uid=f"pod-{attempt}",
        version=1,
        task_uid=TASK_UID,
        task_name="apply",
        attempt=attempt,
        node_name="a-node",
        scheduled=True,
        scheduled_at=NOW,
    )
    return replace(base, **changes)


def deleting(pod: PodRecord, due: float = 30) -> PodRecord:
    """The pod under deletion, its grace period over at some seconds."""
    return replace(pod, life=PodLife.DELETING, deletion_due=at(due))


def gone(pod: PodRecord) -> PodRecord:
    """The pod after a watch has delivered its deletion."""
    return replace(pod, life=PodLife.SEEN_TO_END)


def removed(pod: PodRecord) -> PodRecord:
    """The pod in the state in which the API server removes it."""
    return replace(deleting(pod), grace_over=True)


def running_pod(**changes: Any) -> PodRecord:
    return replace(a_pod(phase="Running", runner=RUNNING, browser=RUNNING), **changes)


def ended_pod(exit_code: int = 0, message: str = "", *, reason: str = "Completed", **changes: Any) -> PodRecord:
    """The runner's container has terminated, the sidecar still runs."""
    runner = ContainerRecord(
        ContainerState.TERMINATED,
        reason=reason,
        message=message,
        exit_code=exit_code,
        started_at=NOW,
        finished_at=NOW,
        killed_for_memory=reason == "OOMKilled",
    )
    return replace(running_pod(runner=runner), **changes)


def waiting_pod(reason: str, **changes: Any) -> PodRecord:
    """The runner's container waits for this reason."""
    return a_pod(runner=ContainerRecord(ContainerState.WAITING, reason=reason, message="details"), **changes)


COMPLETED_POD = ended_pod(message=verdict())
EVICTED_UNSTARTED = a_pod(phase="Failed", reason="Evicted", message="node was low on memory")
UNSCHEDULABLE = a_pod(
    scheduled=False, scheduled_at=None, node_name=None, scheduling_reason="Unschedulable", scheduling_message="0/3"
)
STOPPED_POD = deleting(ended_pod(ExitCode.STOPPED, verdict(Phase.CANCELED, Reason.CANCELED, "stopped"), reason="Error"))


def look_at(task: TaskRecord, pod: PodRecord | None = None, *, now: float = 0, **changes: Any) -> View:
    """The view of a task at some seconds after NOW."""
    given = {"task": task, "pod": pod, "now": at(now), "policy": POLICY, "admission": ADMITTED}
    return View(**(given | changes))


def after(view: View) -> OperatorStatus:
    """The status that deciding for a view writes."""
    return next(action.status for action in decide(view) if isinstance(action, ApplyStatus))


def known(task: TaskRecord, pod: PodRecord, *, now: float = 0) -> TaskRecord:
    """The task once the operator has written what it sees of the pod."""
    return replace(task, status=after(look_at(task, pod, now=now)))


def queued(**changes: Any) -> TaskRecord:
    """A task whose pod is being prepared; the changes come after that."""
    return replace(known(a_task(**_lasting(changes)), a_pod()), **changes)


def running(**changes: Any) -> TaskRecord:
    """A task whose runner has started; the changes come after that."""
    return replace(known(queued(**_lasting(changes)), running_pod(), now=5), **changes)


def ended(**changes: Any) -> TaskRecord:
    """A completed task; the changes come after that."""
    return replace(known(running(**_lasting(changes)), COMPLETED_POD), **changes)


def _lasting(changes: dict[str, Any]) -> dict[str, Any]:
    """What holds from the beginning."""
    return {name: value for name, value in changes.items() if name == "has_webhook"}


def tell(actions: list[Action], now: float = 0) -> list[str]:
    """Actions in words."""
    return [_word(action, at(now)) for action in actions]


def _word(action: Action, now: datetime) -> str:
    match action:
        case CreatePod(attempt):
            return f"create pod {attempt}"
        case DeletePod(_, uid, version):
            return f"delete {uid}" if version is None else f"delete {uid} if unchanged"
        case ConfirmTask():
            return "confirm task"
        case LookUpPod():
            return "look up pod"
        case LookUpTrouble():
            return "look up trouble"
        case ApplyStatus(status):
            return f"{status.phase} {succeeded_reason(status)}"
        case EmitEvent(reason, _):
            return f"event {reason}"
        case ReportUnreadable(faults):
            return f"report {faults}"
        case DeliverWebhook():
            return "deliver webhook"
        case DeleteTask():
            return "delete task"
        case WakeAt(time):
            return f"wake +{(time - now).total_seconds():g}"
