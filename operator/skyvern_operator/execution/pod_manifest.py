"""The pod of a task. Pure: from the task document and the configuration to a manifest."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from skyvern_crds import runner_contract as contract
from skyvern_crds import wire
from skyvern_crds.runner_contract import TaskDocument
from skyvern_crds.spec import SecretKeyRef, SkyvernTaskSpec
from skyvern_crds.tracing.settings import ENV_HEADERS, ENV_TRACEPARENT, ENV_TRACES_ENDPOINT
from skyvern_crds.vocabulary import (
    ANNOTATION_TASK,
    API_VERSION,
    KIND,
    LABEL_ATTEMPT,
    LABEL_MANAGED_BY,
    LABEL_QUEUE_NAME,
    LABEL_TASK_UID,
    MANAGED_BY,
)
from skyvern_operator.config import OperatorConfig, Profile, Resources, TaskResources
from skyvern_operator.errors import ProfileError
from skyvern_operator.state.names import pod_name

USER_ID: Final = 10001
"""User and group of every container."""
DEADLINE_SLACK_SECONDS: Final = 300
"""How much later the kubelet's own deadline is than the operator's."""
TOKEN_SECONDS: Final = 3607
"""Lifetime of the projected tokens, which the kubelet renews."""


@dataclass(frozen=True, slots=True)
class EffectiveProfile:
    """The configuration for one task, with its profile applied."""

    browser_image: str
    runner_image: str
    resources: TaskResources
    profile: Profile
    model: str | None


@dataclass(frozen=True, slots=True)
class RunnerTrace:
    """What a runner has to know of a trace that it continues."""

    traceparent: str
    endpoint: str
    """URL of the collector."""


def build_pod(
    document: TaskDocument, config: OperatorConfig, labels: dict[str, str], trace: RunnerTrace | None = None
) -> dict[str, Any]:
    """The manifest. ``labels`` are the task's; without ``trace`` the runner records none.

    Raises ProfileError for a profile or model that is not configured.
    """
    effective = _effective_profile(document.spec, config)
    queue = {LABEL_QUEUE_NAME: labels[LABEL_QUEUE_NAME]} if LABEL_QUEUE_NAME in labels else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(document.name, document.uid, document.attempt),
            "namespace": document.namespace,
            "labels": {
                LABEL_MANAGED_BY: MANAGED_BY,
                LABEL_TASK_UID: document.uid,
                LABEL_ATTEMPT: str(document.attempt),
                **queue,
            },
            "annotations": {
                ANNOTATION_TASK: wire.dumps(document.wire()),
                "kubectl.kubernetes.io/default-container": contract.CONTAINER_RUNNER,
                # A task cannot be moved, since it may have acted: autoscalers keep its node until it ends.
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            },
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": document.name,
                    "uid": document.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": _spec(document, config, effective, trace),
    }


def _effective_profile(spec: SkyvernTaskSpec, config: OperatorConfig) -> EffectiveProfile:
    profile = Profile()
    if spec.profile is not None:
        if spec.profile not in config.profiles:
            known = ", ".join(sorted(config.profiles)) or "none"
            raise ProfileError(f"spec.profile: {spec.profile!r} is not configured; the profiles are: {known}")
        profile = config.profiles[spec.profile]
    model = spec.model.model_name if spec.model is not None else profile.model
    if spec.model is not None and config.allowed_models is not None and model not in config.allowed_models:
        allowed = ", ".join(config.allowed_models) or "none"
        raise ProfileError(f"spec.model: {model!r} is not allowed; the allowed models are: {allowed}")
    images = profile.images or config.images
    return EffectiveProfile(images.browser, images.runner, profile.resources or config.resources, profile, model)


def _spec(
    document: TaskDocument, config: OperatorConfig, effective: EffectiveProfile, trace: RunnerTrace | None
) -> dict[str, Any]:
    spec, profile = document.spec, effective.profile
    optional = {
        "nodeSelector": profile.node_selector,
        "tolerations": profile.tolerations,
        "priorityClassName": profile.priority_class_name,
        "runtimeClassName": profile.runtime_class_name,
        "imagePullSecrets": [{"name": name} for name in config.image_pull_secrets],
    }
    return {
        "restartPolicy": "Never",
        "serviceAccountName": config.service_account_name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": contract.TERMINATION_GRACE_SECONDS,
        "activeDeadlineSeconds": (
            spec.start_deadline_seconds + spec.active_deadline_seconds + DEADLINE_SLACK_SECONDS
        ),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_browser(config, effective)],
        "containers": [_runner(spec, config, effective, trace)],
        "volumes": _volumes(spec, effective.resources),
        **{key: value for key, value in optional.items() if value},
    }  # fmt: skip


def _browser(config: OperatorConfig, effective: EffectiveProfile) -> dict[str, Any]:
    """Chromium and chromedriver, without token or secret. The image's init passes signals on, so it stops at once."""
    profile = config.sandbox.seccomp_profile
    seccomp = {"type": "Localhost", "localhostProfile": profile} if profile else {"type": "RuntimeDefault"}
    return {
        "name": contract.CONTAINER_BROWSER,
        "image": effective.browser_image,
        "imagePullPolicy": config.image_pull_policies.browser.value,
        "restartPolicy": "Always",
        "env": [{"name": "HOME", "value": contract.WORK_DIR}],
        "securityContext": _hardened() | {"seccompProfile": seccomp},
        "resources": _resources(effective.resources.browser),
        "volumeMounts": [
            {"name": "browser-tmp", "mountPath": contract.WORK_DIR},
            {"name": "browser-shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }


def _runner(
    spec: SkyvernTaskSpec, config: OperatorConfig, effective: EffectiveProfile, trace: RunnerTrace | None
) -> dict[str, Any]:
    mounts = [
        {"name": "runner-tmp", "mountPath": contract.WORK_DIR},
        _read_only("task", str(PurePosixPath(contract.TASK_FILE).parent)),
        _read_only("kubernetes", contract.SERVICE_ACCOUNT_DIR),
        _read_only("artifacts-token", str(PurePosixPath(contract.ARTIFACTS_TOKEN_FILE).parent)),
    ]
    if spec.navigation_payload_from is not None:
        mounts.append(_read_only("payload", str(PurePosixPath(contract.PAYLOAD_FILE).parent)))
    if spec.secrets:
        mounts.append(_read_only("secrets", contract.SECRETS_DIR))
    return {
        "name": contract.CONTAINER_RUNNER,
        "image": effective.runner_image,
        "imagePullPolicy": config.image_pull_policies.runner.value,
        "env": _runner_environment(config, effective) + _trace_environment(config, trace),
        "securityContext": _hardened(),
        "resources": _resources(effective.resources.runner),
        "terminationMessagePath": contract.TERMINATION_LOG,
        "terminationMessagePolicy": "File",
        "volumeMounts": mounts,
    }


def _runner_environment(config: OperatorConfig, effective: EffectiveProfile) -> list[dict[str, Any]]:
    plain = {
        "HOME": contract.WORK_DIR,
        contract.ENV_TASK_FILE: contract.TASK_FILE,
        contract.ENV_WEBDRIVER_URL: contract.WEBDRIVER_URL,
        contract.ENV_CHROME_BINARY: contract.CHROME_BINARY,
        contract.ENV_CHROME_SANDBOX: "on" if config.sandbox.seccomp_profile else "off",
        contract.ENV_ARTIFACTS_URL: config.artifacts_url or "",
        contract.ENV_WEB_ACCESS: (effective.profile.web_access or config.web_access).written(),
    }
    environment: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in plain.items() if value]
    keys = {
        contract.ENV_MODEL_API_KEY: contract.MODEL_SECRET_API_KEY,
        contract.ENV_MODEL_BASE_URL: contract.MODEL_SECRET_BASE_URL,
        contract.ENV_MODEL: contract.MODEL_SECRET_MODEL,
    }
    if effective.model is not None:
        del keys[contract.ENV_MODEL]
        environment.append({"name": contract.ENV_MODEL, "value": effective.model})
    if config.model_secret_name is not None:
        for name, key in keys.items():
            reference = {"name": config.model_secret_name, "key": key, "optional": True}
            environment.append({"name": name, "valueFrom": {"secretKeyRef": reference}})
    return environment


def _trace_environment(config: OperatorConfig, trace: RunnerTrace | None) -> list[dict[str, Any]]:
    if trace is None:
        return []
    environment: list[dict[str, Any]] = [
        {"name": ENV_TRACEPARENT, "value": trace.traceparent},
        {"name": ENV_TRACES_ENDPOINT, "value": trace.endpoint},
    ]
    if (source := config.tracing.headers_from) is not None:
        reference = {"name": source.name, "key": source.key, "optional": True}
        environment.append({"name": ENV_HEADERS, "valueFrom": {"secretKeyRef": reference}})
    return environment


def _volumes(spec: SkyvernTaskSpec, resources: TaskResources) -> list[dict[str, Any]]:
    task_file = PurePosixPath(contract.TASK_FILE).name
    token_file = PurePosixPath(contract.ARTIFACTS_TOKEN_FILE).name
    volumes: list[dict[str, Any]] = [
        _memory("browser-tmp", resources.browser_tmp),
        _memory("browser-shm", resources.browser_shm),
        _memory("runner-tmp", resources.runner_tmp),
        {
            "name": "task",
            "downwardAPI": {
                "items": [
                    {"path": task_file, "fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION_TASK}']"}},
                ]
            },
        },
        _projected(
            "kubernetes",
            {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}],
                }
            },
        ),
        _projected(
            "artifacts-token",
            {
                "serviceAccountToken": {
                    "path": token_file,
                    "audience": contract.ARTIFACTS_AUDIENCE,
                    "expirationSeconds": TOKEN_SECONDS,
                }
            },
        ),
    ]
    if spec.navigation_payload_from is not None:
        reference = spec.navigation_payload_from.secret_key_ref
        volumes.append(_projected("payload", _secret(reference, PurePosixPath(contract.PAYLOAD_FILE).name)))
    if spec.secrets:
        sources = [_secret(secret.secret_key_ref, secret.name) for secret in spec.secrets]
        volumes.append(_projected("secrets", *sources))
    return volumes


def _hardened() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _resources(resources: Resources) -> dict[str, Any]:
    return {"requests": dict(resources.requests), "limits": dict(resources.limits)}


def _read_only(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "mountPath": path, "readOnly": True}


def _memory(name: str, size: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}}


def _secret(reference: SecretKeyRef, path: str) -> dict[str, Any]:
    return {"secret": {"name": reference.name, "items": [{"key": reference.key, "path": path}]}}


def _projected(name: str, *sources: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "projected": {"defaultMode": 0o440, "sources": list(sources)}}
