"""A control plane for poison alone, since its CRD is changed under the running programs; operator and facade on it."""

import copy
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.client import ClusterClient
from skyvern_crds.schema import custom_resource_definition
from skyvern_crds.vocabulary import CRD_NAME
from tests.apiserver.cluster import Tenants, create_tenants
from tests.cluster import ControlPlane, Progress
from tests.cluster import control_plane as run_control_plane
from tests.operator.kubelet import NODE


def lenient_crd() -> dict[str, Any]:
    """The CRD without types and limits: it stands for any older or newer version."""
    crd = copy.deepcopy(custom_resource_definition())
    (version,) = crd["spec"]["versions"]
    anything = {"x-kubernetes-preserve-unknown-fields": True}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}}
    del version["selectableFields"]
    return crd


class PoisonedPlane:
    """A control plane whose CRD can be changed."""

    def __init__(self, plane: ControlPlane, tenants: Tenants, folder: Path) -> None:
        self.plane = plane
        self.tenants = tenants
        self._folder = folder

    def use_crd(self, crd: dict[str, Any]) -> None:
        """Replace the CRD."""
        current = json.loads(self.plane.run_kubectl("get", "crd", CRD_NAME, "--output=json").stdout)
        version = current["metadata"]["resourceVersion"]
        body = crd | {"metadata": crd["metadata"] | {"resourceVersion": version}}
        self.plane.run_kubectl("replace", "--filename=-", input=json.dumps(body))
        self.plane.run_kubectl("wait", f"crd/{CRD_NAME}", "--for=condition=Established", "--timeout=30s")

    def create(self, namespace: str, body: bytes) -> tuple[int, str]:
        """Create a SkyvernTask from JSON, byte for byte; exit code and what kubectl said."""
        path = f"/apis/skyvern.io/v1/namespaces/{namespace}/skyverntasks"
        result = self.plane.run_kubectl("create", "--raw", path, "--filename", self._file(body), check=False)
        return result.returncode, result.stderr

    def patch_status(self, namespace: str, name: str, body: bytes) -> None:
        """Merge a status, as the runner may; a busy API server may need several tries for 9,000 levels."""
        file = self._file(body)
        for last in (False, False, True):
            result = self.plane.run_kubectl(
                "patch", "skyverntask", name, "--namespace", namespace, "--subresource=status", "--type=merge",
                "--patch-file", file, check=last,
            )  # fmt: skip
            if result.returncode == 0:
                return

    def _file(self, body: bytes) -> str:
        path = self._folder / "body.json"
        path.write_bytes(body)
        return str(path)


@pytest.fixture(scope="module")
def poisoned(progress: Progress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoisonedPlane]:
    """The plane with two tenants: poison goes to the first."""
    with run_control_plane(progress) as plane:
        tenants = create_tenants(plane)
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        plane.run_kubectl("apply", "--server-side", "--filename=-", input=json.dumps(node))
        yield PoisonedPlane(plane, tenants, tmp_path_factory.mktemp("poison"))


@pytest.fixture(scope="module")
async def administrator(poisoned: PoisonedPlane) -> AsyncIterator[ClusterClient]:
    """A client that may do anything."""
    async with await ClusterClient.connect(str(poisoned.plane.kubeconfig)) as client:
        yield client
