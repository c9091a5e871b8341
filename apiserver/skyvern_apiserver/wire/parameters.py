"""Reading a request's query and headers by models."""

from typing import Annotated, Any, TypeVar, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.requests import Request

from skyvern_apiserver.errors import InvalidRequestError
from skyvern_apiserver.wire.error_details import details_of

Model = TypeVar("Model", bound=BaseModel)


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
    """The header ``x-max-steps-override``; None when absent or 0, by which callers mean "no override"."""
    given = request.headers.get("x-max-steps-override")
    if given is None:
        return None
    try:
        steps = TypeAdapter(Annotated[int, Field(ge=0, le=limit)]).validate_python(given)
    except ValidationError as error:
        entries = details_of(error, "header")
        raise InvalidRequestError([{**each, "loc": ["header", "x-max-steps-override"]} for each in entries]) from None
    return steps or None
