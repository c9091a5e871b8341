"""Writes to the API server, rate-limited and counted."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from skyvern_crds.client import ClusterError, Resource
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.process.metrics import Metrics

T = TypeVar("T")


class Writer:
    """Limits the rate of writes and counts them by verb, resource and status code."""

    def __init__(self, bucket: TokenBucket, metrics: Metrics, check_lead: Callable[[], None]) -> None:
        """``check_lead`` raises NotLeadingError when this operator may not write."""
        self._bucket = bucket
        self._metrics = metrics
        self._check_lead = check_lead

    async def turn(self) -> None:
        """Wait until a write may be made, for one that must not be decided before."""
        await self._bucket.take()

    async def write(
        self,
        verb: str,
        resource: Resource,
        call: Callable[[], Awaitable[T]],
        *,
        urgent: bool = False,
        waited: bool = False,
    ) -> T:
        """Make one write. An urgent one, a verdict or a deletion, does not wait behind new work.

        ``waited`` says that :meth:`turn` has been waited for.
        """
        if not waited:
            await self._bucket.take(urgent=urgent)
        self._check_lead()  # here and no earlier: the process may have been stopped while it waited
        try:
            answer = await call()
        except ClusterError as error:
            self._metrics.writes.labels(verb, resource.plural, str(error.status)).inc()
            raise
        self._metrics.writes.labels(verb, resource.plural, "200").inc()
        return answer
