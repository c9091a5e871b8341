"""The facade in the test process, with the least privileges that it needs on a real control plane."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.server.app import internal_app, public_app
from skyvern_apiserver.services import Services, build_services
from skyvern_crds.client import ClusterClient
from skyvern_crds.rest.keys import archive_key, artifact_link_key
from tests.apiserver.cluster import Tenants, create_tenants
from tests.apiserver.program import SIGNING_KEY, Program, facade_environment, start
from tests.cluster import ControlPlane
from tests.waiting import until

PUBLIC_URL = "http://facade.test"

Caller = Callable[..., httpx2.AsyncClient]


@pytest.fixture(scope="session")
def tenants(control_plane: ControlPlane) -> Tenants:
    return create_tenants(control_plane)


@pytest.fixture(scope="session")
def settings(tenants: Tenants, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    store = tmp_path_factory.mktemp("artifacts")
    return Settings(
        namespaces=(tenants.a, tenants.b, tenants.full, tenants.odd),
        keys_namespace=tenants.release,
        public_url=PUBLIC_URL,
        link_key=artifact_link_key(SIGNING_KEY.encode()),
        archive_key=archive_key(SIGNING_KEY.encode()),
        store_url=f"file://{store}",
    )


@pytest.fixture(scope="session")
def facade_kubeconfig(tenants: Tenants) -> Path:
    return tenants.plane.kubeconfig_for(tenants.release, "facade")


@pytest.fixture(scope="session")
async def services(settings: Settings, facade_kubeconfig: Path) -> AsyncIterator[Services]:
    async with await ClusterClient.connect(str(facade_kubeconfig)) as client:
        services = build_services(settings, client)
        caches = [asyncio.create_task(cache.run()) for cache in (services.tasks, services.secrets)]
        try:
            await until(services.tasks.synced.is_set, seconds=60)
            await until(services.secrets.synced.is_set, seconds=60)
            yield services
        finally:
            for task in caches:
                task.cancel()
            await asyncio.gather(*caches, return_exceptions=True)


@pytest.fixture(scope="session")
async def caller(services: Services, tenants: Tenants) -> AsyncIterator[Caller]:
    """Makes clients with the API key of the named Secret; without a name they have none."""
    async with AsyncExitStack() as stack:
        transport = httpx2.ASGITransport(app=public_app(services))
        clients: list[httpx2.AsyncClient] = []

        def make(name: str | None = None, **headers: str) -> httpx2.AsyncClient:
            given = headers if name is None else {"x-api-key": tenants.key(name), **headers}
            client = httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers=given)
            clients.append(client)
            return client

        yield make
        for client in clients:
            stack.push_async_callback(client.aclose)


@pytest.fixture(scope="session")
async def alice(caller: Caller) -> httpx2.AsyncClient:
    return caller("alice")


@pytest.fixture(scope="session")
async def bob(caller: Caller) -> httpx2.AsyncClient:
    return caller("bob")


@pytest.fixture(scope="session")
async def inside(services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the internal port."""
    transport = httpx2.ASGITransport(app=internal_app(services))
    async with httpx2.AsyncClient(transport=transport, base_url="http://internal.test") as client:
        yield client


@pytest.fixture(scope="session")
def environment(tenants: Tenants, facade_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("program")
    return facade_environment(tenants, facade_kubeconfig, folder, drain_seconds=1)


@pytest.fixture(scope="session")
def program(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The facade as a process, shared by the session: do not end it."""
    program = start(environment, tmp_path_factory.mktemp("log"))
    yield program
    program.process.kill()
    program.process.wait(10)
