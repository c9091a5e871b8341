"""A facade in the test process, before an API server that is no more than a counter of requests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.server.app import internal_app, public_app
from skyvern_apiserver.services import Services, build_services
from skyvern_crds.client import ClusterClient
from tests.apiserver.api_server import FakeApiServer

RELEASE = "release"
"""Namespace of the API keys."""


def small_settings(folder: Path, namespaces: Sequence[str], **more: Any) -> Settings:
    settings = Settings(
        namespaces=tuple(namespaces),
        keys_namespace=RELEASE,
        public_url="http://facade.test",
        link_key=b"link key of the tests",
        archive_key=b"archive key of the tests",
        store_url=f"file://{folder}/artifacts",
    )
    return replace(settings, **more)


@asynccontextmanager
async def small_services(server: FakeApiServer, folder: Path, settings: Settings) -> AsyncIterator[Services]:
    """Services whose caches run."""
    async with await ClusterClient.connect(server.kubeconfig(folder)) as client:
        services = build_services(settings, client)
        caches = [asyncio.create_task(cache.run()) for cache in (services.tasks, services.secrets)]
        try:
            yield services
        finally:
            for task in caches:
                task.cancel()
            await asyncio.gather(*caches, return_exceptions=True)


@asynccontextmanager
async def client_of(services: Services, *, internal: bool = False) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of one of the two ports."""
    transport = httpx2.ASGITransport(app=internal_app(services) if internal else public_app(services))
    async with httpx2.AsyncClient(transport=transport, base_url="http://facade.test") as client:
        yield client
