"""From a pydantic model to a structural schema, the part of JSON Schema that apiextensions/v1 takes.

That part is small: no references, no null, no const, booleans where JSON Schema has numbers. What has an equal is
converted, what has none is refused; nothing is dropped unnoticed.
"""

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from skyvern_crds.models import PATTERN_MESSAGE, ApiModel, Rule

Schema = dict[str, Any]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
VALIDATIONS: Final = "x-kubernetes-validations"

_DROPPED: Final = frozenset({"title", "examples", "deprecated", "$defs", "readOnly", "writeOnly"})
_KEPT: Final = frozenset(
    {
        "type", "description", "default", "enum", "format", "minimum", "maximum", "multipleOf", "minLength",
        "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "required",
    }
)  # fmt: skip


_RULES: Final = frozenset({VALIDATIONS, "pattern", PATTERN_MESSAGE, "propertyNames"})


class SchemaError(ValueError):
    """A model uses something that a structural schema cannot express; the message names the place."""


class _Generator(GenerateJsonSchema):
    """pydantic's JSON Schema, without null for optional fields, and with the descriptions and rules of the models."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        # pydantic would write a pattern of the keys as patternProperties, which Kubernetes lacks
        values = self.generate_inner(schema.get("values_schema", core_schema.any_schema()))
        result: Schema = {"type": "object", "additionalProperties": values or True}
        if names := self.generate_inner(schema.get("keys_schema", core_schema.any_schema())):
            result["propertyNames"] = names
        self.update_with_validations(result, schema, self.ValidationsMapping.object)
        return result

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        result = super().model_schema(schema)
        model = schema["cls"]
        for name, text in field_descriptions(model).items():
            field = model.model_fields[name]
            properties = result["properties"]
            properties[field.alias or name] = {**properties[field.alias or name], "description": text}
        if issubclass(model, ApiModel) and model.cel_rules:
            result[VALIDATIONS] = [_validation(rule) for rule in model.cel_rules]
        return result


def _validation(rule: Rule) -> Schema:
    parts = {"rule": rule.rule, "message": rule.message, "fieldPath": rule.field_path, "reason": rule.reason}
    return {key: value for key, value in parts.items() if value is not None}


def field_descriptions(model: type) -> dict[str, str]:
    """The docstrings below the fields of a model and its bases, without markup.

    Read from the source here, and not by pydantic's ``use_attribute_docstrings``, which would read it again at each
    start of each program.
    """
    texts: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls is ApiModel or not issubclass(cls, ApiModel):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        body = tree.body[0].body  # type: ignore[attr-defined]
        for statement, following in itertools.pairwise(body):
            match statement, following:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ) if name in cls.model_fields:
                    texts[name] = _plain(text)
    return texts


def _plain(text: str) -> str:
    text = re.sub(r":\w+:`~?([^`]*)`", r"\1", inspect.cleandoc(text))
    return re.sub(r"\s+", " ", text.replace("``", "")).strip()


def structural_schema(model: type[ApiModel], *, defaults: bool = True) -> Schema:
    """The structural schema of a model. Raises SchemaError for what cannot be expressed.

    Without ``defaults`` the API server adds nothing: right for a status, where every field is somebody's report.
    """
    raw = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return _convert(raw, raw.get("$defs", {}), model.__name__, (), defaults=defaults)


def _convert(node: Schema, definitions: Schema, where: str, path: tuple[str, ...], *, defaults: bool) -> Schema:
    """One node and all below it; ``path`` has the definitions that it stands in, to refuse recursion."""
    if reference := node.get("$ref"):
        name = reference.rpartition("/")[2]
        if name in path:
            raise SchemaError(f"{where}: {name} contains itself, and a structural schema has no references")
        node = {**definitions[name], **{key: value for key, value in node.items() if key != "$ref"}}
        path = (*path, name)

    def below(child: Schema, label: str) -> Schema:
        return _convert(child, definitions, f"{where}{label}", path, defaults=defaults)

    result: Schema = {}
    for key, value in node.items():
        if key in _DROPPED or (key == "default" and not defaults):
            continue
        if key in _KEPT or (key.startswith("x-kubernetes-") and key != VALIDATIONS):
            result[key] = _plain(value) if key == "description" else value
        elif convert := _CONVERSIONS.get(key):
            result |= convert(value, node, below, where)
        elif key not in _RULES:
            raise SchemaError(f"{where}: a structural schema has no {key!r}")
    if "pattern" in node and PATTERN_MESSAGE not in node:
        result["pattern"] = node["pattern"]
    if rules := _rules(node, where):
        result[VALIDATIONS] = rules
    if not result.get("type") and PRESERVE not in result:
        raise SchemaError(f"{where}: a structural schema needs a type here, or {PRESERVE}")
    return result


Below = Callable[[Schema, str], Schema]


def _properties(value: Schema, _node: Schema, below: Below, _where: str) -> Schema:
    return {"properties": {name: below(child, f".{name}") for name, child in value.items()}}


def _items(value: Schema, _node: Schema, below: Below, _where: str) -> Schema:
    return {"items": below(value, "[]")}


def _additional(value: object, node: Schema, below: Below, where: str) -> Schema:
    if isinstance(value, dict):
        return {"additionalProperties": below(value, "{}")}
    if value is True and "properties" not in node:
        return {PRESERVE: True}
    if value is False:
        return {}  # the API server prunes what it does not know
    raise SchemaError(f"{where}: properties and additionalProperties exclude each other")


def _const(value: object, _node: Schema, _below: Below, _where: str) -> Schema:
    return {"enum": [value]}


def _exclusive(bound: str) -> Callable[[object, Schema, Below, str], Schema]:
    def convert(value: object, _node: Schema, _below: Below, _where: str) -> Schema:
        return {bound: value, f"exclusive{bound.capitalize()}": True}

    return convert


def _unique(value: object, node: Schema, _below: Below, where: str) -> Schema:
    if node.get("items", {}).get("type") not in {"string", "integer", "boolean", "number"}:
        raise SchemaError(f"{where}: only a set of scalars can be a list of type set")
    return {"x-kubernetes-list-type": "set"} if value else {}


_CONVERSIONS: Final[dict[str, Callable[[Any, Schema, Below, str], Schema]]] = {
    "properties": _properties,
    "items": _items,
    "additionalProperties": _additional,
    "const": _const,
    "exclusiveMinimum": _exclusive("minimum"),
    "exclusiveMaximum": _exclusive("maximum"),
    "uniqueItems": _unique,
}


def _rules(node: Schema, where: str) -> list[Schema]:
    """The node's own rules, and those for its pattern, if that has a message, and for the keys of a map."""
    rules = [*node.get(VALIDATIONS, ())]
    if message := node.get(PATTERN_MESSAGE):
        rules.append({"rule": f"self.matches({_cel_string(node['pattern'])})", "message": message})
    return rules + _key_rules(node.get("propertyNames", {}), where)


def _key_rules(names: Schema, where: str) -> list[Schema]:
    """``propertyNames`` as rules over the keys of a map."""
    rules = []
    if least := names.get("minLength"):
        rules.append({"rule": f"self.all(key, size(key) >= {least})", "message": "keys must not be empty"})
    if most := names.get("maxLength"):
        rules.append({"rule": f"self.all(key, size(key) <= {most})", "message": f"keys may have {most} characters"})
    if pattern := names.get("pattern"):
        message = names.get(PATTERN_MESSAGE) or f"keys must match {pattern}"
        rules.append({"rule": f"self.all(key, key.matches({_cel_string(pattern)}))", "message": message})
    unknown = set(names) - {"minLength", "maxLength", "pattern", PATTERN_MESSAGE, "type", *_DROPPED}
    if unknown:
        raise SchemaError(f"{where}: no rule for {', '.join(sorted(unknown))} of keys")
    return rules


def _cel_string(text: str) -> str:
    """A CEL string literal; a raw one has no escapes but cannot hold its own quote."""
    if "'" not in text:
        return f"r'{text}'"
    if '"' not in text:
        return f'r"{text}"'
    raise SchemaError(f"a pattern with both kinds of quotes has no CEL literal here: {text}")
