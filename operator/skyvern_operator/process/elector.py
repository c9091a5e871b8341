"""Campaigns for the Lease, and runs the leader's work for as long as the lead lasts."""

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from skyvern_crds.client import (
    LEASES,
    AlreadyExists,
    ClusterClient,
    ClusterError,
    Conflict,
    Forbidden,
    JsonObject,
    NotFound,
)
from skyvern_operator.errors import NotLeadingError, OperatorError, SetupError
from skyvern_operator.process.leadership import (
    Known,
    Lease,
    Look,
    StepDown,
    Take,
    Timing,
    Wait,
    decide,
    failed,
    leads_until,
    looked,
    stepped_down,
    wrote,
)
from skyvern_operator.process.metrics import Metrics

logger = logging.getLogger(__name__)

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
RELEASE_SECONDS: Final = 3.0
"""How long a process that ends tries to give the Lease back."""


def uptime() -> float:
    """Seconds that no change of the wall clock affects, and that go on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


def own_identity(pod_uid: str | None) -> str:
    """The name in the Lease, which no two processes that run at once have.

    A restarted container of a pod has its predecessor's, which has ended, and so need not wait for its lease.
    """
    return f"{socket.gethostname()}_{pod_uid or uuid.uuid4()}"


Work = Callable[[], Coroutine[Any, Any, None]]


class Candidate(Protocol):
    """An operator that may lead. Only while it does may it write."""

    @property
    def leads(self) -> bool:
        """Whether the process may write now."""

    def check(self) -> None:
        """Raise NotLeadingError unless the process may write now. Call it immediately before each write."""

    async def run(self, work: Work) -> None:
        """Run ``work`` whenever this process leads, until canceled."""


class SoleOperator:
    """The only operator: it always leads."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    leads: Final = True

    def check(self) -> None:
        """Always passes."""

    async def run(self, work: Work) -> None:
        """One term, as long as the process."""
        self._metrics.leader.set(1)
        self._metrics.terms.inc()
        await work()


