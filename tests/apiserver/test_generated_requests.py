"""Requests generated from the OpenAPI document: whatever comes, the answers are those that the document tells of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.apiserver.cluster import Tenants
from tests.apiserver.program import start

pytestmark = pytest.mark.contract

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api_schema(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    program = start(environment, tmp_path_factory.mktemp("generated"))
    try:
        yield schemathesis.openapi.from_url(f"{program.public}/openapi.json")
    finally:
        program.process.kill()
        program.process.wait(10)


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_those_of_the_document(case: schemathesis.Case, tenants: Tenants) -> None:
    case.call_and_validate(headers={"x-api-key": tenants.key("bob")}, checks=CHECKS)
