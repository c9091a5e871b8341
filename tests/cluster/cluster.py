"""The cluster that tests, images, chart and demo work with, wherever it comes from."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.backends import Backend, BareNode, GivenCluster, Kind, choose, container_engine
from tests.cluster.base.cache import cache_dir
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run
from tests.cluster.kind import KindCluster
from tests.cluster.programs.toolchain import node_programs

KUBECTL_S = 300.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up."""

    kind: Kind
    kubeconfig: Path
    """Usable from this machine by plain kubectl."""
    kubectl: Path
    helm: Path
    has_egress: bool
    """Whether pods can reach the network outside this machine."""
    seccomp_profile: str | None
    """localhostProfile on the nodes under which Chromium keeps its own sandbox."""
    storage_class: bool
    """Whether there is a default one."""
    _backend: Backend = field(repr=False, compare=False)

    def load_images(self, archives: Sequence[Path]) -> None:
        """Put image archives onto the nodes. Raises SetupError where they cannot be reached."""
        self._backend.load_images(archives)

    def expose(self, namespace: str, service: str, port: int) -> str:
        """A URL on this machine's loopback for a TCP port of a service.

        It lasts until `down` on the bare node, elsewhere until this process ends. Raises SetupError for a service that
        does not exist or has no address.
        """
        found = json.loads(self.run_kubectl("get", "service", service, "--namespace", namespace, "-o", "json").stdout)
        address = found["spec"].get("clusterIP", "None")
        if address in ("", "None"):
            raise SetupError(f"service {namespace}/{service} has no cluster address to forward to")
        if port not in [entry["port"] for entry in found["spec"]["ports"]]:
            raise SetupError(f"service {namespace}/{service} has no port {port}")
        return self._backend.expose(namespace, service, port, address)

    def run_kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """kubectl as the administrator; raises SetupError with its message when it fails and `check` is set."""
        command: list[str | Path] = [self.kubectl, "--kubeconfig", self.kubeconfig, *args]
        return run(command, timeout=KUBECTL_S, input=input, check=check)


class Programs:
    """kubectl and Helm: those on PATH, else those built for the node, built only when asked for."""

    def __init__(self, cache: Path, progress: Progress, which: Callable[[str], str | None] = shutil.which) -> None:
        self._cache, self._progress, self._which = cache, progress, which

    def __call__(self, name: str) -> Path:
        """The path of a program."""
        found = self._which(name)
        return Path(found) if found else node_programs(self._cache, self._progress) / name


def backend_for(kind: Kind, cache: Path, programs: Programs, environ: Mapping[str, str] = os.environ) -> Backend:
    """The place that clusters of a kind come from."""
    if kind == "kubeconfig":
        return GivenCluster(environ["KUBECONFIG"], programs)
    if kind == "kind":
        return KindCluster(cache, container_engine() or "docker", programs)
    return BareNode(cache)


def up(progress: Progress) -> Cluster:
    """The cluster of KUBECONFIG, else kind where a container engine answers, else the bare node; brought up if needed.

    Raises SetupError, with a remedy, where none of them is available.
    """
    kind, reason = choose()
    progress.note(f"cluster: {kind} ({reason})")
    cache = cache_dir()
    backend = backend_for(kind, cache, Programs(cache, progress))
    return _cluster(backend, backend.up(progress))


def current() -> Cluster | None:
    """The cluster that `up` would return, if it is up already."""
    cache, silent = cache_dir(), Progress(lambda _: None, live=False)
    backend = backend_for(choose()[0], cache, Programs(cache, silent))
    kubeconfig = backend.current()
    return _cluster(backend, kubeconfig) if kubeconfig else None


def down(progress: Progress) -> None:
    """Take down what `up` has brought up; a cluster of KUBECONFIG stays."""
    cache = cache_dir()
    backend_for(choose()[0], cache, Programs(cache, progress)).down(progress)


def _cluster(backend: Backend, kubeconfig: Path) -> Cluster:
    return Cluster(
        kind=backend.kind,
        kubeconfig=kubeconfig,
        kubectl=backend.program("kubectl"),
        helm=backend.program("helm"),
        has_egress=backend.has_egress,
        seccomp_profile=backend.seccomp_profile(),
        storage_class=backend.storage_class,
        _backend=backend,
    )
