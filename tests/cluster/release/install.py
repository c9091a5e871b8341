"""Install the chart into a cluster, with images built from this tree."""

import argparse
import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run
from tests.cluster.cluster import Cluster, current, up
from tests.cluster.images.build import Image, build_images

CHART = Path(__file__).parents[3] / "charts" / "skyvern-operator"
CHART_IMAGES = ("browser", "runner", "operator", "apiserver")
READY_SECONDS = 180
SERVICE_PORT = 80
LOCAL_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
"""Receivers of webhooks in a local cluster, or beside it on this machine."""
LOCAL_SITES = ("*.skyvern-demo.svc",)
"""The site of demo and tests: within the cluster, where tasks may not go otherwise."""


@dataclass(frozen=True)
class ModelSettings:
    """Which language model the tasks use."""

    api_key: str = field(default="", repr=False)
    base_url: str = ""
    name: str = ""


@dataclass(frozen=True)
class Release:
    """What is installed and how.

    `values` are further values of the chart; `sets` are further `--set` arguments for Helm, and win over all others.
    """

    name: str = "skyvern"
    namespace: str = "skyvern-system"
    task_namespaces: tuple[str, ...] = ("default",)
    model: ModelSettings = ModelSettings()
    public_url: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    sets: tuple[str, ...] = ()

    @property
    def fullname(self) -> str:
        """Prefix of the names of the release's objects."""
        return self.name if "skyvern" in self.name else f"{self.name}-skyvern-operator"

    @property
    def apiserver(self) -> str:
        """Name of the Service of the Tasks API."""
        return f"{self.fullname}-apiserver"

    @property
    def api_key_secret(self) -> str:
        """Name of the Secret with the API key that the chart makes."""
        return f"{self.fullname}-api-key"


DEFAULT_RELEASE = Release()


def model_from_environment(environ: Mapping[str, str] = os.environ) -> ModelSettings | None:
    """Return the model of OPENAI_API_KEY, OPENAI_BASE_URL and SKYVERN_MODEL; None if the first two are not set."""
    key, base_url = environ.get("OPENAI_API_KEY", ""), environ.get("OPENAI_BASE_URL", "")
    if not key and not base_url:
        return None
    return ModelSettings(key or "not-needed", base_url, environ.get("SKYVERN_MODEL", ""))


def chart_values(cluster: Cluster, images: Mapping[str, Image], release: Release) -> dict[str, Any]:
    """Return the chart's values that fit a cluster and images."""
    fitting = {
        "artifacts": {"storage": "pvc" if cluster.storage_class else "emptyDir"},
        "tasks": {
            "namespaces": list(release.task_namespaces),
            "sandbox": {"seccompProfile": cluster.seccomp_profile or ""},
            "webAccess": {"allowPrivateHosts": list(LOCAL_SITES)},
        },
        "apiserver": {"publicUrl": release.public_url},
        "webhook": {"allowedNetworks": list(LOCAL_NETWORKS)},
        "model": {
            "apiKey": release.model.api_key,
            "baseUrl": release.model.base_url,
            "name": release.model.name,
        },
        "images": image_values({name: images[name] for name in CHART_IMAGES if name in images}),
    }
    return merged(fitting, release.values)


