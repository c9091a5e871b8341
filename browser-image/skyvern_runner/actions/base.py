"""What all actions share: how the model writes one, when it is refused, and how the history shows it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction  # loads selenium

_MAX_SHOWN_TEXT: Final = 80
RARE: Final = "x-rare"
"""Key of a JSON schema: the properties that may be left out together."""


def _element_id(value: object) -> object:
    """Models write ``[3]``, ``3`` and ``"3"``; all mean the element 3. A float is refused: 5.10 has lost its zero."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or isinstance(value, ElementId):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("element_id", "write id as a string, as the outline shows it")
    bare = value.strip().strip("[]* ")
    return ElementId.parse(bare) if bare else None


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def lower(value: object) -> object:
    """Models write ``Down`` and ``DOWN``; both mean the word ``down``."""
    return value.strip().lower() if isinstance(value, str) else value


Id = Annotated[
    InstanceOf[ElementId],
    BeforeValidator(_element_id),
    PlainSerializer(str),
    WithJsonSchema({"type": "string"}),
]
"""An element, as in the page outline, with or without brackets."""
OptionalId = Annotated[
    InstanceOf[ElementId] | None,
    BeforeValidator(_element_id),
    PlainSerializer(lambda value: value and str(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]
AnyText = Annotated[str, BeforeValidator(_as_text)]
"""A text, perhaps empty; models write numbers without quotes."""
Text = Annotated[str, Field(min_length=1), BeforeValidator(_as_text)]


def _for_models(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """The reason last, since models write better ones then; and which fields an answer may leave out."""
    properties = schema["properties"]
    properties["reason"] = properties.pop("reason")
    if rare := getattr(model, "RARE", ()):
        schema[RARE] = list(rare)


class Action(BaseModel):
    """One action of a reply."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_for_models)

    RULE: ClassVar[str]
    """The action's line in the prompt, without its type."""
    RARE: ClassVar[tuple[str, ...]] = ()
    """Fields that most answers leave out, so that a frequent action stays short to write."""

    INDEPENDENT: ClassVar[bool] = False
    """Whether it only fills in, reads or remembers: such actions are carried out after one that was refused."""

    type: str
    reason: str = ""
    """Why, in a few words."""

    @property
    def element(self) -> ElementId | None:
        """The element that the action is for, if any."""
        return None

    @property
    def argument(self) -> str | None:
        """The text that comes with the action, if any."""
        return None

    def check(self, labels: Mapping[ElementId, str]) -> None:
        """Raises ReplyError when the action cannot be carried out on the page whose elements are ``labels``."""
        if self.element is not None and self.element not in labels:
            raise ReplyError(f"there is no element [{self.element}] on this page; use only ids that the outline shows")

    def describe(self, label: str) -> str:
        """The action as the history shows it; ``label`` is the role and name of its element."""
        parts = [self.type]
        if self.element is not None:
            parts.append(f"[{self.element}] {label}".rstrip())
        if self.argument is not None:
            text = self.argument
            parts.append(repr(text if len(text) <= _MAX_SHOWN_TEXT else f"{text[: _MAX_SHOWN_TEXT - 1]}…"))
        return " ".join(parts)


class PageAction(Action, ABC):
    """An action on the page."""

    @abstractmethod
    def run(self, interaction: "Interaction") -> Outcome:
        """Carry the action out and read its effect back.

        Raises ActionFailedError; :func:`skyvern_runner.input.result.carry_out` turns it and other errors into results.
        """


class ElementAction(PageAction):
    """An action on an element."""

    id: Id

    @property
    def element(self) -> ElementId:
        """The element."""
        return self.id


class FinalAction(Action):
    """An action that ends the task."""
