"""What an operation reads from its request, and how the OpenAPI document describes that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from skyvern_apiserver.wire.parameters import read_query

T = TypeVar("T")
Query = TypeVar("Query", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Input(Generic[T]):
    """The part of a request that a handler receives as one value."""

    read: Callable[[Request], Awaitable[T]]
    """Reads the value. Raises ApiError."""
    body: type[BaseModel] | None = None
    """Model of the body."""
    query: type[BaseModel] | None = None
    """Model of the query."""
    headers: tuple[dict[str, Any], ...] = ()
    """Header parameters, as OpenAPI describes them."""


def query_input(model: type[Query]) -> Input[Query]:
    """The query, validated by ``model``."""

    async def read(request: Request) -> Query:
        return read_query(request, model)

    return Input(read, query=model)
