"""List the steps of a task."""

from starlette.responses import Response

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_crds.rest.response import encode_steps, step_responses


async def list_steps(_services: Services, record: TaskRecord) -> Response:
    """The steps by order and retry index."""
    return Response(encode_steps(step_responses(record.stored())), media_type="application/json")