class Elector:
    """Campaigns for a Lease."""

    def __init__(
        self,
        client: ClusterClient,
        metrics: Metrics,
        timing: Timing,
        *,
        namespace: str,
        name: str,
        identity: str,
        clock: Callable[[], float] = uptime,
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._timing = timing
        self._namespace = namespace
        self._name = name
        self._me = identity
        self._clock = clock
        self._known = Known()
        self._work: asyncio.Task[None] | None = None
        self._failing = False
        self._standing_by_for: str | None = None

    @property
    def leads(self) -> bool:
        """Whether the process may write now."""
        return self._clock() < leads_until(self._known, self._timing)

    def check(self) -> None:
        """Raise NotLeadingError unless the process may write now. Call it immediately before each write."""
        if not self.leads:
            raise NotLeadingError(f"{self._me} does not hold the Lease {self._name}")

    async def run(self, work: Work) -> None:
        """Campaign until canceled, then release the Lease. ``work`` runs while this process leads and is canceled when
        it no longer does. Raises what ``work`` raises, and SetupError when the Lease is out of reach."""
        try:
            while True:
                await self._step()
                if self._work is None and self.leads:
                    self._begin(work)
                if self._work is not None and self._work.done():
                    self._work.result()
                    raise OperatorError("the leader's work ended")
        finally:
            await self._end()
            await self._release()

    async def _step(self) -> None:
        now = self._clock()
        match decide(self._me, self._timing, self._known, now):
            case Wait(seconds):
                await self._pause(seconds)
            case Look():
                await self._ask(self._look(), now)
            case Take():
                await self._ask(self._take(now), now)
            case StepDown(why):
                logger.warning("no longer leading: %s", why, extra={"fields": {"identity": self._me}})
                self._known = stepped_down(self._known)
                await self._end()

    async def _pause(self, seconds: float) -> None:
        if self._work is None:
            await asyncio.sleep(seconds)
        else:
            await asyncio.wait([self._work], timeout=seconds)

    def _begin(self, work: Work) -> None:
        logger.info("leading", extra={"fields": {"identity": self._me, "lease": f"{self._namespace}/{self._name}"}})
        self._standing_by_for = None
        self._metrics.leader.set(1)
        self._metrics.terms.inc()
        self._work = asyncio.create_task(work(), name="leader")

    async def _end(self) -> None:
        """Stop the work. What it was writing is given up."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
            self._work = None
        self._metrics.leader.set(0)

    async def _ask(self, request: Coroutine[Any, Any, None], now: float) -> None:
        """Make one request, for no longer than its answer matters."""
        until = leads_until(self._known, self._timing)
        try:
            async with asyncio.timeout(until - now if until > now else self._timing.renew_seconds):
                await request
        except (AlreadyExists, Conflict):
            self._known = failed(self._known, self._timing, self._clock(), conflict=True)
        except (Forbidden, NotFound) as error:
            if not self._known.seen:
                raise SetupError(
                    f"the Lease {self._namespace}/{self._name} is out of reach: {error}. Allow the operator to get, "
                    "create and patch it in --release-namespace, or set leaderElection.enabled to false"
                ) from error
            self._failed(error)
        except (ClusterError, TimeoutError) as error:
            self._failed(error)
        else:
            self._failing = False

    def _failed(self, error: Exception) -> None:
        self._known = failed(self._known, self._timing, self._clock(), conflict=False)
        if not self._failing:
            fields = {"identity": self._me}
            logger.warning("the Lease is out of reach: %s", error or "no answer", extra={"fields": fields})
        self._failing = True

    async def _look(self) -> None:
        try:
            lease = self._read(await self._client.get(LEASES, self._namespace, self._name))
        except NotFound:
            lease = None
        self._known = looked(self._known, self._timing, lease, self._clock())
        if self._work is None and lease is not None and lease.holder not in ("", self._me, self._standing_by_for):
            self._standing_by_for = lease.holder
            logger.info("standing by for %s", lease.holder, extra={"fields": {"identity": self._me}})

    async def _take(self, started: float) -> None:
        """Take or renew the Lease."""
        lease, now = self._known.lease, _timestamp()
        renewing = lease is not None and lease.holder == self._me
        spec: JsonObject = {
            "holderIdentity": self._me,
            "leaseDurationSeconds": self._timing.lease_seconds,
            "renewTime": now,
        }
        if not renewing:
            spec |= {"acquireTime": now, "leaseTransitions": lease.transitions + 1 if lease is not None else 0}
        if lease is None:
            body = {"metadata": {"name": self._name}, "spec": spec}
            answer = await self._client.create(LEASES, self._namespace, body)
        else:
            answer = await self._patch(lease, spec)
        self._known = wrote(self._known, self._timing, self._read(answer), started)

    async def _release(self) -> None:
        """Let a standby take over at once. A failure costs the time that the lease still lasts."""
        lease = self._known.lease
        if self._known.renewed_at is None or lease is None:
            return
        self._known = stepped_down(self._known)
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._patch(lease, {"holderIdentity": "", "renewTime": _timestamp()})
            logger.info("the Lease is released", extra={"fields": {"identity": self._me}})
        except (ClusterError, TimeoutError) as error:
            fields = {"identity": self._me}
            logger.warning("the Lease was not released: %s", error or "no answer", extra={"fields": fields})

    async def _patch(self, lease: Lease, spec: JsonObject) -> JsonObject:
        body = {"metadata": {"resourceVersion": lease.version}, "spec": spec}
        try:
            return await self._client.merge_patch(LEASES, self._namespace, self._name, body)
        except NotFound as error:
            raise Conflict(error.status, error.reason, "the Lease was deleted") from error

    def _read(self, obj: JsonObject) -> Lease:
        spec = obj.get("spec") or {}
        return Lease(
            version=str(obj["metadata"]["resourceVersion"]),
            holder=spec.get("holderIdentity") or "",
            renewed=spec.get("renewTime") or "",
            seconds=float(spec.get("leaseDurationSeconds") or self._timing.lease_seconds),
            transitions=spec.get("leaseTransitions") or 0,
        )


def _timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
