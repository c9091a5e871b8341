"""The real control plane with the CRD, restricted namespaces, a running operator, and a stand-in for the kubelet."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.client import ClusterClient, Resource
from tests.cluster import ControlPlane
from tests.operator.cluster import Cluster
from tests.operator.facade import Facade
from tests.operator.kubelet import NODE, Kubelet
from tests.operator.process import SIGNING_KEY, OperatorProcess, running_operator
from tests.operator.receiver import Receiver

CRD_FILE = Path(__file__).parents[2] / "crds" / "skyverntasks.skyvern.io.yaml"
NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
NODE_OBJECT = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}

StartOperator = Callable[..., AbstractAsyncContextManager[OperatorProcess]]


class Clock:
    """Wall-clock seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def make_namespace(client: ClusterClient) -> str:
    """A namespace that enforces the restricted level, with the service account of task pods."""
    name = f"operator-{uuid.uuid4().hex[:10]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    await client.create(NAMESPACES, None, {"metadata": {"name": name, "labels": labels}})
    await client.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "skyvern-task"}})
    return name


@pytest.fixture(scope="session")
def served(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with the committed CRD and a node to bind pods to: those of absent nodes are collected."""
    control_plane.run_kubectl("apply", "--server-side", "-f", str(CRD_FILE))
    control_plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRD_FILE))
    control_plane.run_kubectl("apply", "--server-side", "-f", "-", input=json.dumps(NODE_OBJECT))
    return control_plane


@pytest.fixture(scope="session")
async def client(served: ControlPlane) -> AsyncIterator[ClusterClient]:
    """The administrator's client."""
    async with await ClusterClient.connect(str(served.kubeconfig)) as client:
        yield client


@pytest.fixture(scope="session")
async def shared_namespace(client: ClusterClient) -> str:
    """The namespace of the shared operator."""
    return await make_namespace(client)


@pytest.fixture(scope="session")
async def operator(
    served: ControlPlane, shared_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OperatorProcess]:
    """An operator that many tests share; each uses its own tasks."""
    directory = tmp_path_factory.mktemp("operator")
    async with running_operator(
        directory, served.kubeconfig, shared_namespace, release_namespace=shared_namespace
    ) as operator:
        yield operator


@pytest.fixture
def tasks(client: ClusterClient, shared_namespace: str, operator: OperatorProcess) -> Cluster:
    """A task of the test's own, and its pods, under the shared operator."""
    assert operator.process.poll() is None, operator.log.read_text()[-4000:]
    return Cluster(client, shared_namespace, f"task-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def kubelet(client: ClusterClient, shared_namespace: str) -> Kubelet:
    """Plays the kubelet for them."""
    return Kubelet(client, shared_namespace)


@pytest.fixture
async def namespace(client: ClusterClient) -> str:
    """A namespace of the test's own, which no operator looks at yet."""
    return await make_namespace(client)


@pytest.fixture
def own_tasks(client: ClusterClient, namespace: str) -> Cluster:
    """Tasks and pods of the test's own namespace."""
    return Cluster(client, namespace, "apply")


@pytest.fixture
def own_kubelet(client: ClusterClient, namespace: str) -> Kubelet:
    """Plays the kubelet there."""
    return Kubelet(client, namespace)


@pytest.fixture
def start_operator(served: ControlPlane, namespace: str, tmp_path: Path) -> StartOperator:
    """Starts an operator for the test's own namespace; keyword arguments replace parts of its configuration."""

    def start(**changes: Any) -> AbstractAsyncContextManager[OperatorProcess]:
        return running_operator(tmp_path, served.kubeconfig, namespace, release_namespace=namespace, **changes)

    return start


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server that takes webhooks."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def facade() -> AsyncIterator[Facade]:
    """A server where the facade stands."""
    async with Facade(SIGNING_KEY) as facade:
        yield facade


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()
