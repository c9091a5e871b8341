"""Requests generated from the OpenAPI document get the answers that it describes."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from skyvern_apiserver.api.operations import OPERATIONS, Operation
from tests.apiserver.cluster import Tenants
from tests.apiserver.program import Program

pytestmark = pytest.mark.contract

EXAMPLES = 25
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.name))
def test_generated_requests_get_documented_answers(operation: Operation, program: Program, tenants: Tenants) -> None:
    schema = schemathesis.openapi.from_url(f"{program.public}/openapi.json")
    described = schema[operation.path.replace(":path", "")][operation.method]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=described.as_strategy())
    def answers_fit(case: schemathesis.Case[Any]) -> None:
        if case.query and "wait" in case.query:
            case.query["wait"] = 0  # no operator runs, so no task ends
        case.call_and_validate(headers={"x-api-key": tenants.key("bob")}, checks=CHECKS)

    answers_fit()
