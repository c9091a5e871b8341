"""Tasks: create, read, list, cancel, and send the webhook once more."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from skyvern_apiserver.body import read_json, read_max_steps, read_query
from skyvern_apiserver.cache import TaskRecord, by_modification
from skyvern_apiserver.errors import (
    ApiError,
    IllegalCancelError,
    InvalidRequestError,
    TaskNotFoundError,
    UnavailableError,
    details_of,
)
from skyvern_apiserver.responses import JsonResponse
from skyvern_apiserver.services import Services, services_of
from skyvern_crds.client import SKYVERNTASKS, AlreadyExists, Conflict, NotFound
from skyvern_crds.ids import TASK_PREFIX, name_of, new_id
from skyvern_crds.rest.request import TaskRequest
from skyvern_crds.rest.response import task_response
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.stored import read_task
from skyvern_crds.vocabulary import (
    ANNOTATION_CANCEL,
    ANNOTATION_REQUEST,
    ANNOTATION_RETRY_WEBHOOK,
    API_VERSION,
    KIND,
    LABEL_API_KEY_SECRET,
    LABEL_ORGANIZATION,
    MANAGER_APISERVER,
    Phase,
)

HIGHEST_MAX_STEPS: Final = 1000
NAME_TRIES: Final = 3
"""Ids are unique but for a rare coincidence between processes; then another is made."""
CONFLICT_TRIES: Final = 5
CHUNK_TASKS: Final = 50
"""Tasks that a long list renders before other requests have their turn."""


class ListQuery(BaseModel):
    """Query of ``GET /tasks``."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    page: int = Field(1, ge=1)
    """Page, from 1."""
    page_size: int = Field(10, ge=1)
    """Tasks on a page."""
    task_status: list[Phase] = Field(default_factory=list)
    """Only tasks with one of these; may be repeated."""
    application: str | None = None
    """Only tasks with this label."""
    workflow_run_id: str | None = None
    """Accepted; no task here belongs to a workflow run, so that nothing matches."""
    only_standalone_tasks: bool = False
    """Accepted; every task here is one."""
    sort: Literal["created_at", "modified_at"] = "created_at"
    """What to sort by."""
    order: Literal["asc", "desc"] = "desc"
    """Direction."""


async def create_task(request: Request) -> Response:
    """Create a task."""
    services = services_of(request)
    key = services.authenticate(request)
    mistakes = []
    try:
        max_steps = read_max_steps(request, HIGHEST_MAX_STEPS)
    except InvalidRequestError as error:
        max_steps = None
        mistakes += error.details
    body = await read_json(request)
    try:
        task = TaskRequest.model_validate(body)
        spec = task.to_spec(max_steps)
    except ValidationError as error:
        mistakes += details_of(error, "body")
    if mistakes:
        raise InvalidRequestError(mistakes)
    annotations = {ANNOTATION_REQUEST: json.dumps(extras)} if (extras := task.extras()) else {}
    labels = {LABEL_API_KEY_SECRET: key.secret, LABEL_ORGANIZATION: key.organization}
    created = await _create(services, key.namespace, labels, annotations, spec)
    task_id = request.state.task_id = created.task_id
    await services.seen(created)
    return JsonResponse({"task_id": task_id})


async def _create(
    services: Services, namespace: str, labels: dict[str, str], annotations: dict[str, str], spec: SkyvernTaskSpec
) -> TaskRecord:
    for _ in range(NAME_TRIES):
        name = name_of(new_id(TASK_PREFIX))
        metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec.wire()}
        try:
            return services.read(await services.client.create(SKYVERNTASKS, namespace, body))
        except AlreadyExists:
            continue
        except NotFound:
            text = f"The API key's namespace {namespace!r}, or the kind SkyvernTask, does not exist in the cluster"
            raise UnavailableError(text) from None
    raise UnavailableError("The task could not be named: try again", 1)


async def get_task(request: Request) -> Response:
    """Read a task."""
    services = services_of(request)
    key = services.authenticate(request)
    record = await services.find(key.namespace, request)
    return await _response(services, record)


