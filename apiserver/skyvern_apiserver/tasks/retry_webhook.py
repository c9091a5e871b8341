"""Send the webhook of an ended task once more."""

from datetime import UTC, datetime

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks.annotate import annotate
from skyvern_apiserver.tasks.read import get_task
from skyvern_crds.rest.response import TaskResponse
from skyvern_crds.vocabulary import ANNOTATION_RETRY_WEBHOOK


async def retry_webhook(services: Services, task: TaskRecord) -> TaskResponse:
    """Ask for another delivery; a task without a callback is answered and left alone."""
    if task.object()["spec"].get("webhookCallbackUrl"):
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        task = await annotate(services, task, ANNOTATION_RETRY_WEBHOOK, moment, any_version=True)
    return await get_task(services, task)
