"""The bound on writes, with a clock that the test moves."""

from skyvern_operator.execution.token_bucket import TokenBucket
from tests.operator.conftest import Clock


async def test_bucket_lets_a_burst_through_and_then_its_rate(clock: Clock) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    bucket = TokenBucket(10, 2, clock=clock, sleep=sleep)
    for _ in range(4):
        await bucket.take()
    assert slept == [0.1, 0.2]
    clock.now += 1
    await bucket.take()
    assert slept == [0.1, 0.2]


async def test_urgent_write_does_not_wait_and_is_paid_for_by_the_next(clock: Clock) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    bucket = TokenBucket(10, 1, clock=clock, sleep=sleep)
    await bucket.take()
    await bucket.take(urgent=True)
    assert slept == []
    await bucket.take()
    assert slept == [0.2]


async def test_many_urgent_writes_do_not_hold_up_the_others_for_long(clock: Clock) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    bucket = TokenBucket(10, 1, clock=clock, sleep=sleep)
    for _ in range(1000):
        await bucket.take(urgent=True)
    await bucket.take()
    assert len(slept) == 1
    assert slept[0] <= 2.1
