"""Answers of the REST Tasks API, made from stored tasks. The facade returns them and webhooks carry them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from skyvern_crds import wire
from skyvern_crds.rest.artifacts import ArtifactLinks, is_name
from skyvern_crds.rest.request import ADDITIONS, SPEC_FIELDS, ModelRequest, TaskRequest
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.status import SkyvernTaskStatus, Step, StepStatus, WebhookState, WebhookStatus
from skyvern_crds.stored import StoredTask, read
from skyvern_crds.vocabulary import Phase

FINAL_SCREENSHOT: Final = "final.png"
RECORDING: Final = "recording.webm"
MAX_RESULT_BYTES: Final = 1024 * 1024
"""Largest extracted information that an answer or a webhook carries; for a larger one it has the link alone."""
ACTION_SCREENSHOTS_IN_RESPONSE: Final = 3
"""Newest action screenshots that a response carries, as callers of the Tasks API know it."""

WireTime = Annotated[str, Field(examples=["2026-08-29T15:38:18.123456"])]
"""Naive UTC in ISO 8601 with microseconds."""


class Answer(BaseModel):
    """Base of the answers. Built from values that are known to be right, so nothing is validated again."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, extra="forbid", frozen=True, protected_namespaces=(), ser_json_inf_nan="null"
    )


SPEC_DEFAULTS: Final = {name: SkyvernTaskSpec.model_fields[name].get_default() for name in ADDITIONS}


class EchoedRequest(TaskRequest):
    """The request as it was understood, defaults filled.

    Fields that only this service has are absent where they have the default.
    """

    def unset(self) -> set[str]:
        """Fields to leave out."""
        return {name for name in ADDITIONS if getattr(self, name) is None}


class ReportedError(Answer):
    """An error code of the caller's error_code_mapping that the agent reported."""

    error_code: str
    """Key of error_code_mapping."""
    reasoning: str
    """Why the agent reports it."""
    confidence_float: float = Field(ge=0, le=1)
    """0 to 1."""


class TaskResponse(Answer):
    """A task. Every key is present; times are naive UTC in ISO 8601 with microseconds."""

    request: EchoedRequest
    """The request that made the task."""
    task_id: str
    """Id of the task."""
    status: Phase
    """Where the task stands. A phase that cannot be read shows as queued or running; failure_reason then says so."""
    created_at: WireTime
    """Creation."""
    modified_at: WireTime
    """Last change."""
    extracted_information: JsonValue
    """What was extracted. More than 16 KiB are null in lists, and more than 1 MiB always: use the link then."""
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
    """Signed link to extracted information of more than 16 KiB, in lists too."""
    queued_at: WireTime | None
    """When the operator first saw the task."""
    started_at: WireTime | None
    """When the agent started."""
    finished_at: WireTime | None
    """When the task ended."""
    step_count: int | None
    """Steps so far."""
    webhook_failure_reason: str | None
    """Why the webhook was not delivered; empty once it was."""
    max_screenshot_scrolls: int | None
    """As in the request."""

    def encode(self, *, with_request: bool = True) -> bytes:
        """The answer as compact JSON in UTF-8."""
        exclude = {"request": self.request.unset()} if with_request else {"request"}
        try:
            return self.__pydantic_serializer__.to_json(self, exclude=exclude, warnings=False)
        except ValueError:  # a lone surrogate, which UTF-8 cannot hold
            return wire.encode(self.model_dump(mode="json", exclude=exclude, warnings=False))


class TaskItem(TaskResponse):
    """A task in a list, which published clients read by a flat model: it requires these two."""

    url: str
    """As in the request."""
    organization_id: str
    """Organization of the API key that made the task; empty for one made with kubectl."""


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


