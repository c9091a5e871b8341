"""Requests of the REST Tasks API: what a caller may send, and the spec that it becomes."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from skyvern_crds.models import Text
from skyvern_crds.spec import (
    MAX_SECRETS,
    AllowedHosts,
    DeadlineSeconds,
    ErrorCodes,
    Headers,
    ModelChoice,
    ModelName,
    Priority,
    ProfileName,
    ProxyLocation,
    ScreenshotScrolls,
    SecretAlias,
    SecretHosts,
    SecretKey,
    SecretName,
    SkyvernTaskSpec,
    Title,
    TotpIdentifier,
    TtlSeconds,
)
from skyvern_crds.urls import normalize_url

_empty_is_absent = BeforeValidator(lambda value: None if value == "" else value)
"""Tools that fill in forms send empty text for what was left out."""
RequestUrl = Annotated[str, Field(min_length=1, max_length=8192), AfterValidator(normalize_url)]
Payload = dict[str, JsonValue] | list[JsonValue] | str


_STRICT: Final = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


class ModelRequest(BaseModel):
    """The ``model`` object of a request."""

    model_config = ConfigDict(strict=True, protected_namespaces=(), use_attribute_docstrings=True)

    model_name: ModelName
    """Name as the model's provider knows it."""


class SecretReference(BaseModel):
    """A key of a Secret in the tenant's namespace, which the administrator has allowed to the API key."""

    model_config = _STRICT

    name: SecretName
    """Name of the Secret."""
    key: SecretKey
    """Key in its data."""


class PayloadSourceRequest(BaseModel):
    """Where the payload is kept."""

    model_config = _STRICT

    secret_key_ref: SecretReference
    """Holds the payload as JSON."""


class SecretRequest(BaseModel):
    """A value that the agent may type and the model never sees."""

    model_config = _STRICT

    name: SecretAlias
    """The name by which the model refers to the value."""
    secret_key_ref: SecretReference
    """Where the value is."""
    hosts: SecretHosts
    """Host names on which the value may be typed; ``*.example.com`` includes every subdomain."""


