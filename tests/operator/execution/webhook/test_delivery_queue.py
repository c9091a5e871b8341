"""The order of deliveries, and how many are tried at once."""

import asyncio
from dataclasses import replace

import pytest

from skyvern_operator.execution.webhook.delivery_queue import DeliveryQueue
from skyvern_operator.state.records import TaskKey, TaskRecord
from tests.operator.examples import a_task


def a_delivery(namespace: str, number: int, host: str = "a.test") -> TaskRecord:
    return replace(a_task(), key=TaskKey(namespace, str(number)), webhook_host=host)


def filled(queue: DeliveryQueue, *tasks: TaskRecord) -> DeliveryQueue:
    for task in tasks:
        queue.put(task)
    return queue


async def take(queue: DeliveryQueue, count: int) -> list[TaskRecord]:
    """The next deliveries, which must be there at once."""
    return [await asyncio.wait_for(queue.get(), 30) for _ in range(count)]


def names(tasks: list[TaskRecord]) -> list[str]:
    return [str(task.key) for task in tasks]


async def is_empty_for_now(queue: DeliveryQueue) -> bool:
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    try:
        return not waiting.done()
    finally:
        waiting.cancel()


async def test_namespaces_take_turns() -> None:
    queue = DeliveryQueue(per_namespace=9, per_host=9)
    filled(queue, *(a_delivery("busy", number) for number in range(3)), a_delivery("late", 0), a_delivery("later", 0))
    assert names(await take(queue, 5)) == ["busy/0", "late/0", "later/0", "busy/1", "busy/2"]


async def test_hosts_of_a_namespace_take_turns() -> None:
    queue = DeliveryQueue(per_namespace=9, per_host=9)
    filled(queue, *(a_delivery("jobs", number, "dead.test") for number in range(3)), a_delivery("jobs", 3, "live.test"))
    assert names(await take(queue, 3)) == ["jobs/0", "jobs/3", "jobs/1"]


@pytest.mark.parametrize(
    ("queue", "other"),
    [
        (DeliveryQueue(per_namespace=2, per_host=9), a_delivery("other", 0)),
        (DeliveryQueue(per_namespace=9, per_host=2), a_delivery("jobs", 9, "live.test")),
    ],
    ids=["namespace", "host"],
)
async def test_what_has_reached_its_bound_is_passed_over(queue: DeliveryQueue, other: TaskRecord) -> None:
    filled(queue, *(a_delivery("jobs", number) for number in range(4)))
    first, second = await take(queue, 2)
    assert await is_empty_for_now(queue)
    queue.put(other)
    assert await take(queue, 1) == [other]
    queue.done(first)
    assert names(await take(queue, 1)) == ["jobs/2"]
    queue.done(second)
    assert names(await take(queue, 1)) == ["jobs/3"]


async def test_waiting_worker_gets_the_slot_that_is_given_back() -> None:
    queue = filled(DeliveryQueue(per_namespace=1, per_host=1), a_delivery("jobs", 0), a_delivery("jobs", 1))
    [first] = await take(queue, 1)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.done(first)
    assert (await waiting).key.name == "1"


async def test_worker_that_was_canceled_takes_nothing() -> None:
    queue = DeliveryQueue(per_namespace=1, per_host=1)
    assert await is_empty_for_now(queue)
    await asyncio.sleep(0)
    queue.put(a_delivery("jobs", 0))
    assert names(await take(queue, 1)) == ["jobs/0"]
