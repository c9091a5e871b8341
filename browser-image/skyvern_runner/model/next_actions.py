"""The reply to the question for the next actions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skyvern_runner.actions.catalog import AnyAction, read_action
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError
from skyvern_runner.model.reply import load_object
from skyvern_runner.model.reply_format import ReplyFormat, strict_schema

MAX_ACTIONS: Final = 12
"""Most actions of one reply that are carried out; further ones are dropped."""


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
    actions: list[AnyAction]
    """In order."""
    errors: list[ReportedError] = Field(default_factory=list)
    """Error codes that apply."""


def next_actions_format() -> ReplyFormat:
    """Format of the request for the next actions."""
    return ReplyFormat("next_actions", strict_schema(NextActions))


@dataclass(frozen=True)
class CheckedReply:
    """A reply to ``next_actions`` with every action looked at."""

    thought: str
    """The model's words."""
    actions: tuple[AnyAction, ...]
    """Those that may be carried out, in order."""
    refused: tuple[str, ...]
    """Why others were not taken, one line each."""
    errors: tuple[ReportedError, ...]
    """Error codes that the user knows."""


def parse_next_actions(
    text: str | None, labels: Mapping[ElementId, str], error_codes: Mapping[str, str]
) -> CheckedReply:
    """Read a reply and check each action against the last look at the page.

    ``labels`` are the elements' ids with their names. An action that is wrong is refused alone, and what only fills in
    or reads goes on; but the first one after it that does more ends the answer: a form that lacks a field must not be
    sent. Raises ReplyError when nothing is left to do.
    """
    raw = load_object(text)
    entries = raw.get("actions", raw.get("action"))
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list):
        raise ReplyError("the answer has no list 'actions': give at least one action")
    accepted: list[AnyAction] = []
    refused: list[str] = []
    for number, entry in enumerate(entries[:MAX_ACTIONS], start=1):
        try:
            action = read_action(entry)
            action.check(labels)
        except ReplyError as error:
            refused.append(f"action {number}: {error}")
            continue
        if refused and not action.INDEPENDENT:
            left = "" if number == len(entries) else " and what follows"
            refused.append(f"action {number} ({action.type}){left}: not carried out, since one before it was refused")
            break
        accepted.append(action)
    else:
        if len(entries) > MAX_ACTIONS:
            refused.append(f"actions {MAX_ACTIONS + 1} to {len(entries)}: give at most {MAX_ACTIONS} in one answer")
    if not accepted:
        raise ReplyError("; ".join(refused) or "the list 'actions' is empty: give at least one action")
    return CheckedReply(
        thought=str(raw.get("thought") or ""),
        actions=tuple(accepted),
        refused=tuple(refused),
        errors=tuple(_known_errors(raw.get("errors"), error_codes)),
    )


def _known_errors(raw: object, error_codes: Mapping[str, str]) -> Iterator[ReportedError]:
    for entry in raw if isinstance(raw, list) else ():
        try:
            error = ReportedError.model_validate(entry)
        except ValidationError:
            continue
        if error.error_code in error_codes:
            yield error
