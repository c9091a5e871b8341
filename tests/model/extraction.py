"""Shape what the script reads from a page by the schema that the request asks for."""

import re
from collections.abc import Mapping
from typing import Any

from tests.model.prompt import Prompt
from tests.model.rules import holds
from tests.model.script import Reading, Script

Schema = Mapping[str, Any]


def extract(script: Script, prompt: Prompt) -> dict[str, Any]:
    """Return {"extracted_information": ...}: the script's readings in the requested shape, null where it has none."""
    root = prompt.schema or {}
    wanted = root.get("properties", {}).get("extracted_information")
    if wanted is None or not _is_shaped(_resolve(wanted, root)):
        found = {reading.names[0]: _read(reading, prompt) for reading in script.extract}
        return {"extracted_information": {name: value for name, value in found.items() if value is not None}}
    return {"extracted_information": _shape(wanted, root, "", script, prompt)}


def _is_shaped(schema: Schema) -> bool:
    return bool(schema.get("properties") or schema.get("items") or schema.get("anyOf") or schema.get("type"))


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    target: Any = root
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return _resolve(target, root)


def _shape(schema: Any, root: Schema, name: str, script: Script, prompt: Prompt) -> Any:
    schema = _resolve(schema, root) if isinstance(schema, Mapping) else {}
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        shaped = (_shape(branch, root, name, script, prompt) for branch in branches)
        return next((value for value in shaped if value is not None), None)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "object" in types or "properties" in schema:
        properties = schema.get("properties", {})
        return {key: _shape(value, root, key, script, prompt) for key, value in properties.items()}
    value = _value_of(name, script, prompt)
    if "array" in types:
        return [] if value is None else [_convert(value, _types_of(schema.get("items"), root))]
    return _convert(value, types)


def _types_of(schema: Any, root: Schema) -> list[str]:
    types = _resolve(schema, root).get("type", []) if isinstance(schema, Mapping) else []
    return [types] if isinstance(types, str) else types


def _value_of(name: str, script: Script, prompt: Prompt) -> Any:
    for reading in script.extract:
        if name in reading.names:
            value = _read(reading, prompt)
            if value is not None:
                return value
    return None


def _read(reading: Reading, prompt: Prompt) -> Any:
    if reading.when is not None and not (reading.pattern or reading.label):
        return holds(reading.when, prompt)
    if reading.when is not None and not holds(reading.when, prompt):
        return None
    if reading.label is not None:
        return prompt.outline.value_after(reading.label)
    found = re.search(str(reading.pattern), f"{prompt.outline.text()}\n{prompt.page_text}", re.IGNORECASE)
    return found.group(found.lastindex or 0) if found else None


def _convert(value: Any, types: list[str]) -> Any:
    """Convert a reading to one of the schema's types; what cannot be converted is null."""
    if value is None or not types:
        return value
    if isinstance(value, bool):
        if "boolean" in types:
            return value
        return ("yes" if value else "no") if "string" in types else None
    if "string" in types:
        return str(value)
    if "boolean" in types:
        return str(value).lower() in {"yes", "true", "1"}
    digits = re.search(r"-?\d[\d,]*(\.\d+)?", str(value))
    if digits is None:
        return None
    number = float(digits.group().replace(",", ""))
    return number if "number" in types else int(number) if "integer" in types else None
