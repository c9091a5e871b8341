"""The operator's configuration: a YAML file in camelCase, as the chart writes it."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from skyvern_crds.network.web_access import WebAccess
from skyvern_crds.rest.artifacts import DEFAULT_TTL_SECONDS
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.vocabulary import MANAGED_BY
from skyvern_operator.errors import ConfigError

DEFAULT_PATH: Final = Path("/etc/skyvern/config.yaml")


class _Model(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class ImagePullPolicy(StrEnum):
    """When the kubelet pulls an image."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class Images(_Model):
    """Images of the task pods."""

    browser: Annotated[str, Field(min_length=1)]
    """Image with Chromium and chromedriver."""
    runner: Annotated[str, Field(min_length=1)]
    """Image with the agent."""


class ImagePullPolicies(_Model):
    """When the kubelet pulls the images of the task pods."""

    browser: ImagePullPolicy = ImagePullPolicy.IF_NOT_PRESENT
    """When the kubelet pulls the browser image: Always, IfNotPresent or Never."""
    runner: ImagePullPolicy = ImagePullPolicy.IF_NOT_PRESENT
    """When the kubelet pulls the runner image."""


class Resources(_Model):
    """Requests and limits of one container, as in a pod."""

    requests: dict[str, str] = Field(default_factory=dict)
    """What the scheduler reserves for the container."""
    limits: dict[str, str] = Field(default_factory=dict)
    """What the container may use at most."""


class TaskResources(_Model):
    """Resources of a task pod."""

    browser: Resources = Resources(
        requests={"cpu": "250m", "memory": "512Mi"}, limits={"memory": "1536Mi", "ephemeral-storage": "256Mi"}
    )
    runner: Resources = Resources(
        requests={"cpu": "100m", "memory": "160Mi"}, limits={"memory": "512Mi", "ephemeral-storage": "256Mi"}
    )
    browser_tmp: str = "512Mi"
    """Size limit of the browser's memory-backed /tmp (profile, downloads); it counts toward its memory."""
    browser_shm: str = "256Mi"
    """Size limit of the browser's /dev/shm; it counts toward its memory."""
    runner_tmp: str = "256Mi"
    """Size limit of the runner's memory-backed /tmp (recording); it counts toward its memory."""


class Profile(_Model):
    """A kind of pod that the administrator offers; a task names it in ``spec.profile``."""

    resources: TaskResources | None = None
    """Resources of the pod in place of ``resources``."""
    images: Images | None = None
    """Images in place of ``images``."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that the pod's node must have."""
    tolerations: list[dict[str, Any]] = Field(default_factory=list)
    """Taints that the pod tolerates."""
    priority_class_name: str | None = None
    """Priority class of the pod."""
    runtime_class_name: str | None = None
    """Runtime class of the pod."""
    model: str | None = None
    """Language model of the profile's tasks, unless a task chooses one."""
    web_access: WebAccess | None = None
    """Where the browser may go, in place of the whole of ``webAccess``."""
    max_active: Annotated[int, Field(ge=1)] | None = None
    """How many tasks of the profile may be active at once; null is no limit."""


class Limits(_Model):
    """Bounds on tasks. Active are those that are admitted and have not ended."""

    max_active: Annotated[int, Field(ge=1)] | None = 100
    """How many tasks may be active at once in all namespaces together; null is no limit."""
    max_active_per_namespace: Annotated[int, Field(ge=1)] | None = None
    """How many tasks may be active at once in one namespace; null is no limit."""
    shares: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Weights of namespaces, by name, in the hand-out of free slots; 1 for any other. One with weight 2 has twice as
    many active tasks as one with 1 while both have tasks waiting."""

    max_ended_per_namespace: Annotated[int, Field(ge=1)] | None = 5000
    """How many ended tasks a namespace keeps; beyond it the oldest are deleted early. Null is no limit."""


class GracePeriods(_Model):
    """Grace periods for conditions that may clear."""

    image_pull_seconds: Annotated[int, Field(ge=0)] = 300
    """How long after scheduling an image may fail to be pulled."""
    config_error_seconds: Annotated[int, Field(ge=0)] = 120
    """How long after scheduling a container may fail to be created, and how long a Secret, or a pod's service account,
    priority class or runtime class, may be missing."""
    quota_retry_seconds: Annotated[float, Field(gt=0)] = 15
    """Shortest pause between tries in a namespace whose ResourceQuota is used up; the longest is twice that. When a
    task has ended there, the next tries come sooner."""
    lost_node_seconds: Annotated[int, Field(ge=0)] = 300
    """How long after a deletion's grace period the node may leave the pod's end unconfirmed."""
    infra_backoff_seconds: Annotated[float, Field(ge=0)] = 10
    """Pause before the second attempt; it doubles with each further one, up to 300."""


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value))
    except ValueError as error:
        raise ValueError(f"{error}: give a network in CIDR form, such as 10.0.0.0/8 or fd00::/8") from error


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class Webhook(_Model):
    """Delivery of webhooks."""

    signature: SignatureStyle = SignatureStyle.V0
    """How webhooks are signed: v0 covers timestamp and body, legacy the body alone."""
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15
    """Time limit of one request: to the receiver, and to the facade for a large result."""
    schedule: Annotated[list[Annotated[float, Field(ge=0)]], Field(max_length=32)] = Field(
        default=[5, 30, 120, 600, 1800, 3600, 7200]
    )
    """Pauses between tries in seconds; after the last try the delivery has failed."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 32
    """How many tries may run at once."""
    concurrency_per_namespace: Annotated[int, Field(ge=1, le=256)] = 4
    """How many tries may run at once for the tasks of one namespace."""
    concurrency_per_host: Annotated[int, Field(ge=1, le=256)] = 8
    """How many tries may run at once at one host, for all namespaces together."""
    allowed_hosts: list[str] | None = None
    """The only hosts that may be called; ``*.example.com`` includes subdomains. Null allows any."""
    allowed_networks: list[Network] = Field(default_factory=list)
    """Networks in CIDR form that may be called although they are private, loopback, link-local or reserved."""


