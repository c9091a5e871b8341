"""Finding a task by its id, in the cluster or in the archive."""

from collections.abc import Callable
from datetime import UTC, datetime

from skyvern_apiserver.cache.task_lookup import find_task as find_in_cluster
from skyvern_apiserver.cache.task_lookup import may_be_new
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_apiserver.services import Services


async def find_task(
    services: Services, namespace: str, task_id: str, before_lookup: Callable[[], None] = lambda: None
) -> TaskRecord:
    """The task ``task_id`` of a namespace: a task in the cluster, else the newest in the archive.

    ``before_lookup`` is called once where the cluster or the archive has to be asked for the task; what it raises
    prevents that. Raises TaskNotFoundError, and UnavailableError while the archive cannot be read.
    """
    try:
        return await find_in_cluster(services.client, services.tasks, namespace, task_id, before_lookup)
    except TaskNotFoundError:
        if not await services.archive.index.days(namespace, "created_at"):
            raise
        if not may_be_new(task_id, datetime.now(UTC)):  # the cluster was not asked
            before_lookup()
    return await services.archive.find(namespace, task_id)
