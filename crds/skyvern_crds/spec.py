"""Model of ``SkyvernTask.spec``: what a user asks for. Every limit that the CRD enforces is stated here."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import Field, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel

from skyvern_crds import wire
from skyvern_crds.models import STORED, AnyJson, ApiModel, HttpUrl, Rule, Text, pattern_message
from skyvern_crds.network.hosts import TASK_HOST_PATTERN

MAX_SPEC_BYTES: Final = 192 * 1024
"""Upper bound of the spec as JSON, since it travels to the runner in an annotation of its pod (256 KiB in all)."""


class SpecTooLargeError(ValueError):
    """The spec exceeds :data:`MAX_SPEC_BYTES`; the message is for whoever writes objects."""

    def __init__(self, size: int) -> None:
        self.problem = f"the task is {size} bytes of JSON and may have {MAX_SPEC_BYTES}"
        """What is wrong, without a remedy."""
        super().__init__(
            f"{self.problem}: shorten navigationPayload, or put it in a Secret and name it in navigationPayloadFrom"
        )


class ProxyLocation(StrEnum):
    """Values that callers of the Tasks API send."""

    RESIDENTIAL = "RESIDENTIAL"
    US_CA = "US-CA"
    US_NY = "US-NY"
    US_TX = "US-TX"
    US_FL = "US-FL"
    US_WA = "US-WA"
    RESIDENTIAL_ES = "RESIDENTIAL_ES"
    RESIDENTIAL_IE = "RESIDENTIAL_IE"
    RESIDENTIAL_GB = "RESIDENTIAL_GB"
    RESIDENTIAL_IN = "RESIDENTIAL_IN"
    RESIDENTIAL_JP = "RESIDENTIAL_JP"
    RESIDENTIAL_FR = "RESIDENTIAL_FR"
    RESIDENTIAL_DE = "RESIDENTIAL_DE"
    RESIDENTIAL_NZ = "RESIDENTIAL_NZ"
    RESIDENTIAL_ZA = "RESIDENTIAL_ZA"
    RESIDENTIAL_AR = "RESIDENTIAL_AR"
    RESIDENTIAL_AU = "RESIDENTIAL_AU"
    RESIDENTIAL_BR = "RESIDENTIAL_BR"
    RESIDENTIAL_CA = "RESIDENTIAL_CA"
    RESIDENTIAL_IT = "RESIDENTIAL_IT"
    RESIDENTIAL_KR = "RESIDENTIAL_KR"
    RESIDENTIAL_MX = "RESIDENTIAL_MX"
    RESIDENTIAL_NL = "RESIDENTIAL_NL"
    RESIDENTIAL_PH = "RESIDENTIAL_PH"
    RESIDENTIAL_SA = "RESIDENTIAL_SA"
    RESIDENTIAL_TR = "RESIDENTIAL_TR"
    RESIDENTIAL_ISP = "RESIDENTIAL_ISP"
    NONE = "NONE"


SecretName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        json_schema_extra=pattern_message("must be the name of a Secret: lower-case letters, digits, '-' and '.'"),
    ),
]
SecretKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[-._a-zA-Z0-9]+$",
        json_schema_extra=pattern_message("must be a key of a Secret: letters, digits, '-', '_' and '.'"),
    ),
]
SecretAlias = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
        json_schema_extra=pattern_message("must consist of lower-case letters, digits, '-' and '_'"),
    ),
]
SecretHosts = Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(min_length=1, max_length=16)]
MAX_SECRETS: Final = 32
"""Secrets of a task."""
DeadlineSeconds = Annotated[int, Field(ge=10, le=86400)]
TtlSeconds = Annotated[int, Field(ge=0, le=31536000)]
Priority = Annotated[int, Field(ge=-1000, le=1000)]


class SecretKeyRef(ApiModel):
    """A key of a Secret in the task's namespace."""

    name: SecretName
    """Name of the Secret."""
    key: SecretKey
    """Key in its data."""


class PayloadSource(ApiModel):
    """A source for the navigation payload that keeps it out of the object."""

    secret_key_ref: SecretKeyRef
    """Holds the payload as JSON; mounted into the runner as a file."""


class TaskSecret(ApiModel):
    """A secret that the agent may type but the model never sees."""

    name: SecretAlias
    """The name by which the model refers to the value."""
    secret_key_ref: SecretKeyRef
    """Where the value is."""
    hosts: SecretHosts
    """Host names on which the value may be typed; ``*.example.com`` includes every subdomain."""


ModelName = Annotated[str, Field(min_length=1, max_length=128)]
Title = Annotated[str, Field(max_length=256)]
TotpIdentifier = Annotated[str, Field(min_length=1, max_length=256)]
ScreenshotScrolls = Annotated[int, Field(ge=0, le=1000)]
MAX_STEPS_LIMIT: Final = 1000
"""Highest maxSteps."""


class ModelChoice(ApiModel):
    """Which language model the task asks for; the operator's configuration must allow it."""

    model_name: ModelName
    """Name as the model's provider knows it."""


