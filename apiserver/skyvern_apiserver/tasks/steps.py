"""List the steps of a task."""

import asyncio
import logging
from functools import partial
from typing import Final

from skyvern_apiserver.cache.answers import Kind
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.artifact_store import TooLargeError
from skyvern_apiserver.storage.links import links_now
from skyvern_apiserver.tasks.tags import tag_of_tasks
from skyvern_apiserver.wire.versioned import Versioned
from skyvern_crds import wire
from skyvern_crds.rest.artifacts import store_key
from skyvern_crds.rest.response import StepResponse, encode_steps, step_responses
from skyvern_crds.status import STEPS_FILE, Step
from skyvern_crds.stored import StoredTask, read

MAX_STEPS_BYTES: Final = 8 * 1024 * 1024
"""Largest file of steps that is read."""
_FIELDS: Final = frozenset(Step.model_fields) & frozenset(StepResponse.model_fields)
"""What answers need; the file has more of a step than the object, some of it under the same names."""

log = logging.getLogger(__name__)


async def list_steps(services: Services, record: TaskRecord) -> Versioned:
    """The steps by order and retry index: of an ended task all of them, else the newest."""
    links = links_now(services.settings)
    return Versioned(tag_of_tasks([record], links), partial(_render_steps, services, record))


async def _render_steps(services: Services, record: TaskRecord) -> bytes:
    known = services.answers.get(Kind.STEPS, record, 0)
    if known is not None:
        return known
    task = record.stored()
    if _is_whole(task) or not record.phase.terminal:
        return services.answers.put(Kind.STEPS, record, 0, encode_steps(step_responses(task)))
    file = await _read_file(services, task)
    answer = await asyncio.to_thread(_render_with_file, task, file)
    return answer if file is None else services.answers.put(Kind.STEPS, record, 0, answer)


def _is_whole(task: StoredTask) -> bool:
    """Whether the object holds all steps: where some are missing, the first of them is."""
    if not task.status.steps:
        return not task.status.step_count
    first = min((step.order, step.retry_index) for step in task.status.steps)
    return first == (0, 0)


async def _read_file(services: Services, task: StoredTask) -> bytes | None:
    """All steps as the runner has stored them; None where it could not. Raises UnavailableError."""
    meta = task.metadata
    try:
        return await services.artifacts.read(
            store_key(meta.namespace, meta.name, meta.uid, STEPS_FILE), MAX_STEPS_BYTES
        )
    except TooLargeError as error:
        log.warning("steps cannot be read", extra={"task": meta.task_id, "error": str(error)})
        return None


def _render_with_file(task: StoredTask, file: bytes | None) -> bytes:
    """The steps of file and object. The file comes from a task's pod, so any part of it may be wrong."""
    try:
        items = wire.loads(file or b"[]")
    except ValueError:
        items = None
    found = [read(Step, item, STEPS_FILE, fields=_FIELDS) for item in items] if isinstance(items, list) else []
    return encode_steps(step_responses(task, [step for step, faults in found if not faults]))
