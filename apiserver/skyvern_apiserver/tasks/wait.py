"""Wait for a task to end before answering."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.services import Services, services_of
from skyvern_apiserver.tasks.lookup import find_task
from skyvern_apiserver.wire.caller import hung_up, unless_hung_up
from skyvern_apiserver.wire.input import Input
from skyvern_apiserver.wire.parameters import read_query

MAX_WAIT_SECONDS: Final = 60
"""Load balancers close a connection that is silent for longer."""


class WaitQuery(BaseModel):
    """Query of the requests that can wait."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    wait: int = Field(0, ge=0, le=MAX_WAIT_SECONDS)
    """Seconds to wait for the task's end; then the answer says where the task stands."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a caller waits."""

    seconds: int
    hung_up: Callable[[], Coroutine[Any, Any, None]]
    """Returns when the caller has closed the connection."""
    place: Callable[[], AbstractContextManager[None]]
    """Holds the place of a waiting request. Raises LimitError."""


async def read_wait(request: Request) -> Wait:
    """The query. Raises InvalidRequestError."""
    seconds = read_query(request, WaitQuery).wait
    if seconds:
        request.state.route += "?wait"  # metrics keep these apart: they are slow because they are meant to be
    place = partial(services_of(request).callers.waiting, request.state.key)
    return Wait(seconds, partial(hung_up, request), place)


WAIT: Final = Input(read_wait, query=WaitQuery)


async def wait_for_end(services: Services, task: TaskRecord, wait: Wait) -> TaskRecord:
    """The task once it has ended, or as it is when the time is up. Raises TaskNotFoundError when it is deleted."""
    if not wait.seconds or task.phase.terminal or task.archived:
        return task
    known = services.tasks.get(task.namespace, task.name)
    if known is None or not known.phase.terminal:
        with wait.place():
            await unless_hung_up(services.endings.wait(task.namespace, task.name, wait.seconds), wait.hung_up())
    return await find_task(services, task.namespace, task.task_id)
