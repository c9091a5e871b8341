"""The form in which a reply is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


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
    for key in ("title", "default", "description", "minimum", "maximum", "minLength"):
        if not isinstance(node.get(key), dict):
            node.pop(key, None)
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
        node.pop("discriminator", None)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if isinstance(node.get("properties"), dict):
        node["required"] = list(node["properties"])
        node["additionalProperties"] = False
    for value in node.values():
        _make_strict(value)
