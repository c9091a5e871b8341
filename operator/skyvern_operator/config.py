"""The operator's configuration: a YAML file in camelCase, as the chart writes it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from skyvern_crds.rest.artifacts import DEFAULT_TTL_SECONDS
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.vocabulary import MANAGED_BY
from skyvern_operator.errors import ConfigError

DEFAULT_PATH: Final = Path("/etc/skyvern/config.yaml")


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class ImagePullPolicy(StrEnum):
    """When the kubelet pulls an image."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class Images(_Model):
    """Images of the task pods."""

    browser: Annotated[str, Field(min_length=1)]
    """Chromium and chromedriver."""
    runner: Annotated[str, Field(min_length=1)]
    """The agent."""


class ImagePullPolicies(_Model):
    """When the kubelet pulls the images of the task pods."""

    browser: ImagePullPolicy = ImagePullPolicy.IF_NOT_PRESENT
    runner: ImagePullPolicy = ImagePullPolicy.IF_NOT_PRESENT


class Resources(_Model):
    """Requests and limits of one container, as in a pod."""

    requests: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, str] = Field(default_factory=dict)


class TaskResources(_Model):
    """Resources of a task pod."""

    browser: Resources = Resources(
        requests={"cpu": "250m", "memory": "512Mi"}, limits={"memory": "1536Mi", "ephemeral-storage": "256Mi"}
    )
    runner: Resources = Resources(
        requests={"cpu": "100m", "memory": "160Mi"}, limits={"memory": "512Mi", "ephemeral-storage": "256Mi"}
    )
    browser_tmp: str = "512Mi"
    """Size limit of the browser's memory-backed /tmp (profile, downloads); counts towards its memory."""
    browser_shm: str = "256Mi"
    """Size limit of the browser's /dev/shm; counts towards its memory."""
    runner_tmp: str = "256Mi"
    """Size limit of the runner's memory-backed /tmp (recording); counts towards its memory."""


class Profile(_Model):
    """A kind of pod that the administrator offers; a task names it in ``spec.profile``."""

    resources: TaskResources | None = None
    images: Images | None = None
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[dict[str, Any]] = Field(default_factory=list)
    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    model: str | None = None
    """Language model of its tasks."""
    max_active: Annotated[int, Field(ge=1)] | None = None
    """Tasks of this profile that may be active at once."""


class Limits(_Model):
    """How many tasks may be active (admitted and not ended) at once."""

    max_active: Annotated[int, Field(ge=1)] | None = 100
    """In all."""
    max_active_per_namespace: Annotated[int, Field(ge=1)] | None = None
    """In one namespace."""


class GracePeriods(_Model):
    """How long a condition that may heal is borne."""

    image_pull_seconds: Annotated[int, Field(ge=0)] = 300
    """Since the pod was scheduled, while an image cannot be pulled."""
    config_error_seconds: Annotated[int, Field(ge=0)] = 120
    """Since the pod was scheduled, while a container cannot be created."""
    quota_retry_seconds: Annotated[float, Field(gt=0)] = 15
    """Least time before a pod that a ResourceQuota refused is tried again; at most twice that."""
    lost_node_seconds: Annotated[int, Field(ge=0)] = 300
    """After the end of a deletion's grace period, while the node does not confirm the pod's end."""
    infra_backoff_seconds: Annotated[float, Field(ge=0)] = 10
    """Before the second attempt; doubled for each further one, at most 300."""


class Webhook(_Model):
    """Delivery of webhooks."""

    signature: SignatureStyle = SignatureStyle.V0
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15
    """For one try, from connecting to the last byte of the answer's head."""
    schedule: Annotated[list[Annotated[float, Field(ge=0)]], Field(max_length=32)] = Field(
        default=[5, 30, 120, 600, 1800, 3600, 7200]
    )
    """Seconds between one try and the next; after the last the delivery has failed."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """Tries under way at once."""
    allowed_hosts: list[str] | None = None
    """If given, only these hosts (``*.example.com`` includes subdomains) are called."""


class Sandbox(_Model):
    """Chrome's own sandbox."""

    seccomp_profile: str | None = None
    """Localhost profile on the nodes under which it works; without one Chrome runs with ``--no-sandbox``."""


class Writes(_Model):
    """Token bucket of the operator's writes to the API server."""

    qps: Annotated[float, Field(gt=0)] = 200
    burst: Annotated[int, Field(ge=1)] = 400


class OperatorConfig(_Model):
    """Everything that an installation decides."""

    images: Images
    image_pull_policies: ImagePullPolicies = ImagePullPolicies()
    image_pull_secrets: list[str] = Field(default_factory=list)
    service_account_name: str = "skyvern-task"
    """Service account of the task pods, in each task namespace."""
    model_secret_name: str | None = "skyvern-model"  # noqa: S105
    """Secret in each task namespace with the model's settings."""
    allowed_models: list[str] | None = None
    """Names that ``spec.model`` may have; any without it."""
    artifacts_url: str | None = None
    """Internal base URL of the artifacts gateway; runners upload nothing without it."""
    public_url: str = "http://127.0.0.1:8080"
    """Base of the artifact links in webhooks."""
    facade_url: str | None = None
    """Base URL of the facade within the cluster, from which webhooks take large results; publicUrl without it."""
    artifact_link_ttl_seconds: Annotated[int, Field(ge=60)] = DEFAULT_TTL_SECONDS
    """How long those links work."""
    signing_key_file: Path | None = None
    """File with the release's signing key."""
    webhook: Webhook = Webhook()
    limits: Limits = Limits()
    grace_periods: GracePeriods = GracePeriods()
    default_ttl_seconds: Annotated[int, Field(ge=0)] | None = 7 * 24 * 3600
    """Kept after the end, for tasks that do not say; null keeps them for ever."""
    resources: TaskResources = TaskResources()
    profiles: dict[str, Profile] = Field(default_factory=dict)
    sandbox: Sandbox = Sandbox()
    writes: Writes = Writes()
    resync_seconds: Annotated[float, Field(gt=0)] = 300
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Tasks reconciled at once."""

    @model_validator(mode="after")
    def _profiles_have_sane_names(self) -> Self:
        for name in self.profiles:
            if not name.replace("-", "").isalnum() or name != name.lower():
                raise ValueError(f"profiles: {name!r} must consist of lower-case letters, digits and dashes")
        return self


def parse_config(text: str, source: str) -> OperatorConfig:
    """Read a configuration. Raises ConfigError, which names the source and each wrong field."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not YAML: {error}") from error
    try:
        return OperatorConfig.model_validate(data or {})
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in error.errors()]
        raise ConfigError(f"{source}: the configuration of {MANAGED_BY} is wrong:\n" + "\n".join(lines)) from error


def load_config(path: Path) -> OperatorConfig:
    """Read the configuration file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}): name another file with --config") from error
    return parse_config(text, str(path))
