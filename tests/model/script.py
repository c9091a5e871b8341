"""The script: rules that say what to do on which page, and what to read from it."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

SCRIPTS = Path(__file__).parent / "scripts"
DEFAULT_SCRIPT = SCRIPTS / "job-application.yaml"


class ScriptError(Exception):
    """A script file cannot be read; the message names the file and the fault."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_as_list)]


class When(_Strict):
    """What a page must show; every condition given must hold; case does not matter."""

    heading: str | None = Field(None, description="one heading holds this")
    text: Words = Field([], description="the page's text holds each of these")
    missing: Words = Field([], description="the page's text holds none of these")
    url: str | None = Field(None, description="the address holds this")
    control: str | None = Field(None, description="a control has this label")


class Command(_Strict):
    """One thing to do, with exactly one verb; labels and values may be "$.path" into the task's payload."""

    fill: str | None = None
    select: str | None = None
    check: str | None = None
    uncheck: str | None = None
    click: str | None = None
    upload: str | None = None
    press: str | None = None
    scroll: str | None = None
    go_to: str | None = None
    wait: float | None = None
    complete: str | None = None
    terminate: str | None = None
    value: str | None = Field(None, alias="with", description="what to fill in, pick or upload")
    optional: bool = Field(False, description="passed over when the page or the payload lacks it")
    again: bool = Field(False, description="done even where the page shows that it is done already")

    @model_validator(mode="after")
    def _one_verb(self) -> "Command":
        verbs = [name for name in VERBS if getattr(self, name) is not None]
        if len(verbs) != 1:
            raise ValueError(f"exactly one of {', '.join(VERBS)} must be given, got {verbs or 'none'}")
        if verbs[0] in {"fill", "select", "upload"} and self.value is None:
            raise ValueError(f"'{verbs[0]}' needs 'with'")
        return self

    @property
    def verb(self) -> str:
        """The verb that is given."""
        return next(name for name in VERBS if getattr(self, name) is not None)


VERBS = (
    "fill",
    "select",
    "check",
    "uncheck",
    "click",
    "upload",
    "press",
    "scroll",
    "go_to",
    "wait",
    "complete",
    "terminate",
)


class Rule(_Strict):
    """What to do on a page."""

    name: str
    when: When = When()
    do: list[Command]


class Reading(_Strict):
    """How to read a value from a page: by a pattern's first group, by the text after a label, or by a condition."""

    names: Words = Field(description="names of schema properties that this value fits")
    pattern: str | None = None
    label: str | None = None
    when: When | None = None


class Script(_Strict):
    """Rules in order (the first that fits is used), and readings."""

    rules: list[Rule]
    extract: list[Reading] = []


def load_script(path: Path) -> Script:
    """Read a script file. Raises ScriptError."""
    try:
        return Script.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ScriptError(f"script {path}: {error}") from error
