"""The three places that a cluster may come from, and what each can do."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from tests.cluster.base.cache import cache_dir, locked
from tests.cluster.base.errors import SetupError
from tests.cluster.base.processes import Daemons
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import answers, run
from tests.cluster.node.host import ControlGroups
from tests.cluster.node.layout import SECCOMP_PROFILE
from tests.cluster.node.lifecycle import NodeSummary, import_image, is_healthy, node_down, node_up, read_summary
from tests.cluster.node.network import forward
from tests.cluster.port_forward import port_forward

Kind = Literal["kubeconfig", "kind", "node"]
LOCK_S = 900.0


class Backend(Protocol):
    """What a place has to offer."""

    kind: Kind
    has_egress: bool
    storage_class: bool

    def up(self, progress: Progress) -> Path:
        """Bring the cluster up and returns its kubeconfig."""

    def current(self) -> Path | None:
        """The kubeconfig when the cluster is up."""

    def program(self, name: str) -> Path:
        """kubectl or helm."""

    def down(self, progress: Progress) -> None:
        """Take the cluster down."""

    def seccomp_profile(self) -> str | None:
        """Name of the browser's profile on the nodes."""

    def load_images(self, archives: Sequence[Path]) -> None:
        """Put image archives into the nodes' stores."""

    def expose(self, namespace: str, service: str, port: int, cluster_ip: str) -> str:
        """A URL on the loopback for a port of a service."""


def container_engine(engine_answers: Callable[[Sequence[str]], bool] = answers) -> str | None:
    """docker or podman, whichever answers."""
    return next((engine for engine in ("docker", "podman") if engine_answers((engine, "info"))), None)


def own_kubeconfigs(cache: Path) -> dict[Path, Kind]:
    """The kubeconfigs that `up` itself writes. KUBECONFIG may name one, and still means the cluster made here."""
    return {cache / "cluster-state" / "kubeconfig": "node", cache / "kind" / "kubeconfig": "kind"}


def choose(
    environ: Mapping[str, str] = os.environ,
    *,
    engine_answers: Callable[[Sequence[str]], bool] = answers,
    which: Callable[[str], str | None] = shutil.which,
) -> tuple[Kind, str]:
    """Which cluster to use, and the reason: KUBECONFIG, else kind on a container engine, else the bare node."""
    if named := environ.get("KUBECONFIG"):
        if own := own_kubeconfigs(cache_dir(environ)).get(Path(named)):
            return own, "KUBECONFIG names the one made here"
        return "kubeconfig", f"KUBECONFIG is set to {named}"
    engine = container_engine(engine_answers)
    if engine and which("kind"):
        return "kind", f"{engine} answers and kind is installed"
    if engine:
        return "node", f"{engine} answers but kind is not on PATH"
    return "node", "no container engine answers"


class GivenCluster:
    """The cluster that KUBECONFIG names: it is used, never changed as a whole."""

    kind: Kind = "kubeconfig"
    has_egress = True

    def __init__(self, kubeconfig: str, program: Callable[[str], Path]) -> None:
        # KUBECONFIG may list several files; a Cluster has one, so the first that exists is used.
        files = [Path(name).expanduser().absolute() for name in kubeconfig.split(os.pathsep) if name]
        self._file = next((file for file in files if file.is_file()), None)
        self._named = kubeconfig
        self.program = program
        self.storage_class = False

    def up(self, progress: Progress) -> Path:
        """Check that it answers."""
        if self._file is None:
            raise SetupError(f"KUBECONFIG is set to {self._named}, which does not exist", "correct it, or unset it")
        command: list[str | Path] = [self.program("kubectl"), "--kubeconfig", self._file]
        run(
            [*command, "version", "--request-timeout=10s"], timeout=30, remedy="start that cluster, or unset KUBECONFIG"
        )
        classes = run([*command, "get", "storageclass", "-o", "yaml"], timeout=30, check=False).stdout
        self.storage_class = 'storageclass.kubernetes.io/is-default-class: "true"' in classes
        return self._file

    def current(self) -> Path | None:
        """The file, when its cluster answers."""
        try:
            return self.up(Progress(lambda _: None, live=False))
        except SetupError:
            return None

    def down(self, progress: Progress) -> None:
        """Leave it alone."""
        progress.note(f"the cluster of {self._named} was not started here and stays up")

    def seccomp_profile(self) -> str | None:
        """None: nothing is installed on the nodes of a given cluster."""
        return None

    def load_images(self, archives: Sequence[Path]) -> None:
        """Refuse: there is no way to its nodes."""
        raise SetupError(
            f"images cannot be put on the nodes of {self._named} from here",
            "push them to a registry those nodes pull from, and name it with --set images.registry=...",
        )

    def expose(self, namespace: str, service: str, port: int, cluster_ip: str) -> str:
        """By kubectl port-forward."""
        assert self._file is not None, "up() comes first"
        return port_forward(self.program("kubectl"), self._file, namespace, service, port)


class BareNode:
    """The node of tests.cluster.node: no container engine, no registry, no network outside this machine."""

    kind: Kind = "node"
    has_egress = False
    storage_class = False

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._state = cache / "cluster-state"

    def up(self, progress: Progress) -> Path:
        """Bring it up, one process at a time."""
        with locked(self._cache, "cluster-state", timeout=LOCK_S):
            return Path(node_up(self._cache, self._state, progress).kubeconfig)

    def current(self) -> Path | None:
        """The kubeconfig when the node is whole and answers."""
        summary = read_summary(self._state)
        return Path(summary.kubeconfig) if summary and is_healthy(self._state) else None

    def program(self, name: str) -> Path:
        """Of the cluster's own version."""
        return Path(self._summary().programs) / name

    def down(self, progress: Progress) -> None:
        """Remove everything but the cache."""
        with locked(self._cache, "cluster-state", timeout=LOCK_S):
            node_down(self._state, progress)

    def seccomp_profile(self) -> str | None:
        """Installed by `up`, where the tree has one."""
        installed = self._summary().layout(self._state).kubelet / "seccomp" / SECCOMP_PROFILE
        return SECCOMP_PROFILE if installed.is_file() else None

    def load_images(self, archives: Sequence[Path]) -> None:
        """Import them into containerd."""
        layout = self._summary().layout(self._state)
        for archive in archives:
            import_image(layout, archive)

    def expose(self, namespace: str, service: str, port: int, cluster_ip: str) -> str:
        """Forward to the service's address until `down`; a service is forwarded once."""
        layout = self._summary().layout(self._state)
        name = f"expose-{namespace}-{service}-{port}-{cluster_ip}"
        daemons, memory = Daemons(self._state), self._state / "run" / f"{name}.port"
        with locked(self._cache, "cluster-expose", timeout=60):
            if daemons.find(name) and memory.is_file():
                return f"http://127.0.0.1:{memory.read_text()}"
            cgroup = ControlGroups(layout.name).create()
            _, number = forward(layout, daemons, name, f"{cluster_ip}:{port}", cgroup)
            memory.write_text(str(number))
        return f"http://127.0.0.1:{number}"

    def _summary(self) -> NodeSummary:
        summary = read_summary(self._state)
        if summary is None:
            raise SetupError("the node is not up", "python -m tests.cluster up")
        return summary
