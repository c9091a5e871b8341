"""Read a task."""

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_crds.rest.artifacts import store_key
from skyvern_crds.rest.response import TaskResponse, task_response
from skyvern_crds.stored import read_task


async def get_task(services: Services, record: TaskRecord) -> TaskResponse:
    """The task with links to its files, and with its extracted information even when that is in the store."""
    task = read_task(record.object())
    result = None
    if reference := task.status.extracted_information_ref:
        key = store_key(record.namespace, record.name, record.uid, reference.name)
        result = await services.artifacts.read_json(key)
    return task_response(task, links_now(services.settings), result=result)
