"""What the chart renders, and which values it refuses."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from pydantic.alias_generators import to_camel

from skyvern_apiserver.process.settings import Settings, load_settings
from skyvern_crds.network.web_access import WebAccess
from skyvern_crds.rest.artifacts import DEFAULT_TTL_SECONDS
from skyvern_crds.rest.key_limits import KeyLimits
from skyvern_crds.runner_contract import TaskDocument
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.status import OperatorStatus
from skyvern_crds.tracing.settings import TracingSettings, read_tracing
from skyvern_crds.tracing.trace import Sampler
from skyvern_crds.vocabulary import TERMINAL_PHASES
from skyvern_operator.config import OperatorConfig
from skyvern_operator.execution.pod_manifest import build_pod
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
    pytest.param(["--set", "tracing.endpoint=http://otel:4318,tracing.headersFrom.name=otel"], id="traces"),
    pytest.param(["--set", "operator.replicas=3"], id="replicas"),
    pytest.param(["--set", "operator.config.leaderElection.enabled=false"], id="no leader election"),
    pytest.param(["--set", "images.runner.digest=sha256:" + "a" * 64], id="digest"),
]


def of_kind(manifests: Manifests, kind: str) -> Manifests:
    return [document for document in manifests if document["kind"] == kind]


def operator_config(manifests: Manifests) -> OperatorConfig:
    (config,) = (m for m in of_kind(manifests, "ConfigMap") if "config.yaml" in m["data"])
    return OperatorConfig.model_validate(yaml.safe_load(config["data"]["config.yaml"]))


def facade_settings(manifests: Manifests, directory: Path) -> Settings:
    """The facade's settings as its container's environment gives them."""
    (deployment,) = (m for m in of_kind(manifests, "Deployment") if m["metadata"]["name"] == "skyvern-apiserver")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (directory / "key").write_text("0123456789abcdef")
    environment = {each["name"]: each["value"] for each in container["env"]}
    return load_settings(environment | {"SKYVERN_SIGNING_KEY_FILE": str(directory / "key")})


def environment_of(manifests: Manifests, program: str) -> dict[str, dict[str, Any]]:
    """The environment of a program's container, by the names of its variables."""
    (deployment,) = (m for m in of_kind(manifests, "Deployment") if m["metadata"]["name"] == program)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry for entry in container["env"]}


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


@pytest.mark.parametrize(
    ("values", "seconds"), [([], DEFAULT_TTL_SECONDS), (["--set", "artifacts.linkTtlSeconds=3600"], 3600)]
)
def test_links_work_equally_long_in_answers_and_in_webhooks(
    manifests: Render, tmp_path: Path, values: list[str], seconds: int
) -> None:
    rendered = manifests(*values)
    assert operator_config(rendered).artifact_link_ttl_seconds == seconds
    assert facade_settings(rendered, tmp_path).link_ttl_seconds == seconds


@pytest.mark.parametrize(
    ("values", "seconds"),
    [([], 604800), (["--set", "tasks.defaultTtlSeconds=0"], 0), (["--set", "tasks.defaultTtlSeconds=null"], None)],
)
def test_null_keeps_ended_tasks(manifests: Render, values: list[str], seconds: int | None) -> None:
    assert operator_config(manifests(*values)).default_ttl_seconds == seconds


def test_bounds_on_ended_tasks_reach_the_operator(manifests: Render) -> None:
    values = "tasks.endedPodSeconds=0,tasks.limits.maxEndedPerNamespace=0"
    config = operator_config(manifests("--set", values))
    assert config.ended_pod_seconds == 0
    assert config.limits.max_ended_per_namespace is None


def test_web_access_reaches_the_operator(manifests: Render) -> None:
    assert operator_config(manifests()).web_access == WebAccess()
    values = {"allow": ["*.example.com"], "deny": ["[fd00::/8]:443"], "allowPrivateHosts": ["10.0.0.0/8", "db.svc:80"]}
    config = operator_config(manifests("--set-json", f"tasks.webAccess={json.dumps(values)}"))
    assert config.web_access == WebAccess.model_validate(values)


def test_shares_of_namespaces_reach_the_operator(manifests: Render) -> None:
    shares = operator_config(manifests("--set-json", 'tasks.limits.shares={"team-a": 2.5}')).limits.shares
    assert shares == {"team-a": 2.5}
    assert operator_config(manifests()).limits.shares == {}


