"""Install the chart into a cluster, with images built from this tree."""

import argparse
import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.cluster.cluster import Cluster, current, up
from tests.cluster.errors import SetupError
from tests.cluster.images import Image, build_images
from tests.cluster.progress import Progress
from tests.cluster.shell import run

CHART = Path(__file__).parents[2] / "charts" / "skyvern-operator"
CHART_IMAGES = ("browser", "runner", "operator", "apiserver")
READY_SECONDS = 180


@dataclass(frozen=True)
class ModelSettings:
    """Which language model the tasks use."""

    api_key: str = field(default="", repr=False)
    base_url: str = ""
    name: str = ""


@dataclass(frozen=True)
class Release:
    """What is installed and how; `sets` are further `--set` arguments for Helm and win over the rest."""

    name: str = "skyvern"
    namespace: str = "skyvern-system"
    task_namespaces: tuple[str, ...] = ("default",)
    model: ModelSettings = ModelSettings()
    public_url: str = ""
    allow_private_hosts: tuple[str, ...] = ()
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


def model_from_environment(environ: Mapping[str, str] = os.environ) -> ModelSettings | None:
    """Return the model that OPENAI_API_KEY, OPENAI_BASE_URL and SKYVERN_MODEL name, None when neither of the first two
    is set."""
    key, base_url = environ.get("OPENAI_API_KEY", ""), environ.get("OPENAI_BASE_URL", "")
    if not key and not base_url:
        return None
    return ModelSettings(key or "not-needed", base_url, environ.get("SKYVERN_MODEL", ""))


def chart_values(cluster: Cluster, images: Mapping[str, Image], release: Release) -> dict[str, str]:
    """Return the chart's values that fit a cluster and images, by their path."""
    values = {
        "artifacts.storage": "pvc" if cluster.storage_class else "emptyDir",
        "tasks.sandbox.seccompProfile": cluster.seccomp_profile or "",
        "apiserver.publicUrl": release.public_url,
        "model.apiKey": release.model.api_key,
        "model.baseUrl": release.model.base_url,
        "model.name": release.model.name,
    }
    for position, namespace in enumerate(release.task_namespaces):
        values[f"tasks.namespaces[{position}]"] = namespace
    for position, host in enumerate(release.allow_private_hosts):
        values[f"tasks.allowPrivateHosts[{position}]"] = host
    for name in CHART_IMAGES:
        if name in images:
            repository, _, tag = images[name].reference.rpartition(":")
            values[f"images.{name}.repository"] = repository
            values[f"images.{name}.tag"] = tag
    return values


def helm_command(cluster: Cluster, release: Release, values: Mapping[str, str], *, wait: bool) -> list[str | Path]:
    """Return the command that installs or upgrades the release."""
    command: list[str | Path] = [cluster.helm, "--kubeconfig", cluster.kubeconfig, "upgrade", "--install"]
    command += [release.name, CHART, "--namespace", release.namespace, "--create-namespace"]
    for path, value in values.items():
        # A comma separates assignments for Helm; --set-string keeps tags such as 1e3 from becoming numbers.
        command += ["--set-string", f"{path}={value.replace(',', chr(92) + ',')}"]
    for assignment in release.sets:
        command += ["--set", assignment]
    if wait:
        command += ["--wait", "--timeout", f"{READY_SECONDS}s"]
    return command


def install(
    cluster: Cluster, images: Mapping[str, Image], progress: Progress, release: Release = Release(), *, wait: bool = True
) -> Release:
    """Install or upgrade the release and, with `wait`, return when its pods are ready.

    Raises SetupError, with the state of the pods, when they are not within three minutes.
    """
    values = chart_values(cluster, images, release)
    with progress.step(f"install the chart as {release.name} in {release.namespace}" if wait else "apply the chart"):
        for namespace in release.task_namespaces:
            ensure_namespace(cluster, namespace)
        try:
            run(helm_command(cluster, release, values, wait=wait), timeout=READY_SECONDS + 60)
        except SetupError as error:
            raise SetupError(error.problem, f"{pods_of(cluster, release.namespace)}\n{error.remedy}".strip()) from error
    return release


def install_reachable(
    cluster: Cluster, images: Mapping[str, Image], progress: Progress, release: Release = Release()
) -> Release:
    """Install the release so that the links it makes work on this machine; its public_url is a loopback address."""
    # The Service must exist before it can be exposed, and the address must be known before the pods start to matter:
    # so the chart is applied twice and waited for once.
    install(cluster, images, progress, release, wait=cluster.kind != "node")
    url = cluster.expose(release.namespace, release.apiserver, 80)
    if cluster.kind == "node":
        return install(cluster, images, progress, replace(release, public_url=url))
    # kubectl's forward ends with the pod it leads to, so there the links are made for the Service and read through it.
    return replace(release, public_url=url)


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


def prepare_images(cluster: Cluster, progress: Progress, only: Sequence[str] | None = None) -> dict[str, Image]:
    """Build images and put them on the cluster's nodes."""
    images = build_images(progress, only)
    with progress.step("load the images"):
        cluster.load_images([image.archive for image in images.values()])
    return images


def remove(cluster: Cluster, progress: Progress, release: Release = Release()) -> None:
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
    cluster = up(progress)
    images = {} if options.no_images else prepare_images(cluster, progress, CHART_IMAGES)
    model = model_from_environment() or ModelSettings()
    release = install(cluster, images, progress, Release(model=model, sets=tuple(options.sets)))
    note = "tasks live in namespace default: kubectl apply a SkyvernTask, then `kubectl get skt`"
    progress.note(note if release.model.api_key else f"{note}; no model is set (OPENAI_API_KEY), so they will fail")
    return 0


def uninstall(argv: Sequence[str]) -> int:
    """`python -m tests.cluster uninstall`."""
    argparse.ArgumentParser(prog="python -m tests.cluster uninstall", description="Remove the release.").parse_args(argv)
    cluster = current()
    if cluster is None:
        raise SetupError("no cluster is up", "there is nothing to uninstall")
    remove(cluster, Progress())
    return 0
