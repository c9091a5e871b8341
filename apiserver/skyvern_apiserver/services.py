"""What the handlers work with, built once at the start and passed in by the application's state."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Final, cast

from starlette.requests import Request

from skyvern_apiserver.auth import ApiKey, KeyRing, read_secret
from skyvern_apiserver.cache import TaskIndex, TaskRecord, read_task
from skyvern_apiserver.errors import TaskNotFoundError, UnavailableError
from skyvern_apiserver.metrics import Metrics
from skyvern_apiserver.runners import RunnerAuthenticator
from skyvern_apiserver.settings import Settings
from skyvern_apiserver.store import ArtifactStore
from skyvern_crds.client import SECRETS, SKYVERNTASKS, ClusterClient, JsonObject, NotFound, Reflector
from skyvern_crds.ids import name_of, task_id_of
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.vocabulary import LABEL_API_KEY

STALE_SECONDS: Final = 300.0
"""Age of the picture of the cluster from which on no answer is given from it."""
SEEN_SECONDS: Final = 1.0
"""How long a write waits for the picture to hold it."""
OBJECT_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a handler may need."""

    settings: Settings
    client: ClusterClient
    keys: KeyRing
    index: TaskIndex
    tasks: Reflector[TaskRecord]
    """The picture of the tasks; its run() is the caller's to start."""
    secrets: Reflector[ApiKey]
    """The picture of the API keys; its run() is the caller's to start."""
    artifacts: ArtifactStore
    runners: RunnerAuthenticator
    metrics: Metrics
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is about to end: probes then say so."""

    def links(self) -> ArtifactLinks:
        """Maker of signed links, as of now."""
        settings = self.settings
        return ArtifactLinks(settings.public_url, settings.signing_key, int(time.time()), settings.link_ttl_seconds)

    def read(self, obj: JsonObject) -> TaskRecord:
        """The record of an object that the API server has just answered with."""
        return read_task(obj)

    @property
    def synced(self) -> bool:
        """Whether the cluster has been read. With the cluster away later on, it is still better to answer 503."""
        return self.tasks.synced.is_set() and self.secrets.synced.is_set()

    def require_picture(self) -> None:
        """Raise UnavailableError unless answers can be given."""
        if not self.synced or max(self.tasks.age, self.secrets.age) >= STALE_SECONDS:
            raise UnavailableError("The cluster cannot be reached: try again later")

    def authenticate(self, request: Request) -> ApiKey:
        """The caller's API key. Raises CredentialsError, and UnavailableError while the keys are not known."""
        self.require_picture()
        return self.keys.authenticate(request)

    async def find(self, namespace: str, request: Request) -> TaskRecord:
        """The task named by the path, of this tenant. Raises TaskNotFoundError.

        A task that the picture does not hold is looked up: another replica may just have created it.
        """
        task_id = request.path_params["task_id"]
        request.state.task_id = task_id
        name = name_of(task_id)
        if task_id_of(name) != task_id or not OBJECT_NAME.fullmatch(name):
            raise TaskNotFoundError(task_id)
        return self.tasks.get(namespace, name) or await self.find_live(namespace, name)

    async def find_live(self, namespace: str, name: str) -> TaskRecord:
        """The task as the API server has it now. Raises TaskNotFoundError."""
        try:
            return read_task(await self.client.get(SKYVERNTASKS, namespace, name))
        except (NotFound, ValueError):  # an object that cannot be read is left out of the picture too
            raise TaskNotFoundError(task_id_of(name)) from None

    async def seen(self, record: TaskRecord) -> None:
        """Wait, a second at most, until the picture holds a write, so that the caller can read it."""
        await self.tasks.wait_for(record.namespace, record.name, record.resource_version, SEEN_SECONDS)


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
        metrics=Metrics(tasks=index.count, age=lambda: max(tasks.age, secrets.age)),
    )