TRACING = "tracing.endpoint=http://otel:4318,tracing.sampleRatio=0.1,tracing.headersFrom.name=otel"


def test_collector_of_traces_reaches_the_programs_and_the_tasks(manifests: Render) -> None:
    rendered = manifests("--set", TRACING)
    source = operator_config(rendered).tracing.headers_from
    assert source is not None
    assert (source.name, source.key) == ("otel", "headers")
    for program in ("skyvern-operator", "skyvern-apiserver"):
        environment = environment_of(rendered, program)
        plain = {name: str(entry["value"]) for name, entry in environment.items() if "value" in entry}
        assert read_tracing(plain) == TracingSettings("http://otel:4318/v1/traces", Sampler(0.1))
        reference = environment["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "otel", "key": "headers", "optional": True}
    alone = environment_of(manifests("--set", f"{TRACING},tracing.heedCallers=false"), "skyvern-operator")
    assert alone["OTEL_TRACES_SAMPLER"]["value"] == "traceidratio"


def test_nothing_is_traced_by_default(manifests: Render) -> None:
    rendered = manifests()
    assert operator_config(rendered).tracing.headers_from is None
    for program in ("skyvern-operator", "skyvern-apiserver"):
        assert not [name for name in environment_of(rendered, program) if name.startswith("OTEL_")]


def test_operator_reaches_the_archive_through_the_network_policy(manifests: Render) -> None:
    rendered = manifests("--set", "networkPolicy.enabled=true")
    [policy] = [p for p in of_kind(rendered, "NetworkPolicy") if p["metadata"]["name"].endswith("-apiserver")]
    [internal] = [rule for rule in policy["spec"]["ingress"] if rule["ports"] == [{"port": "internal"}]]
    [operator] = [d for d in of_kind(rendered, "Deployment") if d["metadata"]["name"].endswith("-operator")]
    labels = operator["spec"]["template"]["metadata"]["labels"].items()
    peers = [peer["podSelector"]["matchLabels"] for peer in internal["from"] if "namespaceSelector" not in peer]
    assert any(peer.items() <= labels for peer in peers)


def test_limits_of_api_keys_reach_the_facade(manifests: Render, tmp_path: Path) -> None:
    assert facade_settings(manifests(), tmp_path).limits == KeyLimits()
    names = [to_camel(each.name) for each in fields(KeyLimits)]
    values = ",".join(f"apiserver.limits.{name}={number}" for number, name in enumerate(names, 1))
    rendered = manifests("--set", values)
    assert facade_settings(rendered, tmp_path).limits == KeyLimits(*range(1, len(names) + 1))


def test_operator_takes_large_results_from_the_facades_service(manifests: Render) -> None:
    rendered = manifests("--set", "apiserver.service.port=8000,apiserver.publicUrl=https://tasks.example.com")
    facade = urlsplit(operator_config(rendered).facade_url or "")
    name, namespace, _ = str(facade.hostname).split(".")
    [service] = [found for found in of_kind(rendered, "Service") if found["metadata"]["name"] == name]
    assert service["metadata"]["namespace"] == namespace
    assert facade.port in [port["port"] for port in service["spec"]["ports"]]


def test_digest_wins_over_the_tag(manifests: Render) -> None:
    config = operator_config(manifests("--set", "images.runner.tag=x,images.runner.digest=sha256:" + "a" * 64))
    assert config.images.runner == "ghcr.io/skyvern-operator/skyvern-runner@sha256:" + "a" * 64


def test_whole_image_names_need_no_registry(manifests: Render) -> None:
    config = operator_config(manifests("--set", "images.registry=,images.browser.repository=registry.test/a/browser"))
    assert config.images.browser.startswith("registry.test/a/browser:")


def test_each_container_of_a_task_has_its_own_pull_policy(manifests: Render) -> None:
    config = operator_config(manifests("--set", "images.browser.pullPolicy=Always,images.runner.pullPolicy=Never"))
    spec = SkyvernTaskSpec(url="https://example.com")
    pod = build_pod(TaskDocument(name="t", namespace="n", uid="0" * 36, attempt=1, spec=spec), config, {})["spec"]
    policies = [container["imagePullPolicy"] for container in pod["initContainers"] + pod["containers"]]
    assert policies == ["Always", "Never"]


def test_chart_and_operator_have_the_same_defaults(manifests: Render) -> None:
    """What a value of the chart sets to its default is what the operator does without that value."""
    rendered = operator_config(manifests())
    bare = OperatorConfig(images=rendered.images)
    same = (
        "image_pull_policies",
        "service_account_name",
        "webhook",
        "limits",
        "default_ttl_seconds",
        "ended_pod_seconds",
        "resources",
    )
    assert {name: getattr(rendered, name) for name in same} == {name: getattr(bare, name) for name in same}


def test_networks_of_receivers_reach_the_operator(manifests: Render) -> None:
    config = operator_config(manifests("--set", "webhook.allowedNetworks={10.0.0.0/8,fd00::/8}"))
    assert [str(network) for network in config.webhook.allowed_networks] == ["10.0.0.0/8", "fd00::/8"]


def signing_keys(documents: Manifests) -> list[str]:
    secrets = [s for s in of_kind(documents, "Secret") if "signing-key" in s.get("data", {})]
    return [secret["data"]["signing-key"] for secret in secrets]


def signing_checksums(documents: Manifests) -> set[str]:
    pods = [deployment["spec"]["template"] for deployment in of_kind(documents, "Deployment")]
    return {pod["metadata"]["annotations"]["checksum/signing"] for pod in pods}


def signing_secrets(documents: Manifests) -> set[str]:
    pods = [deployment["spec"]["template"]["spec"] for deployment in of_kind(documents, "Deployment")]
    return {v["secret"]["secretName"] for pod in pods for v in pod["volumes"] if v["name"] == "signing"}


def test_new_signing_key_restarts_both_programs(manifests: Render) -> None:
    first, second = manifests(), manifests()
    assert signing_keys(first) != signing_keys(second)
    assert len(signing_checksums(first)) == len(signing_checksums(second)) == 1
    assert signing_checksums(first) != signing_checksums(second)


def test_existing_secrets_make_every_rendering_the_same(manifests: Render) -> None:
    values = ("--set", "signing.existingSecret=links,apiKeys.existingSecret=callers")
    first, second = manifests(*values), manifests(*values)
    assert first == second
    assert signing_keys(first) == []
    assert signing_secrets(first) == {"links"}
    assert [s["metadata"]["name"] for s in of_kind(first, "Secret")] == ["skyvern-model"]


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


@pytest.mark.parametrize("values", [(), ("--set", "operator.config.leaderElection.leaseName=other")])
def test_operator_may_touch_the_lease_that_it_is_configured_for_and_no_other(
    manifests: Render, values: tuple[str, ...]
) -> None:
    rendered = manifests(*values)
    (role,) = (r for r in of_kind(rendered, "Role") if r["metadata"]["name"] == "skyvern-operator-lease")
    assert role["metadata"]["namespace"] == "skyvern-system"
    create, use = role["rules"]
    assert create == {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]}
    assert use["resourceNames"] == [operator_config(rendered).leader_election.lease_name]
    assert use["verbs"] == ["get", "patch"]


