"""Endpoints turn a request into a handler's arguments, and the handler's answer into a response.

A handler never sees the request. It gets the services, and the key, task and input that its endpoint has checked.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_apiserver.services import Services, services_of
from skyvern_apiserver.tasks.create import AwaitedTask, CreatedTask
from skyvern_apiserver.tasks.lookup import find_task
from skyvern_apiserver.wire.input import Input
from skyvern_apiserver.wire.responses import json_response
from skyvern_apiserver.wire.versioned import Versioned, versioned_response

T = TypeVar("T")


async def _read_nothing(_request: Request) -> None:
    return None


NO_INPUT: Final = Input(_read_nothing)


class Endpoint(Protocol):
    """Serves one method of one path."""

    @property
    def needs_key(self) -> bool:
        """Whether callers need an API key."""

    @property
    def input(self) -> Input[Any]:
        """What is read from the request, apart from its path."""

    async def __call__(self, request: Request) -> Response:
        """Answer a request. Raises ApiError and ClusterError."""


@dataclass(frozen=True, slots=True)
class FixedEndpoint:
    """Answers the same bytes to everyone."""

    needs_key: ClassVar[bool] = False
    input: ClassVar[Input[None]] = NO_INPUT
    content: bytes
    media_type: str

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        return Response(self.content, media_type=self.media_type)


@dataclass(frozen=True, slots=True)
class PublicEndpoint(Generic[T]):
    """Serves callers without an API key; the handler checks their other credentials."""

    needs_key: ClassVar[bool] = False
    handler: Callable[[Services, T], Awaitable[object]]
    input: Input[T]

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        return await _response(request, await self.handler(services_of(request), await self.input.read(request)))


@dataclass(frozen=True, slots=True)
class KeyEndpoint(Generic[T]):
    """Serves the holder of an API key."""

    needs_key: ClassVar[bool] = True
    handler: Callable[[Services, ApiKey, T], Awaitable[object]]
    input: Input[T]

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        services = services_of(request)
        key = admit(services, request)
        return await _response(request, await self.handler(services, key, await self.input.read(request)))


@dataclass(frozen=True, slots=True)
class TaskEndpoint:
    """Serves the holder of an API key; the path names a task in the key's namespace."""

    needs_key: ClassVar[bool] = True
    input: ClassVar[Input[None]] = NO_INPUT
    handler: Callable[[Services, TaskRecord], Awaitable[object]]
    empty_if_unknown: bool = False
    """Answer ``[]`` instead of 404 for an unknown task, as callers of the Tasks API expect."""

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        services = services_of(request)
        try:
            task = await _find(services, request)
        except TaskNotFoundError:
            if not self.empty_if_unknown:
                raise
            return json_response([])
        return await _response(request, await self.handler(services, task))


@dataclass(frozen=True, slots=True)
class TaskInputEndpoint(Generic[T]):
    """As TaskEndpoint, for a request that says more than its path."""

    needs_key: ClassVar[bool] = True
    handler: Callable[[Services, TaskRecord, T], Awaitable[object]]
    input: Input[T]

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        services = services_of(request)
        task = await _find(services, request)
        return await _response(request, await self.handler(services, task, await self.input.read(request)))


async def _find(services: Services, request: Request) -> TaskRecord:
    key = admit(services, request)
    task_id = request.state.task_id = request.path_params["task_id"]
    return await find_task(services, key.namespace, task_id, lambda: services.callers.lookup(key))


def admit(services: Services, request: Request) -> ApiKey:
    """The caller's API key, with a place for the request until its answer has been sent.

    Raises as :func:`authenticate`, and LimitError.
    """
    key = request.state.key = authenticate(services, request)
    request.state.held.enter_context(services.callers.request(key))
    return key


def authenticate(services: Services, request: Request) -> ApiKey:
    """The caller's API key. Raises CredentialsError, and UnavailableError while the keys or their tasks are unknown."""
    services.freshness.require_keys()
    key = services.keys.authenticate(request)
    services.freshness.require_tasks(key.namespace)
    return key


async def _response(request: Request, answer: object) -> Response:
    """The handler's response, or its answer as JSON; the id of a created task goes to the log."""
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Versioned):
        return await versioned_response(request, answer)
    if isinstance(answer, CreatedTask):
        request.state.task_id = answer.task_id
    if isinstance(answer, AwaitedTask):
        request.state.task_id = answer.task_id
        return Response(answer.content, media_type="application/json")
    return json_response(answer)
