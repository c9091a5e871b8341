"""Credentials of the client against the real API server: tokens, certificates, plugins, and how they are renewed."""

import json
import os
import sys
from pathlib import Path

import pytest

from skyvern_crds.client import (
    PODS,
    SECRETS,
    ClusterClient,
    ConfigurationError,
    Forbidden,
    Resource,
    Unauthorized,
    Unavailable,
)
from skyvern_crds.client.connection import Connection, in_cluster_loader, kubeconfig_loader
from tests.cluster import ControlPlane
from tests.crds.client.kubeconfig import kubeconfig

pytestmark = pytest.mark.contract


@pytest.fixture
async def token(served: ControlPlane, client: ClusterClient, namespace: str) -> str:
    account = Resource("", "v1", "serviceaccounts")
    await client.create(account, namespace, {"metadata": {"name": "reader"}})
    role = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": "view"}
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    binding = {"metadata": {"name": "reader"}, "roleRef": role, "subjects": [subject]}
    await client.create(Resource("rbac.authorization.k8s.io", "v1", "rolebindings"), namespace, binding)
    return served.token_for(namespace, "reader")


async def test_service_account_may_do_what_its_roles_allow(
    served: ControlPlane, namespace: str, token: str, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig(served.url, {"token": token}, served.pki.ca))
    async with await ClusterClient.connect(str(config)) as reader:
        assert [page.items async for page in reader.list_pages(PODS, namespace)] == [[]]
        with pytest.raises(Forbidden, match="cannot list resource"):
            await anext(reader.list_pages(SECRETS, namespace))


async def test_rotated_token_is_read_again_when_the_former_is_refused(
    served: ControlPlane, namespace: str, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("outdated")
    config = tmp_path / "config"
    config.write_text(kubeconfig(served.url, {"tokenFile": str(file)}, served.pki.ca))
    async with await ClusterClient.connect(str(config)) as reader:
        with pytest.raises(Unauthorized):
            await anext(reader.list_pages(PODS, namespace))
        file.write_text(token)
        assert [page.items async for page in reader.list_pages(PODS, namespace)] == [[]]


async def test_token_of_a_pod_is_read_again_in_time(
    served: ControlPlane, namespace: str, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("outdated")
    host, port = served.url.removeprefix("https://").split(":")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    connection = Connection(in_cluster_loader(environ, str(file), str(served.pki.ca)), refresh_seconds=0)
    await connection.sessions()
    file.write_text(token)
    assert (await connection.sessions())[1] == {"authorization": f"bearer {token}"}
    async with ClusterClient(connection) as reader:
        assert [page.items async for page in reader.list_pages(PODS, namespace)] == [[]]


async def test_token_comes_from_a_plugin(served: ControlPlane, namespace: str, token: str, tmp_path: Path) -> None:
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print({json.dumps(credential)!r})"],
        "interactiveMode": "Never",
    }
    config = tmp_path / "config"
    config.write_text(kubeconfig(served.url, {"exec": plugin}, served.pki.ca))
    async with await ClusterClient.connect(str(config)) as reader:
        assert [page.items async for page in reader.list_pages(PODS, namespace)] == [[]]


async def test_renewed_client_certificate_is_taken_up(served: ControlPlane, tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(served.pki.cert("kcm").read_bytes())
    key.write_bytes(served.pki.key("kcm").read_bytes())
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    config = tmp_path / "config"
    config.write_text(kubeconfig(served.url, user, served.pki.ca))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    connection = Connection(kubeconfig_loader(str(config), None), refresh_seconds=0)
    async with ClusterClient(connection) as client:
        before = await client.post(path, review)
        certificate.write_bytes(served.pki.cert("admin").read_bytes())
        key.write_bytes(served.pki.key("admin").read_bytes())
        os.utime(certificate, ns=(0, 0))
        after = await client.post(path, review)
    users = [answer["status"]["userInfo"]["username"] for answer in (before, after)]
    assert users == ["system:kube-controller-manager", "admin"]


async def test_server_of_another_authority_is_not_trusted(served: ControlPlane, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(kubeconfig(served.url, {"token": "t"}))
    async with await ClusterClient.connect(str(config)) as client:
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await client.get_path("/version")


async def test_bad_configuration_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="nothing-here"):
        await ClusterClient.connect(str(tmp_path / "nothing-here"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="set KUBECONFIG"):
        await ClusterClient.connect()
