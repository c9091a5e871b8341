"""The work queue, with a clock of the test's own."""

import asyncio
import time

import pytest

from skyvern_operator.reconcile import choice_of
from skyvern_operator.state.records import TaskKey
from skyvern_operator.state.work_queue import MAX_BACKOFF, Choice, WorkQueue
from tests.operator.conftest import Clock
from tests.waiting import until

A, B, C = (TaskKey("jobs", name) for name in "abc")


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    return WorkQueue(clock=clock, rng=lambda: 0.9)


async def take(queue: WorkQueue) -> TaskKey:
    key, _ = await asyncio.wait_for(queue.get(), 1)
    return key


async def test_key_is_in_the_queue_once(queue: WorkQueue) -> None:
    queue.add(A)
    queue.add(A)
    queue.add(B)
    assert [await take(queue), await take(queue), len(queue)] == [A, B, 0]


async def test_urgent_keys_go_first(queue: WorkQueue) -> None:
    queue.add(A)
    queue.add(B)
    queue.add(B, urgent=True)
    assert [await take(queue), await take(queue)] == [B, A]


@pytest.mark.parametrize("urgent", [False, True])
async def test_many_keys_of_one_namespace_do_not_hold_up_those_of_another(queue: WorkQueue, urgent: bool) -> None:
    for number in range(1000):
        queue.add(TaskKey("flood", str(number)), urgent=urgent)
    for key in (A, B):
        queue.add(key, urgent=urgent)
    assert [await take(queue) for _ in range(5)] == [
        *(TaskKey("flood", "0"), A, TaskKey("flood", "1"), B),
        TaskKey("flood", "2"),
    ]
    assert len(queue) == 997


async def test_urgent_keys_do_not_hold_up_a_worker_that_takes_them_last(queue: WorkQueue) -> None:
    queue.add(A, urgent=True)
    queue.add(B)
    assert [(await queue.get(Choice.URGENT_LAST))[0], (await queue.get(Choice.URGENT_LAST))[0]] == [B, A]


async def test_worker_kept_for_urgent_keys_leaves_the_others(queue: WorkQueue) -> None:
    kept = asyncio.create_task(queue.get(Choice.URGENT_ONLY))
    queue.add(A)
    assert await take(queue) == A
    queue.add(B)
    queue.add(C, urgent=True)
    assert (await asyncio.wait_for(kept, 1))[0] == C
    assert await take(queue) == B


async def test_key_that_is_added_while_worked_on_comes_again(queue: WorkQueue) -> None:
    queue.add(A)
    key = await take(queue)
    queue.add(A)
    assert len(queue) == 0
    queue.done(key)
    assert await take(queue) == A


async def test_wake_up_brings_a_key_back_when_its_time_has_come(queue: WorkQueue, clock: Clock) -> None:
    queue.wake_at(A, clock.now + 5)
    queue.add(B)
    assert await take(queue) == B
    assert len(queue) == 0
    clock.now += 5
    assert await take(queue) == A


async def test_later_wake_up_replaces_the_earlier_one(queue: WorkQueue, clock: Clock) -> None:
    queue.wake_at(A, clock.now + 5)
    queue.wake_at(A, clock.now + 50)
    queue.wake_at(C, clock.now + 1)
    queue.wake_at(C, None)
    clock.now += 10
    queue.add(B)
    assert await take(queue) == B
    assert len(queue) == 0
    assert queue.sleeping == 1


async def test_wake_ups_that_were_replaced_do_not_pile_up(queue: WorkQueue, clock: Clock) -> None:
    for number in range(10_000):
        queue.add(A)
        key = await take(queue)
        queue.wake_at(key, clock.now + 86_400 + number % 2)
        queue.done(key)
    assert len(queue._heap) < 200
    clock.now += 90_000
    assert [await take(queue), len(queue)] == [A, 0]


