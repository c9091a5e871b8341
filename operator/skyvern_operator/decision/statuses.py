"""The operator's status fields for each situation of a task. Pure: from a view to the whole set of fields.

To keep writes few, a change that is not urgent waits for the next necessary write, and a message whose wording alone
varies stays as it was.
"""

from typing import Final

from skyvern_crds.status import Condition, Failure, OperatorStatus, WebhookState, WebhookStatus
from skyvern_crds.vocabulary import PHASE_OF_REASON, ConditionType, Phase, Reason
from skyvern_operator.decision.classify import Outcome
from skyvern_operator.decision.conditions import Truth, cut, drop, find, put, succeeded_reason, with_reason
from skyvern_operator.decision.view import View
from skyvern_operator.state.facts import Trouble
from skyvern_operator.state.records import ContainerRecord, ContainerState, PodLife, PodRecord

IMAGE_ERRORS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}
)
"""Reasons of a waiting container whose image is missing."""
SUSPENDED_MESSAGE: Final = "spec.suspend is set"
_STATES: Final = {
    Reason.CANCELED: Reason.CANCELING,
    Reason.DEADLINE_EXCEEDED: Reason.CANCELING,
    Reason.SUSPENDED: Reason.SUSPENDING,
}
"""What Succeeded says while a pod is being taken away for a reason; Stopping for any other."""
_VARYING: Final = (Reason.QUOTA_EXCEEDED, Reason.CREATE_BLOCKED)
"""Obstacles whose wording varies all the time: with the amounts used, the addresses and the times."""
IMAGE_INVALID: Final = "InvalidImageName"
"""Never heals."""
CONFIG_ERRORS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"}
)
"""Reasons of a waiting container that cannot be created or keeps failing."""


def observed(view: View) -> OperatorStatus:
    """The stored status, updated from the task and its pod; phase and Succeeded stay as they are."""
    task, pod, old = view.task, view.pod, view.task.status
    update: dict[str, object] = {
        "observed_generation": task.generation,
        "queued_at": old.queued_at or view.now,
    }
    conditions = old.conditions
    if task.without_effect:
        message = f"accepted, but without effect here: {', '.join(task.without_effect)}"
        conditions = _put(view, conditions, ConditionType.SPEC_HONORED, "False", Reason.FIELDS_WITHOUT_EFFECT, message)
    if pod is not None:
        update |= {"pod_name": pod.name, "pod_uid": pod.uid, "attempt": pod.attempt}
        conditions = _admitted(view, pod, conditions)
        conditions = _sandboxed(view, conditions)
        if pod.runner.started and view.agent_started:
            update |= {"node_name": pod.node_name or old.node_name, "started_at": view.started_at or view.now}
            conditions = _put(view, conditions, ConditionType.POD_SCHEDULED, "True", "Scheduled", "")
            conditions = _browser_ready(view, pod, conditions)
        elif pod.ended:
            update["node_name"] = pod.node_name or old.node_name
    return old.model_copy(update=update | {"conditions": conditions})


def held(view: View, reason: Reason, obstacle: Reason, message: str) -> OperatorStatus:
    """The task is waiting without a pod; ``obstacle`` is the reason of Admitted = False."""
    status = observed(view)
    admitted = find(status.conditions, ConditionType.ADMITTED)
    conditions = drop(status.conditions, ConditionType.STOPPING)
    if obstacle in _VARYING and admitted is not None and admitted.reason == obstacle:
        if obstacle is Reason.QUOTA_EXCEEDED or _topic(admitted.message) == _topic(message):
            message = admitted.message
    elif obstacle is Reason.CREATE_BLOCKED:
        conditions = drop(conditions, ConditionType.ADMITTED)  # the start deadline counts from its transition time
    conditions = _put(view, conditions, ConditionType.ADMITTED, "False", obstacle, message)
    cleared = {"pod_name": None, "pod_uid": None, "node_name": None, "conditions": conditions}
    return succeeded(view, status.model_copy(update=cleared), reason, message)


def suspended(view: View) -> OperatorStatus:
    """The task is held back without a pod. The attempt that was taken away for that is not counted as a failure."""
    status = held(view, Reason.QUEUED, Reason.SUSPENDED, SUSPENDED_MESSAGE)
    if view.pod is None:
        return status
    return status.model_copy(update={"attempt": view.pod.attempt, "conditions": _without_pod(status.conditions)})