def operator_deployment(manifests: Manifests) -> dict[str, Any]:
    (deployment,) = (m for m in of_kind(manifests, "Deployment") if m["metadata"]["name"] == "skyvern-operator")
    spec: dict[str, Any] = deployment["spec"]
    return spec


def test_new_operator_stands_by_before_the_old_one_ends(manifests: Render) -> None:
    rendered = manifests()
    assert operator_config(rendered).leader_election.enabled
    strategy = operator_deployment(rendered)["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_operator_is_not_restarted_while_it_takes_in_many_objects(manifests: Render) -> None:
    (container,) = operator_deployment(manifests())["template"]["spec"]["containers"]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_operators_without_leader_election_never_run_at_once(manifests: Render) -> None:
    rendered = manifests("--set", "operator.config.leaderElection.enabled=false")
    assert operator_deployment(rendered)["strategy"] == {"type": "Recreate"}
    assert not [r for r in of_kind(rendered, "Role") if r["metadata"]["name"] == "skyvern-operator-lease"]


def test_replicas_are_spread_and_drained_one_at_a_time(manifests: Render) -> None:
    rendered = manifests("--set", "operator.replicas=2")
    spec = operator_deployment(rendered)
    selector = spec["selector"]["matchLabels"]
    assert spec["replicas"] == 2
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(each["labelSelector"]["matchLabels"] == selector for each in spread)
    (budget,) = of_kind(rendered, "PodDisruptionBudget")
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
    assert not of_kind(manifests(), "PodDisruptionBudget")  # it would keep a node from being drained


def test_two_releases_for_different_namespaces_share_nothing_but_the_crd(helm: Path) -> None:
    """Neither owns an object of the other, elects with it, or looks at its tasks."""

    def rendered(release: str, tasks: str, *values: str) -> Manifests:
        sets = ("--set", f"fullnameOverride={release}", "--set", f"tasks.namespaces={{{tasks}}}", *values)
        command = [str(helm), "template", release, str(CHART), "-n", "skyvern-system", *sets]
        answer = run(command, capture_output=True, text=True, timeout=60, check=True)
        return [document for document in yaml.safe_load_all(answer.stdout) if document]

    def names(manifests: Manifests) -> set[tuple[str, str, str]]:
        return {(m["kind"], m["metadata"].get("namespace", ""), m["metadata"]["name"]) for m in manifests}

    first, second = rendered("red", "team-a"), rendered("blue", "team-b", "--set", "crds.enabled=false")
    assert names(first) & names(second) == set()
    leases = {operator_config(manifests).leader_election.lease_name for manifests in (first, second)}
    assert leases == {"red-operator", "blue-operator"}
    (crd,) = of_kind(first, "CustomResourceDefinition")
    assert not of_kind(second, "CustomResourceDefinition")
    assert crd["metadata"]["name"] == "skyverntasks.skyvern.io"


def test_task_may_only_report(manifests: Render) -> None:
    (role,) = (r for r in of_kind(manifests(), "Role") if r["metadata"]["name"] == "skyvern-task")
    assert role["rules"] == [{"apiGroups": ["skyvern.io"], "resources": ["skyverntasks/status"], "verbs": ["patch"]}]


def test_policy_guards_every_field_of_the_operator(manifests: Render) -> None:
    (policy,) = of_kind(manifests(), "ValidatingAdmissionPolicy")
    expressions = "\n".join(v["expression"] for v in policy["spec"]["validations"][1:])
    guarded = set(re.findall(r"has\(object\.status\.(\w+)\) ==", expressions))
    wire_names = {field.alias for field in OperatorStatus.model_fields.values()}
    assert guarded == wire_names
    ended = re.findall(r"oldObject\.status\.phase in (\[.*?\])", expressions)
    assert [set(json.loads(phases)) for phases in ended] == [TERMINAL_PHASES]


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
    (["--set", "apiserver.replicas=0"], "apiserver/replicas"),
    (["--set", "operator.replicas=0"], "operator/replicas"),
    (["--set", "tracing.endpoint=otel:4318"], "tracing/endpoint"),
    (["--set", "tracing.sampleRatio=2"], "tracing/sampleRatio"),
    (["--set", "operator.replicas=2,operator.config.leaderElection.enabled=false"], "leaderElection.enabled"),
    (["--set", "apiserver.limits.createsPerSecond=-1"], "createsPerSecond"),
    (["--set", "apiserver.publicUrl=skyvern.example.com"], "publicUrl"),
    (["--set", "webhook.signature=slack"], "signature"),
    (["--set", "webhook.allowedNetworks={example.com}"], "allowedNetworks"),
    (["--set", "tasks.webAccess.allow={https://example.com/}"], "allow"),
    (["--set", "tasks.webAccess.deny={example.com/jobs}"], "deny"),
    (["--set", "tasks.webAccess.allowPrivateHosts=10.0.0.0/8"], "allowPrivateHosts"),
    (["--set", "tasks.namespaces={Team_A}"], "namespaces"),
    (["--set", "tasks.defaultTtlSeconds=-1"], "defaultTtlSeconds"),
    (["--set", "images.runner.digest=abc"], "digest"),
    (["--set", "images.runner.pullPolicy=Sometimes"], "pullPolicy"),
    (["--set", "tasks.sandbox.seccompProfile=/abs/chrome.json"], "seccompProfile"),
    (["--set", "images.registry=-"], "registry"),
    (["--set", "signing.existingSecret=Links"], "existingSecret"),
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
