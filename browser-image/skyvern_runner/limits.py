"""Limits of the API's fields, read from its models so that they are written once."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def limit(model: type[BaseModel], field: str, constraint: Literal["max_length", "ge", "le"]) -> int:
    """A constraint of a field, optional or not."""
    info = model.model_fields[field]
    for item in (*info.metadata, *_metadata(info.annotation)):
        if (value := getattr(item, constraint, None)) is not None:
            return int(value)
    raise ValueError(f"{model.__name__}.{field} has no constraint {constraint}")


def cut(text: str, model: type[BaseModel], field: str) -> str:
    """``text``, cut to the field's maximum length."""
    return text[: limit(model, field, "max_length")]


def _metadata(annotation: Any) -> Iterator[Any]:
    """The constraints in the parts of a union."""
    for part in get_args(annotation):
        if isinstance(part, FieldInfo):
            yield from part.metadata
        else:
            yield from _metadata(part)
