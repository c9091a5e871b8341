"""The whole node, or whichever cluster is chosen: pods run, find each other by name, and are reached from outside."""

import json
import platform
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.cluster import Cluster, Progress, SetupError, cache_dir, up
from tests.cluster.base.shell import wait_until
from tests.cluster.node.program_image import write_program_image
from tests.cluster.programs.toolchain import node_programs

pytestmark = pytest.mark.node

IMAGE = "localhost/skyvern-cluster-probe:dev"
NAMESPACE = "cluster-probe"
# Instead of the address that pods are given: what answers has been found through the cluster's DNS.
ENVIRONMENT = {"HOME": "/", "KUBERNETES_SERVICE_HOST": "kubernetes.default.svc", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture(scope="module")
def probe(cluster: Cluster, progress: Progress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A restricted namespace, and an image whose only file is kubectl: client, server and shell-less exec target."""
    archive = tmp_path_factory.mktemp("probe") / "probe.tar"
    program = tmp_path_factory.mktemp("program") / "kubectl"
    program.write_bytes((node_programs(cache_dir(), progress) / "kubectl").read_bytes())
    write_program_image(program, IMAGE, platform.machine(), archive)
    cluster.load_images([archive])
    cluster.run_kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s")
    cluster.run_kubectl("create", "namespace", NAMESPACE)
    cluster.run_kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    yield cluster
    cluster.run_kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")


def run_pod(cluster: Cluster, name: str, *args: str, profile: str | None = None) -> None:
    seccomp = {"type": "Localhost", "localhostProfile": profile} if profile else {"type": "RuntimeDefault"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "probe",
                    "image": IMAGE,
                    "imagePullPolicy": "Never",
                    "args": list(args),
                    "env": [{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                        "runAsNonRoot": True,
                        "runAsUser": 10001,
                        "seccompProfile": seccomp,
                    },
                }
            ],
        },
    }
    cluster.run_kubectl("apply", "--namespace", NAMESPACE, "-f", "-", input=json.dumps(pod))


def wait_phase(cluster: Cluster, name: str, wanted: str) -> None:
    def reached() -> bool:
        query = ("get", "pod", name, "--namespace", NAMESPACE, "-o", "jsonpath={.status.phase}")
        phase = cluster.run_kubectl(*query).stdout
        assert phase in ("", "Pending", "Running", wanted), f"pod {name} is {phase}: {logs(cluster, name)}"
        return phase == wanted

    wait_until(reached, timeout=60, what=f"pod {name} {wanted}", interval=0.2)


def logs(cluster: Cluster, name: str) -> str:
    return cluster.run_kubectl("logs", name, "--namespace", NAMESPACE).stdout


def test_pod_reaches_the_api_server_by_its_service_name_with_its_own_token(probe: Cluster) -> None:
    run_pod(probe, "by-name", "get", "--raw=/version")
    wait_phase(probe, "by-name", "Succeeded")
    assert json.loads(logs(probe, "by-name"))["major"] == "1"


def test_service_is_reached_through_the_loopback_of_the_host(probe: Cluster) -> None:
    run_pod(probe, "server", "proxy", "--address=0.0.0.0", "--port=8001", "--accept-hosts=.*")
    wait_phase(probe, "server", "Running")
    probe.run_kubectl("expose", "pod", "server", "--port=80", "--target-port=8001", "--namespace", NAMESPACE)
    url = probe.expose(NAMESPACE, "server", 80)
    assert url.startswith("http://127.0.0.1:")

    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/version", timeout=5) as answer:
                return bool(json.load(answer)["major"] == "1")
        except OSError:
            return False

    wait_until(answered, timeout=30, what="the service answering through its forward")
    assert probe.expose(NAMESPACE, "server", 80) == url or probe.kind != "node"


def test_service_without_the_port_is_refused_by_name(probe: Cluster) -> None:
    with pytest.raises(SetupError, match="default/kubernetes has no port 81"):
        probe.expose("default", "kubernetes", 81)


def test_program_can_be_run_inside_a_running_pod(probe: Cluster) -> None:
    run_pod(probe, "target", "proxy", "--port=8001")
    wait_phase(probe, "target", "Running")
    done = probe.run_kubectl("exec", "target", "--namespace", NAMESPACE, "--", "/kubectl", "version", "--client")
    assert "Client Version: v1." in done.stdout


def test_browser_profile_is_accepted_by_the_nodes(probe: Cluster) -> None:
    assert probe.seccomp_profile is not None, "the cluster has no profile: browser-image/seccomp/chrome.json is missing"
    run_pod(probe, "profiled", "version", "--client", profile=probe.seccomp_profile)
    wait_phase(probe, "profiled", "Succeeded")


def test_second_up_finds_the_cluster_within_seconds(cluster: Cluster, progress: Progress) -> None:
    uid = ("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    before = cluster.run_kubectl(*uid).stdout
    began = monotonic()
    again = up(progress)
    assert monotonic() - began < 10
    assert again.kubeconfig == cluster.kubeconfig
    assert again.run_kubectl(*uid).stdout == before


def test_kubeconfig_is_private(cluster: Cluster) -> None:
    assert Path(cluster.kubeconfig).stat().st_mode & 0o077 == 0
