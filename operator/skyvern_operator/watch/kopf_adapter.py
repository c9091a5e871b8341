"""The edge to kopf, which logs in, watches the tasks and passes every event on. No other part of it is used.

The only handler is of ``on.event``, which leaves no annotation and no finalizer on any object.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import kopf

from skyvern_crds.client import ClusterClient
from skyvern_crds.vocabulary import GROUP, MANAGED_BY, PLURAL, VERSION
from skyvern_operator.watch import kopf_json
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.kopf_streams import kept_alive
from skyvern_operator.watch.task_streams import TaskStreams

SERVER_TIMEOUT_SECONDS: Final = 270
EXIT_SECONDS: Final = 20


class _NoDiff(kopf.DiffBaseStorage):
    """Stores no last state. kopf would copy each object twice for each event, which took a third of the operator's
    processor time, to find differences that ``on.event`` never looks at."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Stores no progress of handlers, since ``on.event`` has none."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def settings(exit_seconds: float | None) -> kopf.OperatorSettings:
    """kopf's settings: timeouts everywhere, no Events."""
    values = kopf.OperatorSettings()
    values.posting.enabled = False
    values.posting.loggers = False
    values.posting.reporting_component = MANAGED_BY
    values.scanning.disabled = True
    values.peering.standalone = True
    values.watching.server_timeout = SERVER_TIMEOUT_SECONDS
    values.watching.connect_timeout = 10
    values.watching.inactivity_timeout = 90
    values.watching.reconnect_backoff = 1  # kopf lists everything again after each 410, without growing pauses
    values.queueing.idle_timeout = 0.2
    values.networking.request_timeout = 30
    values.networking.connect_timeout = 5
    values.networking.error_backoffs = (0.5, 1, 2, 4, 8)
    values.networking.enforce_retry_after = True
    values.execution.max_workers = 2
    values.process.ultimate_exiting_timeout = exit_seconds
    values.persistence.finalizer = f"{GROUP}/unused"
    values.persistence.progress_storage = _NoProgress()
    values.persistence.diffbase_storage = _NoDiff()
    return values


def registry(intake: Intake) -> kopf.OperatorRegistry:
    """The login and the handler of tasks."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def on_task(event: kopf.RawEvent, **_: Any) -> None:
        intake.task_event(dict(event["object"]), deleted=event["type"] == "DELETED")

    return handlers


async def watch(
    client: ClusterClient,
    intake: Intake,
    streams: TaskStreams,
    namespaces: Sequence[str] | None,
    *,
    exit_seconds: float | None = EXIT_SECONDS,
) -> None:
    """Run kopf until the process gets SIGTERM or SIGINT, or until kopf fails. The streams keep its watches alive.

    kopf kills the process ``exit_seconds`` later, whatever is still running; with None it does not.
    """
    logging.getLogger("kopf").setLevel(logging.WARNING)
    kopf_json.install()
    with kept_alive(client, streams, intake.knows):
        # Not kopf.operator(): when it ends, it waits for and cancels every task of the event loop, ours included.
        tasks = await kopf.spawn_tasks(
            registry=registry(intake),
            settings=settings(exit_seconds),
            standalone=True,
            clusterwide=namespaces is None,
            namespaces=list(namespaces or ()),
        )
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
