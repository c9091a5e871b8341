"""A facade of its own in the test process, which a test may cut off from the cluster."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from skyvern_apiserver.cache.answers import Answers
from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.server.app import internal_app, public_app
from skyvern_apiserver.services import Services, build_services
from skyvern_apiserver.storage.artifact_store import ArtifactStore
from skyvern_crds.client import ClusterClient
from tests.apiserver.conftest import PUBLIC_URL
from tests.waiting import until


@asynccontextmanager
async def facade(settings: Settings, kubeconfig: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """Clients of both ports of a separate facade."""
    async with await ClusterClient.connect(str(kubeconfig)) as client:
        services = build_services(settings, client)
        caches = [asyncio.create_task(cache.run()) for cache in (services.tasks, services.secrets)]
        public = httpx2.ASGITransport(app=public_app(services))
        internal = httpx2.ASGITransport(app=internal_app(services))
        try:
            await until(services.freshness.can_serve, seconds=60)
            async with (
                httpx2.AsyncClient(transport=public, base_url=PUBLIC_URL) as outside,
                httpx2.AsyncClient(transport=internal, base_url=PUBLIC_URL) as inside,
            ):
                yield outside, inside
        finally:
            for task in caches:
                task.cancel()
            await asyncio.gather(*caches, return_exceptions=True)


@asynccontextmanager
async def with_store_away(
    services: Services, monkeypatch: pytest.MonkeyPatch, key: str
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a facade whose artifact store cannot be reached."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        away = replace(services, artifacts=ArtifactStore.open("s3://bucket/prefix"), answers=Answers())
        transport = httpx2.ASGITransport(app=public_app(away))
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers={"x-api-key": key}) as client:
            yield client
