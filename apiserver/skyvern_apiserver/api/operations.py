"""Every operation of the API: the one list from which the routes and the OpenAPI document are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic_core import to_json

from skyvern_apiserver.about.webhook_receiver import TEST_WEBHOOK, receive_webhook
from skyvern_apiserver.about.whoami import Version, WhoAmI, whoami
from skyvern_apiserver.api.endpoints import (
    NO_INPUT,
    Endpoint,
    FixedEndpoint,
    KeyEndpoint,
    PublicEndpoint,
    TaskEndpoint,
    TaskInputEndpoint,
)
from skyvern_apiserver.artifacts.download import DOWNLOAD, download_file
from skyvern_apiserver.tasks.cancel import cancel_task
from skyvern_apiserver.tasks.create import NEW_TASK, CreatedTask, create_task
from skyvern_apiserver.tasks.follow import FOLLOW, follow_task
from skyvern_apiserver.tasks.listing import ListQuery, list_tasks
from skyvern_apiserver.tasks.read import get_task
from skyvern_apiserver.tasks.retry_webhook import retry_webhook
from skyvern_apiserver.tasks.steps import list_steps
from skyvern_apiserver.tasks.wait import WAIT
from skyvern_apiserver.wire.event_stream import MEDIA_TYPE
from skyvern_apiserver.wire.input import query_input
from skyvern_crds.rest.response import StepResponse, TaskItem, TaskResponse

API: Final = "/api/v1"
TAGS: Final = {
    "tasks": "Create tasks, and see what becomes of them.",
    "artifacts": "The files that tasks leave behind.",
    "service": "The service itself.",
}
EXAMPLE: Final = MappingProxyType(
    {
        "url": "https://jobs.example.com/apply",
        "navigation_goal": "Apply for the job. Stop when the page says that the application has been sent.",
        "navigation_payload": {"name": "Chris P. Bacon", "email": "chris@example.com"},
        "data_extraction_goal": "Was the application sent?",
        "extracted_information_schema": {"type": "object", "properties": {"sent": {"type": "boolean"}}},
    }
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: Literal["GET", "POST"]
    path: str
    """Starlette's path; answered with a trailing slash too."""
    name: str
    """operationId."""
    summary: str
    tag: Literal["tasks", "artifacts", "service"]
    """Group of the document."""
    endpoint: Endpoint
    """Serves the requests; says whether they need a key and what is read from them."""
    example: Mapping[str, Any] | None = None
    """A body that makes sense."""
    answer: Any = None
    """Type of the JSON answer; None for an answer that is not JSON."""
    media_type: str = "application/json"
    versioned: bool = False
    """The answer has an entity tag: 304 for a caller who has it."""
    resumable: bool = False
    """The answer is a stream: 204 for a caller who has all of it."""
    is_file: bool = False
    """The answer is a file: a range of it is 206, and a 403 is text for people in browsers."""
    errors: tuple[int, ...] = ()
    """Statuses of errors; operations that need a key also have 403, 429 and 503."""


OPERATIONS: Final = (
    Operation(
        "POST",
        f"{API}/tasks",
        "create_task",
        "Create a task; with `wait` the answer is the task as `get_task` gives it",
        "tasks",
        KeyEndpoint(create_task, NEW_TASK),
        example=EXAMPLE,
        answer=CreatedTask | TaskResponse,
        errors=(408, 413, 422),
    ),
    Operation(
        "GET",
        f"{API}/tasks",
        "list_tasks",
        "List tasks, newest first",
        "tasks",
        KeyEndpoint(list_tasks, query_input(ListQuery)),
        answer=list[TaskItem],
        versioned=True,
        errors=(400, 422),
    ),
    Operation(
        "GET",
        f"{API}/tasks/{{task_id}}",
        "get_task",
        "Read a task",
        "tasks",
        TaskInputEndpoint(get_task, WAIT),
        answer=TaskResponse,
        versioned=True,
        errors=(404, 422),
    ),
    Operation(
        "GET",
        f"{API}/tasks/{{task_id}}/steps",
        "list_steps",
        "List a task's steps",
        "tasks",
        TaskEndpoint(list_steps, empty_if_unknown=True),
        answer=list[StepResponse],
        versioned=True,
    ),
    Operation(
        "GET",
        f"{API}/tasks/{{task_id}}/events",
        "follow_task",
        "Follow a task by server-sent events until it ends: `phase`, `queue`, `step`, `heartbeat` and `end`",
        "tasks",
        TaskInputEndpoint(follow_task, FOLLOW),
        media_type=MEDIA_TYPE,
        resumable=True,
        errors=(404,),
    ),
    Operation(
        "POST",
        f"{API}/tasks/{{task_id}}/cancel",
        "cancel_task",
        "Cancel a task that is created, queued or running",
        "tasks",
        TaskEndpoint(cancel_task),
        answer=type(None),
        errors=(400, 404),
    ),
    Operation(
        "POST",
        f"{API}/tasks/{{task_id}}/retry_webhook",
        "retry_webhook",
        "Send a task's webhook again",
        "tasks",
        TaskEndpoint(retry_webhook),
        answer=TaskResponse,
        errors=(400, 404),
    ),
    Operation(
        "GET",
        f"{API}/artifacts/{{namespace}}/{{task}}/{{uid}}/{{file:path}}",
        "download_artifact",
        "Download a file of a task by its signed link",
        "artifacts",
        PublicEndpoint(download_file, DOWNLOAD),
        media_type="application/octet-stream",
        is_file=True,
        errors=(403, 404, 416, 503),
    ),
    Operation(
        "GET",
        f"{API}/heartbeat",
        "heartbeat",
        "Report that the service answers",
        "service",
        FixedEndpoint(b"Server is running.", "text/plain"),
        media_type="text/plain",
    ),
    Operation(
        "GET",
        f"{API}/version",
        "version",
        "Tell the version of the service",
        "service",
        FixedEndpoint(to_json(Version(version=version("skyvern-apiserver"))), "application/json"),
        answer=Version,
    ),
    Operation(
        "GET",
        f"{API}/whoami",
        "whoami",
        "Tell the tenant and the limits of the caller's API key",
        "service",
        KeyEndpoint(whoami, NO_INPUT),
        answer=WhoAmI,
    ),
    Operation(
        "POST",
        f"{API}/webhook",
        "receive_webhook",
        "Receive a webhook for a test: tells whether the two headers arrive",
        "service",
        PublicEndpoint(receive_webhook, TEST_WEBHOOK),
        media_type="text/plain",
        errors=(400,),
    ),
)
"""All of them, in the order of the document."""