def merged(values: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with those of `over` laid over them, map by map."""
    both = dict(values)
    for name, value in over.items():
        below = both.get(name)
        both[name] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return both


def image_values(images: Mapping[str, Image]) -> dict[str, Any]:
    """Return the chart's values for images by their whole names; none, so the chart's own, when there are no images."""
    values: dict[str, Any] = {"registry": ""} if images else {}
    for name, image in images.items():
        repository, _, tag = image.reference.rpartition(":")
        values[name] = {"repository": repository, "tag": tag}
    return values


def helm_command(cluster: Cluster, release: Release, *, wait: bool) -> list[str | Path]:
    """Return the command that installs or upgrades the release; it reads the values from its standard input."""
    command: list[str | Path] = [cluster.helm, "--kubeconfig", cluster.kubeconfig, "upgrade", "--install"]
    command += [release.name, CHART, "--namespace", release.namespace, "--create-namespace", "--values", "-"]
    for assignment in release.sets:
        command += ["--set", assignment]
    return [*command, "--wait", "--timeout", f"{READY_SECONDS}s"] if wait else command


def install(
    cluster: Cluster,
    images: Mapping[str, Image],
    progress: Progress,
    release: Release = DEFAULT_RELEASE,
    *,
    wait: bool = True,
) -> Release:
    """Install or upgrade the release and, with `wait`, return when its pods are ready.

    Raises SetupError, with the state of the pods, when they are not ready within three minutes.
    """
    title = f"install the chart as {release.name} in {release.namespace}"
    with progress.step(title if wait else f"{title}, without waiting"):
        for namespace in release.task_namespaces:
            ensure_namespace(cluster, namespace)
        values = json.dumps(chart_values(cluster, images, release))
        try:
            run(helm_command(cluster, release, wait=wait), timeout=READY_SECONDS + 60, input=values)
        except SetupError as error:
            raise SetupError(error.problem, pods_of(cluster, release.namespace)) from error
    return release


def install_reachable(
    cluster: Cluster, images: Mapping[str, Image], progress: Progress, release: Release = DEFAULT_RELEASE
) -> Release:
    """Install the release so that it, and the links it makes, can be reached on this machine's loopback."""
    if cluster.kind != "node":
        # A port-forward ends with its pod, so it comes last, and links keep the Service's name.
        install(cluster, images, progress, release)
        return replace(release, public_url=cluster.expose(release.namespace, release.apiserver, SERVICE_PORT))
    # The Service must exist to be exposed, and its address is a value of the chart. On a second run it exists, so
    # nothing changes or restarts, and the links of earlier tasks keep working.
    if not exists(cluster, release.namespace, "service", release.apiserver):
        install(cluster, images, progress, release, wait=False)
    url = cluster.expose(release.namespace, release.apiserver, SERVICE_PORT)
    return install(cluster, images, progress, replace(release, public_url=url))


def install_tree(cluster: Cluster, progress: Progress, *, sets: Sequence[str] = (), build: bool = True) -> None:
    """Install this tree with the environment's model; without `build`, with the images that the values name."""
    images = prepare_images(cluster, progress, CHART_IMAGES) if build else {}
    model = model_from_environment() or ModelSettings()
    release = install(cluster, images, progress, Release(model=model, sets=tuple(sets)))
    note = "tasks live in namespace default: kubectl apply a SkyvernTask, then `kubectl get skt`"
    progress.note(note if release.model.api_key else f"{note}; no model is set (OPENAI_API_KEY), so they will fail")


def exists(cluster: Cluster, namespace: str, kind: str, name: str) -> bool:
    """Return whether an object exists."""
    return cluster.run_kubectl("get", kind, name, "--namespace", namespace, check=False).returncode == 0


def ensure_namespace(cluster: Cluster, name: str) -> None:
    """Create a namespace unless it exists."""
    if cluster.run_kubectl("get", "namespace", name, check=False).returncode != 0:
        cluster.run_kubectl("create", "namespace", name)


def api_key(cluster: Cluster, release: Release) -> str:
    """Return the API key of the Tasks API that the chart has made."""
    answer = cluster.run_kubectl(
        "get", "secret", release.api_key_secret, "--namespace", release.namespace, "-o", "jsonpath={.data.key}"
    )
    return base64.b64decode(answer.stdout).decode()


def pods_of(cluster: Cluster, namespace: str) -> str:
    """Return the pods of a namespace and its latest events, for an error message."""
    pods = cluster.run_kubectl("get", "pods", "--namespace", namespace, "-o", "wide", check=False)
    events = cluster.run_kubectl("get", "events", "--namespace", namespace, "--sort-by=.lastTimestamp", check=False)
    newest = "\n".join(events.stdout.splitlines()[-15:])
    return f"pods in {namespace}:\n{pods.stdout or pods.stderr}\nlatest events:\n{newest}"


def prepare_images(
    cluster: Cluster, progress: Progress, only: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, Image]:
    """Build images and put them on the cluster's nodes.

    If SKYVERN_REGISTRY is set, they only get the names by which nodes pull them from there: the user pushes them.
    Raises SetupError for a cluster of KUBECONFIG without a registry, since its nodes cannot be reached.
    """
    registry = environ.get("SKYVERN_REGISTRY", "").rstrip("/")
    if cluster.kind == "kubeconfig" and not registry:
        raise SetupError(
            "images cannot be put on the nodes of the cluster that KUBECONFIG names",
            "push what `make images` lists to a registry that its nodes pull from and set SKYVERN_REGISTRY to its name "
            "(for example registry.example.com/team); or unset KUBECONFIG to use a local cluster",
        )
    images = build_images(progress, only)
    if registry:
        return {name: in_registry(image, registry) for name, image in images.items()}
    with progress.step("load the images"):
        cluster.load_images([image.archive for image in images.values()])
    return images


def in_registry(image: Image, registry: str) -> Image:
    """Return the image under its name in a registry."""
    return replace(image, reference=f"{registry}/{image.reference.rpartition('/')[2]}")


def remove(cluster: Cluster, progress: Progress, release: Release = DEFAULT_RELEASE) -> None:
    """Uninstall the release; the CRD and the tasks stay, as the chart keeps them."""
    command: list[str | Path] = [cluster.helm, "--kubeconfig", cluster.kubeconfig, "uninstall", release.name]
    command += ["--namespace", release.namespace, "--ignore-not-found", "--wait", "--timeout", "120s"]
    with progress.step(f"uninstall {release.name} from {release.namespace}"):
        run(command, timeout=180)


def main(argv: Sequence[str]) -> int:
    """`python -m tests.cluster install [--set k=v ...]`."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster install", description="Install the chart.")
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="K=V", help="a value, as for Helm")
    parser.add_argument("--no-images", action="store_true", help="use the images that the values name; build none")
    options = parser.parse_args(argv)
    progress = Progress()
    install_tree(up(progress), progress, sets=options.sets, build=not options.no_images)
    return 0


def uninstall(argv: Sequence[str]) -> int:
    """`python -m tests.cluster uninstall`."""
    argparse.ArgumentParser(prog="python -m tests.cluster uninstall", description="Remove the release.").parse_args(
        argv
    )
    cluster = current()
    if cluster is None:
        raise SetupError("no cluster is up", "there is nothing to uninstall")
    remove(cluster, Progress())
    return 0
