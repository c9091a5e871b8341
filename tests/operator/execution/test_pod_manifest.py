"""What the pod of a task is, part by part."""

import json
from typing import Any

import kubernetes_validate
import pytest

from skyvern_crds import runner_contract as contract
from skyvern_crds.runner_contract import TaskDocument, parse_task_document
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_operator.config import OperatorConfig
from skyvern_operator.errors import ProfileError
from skyvern_operator.execution.pod_manifest import RunnerTrace, build_pod
from skyvern_operator.state.names import pod_name
from tests.operator.examples import TASK_UID

SPEC: dict[str, Any] = {"url": "https://jobs.example.com/apply", "navigationGoal": "Bewirb dich – schnell"}
FULL: dict[str, Any] = SPEC | {
    "navigationPayloadFrom": {"secretKeyRef": {"name": "resume", "key": "facts.json"}},
    "secrets": [
        {"name": "password", "secretKeyRef": {"name": "login", "key": "pass"}, "hosts": ["*.example.com"]},
        {"name": "pin", "secretKeyRef": {"name": "login", "key": "pin"}, "hosts": ["example.com"]},
    ],
    "profile": "large",
    "startDeadlineSeconds": 100,
    "activeDeadlineSeconds": 200,
}
PROFILES: dict[str, Any] = {
    "large": {
        "resources": {"browser": {"limits": {"memory": "4Gi"}}},
        "nodeSelector": {"pool": "browsers"},
        "tolerations": [{"key": "browsers", "operator": "Exists"}],
        "priorityClassName": "tasks",
        "model": "profile-model",
    }
}


def config(**changes: Any) -> OperatorConfig:
    base = {"images": {"browser": "browser:1", "runner": "runner:1"}, "profiles": PROFILES}
    return OperatorConfig.model_validate(base | changes)


def pod_of(
    spec: dict[str, Any] | None = None,
    labels: dict[str, str] | None = None,
    trace: RunnerTrace | None = None,
    **changes: Any,
) -> dict[str, Any]:
    document = TaskDocument(
        name="apply.for-job",
        namespace="jobs",
        uid=TASK_UID,
        attempt=2,
        spec=SkyvernTaskSpec.model_validate(spec or SPEC),
    )
    return build_pod(document, config(**changes), labels or {}, trace)


def containers(pod: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Browser and runner."""
    [browser], [runner] = pod["spec"]["initContainers"], pod["spec"]["containers"]
    return browser, runner


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    """The runner's variables: values, or where they come from."""
    _, runner = containers(pod)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in runner["env"]}


def volume(pod: dict[str, Any], path: str) -> dict[str, Any]:
    """The volume that the runner has mounted at a path."""
    _, runner = containers(pod)
    [mount] = [mount for mount in runner["volumeMounts"] if mount["mountPath"] == path]
    [found] = [entry for entry in pod["spec"]["volumes"] if entry["name"] == mount["name"]]
    return dict(found)


@pytest.mark.parametrize("version", ["1.36", "1.37"])
@pytest.mark.parametrize("spec", [SPEC, FULL], ids=["plain", "full"])
def test_pod_is_valid_kubernetes(version: str, spec: dict[str, Any]) -> None:
    kubernetes_validate.validate(pod_of(spec), version, strict=True)


def test_name_is_readable_and_differs_by_task_and_attempt() -> None:
    names = {pod_name("apply", uid, attempt) for uid in ("a", "b") for attempt in (1, 2)}
    assert len(names) == 4
    assert all(name.startswith("apply-") for name in names)


@pytest.mark.parametrize("task", ["a" * 253, "with.dots", "a" * 30 + "." + "b" * 200, "x"])
def test_name_is_a_legal_host_name(task: str) -> None:
    name = pod_name(task, TASK_UID, 10)
    assert len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert not name.startswith("-")


