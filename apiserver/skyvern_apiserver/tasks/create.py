"""Create a task."""

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.cache.task_lookup import wait_until_cached
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import InvalidRequestError, UnavailableError
from skyvern_apiserver.services import Services
from skyvern_apiserver.wire.body import read_json
from skyvern_apiserver.wire.error_details import details_of
from skyvern_apiserver.wire.input import Input
from skyvern_apiserver.wire.parameters import read_max_steps
from skyvern_crds import wire
from skyvern_crds.client import SKYVERNTASKS, AlreadyExists, NotFound
from skyvern_crds.ids import TASK_PREFIX, name_of, new_id
from skyvern_crds.rest.request import TaskRequest
from skyvern_crds.rest.response import Answer
from skyvern_crds.spec import MAX_STEPS_LIMIT, SkyvernTaskSpec
from skyvern_crds.vocabulary import (
    ANNOTATION_REQUEST,
    API_VERSION,
    KIND,
    LABEL_API_KEY_SECRET,
    LABEL_ORGANIZATION,
)

NAME_TRIES: Final = 3
"""Two processes rarely make the same id; then another id is tried."""
MAX_STEPS_HEADER: Final = {
    "name": "x-max-steps-override",
    "in": "header",
    "required": False,
    "description": "Overrides any other step limit of the task; 0 is ignored.",
    "schema": {"type": "integer", "minimum": 0, "maximum": MAX_STEPS_LIMIT},
}


class CreatedTask(Answer):
    """Answer to the creation of a task."""

    task_id: str
    """Id of the task."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A valid request for a task."""

    request: TaskRequest
    spec: SkyvernTaskSpec


async def _read_new_task(request: Request) -> NewTask:
    """The body and the header. Raises InvalidRequestError with the errors of both."""
    details = []
    try:
        max_steps = read_max_steps(request, MAX_STEPS_LIMIT)
    except InvalidRequestError as error:
        max_steps = None
        details += error.details
    body = await read_json(request)
    try:
        task = TaskRequest.model_validate(body)
        spec = task.to_spec(max_steps)
    except ValidationError as error:
        details += details_of(error, "body")
    if details:
        raise InvalidRequestError(details)
    return NewTask(task, spec)


NEW_TASK: Final = Input(_read_new_task, body=TaskRequest, headers=(MAX_STEPS_HEADER,))


async def create_task(services: Services, key: ApiKey, task: NewTask) -> CreatedTask:
    """Create a task in the key's namespace."""
    extras = task.request.extras()
    annotations = {ANNOTATION_REQUEST: wire.dumps(extras)} if extras else {}
    labels = {LABEL_API_KEY_SECRET: key.secret, LABEL_ORGANIZATION: key.organization}
    created = await _create(services, key.namespace, {"labels": labels, "annotations": annotations}, task.spec)
    await wait_until_cached(services.tasks, created)
    return CreatedTask(task_id=created.task_id)


async def _create(
    services: Services, namespace: str, metadata: dict[str, dict[str, str]], spec: SkyvernTaskSpec
) -> TaskRecord:
    for _ in range(NAME_TRIES):
        named = {"name": name_of(new_id(TASK_PREFIX)), "namespace": namespace, **metadata}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": named, "spec": spec.wire()}
        try:
            return record_of(await services.client.create(SKYVERNTASKS, namespace, body))
        except AlreadyExists:
            continue
        except NotFound:
            text = f"The API key's namespace {namespace!r}, or the kind SkyvernTask, does not exist in the cluster"
            raise UnavailableError(text) from None
    raise UnavailableError("The task could not be named: try again", 1)
