"""Model of ``SkyvernTask.status``: what happened. Two field managers write it, each its own fields."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from skyvern_crds.models import AnyJson, ApiModel, MicroTime, Rule, ShortText, pattern_message
from skyvern_crds.vocabulary import TERMINAL_PHASES, Phase

MAX_STEPS_IN_STATUS: Final = 50
"""Newest steps kept in status; all of them are in the artifact :data:`STEPS_FILE`."""
STEPS_FILE: Final = "steps.json"
"""Artifact with all steps, uploaded at the task's end: a list of objects with the fields of Step, in snake_case."""
MAX_INLINE_RESULT_BYTES: Final = 16 * 1024
"""Largest extracted information kept inline, as JSON; a larger one is the artifact ``result.json``."""
MAX_STATUS_BYTES: Final = 48 * 1024
"""Size budget of a status, as JSON: both parts and what the API server adds."""
MAX_RUNNER_STATUS_BYTES: Final = 32 * 1024
"""Size budget of the runner's part; see fitting.py."""
MAX_OPERATOR_STATUS_BYTES: Final = 12 * 1024
"""Size budget of the operator's part."""
MAX_ARTIFACTS: Final = 60
"""Artifacts listed in status, newest last."""
MAX_CONDITION_MESSAGE: Final = 1024
"""Characters of a condition's message."""


class StepStatus(StrEnum):
    """Status of a step, as the Tasks API names it."""

    CREATED = "created"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class Step(ApiModel):
    """One look at the page, one answer of the model, and the actions in that answer."""

    step_id: Annotated[str, Field(max_length=64)]
    """``stp_`` and a decimal number."""
    order: Annotated[int, Field(ge=0)]
    """Position in the task, from 0; retries of a step share it."""
    retry_index: Annotated[int, Field(ge=0)] = 0
    """0 for the first try."""
    status: StepStatus
    """Where the step stands."""
    created_at: MicroTime
    """Start of the step."""
    modified_at: MicroTime
    """Last change."""
    input_token_count: Annotated[int, Field(ge=0)] = 0
    """Prompt tokens, as the model's server counted them."""
    output_token_count: Annotated[int, Field(ge=0)] = 0
    """Completion tokens."""
    actions: Annotated[int, Field(ge=0)] = 0
    """Actions performed."""
    is_last: bool = False
    """Set on the step that ended the task."""
    url: Annotated[str, Field(max_length=256)] | None = None
    """Page at the end of the step, cut to 256 characters."""
    summary: Annotated[str, Field(max_length=256)] | None = None
    """What was done, in one line."""


class UserError(ApiModel):
    """An error code of the user's errorCodeMapping that the agent reported."""

    error_code: Annotated[str, Field(max_length=128)]
    """Key of errorCodeMapping."""
    reasoning: Annotated[str, Field(max_length=1024)]
    """Why the agent reports it."""
    confidence_float: Annotated[float, Field(ge=0, le=1)] = 1.0
    """0 to 1."""


class Artifact(ApiModel):
    """A file in the artifact store, relative to the task's folder there."""

    name: Annotated[
        str,
        Field(
            max_length=128,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
            json_schema_extra=pattern_message("must be a relative path of letters, digits, '.', '_', '-' and '/'"),
        ),
    ]
    """For example ``final.png`` or ``steps/03-0/screenshot-1.jpg``."""
    content_type: Annotated[str, Field(max_length=64)]
    """MIME type."""
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(max_length=64)]
    """Lower-case hex digest."""


