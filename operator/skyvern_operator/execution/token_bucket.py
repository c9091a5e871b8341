"""A token bucket that bounds writes to the API server."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

MAX_URGENT_DEBT_SECONDS: Final = 2.0
"""How long urgent calls may make the others wait."""


class TokenBucket:
    """Lets ``burst`` calls through at once and ``rate`` a second in the long run, first come first served."""

    def __init__(
        self,
        rate: float,
        burst: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(burst)
        self._filled = clock()

    async def take(self, *, urgent: bool = False) -> None:
        """Wait for a token. Each waiter adds to the debt and sleeps until its own token is due.

        An urgent caller does not wait, so those after it wait longer. That has an end: many urgent calls at once go
        beyond the rate rather than hold up all others.
        """
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if not urgent:
            self._tokens -= 1
            if self._tokens < 0:
                await self._sleep(-self._tokens / self._rate)
        elif self._tokens - 1 >= -MAX_URGENT_DEBT_SECONDS * self._rate:
            self._tokens -= 1
