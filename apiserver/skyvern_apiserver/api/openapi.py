"""The OpenAPI 3.1 document, made from the operations and their models."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from skyvern_apiserver.api.operations import OPERATIONS, TAGS, Operation
from skyvern_apiserver.wire.error_models import ErrorText, InvalidRequest

REF: Final = "#/components/schemas/{model}"
KEY_ERRORS: Final = (403, 429, 503)
ERROR_TEXTS: Final = {
    400: "The task's status does not allow it, or filters exclude each other",
    403: "The API key or the link is not valid",
    404: "The task or file does not exist",
    408: "The body did not arrive in time",
    413: "The body is too large",
    416: "The range is outside the file",
    422: "The request is invalid",
    429: "Too many requests; see Retry-After",
    503: "The cluster or the artifact store is unavailable; see Retry-After",
}
SECURITY: Final = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
ETAG: Final = {"description": "Changes with the answer", "schema": {"type": "string"}}
IF_NONE_MATCH: Final = {
    "name": "if-none-match",
    "in": "header",
    "required": False,
    "description": "ETag of the answer that the caller has: it is not sent again.",
    "schema": {"type": "string"},
}
Json = dict[str, Any]
References = dict[Any, Json]
"""For each model, the schema that refers to it."""


def document(version: str) -> Json:
    """The whole document."""
    components, references = _components()
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        path = re.sub(r"\{(\w+):path\}", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, components, references)
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tasks API",
            "version": version,
            "description": "Browser tasks; each runs in a separate pod. Every path also works with a trailing slash.",
        },
        "servers": [{"url": "/", "description": "Where this document comes from"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items())), "securitySchemes": SECURITY},
    }
    # Docstrings are reStructuredText, descriptions are CommonMark.
    return json.loads(json.dumps(whole).replace("``", "`"))  # type: ignore[no-any-return]


def _components() -> tuple[Json, References]:
    """The schemas of all models, and the reference to each. Requests and answers share a model's one schema."""
    models: list[type[BaseModel]] = [model for operation in OPERATIONS for model in _models(operation)]
    models = list(dict.fromkeys([*models, InvalidRequest, ErrorText]))
    references, found = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    return found["$defs"], {model: reference for (model, _), reference in references.items()}


def _models(operation: Operation) -> Iterator[type[BaseModel]]:
    """The models of the body and of the answer, or of the answer's items."""
    for kind in (operation.endpoint.input.body, operation.answer, *get_args(operation.answer)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind


def _operation(operation: Operation, components: Json, references: References) -> Json:
    entry: Json = {"operationId": operation.name, "summary": operation.summary, "tags": [operation.tag]}
    if parameters := _parameters(operation, components):
        entry["parameters"] = parameters
    if operation.endpoint.input.body is not None:
        schema = copy.deepcopy(references[operation.endpoint.input.body])
        entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        if operation.example is not None:
            entry["requestBody"]["content"]["application/json"]["example"] = dict(operation.example)
    content: Json = {"schema": _answer(operation.answer)} if operation.answer is not None else {}
    entry["responses"] = {"200": {"description": "Success", "content": {operation.media_type: content}}}
    if operation.versioned:
        entry["responses"]["200"]["headers"] = {"ETag": ETAG}
        entry["responses"]["304"] = {"description": "The caller has this answer", "headers": {"ETag": ETAG}}
    if operation.resumable:
        entry["responses"]["204"] = {"description": "The caller has the last event: there is nothing to follow"}
    if operation.is_file:
        entry["responses"]["206"] = {"description": "The range", "content": {operation.media_type: content}}
    for status in sorted({*operation.errors, *(KEY_ERRORS if operation.endpoint.needs_key else ())}):
        entry["responses"][str(status)] = _error(status, references)
    if operation.is_file:
        entry["responses"]["403"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    if operation.endpoint.needs_key:
        entry["security"] = [{name: []} for name in SECURITY]
    return entry


def _answer(kind: Any) -> Json:
    schema = TypeAdapter(kind).json_schema(ref_template=REF)
    schema.pop("$defs", None)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {"$ref": REF.format(model=kind.__name__)}
    return schema


def _error(status: int, references: References) -> Json:
    answer: Json = {"description": ERROR_TEXTS[status]}
    if status != 416:
        model = references[InvalidRequest if status == 422 else ErrorText]
        answer["content"] = {"application/json": {"schema": copy.deepcopy(model)}}
    if status in {429, 503}:
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    return answer


def _parameters(operation: Operation, components: Json) -> list[Json]:
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)", operation.path)
    ]
    if operation.endpoint.input.query is not None:
        schema = operation.endpoint.input.query.model_json_schema(ref_template=REF)
        components |= schema.pop("$defs", {})
        required = schema.get("required", [])
        for name, field in schema["properties"].items():
            text = operation.endpoint.input.query.model_fields[name].description
            parameter = {"name": name, "in": "query", "required": name in required, "schema": field}
            parameters.append(parameter | ({"description": text} if text else {}))
    if operation.versioned:
        parameters.append(copy.deepcopy(IF_NONE_MATCH))
    return parameters + [copy.deepcopy(header) for header in operation.endpoint.input.headers]
