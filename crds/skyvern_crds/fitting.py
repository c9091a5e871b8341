"""Cutting a status to its size budget: what a task says about itself must never make its object too large to store."""

from typing import Any, TypeVar

from skyvern_crds import wire
from skyvern_crds.status import MAX_OPERATOR_STATUS_BYTES, MAX_RUNNER_STATUS_BYTES, OperatorStatus, RunnerStatus

R = TypeVar("R", bound=RunnerStatus)
P = TypeVar("P", bound=OperatorStatus)


def fit_runner_status(status: R, limit: int = MAX_RUNNER_STATUS_BYTES) -> R:
    """The runner's status in at most ``limit`` bytes of JSON; call it before each write.

    Left out, in this order and only as far as needed: the oldest steps and artifacts of steps (ten steps and the
    task's own artifacts stay), the end of the errors' reasoning, all but the newest step, the artifacts, the oldest
    errors, and the end of the URL. The extracted information is never cut: the caller moves one that is larger than
    MAX_INLINE_RESULT_BYTES to an artifact first.
    """
    if wire.size(status.wire()) <= limit:
        return status
    status = _without_oldest(status, limit, keep_steps=10)
    for length in (256, 64, 0):
        if wire.size(status.wire()) > limit:
            short = [each.model_copy(update={"reasoning": each.reasoning[:length]}) for each in status.errors]
            status = status.model_copy(update={"errors": short})
    status = _without_oldest(status, limit, keep_steps=1)
    for name in ("artifacts", "errors"):
        while wire.size(status.wire()) > limit and getattr(status, name):
            status = status.model_copy(update={name: getattr(status, name)[1:]})
    if wire.size(status.wire()) > limit and status.current_url:
        status = status.model_copy(update={"current_url": status.current_url[:256]})
    return status


def _without_oldest(status: R, limit: int, keep_steps: int) -> R:
    """Leave out the oldest of the steps or of the steps' artifacts, whichever take more, until the rest fits."""
    excess = wire.size(status.wire()) - limit
    steps = [(wire.size(step.wire()) + 1, step) for step in status.steps]
    files = [(wire.size(file.wire()) + 1, file) for file in status.artifacts if file.name.startswith("steps/")]
    dropped: set[str] = set()
    while excess > 0 and (len(steps) > keep_steps or files):
        of_steps, of_files = sum(size for size, _ in steps), sum(size for size, _ in files)
        if len(steps) > keep_steps and (of_steps >= of_files or not files):
            excess -= steps.pop(0)[0]
        else:
            size, file = files.pop(0)
            excess -= size
            dropped.add(file.name)
    kept = [file for file in status.artifacts if file.name not in dropped]
    return status.model_copy(update={"steps": [step for _, step in steps], "artifacts": kept})


def fit_operator_status(status: P, limit: int = MAX_OPERATOR_STATUS_BYTES) -> P:
    """The operator's status in at most ``limit`` bytes of JSON, by cutting messages; call it before each write."""
    length = max((len(condition.message) for condition in status.conditions), default=0)
    length = max(length, len(status.failure_reason or ""), 1024)
    while wire.size(status.wire()) > limit and length > 16:
        length //= 2
        status = _with_messages_of(status, length)
    return status


def _with_messages_of(status: P, length: int) -> P:
    update: dict[str, Any] = {
        "conditions": [each.model_copy(update={"message": each.message[:length]}) for each in status.conditions]
    }
    if status.failure_reason:
        update["failure_reason"] = status.failure_reason[:length]
    if status.failure:
        update["failure"] = status.failure.model_copy(update={"message": status.failure.message[:length]})
    if status.webhook and status.webhook.last_error:
        update["webhook"] = status.webhook.model_copy(update={"last_error": status.webhook.last_error[:length]})
    return status.model_copy(update=update)