ErrorCodes = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=128)], Annotated[str, Field(max_length=1024)]],
    Field(max_length=64),
]
"""Error codes, each with its description."""
HeaderName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        pattern=r"^[-!#$%&'*+.^_`|~0-9A-Za-z]+$",
        json_schema_extra=pattern_message("names must be of letters, digits, '-' and '_'"),
    ),
]
HeaderValue = Annotated[
    str,
    Field(max_length=4096, pattern=r"^[^\r\n\x00]*$", json_schema_extra=pattern_message("must be a single line")),
]
Headers = Annotated[dict[HeaderName, HeaderValue], Field(max_length=32)]
"""HTTP headers by name."""
AllowedHosts = Annotated[
    list[
        Annotated[
            str,
            Field(
                max_length=260,
                pattern=TASK_HOST_PATTERN,
                json_schema_extra=pattern_message(
                    "must be a host such as example.com or *.example.com, with a port or without"
                ),
            ),
        ]
    ],
    Field(min_length=1, max_length=64),
]
"""Hosts by name."""
ProfileName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        json_schema_extra=pattern_message("must be the name of a profile: lower-case letters, digits and '-'"),
    ),
]
"""Name of a profile of the operator's configuration."""


class SkyvernTaskSpec(ApiModel):
    """What the browser does. Immutable except for suspend, priority and ttlSecondsAfterFinished."""

    url: HttpUrl
    """Page to start from; http or https."""
    title: Title | None = None
    """A title for people. The model does not see it."""
    navigation_goal: Text | None = None
    """What to do, in words. Without it the page is only opened and, with a data extraction goal, read."""
    data_extraction_goal: Text | None = None
    """What to extract once the goal is reached, in words."""
    navigation_payload: AnyJson | None = None
    """Facts for filling in forms. Any JSON; the model sees it."""
    navigation_payload_from: PayloadSource | None = None
    """The same from a Secret, which keeps it out of the object."""
    extracted_information_schema: AnyJson | None = None
    """JSON Schema of the extracted information, or an example of it."""
    webhook_callback_url: HttpUrl | None = None
    """Receives one signed POST when the task has ended."""
    proxy_location: ProxyLocation | None = None
    """Accepted for callers of the Tasks API. Has no effect: the condition SpecHonored says so."""
    totp_verification_url: HttpUrl | None = None
    """Accepted for callers of the Tasks API. Has no effect yet: the condition SpecHonored says so."""
    totp_identifier: TotpIdentifier | None = None
    """Accepted for callers of the Tasks API. Has no effect yet: the condition SpecHonored says so."""
    error_code_mapping: ErrorCodes | None = None
    """The user's error codes, each with a description of when the agent reports it."""
    complete_criterion: Text | None = None
    """When the task counts as completed, in words."""
    terminate_criterion: Text | None = None
    """When the agent gives up, in words."""
    allowed_hosts: AllowedHosts | None = None
    """The only hosts that the browser may open, such as ``example.com``, ``*.example.com`` for its subdomains, or
    ``example.com:8443``. Without it, every host that the operator's configuration allows; it never opens more."""
    extra_http_headers: Headers | None = None
    """Added to every request of the browser."""
    max_screenshot_scrolls: ScreenshotScrolls | None = None
    """Accepted for callers of the Tasks API. Has no effect yet: the condition SpecHonored says so."""
    model: ModelChoice | None = None
    """A language model other than the default."""
    secrets: Annotated[list[TaskSecret], Field(max_length=MAX_SECRETS)] | None = None
    """Values that the agent may type and the model never sees."""

    max_steps: Annotated[int, Field(ge=1, le=MAX_STEPS_LIMIT)] = 25
    """Steps before the task fails with MaxStepsReached."""
    max_retries_per_step: Annotated[int, Field(ge=0, le=20)] = 3
    """How often a failed step is tried again."""
    active_deadline_seconds: DeadlineSeconds = 1800
    """Seconds the task may take from the runner's start; then it is timed_out."""
    start_deadline_seconds: DeadlineSeconds = 900
    """Seconds the runner may take to start once admitted and past any scheduling gate; then it is timed_out."""
    ttl_seconds_after_finished: TtlSeconds | None = None
    """Seconds to keep the task after its end; the operator's default if absent."""
    priority: Priority = 0
    """Higher is admitted first."""
    suspend: bool = False
    """Keeps a queued task from starting, and takes its pod away if the agent has not started."""
    infra_retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How many more pods a task gets when its pod dies before the agent has started."""
    profile: ProfileName | None = None
    """A profile of the operator's configuration: resources, node placement, image, model."""

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            # dyn: CEL has no type for a field of any JSON, and refuses to name it on a typed self
            rule="!(has(dyn(self).navigationPayload) && has(self.navigationPayloadFrom))",
            message="set either navigationPayload or navigationPayloadFrom, not both",
            field_path=".navigationPayloadFrom",
        ),
        Rule(
            rule="!has(self.secrets) || self.secrets.all(s, self.secrets.exists_one(o, o.name == s.name))",
            message="secrets must have distinct names: rename one",
            field_path=".secrets",
        ),
    )

    @model_validator(mode="after")
    def _bounded(self, info: ValidationInfo) -> Self:
        if info.context == STORED:
            return self
        size = wire.size(self.wire())
        if size > MAX_SPEC_BYTES:
            raise SpecTooLargeError(size)
        for name in ("navigation_payload", "extracted_information_schema"):
            if wire.is_cut(getattr(self, name)):
                raise ValueError(f"{to_camel(name)} is nested deeper than {wire.MAX_DEPTH} levels: flatten it")
        if self.navigation_payload is not None and self.navigation_payload_from is not None:
            raise ValueError("set either navigationPayload or navigationPayloadFrom, not both")
        return self


MUTABLE_SPEC_FIELDS: Final = ("suspend", "priority", "ttlSecondsAfterFinished")
"""Fields of spec that may change after creation; CEL refuses a change of any other."""


def parse_spec(spec: dict[str, Any]) -> SkyvernTaskSpec:
    """Parse a stored spec. Raises pydantic's ValidationError, which names each field."""
    return SkyvernTaskSpec.model_validate(spec)
