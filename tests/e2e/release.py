"""The release that end-to-end tests and benchmarks use: that of `make demo`, with a separate task namespace."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.cluster import Cluster, Progress
from tests.cluster.images.build import Image
from tests.cluster.release.install import (
    CHART_IMAGES,
    LOCAL_SITES,
    Release,
    api_key,
    ensure_namespace,
    install_reachable,
    prepare_images,
)
from tests.cluster.release.scripted import SCRIPTED_MODEL, ScriptedServers, deploy

NAMESPACE = "skyvern-e2e"
ABSENT_IMAGE = "127.0.0.1:1/skyvern/absent:none"
"""In a registry that refuses connections."""
WANTED = Release(
    task_namespaces=("default", NAMESPACE),
    model=SCRIPTED_MODEL,
    # A server whose certificate no browser knows, besides the site.
    values={"tasks": {"webAccess": {"allowPrivateHosts": [*LOCAL_SITES, "kubernetes.default.svc:443"]}}},
    sets=(
        f"apiKeys.namespace={NAMESPACE}",
        "operator.config.gracePeriods.imagePullSeconds=2",
        "operator.config.webhook.schedule={0.5,1,2}",
        f"operator.config.profiles.absent-image.images.browser={ABSENT_IMAGE}",
        f"operator.config.profiles.absent-image.images.runner={ABSENT_IMAGE}",
    ),
)


@dataclass(frozen=True)
class Installed:
    """The result of an installation."""

    release: Release
    servers: ScriptedServers
    images: Mapping[str, Image]
    api_key: str


def install_for_tests(cluster: Cluster, progress: Progress) -> Installed:
    """Build and load what has changed, install the release, and remove the tasks of earlier runs."""
    images = prepare_images(cluster, progress, (*CHART_IMAGES, "scripted"))
    servers = deploy(cluster, images["scripted"], progress)
    for namespace in (NAMESPACE, WANTED.namespace):
        ensure_namespace(cluster, namespace)
        cluster.run_kubectl(
            "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite"
        )
    release = install_reachable(cluster, images, progress, WANTED)
    with progress.step("remove the tasks of earlier runs"):
        cluster.run_kubectl("delete", "skt", "--all", "--namespace", NAMESPACE, "--timeout=60s")
    return Installed(release, servers, images, api_key(cluster, release))
