"""Each watch of tasks is kept alive on its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from skyvern_operator.watch.task_streams import TaskStream, TaskStreams
from tests.waiting import until

Watch = Callable[[], AsyncGenerator[Any, None]]


class BrokenError(Exception):
    """What a watch raises."""


def watch_of(*attempts: list[str | Exception]) -> Watch:
    """A watch that yields, raises or ends as each attempt says; after the last attempt it is silent."""
    remaining = iter(attempts)

    async def watch() -> AsyncGenerator[Any, None]:
        for event in next(remaining, ["silent"]):
            if isinstance(event, Exception):
                raise event
            if event == "silent":
                await asyncio.get_running_loop().create_future()
            yield event

    return watch


async def read(stream: TaskStream, watch: Watch, count: int) -> list[str]:
    """The first events of a stream."""
    events = stream.events(watch, lambda error: type(error).__name__)
    found = [await asyncio.wait_for(anext(events), 30) for _ in range(count)]
    await events.aclose()
    return found


def opened(**options: float) -> TaskStream:
    stream = TaskStream("jobs", **options)
    stream.opened.set()
    return stream


async def test_watch_that_fails_or_ends_is_begun_again() -> None:
    stream = opened()
    watch = watch_of(["a", BrokenError("torn")], [BrokenError("again")], ["b"], ["c", "silent"])
    assert await read(stream, watch, 3) == ["a", "b", "c"]
    assert stream.restarts == {"BrokenError": 2, "Ended": 1}
    assert stream.error is None, "an event shows that all is well again"


async def test_silent_watch_is_begun_again() -> None:
    stream = opened(silence_seconds=0.05)
    assert await read(stream, watch_of(["a", "silent"], ["b", "silent"]), 2) == ["a", "b"]
    assert stream.restarts["Silent"] == 1


async def test_known_event_is_left_out_and_shows_that_the_watch_is_alive() -> None:
    stream = opened(silence_seconds=30)
    stream.heard_at = float("-inf")
    events = stream.events(watch_of(["echo", "echo", "a", "silent"]), str, lambda event: event == "echo")
    assert await asyncio.wait_for(anext(events), 30) == "a"
    assert stream.age < 30
    await events.aclose()


async def test_dead_watch_is_begun_again_on_demand() -> None:
    stream = opened()
    events = stream.events(watch_of(["a", "silent"], ["b", "silent"]), str)
    assert await asyncio.wait_for(anext(events), 30) == "a"
    stream.restart()
    assert await asyncio.wait_for(anext(events), 30) == "b"
    assert stream.restarts == {"Dead": 1}
    await events.aclose()


async def test_watch_begins_when_its_namespace_has_been_listed_and_ends_with_its_reader() -> None:
    running = 0

    async def watch() -> AsyncGenerator[Any, None]:
        nonlocal running
        running += 1
        try:
            yield "a"
            await asyncio.get_running_loop().create_future()
        finally:
            running -= 1

    stream = TaskStream("jobs")
    events = stream.events(watch, str)
    first = asyncio.create_task(anext(events))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (running, first.done()) == (0, False)
    stream.opened.set()
    assert await asyncio.wait_for(first, 30) == "a"
    assert running == 1
    await events.aclose()
    await until(lambda: running == 0)


async def test_only_refusals_count_as_such() -> None:
    stream = TaskStream("jobs")
    stream.failed("Forbidden", "no Role")
    assert (stream.refusal, stream.error) == ("Forbidden", "no Role (Forbidden)")
    stream.failed("Unavailable", "no answer")
    assert (stream.refusal, stream.error) == (None, "no answer (Unavailable)")


def test_stream_of_a_namespace_is_its_own_or_that_of_all() -> None:
    some, everything = TaskStreams(["a", "b", "a"]), TaskStreams(None)
    assert some.of("b") is some.by_scope["b"]
    assert list(some.by_scope) == ["a", "b"]
    assert everything.of("a") is everything.by_scope[None]