def wire_time(value: datetime) -> str:
    """A :data:`WireTime`."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _optional_time(value: datetime | None) -> str | None:
    return None if value is None else wire_time(value)


def task_response(
    task: StoredTask,
    links: ArtifactLinks | None,
    *,
    result: JsonValue = None,
    result_problem: str | None = None,
    in_list: bool = False,
) -> TaskResponse:
    """The Tasks API's answer for a stored task. Every key is present, null where unknown; never raises.

    ``links`` makes the artifacts' URLs; without it they are null. ``result`` is the extracted information when the
    object only refers to it and the caller has read it from the store; ``result_problem`` says why it never can be
    read. With ``in_list`` the answer is a TaskItem, with no link but that to the extracted information. A task whose
    phase cannot be read is ``queued`` or ``running``, and failure_reason says what is wrong.
    """
    status, webhook = task.status, task.status.webhook
    flat: dict[str, Any] = (
        {"url": task.spec.url, "organization_id": task.metadata.organization or ""} if in_list else {}
    )
    return (TaskItem if in_list else TaskResponse).model_construct(
        request=_request_echo(task),
        task_id=task.metadata.task_id,
        status=task.phase,
        created_at=wire_time(task.created_at),
        modified_at=wire_time(task.modified_at),
        extracted_information=status.extracted_information if result is None else result,
        **_artifact_urls(task, links, in_list=in_list),
        failure_reason=status.failure_reason or result_problem or _what_is_unreadable(task),
        errors=[
            ReportedError.model_construct(
                error_code=each.error_code, reasoning=each.reasoning, confidence_float=each.confidence_float
            )
            for each in status.errors
        ],
        max_steps_per_run=task.spec.max_steps,
        queued_at=_optional_time(status.queued_at),
        started_at=_optional_time(status.started_at),
        finished_at=_optional_time(status.finished_at),
        step_count=status.step_count,
        webhook_failure_reason=_webhook_failure(webhook) if webhook else None,
        max_screenshot_scrolls=task.spec.max_screenshot_scrolls,
        **flat,
    )


def _webhook_failure(webhook: WebhookStatus) -> str | None:
    return "" if webhook.state is WebhookState.DELIVERED else webhook.last_error


def _what_is_unreadable(task: StoredTask) -> str | None:
    """Faults that change the answer: of the phase, and of the extracted information, whose null would be a lie."""
    faults = [each for each in task.unreadable if each.field.startswith("status")]
    if task.status.phase is not None:
        faults = [each for each in faults if each.field.startswith("status.extractedInformation")]
    return f"The stored task cannot be read: {'; '.join(map(str, faults[:3]))}" if faults else None


_NO_EXTRAS: Final[dict[str, Any]] = {
    name: TaskRequest.model_fields[name].get_default() for name in TaskRequest.extra_fields()
}


def _request_echo(task: StoredTask) -> EchoedRequest:
    """The ``request`` of a response: every request field, defaults filled, whatever created the object."""
    spec = task.spec
    extras = read(TaskRequest, task.request, "request", fields=TaskRequest.extra_fields())[0] if task.request else None
    values: dict[str, Any] = {name: getattr(spec, name) for name in SPEC_FIELDS}
    values |= {name: getattr(extras, name) for name in TaskRequest.extra_fields()} if extras else _NO_EXTRAS
    values |= {name: None for name in ADDITIONS if values[name] == SPEC_DEFAULTS[name]}
    values["model"] = ModelRequest.model_construct(model_name=spec.model.model_name) if spec.model else None
    return EchoedRequest.model_construct(**values)


def _artifact_urls(task: StoredTask, links: ArtifactLinks | None, *, in_list: bool) -> dict[str, Any]:
    """The four keys with links."""
    meta, reference = task.metadata, task.status.extracted_information_ref
    names = {artifact.name for artifact in task.status.artifacts}
    shots = _screenshots(task.status)

    def url(name: str | None) -> str | None:
        if links is None or not name or not is_name(name):
            return None
        return links.url(meta.namespace, meta.name, meta.uid, name)

    result = {"extracted_information_url": url(reference.name if reference else None)}
    if in_list:
        return result | dict.fromkeys(("action_screenshot_urls", "screenshot_url", "recording_url"))
    newest = [made for name in shots[:ACTION_SCREENSHOTS_IN_RESPONSE] if (made := url(name))]
    return result | {
        "action_screenshot_urls": newest or None,
        "screenshot_url": url(FINAL_SCREENSHOT if FINAL_SCREENSHOT in names else next(iter(shots), None)),
        "recording_url": url(RECORDING if RECORDING in names else None),
    }


def _screenshots(status: SkyvernTaskStatus) -> list[str]:
    """Names of the action screenshots, newest first."""
    return [
        artifact.name
        for artifact in reversed(status.artifacts)
        if artifact.content_type.startswith("image/") and artifact.name != FINAL_SCREENSHOT
    ]


def encode_steps(steps: Iterable[StepResponse]) -> bytes:
    """A JSON array of steps without nulls, as callers of the Tasks API know it."""
    return wire.encode([step.model_dump(mode="json", exclude_none=True) for step in steps])


def step_responses(task: StoredTask, older: Iterable[Step] = ()) -> list[StepResponse]:
    """The Tasks API's steps, by order and retry_index ascending; the task's own win over ``older`` ones."""
    steps = {(step.order, step.retry_index): step for step in (*older, *task.status.steps)}
    return [
        StepResponse.model_construct(
            created_at=wire_time(step.created_at),
            modified_at=wire_time(step.modified_at),
            task_id=task.metadata.task_id,
            step_id=step.step_id,
            status=step.status,
            order=step.order,
            is_last=step.is_last,
            retry_index=step.retry_index,
            organization_id=task.metadata.organization,
            input_token_count=step.input_token_count,
            output_token_count=step.output_token_count,
        )
        for _, step in sorted(steps.items())
    ]
