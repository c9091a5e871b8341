"""Finding a task by its id: in the cache, else at the API server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_crds.client import SKYVERNTASKS, ClusterClient, NotFound, Reflector
from skyvern_crds.ids import name_of, task_id_of, time_of
from skyvern_crds.vocabulary import OBJECT_NAME

CACHE_WAIT_SECONDS: Final = 1.0
"""How long a request waits for the cache to hold its write."""
CREATION_SECONDS: Final = 900
"""How far the time that an id names may be from the creation that a cache has not seen: the cache may be five minutes
old, the clocks of two replicas may differ, and a create takes a while."""


async def find_task(
    client: ClusterClient,
    tasks: Reflector[TaskRecord],
    namespace: str,
    task_id: str,
    before_lookup: Callable[[], None] = lambda: None,
) -> TaskRecord:
    """The task ``task_id`` of a namespace. Raises TaskNotFoundError.

    A task that is not in the cache is looked up live, since another replica may just have created it; what
    ``before_lookup`` raises prevents that. An id that names its time needs no look-up later: the facade never gives
    the same one to another task, so the cache knows.
    """
    name = name_of(task_id)
    if task_id_of(name) != task_id or not OBJECT_NAME.fullmatch(name):
        raise TaskNotFoundError(task_id)
    if known := tasks.get(namespace, name):
        return known
    if not may_be_new(task_id, datetime.now(UTC)) and (namespace, name) not in tasks.left_out:
        raise TaskNotFoundError(task_id)
    before_lookup()
    return await find_live_task(client, namespace, name)


def may_be_new(task_id: str, now: datetime) -> bool:
    """Whether a task with this id may have been created so lately that a cache need not hold it."""
    made = time_of(task_id)
    return made is None or abs(now - made) <= timedelta(seconds=CREATION_SECONDS)


async def find_live_task(client: ClusterClient, namespace: str, name: str) -> TaskRecord:
    """The task as the API server has it now. Raises TaskNotFoundError."""
    try:
        return record_of(await client.get(SKYVERNTASKS, namespace, name))
    except NotFound:
        raise TaskNotFoundError(task_id_of(name)) from None


async def wait_until_cached(tasks: Reflector[TaskRecord], written: TaskRecord) -> None:
    """Wait, for at most CACHE_WAIT_SECONDS, until the cache holds a write, so that the caller can read it back."""
    await tasks.wait_for(written.namespace, written.name, written.resource_version, CACHE_WAIT_SECONDS)
