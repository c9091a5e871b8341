"""Models of the answers, for the OpenAPI document.

The answers are made by skyvern_crds.rest; a test holds the two together.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from skyvern_crds.rest.request import TaskRequest
from skyvern_crds.status import StepStatus
from skyvern_crds.vocabulary import Phase


class Answer(BaseModel):
    """Base of the answers."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")


class CreatedTask(Answer):
    """Answer to the creation of a task."""

    task_id: str
    """Id of the task."""


class EchoedRequest(TaskRequest):
    """The request as it was understood, defaults filled."""


class ReportedError(Answer):
    """An error code of the caller's error_code_mapping that the agent reported."""

    error_code: str
    """Key of error_code_mapping."""
    reasoning: str
    """Why the agent reports it."""
    confidence_float: float = Field(ge=0, le=1)
    """0 to 1."""


WireTime = Annotated[str, Field(examples=["2026-08-29T15:38:18.123456"])]


class TaskResponse(Answer):
    """A task. Every key is present; times are naive UTC in ISO 8601, the fraction absent when zero."""

    request: EchoedRequest
    """The request that made the task."""
    task_id: str
    """Id of the task."""
    status: Phase
    """Where the task stands."""
    created_at: WireTime
    """Creation."""
    modified_at: WireTime
    """Last change."""
    extracted_information: JsonValue
    """What was extracted."""
    action_screenshot_urls: list[str] | None
    """Signed links to the newest screenshots, newest first; null in lists."""
    screenshot_url: str | None
    """Signed link to the last screenshot; null in lists."""
    recording_url: str | None
    """Signed link to the recording; null in lists."""
    failure_reason: str | None
    """Why the task did not complete."""
    errors: list[ReportedError]
    """Error codes that the agent reported."""
    max_steps_per_run: int | None
    """Effective limit of steps."""
    extracted_information_url: str | None
    """Signed link to extracted information that is too large to be inline; null in lists."""
    queued_at: WireTime | None
    """When the task was taken over."""
    started_at: WireTime | None
    """When the agent started."""
    finished_at: WireTime | None
    """When the task ended."""
    step_count: int | None
    """Steps so far."""
    webhook_failure_reason: str | None
    """Why the webhook was not delivered."""
    max_screenshot_scrolls: int | None
    """As in the request."""


class StepResponse(Answer):
    """A step of a task; keys without a value are absent."""

    created_at: WireTime
    """Start."""
    modified_at: WireTime
    """Last change."""
    task_id: str
    """Id of the task."""
    step_id: str
    """Id of the step."""
    status: StepStatus
    """Where the step stands."""
    order: int
    """Position in the task, from 0."""
    is_last: bool
    """Whether the step ended the task."""
    retry_index: int
    """0 for the first try of the step."""
    organization_id: str | None = None
    """Organization of the API key that made the task."""
    input_token_count: int
    """Prompt tokens."""
    output_token_count: int
    """Completion tokens."""


class LinkQuery(BaseModel):
    """Query of a signed link."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    expires: str
    """Unix time at which the link ends."""
    signature: str
    """Hex HMAC-SHA256 of path and expiry."""


class ErrorText(Answer):
    """An error in words."""

    detail: str
    """What is wrong and what to do."""


class ErrorDetail(BaseModel):
    """One error in a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """Kind of error."""
    loc: list[str | int]
    """Where it is, from ``body``, ``query`` or ``header``."""
    msg: str
    """What is wrong."""
    input: Any = None
    """The offending value or its beginning."""
    ctx: dict[str, Any] | None = None
    """Limits that the message speaks of."""


class InvalidRequest(Answer):
    """All errors of a request."""

    detail: list[ErrorDetail]
    """One entry per error."""
