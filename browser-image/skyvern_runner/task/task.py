"""What to do, read from the pod's task document or from the command line."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from skyvern_crds.network.hosts import parse_host_rule
from skyvern_crds.network.web_access import WebAccess
from skyvern_crds.runner_contract import (
    ENV_MODEL,
    ENV_MODEL_API_KEY,
    ENV_MODEL_BASE_URL,
    ENV_WEB_ACCESS,
    ModelSettings,
    TaskDocument,
    parse_task_document,
)
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.urls import is_http_url
from skyvern_runner.errors import TaskError, describe_invalid
from skyvern_runner.task.task_secrets import Secret, SecretBox

DEFAULT_MODEL: Final = "gpt-5-mini"
"""Model to ask when none is named."""


@dataclass(frozen=True)
class Identity:
    """The object that a run reports to."""

    name: str
    namespace: str
    uid: str
    attempt: int


@dataclass(frozen=True)
class Task:
    """A task with its payload and secrets loaded."""

    url: str
    """Page to start from."""
    goal: str | None = None
    """What to do; without it the page is only opened and extracted from."""
    extraction_goal: str | None = None
    """What to extract at the end."""
    payload: JsonValue = field(default=None, repr=False)
    """Facts for forms."""
    schema: JsonValue = None
    """JSON Schema of the result, or an example of it."""
    complete_criterion: str | None = None
    """When the goal is reached."""
    terminate_criterion: str | None = None
    """When to give up."""
    error_codes: Mapping[str, str] = field(default_factory=dict)
    """The user's error codes with their meaning."""
    allowed_hosts: tuple[str, ...] | None = None
    """The only hosts that the browser may open; None for all that the configuration allows."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Extra HTTP headers."""
    secrets: SecretBox = field(default_factory=SecretBox, repr=False)
    """Values that the model never sees."""
    max_steps: int = SkyvernTaskSpec.model_fields["max_steps"].default
    """Step budget."""
    max_retries: int = SkyvernTaskSpec.model_fields["max_retries_per_step"].default
    """Retries of a failed step."""
    model_name: str | None = None
    """Model that the task asks for."""

    @property
    def wants_extraction(self) -> bool:
        """Whether to extract information at the end."""
        return bool(self.extraction_goal) or self.schema is not None

    def names_file(self, source: str) -> bool:
        """Whether the user named this file; the model may upload no other."""
        return bool(source) and (
            source == self.url or source in (self.goal or "") or any(source in text for text in _texts(self.payload))
        )


def read_document(path: Path) -> TaskDocument:
    """Read the pod's task file. Raises TaskError, which names the field."""
    text = _read(path, "the task file", "the pod's downward API volume must hold the annotation skyvern.io/task")
    try:
        return parse_task_document(text)
    except ValidationError as error:
        raise TaskError(
            f"the task document {path} cannot be used: {describe_invalid(error)}; "
            "operator and runner must be of the same release"
        ) from None


def task_of(document: TaskDocument, *, payload_file: Path, secrets_dir: Path) -> Task:
    """The task of a document, with payload and secrets from their mounted files. Raises TaskError."""
    spec = document.spec
    payload = spec.navigation_payload
    if spec.navigation_payload_from is not None:
        reference = spec.navigation_payload_from.secret_key_ref
        payload = read_json(payload_file, f"navigationPayloadFrom (Secret {reference.name}, key {reference.key})")
    return Task(
        url=spec.url,
        goal=spec.navigation_goal or None,
        extraction_goal=spec.data_extraction_goal or None,
        payload=payload,
        schema=spec.extracted_information_schema,
        complete_criterion=spec.complete_criterion or None,
        terminate_criterion=spec.terminate_criterion or None,
        error_codes=spec.error_code_mapping or {},
        allowed_hosts=_hosts(spec.allowed_hosts),
        headers=spec.extra_http_headers or {},
        secrets=SecretBox(_secrets(spec, secrets_dir)),
        max_steps=spec.max_steps,
        max_retries=spec.max_retries_per_step,
        model_name=spec.model.model_name if spec.model else None,
    )


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file. Raises TaskError, which calls it ``what``."""
    text = _read(path, what, "check its name and permissions")
    try:
        return json.loads(text)
    except ValueError as error:
        raise TaskError(
            f"{what}: {path} is not valid JSON: {error}; check it with 'python -m json.tool {path}'"
        ) from None


def check_url(url: str, what: str) -> str:
    """Return ``url`` when it is an http or https address. Raises TaskError."""
    if not is_http_url(url):
        raise TaskError(f"{what} {url!r} is not a web address: give one such as https://example.com/")
    return url


def model_settings(environment: Mapping[str, str], *, name: str | None = None) -> ModelSettings:
    """The model's settings from the environment; ``name`` takes precedence over the environment."""
    return ModelSettings(
        api_key=environment.get(ENV_MODEL_API_KEY) or None,
        base_url=environment.get(ENV_MODEL_BASE_URL) or None,
        model=name or environment.get(ENV_MODEL) or DEFAULT_MODEL,
    )


def web_access(environment: Mapping[str, str]) -> WebAccess:
    """Where the browser may go, from the environment; public hosts only without it. Raises TaskError."""
    try:
        return WebAccess.model_validate_json(environment.get(ENV_WEB_ACCESS) or "{}")
    except ValidationError as error:
        raise TaskError(
            f"{ENV_WEB_ACCESS} cannot be used: {describe_invalid(error)}; "
            "operator and runner must be of the same release"
        ) from None


def _hosts(rules: Sequence[str] | None) -> tuple[str, ...] | None:
    for rule in rules or ():
        try:
            parse_host_rule(rule)
        except ValueError as error:
            raise TaskError(f"allowedHosts: {error}") from None
    return None if rules is None else tuple(rules)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _secrets(spec: SkyvernTaskSpec, folder: Path) -> list[Secret]:
    secrets = []
    for entry in spec.secrets or ():
        reference = entry.secret_key_ref
        what = f"secret {entry.name} (Secret {reference.name}, key {reference.key})"
        value = _read(folder / entry.name, what, "the Secret must hold that key")
        secrets.append(Secret(entry.name, value.rstrip("\r\n"), tuple(entry.hosts)))
    return secrets


def _read(path: Path, what: str, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise TaskError(f"{what} cannot be read: {path}: {os.strerror(error.errno or 0)}; {remedy}") from None
    except UnicodeDecodeError:
        raise TaskError(f"{what} cannot be read: {path} is not UTF-8 text; {remedy}") from None
