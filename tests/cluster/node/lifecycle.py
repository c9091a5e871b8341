"""One real Kubernetes node on a bare Linux machine: root, no container engine, no registry."""

import hashlib
import json
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.base.errors import SetupError
from tests.cluster.base.processes import Daemon, Daemons, wait_for
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run, wait_until
from tests.cluster.control_plane.apiserver import FIRST_SERVICE, apiserver_flags, controller_manager_flags, get_status
from tests.cluster.control_plane.pki import Identity, Pki
from tests.cluster.machine.apt import unpacked
from tests.cluster.machine.host_tools import ensure_node_tools
from tests.cluster.node import host
from tests.cluster.node.config import daemon_environment, write_configs
from tests.cluster.node.layout import API_PORT, ETCD, MAX_STATE_PATH, NODE, NODE_IP, PAUSE_IMAGE, Layout
from tests.cluster.node.network import create_network, forward, inside_namespace, remove_network
from tests.cluster.node.program_image import write_program_image
from tests.cluster.node.seccomp import install_profile
from tests.cluster.programs.toolchain import node_programs

READY_S = 90.0
SUITE = "sid"  # containerd before 2.1 does not answer the RuntimeConfig call of a kubelet of 1.36
CONTAINERD_PACKAGES = ("containerd", "containernetworking-plugins")
DAEMONS = (
    "etcd", "containerd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
    "coredns", "api-forward",
)  # fmt: skip
STOP_LAST = ("kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "containerd", "etcd")


@dataclass(frozen=True)
class NodeSummary:
    """What `up` records for later processes."""

    kubeconfig: str
    programs: str
    debian: str

    def layout(self, state: Path) -> Layout:
        """The layout of the node it describes."""
        return Layout(state, Path(self.programs), Path(self.debian))


def read_summary(state: Path) -> NodeSummary | None:
    """The summary of a node whose set-up is complete."""
    try:
        return NodeSummary(**json.loads((state / "cluster.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_healthy(state: Path) -> bool:
    """Whether every daemon runs, and the API server answers through the loopback."""
    if read_summary(state) is None:
        return False
    alive = {daemon.name for daemon in Daemons(state).recorded() if daemon.alive}
    return alive.issuperset(DAEMONS) and get_status(f"{_server(state)}/readyz", Pki(state / "pki")) == 200


def _server(state: Path) -> str:
    config: dict[str, Any] = json.loads((state / "kubeconfig").read_text())
    return str(config["clusters"][0]["cluster"]["server"])


def require_root() -> None:
    """Raises SetupError without root."""
    if os.geteuid() != 0:
        raise SetupError(
            "the bare node needs root: it makes network namespaces, control groups and mounts",
            "run this as root, or set KUBECONFIG to a cluster, or start a container engine and install kind",
        )


def node_up(cache: Path, state: Path, progress: Progress) -> NodeSummary:
    """Bring the node up, or find it up. What an interrupted set-up has left is taken down first."""
    require_root()
    if (summary := read_summary(state)) and is_healthy(state):
        install_profile(summary.layout(state).kubelet / "seccomp")  # the tree's profile may have changed
        return summary
    ensure_node_tools(progress)
    layout = Layout(state, node_programs(cache, progress), unpacked(cache, progress, SUITE, CONTAINERD_PACKAGES))
    if len(str(state)) > MAX_STATE_PATH:
        raise SetupError(
            f"{state} is too long a path for the kubelet's sockets ({MAX_STATE_PATH} characters at most)",
            "set SKYVERN_CACHE_DIR to a shorter path",
        )
    if layout.exists:
        progress.note("an earlier set-up is incomplete: taking it down and starting again")
        node_down(state, progress)
    try:
        return _start(layout, progress)
    except BaseException:
        progress.note(f"the set-up failed; logs of the daemons: {state}/log")
        raise


def _start(layout: Layout, progress: Progress) -> NodeSummary:
    layout.state.mkdir(parents=True)
    layout.runtime.mkdir(exist_ok=True)
    host.remember_sysctls(layout.host_settings)
    host.remember_absent(layout.absent_folders)
    daemons = Daemons(layout.state)
    with progress.step("prepare the node's network, certificates and settings"):
        cgroup = host.ControlGroups(layout.name).create()
        create_network(layout)
        pki = _create_pki(layout)
        write_configs(layout)
        install_profile(layout.kubelet / "seccomp")
        _, port = forward(layout, daemons, "api-forward", f"{NODE_IP}:{API_PORT}", cgroup)
        kubeconfig = pki.kubeconfig("admin", f"https://127.0.0.1:{port}", layout.state / "kubeconfig")
    with progress.step("start the control plane"):
        start = _Starter(layout, daemons, cgroup)
        start("etcd", *_etcd_flags(layout))
        containerd = start("containerd", "-c", layout.config / "containerd.toml", program=layout.debian / "usr/bin")
        server = start("kube-apiserver", *_apiserver_flags(pki))
        url = f"https://127.0.0.1:{port}"
        wait_for(server, lambda: get_status(f"{url}/readyz", pki) == 200, timeout=READY_S, what="API server ready")
    with progress.step("start the node"):
        wait_for(containerd, layout.containerd_socket.exists, timeout=READY_S, what="containerd ready")
        _import_pause(layout)
        conf = layout.config
        start("kube-controller-manager", *controller_manager_flags(pki, conf / "kcm.conf"))
        start("kube-scheduler", f"--kubeconfig={conf}/scheduler.conf", "--leader-elect=false", "--secure-port=0",
              "--kube-api-qps=200", "--kube-api-burst=400")  # fmt: skip
        kubelet = start("kubelet", *_kubelet_flags(layout))
        start("kube-proxy", f"--config={conf}/proxy.yaml")
        start("coredns", "-conf", conf / "Corefile")
        kubectl: list[str | Path] = [layout.programs / "kubectl", "--kubeconfig", kubeconfig]
        jsonpath = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'

        def ready() -> bool:
            return run([*kubectl, "get", "node", NODE, "-o", jsonpath], timeout=30, check=False).stdout == "True"

        wait_for(kubelet, ready, timeout=READY_S, what=f"node {NODE} ready")
    for change in host.changed_sysctls(layout.host_settings):
        progress.note(f"the kubelet has changed this machine's {change} (`down` sets it back)")
    summary = NodeSummary(str(kubeconfig), str(layout.programs), str(layout.debian))
    partial = layout.summary.with_suffix(".tmp")
    partial.write_text(json.dumps(vars(summary), indent=1))
    partial.rename(layout.summary)
    return summary


class _Starter:
    """Starts daemons by name, inside the node's namespace and control group."""

    def __init__(self, layout: Layout, daemons: Daemons, cgroup: Path) -> None:
        self._layout, self._daemons, self._cgroup = layout, daemons, cgroup

    def __call__(self, name: str, *flags: str | Path, program: Path | None = None) -> Daemon:
        command = [*inside_namespace(self._layout), (program or self._layout.programs) / name, *flags]
        environment = daemon_environment(self._layout)
        return self._daemons.start(name, command, env=environment, cgroup=self._cgroup)


def _kubelet_flags(layout: Layout) -> list[str]:
    conf = layout.config
    return [f"--config={conf}/kubelet.yaml", f"--kubeconfig={conf}/node.conf", f"--hostname-override={NODE}",
            f"--node-ip={NODE_IP}", f"--root-dir={layout.kubelet}"]  # fmt: skip


def stop_kubelet(state: Path) -> None:
    """Stop the kubelet of a node that is up. Its containers go on, and the node falls silent."""
    daemons = Daemons(state)
    kubelet = daemons.find("kubelet")
    if kubelet is not None:
        daemons.stop(kubelet)


def start_kubelet(state: Path) -> None:
    """Start the kubelet again. Raises SetupError when no node is up."""
    summary = read_summary(state)
    if summary is None:
        raise SetupError("no node is up", "start one with: python -m tests.cluster up")
    layout = summary.layout(state)
    cgroup = host.ControlGroups(layout.name).create()
    _Starter(layout, Daemons(state), cgroup)("kubelet", *_kubelet_flags(layout))


def _create_pki(layout: Layout) -> Pki:
    pki = Pki(layout.pki)
    pki.create()
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    addresses = ("127.0.0.1", FIRST_SERVICE, NODE_IP)
    alternatives = (*(f"DNS:{name}" for name in names), *(f"IP:{address}" for address in addresses))
    identities = (
        Identity("apiserver", "kube-apiserver", "", alternatives),
        Identity("admin", "admin", "system:masters"),
        Identity("kcm", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity("node", f"system:node:{NODE}", "system:nodes", (f"DNS:{NODE}", f"IP:{NODE_IP}")),
        Identity("proxy", "system:kube-proxy", "system:node-proxier"),
    )
    for identity in identities:
        pki.issue(identity)
        if identity.name != "apiserver":
            pki.kubeconfig(identity.name, f"https://{NODE_IP}:{API_PORT}", layout.config / f"{identity.name}.conf")
    return pki


def _etcd_flags(layout: Layout) -> list[str | Path]:
    peer = "http://127.0.0.1:2380"
    return ["--data-dir", layout.state / "etcd", "--unsafe-no-fsync", "--listen-client-urls", ETCD,
            "--advertise-client-urls", ETCD, "--listen-peer-urls", peer]  # fmt: skip


def _apiserver_flags(pki: Pki) -> list[str]:
    return [
        *apiserver_flags(pki, ETCD),
        f"--advertise-address={NODE_IP}",
        "--bind-address=0.0.0.0",
        f"--secure-port={API_PORT}",
        f"--kubelet-client-certificate={pki.cert('admin')}",
        f"--kubelet-client-key={pki.key('admin')}",
        "--kubelet-preferred-address-types=InternalIP",  # for logs and exec: the node's name cannot be resolved
    ]


def _ctr(layout: Layout, *args: str | Path, timeout: float = 60, check: bool = True) -> str:
    command = [layout.debian / "usr/bin/ctr", "-a", layout.containerd_socket, "-n", "k8s.io", *args]
    return run(command, timeout=timeout, check=check).stdout


def import_image(layout: Layout, archive: Path) -> None:
    """Import an image archive (OCI or Docker form) into the node's store, unless this very file has been imported."""
    found = archive.stat()
    key = hashlib.sha256(f"{archive.resolve()} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:16]
    loaded = layout.state / "loaded" / key  # removed with the store, which lies in the same folder
    if loaded.exists():
        return
    _ctr(layout, "images", "import", "--local", archive, timeout=600)
    loaded.parent.mkdir(exist_ok=True)
    loaded.touch()


def _import_pause(layout: Layout) -> None:
    wait_until(
        lambda: "SERVER" in _ctr(layout, "version", check=False).upper(), timeout=READY_S, what="containerd answering"
    )
    archive = layout.state / "pause.tar"
    write_program_image(layout.programs / "pause", PAUSE_IMAGE, platform.machine(), archive)
    import_image(layout, archive)


def node_down(state: Path, progress: Progress) -> None:
    """Undo everything that `up` did, also when it was interrupted. Pods go first, etcd last."""
    require_root()
    summary = read_summary(state)
    layout = summary.layout(state) if summary else Layout(state, Path("/nowhere"), Path("/nowhere"))
    if not layout.exists:
        progress.note("no node is up")
        return
    daemons = Daemons(state)
    with progress.step("take the node down"):
        if summary and is_healthy(state):
            kubectl: list[str | Path] = [layout.programs / "kubectl", "--kubeconfig", summary.kubeconfig]
            delete = ["delete", "pods", "--all-namespaces", "--all", "--grace-period=1", "--timeout=20s"]
            run([*kubectl, *delete], timeout=40, check=False)
        daemons.stop_all(STOP_LAST)
        host.ControlGroups(layout.name).remove()
        host.unmount_below(layout.runtime)
        host.unmount_below(state)
        remove_network(layout)
        host.restore_sysctls(layout.host_settings)
        host.remove_links(state)
        host.remove_absent(layout.absent_folders)
        for folder in (state, layout.runtime):
            if folder.exists():
                shutil.rmtree(folder)