async def test_waiting_worker_is_woken_by_a_key(queue: WorkQueue) -> None:
    worker = asyncio.create_task(take(queue))
    await asyncio.sleep(0)
    queue.add(A)
    assert await worker == A


async def test_each_key_wakes_one_of_the_idle_workers(queue: WorkQueue) -> None:
    woken: list[TaskKey] = []

    async def work(choice: Choice) -> None:
        while True:
            woken.append((await queue.get(choice))[0])
            await asyncio.Event().wait()

    workers = [asyncio.create_task(work(choice_of(number, 16))) for number in range(16)]
    await asyncio.sleep(0)
    for key, urgent in ((A, False), (B, True), (C, False)):
        queue.add(key, urgent=urgent)
        idle = len(queue._idle) + len(queue._idle_urgent)
        queue.add(key, urgent=urgent)
        assert len(queue._idle) + len(queue._idle_urgent) == idle
    assert (len(queue._idle_urgent), len(queue._idle)) == (3, 10)
    await until(lambda: sorted(woken) == [A, B, C], what="each key taken")
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def test_key_of_a_worker_that_is_canceled_as_it_wakes_goes_to_another(queue: WorkQueue) -> None:
    doomed = asyncio.create_task(queue.get())
    heir = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A)
    doomed.cancel()
    assert (await asyncio.wait_for(heir, 5))[0] == A
    with pytest.raises(asyncio.CancelledError):
        await doomed


async def test_key_is_not_given_to_a_canceled_worker(queue: WorkQueue) -> None:
    doomed = asyncio.create_task(queue.get())
    heir = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    doomed.cancel()
    queue.add(A)
    assert (await asyncio.wait_for(heir, 5))[0] == A


async def test_urgent_key_wakes_an_ordinary_worker_when_none_is_kept_for_it(queue: WorkQueue) -> None:
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A, urgent=True)
    assert (await asyncio.wait_for(worker, 5))[0] == A


async def test_idle_worker_is_woken_when_a_wake_up_is_due() -> None:
    queue = WorkQueue()
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.wake_at(B, time.time() + 3600)
    queue.wake_at(A, time.time() + 0.05)
    assert (await asyncio.wait_for(worker, 5))[0] == A


async def test_look_at_a_task_covers_what_its_key_was_added_for(queue: WorkQueue) -> None:
    queue.add(A)
    key = await take(queue)
    queue.add(A)
    queue.look(key)
    queue.done(key)
    assert len(queue) == 0
    queue.add(A)
    queue.look(await take(queue))
    queue.add(A)
    queue.done(key)
    assert len(queue) == 1


async def test_workers_of_many_keys_lose_none() -> None:
    queue = WorkQueue()
    seen: list[TaskKey] = []

    async def work(choice: Choice) -> None:
        while True:
            key, _ = await queue.get(choice)
            await asyncio.sleep(0)
            seen.append(key)
            queue.done(key)

    workers = [asyncio.create_task(work(choice_of(number, 16))) for number in range(16)]
    keys = [TaskKey("jobs", f"task-{number}") for number in range(2000)]
    for number, key in enumerate(keys):
        queue.add(key, urgent=number % 3 == 0)
        if number % 7 == 0:
            await asyncio.sleep(0)
    await until(lambda: len(seen) >= len(keys), what="every key taken")
    assert sorted(seen) == sorted(keys)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


def test_backoff_grows_to_a_bound_and_is_reset_by_success(queue: WorkQueue) -> None:
    delays = [queue.retry(A) for _ in range(20)]
    assert delays[:3] == pytest.approx([0.225, 0.45, 0.9])
    assert delays[-1] == pytest.approx(0.9 * MAX_BACKOFF)
    queue.forget(A)
    assert queue.retry(A) == pytest.approx(0.225)


def test_pause_that_the_server_asks_for_is_kept(queue: WorkQueue) -> None:
    assert queue.retry(A, at_least=7) == 7
