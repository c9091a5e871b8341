"""Wires the parts together and runs them until one ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from skyvern_crds.client import ClusterClient
from skyvern_crds.process import read_key_file
from skyvern_crds.tracing.export import SpanExport
from skyvern_crds.tracing.settings import TracingSettings
from skyvern_crds.vocabulary import MANAGED_BY
from skyvern_operator.config import OperatorConfig
from skyvern_operator.errors import ConfigError, OperatorError
from skyvern_operator.execution.tracing import TaskTracing
from skyvern_operator.process.elector import Candidate, Elector, SoleOperator, own_identity
from skyvern_operator.process.health import health_app
from skyvern_operator.process.leadership import Timing
from skyvern_operator.process.loop_lag import measure_loop_lag
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.term import Leader
from skyvern_operator.watch.watches import Watches

logger = logging.getLogger(__name__)

DEFAULT_PORT: Final = 8080
FLUSH_SECONDS: Final = 2.0
"""How long a stop waits for spans that have not been sent."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings from the command line and the environment."""

    config: OperatorConfig
    namespaces: Sequence[str] | None
    """Task namespaces; None means all."""
    release_namespace: str
    """Where the API-key Secrets are."""
    kubeconfig: str | None = None
    pod_uid: str | None = None
    """Uid of the pod that this process runs in."""
    host: str = "0.0.0.0"  # noqa: S104 - probes and Prometheus come from outside the pod
    port: int = DEFAULT_PORT
    tracing: TracingSettings | None = None
    """Where traces go; None for nowhere."""


async def run(settings: Settings) -> None:
    """Run the operator until a signal stops it. Raises OperatorError when it cannot continue."""
    config = settings.config
    signing_key = read_signing_key(config)
    metrics = Metrics()
    spans = SpanExport(settings.tracing, MANAGED_BY, logger.warning) if settings.tracing is not None else None
    client = await ClusterClient.connect(settings.kubeconfig)
    try:
        if spans is not None:
            spans.start()
        candidate = _candidate(settings, client, metrics)
        leader = Leader(
            client,
            config,
            metrics,
            signing_key=signing_key,
            release_namespace=settings.release_namespace,
            check_lead=candidate.check,
            tracing=TaskTracing(settings.tracing, spans)
            if settings.tracing is not None and spans is not None
            else None,
        )
        store = leader.store
        watching = Watches(client, store, metrics, settings.namespaces, resync_seconds=config.resync_seconds)
        async with watching as watches:

            async def prepare() -> None:
                await watches.first()
                fields = {"tasks": len(store), "namespaces": settings.namespaces or "all"}
                logger.info("ready", extra={"fields": fields})

            parts = {
                "leader": lambda: candidate.run(leader.run),
                "watches": watches.run,
                "loop lag": lambda: measure_loop_lag(metrics),
            }
            health = health_app(
                metrics, not_ready=watches.not_ready, stuck=watches.stuck, leads=lambda: candidate.leads
            )
            await _serve(settings, health, prepare, parts)
    finally:
        await client.close()
        if spans is not None:
            await asyncio.to_thread(spans.close, FLUSH_SECONDS)


def _candidate(settings: Settings, client: ClusterClient, metrics: Metrics) -> Candidate:
    election = settings.config.leader_election
    if not election.enabled:
        return SoleOperator(metrics)
    timing = Timing(election.lease_seconds, election.renew_seconds, election.retry_seconds)
    return Elector(
        client,
        metrics,
        timing,
        namespace=settings.release_namespace,
        name=election.lease_name,
        identity=own_identity(settings.pod_uid),
    )


async def _serve(
    settings: Settings,
    health: web.Application,
    prepare: Callable[[], Awaitable[None]],
    parts: Mapping[str, Callable[[], Coroutine[Any, Any, None]]],
) -> None:
    """Serve health, take in every object, then run the parts. When one part ends, all of them end."""
    runner = web.AppRunner(health, access_log=None)
    await runner.setup()
    tasks: list[asyncio.Task[None]] = []
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        await prepare()
        tasks = [asyncio.create_task(part(), name=name) for name, part in parts.items()]
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            if error := task.exception():
                raise OperatorError(f"{task.get_name()} failed: {error}") from error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()


def read_signing_key(config: OperatorConfig) -> bytes:
    """The release's signing key. Raises ConfigError if there is none to sign webhooks with."""
    if config.signing_key_file is None:
        raise ConfigError("signingKeyFile is not set: name the file with the release's signing key")
    try:
        return read_key_file(config.signing_key_file, "signingKeyFile")
    except ValueError as error:
        raise ConfigError(str(error)) from error
