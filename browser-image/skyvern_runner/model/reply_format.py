"""The format in which a reply is requested."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from skyvern_runner.actions.base import RARE


@dataclass(frozen=True)
class ReplyFormat:
    """Name and JSON schema of a reply."""

    name: str
    """Tells the kinds of question apart."""
    schema: Mapping[str, Any]
    strict: bool = True
    """Whether the schema uses only what strict mode allows."""


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema for strict mode: all properties required, no others allowed, no defaults."""
    schema = model.model_json_schema()
    _make_strict(schema)
    return schema


def _make_strict(node: object) -> None:
    if isinstance(node, list):
        for item in node:
            _make_strict(item)
    if not isinstance(node, dict):
        return
    for key in ("title", "default", "description", "minimum", "maximum", "minLength", "minItems", "maxItems"):
        if not isinstance(node.get(key), dict):
            node.pop(key, None)
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
        node.pop("discriminator", None)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if rare := node.pop(RARE, None):
        # Strict mode requires every property: so there are two shapes, a short one and the whole one.
        short = {**node, "properties": {key: each for key, each in node["properties"].items() if key not in rare}}
        whole = dict(node)
        node.clear()
        node["anyOf"] = [copy.deepcopy(short), whole]
    if isinstance(node.get("properties"), dict):
        node["required"] = list(node["properties"])
        node["additionalProperties"] = False
    for value in node.values():
        _make_strict(value)
