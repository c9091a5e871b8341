"""Steps of a task."""

from starlette.requests import Request
from starlette.responses import Response

from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_apiserver.responses import JsonResponse
from skyvern_apiserver.services import services_of
from skyvern_crds.rest.response import encode_steps, step_responses
from skyvern_crds.stored import read_task


async def list_steps(request: Request) -> Response:
    """List the steps of a task; an unknown task has none, as callers of the Tasks API know it."""
    services = services_of(request)
    key = services.authenticate(request)
    try:
        record = await services.find(key.namespace, request)
    except TaskNotFoundError:
        return JsonResponse([])
    steps = step_responses(read_task(record.object()))
    return Response(encode_steps(steps), media_type="application/json")
