"""Base class and reusable field types of the API's models."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer
from pydantic.alias_generators import to_camel

from skyvern_crds.urls import HTTP_URL_PATTERN, MAX_URL_LENGTH

STORED: Final = "stored"
"""Validation context of a value that is already stored: limits over the whole of a model are not checked."""
FIRST_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME: Final = datetime(5000, 1, 1, tzinfo=UTC)
"""Beyond it, adding a deadline to a time could leave what Python's datetime holds."""


class Rule(BaseModel):
    """A CEL rule of the CRD, declared on the model it holds for (``x-kubernetes-validations``)."""

    model_config = ConfigDict(frozen=True)

    rule: str
    """CEL expression over ``self`` (and ``oldSelf`` for a transition rule)."""
    message: str
    """What a user of kubectl reads when the rule refuses an object: names the field and the remedy."""
    field_path: str | None = None
    """JSON path of the field that the error is reported on, relative to the object, e.g. ``.url``."""
    reason: str | None = None
    """Kind of the error: FieldValueInvalid (without it), FieldValueForbidden, FieldValueDuplicate."""


class ApiModel(BaseModel):
    """Base of every model on the wire: camelCase outside, snake_case inside, immutable, unknown fields ignored.

    Unknown fields are pruned by the API server; a newer server may store fields that this version does not know.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    cel_rules: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules that hold for objects of this model; the schema generator writes them out."""

    def wire(self) -> dict[str, Any]:
        """The JSON object as Kubernetes stores it: camelCase, without nulls, RFC 3339 times."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _rfc3339_micro(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


MicroTime = Annotated[
    AwareDatetime,
    Field(ge=FIRST_TIME, le=LAST_TIME),
    PlainSerializer(_rfc3339_micro, return_type=str, when_used="json"),
]
"""A time of microsecond resolution, as ``metav1.MicroTime``."""

PATTERN_MESSAGE = "x-pattern-message"
"""Key in a field's ``json_schema_extra``: what its pattern asks for, in words. The CRD says this instead of the
pattern, which it then checks by a CEL rule."""


def pattern_message(text: str) -> dict[str, JsonValue]:
    """``json_schema_extra`` of a field with a pattern: what a user reads who breaks it."""
    return {PATTERN_MESSAGE: text}


HttpUrl = Annotated[
    str,
    Field(
        max_length=MAX_URL_LENGTH,
        pattern=HTTP_URL_PATTERN,
        json_schema_extra=pattern_message("must be an http:// or https:// URL with a host, without spaces"),
    ),
]
"""An http or https URL of at most 2083 characters."""
Text = Annotated[str, Field(max_length=16384)]
"""A goal or criterion for the agent."""
ShortText = Annotated[str, Field(max_length=1024)]
"""A message of one line."""
AnyJson = Annotated[JsonValue, Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""Any JSON value, stored as it is."""
