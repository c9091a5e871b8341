"""A cluster made by kind, on a container engine."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster.backends import Kind
from tests.cluster.base.cache import locked
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run
from tests.cluster.node.layout import SECCOMP_PROFILE
from tests.cluster.node.seccomp import install_profile
from tests.cluster.port_forward import port_forward

LOCK_S = 900.0


class KindCluster:
    """A kind cluster for this project on a container engine."""

    kind: Kind = "kind"
    has_egress = True
    storage_class = True
    NAME = "skyvern"

    def __init__(self, cache: Path, engine: str, program: Callable[[str], Path]) -> None:
        self._cache = cache
        self._env = {"KIND_EXPERIMENTAL_PROVIDER": engine}
        self.program = program
        self._kubeconfig = cache / "kind" / "kubeconfig"

    def up(self, progress: Progress) -> Path:
        """Create it unless it exists."""
        with locked(self._cache, "kind", timeout=LOCK_S):
            if self.current():
                return self._kubeconfig
            folder = self._cache / "kind"
            folder.mkdir(parents=True, exist_ok=True)
            install_profile(folder / "seccomp")
            config = folder / "config.yaml"
            config.write_text(self._config(folder / "seccomp"))
            self._kind("delete", "cluster", "--name", self.NAME, check=False)
            with progress.step("create the kind cluster"):
                self._kind(
                    "create", "cluster", "--name", self.NAME, "--config", config,
                    "--kubeconfig", self._kubeconfig, "--wait", "300s", timeout=900,
                )  # fmt: skip
        return self._kubeconfig

    @staticmethod
    def _config(seccomp: Path) -> str:
        return f"""\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraMounts:
      - hostPath: {seccomp}
        containerPath: /var/lib/kubelet/seccomp
        readOnly: true
"""

    def current(self) -> Path | None:
        """The kubeconfig when the cluster exists and answers."""
        names = self._kind("get", "clusters", check=False).stdout.split()
        if self.NAME not in names or not self._kubeconfig.is_file():
            return None
        kubectl: list[str | Path] = [self.program("kubectl"), "--kubeconfig", self._kubeconfig]
        ready = [*kubectl, "get", "--raw", "/readyz", "--request-timeout=5s"]
        return self._kubeconfig if run(ready, timeout=20, check=False).returncode == 0 else None

    def down(self, progress: Progress) -> None:
        """Delete it."""
        with locked(self._cache, "kind", timeout=LOCK_S), progress.step("delete the kind cluster"):
            self._kind("delete", "cluster", "--name", self.NAME, "--kubeconfig", self._kubeconfig)
            shutil.rmtree(self._cache / "kind", ignore_errors=True)

    def seccomp_profile(self) -> str | None:
        """Mounted into the node, if the tree has one."""
        return SECCOMP_PROFILE if (self._cache / "kind/seccomp" / SECCOMP_PROFILE).is_file() else None

    def load_images(self, archives: Sequence[Path]) -> None:
        """Load them with kind."""
        for archive in archives:
            self._kind("load", "image-archive", archive, "--name", self.NAME, timeout=600)

    def expose(self, namespace: str, service: str, port: int, cluster_ip: str) -> str:
        """By kubectl port-forward."""
        return port_forward(self.program("kubectl"), self._kubeconfig, namespace, service, port)

    def _kind(self, *args: str | Path, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
        remedy = "see `kind export logs`, or set KUBECONFIG to another cluster"
        return run(["kind", *args], timeout=timeout, env=self._env, check=check, remedy=remedy)
