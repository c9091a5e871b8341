"""All actions: the one place to register a new one, and reading one from a reply."""

from typing import Annotated, Final, get_args

from pydantic import Field, TypeAdapter, ValidationError

from skyvern_runner.actions.base import Action
from skyvern_runner.actions.fields.check import Check
from skyvern_runner.actions.fields.input_text import InputText
from skyvern_runner.actions.fields.select_option import SelectOption
from skyvern_runner.actions.fields.upload_file import UploadFile
from skyvern_runner.actions.keyboard.press_key import PressKey
from skyvern_runner.actions.page.answer_dialog import AnswerDialog
from skyvern_runner.actions.page.close_tab import CloseTab
from skyvern_runner.actions.page.find_text import FindText
from skyvern_runner.actions.page.go_to import GoTo
from skyvern_runner.actions.page.navigate import Navigate
from skyvern_runner.actions.page.read import Read
from skyvern_runner.actions.page.scroll import Scroll
from skyvern_runner.actions.page.switch_tab import SwitchTab
from skyvern_runner.actions.page.wait import Wait
from skyvern_runner.actions.pointer.click import Click
from skyvern_runner.actions.pointer.drag import Drag
from skyvern_runner.actions.pointer.hover import Hover
from skyvern_runner.actions.run.complete import Complete
from skyvern_runner.actions.run.note import Note
from skyvern_runner.actions.run.terminate import Terminate
from skyvern_runner.errors import ReplyError, describe_invalid

AnyAction = Annotated[
    Click
    | InputText
    | SelectOption
    | Check
    | UploadFile
    | Hover
    | Drag
    | PressKey
    | Scroll
    | FindText
    | Read
    | Note
    | Wait
    | GoTo
    | Navigate
    | SwitchTab
    | CloseTab
    | AnswerDialog
    | Complete
    | Terminate,
    Field(discriminator="type"),
]
"""Every action, in the order of the prompt's rules."""
ACTIONS: Final[tuple[type[Action], ...]] = get_args(get_args(AnyAction)[0])
TYPES: Final = tuple(str(action.model_fields["type"].default) for action in ACTIONS)
RULES: Final = "\n".join(f"- {name}: {action.RULE}" for name, action in zip(TYPES, ACTIONS, strict=True))
"""What the prompt says about the actions."""

_ADAPTER: Final[TypeAdapter[AnyAction]] = TypeAdapter(AnyAction)
_NEEDS: Final = {"id": "the id of an element", "text": "a text"}


def read_action(entry: object) -> AnyAction:
    """Read an entry of a reply as an action. Raises ReplyError, which tells the model what to change."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    if isinstance(entry, dict):
        # Models that write every field give null to those that do not matter.
        entry = {name: value for name, value in entry.items() if value is not None}
        if isinstance(kind, str):
            entry["type"] = kind.strip().lower()
    try:
        return _ADAPTER.validate_python(entry)
    except ValidationError as error:
        raise _complaint(error, kind) from None


def _complaint(error: ValidationError, kind: object) -> ReplyError:
    for item in error.errors():
        if item["type"].startswith("union_tag"):
            return ReplyError(f"unknown type {kind!r}; the types are {', '.join(TYPES)}")
        name, *field = item["loc"] or ("",)
        if item["type"] == "extra_forbidden":
            return ReplyError(f"{name} takes no {field[0]!r}; it takes {', '.join(_fields(str(name)))}")
        absent = item["type"] in {"missing", "string_too_short"} or item["input"] is None
        if field and absent and field[0] in _NEEDS:
            return ReplyError(f"{name} needs {_NEEDS[str(field[0])]}")
    return ReplyError(f"the answer does not fit the schema: {describe_invalid(error)}")


def _fields(name: str) -> list[str]:
    """The fields that the model may give to the action ``name``."""
    return [field for field in ACTIONS[TYPES.index(name)].model_fields if field != "type"]
