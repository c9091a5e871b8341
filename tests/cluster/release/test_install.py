"""The chart's values that fit a cluster, and the manifests beside them."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from skyvern_crds.spec import SkyvernTaskSpec
from tests.cluster.backends import BareNode
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.cluster import Cluster
from tests.cluster.images.build import Image
from tests.cluster.release.demo import TASK
from tests.cluster.release.install import (
    CHART,
    CHART_IMAGES,
    ModelSettings,
    Release,
    chart_values,
    helm_command,
    in_registry,
    model_from_environment,
    prepare_images,
)
from tests.cluster.release.scripted import MANIFEST, SCRIPTED_MODEL, SITE_HOST, manifest

SECRET = ModelSettings("sk-secret", "https://models.example.com/v1", "some-model")


def image(name: str) -> Image:
    return Image(
        name=name,
        reference=f"localhost/skyvern-{name}:dev-0123456789ab",
        archive=Path(f"/nowhere/{name}.tar"),
        digest="0123456789ab",
    )


@pytest.fixture
def node(tmp_path: Path) -> Cluster:
    return Cluster(
        kind="node",
        kubeconfig=tmp_path / "kubeconfig",
        kubectl=Path("kubectl"),
        helm=Path("helm"),
        has_egress=False,
        seccomp_profile="skyvern/chrome.json",
        storage_class=False,
        _backend=BareNode(tmp_path),
    )


def test_values_are_accepted_by_the_charts_own_schema(node: Cluster) -> None:
    release = Release(model=SECRET, public_url="http://127.0.0.1:4000")
    values = chart_values(node, {name: image(name) for name in CHART_IMAGES}, release)
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(values)


def test_cluster_without_storage_keeps_artifacts_in_an_empty_dir(node: Cluster) -> None:
    values = chart_values(node, {"browser": image("browser")}, Release())
    assert values["artifacts"]["storage"] == "emptyDir"
    assert values["tasks"]["sandbox"]["seccompProfile"] == "skyvern/chrome.json"
    assert values["images"] == {
        "registry": "",
        "browser": {"repository": "localhost/skyvern-browser", "tag": "dev-0123456789ab"},
    }


def test_models_key_is_not_on_helms_command_line(node: Cluster) -> None:
    command = [str(word) for word in helm_command(node, Release(model=SECRET, sets=("a.b=c",)), wait=True)]
    assert not any(SECRET.api_key in word for word in command)
    assert command[command.index("--set") + 1] == "a.b=c"
    assert "--wait" in command


@pytest.mark.parametrize(
    ("environ", "model"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": "k"}, ModelSettings("k")),
        ({"OPENAI_BASE_URL": "http://x/v1", "SKYVERN_MODEL": "m"}, ModelSettings("not-needed", "http://x/v1", "m")),
    ],
)
def test_model_comes_from_the_environment(environ: dict[str, str], model: ModelSettings | None) -> None:
    assert model_from_environment(environ) == model


def test_cluster_of_kubeconfig_needs_a_registry(node: Cluster) -> None:
    with pytest.raises(SetupError, match="SKYVERN_REGISTRY"):
        prepare_images(replace(node, kind="kubeconfig"), Progress(lambda _: None, live=False), environ={})


def test_image_keeps_its_tag_in_a_registry() -> None:
    reference = in_registry(image("browser"), "registry.example.com/team").reference
    assert reference == "registry.example.com/team/skyvern-browser:dev-0123456789ab"


def test_names_follow_the_charts_rule() -> None:
    assert Release().apiserver == "skyvern-apiserver"
    assert Release(name="tasks").apiserver == "tasks-skyvern-operator-apiserver"


def test_scripted_servers_run_this_trees_image() -> None:
    documents = list(yaml.safe_load_all(manifest(image("scripted"))))
    deployments = [document for document in documents if document["kind"] == "Deployment"]
    images = {c["image"] for d in deployments for c in d["spec"]["template"]["spec"]["containers"]}
    assert images == {image("scripted").reference}
    services = {document["metadata"]["name"] for document in documents if document["kind"] == "Service"}
    assert {f"http://{name}.skyvern-demo.svc" for name in services} == {
        f"http://{SITE_HOST}",
        SCRIPTED_MODEL.base_url.rpartition(":")[0],
    }
    assert MANIFEST.is_file()


def test_demo_task_is_a_task_on_the_scripted_site() -> None:
    task = yaml.safe_load(TASK.read_text())
    spec = SkyvernTaskSpec.model_validate(task["spec"])
    assert spec.url == f"http://{SITE_HOST}:8090/"
    assert task["metadata"]["namespace"] in Release().task_namespaces
