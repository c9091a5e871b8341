"""Wires the parts together and runs them until one ends."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from skyvern_crds.client import ClusterClient
from skyvern_crds.process import read_key_file
from skyvern_crds.vocabulary import Phase
from skyvern_operator.config import OperatorConfig
from skyvern_operator.decision.admission import Admission
from skyvern_operator.errors import ConfigError, OperatorError
from skyvern_operator.execution.archive import Archive
from skyvern_operator.execution.executor import Executor
from skyvern_operator.execution.pod_actions import PodActions
from skyvern_operator.execution.task_actions import TaskActions
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.webhook.sender import WebhookSender
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.health import health_app
from skyvern_operator.process.metrics import Metrics, State
from skyvern_operator.reconcile import Reconciler
from skyvern_operator.state.store import Store
from skyvern_operator.state.work_queue import WorkQueue
from skyvern_operator.watch.watches import Watches

logger = logging.getLogger(__name__)

DEFAULT_PORT: Final = 8080


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings from the command line and the environment."""

    config: OperatorConfig
    namespaces: Sequence[str] | None
    """Task namespaces; None means all."""
    release_namespace: str
    """Where the API-key Secrets are."""
    kubeconfig: str | None = None
    host: str = "0.0.0.0"  # noqa: S104 - probes and Prometheus come from outside the pod
    port: int = DEFAULT_PORT


async def run(settings: Settings) -> None:
    """Run the operator until a signal stops it. Raises OperatorError when it cannot continue."""
    config = settings.config
    signing_key = read_signing_key(config)
    metrics, queue = Metrics(), WorkQueue()
    client = await ClusterClient.connect(settings.kubeconfig)
    try:
        store = Store(queue.add)
        profile_bounds = {name: p.max_active for name, p in config.profiles.items() if p.max_active is not None}
        admission = Admission(config.limits, profile_bounds, queue.add)
        sender = WebhookSender(
            client,
            store,
            config,
            metrics,
            signing_key=signing_key,
            release_namespace=settings.release_namespace,
            wake=queue.add,
        )
        writer = Writer(TokenBucket(config.writes.qps, config.writes.burst), metrics)
        archive = Archive(config.artifacts_url, signing_key) if config.artifacts_url is not None else None
        executor = Executor(
            PodActions(client, writer, store, config),
            TaskActions(client, writer, store, metrics, archive),
            deliver=sender.submit,
            wake=lambda key, at: queue.wake_at(key, at.timestamp()),
        )
        reconciler = Reconciler(
            config, metrics, store=store, queue=queue, admission=admission, executor=executor, sender=sender
        )
        metrics.watch_state(
            lambda: State(
                phases=Counter(task.status.phase or Phase.CREATED for task in store.tasks()),
                queued=len(queue),
                active=admission.active,
                held=admission.waiting,
                unreadable=sum(bool(task.unreadable or task.ignored) for task in store.tasks()),
            )
        )
        watching = Watches(client, store, metrics, settings.namespaces, resync_seconds=config.resync_seconds)
        async with watching as watches:

            async def prepare() -> None:
                await watches.first()
                reconciler.seed()
                fields = {"tasks": len(store), "namespaces": settings.namespaces or "all"}
                logger.info("ready", extra={"fields": fields})

            parts = {"reconciler": reconciler.run, "webhooks": sender.run, "watches": watches.run}
            await _serve(settings, health_app(metrics, ready=watches.synced.is_set), prepare, parts)
    finally:
        await client.close()


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