def given_up(view: View, attempt: int, message: str) -> OperatorStatus:
    """The attempt is over and another is due. The back-off counts from the transition time of PodScheduled."""
    status = observed(view)
    conditions = _without_pod(drop(status.conditions, ConditionType.STOPPING))
    conditions = _put(view, conditions, ConditionType.POD_SCHEDULED, "False", Reason.INFRA_RETRY, message)
    update: dict[str, object] = {"attempt": attempt, "infra_failures": (status.infra_failures or 0) + 1}
    update |= {"pod_name": None, "pod_uid": None, "node_name": None, "started_at": None, "conditions": conditions}
    return succeeded(view, status.model_copy(update=update), Reason.INFRA_RETRY, message)


def pending(view: View, pod: PodRecord) -> OperatorStatus:
    """The pod exists, but its runner has not started."""
    status = observed(view)
    conditions = drop(status.conditions, ConditionType.STOPPING)
    old = find(conditions, ConditionType.POD_SCHEDULED)
    if pod.scheduled is False and (old is None or (old.status, old.reason) != ("False", pod.scheduling_reason)):
        conditions = _put(
            view, conditions, ConditionType.POD_SCHEDULED, "False", pod.scheduling_reason, pod.scheduling_message
        )
    elif pod.scheduled and old is not None:
        conditions = _put(view, conditions, ConditionType.POD_SCHEDULED, "True", "Scheduled", "")
    elif pod.scheduled is None and old is not None:
        conditions = drop(conditions, ConditionType.POD_SCHEDULED)
    reason = Reason.SCHEDULING_GATED if pod.gated else Reason.PENDING
    message = pending_message(pod, view.trouble)
    before = find(status.conditions, ConditionType.SUCCEEDED)
    if before is not None and before.reason == reason and _topic(before.message) == _topic(message):
        message = before.message
    return succeeded(view, status.model_copy(update={"conditions": conditions}), reason, message)


def running(view: View) -> OperatorStatus:
    """The runner's container is running."""
    status = observed(view)
    status = status.model_copy(update={"conditions": drop(status.conditions, ConditionType.STOPPING)})
    note = f"; {SUSPENDED_MESSAGE}, which has no effect on a task that has started" if view.task.suspend else ""
    if view.let_in:
        return succeeded(view, status, Reason.RUNNING, f"the agent is working{note}")
    return succeeded(view, status, Reason.STARTING, f"the runner has started but has not reported yet{note}")


def stopping(view: View, reason: Reason, message: str) -> OperatorStatus:
    """The pod is being taken away, and the task will end with this reason, or be Suspended.

    It is written before the pod is deleted. So the reason outlives a crash, and so does the message, which may be about
    a state that the pod will have left by then.
    """
    status = observed(view)
    if view.stopping is not None and view.stopping.reason == reason:
        message = view.stopping.message
    conditions = _put(view, status.conditions, ConditionType.STOPPING, "True", reason, message)
    status = status.model_copy(update={"conditions": conditions})
    state = _STATES.get(reason, Reason.STOPPING)
    return succeeded(view, status, state, f"{message}; waiting for the pod to end")


def verdict(view: View, reason: Reason, message: str, outcome: Outcome | None = None) -> OperatorStatus:
    """The task has ended. If it has a webhook, its delivery becomes due in the same write."""
    phase = PHASE_OF_REASON[reason]
    message = cut(message)
    finished = outcome.finished_at if outcome is not None and outcome.finished_at is not None else view.now
    update: dict[str, object] = {"finished_at": finished}
    if phase not in (Phase.COMPLETED, Phase.CANCELED):
        exit_code = outcome.exit_code if outcome is not None else None
        update |= {
            "failure_reason": message,
            "failure": Failure(reason=reason.value, message=message, exit_code=exit_code),
        }
    if view.task.has_webhook:
        update["webhook"] = webhook_due(view)
    status = observed(view)
    update["conditions"] = drop(status.conditions, ConditionType.STOPPING)
    return succeeded(view, status.model_copy(update=update), reason, message)


def webhook_hurried(view: View, pending: WebhookStatus) -> WebhookStatus:
    """A pending delivery whose next try was asked for, whatever its schedule."""
    return pending.model_copy(update={"next_attempt_at": view.now, "retry_requested": view.task.webhook_retry})


def webhook_due(view: View) -> WebhookStatus:
    """A webhook delivery that is due now."""
    return WebhookStatus(
        state=WebhookState.PENDING, next_attempt_at=view.now, retry_requested=view.task.webhook_retry
    )  # fmt: skip


