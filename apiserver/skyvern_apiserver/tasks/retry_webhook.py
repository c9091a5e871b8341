"""Send a task's webhook again."""

from datetime import UTC, datetime

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks.annotate import annotate
from skyvern_apiserver.tasks.read import get_task
from skyvern_crds.rest.response import TaskResponse
from skyvern_crds.vocabulary import ANNOTATION_RETRY_WEBHOOK


async def retry_webhook(services: Services, task: TaskRecord) -> TaskResponse:
    """Request another delivery, unless the task has no callback; answers with the task as it was before."""
    answer = await get_task(services, task)  # first: when it fails, nothing has been asked for
    if task.stored().spec.webhook_callback_url:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        await annotate(services, task, ANNOTATION_RETRY_WEBHOOK, moment, any_version=True)
    return answer
