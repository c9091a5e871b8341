"""The control plane alone: real tokens, several at once, nothing left behind, pods of tasks that end."""

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.runner_contract import parse_termination
from skyvern_crds.vocabulary import Phase
from tests.cluster import ControlPlane, Progress, cache_dir
from tests.cluster import control_plane as run_control_plane
from tests.cluster.base.processes import Daemon, Daemons
from tests.cluster.base.shell import wait_until
from tests.cluster.control_plane.kwok import EXIT_ANNOTATION, MESSAGE_ANNOTATION

pytestmark = pytest.mark.contract

TREE = Path(__file__).parents[3]
HOLDER = """
import signal, sys, time
# A shell that starts a job in the background has it ignore interrupts; one in a terminal does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.cluster import Progress, control_plane
with control_plane(Progress(lambda _: None, live=False)) as plane:
    print(plane.directory, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def own_plane(progress: Progress) -> Any:
    with run_control_plane(progress) as plane:
        yield plane


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def pod(name: str, annotations: dict[str, str] | None = None, owner: dict[str, str] | None = None) -> str:
    metadata: dict[str, Any] = {"name": name, "annotations": annotations or {}}
    if owner:
        metadata["ownerReferences"] = [owner]
    spec = {
        "restartPolicy": "Never",
        "initContainers": [{"name": "browser", "image": "none", "restartPolicy": "Always"}],
        "containers": [{"name": "runner", "image": "none"}],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def test_admin_may_do_everything(control_plane: ControlPlane) -> None:
    assert control_plane.run_kubectl("auth", "can-i", "*", "*", "--all-namespaces").stdout.strip() == "yes"


def test_token_can_be_for_an_audience_and_bound_to_a_pod(control_plane: ControlPlane) -> None:
    control_plane.run_kubectl("apply", "-f", "-", input=pod("bound"))
    uid = control_plane.run_kubectl("get", "pod", "bound", "-o", "jsonpath={.metadata.uid}").stdout
    token = control_plane.token_for("default", "default", audience="some-audience", pod="bound", pod_uid=uid)
    body = claims(token)
    assert body["aud"] == ["some-audience"]
    assert body["kubernetes.io"]["pod"] == {"name": "bound", "uid": uid}
    control_plane.run_kubectl("delete", "pod", "bound", "--now")


def test_kubeconfig_of_a_service_account_acts_as_it(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.kubeconfig_for("default", "default")
    who = control_plane.run_kubectl("--kubeconfig", str(kubeconfig), "auth", "whoami", "-o", "json").stdout
    assert json.loads(who)["status"]["userInfo"]["username"] == "system:serviceaccount:default:default"


def test_kubeconfig_of_a_user_acts_as_it(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.kubeconfig_as("someone", "a-group")
    who = control_plane.run_kubectl("--kubeconfig", str(kubeconfig), "auth", "whoami", "-o", "json").stdout
    info = json.loads(who)["status"]["userInfo"]
    assert (info["username"], info["groups"]) == ("someone", ["a-group", "system:authenticated"])


def test_admission_policies_are_served(control_plane: ControlPlane) -> None:
    listed = control_plane.run_kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name").stdout
    assert "validatingadmissionpolicies.admissionregistration.k8s.io" in listed.split()


def test_pod_security_is_enforced(control_plane: ControlPlane) -> None:
    control_plane.run_kubectl("create", "namespace", "strict")
    control_plane.run_kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
    refused = control_plane.run_kubectl("apply", "-n", "strict", "-f", "-", input=pod("loose"), check=False)
    assert 'violates PodSecurity "restricted' in refused.stderr
    control_plane.run_kubectl("delete", "namespace", "strict", "--wait=false")


def test_two_control_planes_run_side_by_side(control_plane: ControlPlane, own_plane: ControlPlane) -> None:
    own_plane.run_kubectl("create", "namespace", "only-here")
    assert own_plane.url != control_plane.url
    assert control_plane.run_kubectl("get", "namespace", "only-here", check=False).returncode != 0


def _start_holder() -> tuple[subprocess.Popen[str], Path, list[Daemon]]:
    """A process that holds a control plane open, its directory, and the daemons it has started."""
    child = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=TREE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    directory = Path(child.stdout.readline().strip())
    daemons = Daemons(directory).recorded()
    assert len(daemons) == 3
    assert all(daemon.alive for daemon in daemons)
    return child, directory, daemons


def test_interrupted_control_plane_leaves_nothing() -> None:
    child, directory, daemons = _start_holder()
    child.send_signal(signal.SIGINT)
    child.wait(60)
    assert not directory.exists()
    assert not any(daemon.alive for daemon in daemons)


def test_what_a_killed_process_leaves_is_removed_by_the_next(progress: Progress) -> None:
    child, directory, daemons = _start_holder()
    child.kill()
    child.wait(60)
    assert all(daemon.alive for daemon in daemons)
    with run_control_plane(progress):
        assert not directory.exists()
    assert not any(daemon.alive for daemon in daemons)
    assert directory.parent == cache_dir() / "control-planes"


def test_pods_of_tasks_end_on_simulated_nodes_as_annotated(own_plane: ControlPlane) -> None:
    own_plane.add_kwok_nodes(2)
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "skyverntasks.skyvern.io"},
        "spec": {
            "group": "skyvern.io",
            "scope": "Namespaced",
            "names": {"plural": "skyverntasks", "kind": "SkyvernTask"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    own_plane.run_kubectl("apply", "-f", "-", input=json.dumps(definition))
    own_plane.run_kubectl("wait", "--for=condition=Established", "crd/skyverntasks.skyvern.io", "--timeout=30s")
    task = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "metadata": {"name": "owner"}}
    own_plane.run_kubectl("apply", "-f", "-", input=json.dumps(task))
    uid = own_plane.run_kubectl("get", "skyverntask", "owner", "-o", "jsonpath={.metadata.uid}").stdout
    owner = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "name": "owner", "uid": uid}
    annotations = {EXIT_ANNOTATION: "3", MESSAGE_ANNOTATION: 'said "no"'}
    for text in (pod("as-default", owner=owner), pod("annotated", annotations, owner), pod("not-a-task")):
        own_plane.run_kubectl("apply", "-f", "-", input=text)
    ended: dict[str, Any] = {}

    def both_ended() -> bool:
        items = json.loads(own_plane.run_kubectl("get", "pods", "-o", "json").stdout)["items"]
        ended.update({item["metadata"]["name"]: item["status"] for item in items})
        return [ended[name]["phase"] for name in ("as-default", "annotated")] == ["Succeeded", "Failed"]

    wait_until(both_ended, timeout=60, what="the end of both pods", interval=0.2)
    default = ended["as-default"]["containerStatuses"][0]["state"]["terminated"]
    record = parse_termination(default["message"])
    assert record is not None
    assert (default["exitCode"], record.outcome) == (0, Phase.COMPLETED)
    annotated = ended["annotated"]["containerStatuses"][0]["state"]["terminated"]
    assert (annotated["exitCode"], annotated["message"]) == (3, 'said "no"')
    assert ended["not-a-task"]["phase"] in ("Pending", "Running")
