"""The CRD in the real API server, and a client and a namespace for each test."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skyvern_crds.client import ClusterClient, Resource
from tests.cluster import ControlPlane

CRD_FILE = Path(__file__).parents[2] / "crds" / "skyverntasks.skyvern.io.yaml"
NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)


@pytest.fixture(scope="session")
def served(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with the committed CRD, established."""
    control_plane.run_kubectl("apply", "--server-side", "-f", str(CRD_FILE))
    control_plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRD_FILE))
    return control_plane


@pytest.fixture
async def client(served: ControlPlane) -> AsyncIterator[ClusterClient]:
    async with await ClusterClient.connect(str(served.kubeconfig)) as client:
        yield client


@pytest.fixture
async def namespace(client: ClusterClient) -> str:
    name = f"crds-{uuid.uuid4().hex[:10]}"
    await client.create(NAMESPACES, None, {"metadata": {"name": name}})
    return name
