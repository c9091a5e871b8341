"""Carries out actions in order and stops at the first error."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

from skyvern_crds.client import ClusterError
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
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.task_actions import TaskActions
from skyvern_operator.state.records import TaskKey, TaskRecord


class Executor:
    """Carries out what a decision asked for, and nothing else."""

    def __init__(
        self,
        pods: PodActions,
        tasks: TaskActions,
        *,
        deliver: Callable[[TaskRecord], None],
        wake: Callable[[TaskKey, datetime], None],
    ) -> None:
        """``deliver`` starts one delivery of a webhook; ``wake`` sets the task's next wake-up."""
        self._pods = pods
        self._tasks = tasks
        self._deliver = deliver
        self._wake = wake

    async def run(self, task: TaskRecord, actions: Sequence[Action]) -> None:
        """Carry out the actions for a task.

        Raises StaleRecordError when the object has changed since the decision, CreateRetryError when a pod cannot be
        created now, and ClusterError for everything that is worth a retry.
        """
        try:
            for action in actions:
                await self._run(task, action)
        except ClusterError:
            # What cannot be read is often why the API server refuses a change, so its owner is told all the same.
            for report in actions:
                if isinstance(report, ReportUnreadable):
                    with contextlib.suppress(ClusterError):
                        await self._run(task, report)
            raise

    async def _run(self, task: TaskRecord, action: Action) -> None:
        match action:
            case CreatePod(attempt):
                await self._pods.turn()  # first, or what is known of the task would be old by the time of the write
                await self._pods.create(task, attempt, await self._tasks.object_of(task))
            case DeletePod(name, uid, version):
                await self._pods.delete(task, name, uid, version)
            case ConfirmTask():
                await self._tasks.fresh(task)
            case LookUpPod(name):
                await self._pods.look_up(task, name)
            case LookUpTrouble(pod_uid):
                await self._pods.look_up_trouble(task, pod_uid)
            case ApplyStatus(status):
                await self._tasks.apply_status(task, status)
            case EmitEvent(reason, message):
                await self._tasks.emit(task, reason, message)
            case ReportUnreadable(faults):
                await self._tasks.report_unreadable(task, faults)
            case DeliverWebhook():
                self._deliver(task)
            case DeleteTask():
                await self._tasks.delete(task)
            case WakeAt(at):
                self._wake(task.key, at)
