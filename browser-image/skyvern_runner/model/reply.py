"""Reading replies from imperfect text, and the reply to the completion check."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from skyvern_crds import wire
from skyvern_runner.errors import ReplyError, describe_invalid
from skyvern_runner.model.reply_format import ReplyFormat, strict_schema


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
    """The JSON object in a reply, repaired if it is fenced, torn or sloppy. Raises ReplyError."""
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
    import json_repair  # noqa: PLC0415  # slow to load, and most replies need no repair

    try:
        # Written and read once more, since a repaired text may hold lone surrogates.
        return wire.loads(json.dumps(json_repair.loads(text[text.index("{") :])))
    except (ValueError, RecursionError):
        raise ReplyError("the answer cannot be read: answer with one JSON object and nothing else") from None


def parse_as(model: type[T], text: str | None) -> T:
    """Read a reply as ``model``. Raises ReplyError with the fields that are wrong."""
    try:
        return model.model_validate(load_object(text))
    except ValidationError as error:
        raise ReplyError(f"the answer does not fit the schema: {describe_invalid(error)}") from None
