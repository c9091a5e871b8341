"""Models of error answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from skyvern_crds.rest.response import Answer


class ErrorText(Answer):
    """An error as text."""

    detail: str
    """What is wrong and what to do."""


class ErrorDetail(BaseModel):
    """One error in a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """Kind of error."""
    loc: list[str | int]
    """Where it is, starting with ``body``, ``query`` or ``header``."""
    msg: str
    """What is wrong."""
    input: Any = None
    """The offending value, or its beginning."""
    ctx: dict[str, Any] | None = None
    """Limits that the message mentions."""


class InvalidRequest(Answer):
    """All errors of a request."""

    detail: list[ErrorDetail]
    """One entry per error."""
