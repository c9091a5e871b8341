"""Reading what is stored with the models that check what is written: every field that makes sense is taken.

A stored object may be older or newer than this version's CRD, or come from a hostile pod. So limits (length, range,
pattern, rules over several fields) are ignored, a field that cannot be read is left out and named, and nothing raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, JsonValue, ValidationError, create_model
from pydantic.fields import FieldInfo

from skyvern_crds.models import STORED, MicroTime
from skyvern_crds.wire import MAX_DEPTH, is_cut

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
"""Path of a field below the value that is read."""

_MAX_REASON: Final = 200
_TIMES: Final[tuple[object, ...]] = (datetime, AwareDatetime)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A field of a stored object that could not be read."""

    field: str
    """Path from the object's root, for example ``status.phase`` or ``status.conditions.2``."""
    reason: str
    """Why, in a few words."""

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


def read(
    model: type[M], value: object, where: str, *, fields: frozenset[str] | None = None
) -> tuple[M, tuple[Unreadable, ...]]:
    """``value`` as ``model``, and what had to be left out of it. Never raises.

    ``where`` names the value in messages. With ``fields`` only those fields of the model are read and the others keep
    their defaults. A field that cannot be read keeps its default, required text is then empty; an item of a list that
    cannot be read is missing from the list.
    """
    if value is None:
        value = {}
    if not isinstance(value, dict):
        return _defaults(model), (Unreadable(where, f"is {_kind_of(value)}; an object is expected"),)
    if fields is not None:
        keys = {key for name in fields for key in (name, model.model_fields[name].alias)}
        value = {key: each for key, each in value.items() if key in keys}
    try:
        found, left_out = _validated(model, value), dict[Place, str]()
    except (ValidationError, RecursionError):
        found, left_out = _without_faults(model, value)
    for name in _json_fields(model):
        if getattr(found, name) is not None and is_cut(getattr(found, name)):
            field = model.model_fields[name]
            found = found.model_copy(update={name: field.get_default(call_default_factory=True)})
            left_out[(field.alias or name,)] = f"is nested deeper than {MAX_DEPTH} levels"
    return found, tuple(
        Unreadable(".".join((where, *map(str, place))), reason[:_MAX_REASON]) for place, reason in left_out.items()
    )


def _validated(model: type[M], value: dict[str, Any]) -> M:
    """The common case: the value satisfies the strict model, which is fast."""
    missing = {name: "" for name in _required_texts(model) if name not in value}
    return model.model_validate({**missing, **value} if missing else value, strict=False, context=STORED)


def _without_faults(model: type[M], value: dict[str, Any]) -> tuple[M, dict[Place, str]]:
    """The model without what is wrong in ``value``; first single items of lists are left out, then whole fields."""
    relaxed, left_out = _relaxed(model), dict[Place, str]()
    for whole in (False, True, True):
        try:
            return _plain(model, relaxed.model_validate(value, strict=False, context=STORED)), left_out
        except ValidationError as error:
            faults = {_place(each["loc"], whole=whole): each["msg"] for each in error.errors(include_url=False)}
        except RecursionError:
            return _defaults(model), {(): f"is nested deeper than {MAX_DEPTH} levels"}
        left_out |= faults
        value = _leave_out(value, set(faults))
    return _defaults(model), left_out


def _place(loc: Place, *, whole: bool) -> Place:
    is_item = len(loc) > 1 and isinstance(loc[1], int) and not whole
    return loc[:2] if is_item else loc[:1]


def _leave_out(value: Mapping[str, Any], places: set[Place]) -> dict[str, Any]:
    result = {key: each for key, each in value.items() if (key,) not in places}
    for name in {str(place[0]) for place in places if len(place) == 2}:
        if isinstance(result.get(name), list):
            result[name] = [each for number, each in enumerate(result[name]) if (name, number) not in places]
    return result


def _defaults(model: type[M]) -> M:
    return model.model_construct(None, **dict.fromkeys(_required_texts(model), ""))


@lru_cache
def _required_texts(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if field.is_required() and field.annotation is str)


@lru_cache
def _json_fields(model: type[BaseModel]) -> tuple[str, ...]:
    def holds_json(annotation: object) -> bool:
        return annotation is JsonValue or any(map(holds_json, get_args(annotation)))

    return tuple(name for name, field in model.model_fields.items() if holds_json(field.annotation))


_LARGEST: Final = 10**11
_BoundedInt = Annotated[int, AfterValidator(lambda value: max(-_LARGEST, min(value, _LARGEST)))]
"""Three thousand years in seconds, 100 GB in bytes: more would only break sums of times."""

# The model without its limits -----------------------------------------------------------------------------------------


@lru_cache
def _relaxed(model: type[BaseModel]) -> type[BaseModel]:
    """A subclass of ``model`` whose fields have types and defaults, but no limits."""
    fields: dict[str, Any] = {name: _relaxed_field(field) for name, field in model.model_fields.items()}
    return create_model(f"Stored{model.__name__}", __base__=model, **fields)


def _relaxed_field(field: FieldInfo) -> tuple[Any, Any]:
    annotation = _relaxed_type(field.annotation)
    if field.default_factory is not None:
        return annotation, Field(default_factory=field.default_factory, alias=field.alias)
    default = "" if field.is_required() and annotation is str else ... if field.is_required() else field.default
    return annotation, Field(default, alias=field.alias)


def _relaxed_type(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is JsonValue:
        return annotation
    if annotation in _TIMES or (origin is Annotated and arguments[0] in _TIMES):
        return MicroTime
    if annotation is int:
        return _BoundedInt
    if origin is Annotated:
        return _relaxed_type(arguments[0])
    if origin in (Union, UnionType):
        return Union[tuple(map(_relaxed_type, arguments))]  # noqa: UP007 - built at run time
    if origin in (list, dict):
        return origin[tuple(map(_relaxed_type, arguments))]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _relaxed(annotation)
    return annotation


def _plain(model: type[M], value: BaseModel) -> M:
    """An instance of ``model`` itself for one of its relaxed subclass, so that equal values compare equal."""
    return model.model_construct(set(value.model_fields_set), **{name: _plain_value(each) for name, each in value})


def _plain_value(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(type(value).__mro__[1], value)
    if isinstance(value, list):
        return [_plain_value(each) for each in value]
    return value


def _kind_of(value: object) -> str:
    kinds = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), type(value).__name__)