class TaskRequest(BaseModel):
    """Body of ``POST /api/v1/tasks``. Strict types; unknown keys are ignored, as callers expect."""

    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=(), use_attribute_docstrings=True)

    url: RequestUrl
    """Page to start from."""
    title: Title | None = None
    """A title for people."""
    webhook_callback_url: Annotated[RequestUrl | None, _empty_is_absent] = None
    """Receives one signed POST when the task has ended."""
    navigation_goal: Text | None = None
    """What to do, in words."""
    data_extraction_goal: Text | None = None
    """What to extract once the goal is reached, in words."""
    navigation_payload: Payload | None = None
    """Facts for filling in forms; not validated."""
    proxy_location: Annotated[Annotated[ProxyLocation, Field(strict=False)] | None, _empty_is_absent] = None
    """Accepted; has no effect yet."""
    extracted_information_schema: Payload | None = None
    """JSON Schema of the extracted information, or an example of it."""
    error_code_mapping: ErrorCodes | None = None
    """The caller's error codes, each with a description of when to report it."""
    totp_verification_url: Annotated[RequestUrl | None, _empty_is_absent] = None
    """Accepted; has no effect yet."""
    totp_identifier: Annotated[TotpIdentifier | None, _empty_is_absent] = None
    """Accepted; has no effect yet."""
    complete_criterion: Text | None = None
    """When the task counts as completed, in words."""
    terminate_criterion: Text | None = None
    """When to give up, in words."""
    allowed_hosts: AllowedHosts | None = None
    """The only hosts that the browser may open, such as ``example.com``, ``*.example.com`` for its subdomains, or
    ``example.com:8443``; it never opens more than the operator's configuration."""
    extra_http_headers: Headers | None = None
    """Added to every request of the browser."""
    max_screenshot_scrolls: ScreenshotScrolls | None = None
    """Accepted; has no effect yet."""
    model: ModelRequest | None = None
    """A language model other than the default."""
    application: Annotated[str, Field(max_length=256)] | None = None
    """Any label; lists can be filtered by it."""
    task_type: Literal["general", "validation", "action"] | None = None
    """Accepted; every task runs as ``general``."""
    include_action_history_in_verification: bool | None = False
    """Accepted; the verification always has the history."""
    include_extracted_text: bool = True
    """Accepted; the extraction always has the page's text."""
    browser_session_id: Annotated[None, _empty_is_absent] = None
    """Refused when set: each task gets a new browser."""
    browser_address: Annotated[None, _empty_is_absent] = None
    """Refused when set: each task gets a new browser."""
    priority: Priority | None = None
    """Higher is started first among the tenant's tasks; 0 if absent. Echoed, like all that follow, if given."""
    suspend: bool | None = None
    """Keeps the task from starting until someone clears the field of the object."""
    start_deadline_seconds: DeadlineSeconds | None = None
    """Seconds the browser may take to start once it is the task's turn; 900 if absent."""
    active_deadline_seconds: DeadlineSeconds | None = None
    """Seconds the task may take from then on; 1800 if absent."""
    ttl_seconds_after_finished: TtlSeconds | None = None
    """Seconds to keep the task after its end; the installation's default if absent."""
    profile: ProfileName | None = None
    """A profile that the installation offers: resources, node placement, image, model."""
    navigation_payload_from: PayloadSourceRequest | None = None
    """The payload from a Secret, in place of navigation_payload. The model sees it."""
    secrets: Annotated[list[SecretRequest], Field(max_length=MAX_SECRETS)] | None = None
    """Values that the agent may type and the model never sees."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.navigation_payload is not None and self.navigation_payload_from is not None:
            raise ValueError("set either navigation_payload or navigation_payload_from, not both")
        names = [each.name for each in self.secrets or []]
        if len(set(names)) < len(names):
            raise ValueError("secrets must have distinct names: rename one")
        return self

    def secret_references(self) -> Iterator[tuple[list[str | int], str]]:
        """Each Secret that the request names, with the place of its name in the body."""
        if self.navigation_payload_from is not None:
            yield (
                ["navigation_payload_from", "secret_key_ref", "name"],
                self.navigation_payload_from.secret_key_ref.name,
            )
        for number, each in enumerate(self.secrets or []):
            yield ["secrets", number, "secret_key_ref", "name"], each.secret_key_ref.name

    def to_spec(self, max_steps: int | None = None) -> SkyvernTaskSpec:
        """The spec for this request. Raises pydantic's ValidationError when it is too large for an object."""
        values = self.model_dump(include=set(SPEC_FIELDS), exclude_none=True)
        if self.model is not None:
            values["model"] = ModelChoice(model_name=self.model.model_name)
        if max_steps is not None:
            values["max_steps"] = max_steps
        return SkyvernTaskSpec(**values)

    @classmethod
    def extra_fields(cls) -> frozenset[str]:
        """Fields that the spec has no place for."""
        return frozenset(cls.model_fields) - SPEC_FIELDS - {"model"}

    def extras(self) -> dict[str, Any]:
        """Values of :meth:`extra_fields` that are not the default: kept in ANNOTATION_REQUEST and echoed by GET."""
        return self.model_dump(mode="json", include=set(self.extra_fields()), exclude_defaults=True)


SPEC_FIELDS: Final = frozenset(TaskRequest.model_fields) & frozenset(SkyvernTaskSpec.model_fields) - {"model"}
"""Request fields that the spec has under the same name (in camelCase on the wire)."""
ADDITIONS: Final = (
    "priority",
    "suspend",
    "start_deadline_seconds",
    "active_deadline_seconds",
    "ttl_seconds_after_finished",
    "profile",
    "navigation_payload_from",
    "secrets",
)
"""Fields that the Tasks API does not know: echoed where they were given, so that its callers see nothing new."""
