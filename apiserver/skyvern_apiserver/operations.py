"""What the facade offers: one entry an operation, from which both the routes and the OpenAPI document are made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from skyvern_apiserver import artifacts, schemas, steps, tasks
from skyvern_crds.rest.request import TaskRequest

Endpoint = Callable[[Request], Awaitable[Response]]
API: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: Literal["GET", "POST"]
    path: str
    """Starlette's path; answered with a trailing slash too."""
    name: str
    """operationId."""
    summary: str
    endpoint: Endpoint
    answer: Any = None
    """Type of the JSON answer; None for an answer that is no JSON."""
    media_type: str = "application/json"
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: tuple[dict[str, Any], ...] = ()
    """Header parameters, as OpenAPI has them."""
    errors: tuple[int, ...] = ()
    """Statuses of errors, besides 403, 429 and 503 of what needs a key."""
    needs_key: bool = True


async def heartbeat(request: Request) -> Response:
    """Tell that the process answers."""
    return PlainTextResponse("Server is running.")


MAX_STEPS_HEADER: Final = {
    "name": "x-max-steps-override",
    "in": "header",
    "required": False,
    "description": "Overrides any other limit of the task's steps; 0 is ignored.",
    "schema": {"type": "integer", "minimum": 0, "maximum": tasks.HIGHEST_MAX_STEPS},
}

OPERATIONS: Final = (
    Operation(
        "POST",
        f"{API}/tasks",
        "create_task",
        "Create a task",
        tasks.create_task,
        answer=schemas.CreatedTask,
        body=TaskRequest,
        headers=(MAX_STEPS_HEADER,),
        errors=(408, 413, 422),
    ),
    Operation(
        "GET",
        f"{API}/tasks",
        "list_tasks",
        "List tasks, newest first",
        tasks.list_tasks,
        answer=list[schemas.TaskResponse],
        query=tasks.ListQuery,
        errors=(422,),
    ),
    Operation(
        "GET",
        f"{API}/tasks/{{task_id}}",
        "get_task",
        "Read a task",
        tasks.get_task,
        answer=schemas.TaskResponse,
        errors=(404,),
    ),
    Operation(
        "GET",
        f"{API}/tasks/{{task_id}}/steps",
        "list_steps",
        "List a task's steps",
        steps.list_steps,
        answer=list[schemas.StepResponse],
    ),
    Operation(
        "POST",
        f"{API}/tasks/{{task_id}}/cancel",
        "cancel_task",
        "Cancel a task that is created, queued or running",
        tasks.cancel_task,
        answer=type(None),
        errors=(400, 404),
    ),
    Operation(
        "POST",
        f"{API}/tasks/{{task_id}}/retry_webhook",
        "retry_webhook",
        "Send a task's webhook once more",
        tasks.retry_webhook,
        answer=schemas.TaskResponse,
        errors=(404,),
    ),
    Operation(
        "GET",
        f"{API}/artifacts/{{namespace}}/{{task}}/{{uid}}/{{file:path}}",
        "download_artifact",
        "Download a file of a task by its signed link",
        artifacts.download,
        media_type="application/octet-stream",
        query=schemas.LinkQuery,
        errors=(403, 404, 416, 503),
        needs_key=False,
    ),
    Operation(
        "GET",
        f"{API}/heartbeat",
        "heartbeat",
        "Tell that the service answers",
        heartbeat,
        media_type="text/plain",
        needs_key=False,
    ),
)
"""Everything that callers may use."""
