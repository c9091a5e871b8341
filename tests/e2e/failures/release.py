"""A release of its own for failures, so that what is broken here is nobody else's: tiny pods, short grace periods."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from skyvern_crds.client import ClusterClient
from tests.cluster import Cluster, Progress
from tests.cluster.base.shell import wait_until
from tests.cluster.control_plane.pki import Identity, Pki, encoded
from tests.cluster.images.build import Image
from tests.cluster.release.install import CHART_IMAGES, Release, install, prepare_images, remove
from tests.cluster.release.scripted import SCRIPTED_MODEL, deploy
from tests.e2e.failures.row import Scene
from tests.e2e.release import ABSENT_IMAGE

HERE: Final = Path(__file__).parent
OBSTACLES: Final = HERE / "obstacles.yaml"
NAMESPACE: Final = "skyvern-failures"
QUOTA_NAMESPACE: Final = "skyvern-failures-quota"
BARE_NAMESPACE: Final = "skyvern-failures-bare"
"""Its service account is deleted."""
DOOMED_NAMESPACE: Final = "skyvern-failures-doomed"
"""It is deleted while tasks run in it."""
SEAT: Final = "skyvern.io/test-seat"
"""An extended resource of the node, of which there is one: who needs it can be preempted without harm to others."""
LOW: Final = "skyvern-failures-low"
HIGH: Final = "skyvern-failures-high"
CONFIG_ERROR_SECONDS: Final = 8
IMAGE_PULL_SECONDS: Final = 4
NONE: Final[Mapping[str, str]] = {}


def _resources(
    *, browser: Mapping[str, str] = NONE, runner: Mapping[str, str] = NONE, requests: Mapping[str, str] = NONE
) -> dict[str, Any]:
    """Resources of a pod with small requests, and with these limits, and requests of the browser."""
    small = {"cpu": "10m", "memory": "32Mi"}
    return {
        "browser": {"requests": {**small, **requests}, "limits": {"memory": "1Gi", **browser}},
        "runner": {"requests": small, "limits": {"memory": "512Mi", **runner}},
    }


def _unreachable(seconds: int) -> list[dict[str, Any]]:
    keys = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    return [{"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds} for key in keys]


PROFILES: Final[dict[str, Any]] = {
    "tight-browser": {"resources": _resources(browser={"memory": "72Mi"})},
    "tight-runner": {"resources": _resources(runner={"memory": "40Mi"})},
    "little-disk": {"resources": _resources(browser={"ephemeral-storage": "2Mi"})},
    "absent-image": {"images": {"browser": ABSENT_IMAGE, "runner": ABSENT_IMAGE}},
    "too-large": {"resources": _resources(requests={"cpu": "1000"})},
    "seated": {"resources": _resources(browser={SEAT: "1"}, requests={SEAT: "1"}), "priorityClassName": LOW},
    "absent-priority": {"priorityClassName": "skyvern-absent"},
    "absent-runtime": {"runtimeClassName": "skyvern-absent"},
    "gated": {},
    "denied": {},
    "unasked": {},
    "refused": {},
    "impatient": {"tolerations": _unreachable(5)},
    "patient": {"tolerations": _unreachable(60)},
}
WANTED: Final = Release(
    name="skyvern-failures",
    namespace="skyvern-failures-system",
    task_namespaces=(NAMESPACE, QUOTA_NAMESPACE, BARE_NAMESPACE, DOOMED_NAMESPACE),
    model=SCRIPTED_MODEL,
    values={
        "crds": {"enabled": False},
        "tasks": {"resources": _resources(), "endedPodSeconds": 120},
        "operator": {
            "resources": {"requests": {"cpu": "10m"}},
            "config": {
                "gracePeriods": {
                    "imagePullSeconds": IMAGE_PULL_SECONDS,
                    "configErrorSeconds": CONFIG_ERROR_SECONDS,
                    "quotaRetrySeconds": 1,
                    "lostNodeSeconds": 5,
                    "infraBackoffSeconds": 5,
                },
                "profiles": PROFILES,
            },
        },
        "apiserver": {"resources": {"requests": {"cpu": "10m"}}},
    },
)


@asynccontextmanager
async def scene(cluster: Cluster, progress: Progress) -> AsyncIterator[Scene]:
    """The release and all that stands in the way of its tasks; nothing of it is left afterwards."""
    images = prepare_images(cluster, progress, (*CHART_IMAGES, "scripted"))
    deploy(cluster, images["scripted"], progress)
    _clear(cluster, progress)
    try:
        release = install(cluster, images, progress, WANTED)
        with progress.step("set up what stands in the way"):
            _set_up(cluster, images["scripted"])
        async with await ClusterClient.connect(str(cluster.kubeconfig)) as client:
            yield Scene(cluster, client, release, NAMESPACE)
    finally:
        _clear(cluster, progress)


def _set_up(cluster: Cluster, scripted: Image) -> None:
    with TemporaryDirectory() as folder:
        pki = Pki(Path(folder) / "pki")
        pki.create()
        pki.issue(Identity("denier", "denier", alternatives=(f"DNS:denier.{NAMESPACE}.svc",)))
        tls = ("--cert", str(pki.cert("denier")), "--key", str(pki.key("denier")))
        cluster.run_kubectl("create", "secret", "tls", "denier", "-n", NAMESPACE, *tls)
        authority = encoded(pki.ca)
    cluster.run_kubectl("create", "configmap", "denier", "-n", NAMESPACE, f"--from-file={HERE / 'denier.py'}")
    documents = list(yaml.safe_load_all(OBSTACLES.read_text()))
    for document in documents:
        if document["metadata"]["name"] == "skyvern-failures-refused":
            document["webhooks"][0]["clientConfig"]["caBundle"] = authority
        if document["kind"] == "Pod":
            document["spec"]["containers"][0]["image"] = scripted.reference
    cluster.run_kubectl("apply", "-f", "-", input=yaml.safe_dump_all(documents))
    cluster.run_kubectl("wait", "-n", NAMESPACE, "pod/denier", "--for=condition=Ready", "--timeout=280s")
    seats = [{"op": "add", "path": f"/status/capacity/{SEAT.replace('/', '~1')}", "value": "1"}]
    for name, word in (
        ("denied-probe", "cost-center"),
        ("gated-probe", "schedulingGates"),
        ("refused-probe", "signed"),
    ):
        _await_obstacle(cluster, name, word)
    node = _node(cluster)
    cluster.run_kubectl("patch", node, "--subresource=status", "--type=json", "-p", json.dumps(seats))


def _await_obstacle(cluster: Cluster, name: str, word: str) -> None:
    """Return when a pod of this name is met by what stands in its way."""
    probe = ("run", name, "-n", NAMESPACE, "--image", "example.test/none", "--dry-run=server", "-o", "yaml")

    def met() -> bool:
        answer = cluster.run_kubectl(*probe, check=False)
        return word in answer.stdout + answer.stderr

    wait_until(met, timeout=120, what=f"the obstacle of {name}")


def _clear(cluster: Cluster, progress: Progress) -> None:
    """Remove the release, its namespaces, and what `_set_up` has made for the whole cluster."""
    cluster.run_kubectl("delete", "-f", str(OBSTACLES), "--ignore-not-found", "--wait=false")
    remove(cluster, progress, WANTED)
    names = (*WANTED.task_namespaces, WANTED.namespace)
    cluster.run_kubectl("delete", "namespace", *names, "--ignore-not-found", "--timeout=280s")
    key = SEAT.replace("/", "~1")
    for place in ("capacity", "allocatable"):
        seats = [{"op": "remove", "path": f"/status/{place}/{key}"}]
        args = ("--subresource=status", "--type=json", "-p", json.dumps(seats))
        cluster.run_kubectl("patch", _node(cluster), *args, check=False)  # there may be none


def _node(cluster: Cluster) -> str:
    """The node that has the seat."""
    return cluster.run_kubectl("get", "nodes", "-o", "name").stdout.split()[0]