class Sandbox(_Model):
    """Chrome's own sandbox."""

    seccomp_profile: str | None = None
    """Localhost seccomp profile on the nodes that the sandbox needs; without it Chrome runs with ``--no-sandbox``."""


class Writes(_Model):
    """Token bucket of the operator's writes to the API server."""

    qps: Annotated[float, Field(gt=0)] = 200
    """Writes to the API server a second, in the long run."""
    burst: Annotated[int, Field(ge=1)] = 400
    """Writes that may go out at once."""


class LeaderElection(_Model):
    """Election of one leader among operators that share a Lease; the others stand by."""

    enabled: bool = False
    """Whether to elect a leader, without which only one operator may run."""
    lease_name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")] = "skyvern-operator"
    """Name of the Lease in the release's namespace."""
    lease_seconds: Annotated[int, Field(ge=2, le=3600)] = 7
    """How long after the leader's last renewal a standby takes over."""
    renew_seconds: Annotated[float, Field(gt=0)] = 5
    """How long after its last renewal the leader goes on; must be less than leaseSeconds, so that its writes arrive."""
    retry_seconds: Annotated[float, Field(gt=0)] = 1
    """Pause between renewals, and between a standby's looks at the Lease; must be less than renewSeconds."""

    @model_validator(mode="after")
    def _each_is_shorter_than_the_next(self) -> Self:
        if self.renew_seconds >= self.lease_seconds:
            raise ValueError(
                f"renewSeconds ({self.renew_seconds:g}) must be less than leaseSeconds ({self.lease_seconds})"
            )
        if self.retry_seconds >= self.renew_seconds:
            raise ValueError(
                f"retrySeconds ({self.retry_seconds:g}) must be less than renewSeconds ({self.renew_seconds:g})"
            )
        return self


class SecretKey(_Model):
    """A key of a Secret in each task namespace."""

    name: Annotated[str, Field(min_length=1)]
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1)]
    """Its key."""


class Tracing(_Model):
    """Traces of the task pods, which are recorded where the operator's environment names a collector."""

    headers_from: SecretKey | None = None
    """Secret in each task namespace whose key holds the headers of the runners' requests to the collector, in the form
    of ``OTEL_EXPORTER_OTLP_HEADERS``; null for none."""


class OperatorConfig(_Model):
    """Everything that an installation can set."""

    images: Images
    """Images of the task pods."""
    image_pull_policies: ImagePullPolicies = ImagePullPolicies()
    """When the kubelet pulls them."""
    image_pull_secrets: list[str] = Field(default_factory=list)
    """Names of the Secrets in each task namespace with which images are pulled."""
    service_account_name: str = "skyvern-task"
    """Service account of the task pods, in each task namespace."""
    model_secret_name: str | None = "skyvern-model"  # noqa: S105
    """Secret in each task namespace with the language model's settings; null for none."""
    allowed_models: list[str] | None = None
    """The only names that ``spec.model`` may have; null allows any."""
    artifacts_url: str | None = None
    """Internal base URL for the artifacts of runners, and for each task's final record before it is deleted; without it
    neither is stored."""
    public_url: str = "http://127.0.0.1:8080"
    """Base URL of the artifact links in webhooks."""
    facade_url: str | None = None
    """Base URL of the facade within the cluster, from which webhooks take large results; publicUrl without it."""
    artifact_link_ttl_seconds: Annotated[int, Field(ge=60)] = DEFAULT_TTL_SECONDS
    """How long artifact links in webhooks work."""
    signing_key_file: Path | None = None
    """File with the release's signing key, at least 16 bytes. Required."""
    webhook: Webhook = Webhook()
    """Delivery of webhooks."""
    limits: Limits = Limits()
    """Bounds on active and ended tasks."""
    grace_periods: GracePeriods = GracePeriods()
    """Grace periods for conditions that may clear."""
    ended_pod_seconds: Annotated[int, Field(ge=0)] = 300
    """How long the pod of an ended task is kept, for its logs."""
    default_ttl_seconds: Annotated[int, Field(ge=0)] | None = 7 * 24 * 3600
    """How long ended tasks are kept that do not say themselves; null keeps them until somebody deletes them."""
    resources: TaskResources = TaskResources()
    """Resources of the task pods."""
    web_access: WebAccess = WebAccess()
    """Where the browsers of tasks may go."""
    profiles: dict[str, Profile] = Field(default_factory=dict)
    """Kinds of pods that tasks can choose by ``spec.profile``, by name."""
    sandbox: Sandbox = Sandbox()
    """Chrome's own sandbox."""
    writes: Writes = Writes()
    """Rate of the operator's writes."""
    tracing: Tracing = Tracing()
    """Traces of the task pods."""
    leader_election: LeaderElection = LeaderElection()
    """Election of one leader among several operators."""
    resync_seconds: Annotated[float, Field(gt=0)] = 300
    """Pause between full lists, which check the watches."""
    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """How many tasks are reconciled at once."""

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
        raise ConfigError(f"{source}: is not YAML: {error}") from error
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
