"""The API server becomes unreachable while the facade runs."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from skyvern_apiserver.process.settings import Settings
from skyvern_apiserver.server.app import internal_app, public_app
from skyvern_apiserver.services import build_services
from skyvern_crds.client import ClusterClient
from skyvern_crds.ids import TASK_PREFIX, new_id
from tests.apiserver.calls import REQUEST
from tests.apiserver.cluster import Tenants, api_key
from tests.apiserver.conftest import PUBLIC_URL
from tests.apiserver.separate import facade
from tests.waiting import eventually

pytestmark = pytest.mark.contract


class Forwarder:
    """A TCP forwarder to the API server; closing it is the outage."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        pipes = list(self._pipes)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pipe = asyncio.create_task(self._pipe(source, sink))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            return
        finally:
            sink.close()


def redirected(kubeconfig: Path, url: str, through: str, folder: Path) -> Path:
    """A copy of a kubeconfig with another address."""
    copy = folder / "kubeconfig"
    copy.write_text(kubeconfig.read_text().replace(url, through))
    return copy


async def test_outage_answers_writes_with_503_and_reads_from_the_cache(
    tenants: Tenants, settings: Settings, facade_kubeconfig: Path, tmp_path: Path
) -> None:
    address = urlsplit(tenants.plane.url)
    forwarder = Forwarder(str(address.hostname), int(address.port or 443))
    through = tenants.plane.url.replace(str(address.port), str(await forwarder.open()))
    kubeconfig = redirected(facade_kubeconfig, tenants.plane.url, through, tmp_path)
    headers = {"x-api-key": tenants.key("alice")}
    async with facade(settings, kubeconfig) as (client, _):
        task_id = (await client.post("/api/v1/tasks", json=REQUEST, headers=headers)).json()["task_id"]
        await forwarder.close()
        refused = await client.post("/api/v1/tasks", json=REQUEST, headers=headers)
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
        assert "did not say whether it has created the task tsk_" in refused.json()["detail"]
        assert (await client.get(f"/api/v1/tasks/{task_id}", headers=headers)).status_code == 200
        unknown = f"/api/v1/tasks/{new_id(TASK_PREFIX)}"  # another replica may have made it
        assert (await client.get(unknown, headers=headers)).status_code == 503


async def test_requests_get_503_until_the_cluster_has_been_read(tenants: Tenants, settings: Settings) -> None:
    async with await ClusterClient.connect(str(tenants.plane.kubeconfig)) as client:
        services = build_services(settings, client)
        transport = httpx2.ASGITransport(app=public_app(services))
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL) as caller:
            answer = await caller.get("/api/v1/tasks", headers={"x-api-key": tenants.key("alice")})
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            assert (await caller.get("/api/v1/heartbeat")).status_code == 200
        transport = httpx2.ASGITransport(app=internal_app(services))
        async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL) as probe:
            assert (await probe.get("/readyz")).status_code == 503
            assert (await probe.get("/healthz")).status_code == 200


async def test_missing_namespace_is_named_in_the_answer(tenants: Tenants, settings: Settings) -> None:
    secret = api_key(tenants, "nowhere", "no-such-namespace")
    tenants.plane.run_kubectl("apply", "--filename=-", input=json.dumps(secret))
    everywhere = replace(settings, namespaces=None)
    async with facade(everywhere, tenants.plane.kubeconfig) as (client, _):
        answer = await client.post("/api/v1/tasks", json=REQUEST, headers={"x-api-key": tenants.key("nowhere")})
        assert answer.status_code == 503
        assert "'no-such-namespace'" in answer.json()["detail"]


async def test_namespace_without_rights_fails_its_own_keys_until_they_are_granted(
    tenants: Tenants, settings: Settings, facade_kubeconfig: Path
) -> None:
    namespace, run = f"poor-{tenants.release}", tenants.plane.run_kubectl
    run("create", "namespace", namespace)
    run("apply", "--filename=-", input=json.dumps(api_key(tenants, "poor", namespace)))
    alice, poor = ({"x-api-key": tenants.key(name)} for name in ("alice", "poor"))
    async with facade(replace(settings, namespaces=(tenants.a, namespace)), facade_kubeconfig) as (client, inside):
        assert (await inside.get("/readyz")).status_code == 200
        assert (await client.get("/api/v1/tasks", headers=alice)).status_code == 200
        refused = await client.get("/api/v1/tasks", headers=poor)
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        rule = ("role", "facade", "--namespace", namespace, "--resource=skyverntasks.skyvern.io")
        run("create", *rule, "--verb=get,list,watch")
        account = f"{tenants.release}:facade"
        run("create", "rolebinding", "facade", "--namespace", namespace, "--role=facade", "--serviceaccount", account)

        async def status() -> int:
            return (await client.get("/api/v1/tasks", headers=poor)).status_code

        await eventually(status, lambda code: code == 200, what="the tasks are listed", within=90)
        unwritten = await client.post("/api/v1/tasks", json=REQUEST, headers=poor)
        assert (unwritten.status_code, "retry-after" in unwritten.headers) == (503, True)
        assert "facade" not in unwritten.text
