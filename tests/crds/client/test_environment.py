"""What the environment of the process says about connections: proxies count, passwords of other programs do not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from skyvern_crds.client import PODS, ClusterClient
from skyvern_crds.client.connection import environment_proxy
from tests.crds.client.kubeconfig import kubeconfig


class Server:
    """Keeps the requests that it gets, and answers each with an object."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.url = ""
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        self.runner = web.AppRunner(app, access_log=None)

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return web.json_response({"kind": "Pod"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.runner.setup()
    await web.TCPSite(server.runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{server.runner.addresses[0][1]}"
    yield server
    await server.runner.cleanup()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def get_a_pod(directory: Path, url: str) -> None:
    config = directory / "kubeconfig"
    config.write_text(kubeconfig(url, {"token": "the-token"}))
    async with await ClusterClient.connect(str(config)) as client:
        await client.get(PODS, "jobs", "apply")


async def test_password_in_netrc_does_not_replace_the_token(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    await get_a_pod(tmp_path, server.url)
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer the-token"]


async def test_proxy_of_the_environment_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    await get_a_pod(tmp_path, "http://cluster.example.test")
    assert [request.host for request in server.requests] == ["cluster.example.test"]


async def test_cluster_that_no_proxy_names_is_reached_directly(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    await get_a_pod(tmp_path, server.url)
    assert len(server.requests) == 1


def test_proxy_follows_from_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy.example.test:3128")
    assert environment_proxy("https://10.0.0.1:6443") == "http://user:word@proxy.example.test:3128"
    assert environment_proxy("http://10.0.0.1:8080") is None