def succeeded(view: View, status: OperatorStatus, reason: Reason, message: str) -> OperatorStatus:
    """The status with Succeeded set for this reason, and its phase. Canceling stays until the end."""
    if succeeded_reason(status) is Reason.CANCELING and not PHASE_OF_REASON[reason].terminal:
        reason, message = Reason.CANCELING, message if reason is Reason.CANCELING else _old_message(status)
    return with_reason(status, reason, message, now=view.now, generation=view.task.generation)


def pending_message(pod: PodRecord, trouble: Trouble | None = None) -> str:
    """What the pod is waiting for: a topic, a colon, and the scheduler's or the kubelet's words."""
    if pod.life is PodLife.DELETING:
        why = f" ({pod.disruption})" if pod.disruption else ""
        where = f"the node {pod.node_name} has not confirmed its end" if pod.node_name else "its end is waited for"
        return f"the pod is being deleted{why}: {where}"
    if pod.scheduled is False:
        topic = "held by a scheduling gate" if pod.gated else "not schedulable"
        return f"{topic}: {pod.scheduling_message}"
    for name, container in (("browser", pod.browser), ("runner", pod.runner)):
        if words := trouble_message(name, container):
            return words
    if trouble is not None and trouble.message and being_prepared(pod):
        return f"the pod cannot be prepared: {trouble.message}"
    return "starting: the pod is being prepared"


def being_prepared(pod: PodRecord) -> bool:
    """Whether the pod has a node, which has not started any of its containers yet."""
    early = pod.browser.state in (ContainerState.ABSENT, ContainerState.WAITING)
    return bool(pod.scheduled) and early and not (pod.runner.started or pod.runner.terminated)


def trouble_message(name: str, container: ContainerRecord) -> str | None:
    """Why a waiting container cannot start; None if it simply has not started yet."""
    if container.state is not ContainerState.WAITING:
        return None
    if container.reason in IMAGE_ERRORS or container.reason == IMAGE_INVALID:
        return f"the image of the {name} cannot be pulled: {container.image} ({container.reason}) {container.message}"
    if container.reason in CONFIG_ERRORS:
        return f"the {name} cannot be started: {container.reason}: {container.message}"
    return None


def _admitted(view: View, pod: PodRecord, conditions: list[Condition]) -> list[Condition]:
    """Behind a gate the task waits in a queue that is not ours, and its start deadline counts from the end of that."""
    if pod.gated:
        message = pending_message(pod)
        return _put(view, conditions, ConditionType.ADMITTED, "False", Reason.SCHEDULING_GATED, message)
    return _put(view, conditions, ConditionType.ADMITTED, "True", Reason.ADMITTED, "")


def _without_pod(conditions: list[Condition]) -> list[Condition]:
    return drop(drop(conditions, ConditionType.POD_SCHEDULED), ConditionType.BROWSER_READY)


def _topic(message: str) -> str:
    return message.partition(":")[0]


def _old_message(status: OperatorStatus) -> str:
    condition = find(status.conditions, ConditionType.SUCCEEDED)
    return condition.message if condition is not None else ""


def _sandboxed(view: View, conditions: list[Condition]) -> list[Condition]:
    profile = view.policy.seccomp_profile
    if profile is not None:
        message = f"the browser runs under the Localhost profile {profile}"
        return _put(view, conditions, ConditionType.BROWSER_SANDBOXED, "True", Reason.SECCOMP_PROFILE, message)
    message = "no seccomp profile is configured for the browser, so Chrome runs with --no-sandbox"
    return _put(view, conditions, ConditionType.BROWSER_SANDBOXED, "False", Reason.NO_SECCOMP_PROFILE, message)


def _browser_ready(view: View, pod: PodRecord, conditions: list[Condition]) -> list[Condition]:
    if pod.runner.terminated or pod.browser.state is ContainerState.ABSENT:
        return conditions  # the kubelet stops it after the runner, which says nothing about the task
    if pod.browser.state is ContainerState.RUNNING:
        return _put(view, conditions, ConditionType.BROWSER_READY, "True", Reason.CONTAINER_RUNNING, "")
    message = pod.browser.reason or "the browser's container is not running"
    return _put(view, conditions, ConditionType.BROWSER_READY, "False", Reason.CONTAINER_NOT_RUNNING, message)


def _put(  # noqa: PLR0917 - reads like the condition's own fields
    view: View, conditions: list[Condition], kind: ConditionType, truth: Truth, reason: Reason | str, message: str
) -> list[Condition]:
    return put(conditions, kind, truth, reason, message, now=view.now, generation=view.task.generation)
