"""Names, addresses and places of the bare node."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

NODE = "node1"
NODE_IP = "10.89.0.1"
GATEWAY_IP = "10.89.0.254"
POD_RANGE = "10.244.0.0/24"
API_PORT = 6443
ETCD = "http://127.0.0.1:2379"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
SECCOMP_PROFILE = "skyvern/chrome.json"


# The kubelet's sockets have up to 40 more characters, and a socket's path may have 107.
MAX_STATE_PATH = 65


@dataclass(frozen=True)
class Layout:
    """Where one node keeps its files. Its name differs from that of another cache's node on the same machine."""

    state: Path
    programs: Path
    debian: Path

    @property
    def name(self) -> str:
        """Name of the network namespace and of the control groups."""
        return f"skyvern-{hashlib.sha256(str(self.state).encode()).hexdigest()[:6]}"

    @property
    def runtime(self) -> Path:
        """Sockets and mounts of containerd; short, since a socket's path has 107 characters at most."""
        return Path("/run") / self.name

    @property
    def containerd_socket(self) -> Path:
        """Where containerd answers."""
        return self.runtime / "containerd.sock"

    @property
    def netns(self) -> Path:
        """The network namespace's file."""
        return Path("/run/netns") / self.name

    @property
    def config(self) -> Path:
        """Configuration files and kubeconfigs."""
        return self.state / "etc"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.state / "pki"

    @property
    def kubelet(self) -> Path:
        """The kubelet's root directory."""
        return self.state / "kubelet"

    @property
    def host_settings(self) -> Path:
        """The kernel settings as they were, in a place that a reboot empties, since it resets them too."""
        return self.runtime / "sysctls.json"

    @property
    def absent_folders(self) -> Path:
        """Which folders of the host did not exist before."""
        return self.runtime / "absent.json"

    @property
    def exists(self) -> bool:
        """Whether any part of a node exists."""
        return self.state.exists() or self.runtime.exists() or self.netns.exists()

    @property
    def summary(self) -> Path:
        """Written last: a state without it is an interrupted set-up."""
        return self.state / "cluster.json"
