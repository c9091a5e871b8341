"""Requests to the operator, made by annotating a task."""

from typing import Any

from skyvern_apiserver.cache.task_lookup import wait_until_cached
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_apiserver.services import Services
from skyvern_crds.client import SKYVERNTASKS, Invalid, NotFound
from skyvern_crds.vocabulary import MANAGER_APISERVER


async def annotate(
    services: Services, task: TaskRecord, annotation: str, value: str, *, any_version: bool = False
) -> TaskRecord:
    """Set an annotation, wait until the cache holds it, and return the task as written.

    Raises Conflict when the task has changed since ``task`` was read, unless ``any_version`` is set.
    """
    metadata: dict[str, Any] = {"uid": task.uid, "annotations": {annotation: value}}
    if not any_version:
        metadata["resourceVersion"] = str(task.resource_version)
    try:
        obj = await services.client.merge_patch(
            SKYVERNTASKS, task.namespace, task.name, {"metadata": metadata}, field_manager=MANAGER_APISERVER
        )
    except NotFound:
        raise TaskNotFoundError(task.task_id) from None
    except Invalid as error:
        fields = {cause.get("field") for cause in error.details.get("causes", [])}
        if "metadata.uid" in fields:  # another task has taken the name
            raise TaskNotFoundError(task.task_id) from None
        raise
    written = record_of(obj)
    await wait_until_cached(services.tasks, written)
    return written
