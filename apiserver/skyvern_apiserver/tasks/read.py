"""Read a task."""

from typing import Any

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_crds.rest.artifacts import is_name, store_key
from skyvern_crds.rest.response import TaskResponse, task_response
from skyvern_crds.stored import StoredTask


async def get_task(services: Services, record: TaskRecord) -> TaskResponse:
    """The task with links to its files, and with its extracted information even when that is in the store."""
    task = record.stored()
    return task_response(task, links_now(services.settings), result=await _stored_result(services, task))


async def _stored_result(services: Services, task: StoredTask) -> Any:
    """The extracted information when it is in the store, else None."""
    reference, meta = task.status.extracted_information_ref, task.metadata
    if reference is None or not is_name(reference.name):  # the store has no file of such a name
        return None
    return await services.artifacts.read_result(store_key(meta.namespace, meta.name, meta.uid, reference.name))
