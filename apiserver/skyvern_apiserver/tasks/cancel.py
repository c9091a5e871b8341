"""Cancel a task."""

from datetime import UTC, datetime
from typing import Final

from skyvern_apiserver.cache.task_lookup import find_live_task
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError, IllegalCancelError
from skyvern_apiserver.process.tracing import CANCEL
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks.annotate import annotate
from skyvern_crds.client import Conflict
from skyvern_crds.vocabulary import ANNOTATION_CANCEL, Phase

CONFLICT_TRIES: Final = 5


async def cancel_task(services: Services, task: TaskRecord) -> None:
    """Request cancellation; the task is ``canceled`` once its pod has ended."""
    begun = datetime.now(UTC)
    for _ in range(CONFLICT_TRIES):
        if task.phase.terminal or task.archived:
            raise IllegalCancelError(task.task_id, task.phase)
        if task.cancel_requested:
            raise IllegalCancelError(task.task_id, Phase.CANCELED)
        try:
            await annotate(services, task, ANNOTATION_CANCEL, "true")
        except Conflict:  # the task was modified concurrently: look again, so that of two cancels one is refused
            task = await find_live_task(services.client, task.namespace, task.name)
        else:
            if services.tracing is not None:
                services.tracing.served(CANCEL, task.uid, task.traceparent, begun)
            return
    raise ApiError(503, f"Task {task.task_id} changes too fast: try again", headers={"Retry-After": "1"})
