"""The network namespace of a node, and the way into it from the host's loopback."""

import socket
from pathlib import Path

from tests.cluster.base.processes import Daemon, Daemons
from tests.cluster.base.shell import run
from tests.cluster.node.layout import GATEWAY_IP, NODE_IP, Layout


def create_network(layout: Layout) -> None:
    """Create the namespace. Both ends of its veth pair are inside, so no packet of the cluster leaves the machine.

    The default route leads nowhere; the kubelet and kube-proxy only want one to exist.
    """
    if not layout.netns.exists():
        run(["ip", "netns", "add", layout.name], timeout=30)
    inside = ["ip", "-n", layout.name]
    run([*inside, "link", "set", "lo", "up"], timeout=30)
    run([*inside, "link", "add", "node0", "type", "veth", "peer", "name", "node0p"], timeout=30, check=False)
    run([*inside, "addr", "replace", f"{NODE_IP}/24", "dev", "node0"], timeout=30)
    for end in ("node0", "node0p"):
        run([*inside, "link", "set", end, "up"], timeout=30)
    run([*inside, "route", "replace", "default", "via", GATEWAY_IP, "dev", "node0"], timeout=30)
    run([*inside_namespace(layout), "sysctl", "-qw", "net.ipv4.ip_forward=1"], timeout=30)


def remove_network(layout: Layout) -> None:
    """Remove the namespace with its devices, routes and rules."""
    if layout.netns.exists():
        run(["ip", "netns", "del", layout.name], timeout=30, check=False)


def inside_namespace(layout: Layout) -> list[str | Path]:
    """Prefix of a command that runs in the namespace.

    Not `ip netns exec`: that mounts a fresh /sys, which hides the control groups from the kubelet.
    """
    return ["nsenter", f"--net={layout.netns}"]


def forward(layout: Layout, daemons: Daemons, name: str, target: str, cgroup: Path) -> tuple[Daemon, int]:
    """Forward a free loopback port of the host to `target` inside; return the forwarder and the port.

    The listening socket is created here, in the host's namespace, and handed to a process in the node's.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        command = [*inside_namespace(layout), layout.programs / "forward", target]
        daemon = daemons.start(name, command, listener=listener.fileno(), cgroup=cgroup)
        return daemon, listener.getsockname()[1]
