"""Reading replies from imperfect text, and the reply to the completion check."""

import json
import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from skyvern_crds import wire
from skyvern_runner.errors import ReplyError, describe_invalid
from skyvern_runner.model.reply_format import ReplyFormat, strict_schema

_STRING_OR_BRACKET: Final = re.compile(r'("(?:[^"\\]|\\.)*(?:"|\\?\Z))|([{}\[\]])', re.DOTALL)
_WHOLE_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


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
    """In the shape of the user's schema."""


T = TypeVar("T", bound=BaseModel)


def completion_check_format() -> ReplyFormat:
    """Format of the question whether the goal is reached."""
    return ReplyFormat("completion_check", strict_schema(CompletionCheck))


def load_object(text: str | None) -> dict[str, Any]:
    """The JSON object in a reply, repaired if it is fenced or sloppy. Raises ReplyError, also if it is torn."""
    if not text or not text.strip():
        raise ReplyError("the answer was empty: answer with one JSON object")
    try:
        value = wire.loads(text)
    except ValueError:
        value = _repaired(text)
    if wire.is_cut(value):
        raise ReplyError(f"the answer is nested deeper than {wire.MAX_DEPTH} levels: answer with a flatter JSON object")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict) or not value:
        raise ReplyError("the answer is not a JSON object: answer with one JSON object and nothing else")
    return value


def _repaired(text: str) -> Any:
    if "{" not in text:
        raise ReplyError("the answer contains no JSON: answer with one JSON object and nothing else")
    if _is_torn(text[text.index("{") :]):
        # A repair would complete it: half an address would be typed, and element 1 clicked instead of 12.
        raise ReplyError(
            "the answer is cut off: answer again with the whole JSON object, with fewer actions if need be"
        )
    import json_repair  # noqa: PLC0415  # slow to load, and most replies need no repair

    try:
        # Written and read once more, since a repaired text may hold lone surrogates.
        return wire.loads(json.dumps(json_repair.loads(text[text.index("{") :])))
    except (ValueError, RecursionError):
        raise ReplyError("the answer cannot be read: answer with one JSON object and nothing else") from None


def _is_torn(text: str) -> bool:
    """Whether a text ends within the object that it begins with."""
    depth = 0
    for quoted, bracket in _STRING_OR_BRACKET.findall(text):
        if quoted:
            if not _WHOLE_STRING.fullmatch(quoted):
                return True
        else:
            depth += 1 if bracket in "{[" else -1
            if depth <= 0:
                return False
    return True


def parse_as(model: type[T], text: str | None) -> T:
    """Read a reply as ``model``. Raises ReplyError with the fields that are wrong."""
    try:
        return model.model_validate(load_object(text))
    except ValidationError as error:
        raise ReplyError(f"the answer does not fit the schema: {describe_invalid(error)}") from None
