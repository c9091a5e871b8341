"""The entries of a 422 answer, in the form that FastAPI gives them and callers of the Tasks API parse."""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from pydantic.alias_generators import to_snake
from pydantic_core import ErrorDetails

from skyvern_apiserver.errors import Detail
from skyvern_crds import wire
from skyvern_crds.spec import SpecTooLargeError

Location = Sequence[str | int]

MAX_INPUT_CHARACTERS: Final = 256
"""Longest offending value that an entry repeats."""
MAX_DETAILS: Final = 50
"""Entries of an answer; a body can have more errors than that."""
HEADER_OF_FIELD: Final = {"max_steps": "x-max-steps-override"}
"""Fields of the spec that a request gives in a header."""


def detail(kind: str, location: Location, message: str, given: object = None, **context: object) -> Detail:
    """One entry."""
    entry: Detail = {"type": kind, "loc": list(location), "msg": message, "input": _short(given)}
    return entry | ({"ctx": context} if context else {})


def details_of(error: ValidationError, source: str) -> list[Detail]:
    """The errors that a model found; ``source`` is body, query or header."""
    return [_entry(item, source) for item in error.errors(include_url=False)[:MAX_DETAILS]]


def _entry(item: ErrorDetails, source: str) -> Detail:
    location: list[str | int] = [part if isinstance(part, int) else to_snake(part) for part in item["loc"][:1]]
    location += item["loc"][1:]
    context = {key: str(value) if isinstance(value, Exception) else value for key, value in item.get("ctx", {}).items()}
    if location and (header := HEADER_OF_FIELD.get(str(location[0]))):
        source, location = "header", [header]
    return detail(item["type"], [source, *location], _message(item), item.get("input"), **context)


def _message(item: ErrorDetails) -> str:
    """What is wrong, with a remedy that callers of REST have."""
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, SpecTooLargeError):
        return too_large(cause)
    return item["msg"]


def too_large(error: SpecTooLargeError) -> str:
    """What is wrong with a task that is too large, with the remedy of REST."""
    return f"{error.problem}: shorten navigation_payload, or name a Secret in navigation_payload_from"


def _short(value: object) -> object:
    """The offending value, or its beginning: an answer never repeats a large or nested body."""
    if isinstance(value, str):
        return value[:MAX_INPUT_CHARACTERS]
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, dict | list):
        return repr(value)[:MAX_INPUT_CHARACTERS]
    text = wire.dumps(value)
    return value if len(text) <= MAX_INPUT_CHARACTERS else text[:MAX_INPUT_CHARACTERS]
