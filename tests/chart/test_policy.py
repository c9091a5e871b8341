"""The admission policy on a real API server: a task's pod may report to its own task and nothing else."""

import json
from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from tests.chart.conftest import CHART
from tests.cluster import ControlPlane, Progress, cache_dir
from tests.cluster.base.shell import run
from tests.cluster.programs.helm import helm4

pytestmark = [pytest.mark.contract, pytest.mark.chart]
NAMESPACE = "policy-tasks"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {
        "serviceAccountName": "skyvern-task",
        "automountServiceAccountToken": False,
        "containers": [{"name": "runner", "image": "example.invalid/runner"}],
    },
}


class Reporter:
    """kubectl with the token of one task's pod."""

    def __init__(self, plane: ControlPlane, pod: str, uid: str) -> None:
        self.plane = plane
        self.kubeconfig = plane.kubeconfig_for(NAMESPACE, "skyvern-task", pod=pod, pod_uid=uid)

    def report(self, task: str, status: dict[str, Any]) -> CompletedProcess[str]:
        body = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "metadata": {"name": task}, "status": status}
        return run(
            [
                *(self.plane.kubectl, "--kubeconfig", self.kubeconfig, "-n", NAMESPACE, "apply", "--server-side"),
                *("--validate=false", "--field-manager=skyvern-runner", "--force-conflicts", "--subresource=status"),
                *("-f", "-"),
            ],
            input=json.dumps(body),
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def release(control_plane: ControlPlane, progress: Progress) -> Iterator[ControlPlane]:
    """The chart's policy, roles and CRD, applied without the programs; two tasks with a pod each."""
    kubectl = control_plane.run_kubectl
    kubectl("create", "namespace", NAMESPACE)
    rendered = run(
        [helm4(cache_dir(), progress), "template", "skyvern", CHART, "-n", NAMESPACE, "--set", "apiKeys.create=false"],
        timeout=60,
    ).stdout
    wanted = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ServiceAccount", "Role", "RoleBinding"}
    documents = [d for d in yaml.safe_load_all(rendered) if d]
    crd = [d for d in documents if d["kind"] == "CustomResourceDefinition"]
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(crd))
    kubectl("wait", "--for=condition=Established", "crd/skyverntasks.skyvern.io", "--timeout=30s")
    kubectl("apply", "-f", "-", input=yaml.safe_dump_all([d for d in documents if d["kind"] in wanted]))
    for name in ("mine", "other"):
        make_task(control_plane, name)
    yield control_plane
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    policies = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    kubectl("delete", policies, "-l", "app.kubernetes.io/instance=skyvern")


def uid_of(plane: ControlPlane, pod: str) -> str:
    return plane.run_kubectl("get", "pod", "-n", NAMESPACE, pod, "-o", "jsonpath={.metadata.uid}").stdout


def make_task(plane: ControlPlane, name: str) -> None:
    """A task with a pod that its status names."""
    task = {
        "apiVersion": "skyvern.io/v1",
        "kind": "SkyvernTask",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"url": "https://example.com"},
    }
    plane.run_kubectl("create", "-f", "-", input=json.dumps(task))
    plane.run_kubectl(
        "create", "-n", NAMESPACE, "-f", "-", input=json.dumps(POD | {"metadata": {"name": f"{name}-pod"}})
    )
    record_pod(plane, name)


def record_pod(plane: ControlPlane, task: str, **changes: Any) -> None:
    """What the operator does once it has created the pod; keyword arguments are further fields of status."""
    status = {"podName": f"{task}-pod", "podUID": uid_of(plane, f"{task}-pod"), "phase": "running"} | changes
    body = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "metadata": {"name": task}, "status": status}
    plane.run_kubectl(
        *("apply", "-n", NAMESPACE, "--server-side", "--field-manager=skyvern-operator", "--subresource=status"),
        *("-f", "-"),
        input=json.dumps(body),
    )


@pytest.fixture(scope="module")
def reporter(release: ControlPlane) -> Reporter:
    reporter = Reporter(release, "mine-pod", uid_of(release, "mine-pod"))
    _wait_until_enforced(reporter)
    return reporter


def _wait_until_enforced(reporter: Reporter) -> None:
    """A new policy takes effect within about a second; until then the roles alone would allow this."""
    for _ in range(60):
        if reporter.report("other", {"stepCount": 1}).returncode != 0:
            return
    raise AssertionError("the admission policy was not enforced")


def test_pod_may_report_to_its_own_task(reporter: Reporter) -> None:
    result = reporter.report("mine", {"stepCount": 3, "currentUrl": "https://example.com/a"})
    assert result.returncode == 0, result.stderr


def test_pod_may_not_report_to_another_task(reporter: Reporter) -> None:
    result = reporter.report("other", {"stepCount": 3})
    assert result.returncode != 0
    assert "may report only to its own task" in result.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [("phase", "completed"), ("podName", "x"), ("failureReason", "x"), ("webhook", {"state": "Delivered"})],
)
def test_pod_may_not_write_the_operators_fields(reporter: Reporter, field: str, value: object) -> None:
    result = reporter.report("mine", {"stepCount": 3, field: value})
    assert result.returncode != 0
    assert f"status.{field} belongs to the operator" in result.stderr


def test_token_that_is_not_bound_to_a_pod_may_not_report(release: ControlPlane, reporter: Reporter) -> None:
    unbound = Reporter.__new__(Reporter)
    unbound.plane = release
    unbound.kubeconfig = release.kubeconfig_for(NAMESPACE, "skyvern-task")
    result = unbound.report("mine", {"stepCount": 3})
    assert result.returncode != 0
    assert "may report only to its own task" in result.stderr


def test_agent_whose_pod_is_given_up_may_not_begin(release: ControlPlane, reporter: Reporter) -> None:
    """One that has begun may report to the end, and after it."""
    make_task(release, "late")
    late = Reporter(release, "late-pod", uid_of(release, "late-pod"))
    since = "2026-01-01T00:00:00.000000Z"
    told = {"type": "Stopping", "status": "True", "reason": "Suspended", "message": "", "lastTransitionTime": since}
    report = {"stepCount": 0, "lastHeartbeat": since}
    record_pod(release, "late", conditions=[told])
    result = late.report("late", report)
    assert "so its agent may not begin" in result.stderr
    record_pod(release, "late")
    assert late.report("late", report).returncode == 0
    record_pod(release, "late", phase="canceled", conditions=[told])
    assert late.report("late", {**report, "stepCount": 1}).returncode == 0
    assert "cannot be taken back" in late.report("late", {"stepCount": 1}).stderr
    record_pod(release, "other", phase="timed_out")
    other = Reporter(release, "other-pod", uid_of(release, "other-pod"))
    assert "so its agent may not begin" in other.report("other", report).stderr


@pytest.mark.parametrize("verb", ["get", "list", "watch", "delete", "create"])
def test_pod_may_do_nothing_but_report(release: ControlPlane, reporter: Reporter, verb: str) -> None:
    answer = run(
        [release.kubectl, "--kubeconfig", reporter.kubeconfig, "auth", "can-i", verb, "skyverntasks", "-n", NAMESPACE],
        timeout=60,
        check=False,
    )
    assert answer.stdout.strip() == "no"
