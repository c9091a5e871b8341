"""Configuration files of the node's daemons."""

import json
import os
from pathlib import Path

import yaml

from tests.cluster.base.shell import run
from tests.cluster.node.host import is_cgroup_v2
from tests.cluster.node.layout import NODE, NODE_IP, PAUSE_IMAGE, POD_RANGE, Layout


def write_configs(layout: Layout) -> None:
    """Write all of them to the layout's configuration directory."""
    network = layout.config / "cni"
    network.mkdir(parents=True, exist_ok=True)
    (layout.config / "containerd.toml").write_text(_containerd(layout))
    (network / "10-bridge.conflist").write_text(json.dumps(_network(layout), indent=1))
    (layout.config / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(layout)))
    (layout.config / "proxy.yaml").write_text(yaml.safe_dump(_proxy(layout)))
    (layout.config / "Corefile").write_text(_coredns(layout))


def _snapshotter(state: Path) -> str:
    """overlayfs cannot lie on overlayfs, which a container's disk often is."""
    kind = run(["stat", "--file-system", "--format=%T", state], timeout=10).stdout.strip()
    return "native" if kind.startswith("overlay") else "overlayfs"


def _containerd(layout: Layout) -> str:
    """restrict_oom_score_adj: root without CAP_SYS_RESOURCE may not lower a score, and no pod would start."""
    return f"""\
version = 3
root = "{layout.state}/containerd"
state = "{layout.runtime}/containerd"
[grpc]
  address = "{layout.containerd_socket}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "{_snapshotter(layout.state)}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{PAUSE_IMAGE}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{layout.debian}/usr/lib/cni"]
  conf_dir = "{layout.config}/cni"
[plugins.'io.containerd.internal.v1.opt']
  path = "{layout.state}/opt"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
"""


def _network(layout: Layout) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(layout.state / "cni"),
    }
    bridge = {
        "type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True, "ipam": addresses,
    }  # fmt: skip
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": layout.name, "plugins": [bridge, ports]}


def _kubelet(layout: Layout) -> dict[str, object]:
    """cgroup v1 has to be allowed; disk pressure concerns the host, not the pods."""
    old_cgroups = {} if is_cgroup_v2() else {"cgroupDriver": "cgroupfs", "failCgroupV1": False}
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [NODE_IP],
        "clusterDomain": "cluster.local",
        "cgroupRoot": f"/{layout.name}",
        **old_cgroups,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "resolvConf": "/dev/null",
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "evictionHard": {
            "memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "tlsCertFile": str(layout.pki / "node.crt"),
        "tlsPrivateKeyFile": str(layout.pki / "node.key"),
        "maxPods": 200,
        "registryPullQPS": 0,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "podLogsDir": str(layout.state / "pods-log"),
        "volumePluginDir": str(layout.state / "volume-plugins"),
    }  # fmt: skip


def _proxy(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.config / "proxy.conf")},
        "mode": "nftables",
        "nftables": {"minSyncPeriod": "100ms"},
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": NODE,
        "conntrack": {"maxPerCore": 0, "min": 0},
        "metricsBindAddress": "127.0.0.1:10249",
    }


def _coredns(layout: Layout) -> str:
    """Only the cluster's own names: no other can be reached from its network namespace."""
    return f"""\
cluster.local:53 in-addr.arpa:53 {{
  bind {NODE_IP}
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {layout.config}/admin.conf skyvern
  }}
}}
"""


def daemon_environment(layout: Layout) -> dict[str, str]:
    """PATH with containerd's shim and the system's administration programs."""
    folders = [f"{layout.debian}/usr/bin", os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    return {"PATH": os.pathsep.join(folders)}
