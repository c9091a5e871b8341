"""Real Helm installs the chart into a real API server, upgrades it and uninstalls it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.chart.conftest import CHART
from tests.cluster import ControlPlane, Progress, control_plane
from tests.cluster.base.shell import run

pytestmark = [pytest.mark.contract, pytest.mark.chart]
RELEASE = "robots"
NAMESPACE = "release-home"
TASKS = ("team-a", "team-b")


@pytest.fixture(scope="module")
def plane(helm: Path, progress: Progress) -> Iterator[ControlPlane]:
    """A control plane for this module: the CRD belongs to the release that has installed it."""
    assert helm.exists()
    with control_plane(progress) as plane:
        for namespace in TASKS:
            plane.run_kubectl("create", "namespace", namespace)
            label = "pod-security.kubernetes.io/enforce=restricted"
            plane.run_kubectl("label", "namespace", namespace, label)
        yield plane


def call(helm: Path, plane: ControlPlane, *args: str) -> CompletedProcess[str]:
    return run([helm, "--kubeconfig", plane.kubeconfig, "--namespace", NAMESPACE, *args], timeout=120)


def install(helm: Path, plane: ControlPlane, *sets: str) -> None:
    values = ["--set", f"tasks.namespaces={{{','.join(TASKS)}}}", "--set", "model.apiKey=k"]
    for assignment in sets:
        values += ["--set", assignment]
    call(helm, plane, "upgrade", "--install", RELEASE, str(CHART), "--create-namespace", *values)


def get(plane: ControlPlane, *args: str) -> Any:
    return json.loads(plane.run_kubectl("get", *args, "-o", "json").stdout)


def owned(plane: ControlPlane, kind: str, *where: str) -> list[str]:
    selector = ["-l", f"app.kubernetes.io/instance={RELEASE}"]
    return [item["metadata"]["name"] for item in get(plane, kind, *(where or ("-A",)), *selector)["items"]]


@pytest.fixture(scope="module")
def installed(helm: Path, plane: ControlPlane) -> ControlPlane:
    install(helm, plane)
    plane.run_kubectl("wait", "--for=condition=Established", "crd/skyverntasks.skyvern.io", "--timeout=30s")
    return plane


def test_release_has_its_programs_in_its_namespace(installed: ControlPlane) -> None:
    assert owned(installed, "deployments", "-n", NAMESPACE) == [
        f"{RELEASE}-skyvern-operator-apiserver",
        f"{RELEASE}-skyvern-operator-operator",
    ]


def test_every_task_namespace_has_what_its_pods_need(installed: ControlPlane) -> None:
    for namespace in TASKS:
        assert owned(installed, "serviceaccounts", "-n", namespace) == ["skyvern-task"]
        (secret,) = owned(installed, "secrets", "-n", namespace)
        assert secret == f"{RELEASE}-skyvern-operator-model"


@pytest.mark.parametrize(
    ("verb", "lease", "answer"),
    [
        ("create", "", "yes"),
        ("get", f"{RELEASE}-skyvern-operator-operator", "yes"),
        ("patch", f"{RELEASE}-skyvern-operator-operator", "yes"),
        ("patch", "another", "no"),
        ("list", "", "no"),
    ],
)
def test_operator_may_use_its_own_lease_only(installed: ControlPlane, verb: str, lease: str, answer: str) -> None:
    account = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-skyvern-operator-operator"
    leases = "leases.coordination.k8s.io" + (f"/{lease}" if lease else "")
    told = installed.run_kubectl("auth", "can-i", verb, leases, "-n", NAMESPACE, "--as", account, check=False)
    assert told.stdout.strip() == answer, told.stderr


def test_programs_pass_the_restricted_level(installed: ControlPlane) -> None:
    for deployment in get(installed, "deployments", "-n", NAMESPACE)["items"]:
        template = deployment["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": template["spec"]}
        pod["spec"]["serviceAccountName"] = "default"
        answer = installed.run_kubectl(
            "create", "-n", TASKS[0], "--dry-run=server", "-f", "-", input=json.dumps(pod), check=False
        )
        assert answer.returncode == 0, answer.stderr


def test_upgrade_keeps_the_keys(helm: Path, installed: ControlPlane) -> None:
    def keys() -> dict[str, bytes]:
        items = get(installed, "secrets", "-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={RELEASE}")["items"]
        values = {item["metadata"]["name"]: item["data"] for item in items}
        return {
            name: base64.b64decode(data.get("key") or data["signing-key"])
            for name, data in values.items()
            if "key" in data or "signing-key" in data
        }

    def checksums() -> list[str]:
        pods = [item["spec"]["template"] for item in get(installed, "deployments", "-n", NAMESPACE)["items"]]
        return [pod["metadata"]["annotations"]["checksum/signing"] for pod in pods]

    before, old_checksums = keys(), checksums()
    assert len(before) == 2
    install(helm, installed, "webhook.signature=legacy")
    assert keys() == before
    assert checksums() == old_checksums


def test_uninstalling_keeps_the_tasks_and_nothing_else(helm: Path, installed: ControlPlane) -> None:
    task = {
        "apiVersion": "skyvern.io/v1",
        "kind": "SkyvernTask",
        "metadata": {"name": "kept", "namespace": TASKS[0]},
        "spec": {"url": "https://example.com"},
    }
    installed.run_kubectl("create", "-f", "-", input=json.dumps(task))
    call(helm, installed, "uninstall", RELEASE, "--wait", "--timeout", "60s")
    assert installed.run_kubectl("get", "skt", "-n", TASKS[0], "-o", "name").stdout.split() == [
        "skyverntask.skyvern.io/kept"
    ]
    kinds = "deployments,services,serviceaccounts,roles,rolebindings,secrets,configmaps"
    assert owned(installed, kinds) == []
    cluster_wide = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    assert owned(installed, cluster_wide) == []
