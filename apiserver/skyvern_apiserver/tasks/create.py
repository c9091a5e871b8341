"""Create a task."""

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.cache.task_lookup import wait_until_cached
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import ApiError, Detail, InvalidRequestError, UnavailableError
from skyvern_apiserver.process.tracing import CREATE
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from skyvern_apiserver.tasks.create_once import create_or_find
from skyvern_apiserver.tasks.read import render_task
from skyvern_apiserver.tasks.wait import Wait, WaitQuery, read_wait, wait_for_end
from skyvern_apiserver.wire.body import in_turn, parse_json, read_body
from skyvern_apiserver.wire.error_details import detail, details_of, too_large
from skyvern_apiserver.wire.input import Input
from skyvern_apiserver.wire.parameters import (
    MAX_IDEMPOTENCY_KEY,
    read_idempotency_key,
    read_max_steps,
    read_traceparent,
)
from skyvern_crds import wire
from skyvern_crds.client import JsonObject, NotFound, Unavailable
from skyvern_crds.ids import TASK_PREFIX, id_for, name_of, new_id, task_id_of
from skyvern_crds.rest.request import TaskRequest
from skyvern_crds.rest.response import Answer
from skyvern_crds.spec import MAX_SPEC_BYTES, MAX_STEPS_LIMIT, SkyvernTaskSpec, SpecTooLargeError
from skyvern_crds.stored import read_metadata
from skyvern_crds.tracing.trace import TraceParent
from skyvern_crds.vocabulary import (
    ANNOTATION_CREATION,
    ANNOTATION_REQUEST,
    ANNOTATION_TRACEPARENT,
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
    "description": "Overrides any other step limit of the task; 0 is ignored, a negative number means one step, and "
    f"{MAX_STEPS_LIMIT} steps are the most. The answer's max_steps_per_run says what holds.",
    "schema": {"type": "integer"},
}
IDEMPOTENCY_HEADER: Final = {
    "name": "idempotency-key",
    "in": "header",
    "required": False,
    "description": "Any text that no other request has. A request that is sent again with the same key and body is "
    "answered with the task that the first has made, for as long as that task exists.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
}
TRACEPARENT_HEADER: Final = {
    "name": "traceparent",
    "in": "header",
    "required": False,
    "description": "The caller's span, by W3C Trace Context. The task's trace continues it; anything else is ignored.",
    "schema": {"type": "string"},
}

log = logging.getLogger(__name__)


class CreatedTask(Answer):
    """Answer to the creation of a task."""

    task_id: str
    """Id of the task."""


@dataclass(frozen=True, slots=True)
class AwaitedTask:
    """Answer to the creation of a task, for a caller who waits for its end."""

    task_id: str
    content: bytes
    """The task as JSON."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A valid request for a task."""

    request: TaskRequest
    spec: SkyvernTaskSpec
    idempotency_key: str | None
    wait: Wait
    mark: str
    """Equal for requests that have the same key and ask for the same; random without a key."""
    caller: TraceParent | None
    """The span that the task's trace continues."""


async def _read_new_task(request: Request) -> NewTask:
    """The body and the headers. Raises InvalidRequestError with the errors of all."""
    details: list[Detail] = []
    wait = await read_wait(request)
    max_steps = key = None
    try:
        max_steps = read_max_steps(request, MAX_STEPS_LIMIT)
    except InvalidRequestError as error:
        details += error.details
    try:
        key = read_idempotency_key(request)
    except InvalidRequestError as error:
        details += error.details
    body = await read_body(request)
    task, spec, mark = await in_turn(partial(_parse, body, max_steps, details, with_digest=key is not None), body)
    return NewTask(task, spec, key, wait, mark, read_traceparent(request))


def _parse(
    body: bytes, max_steps: int | None, details: list[Detail], *, with_digest: bool
) -> tuple[TaskRequest, SkyvernTaskSpec, str]:
    """The request, its spec and its mark. Raises InvalidRequestError with the errors found before and its own."""
    value = parse_json(body)
    try:
        _require_small(value)
        task = TaskRequest.model_validate(value)
        spec = task.to_spec(max_steps)
    except ValidationError as error:
        details += details_of(error, "body")
    except SpecTooLargeError as error:
        details.append(detail("value_error", ["body"], too_large(error), value))
    if details:
        raise InvalidRequestError(details)
    return task, spec, _digest([value, max_steps]) if with_digest else secrets.token_hex(16)


