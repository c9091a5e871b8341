"""The mapping between the REST Tasks API and SkyvernTask objects: request -> spec, object -> response.

Pure functions over JSON values. The facade answers with them, the operator builds webhook bodies with them, so that
both say the same.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from skyvern_crds.artifacts import ArtifactLinks
from skyvern_crds.spec import ModelChoice, ProxyLocation, SkyvernTaskSpec, parse_spec
from skyvern_crds.status import SkyvernTaskStatus, parse_status
from skyvern_crds.vocabulary import ANNOTATION_REQUEST, LABEL_ORGANIZATION, Phase

MAX_URL_LENGTH: Final = 2083
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
FINAL_SCREENSHOT: Final = "final.png"
RECORDING: Final = "recording.webm"
ACTION_SCREENSHOTS_IN_RESPONSE: Final = 3
"""Newest action screenshots that a response carries, as callers of the Tasks API know it."""


def normalize_url(value: str) -> str:
    """An http or https URL; a missing scheme becomes https. Raises ValueError that names the remedy."""
    url = value.strip()
    if not _SCHEME.match(url):
        url = f"https://{url}"
    scheme, _, rest = url.partition("://")
    url = f"{scheme.lower()}://{rest}"
    if scheme.lower() not in {"http", "https"} or not _has_host(url):
        raise ValueError("Invalid URL: give an http or https URL with a host")
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"Invalid URL: it has {len(url)} characters and may have {MAX_URL_LENGTH}")
    return url


def _has_host(url: str) -> bool:
    if not url.isprintable() or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or an unclosed bracket
        return False


RequestUrl = Annotated[str, Field(min_length=1, max_length=8192), AfterValidator(normalize_url)]
RequestText = Annotated[str, Field(max_length=16384)]
Headers = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=32)]
Payload = dict[str, JsonValue] | list[JsonValue] | str


class ModelRequest(BaseModel):
    """The ``model`` object of a request."""

    model_config = ConfigDict(strict=True, protected_namespaces=(), use_attribute_docstrings=True)

    model_name: Annotated[str, Field(min_length=1, max_length=128)]
    """Name as the model's provider knows it."""


class TaskRequest(BaseModel):
    """Body of ``POST /api/v1/tasks``. Strict types; unknown keys are ignored, as callers expect."""

    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=(), use_attribute_docstrings=True)

    url: RequestUrl
    """Page to start from."""
    title: Annotated[str, Field(max_length=256)] | None = None
    """For people."""
    webhook_callback_url: RequestUrl | None = None
    """Receives one signed POST when the task has ended."""
    navigation_goal: RequestText | None = None
    """What to do, in words."""
    data_extraction_goal: RequestText | None = None
    """What to extract once the goal is reached, in words."""
    navigation_payload: Payload | None = None
    """Facts for filling in forms; not validated."""
    proxy_location: Annotated[ProxyLocation, Field(strict=False)] | None = None
    """Has an effect only where the operator's configuration maps it to a proxy."""
    extracted_information_schema: Payload | None = None
    """JSON Schema of the extracted information, or an example of it."""
    error_code_mapping: Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=64)] | None = None
    """The caller's error codes, each with a description of when to report it."""
    totp_verification_url: RequestUrl | None = None
    """Polled for a verification code when the page asks for one."""
    totp_identifier: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Names the pushed verification codes that belong to this task."""
    complete_criterion: RequestText | None = None
    """When the task counts as completed, in words."""
    terminate_criterion: RequestText | None = None
    """When to give up, in words."""
    extra_http_headers: Headers | None = None
    """Added to every request of the browser."""
    max_screenshot_scrolls: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Screens below the first one that screenshots for the model include."""
    model: ModelRequest | None = None
    """Another model than the default one."""
    application: Annotated[str, Field(max_length=256)] | None = None
    """Free label; the list can be filtered by it."""
    task_type: Literal["general", "validation", "action"] | None = None
    """Accepted; every task runs as ``general``."""
    include_action_history_in_verification: bool | None = False
    """Accepted; the verification always has the history."""
    include_extracted_text: bool = True
    """Accepted; the extraction always has the page's text."""
    browser_session_id: None = None
    """Refused when set: tasks have a browser of their own."""
    browser_address: None = None
    """Refused when set: tasks have a browser of their own."""

    def to_spec(self, max_steps: int | None = None) -> SkyvernTaskSpec:
        """The spec for this request. Raises pydantic's ValidationError when it is too large for an object."""
        values = self.model_dump(include=set(SPEC_FIELDS), exclude_none=True)
        if self.model is not None:
            values["model"] = ModelChoice(model_name=self.model.model_name)
        if max_steps is not None:
            values["max_steps"] = max_steps
        return SkyvernTaskSpec(**values)

    def extras(self) -> dict[str, Any]:
        """Fields of the request that the spec has no place for; kept in ANNOTATION_REQUEST and echoed by GET."""
        return self.model_dump(mode="json", exclude=set(SPEC_FIELDS) | {"model"}, exclude_defaults=True)


SPEC_FIELDS: Final = frozenset(TaskRequest.model_fields) & frozenset(SkyvernTaskSpec.model_fields) - {"model"}
"""Request fields that the spec has under the same name (in camelCase on the wire)."""


def task_id_of(name: str) -> str:
    """REST id of the object ``name``: ``tsk-123`` is ``tsk_123``, any other name is its own id."""
    return f"tsk_{name[4:]}" if name.startswith("tsk-") and name[4:].isdigit() else name


