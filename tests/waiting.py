"""Waiting for a condition, with a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], object], seconds: float = 15.0, what: str = "the condition") -> None:
    """Return as soon as the condition holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} does not hold after {seconds} s"
        await asyncio.sleep(0.01)


async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], object], *, what: str, within: float = 30.0
) -> T:
    """The first value of ``look`` for which ``holds``; fails with the last one seen when time is up."""
    deadline = time.monotonic() + within
    while True:
        value = await look()
        if holds(value):
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; last seen: {str(value)[:2000]}")
        await asyncio.sleep(0.02)
