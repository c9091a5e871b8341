"""What an API key stands for, the version, and the receiver of webhooks for tests."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest

from skyvern_crds.rest.key_limits import KeyLimits
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.waiting import until


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        FakeApiServer() as server,
        small_services(server, tmp_path, small_settings(tmp_path, "a")) as services,
        client_of(services) as client,
    ):
        client.headers.update(server.put_key(RELEASE, "alice", tenant="a", creates_per_second="7"))
        await until(lambda: bool(list(services.keys.known())) and services.freshness.can_serve())
        yield client


async def test_key_tells_its_tenant_and_limits_and_never_itself(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/v1/whoami")
    assert answer.json() == {
        "organization_id": "alice",
        "namespace": "a",
        "api_key": "alice",
        "limits": asdict(KeyLimits()) | {"creates_per_second": 7},
    }
    assert client.headers["x-api-key"] not in answer.text
    assert (await client.get("/api/v1/whoami", headers={"x-api-key": "another"})).status_code == 403


async def test_version_is_that_of_the_packages(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/api/v1/version/")).json() == {"version": version("skyvern-apiserver")}


async def test_receiver_for_tests_asks_for_both_headers(client: httpx2.AsyncClient) -> None:
    signed = {"x-skyvern-signature": "v0=00", "x-skyvern-timestamp": "1800000000"}
    taken = await client.post("/api/v1/webhook", json={"task_id": "tsk_1"}, headers=signed)
    assert (taken.status_code, taken.text) == (200, "webhook validation")
    for missing in signed:
        rest = {name: value for name, value in signed.items() if name != missing}
        refused = await client.post("/api/v1/webhook", json={}, headers=rest)
        assert refused.status_code == 400
        assert refused.json() == {"detail": "Missing webhook signature or timestamp"}
