"""Follow a task by server-sent events."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.cache.listeners import Topic
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.errors import ApiError
from skyvern_apiserver.services import Services, services_of
from skyvern_apiserver.tasks.task_events import Heard, news
from skyvern_apiserver.wire.event_stream import KEEP_ALIVE, EventStream, Write
from skyvern_apiserver.wire.input import Input
from skyvern_crds.stored import StoredTask

KEEP_ALIVE_SECONDS: Final = 15.0
"""How long a stream is silent at most."""
LAST_EVENT_ID: Final = {
    "name": "last-event-id",
    "in": "header",
    "required": False,
    "description": "Id of the last event that the caller has: what it knows is not sent again.",
    "schema": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class Following:
    """Who follows a task, and from where."""

    key: ApiKey
    last_event_id: str | None
    take_place: Callable[[], None]
    """Gives up the place of a request for that of a stream. Raises LimitError."""


async def _read_following(request: Request) -> Following:
    return Following(request.state.key, request.headers.get("last-event-id"), partial(_take_place, request))


def _take_place(request: Request) -> None:
    state, callers = request.state, services_of(request).callers
    with state.held.pop_all():
        state.held.enter_context(callers.event_stream(state.key))
    state.place.give_up()


FOLLOW: Final = Input(_read_following, headers=(LAST_EVENT_ID,))


async def follow_task(services: Services, record: TaskRecord, following: Following) -> Response:
    """The events of a task until its end; 204, after which clients do not connect again, for who knows of that."""
    heard = Heard.read(following.last_event_id, record.stored())
    if heard.end:
        return Response(status_code=204)
    following.take_place()
    return EventStream(partial(_follow, services, record, following.key, heard))


async def _follow(services: Services, record: TaskRecord, key: ApiKey, heard: Heard, write: Write) -> None:
    with services.listeners.listen(record) as topic:
        if known := services.tasks.get(record.namespace, record.name):
            topic.put(known)  # it may have changed since it was found
        while not topic.deleted and not services.listeners.closed and may_follow(services, key):
            changed = topic.changed
            frames, heard = topic.once(heard, partial(_news, topic, heard))
            if frames:
                await write(frames)
            if heard.end:
                return
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await changed.wait()
            except TimeoutError:
                await write(KEEP_ALIVE)


def _news(topic: Topic, heard: Heard) -> tuple[bytes, Heard]:
    task: StoredTask = topic.once("task", topic.record.stored)
    return news(task, heard)


def may_follow(services: Services, key: ApiKey) -> bool:
    """Whether a stream of this key goes on: the key is still valid, and the cache tells the truth."""
    try:
        services.freshness.require_keys()
        services.freshness.require_tasks(key.namespace)
    except ApiError:
        return False
    return services.keys.holds(key)
