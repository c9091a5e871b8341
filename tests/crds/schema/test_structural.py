"""From a model to a structural schema, one keyword at a time."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from skyvern_crds.models import AnyJson, ApiModel, MicroTime, Rule, pattern_message
from skyvern_crds.schema.structural import SchemaError, structural_schema


class Color(StrEnum):
    """Its own words, less exact than the field's."""

    RED = "red"
    BLUE = "blue"


class Inner(ApiModel):
    """A part."""

    some_name: Annotated[str, Field(max_length=5)]
    """The name of :class:`Inner`, in ``words``
    over two lines."""

    cel_rules: ClassVar[tuple[Rule, ...]] = (Rule(rule="self.someName != 'x'", message="no x", field_path=".someName"),)


class Heir(Inner):
    """Has one more."""

    more: bool = True
    """Of its own."""


def properties(model: type[ApiModel], **options: bool) -> dict[str, Any]:
    result: dict[str, Any] = structural_schema(model, **options)["properties"]
    return result


def test_model_in_a_model_is_written_out_with_its_rules() -> None:
    class Outer(ApiModel):
        inner: Inner
        again: list[Inner] | None = None

    schema = properties(Outer)
    expected = {
        "description": "A part.",
        "type": "object",
        "required": ["someName"],
        "properties": {
            "someName": {"type": "string", "maxLength": 5, "description": "The name of Inner, in words over two lines."}
        },
        "x-kubernetes-validations": [{"rule": "self.someName != 'x'", "message": "no x", "fieldPath": ".someName"}],
    }
    assert schema["inner"] == expected
    assert schema["again"] == {"type": "array", "items": expected}


def test_fields_of_the_base_keep_their_descriptions() -> None:
    schema = properties(Heir)
    assert schema["someName"]["description"].startswith("The name of Inner")
    assert schema["more"] == {"type": "boolean", "default": True, "description": "Of its own."}


def test_optional_field_is_just_not_required() -> None:
    class Model(ApiModel):
        value: Annotated[int, Field(ge=1, le=3)] | None = None

    assert structural_schema(Model) == {
        "type": "object",
        "properties": {"value": {"type": "integer", "minimum": 1, "maximum": 3}},
    }


def test_defaults_stay_or_go() -> None:
    class Model(ApiModel):
        value: int = 3

    assert properties(Model)["value"] == {"type": "integer", "default": 3}
    assert properties(Model, defaults=False)["value"] == {"type": "integer"}


def test_keywords_that_kubernetes_spells_otherwise() -> None:
    class Model(ApiModel):
        fixed: Literal["a"]
        one_of: Literal["a", "b"]
        above: Annotated[float, Field(gt=0, lt=1)]
        anything: AnyJson
        free: dict[str, Any]
        tags: set[str]
        time: MicroTime
        color: Color
        """Which one."""

    schema = properties(Model)
    assert schema == {
        "fixed": {"type": "string", "enum": ["a"]},
        "oneOf": {"type": "string", "enum": ["a", "b"]},
        "above": {
            "type": "number",
            "minimum": 0,
            "exclusiveMinimum": True,
            "maximum": 1,
            "exclusiveMaximum": True,
        },
        "anything": {"x-kubernetes-preserve-unknown-fields": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "time": {"type": "string", "format": "date-time"},
        "color": {"type": "string", "enum": ["red", "blue"], "description": "Which one."},
    }


def test_pattern_with_a_message_becomes_a_rule() -> None:
    class Model(ApiModel):
        plain: Annotated[str, Field(pattern="^a$")]
        told: Annotated[str, Field(pattern="^a\\d$", json_schema_extra=pattern_message("must be a1"))]
        quoted: Annotated[str, Field(pattern="^'$", json_schema_extra=pattern_message("must be a quote"))]

    schema = properties(Model)
    assert schema["plain"] == {"type": "string", "pattern": "^a$"}
    assert schema["told"] == {
        "type": "string",
        "x-kubernetes-validations": [{"rule": "self.matches(r'^a\\d$')", "message": "must be a1"}],
    }
    assert schema["quoted"]["x-kubernetes-validations"][0]["rule"] == 'self.matches(r"^\'$")'


def test_limits_of_keys_become_rules() -> None:
    class Model(ApiModel):
        value: dict[Annotated[str, Field(min_length=1, max_length=3, pattern="^a")], int]

    assert properties(Model)["value"] == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
        "x-kubernetes-validations": [
            {"rule": "self.all(key, size(key) >= 1)", "message": "keys must not be empty"},
            {"rule": "self.all(key, size(key) <= 3)", "message": "keys may have 3 characters"},
            {"rule": "self.all(key, key.matches(r'^a'))", "message": "keys must match ^a"},
        ],
    }


class Tree(ApiModel):
    """Holds itself."""

    children: "list[Tree]"


def test_what_contains_itself_is_refused() -> None:
    with pytest.raises(SchemaError, match="Tree contains itself"):
        structural_schema(Tree)


def test_what_has_no_equal_is_refused_by_name() -> None:
    class Union(ApiModel):
        value: int | str

    class Pair(ApiModel):
        value: tuple[int, str]

    class Sets(ApiModel):
        value: set[tuple[int, ...]]

    for model, keyword in ((Union, "anyOf"), (Pair, "prefixItems"), (Sets, "set of scalars")):
        with pytest.raises(SchemaError, match=rf"{model.__name__}\.value: .*{keyword}"):
            structural_schema(model)


def test_field_of_anything_must_be_meant() -> None:
    class Model(ApiModel):
        value: Any

    with pytest.raises(SchemaError, match=r"Model\.value: .* needs a type"):
        structural_schema(Model)