class Condition(ApiModel):
    """As ``metav1.Condition``."""

    type: Annotated[str, Field(max_length=64)]
    """A ConditionType."""
    status: Annotated[
        str,
        Field(
            max_length=7,
            pattern=r"^(True|False|Unknown)$",
            json_schema_extra=pattern_message("must be True, False or Unknown"),
        ),
    ]
    """True, False or Unknown."""
    reason: Annotated[str, Field(max_length=64)]
    """A Reason."""
    message: Annotated[str, Field(max_length=MAX_CONDITION_MESSAGE)] = ""
    """For people."""
    last_transition_time: MicroTime
    """Last change of status."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """Generation of the spec that the condition was set for."""


class Failure(ApiModel):
    """Why the task did not complete, for machines."""

    reason: Annotated[str, Field(max_length=64)]
    """A Reason."""
    message: ShortText = ""
    """As failureReason."""
    exit_code: int | None = None
    """Exit code of the container that decided, if one ended."""


class WebhookState(StrEnum):
    """Where the delivery of the webhook stands."""

    PENDING = "Pending"
    DELIVERED = "Delivered"
    FAILED = "Failed"


class WebhookStatus(ApiModel):
    """Delivery of the webhook: at least once for each task."""

    state: WebhookState
    """Pending, Delivered or Failed (given up)."""
    attempts: Annotated[int, Field(ge=0)] = 0
    """Tries so far."""
    next_attempt_at: MicroTime | None = None
    """When the next try is due."""
    last_attempt_at: MicroTime | None = None
    """When the last try was made."""
    last_status_code: int | None = None
    """HTTP status of the last answer."""
    last_error: ShortText | None = None
    """Why the last try failed."""
    retry_requested: Annotated[str, Field(max_length=64)] | None = None
    """Value of the retry-webhook annotation that this state answers."""


class ResultReference(ApiModel):
    """Extracted information that is too large to be inline."""

    name: Annotated[str, Field(max_length=128)]
    """Artifact that holds it."""
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(max_length=64)]
    """Lower-case hex digest."""


class RunnerStatus(ApiModel):
    """The runner's part of status: reports that enrich the verdict and never decide it."""

    steps: Annotated[
        list[Step], Field(max_length=MAX_STEPS_IN_STATUS, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(default_factory=list)
    """The newest steps, oldest first."""
    step_count: Annotated[int, Field(ge=0)] = 0
    """All steps of the task, retries not counted."""
    current_url: Annotated[str, Field(max_length=2083)] | None = None
    """Page the browser shows."""
    last_heartbeat: MicroTime | None = None
    """Last report."""
    extracted_information: AnyJson | None = None
    """The result, if it has at most 16 KiB of JSON."""
    extracted_information_ref: ResultReference | None = None
    """Where the result is, if it is larger."""
    errors: Annotated[list[UserError], Field(max_length=20, json_schema_extra={"x-kubernetes-list-type": "atomic"})] = (
        Field(default_factory=list)
    )
    """Error codes the agent reported."""
    artifacts: Annotated[
        list[Artifact], Field(max_length=MAX_ARTIFACTS, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(default_factory=list)
    """Files in the artifact store."""


class OperatorStatus(ApiModel):
    """The operator's part of status."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Newest generation of the spec that the operator has seen."""
    phase: Phase | None = None
    """Derived from the condition Succeeded; the REST API's status."""
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = Field(default_factory=list)
    """Admitted, PodScheduled, BrowserReady, BrowserSandboxed, SpecHonored, Stopping, Succeeded."""
    pod_name: Annotated[str, Field(max_length=253)] | None = None
    """Pod of the current attempt."""
    pod_uid: Annotated[str, Field(max_length=64)] | None = Field(default=None, alias="podUID")
    """Uid of that pod."""
    attempt: Annotated[int, Field(ge=0)] | None = None
    """Pods created for the task so far."""
    infra_failures: Annotated[int, Field(ge=0)] | None = None
    """How many of them the infrastructure ended before the agent had started; infraRetries bounds it."""
    node_name: Annotated[str, Field(max_length=253)] | None = None
    """Node of the pod."""
    queued_at: MicroTime | None = None
    """When the operator first saw the task."""
    started_at: MicroTime | None = None
    """When the runner's container started: from then on the task may have acted."""
    finished_at: MicroTime | None = None
    """When the task ended."""
    failure_reason: ShortText | None = None
    """Why the task did not complete, for people; what REST calls failure_reason."""
    failure: Failure | None = None
    """The same for machines."""
    webhook: WebhookStatus | None = None
    """Delivery of the webhook, once the task has ended."""


_TERMINAL_LIST: Final = "[" + ", ".join(f"'{phase}'" for phase in sorted(TERMINAL_PHASES)) + "]"


class SkyvernTaskStatus(OperatorStatus, RunnerStatus):
    """The whole status."""

    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            rule=(
                f"!has(oldSelf.phase) || !(oldSelf.phase in {_TERMINAL_LIST}) "
                "|| (has(self.phase) && self.phase == oldSelf.phase)"
            ),
            message="the task has ended: its phase never changes again",
            field_path=".phase",
        ),
    )


def parse_status(status: dict[str, Any] | None) -> SkyvernTaskStatus:
    """Parse a stored status; an absent one is empty. Raises pydantic's ValidationError."""
    return SkyvernTaskStatus.model_validate(status or {})
