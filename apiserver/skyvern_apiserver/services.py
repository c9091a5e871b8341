"""What the handlers work with, built once at the start and passed in by the application's state."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from skyvern_apiserver.auth.api_keys import ApiKey, KeyRing, read_secret
from skyvern_apiserver.auth.runners import RunnerAuthenticator
from skyvern_apiserver.cache.freshness import age_of
from skyvern_apiserver.cache.task_index import TaskIndex
from skyvern_apiserver.cache.task_record import TaskRecord, read_task
from skyvern_apiserver.process.metrics import Metrics
from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.storage.artifact_store import ArtifactStore
from skyvern_crds.client import SECRETS, SKYVERNTASKS, ClusterClient, Reflector
from skyvern_crds.vocabulary import LABEL_API_KEY


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a handler may need."""

    settings: Settings
    client: ClusterClient
    keys: KeyRing
    index: TaskIndex
    tasks: Reflector[TaskRecord]
    """The cache of the tasks; the process runs it."""
    secrets: Reflector[ApiKey]
    """The cache of the API keys; the process runs it."""
    artifacts: ArtifactStore
    runners: RunnerAuthenticator
    metrics: Metrics
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is about to end; ``/readyz`` then answers 503."""


def services_of(request: Request) -> Services:
    """The services of the application that serves ``request``."""
    return cast(Services, request.app.state.services)


def build_services(settings: Settings, client: ClusterClient) -> Services:
    """Wire everything together; nothing runs yet."""
    keys, index = KeyRing(settings.serves), TaskIndex()
    namespaces = None if settings.namespaces is None else list(settings.namespaces)
    tasks = Reflector(client, SKYVERNTASKS, namespaces, "", read_task, index.changed)
    selector = f"{LABEL_API_KEY}=true"
    secrets = Reflector(client, SECRETS, [settings.keys_namespace], selector, read_secret, keys.changed)
    return Services(
        settings=settings,
        client=client,
        keys=keys,
        index=index,
        tasks=tasks,
        secrets=secrets,
        artifacts=ArtifactStore.open(settings.store_url),
        runners=RunnerAuthenticator(client),
        metrics=Metrics(tasks=index.count, cache_age=lambda: age_of(tasks, secrets)),
    )
