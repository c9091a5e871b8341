"""The job-application site and the scripted model as pods of a cluster."""

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.cluster import Cluster
from tests.cluster.images.build import Image
from tests.cluster.release.install import ModelSettings, pods_of

MANIFEST = Path(__file__).parents[2] / "e2e" / "scripted.yaml"
IMAGE = "skyvern-scripted"
NAMESPACE = "skyvern-demo"
SITE_HOST = f"site.{NAMESPACE}.svc"
READY_SECONDS = 90
SCRIPTED_MODEL = ModelSettings("scripted-key", f"http://scripted-model.{NAMESPACE}.svc:8091/v1", "scripted-1")


@dataclass(frozen=True)
class ScriptedServers:
    """The two servers, as reached from this machine."""

    site: str
    model: str

    def applications(self) -> list[dict[str, Any]]:
        """Return what the site has recorded, oldest first."""
        recorded: list[dict[str, Any]] = get_json(f"{self.site}/applications.json")
        return recorded


def get_json(url: str, headers: dict[str, str] | None = None) -> Any:
    """Return the JSON of a URL. Raises OSError when it does not answer within ten seconds or with an error."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
        return json.load(answer)


def deploy(cluster: Cluster, image: Image, progress: Progress) -> ScriptedServers:
    """Start both servers and return when they answer. Raises SetupError when they are not ready within 90 s."""
    with progress.step("start the job-application site and the scripted model"):
        cluster.run_kubectl("apply", "-f", "-", input=manifest(image))
        try:
            for name in ("site", "scripted-model"):
                cluster.run_kubectl(
                    "rollout", "status", f"deployment/{name}", "-n", NAMESPACE, f"--timeout={READY_SECONDS}s"
                )
        except SetupError as error:
            raise SetupError(error.problem, pods_of(cluster, NAMESPACE)) from error
    return ScriptedServers(
        site=cluster.expose(NAMESPACE, "site", 8090), model=cluster.expose(NAMESPACE, "scripted-model", 8091)
    )


def manifest(image: Image) -> str:
    """Return the manifest with this tree's image filled in."""
    documents = list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))
    for document in documents:
        if document["kind"] == "Deployment":
            for container in document["spec"]["template"]["spec"]["containers"]:
                assert container["image"] == IMAGE, f"{MANIFEST}: {container['image']} is not {IMAGE}"
                container["image"] = image.reference
    return yaml.safe_dump_all(documents)
