"""The handlers' dependencies, built once at start-up and carried by the application's state."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, cast

from starlette.requests import Request

from skyvern_apiserver.archive.records import Archive
from skyvern_apiserver.auth.api_keys import ApiKey, KeyRing, key_of
from skyvern_apiserver.auth.runners import RunnerAuthenticator
from skyvern_apiserver.cache.answers import Answers
from skyvern_apiserver.cache.endings import Endings
from skyvern_apiserver.cache.freshness import Freshness
from skyvern_apiserver.cache.listeners import Listeners
from skyvern_apiserver.cache.task_index import TaskIndex
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.cache.unreadable import UnreadableTasks
from skyvern_apiserver.limits.callers import Callers
from skyvern_apiserver.process.metrics import Metrics
from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.process.tracing import RequestTracing
from skyvern_apiserver.storage.artifact_store import ArtifactStore
from skyvern_crds.client import SECRETS, SKYVERNTASKS, Change, ClusterClient, Reflector
from skyvern_crds.vocabulary import LABEL_API_KEY

KEY_WATCH_SECONDS: Final = 3
"""How long a watch of the keys lasts: a short one shows soon that it was cut, even where nobody says so. Thus a revoked
key is dead within about five seconds, as long as the API server can be reached at all."""
KEY_WATCH_MARGIN_SECONDS: Final = 1.0
KEY_LONGEST_PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a handler may need."""

    settings: Settings
    client: ClusterClient
    keys: KeyRing
    callers: Callers
    """What each API key uses."""
    index: TaskIndex
    tasks: Reflector[TaskRecord]
    """The cache of the tasks; the process runs it."""
    secrets: Reflector[ApiKey]
    """The cache of the API keys; the process runs it."""
    freshness: Freshness
    artifacts: ArtifactStore
    archive: Archive
    answers: Answers
    endings: Endings
    listeners: Listeners
    runners: RunnerAuthenticator
    metrics: Metrics
    tracing: RequestTracing | None = None
    """None when no traces are recorded."""
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is about to end; ``/readyz`` then answers 503."""


def services_of(request: Request) -> Services:
    """The services of the application that serves ``request``."""
    return cast(Services, request.app.state.services)


def build_services(settings: Settings, client: ClusterClient) -> Services:
    """Wire everything together; nothing runs yet."""
    keys, index, unreadable = KeyRing(settings.serves), TaskIndex(), UnreadableTasks()
    endings, listeners = Endings(), Listeners()
    artifacts = ArtifactStore.open(settings.store_url)
    archive = Archive(artifacts)
    namespaces = None if settings.namespaces is None else list(settings.namespaces)

    def task_changed(change: Change[TaskRecord]) -> None:
        index.changed(change)
        endings.changed(change)
        listeners.changed(change)
        archive.index.changed(change)
        unreadable.changed(change)

    callers = Callers(settings.limits, lambda limit: metrics.refused.labels(limit).inc())

    def key_changed(change: Change[ApiKey]) -> None:
        keys.changed(change)
        callers.changed(change)
        if change.old is not None:
            listeners.wake()  # one of them may have lost its key

    tasks = Reflector(client, SKYVERNTASKS, namespaces, "", record_of, task_changed)
    selector = f"{LABEL_API_KEY}=true"
    secrets = Reflector(
        client,
        SECRETS,
        [settings.keys_namespace],
        selector,
        key_of,
        key_changed,
        watch_seconds=KEY_WATCH_SECONDS,
        watch_margin=KEY_WATCH_MARGIN_SECONDS,
        longest_pause=KEY_LONGEST_PAUSE_SECONDS,
    )
    freshness = Freshness(tasks, secrets)
    metrics = Metrics(
        tasks=index.count,
        cache_ages=freshness.ages,
        unreadable={
            "SkyvernTask": lambda: unreadable.count + len(tasks.left_out),
            "Secret": lambda: len(secrets.left_out),
        },
        streams=lambda: listeners.count,
    )
    return Services(
        settings=settings,
        client=client,
        keys=keys,
        callers=callers,
        index=index,
        tasks=tasks,
        secrets=secrets,
        freshness=freshness,
        artifacts=artifacts,
        archive=archive,
        answers=Answers(),
        endings=endings,
        listeners=listeners,
        runners=RunnerAuthenticator(client),
        metrics=metrics,
        tracing=RequestTracing(settings.tracing) if settings.tracing is not None else None,
    )
