"""The user's schema: the format of the reply, and what the extracted information is checked against."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from pydantic import JsonValue

from skyvern_runner.errors import ReplyError
from skyvern_runner.model.reply import Extraction, load_object, parse_as
from skyvern_runner.model.reply_format import ReplyFormat

_KEY = "extracted_information"
_KEYWORDS = frozenset({"type", "properties", "items", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "$schema"})
_MAX_PROBLEMS = 5


def json_schema_of(schema: JsonValue) -> dict[str, Any] | None:
    """The user's schema if it is a JSON Schema; None when there is none, or an example of the result."""
    if not isinstance(schema, dict) or not _KEYWORDS & schema.keys():
        return None
    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return None
    return schema


def extraction_format(schema: dict[str, Any] | None) -> ReplyFormat:
    """Format of the reply. It is not strict: the user's schema may use keywords that strict mode does not know."""
    inner = copy.deepcopy(schema) if schema is not None else {}
    whole: dict[str, Any] = {
        "type": "object",
        "properties": {_KEY: inner},
        "required": [_KEY],
        "additionalProperties": False,
    }
    # References in the user's schema start at its root.
    for key in ("$defs", "definitions"):
        if key in inner:
            whole[key] = inner.pop(key)
    inner.pop("$schema", None)
    return ReplyFormat("extraction", whole, strict=False)


def unwrap(text: str | None, schema: dict[str, Any] | None) -> JsonValue:
    """The information in a reply, with null for properties that are missing. Raises ReplyError."""
    raw = load_object(text)
    if _KEY in raw:
        return fill_missing(parse_as(Extraction, text).extracted_information, schema)
    # Without schema support, models often leave out the wrapper.
    if schema is None or set(raw) & set(schema.get("properties", {})):
        return fill_missing(raw, schema)
    raise ReplyError(f"the answer does not have the key {_KEY}")


def fill_missing(value: JsonValue, schema: dict[str, Any] | None) -> JsonValue:
    """``value``, with null for each property of the schema that is missing."""
    if not schema:
        return value
    if isinstance(value, dict):
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        filled = {key: fill_missing(item, _object(known.get(key))) for key, item in value.items()}
        return filled | {key: None for key in known if key not in value}
    if isinstance(value, list):
        return [fill_missing(item, _object(schema.get("items"))) for item in value]
    return value


def problems_of(value: JsonValue, schema: dict[str, Any] | None) -> list[str]:
    """Misfits, one line each. Null always fits: it means that the page does not say."""
    return [f"{_place(error)}: {error.message[:200]}" for error in _misfits(value, schema)][:_MAX_PROBLEMS]


def without_misfits(value: JsonValue, schema: dict[str, Any] | None) -> JsonValue:
    """``value``, with null in place of misfits."""
    result = copy.deepcopy(value)
    for error in list(_misfits(value, schema)):
        path = list(error.instance_path)
        if not path:
            return None
        holder: Any = result
        for key in path[:-1]:
            holder = holder[key] if holder is not None else None
        if holder is not None:
            holder[path[-1]] = None
    return result


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """A validator that opens no file and no address that the schema refers to: its author is not trusted."""
    return jsonschema_rs.validator_for(schema, offline=True)


def _misfits(value: JsonValue, schema: dict[str, Any] | None) -> Iterator[jsonschema_rs.ValidationError]:
    if schema is None:
        return
    for error in _validator(schema).iter_errors(value):
        if _at(value, list(error.instance_path)) is not None or (value is None and not error.instance_path):
            yield error


def _at(value: Any, path: list[str | int]) -> Any:
    for key in path:
        value = value[key]
    return value


def _place(error: jsonschema_rs.ValidationError) -> str:
    return ".".join(map(str, error.instance_path)) or "the result"


def _object(schema: object) -> dict[str, Any] | None:
    return schema if isinstance(schema, dict) else None
