"""What the chart renders, and which values it refuses."""

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any

import kubernetes_validate
import pytest
import yaml

from skyvern_crds.status import OperatorStatus
from skyvern_operator.config import OperatorConfig
from tests.chart.conftest import CHART, Manifests

pytestmark = pytest.mark.chart
Template = Callable[..., CompletedProcess[str]]
Render = Callable[..., Manifests]
VARIANTS = [
    pytest.param([], id="defaults"),
    pytest.param(["--set", "tasks.namespaces={team-a,team-b}"], id="named namespaces"),
    pytest.param(
        ["--set", "artifacts.storage=url,artifacts.url=s3://bucket/x,artifacts.credentialsSecret=s3"], id="object store"
    ),
    pytest.param(
        ["--set", "artifacts.storage=emptyDir,networkPolicy.enabled=true"], id="emptyDir and network policies"
    ),
    pytest.param(
        ["--set", "model.existingSecret=openai,crds.enabled=false,apiKeys.create=false"], id="existing secrets"
    ),
    pytest.param(["--set", "images.runner.digest=sha256:" + "a" * 64], id="digest"),
]


def of_kind(manifests: Manifests, kind: str) -> Manifests:
    return [document for document in manifests if document["kind"] == kind]


def operator_config(manifests: Manifests) -> OperatorConfig:
    (config,) = (m for m in of_kind(manifests, "ConfigMap") if "config.yaml" in m["data"])
    return OperatorConfig.model_validate(yaml.safe_load(config["data"]["config.yaml"]))


def test_lint_finds_nothing(helm: Path) -> None:
    result = run([helm, "lint", "--strict", CHART], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("values", VARIANTS)
def test_every_manifest_is_valid_for_the_oldest_and_the_newest_kubernetes(manifests: Render, values: list[str]) -> None:
    for document in manifests(*values):
        for version in ("1.33", "1.37"):
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("values", VARIANTS)
def test_operator_understands_its_configuration(manifests: Render, values: list[str]) -> None:
    config = operator_config(manifests(*values))
    assert config.images.browser.startswith("ghcr.io/skyvern-operator/skyvern-browser:")


def test_digest_wins_over_the_tag(manifests: Render) -> None:
    config = operator_config(manifests("--set", "images.runner.tag=x,images.runner.digest=sha256:" + "a" * 64))
    assert config.images.runner == "ghcr.io/skyvern-operator/skyvern-runner@sha256:" + "a" * 64


@pytest.mark.parametrize("values", VARIANTS)
def test_programs_are_restricted(manifests: Render, values: list[str]) -> None:
    deployments = of_kind(manifests(*values), "Deployment")
    assert {d["metadata"]["name"] for d in deployments} == {"skyvern-operator", "skyvern-apiserver"}
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_roles_stay_in_the_task_namespaces(manifests: Render) -> None:
    documents = manifests("--set", "tasks.namespaces={team-a,team-b}")
    bound = {(b["metadata"]["namespace"], b["roleRef"]["name"]) for b in of_kind(documents, "RoleBinding")}
    for namespace in ("team-a", "team-b"):
        for role in ("skyvern-operator", "skyvern-apiserver", "skyvern-task"):
            assert (namespace, role) in bound
    (cluster_role,) = of_kind(documents, "ClusterRole")
    assert cluster_role["rules"] == [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}
    ]


def test_task_may_only_report(manifests: Render) -> None:
    (role,) = (r for r in of_kind(manifests(), "Role") if r["metadata"]["name"] == "skyvern-task")
    assert role["rules"] == [{"apiGroups": ["skyvern.io"], "resources": ["skyverntasks/status"], "verbs": ["patch"]}]


def test_policy_guards_every_field_of_the_operator(manifests: Render) -> None:
    (policy,) = of_kind(manifests(), "ValidatingAdmissionPolicy")
    expressions = "\n".join(v["expression"] for v in policy["spec"]["validations"][1:])
    guarded = set(re.findall(r"has\(object\.status\.(\w+)\) ==", expressions))
    wire_names = {field.alias for field in OperatorStatus.model_fields.values()}
    assert guarded == wire_names


def test_crd_is_kept_on_request_and_absent_when_disabled(manifests: Render) -> None:
    (crd,) = of_kind(manifests(), "CustomResourceDefinition")
    assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    (crd,) = of_kind(manifests("--set", "crds.keep=false"), "CustomResourceDefinition")
    assert "helm.sh/resource-policy" not in crd["metadata"].get("annotations", {})
    assert not of_kind(manifests("--set", "crds.enabled=false"), "CustomResourceDefinition")


def test_charts_crd_is_the_generated_one() -> None:
    generated = CHART.parents[1] / "crds" / "skyverntasks.skyvern.io.yaml"
    assert (CHART / "files" / generated.name).read_text() == generated.read_text()


def test_model_settings_become_a_secret_in_every_task_namespace(manifests: Render) -> None:
    documents = manifests("--set", "tasks.namespaces={team-a,team-b},model.apiKey=k,model.name=m")
    secrets = [s for s in of_kind(documents, "Secret") if s["metadata"]["name"] == "skyvern-model"]
    assert [s["metadata"]["namespace"] for s in secrets] == ["team-a", "team-b"]
    assert all(s["stringData"] == {"api-key": "k", "model": "m"} for s in secrets)


REFUSED: list[tuple[list[str], str]] = [
    (["--set", "artifacts.storage=disk"], "storage"),
    (["--set", "artifacts.storage=url"], "url"),
    (["--set", "apiserver.replicas=0"], "replicas"),
    (["--set", "apiserver.publicUrl=skyvern.example.com"], "publicUrl"),
    (["--set", "webhook.signature=slack"], "signature"),
    (["--set", "tasks.namespaces={Team_A}"], "namespaces"),
    (["--set", "tasks.defaultTtlSeconds=-1"], "defaultTtlSeconds"),
    (["--set", "images.runner.digest=abc"], "digest"),
    (["--set", "images.runner.pullPolicy=Sometimes"], "pullPolicy"),
    (["--set", "tasks.sandbox.seccompProfile=/abs/chrome.json"], "seccompProfile"),
    (["--set", "modell.apiKey=k"], "modell"),
]


@pytest.mark.parametrize(("values", "field"), REFUSED, ids=[field for _, field in REFUSED])
def test_wrong_values_are_refused_by_name(template: Template, values: list[str], field: str) -> None:
    result = template(*values)
    assert result.returncode != 0
    assert field in result.stderr


def test_values_are_all_in_the_schema() -> None:
    schema: dict[str, Any] = yaml.safe_load((CHART / "values.schema.json").read_text())
    values: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())

    def undescribed(value: object, node: dict[str, Any], path: str) -> list[str]:
        if not isinstance(value, dict) or "properties" not in node:
            return []
        missing = [f"{path}.{key}" for key in value if key not in node["properties"]]
        for key in value.keys() & node["properties"].keys():
            missing += undescribed(value[key], node["properties"][key], f"{path}.{key}")
        return missing

    assert undescribed(values, schema, "") == []
