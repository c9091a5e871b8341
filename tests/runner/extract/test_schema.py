import socket
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import JsonValue

from skyvern_runner.errors import ReplyError
from skyvern_runner.extract.schema import (
    extraction_format,
    fill_missing,
    json_schema_of,
    problems_of,
    unwrap,
    without_misfits,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reference": {"type": "string"},
        "successful": {"type": "boolean"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
    },
    "required": ["reference", "successful"],
}


@pytest.mark.parametrize(
    ("given", "is_schema"),
    [
        (SCHEMA, True),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, True),
        ({"reference": "JOB-123"}, False),
        ({"type": "no such type"}, False),
        ([{"name": "x"}], False),
        ("a text", False),
        (None, False),
    ],
)
def test_schema_is_distinguished_from_an_example(given: JsonValue, is_schema: bool) -> None:
    assert (json_schema_of(given) is not None) is is_schema


def test_references_of_a_schema_open_no_file_and_no_address(tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.write_text('{"const": "top-secret"}')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for address in (f"http://127.0.0.1:{server.getsockname()[1]}/schema.json", file.as_uri()):
            assert json_schema_of({"$ref": address}) is None
        with pytest.raises(BlockingIOError):
            server.accept()
    assert json_schema_of({"$ref": "https://json-schema.org/draft/2020-12/schema"}) is not None


def test_missing_properties_become_null_at_every_depth() -> None:
    assert fill_missing({"lines": [{}, {"price": 2}]}, SCHEMA) == {
        "lines": [{"price": None}, {"price": 2}],
        "reference": None,
        "successful": None,
    }


def test_null_fits_everywhere() -> None:
    assert problems_of({"reference": None, "successful": None, "lines": None}, SCHEMA) == []


def test_value_of_the_wrong_type_is_named() -> None:
    (problem,) = problems_of({"reference": "x", "successful": "yes"}, SCHEMA)
    assert problem.startswith("successful: ")


def test_value_that_does_not_fit_becomes_null() -> None:
    value: JsonValue = {"reference": "x", "successful": "yes", "lines": [{"price": "2"}, {"price": 3}]}
    assert without_misfits(value, SCHEMA) == {
        "reference": "x",
        "successful": None,
        "lines": [{"price": None}, {"price": 3}],
    }


def test_result_of_the_wrong_shape_becomes_null() -> None:
    assert without_misfits("a text", SCHEMA) is None


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ('{"extracted_information": {"reference": "x"}}', SCHEMA, {"reference": "x"}),
        ('{"extracted_information": null}', None, None),
        ('{"reference": "x"}', SCHEMA, {"reference": "x"}),
        ('{"anything": 1}', None, {"anything": 1}),
    ],
)
def test_information_is_taken_out_of_its_wrapper(text: str, schema: Any, expected: Any) -> None:
    value = unwrap(text, schema)
    assert isinstance(value, dict) == isinstance(expected, dict)
    if isinstance(value, dict):
        assert value.items() >= expected.items()


def test_answer_without_the_information_is_refused() -> None:
    with pytest.raises(ReplyError, match="extracted_information"):
        unwrap('{"weather": "fair"}', SCHEMA)


def test_references_of_the_users_schema_still_resolve_inside_the_wrapper() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}
    form = extraction_format(schema)
    assert not form.strict
    assert jsonschema_rs.is_valid(dict(form.schema), {"extracted_information": "x"})
    assert not jsonschema_rs.is_valid(dict(form.schema), {"extracted_information": 1})
    assert "$defs" in schema
