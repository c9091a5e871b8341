"""Finding a task by its id: in the cache, else at the API server."""

from typing import Final

from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_crds.client import SKYVERNTASKS, ClusterClient, NotFound, Reflector
from skyvern_crds.ids import name_of, task_id_of
from skyvern_crds.vocabulary import OBJECT_NAME

CACHE_WAIT_SECONDS: Final = 1.0
"""How long a request waits for the cache to hold its write."""


async def find_task(client: ClusterClient, tasks: Reflector[TaskRecord], namespace: str, task_id: str) -> TaskRecord:
    """The task ``task_id`` of a namespace. Raises TaskNotFoundError.

    A task that is not in the cache is looked up live: another replica may just have created it.
    """
    name = name_of(task_id)
    if task_id_of(name) != task_id or not OBJECT_NAME.fullmatch(name):
        raise TaskNotFoundError(task_id)
    return tasks.get(namespace, name) or await find_live_task(client, namespace, name)


async def find_live_task(client: ClusterClient, namespace: str, name: str) -> TaskRecord:
    """The task as the API server has it now. Raises TaskNotFoundError."""
    try:
        return record_of(await client.get(SKYVERNTASKS, namespace, name))
    except NotFound:
        raise TaskNotFoundError(task_id_of(name)) from None


async def wait_until_cached(tasks: Reflector[TaskRecord], written: TaskRecord) -> None:
    """Wait, for at most CACHE_WAIT_SECONDS, until the cache holds a write, so that the caller can read it back."""
    await tasks.wait_for(written.namespace, written.name, written.resource_version, CACHE_WAIT_SECONDS)
