"""List the steps of a task."""

from functools import partial

from skyvern_apiserver.cache.answers import Kind
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_apiserver.tasks.tags import tag_of_tasks
from skyvern_apiserver.wire.versioned import Versioned
from skyvern_crds.rest.response import encode_steps, step_responses


async def list_steps(services: Services, record: TaskRecord) -> Versioned:
    """The steps by order and retry index."""
    links = links_now(services.settings)
    return Versioned(tag_of_tasks([record], links), partial(_render_steps, services, record))


async def _render_steps(services: Services, record: TaskRecord) -> bytes:
    known = services.answers.get(Kind.STEPS, record, 0)
    if known is not None:
        return known
    return services.answers.put(Kind.STEPS, record, 0, encode_steps(step_responses(record.stored())))
