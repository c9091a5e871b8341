"""The model's replies: their models, their strict JSON schemas, and reading them from imperfect text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from skyvern_runner.actions.action import FINAL_TYPES, NEEDS_ID, NEEDS_TEXT, Action, ActionType
from skyvern_runner.browser.element_id import ElementId

MAX_ACTIONS: Final = 12
"""Actions of one reply that are carried out; further ones are dropped."""
_SCROLLS: Final = ("up", "down")


class ReplyError(ValueError):
    """The reply cannot be used; the message tells the model what to change."""


class ReportedError(BaseModel):
    """One of the user's error codes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    error_code: str
    """Key of the error code mapping."""
    reasoning: str = ""
    """Why it applies."""
    confidence_float: Annotated[float, Field(ge=0, le=1)] = 1.0
    """0 to 1."""


class NextActions(BaseModel):
    """Reply to ``next_actions``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    thought: str = ""
    """What the model sees and means to do."""
    actions: list[Action]
    """In order."""
    errors: list[ReportedError] = Field(default_factory=list)
    """Error codes that apply."""


class CompletionCheck(BaseModel):
    """Reply to ``completion_check``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    achieved: bool
    """Whether the page shows that the goal is reached."""
    reason: str = ""
    """The evidence, or what is missing."""


class Extraction(BaseModel):
    """Reply to ``extraction``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    extracted_information: JsonValue
    """By the user's schema."""


T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class ReplyFormat:
    """Name and JSON schema that a reply is asked for by."""

    name: str
    """Tells the kind of request."""
    schema: Mapping[str, Any]
    """JSON schema."""
    strict: bool = True
    """Whether the schema keeps to what strict mode allows."""


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema in the form of strict mode: every property required, no other ones, no defaults."""
    schema = model.model_json_schema()
    _make_strict(schema)
    return schema


def _make_strict(node: object) -> None:
    if isinstance(node, list):
        for item in node:
            _make_strict(item)
    if not isinstance(node, dict):
        return
    for key in ("title", "default", "description", "minimum", "maximum"):
        if not isinstance(node.get(key), dict):
            node.pop(key, None)
    if isinstance(node.get("properties"), dict):
        node["required"] = list(node["properties"])
        node["additionalProperties"] = False
    for value in node.values():
        _make_strict(value)


def next_actions_format() -> ReplyFormat:
    """Format of the request for the next actions."""
    return ReplyFormat("next_actions", strict_schema(NextActions))


def completion_check_format() -> ReplyFormat:
    """Format of the request whether the goal is reached."""
    return ReplyFormat("completion_check", strict_schema(CompletionCheck))


def load_object(text: str | None) -> dict[str, Any]:
    """The JSON object in a reply: exact, else fenced, torn or sloppy and repaired. Raises ReplyError."""
    if not text or not text.strip():
        raise ReplyError("the answer was empty: answer with one JSON object")
    try:
        value = json.loads(text)
    except ValueError:
        if "{" not in text:
            raise ReplyError("the answer held no JSON: answer with one JSON object and nothing else") from None
        import json_repair  # noqa: PLC0415  # most answers need no repair, and the start of a run need not wait for it

        value = json_repair.loads(text[text.index("{") :])
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict) or not value:
        raise ReplyError("the answer was no JSON object: answer with one JSON object and nothing else")
    return value


def parse_as(model: type[T], text: str | None) -> T:
    """Read a reply as ``model``. Raises ReplyError with the fields that are wrong."""
    try:
        return model.model_validate(load_object(text))
    except ValidationError as error:
        raise ReplyError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """A validator's complaint in one line, for the model."""
    problems = (f"{'.'.join(map(str, item['loc'])) or 'the object'}: {item['msg']}" for item in error.errors()[:5])
    return "the answer does not fit the schema: " + "; ".join(problems)


@dataclass(frozen=True)
class CheckedReply:
    """A reply to ``next_actions`` with every action looked at."""

    thought: str
    """The model's words."""
    actions: tuple[Action, ...]
    """Those that may be carried out, in order."""
    refused: tuple[str, ...]
    """Why others were not taken, one line each."""
    errors: tuple[ReportedError, ...]
    """Error codes that the user knows."""


def parse_next_actions(
    text: str | None, labels: Mapping[ElementId, str], error_codes: Mapping[str, str]
) -> CheckedReply:
    """Read a reply and check each action against the last look at the page.

    ``labels`` are the elements' ids with their names. An action that is wrong is refused with all that come after it,
    since those were meant for the state that it would have left. Raises ReplyError when nothing is left to do.
    """
    raw = load_object(text)
    entries = raw.get("actions", raw.get("action"))
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        raise ReplyError("the answer has no list 'actions': give at least one action")
    accepted: list[Action] = []
    refused: list[str] = []
    for number, entry in enumerate(entries[:MAX_ACTIONS], start=1):
        try:
            accepted.append(_check(entry, labels))
        except ReplyError as error:
            refused.append(f"action {number}: {error}")
            break
    if not accepted:
        raise ReplyError("; ".join(refused) or "the list 'actions' is empty: give at least one action")
    return CheckedReply(
        thought=str(raw.get("thought") or ""),
        actions=tuple(accepted),
        refused=tuple(refused),
        errors=tuple(_known_errors(raw.get("errors"), error_codes)),
    )


def _check(entry: object, labels: Mapping[ElementId, str]) -> Action:
    try:
        action = Action.model_validate(entry)
    except ValidationError as error:
        if any(item["loc"][:1] == ("type",) for item in error.errors()):
            found = entry.get("type") if isinstance(entry, dict) else entry
            raise ReplyError(f"unknown type {found!r}; the types are {', '.join(ActionType)}") from None
        raise ReplyError(explain(error)) from None
    kind = action.type.value
    if action.type in NEEDS_ID and action.id is None:
        raise ReplyError(f"{kind} needs the id of an element")
    if action.id is not None and action.type not in FINAL_TYPES and action.id not in labels:
        raise ReplyError(f"there is no element [{action.id}] on this page; use only ids that the outline shows")
    if action.type in NEEDS_TEXT and (action.text is None or (not action.text and kind != "input_text")):
        raise ReplyError(f"{kind} needs a text")
    if action.type is ActionType.SCROLL and (action.text or "").strip().lower() not in _SCROLLS:
        raise ReplyError("the text of scroll is 'up' or 'down'")
    if action.type is ActionType.GO_TO and not (action.text or "").startswith(("http://", "https://")):
        raise ReplyError(f"go_to needs an http or https address, not {action.text!r}")
    if action.type is ActionType.TERMINATE and not action.reason.strip():
        raise ReplyError("terminate needs its reason: say why the goal cannot be reached")
    return action


def _known_errors(raw: object, error_codes: Mapping[str, str]) -> Iterator[ReportedError]:
    for entry in raw if isinstance(raw, list) else ():
        try:
            error = ReportedError.model_validate(entry)
        except ValidationError:
            continue
        if error.error_code in error_codes:
            yield error