def test_pod_belongs_to_the_task_object() -> None:
    [owner] = pod_of()["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (TASK_UID, True, False)


def test_labels_select_the_pod_and_pass_the_queue_through() -> None:
    labels = pod_of(labels={"kueue.x-k8s.io/queue-name": "browsers", "other": "label"})["metadata"]["labels"]
    assert labels == {
        "app.kubernetes.io/managed-by": "skyvern-operator",
        "skyvern.io/task-uid": TASK_UID,
        "skyvern.io/attempt": "2",
        "kueue.x-k8s.io/queue-name": "browsers",
    }


def test_runner_reads_the_task_from_the_annotation() -> None:
    pod = pod_of()
    document = parse_task_document(pod["metadata"]["annotations"]["skyvern.io/task"])
    assert (document.attempt, document.spec.navigation_goal) == (2, SPEC["navigationGoal"])
    [item] = volume(pod, "/etc/skyvern/task")["downwardAPI"]["items"]
    assert item == {"path": "task.json", "fieldRef": {"fieldPath": "metadata.annotations['skyvern.io/task']"}}
    assert environment(pod)[contract.ENV_TASK_FILE] == "/etc/skyvern/task/task.json"


def test_runner_is_told_where_the_browser_may_go() -> None:
    assert contract.ENV_WEB_ACCESS not in environment(pod_of())
    inside = {"allowPrivateHosts": ["10.0.0.0/8"]}
    profiles = {"own": {"webAccess": {"allow": ["example.com"]}}, "none": {}, "strict": {"webAccess": {}}}
    pods = {name: pod_of(SPEC | {"profile": name}, profiles=profiles, webAccess=inside) for name in profiles}
    told = {name: environment(pod).get(contract.ENV_WEB_ACCESS) for name, pod in pods.items()}
    assert told == {"own": '{"allow":["example.com"]}', "none": '{"allowPrivateHosts":["10.0.0.0/8"]}', "strict": None}


def test_browser_is_a_native_sidecar_without_token_or_secret() -> None:
    browser, _ = containers(pod_of(FULL))
    assert browser["restartPolicy"] == "Always"
    assert {mount["mountPath"] for mount in browser["volumeMounts"]} == {"/tmp", "/dev/shm"}  # noqa: S108
    assert [entry["name"] for entry in browser["env"]] == ["HOME"]


def test_only_the_runner_has_tokens_and_they_are_short_lived_and_bound() -> None:
    pod = pod_of()
    assert pod["spec"]["automountServiceAccountToken"] is False
    [token, root, _] = volume(pod, contract.SERVICE_ACCOUNT_DIR)["projected"]["sources"]
    assert token["serviceAccountToken"] == {"path": "token", "expirationSeconds": 3607}
    assert root["configMap"]["name"] == "kube-root-ca.crt"
    [artifacts] = volume(pod, "/var/run/secrets/skyvern/artifacts")["projected"]["sources"]
    assert artifacts["serviceAccountToken"]["audience"] == "skyvern-artifacts"


def test_every_container_is_confined() -> None:
    pod = pod_of()
    for container in containers(pod):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["runAsUser"] == 10001
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


@pytest.mark.parametrize(
    ("profile", "seccomp", "switch"),
    [
        (None, {"type": "RuntimeDefault"}, "off"),
        ("skyvern/chrome.json", {"type": "Localhost", "localhostProfile": "skyvern/chrome.json"}, "on"),
    ],
)
def test_chromes_sandbox_is_on_where_a_profile_is_configured(
    profile: str | None, seccomp: dict[str, str], switch: str
) -> None:
    pod = pod_of(sandbox={"seccompProfile": profile})
    browser, _ = containers(pod)
    assert browser["securityContext"]["seccompProfile"] == seccomp
    assert environment(pod)[contract.ENV_CHROME_SANDBOX] == switch


def test_writable_places_are_bounded_and_in_memory() -> None:
    volumes = [entry["emptyDir"] for entry in pod_of()["spec"]["volumes"] if "emptyDir" in entry]
    assert len(volumes) == 3
    assert all(entry["medium"] == "Memory" and entry["sizeLimit"] for entry in volumes)


def test_kubelets_own_guard_is_later_than_the_operators_deadlines() -> None:
    assert pod_of(FULL)["spec"]["activeDeadlineSeconds"] == 100 + 200 + 300


def test_payload_and_secrets_are_files_of_the_runner() -> None:
    pod = pod_of(FULL)
    [payload] = volume(pod, "/etc/skyvern/payload")["projected"]["sources"]
    assert payload["secret"] == {"name": "resume", "items": [{"key": "facts.json", "path": "payload.json"}]}
    sources = volume(pod, "/etc/skyvern/secrets")["projected"]["sources"]
    assert [source["secret"]["items"][0] for source in sources] == [
        {"key": "pass", "path": "password"},
        {"key": "pin", "path": "pin"},
    ]


def test_plain_task_mounts_no_secret() -> None:
    assert "secret" not in json.dumps(pod_of()["spec"]["volumes"])


def test_models_settings_come_from_an_optional_secret() -> None:
    variables = environment(pod_of(modelSecretName="openai"))
    assert variables["OPENAI_API_KEY"] == {"secretKeyRef": {"name": "openai", "key": "api-key", "optional": True}}
    assert variables["SKYVERN_MODEL"]["secretKeyRef"]["key"] == "model"


def test_tasks_model_goes_before_that_of_its_profile_and_of_the_secret() -> None:
    assert environment(pod_of(FULL))["SKYVERN_MODEL"] == "profile-model"
    chosen = pod_of(FULL | {"model": {"modelName": "own-model"}})
    assert environment(chosen)["SKYVERN_MODEL"] == "own-model"


def test_each_image_has_its_own_pull_policy() -> None:
    browser, runner = containers(pod_of(imagePullPolicies={"browser": "Always", "runner": "Never"}))
    assert (browser["imagePullPolicy"], runner["imagePullPolicy"]) == ("Always", "Never")


def test_profile_decides_resources_and_placement() -> None:
    pod = pod_of(FULL)
    browser, _ = containers(pod)
    assert browser["resources"]["limits"] == {"memory": "4Gi"}
    assert pod["spec"]["nodeSelector"] == {"pool": "browsers"}
    assert pod["spec"]["priorityClassName"] == "tasks"


@pytest.mark.parametrize(
    ("spec", "changes", "named"),
    [
        (SPEC | {"profile": "huge"}, {}, "the profiles are: large"),
        (SPEC | {"model": {"modelName": "x"}}, {"allowedModels": ["y"]}, "the allowed models are: y"),
    ],
)
def test_what_is_not_configured_is_refused(spec: dict[str, Any], changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ProfileError, match=named):
        pod_of(spec, **changes)


def test_runner_continues_a_trace_that_is_recorded_and_knows_of_no_other() -> None:
    trace = RunnerTrace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "http://otel:4318/v1/traces")
    plain, traced = environment(pod_of()), environment(pod_of(trace=trace))
    added = {name: value for name, value in traced.items() if name not in plain}
    assert added == {
        "TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://otel:4318/v1/traces",
    }
    source = {"headersFrom": {"name": "otel", "key": "headers"}}
    headers = environment(pod_of(trace=trace, tracing=source))["OTEL_EXPORTER_OTLP_HEADERS"]
    assert headers == {"secretKeyRef": {"name": "otel", "key": "headers", "optional": True}}
    assert environment(pod_of(tracing=source)) == plain
