"""How long to wait before another try: exponential back-off with full jitter."""

import random
from collections.abc import Callable

__all__ = ["full_jitter"]


def full_jitter(attempt: int, *, first: float, longest: float, rng: Callable[[], float] = random.random) -> float:
    """Seconds before try ``attempt`` + 1, after ``attempt`` (from 1) failures.

    Uniform between 0 and ``first`` doubled with each failure, at most ``longest``: the spread that takes the least
    work to settle many clients at once (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    ``rng`` gives numbers in [0, 1).
    """
    ceiling = min(longest, first * 2.0 ** min(max(attempt, 1) - 1, 60))
    return ceiling * rng()
