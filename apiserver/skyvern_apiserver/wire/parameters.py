"""Reading a request's query and headers by models."""

from typing import Annotated, Any, Final, TypeVar, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.requests import Request

from skyvern_apiserver.errors import InvalidRequestError
from skyvern_apiserver.wire.error_details import details_of
from skyvern_crds.tracing.trace import TraceParent, parse_traceparent

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")
MAX_IDEMPOTENCY_KEY: Final = 255
"""Characters of an idempotency key."""
_INTEGER: Final[TypeAdapter[int]] = TypeAdapter(int)
_IDEMPOTENCY_KEY: Final[TypeAdapter[str]] = TypeAdapter(
    Annotated[str, Field(min_length=1, max_length=MAX_IDEMPOTENCY_KEY, pattern=r"^[!-~]([ -~]*[!-~])?$")]
)


def read_query(request: Request, model: type[Model]) -> Model:
    """The query by ``model``; a list field takes every value of its name. Raises InvalidRequestError."""
    query = request.query_params
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in query:
            values[name] = query.getlist(name) if get_origin(field.annotation) is list else query[name]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequestError(details_of(error, "query")) from None


def read_max_steps(request: Request, limit: int) -> int | None:
    """The header ``x-max-steps-override``; None when absent or 0, by which callers mean "no override".

    Any integer is accepted: more than ``limit`` are ``limit``, and less than 0 one step, as callers know it.
    """
    steps = _read_header(request, "x-max-steps-override", _INTEGER)
    return max(1, min(steps, limit)) if steps else None


def read_idempotency_key(request: Request) -> str | None:
    """The header ``Idempotency-Key``, bare or in double quotes; None when absent."""
    key = _read_header(request, "idempotency-key", _IDEMPOTENCY_KEY)
    return key and (key[1:-1] if len(key) > 2 and key[0] == key[-1] == '"' else key)


def read_traceparent(request: Request) -> TraceParent | None:
    """The header ``traceparent``; None when absent, and for what W3C Trace Context tells receivers to ignore."""
    given = request.headers.getlist("traceparent")
    return parse_traceparent(given[0]) if len(given) == 1 else None


def _read_header(request: Request, name: str, kind: TypeAdapter[T]) -> T | None:
    given = request.headers.get(name)
    if given is None:
        return None
    try:
        return kind.validate_python(given)
    except ValidationError as error:
        entries = details_of(error, "header")
        raise InvalidRequestError([{**each, "loc": ["header", name]} for each in entries]) from None
