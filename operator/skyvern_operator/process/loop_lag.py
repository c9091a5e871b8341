"""How late the event loop runs what is due: above all, how long code that does not await has kept it."""

import asyncio
import time
from typing import Final

from skyvern_operator.process.metrics import Metrics

EVERY_SECONDS: Final = 1.0


async def measure_loop_lag(metrics: Metrics, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Measure until canceled."""
    while True:
        due = time.monotonic() + every_seconds
        await asyncio.sleep(every_seconds)
        metrics.loop_lag.observe(max(0.0, time.monotonic() - due))
