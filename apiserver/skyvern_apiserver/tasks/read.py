"""Read a task."""

from functools import partial
from typing import Any

from skyvern_apiserver.cache.answers import Kind
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import LostResultError
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_apiserver.tasks.tags import tag_of_tasks
from skyvern_apiserver.tasks.wait import Wait, wait_for_end
from skyvern_apiserver.wire.versioned import Versioned
from skyvern_crds.rest.artifacts import ArtifactLinks, is_name, store_key
from skyvern_crds.rest.response import task_response
from skyvern_crds.stored import StoredTask


async def get_task(services: Services, record: TaskRecord, wait: Wait) -> Versioned:
    """The task with links to its files, and with its extracted information even when that is in the store."""
    record = await wait_for_end(services, record, wait)
    links = links_now(services.settings)
    return Versioned(tag_of_tasks([record], links), partial(render_task, services, record, links))


async def render_task(services: Services, record: TaskRecord, links: ArtifactLinks) -> bytes:
    """The task's answer, made once for each version of the task."""
    known = services.answers.get(Kind.TASK, record, links.expires)
    if known is not None:
        return known
    task = record.stored()
    result, problem = await _stored_result(services, task)
    answer = task_response(task, links, result=result, result_problem=problem).encode()
    # A file that is missing or broken may be uploaded again.
    return answer if problem else services.answers.put(Kind.TASK, record, links.expires, answer)


async def _stored_result(services: Services, task: StoredTask) -> tuple[Any, str | None]:
    """The extracted information when it is in the store, and what is wrong with it for good."""
    reference, meta = task.status.extracted_information_ref, task.metadata
    if reference is None:
        return None, None
    if not is_name(reference.name):
        return None, "The extracted information is lost: the task refers to a file whose name is not legal"
    try:
        key = store_key(meta.namespace, meta.name, meta.uid, reference.name)
        return await services.artifacts.read_result(key), None
    except LostResultError as error:
        return None, str(error)