def _require_small(value: Any) -> None:
    """Raise SpecTooLargeError for what is too large whatever else is in it, before it is copied several times."""
    if isinstance(value, dict):
        size = sum(wire.size(value.get(name)) for name in ("navigation_payload", "extracted_information_schema"))
        if size > MAX_SPEC_BYTES:
            raise SpecTooLargeError(size)


def _digest(value: Any) -> str:
    """Of the JSON as it was sent, so that it stays the same when a new version reads it in another way."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


NEW_TASK: Final = Input(
    _read_new_task,
    body=TaskRequest,
    query=WaitQuery,
    headers=(MAX_STEPS_HEADER, IDEMPOTENCY_HEADER, TRACEPARENT_HEADER),
)


async def create_task(services: Services, key: ApiKey, task: NewTask) -> CreatedTask | AwaitedTask:
    """Create a task in the key's namespace, or find the one that its idempotency key has made."""
    _require_allowed_secrets(key, task.request)
    services.callers.create(key)
    begun, once = datetime.now(UTC), task.idempotency_key
    created = await (_create(services, key, task) if once is None else _create_once(services, key, task, once))
    await wait_until_cached(services.tasks, created)
    if services.tracing is not None:
        services.tracing.served(CREATE, created.uid, created.traceparent, begun, task.caller)
    if task.wait.seconds:
        try:
            ended = await wait_for_end(services, created, task.wait)
            return AwaitedTask(ended.task_id, await render_task(services, ended, links_now(services.settings)))
        except ApiError as error:  # the task has been made, and no error may say that it has not
            log.warning("a new task is answered by its id alone", extra={"task": created.task_id, "error": str(error)})
    return CreatedTask(task_id=created.task_id)


def _require_allowed_secrets(key: ApiKey, request: TaskRequest) -> None:
    """Raise InvalidRequestError for Secrets that the key may not use, which are all unless its own Secret says so."""
    details = [
        detail(
            "value_error",
            ["body", *place],
            f"This API key may not use the Secret {name!r}: have its administrator name it in the field "
            "'allowed-secrets' of the key's own Secret",
            name,
        )
        for place, name in request.secret_references()
        if not key.allows_secret(name)
    ]
    if details:
        raise InvalidRequestError(details)


async def _create(services: Services, key: ApiKey, task: NewTask) -> TaskRecord:
    for _ in range(NAME_TRIES):
        obj = await _create_or_find(services, _task_object(key, task, new_id(TASK_PREFIX)))
        if _mark_of(obj) == task.mark:
            return record_of(obj)
    raise UnavailableError("The task could not be named: try again", 1)


async def _create_once(services: Services, key: ApiKey, task: NewTask, idempotency_key: str) -> TaskRecord:
    task_id = id_for(TASK_PREFIX, key.organization, idempotency_key)
    obj = await _create_or_find(services, _task_object(key, task, task_id))
    if _mark_of(obj) != task.mark:
        text = f"Another request with this key has made the task {task_id}: give each request a key of its own"
        raise InvalidRequestError([detail("idempotency_key_used", ["header", "idempotency-key"], text)])
    return record_of(obj)


def _task_object(key: ApiKey, task: NewTask, task_id: str) -> JsonObject:
    extras = task.request.extras()
    annotations = {ANNOTATION_CREATION: task.mark} | ({ANNOTATION_REQUEST: wire.dumps(extras)} if extras else {})
    if task.caller is not None:
        annotations[ANNOTATION_TRACEPARENT] = str(task.caller)
    metadata = {
        "name": name_of(task_id),
        "namespace": key.namespace,
        "labels": {LABEL_API_KEY_SECRET: key.secret, LABEL_ORGANIZATION: key.organization},
        "annotations": annotations,
    }
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": task.spec.wire()}


def _mark_of(obj: JsonObject) -> str | None:
    return read_metadata(obj).annotations.get(ANNOTATION_CREATION)


async def _create_or_find(services: Services, obj: JsonObject) -> JsonObject:
    meta = obj["metadata"]
    try:
        return await create_or_find(services.client, obj)
    except NotFound:
        text = f"The API key's namespace {meta['namespace']!r}, or the kind SkyvernTask, does not exist in the cluster"
        raise UnavailableError(text) from None
    except Unavailable as error:
        text = (
            f"The cluster did not say whether it has created the task {task_id_of(meta['name'])}: look for it before "
            "you try again, or send an Idempotency-Key, with which you can always try again"
        )
        raise UnavailableError(text, error.retry_after) from None
