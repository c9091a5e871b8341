"""A Kubernetes control plane alone: etcd, the API server and the controller manager, on the loopback, in seconds."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.base.cache import cache_dir, locked
from tests.cluster.base.processes import Daemons, start_time, wait_for
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run
from tests.cluster.control_plane.apiserver import FIRST_SERVICE, apiserver_flags, controller_manager_flags, get_status
from tests.cluster.control_plane.kwok import Simulation, TaskEnding, add_nodes, completed_ending
from tests.cluster.control_plane.pki import Identity, Pki, write_kubeconfig
from tests.cluster.programs.toolchain import kwok_program, node_programs

READY_S = 60.0
STOP_LAST = ("kube-controller-manager", "kube-apiserver", "etcd")
# A documentation address (RFC 5737): nothing connects to it, but without one the API server needs a default route.
ADVERTISED = "192.0.2.1"


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane, without nodes until `add_kwok_nodes` adds some."""

    url: str
    kubeconfig: Path
    kubectl: Path
    directory: Path
    pki: Pki
    daemons: Daemons = field(repr=False)
    progress: Progress = field(repr=False)

    def run_kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """kubectl as the administrator."""
        return run([self.kubectl, "--kubeconfig", self.kubeconfig, *args], timeout=120, input=input, check=check)

    def token_for(
        self,
        namespace: str,
        service_account: str,
        *,
        audience: str = "",
        pod: str = "",
        pod_uid: str = "",
        seconds: int = 3600,
    ) -> str:
        """A token of a service account that exists, as the kubelet gets it: for an audience, bound to a pod."""
        args = ["create", "token", service_account, "--namespace", namespace, f"--duration={seconds}s"]
        if audience:
            args.append(f"--audience={audience}")
        if pod:
            args += ["--bound-object-kind=Pod", f"--bound-object-name={pod}", f"--bound-object-uid={pod_uid}"]
        return self.run_kubectl(*args).stdout.strip()

    def kubeconfig_for(self, namespace: str, service_account: str, **token: str) -> Path:
        """A kubeconfig that acts as a service account; the arguments are those of `token_for`."""
        target = Path(tempfile.mkdtemp(prefix="kubeconfig-", dir=self.directory)) / "kubeconfig"
        bearer = self.token_for(namespace, service_account, **token)  # type: ignore[arg-type]
        return write_kubeconfig(target, self.url, self.pki.ca, {"token": bearer})

    def kubeconfig_as(self, user: str, group: str = "") -> Path:
        """A kubeconfig with a client certificate for a user, and a group."""
        name = f"user-{user.replace(':', '-').replace('/', '-')}"
        self.pki.issue(Identity(name, user, group))
        return self.pki.kubeconfig(name, self.url, self.directory / f"{name}.conf")

    def add_kwok_nodes(
        self, count: int, ending: TaskEnding | None = None, more_stages: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Add simulated nodes and a scheduler: pods start at once, and those of tasks end as `ending` says.

        A pod's annotations (see kwok.py) win over `ending`; `more_stages` are further kwok Stage documents.
        """
        kwok = kwok_program(cache_dir(), self.progress)
        self.pki.issue(Identity("scheduler", "system:kube-scheduler"))
        simulation = Simulation(
            kwok=kwok,
            scheduler=self.kubectl.parent / "kube-scheduler",
            kubeconfig=self.kubeconfig,
            scheduler_kubeconfig=self.pki.kubeconfig("scheduler", self.url, self.directory / "scheduler.conf"),
            directory=self.directory,
            daemons=self.daemons,
            kubectl=self.run_kubectl,
        )
        with self.progress.step(f"start {count} simulated nodes"):
            add_nodes(simulation, count, ending or completed_ending(), more_stages)

    def stop_daemon(self, name: str) -> None:
        """Stop one of the programs, for tests of what happens without it."""
        if daemon := self.daemons.find(name):
            self.daemons.stop(daemon)


@contextmanager
def control_plane(progress: Progress) -> Iterator[ControlPlane]:
    """Run a control plane for the length of the body; any number may run side by side.

    Raises SetupError when a program cannot be built or does not become ready.
    """
    cache = cache_dir()
    programs = node_programs(cache, progress)
    base = cache / "control-planes"
    base.mkdir(parents=True, exist_ok=True)
    with locked(cache, "control-planes", timeout=120):
        _sweep(base)
        directory = Path(tempfile.mkdtemp(prefix="cp-", dir=base))
        (directory / "owner.json").write_text(json.dumps(_owner()))
    daemons = Daemons(directory)
    try:
        # The port is bound, but not listened on, until the API server has it, so no other program can take it.
        with socket.socket() as reserved:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind(("127.0.0.1", 0))
            with progress.step("start a control plane"):
                plane = _start(programs, directory, daemons, progress, reserved.getsockname()[1])
            yield plane
    finally:
        _remove(directory)


def _start(programs: Path, directory: Path, daemons: Daemons, progress: Progress, port: int) -> ControlPlane:
    url = f"https://127.0.0.1:{port}"
    pki = Pki(directory / "pki")
    pki.create()
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    alternatives = (*(f"DNS:{name}" for name in names), "IP:127.0.0.1", f"IP:{FIRST_SERVICE}")
    pki.issue(Identity("apiserver", "kube-apiserver", "", alternatives))
    pki.issue(Identity("admin", "admin", "system:masters"))
    pki.issue(Identity("kcm", "system:kube-controller-manager"))
    admin = pki.kubeconfig("admin", url, directory / "kubeconfig")
    manager = pki.kubeconfig("kcm", url, directory / "kcm.conf")

    # A socket file in the working directory instead of ports; etcd only takes this form of its name.
    client, peer = "unix://client.sock:1", "unix://peer.sock:1"
    etcd = daemons.start(
        "etcd",
        [
            programs / "etcd", "--data-dir", directory / "etcd", "--unsafe-no-fsync",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
        ],
        cwd=directory,
    )  # fmt: skip
    wait_for(etcd, (directory / "client.sock:1").exists, timeout=READY_S, what="etcd ready")
    server = daemons.start(
        "kube-apiserver",
        [
            programs / "kube-apiserver", *apiserver_flags(pki, client), f"--secure-port={port}",
            "--permit-port-sharing", "--bind-address=127.0.0.1", f"--advertise-address={ADVERTISED}",
            "--endpoint-reconciler-type=none",
        ],
        cwd=directory,
    )  # fmt: skip
    wait_for(server, lambda: get_status(f"{url}/readyz", pki) == 200, timeout=READY_S, what="API server ready")
    controllers = daemons.start(
        "kube-controller-manager", [programs / "kube-controller-manager", *controller_manager_flags(pki, manager)]
    )
    account = f"{url}/api/v1/namespaces/default/serviceaccounts/default"
    wait_for(controllers, lambda: get_status(account, pki) == 200, timeout=READY_S, what="controllers at work")
    return ControlPlane(url, admin, programs / "kubectl", directory, pki, daemons, progress)


def _owner() -> dict[str, int]:
    return {"pid": os.getpid(), "started": start_time(os.getpid()) or 0}


def _sweep(base: Path) -> None:
    """Remove what killed processes have left behind."""
    for directory in base.glob("cp-*"):
        try:
            owner = json.loads((directory / "owner.json").read_text())
        except (OSError, ValueError):
            owner = {"pid": 0, "started": -1}
        if start_time(owner["pid"]) != owner["started"]:
            _remove(directory)


def _remove(directory: Path) -> None:
    """Clients first, the API server before etcd: an API server that has lost etcd hangs in its own shutdown."""
    Daemons(directory).stop_all(STOP_LAST, grace=5)
    shutil.rmtree(directory, ignore_errors=True)
