"""Send a task's webhook again."""

from datetime import UTC, datetime

from starlette.responses import Response

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_apiserver.tasks.annotate import annotate
from skyvern_apiserver.tasks.read import render_task
from skyvern_crds.vocabulary import ANNOTATION_RETRY_WEBHOOK


async def retry_webhook(services: Services, task: TaskRecord) -> Response:
    """Request another delivery, unless the task has no callback; answers with the task as it was before.

    Raises ApiError 400 for a task in the archive, which no operator sees anymore.
    """
    answer = await render_task(
        services, task, links_now(services.settings)
    )  # first: when it fails, nothing is asked for
    if task.stored().spec.webhook_callback_url:
        if task.archived:
            text = f"Task {task.task_id} is in the archive: its webhook cannot be sent again, but it can be read"
            raise ApiError(400, text)
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        await annotate(services, task, ANNOTATION_RETRY_WEBHOOK, moment, any_version=True)
    return Response(answer, media_type="application/json")
