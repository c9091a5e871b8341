"""The actions that the model may choose from."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, WithJsonSchema

from skyvern_runner.browser.element_id import ElementId

MAX_WAIT_SECONDS: Final = 30.0


class ActionType(StrEnum):
    """What the model may do."""

    CLICK = "click"
    INPUT_TEXT = "input_text"
    SELECT_OPTION = "select_option"
    CHECK = "check"
    UPLOAD_FILE = "upload_file"
    PRESS_KEY = "press_key"
    SCROLL = "scroll"
    WAIT = "wait"
    GO_TO = "go_to"
    COMPLETE = "complete"
    TERMINATE = "terminate"


FINAL_TYPES: Final = frozenset({ActionType.COMPLETE, ActionType.TERMINATE})
"""Actions that end the task."""
NEEDS_ID: Final = frozenset(
    {ActionType.CLICK, ActionType.INPUT_TEXT, ActionType.SELECT_OPTION, ActionType.CHECK, ActionType.UPLOAD_FILE}
)
NEEDS_TEXT: Final = frozenset(
    {
        ActionType.INPUT_TEXT,
        ActionType.SELECT_OPTION,
        ActionType.UPLOAD_FILE,
        ActionType.PRESS_KEY,
        ActionType.SCROLL,
        ActionType.GO_TO,
    }
)


def _element_id(value: object) -> object:
    """Models write ``[3]``, ``3`` and ``"3"``; all mean the element 3."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return value
    bare = value.strip().strip("[]* ")
    return ElementId.parse(bare) if bare else None


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Id = Annotated[
    InstanceOf[ElementId] | None,
    BeforeValidator(_element_id),
    PlainSerializer(lambda value: value and str(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]


class Action(BaseModel):
    """One action of a reply."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Annotated[ActionType, BeforeValidator(_lower)]
    """What to do."""
    id: Id = None
    """The element, as in the page outline, without brackets."""
    text: Annotated[str | None, BeforeValidator(_as_text)] = None
    """Text to type, label to choose, key to press, direction, address or file."""
    checked: bool | None = None
    """For check: the wanted state."""
    seconds: Annotated[float | None, Field(ge=0)] = None
    """For wait."""
    reason: str = ""
    """Why, in a few words."""