def name_of(task_id: str) -> str:
    """Object name of a REST id; the inverse of :func:`task_id_of`."""
    return f"tsk-{task_id[4:]}" if task_id.startswith("tsk_") and task_id[4:].isdigit() else task_id


def wire_time(value: datetime | None) -> str | None:
    """Naive UTC in ISO 8601 with microseconds, the fraction absent when zero, as callers parse it."""
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat()


def phase_of(status: SkyvernTaskStatus) -> Phase:
    """The task's phase; ``created`` until the operator has seen it."""
    return status.phase or Phase.CREATED


def _request_echo(obj: dict[str, Any], spec: SkyvernTaskSpec) -> dict[str, Any]:
    """The ``request`` of a response: every request field, defaults filled, whoever made the object."""
    echo: dict[str, Any] = {name: field.get_default() for name, field in TaskRequest.model_fields.items()}
    echo |= spec.model_dump(mode="json", include=set(SPEC_FIELDS) | {"model"})
    extras = obj["metadata"].get("annotations", {}).get(ANNOTATION_REQUEST)
    if extras:
        echo |= {key: value for key, value in json.loads(extras).items() if key in TaskRequest.model_fields}
    return echo


def _modified_at(created: datetime, status: SkyvernTaskStatus) -> datetime:
    webhook = status.webhook
    times: Iterable[datetime | None] = (
        created,
        status.queued_at,
        status.started_at,
        status.finished_at,
        status.last_heartbeat,
        webhook.last_attempt_at if webhook else None,
        *(condition.last_transition_time for condition in status.conditions),
    )
    return max(time for time in times if time is not None)


def _screenshots(status: SkyvernTaskStatus) -> list[str]:
    """Names of the action screenshots, newest first."""
    return [
        a.name for a in reversed(status.artifacts) if a.content_type.startswith("image/") and a.name != FINAL_SCREENSHOT
    ]


def _artifact_urls(obj: dict[str, Any], status: SkyvernTaskStatus, links: ArtifactLinks | None) -> dict[str, Any]:
    names = {artifact.name for artifact in status.artifacts}
    shots = _screenshots(status)
    meta = obj["metadata"]

    def url(name: str | None) -> str | None:
        return links.url(meta["namespace"], meta["name"], meta["uid"], name) if links and name else None

    final = FINAL_SCREENSHOT if FINAL_SCREENSHOT in names else next(iter(shots), None)
    reference = status.extracted_information_ref
    return {
        "action_screenshot_urls": [url(name) for name in shots[:ACTION_SCREENSHOTS_IN_RESPONSE]] or None
        if links
        else None,
        "screenshot_url": url(final),
        "recording_url": url(RECORDING if RECORDING in names else None),
        "extracted_information_url": url(reference.name if reference else None),
    }


def task_response(obj: dict[str, Any], links: ArtifactLinks | None, *, result: JsonValue = None) -> dict[str, Any]:
    """The Tasks API's answer for a SkyvernTask given as Kubernetes JSON. Every key is present, null where unknown.

    ``links`` makes the artifacts' URLs; without it they are null (as in lists). ``result`` is the extracted
    information when the object only has a reference to it and the caller has read it from the store.
    """
    spec, status = parse_spec(obj["spec"]), parse_status(obj.get("status"))
    created = datetime.fromisoformat(obj["metadata"]["creationTimestamp"])
    urls = _artifact_urls(obj, status, links)
    webhook = status.webhook
    return {
        "request": _request_echo(obj, spec),
        "task_id": task_id_of(obj["metadata"]["name"]),
        "status": phase_of(status).value,
        "created_at": wire_time(created),
        "modified_at": wire_time(_modified_at(created, status)),
        "extracted_information": status.extracted_information if result is None else result,
        "action_screenshot_urls": urls["action_screenshot_urls"],
        "screenshot_url": urls["screenshot_url"],
        "recording_url": urls["recording_url"],
        "failure_reason": status.failure_reason,
        "errors": [error.model_dump(mode="json") for error in status.errors],
        "max_steps_per_run": spec.max_steps,
        "extracted_information_url": urls["extracted_information_url"],
        "queued_at": wire_time(status.queued_at),
        "started_at": wire_time(status.started_at),
        "finished_at": wire_time(status.finished_at),
        "step_count": status.step_count,
        "webhook_failure_reason": webhook.last_error if webhook else None,
        "max_screenshot_scrolls": spec.max_screenshot_scrolls,
    }


def step_records(obj: dict[str, Any]) -> list[dict[str, Any]]:
    """The Tasks API's step objects, by order and retry_index ascending; nulls are dropped."""
    meta = obj["metadata"]
    organization = meta.get("labels", {}).get(LABEL_ORGANIZATION)
    steps = sorted(parse_status(obj.get("status")).steps, key=lambda step: (step.order, step.retry_index))
    records = (
        {
            "created_at": wire_time(step.created_at),
            "modified_at": wire_time(step.modified_at),
            "task_id": task_id_of(meta["name"]),
            "step_id": step.step_id,
            "status": step.status.value,
            "order": step.order,
            "is_last": step.is_last,
            "retry_index": step.retry_index,
            "organization_id": organization,
            "input_token_count": step.input_token_count,
            "output_token_count": step.output_token_count,
        }
        for step in steps
    )
    return [{key: value for key, value in record.items() if value is not None} for record in records]