async def _response(services: Services, record: TaskRecord) -> Response:
    task = read_task(record.object())
    reference = task.status.extracted_information_ref
    result = await services.artifacts.read_json(record, reference.name) if reference else None
    answer = task_response(task, services.links(), result=result)
    return Response(answer.encode(), media_type="application/json")


async def list_tasks(request: Request) -> Response:
    """List the tasks of the API key's namespace."""
    services = services_of(request)
    key = services.authenticate(request)
    query = read_query(request, ListQuery)
    records = select(services.index.newest_first(key.namespace), query)
    if len(records) <= CHUNK_TASKS:
        return Response(b"".join(_rendered(records)), media_type="application/json")
    return StreamingResponse(_in_chunks(records), media_type="application/json")


def select(newest_first: Iterable[TaskRecord], query: ListQuery) -> list[TaskRecord]:
    """The page of ``query``."""
    if query.workflow_run_id is not None:
        return []
    matching: Iterable[TaskRecord] = (
        record
        for record in newest_first
        if (not query.task_status or record.phase in query.task_status)
        and (query.application is None or record.application == query.application)
    )
    if query.sort == "modified_at":
        matching = by_modification(matching, descending=query.order == "desc")
    elif query.order == "asc":
        matching = reversed(list(matching))
    start = (query.page - 1) * query.page_size
    return [record for number, record in enumerate(islice(matching, start + query.page_size)) if number >= start]


def _rendered(records: list[TaskRecord]) -> Iterable[bytes]:
    """A JSON array. Links are not in lists, as callers of the Tasks API know it."""
    for number, record in enumerate(records):
        yield (b"," if number else b"[") + task_response(read_task(record.object()), None).encode()
    yield b"]" if records else b"[]"


async def _in_chunks(records: list[TaskRecord]) -> AsyncIterator[bytes]:
    pieces = iter(_rendered(records))
    while chunk := b"".join(islice(pieces, CHUNK_TASKS)):
        yield chunk
        await asyncio.sleep(0)


async def cancel_task(request: Request) -> Response:
    """Ask for a task's end; it is ``canceled`` once its pod has ended."""
    services = services_of(request)
    key = services.authenticate(request)
    record = await services.find(key.namespace, request)
    for _ in range(CONFLICT_TRIES):
        if record.phase.terminal:
            raise IllegalCancelError(record.task_id, record.phase)
        if record.cancel_requested:
            raise IllegalCancelError(record.task_id, Phase.CANCELED)
        try:
            await _annotate(services, record, ANNOTATION_CANCEL, "true")
        except Conflict:  # the task has changed meanwhile: look again, so that of two cancels one is refused
            record = await services.find_live(key.namespace, record.name)
        else:
            return JsonResponse(None)
    raise ApiError(503, f"Task {record.task_id} changes too fast: try again", headers={"Retry-After": "1"})


async def retry_webhook(request: Request) -> Response:
    """Send the webhook of an ended task once more."""
    services = services_of(request)
    key = services.authenticate(request)
    record = await services.find(key.namespace, request)
    if record.object()["spec"].get("webhookCallbackUrl"):
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        record = await _annotate(services, record, ANNOTATION_RETRY_WEBHOOK, moment, unconditional=True)
    return await _response(services, record)


async def _annotate(
    services: Services, record: TaskRecord, annotation: str, value: str, *, unconditional: bool = False
) -> TaskRecord:
    """Set an annotation, of exactly the version that was looked at unless it does not matter, and wait to see it."""
    metadata: dict[str, Any] = {"uid": record.uid, "annotations": {annotation: value}}
    if not unconditional:
        metadata["resourceVersion"] = record.resource_version
    body = {"metadata": metadata}
    try:
        obj = await services.client.merge_patch(
            SKYVERNTASKS, record.namespace, record.name, body, field_manager=MANAGER_APISERVER
        )
    except NotFound:
        raise TaskNotFoundError(record.task_id) from None
    written = services.read(obj)
    await services.seen(written)
    return written
