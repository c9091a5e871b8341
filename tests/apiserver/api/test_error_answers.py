"""Errors and the answers they become."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from skyvern_apiserver.errors import InvalidRequestError
from skyvern_apiserver.server.path_methods import PathMethods
from skyvern_apiserver.wire.cluster_errors import from_cluster
from skyvern_apiserver.wire.error_details import MAX_INPUT_CHARACTERS, detail
from skyvern_apiserver.wire.exception_handlers import EXCEPTION_HANDLERS
from skyvern_crds.client import ClusterError, Forbidden, Invalid, TooManyRequests, Unavailable

RBAC = (
    'skyverntasks.skyvern.io is forbidden: User "system:serviceaccount:skyvern:facade" cannot create resource '
    '"skyverntasks" in API group "skyvern.io" in the namespace "a"'
)
TERMINATING = {
    "causes": [{"reason": "NamespaceTerminating", "message": "being terminated", "field": "metadata.namespace"}]
}


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (TooManyRequests(429, "TooManyRequests", "slow", 7.0), 429, "7"),
        (TooManyRequests(429, "TooManyRequests", "slow"), 429, "5"),
        (Unavailable(0, "Unreachable", "no route"), 503, "5"),
        (Unavailable(500, "InternalError", "boom", 3.2), 503, "3"),
        (ClusterError(401, "Unauthorized", "who"), 503, "5"),
        (Forbidden(403, "Forbidden", 'tasks "x" is forbidden: exceeded quota: q'), 429, "5"),
        (Forbidden(403, "Forbidden", RBAC), 503, "5"),
        (Forbidden(403, "Forbidden", "namespace a is being terminated", details=TERMINATING), 503, "5"),
        (Forbidden(403, "Forbidden", "denied by the policy 'no-mondays'"), 422, None),
    ],
)
def test_each_error_of_the_cluster_has_its_answer(error: ClusterError, status: int, retry_after: str | None) -> None:
    answer = from_cluster(error)
    assert (answer.status, answer.headers.get("Retry-After")) == (status, retry_after)


def test_rights_that_the_facade_lacks_are_told_to_its_administrator_only(caplog: pytest.LogCaptureFixture) -> None:
    answer = from_cluster(Forbidden(403, "Forbidden", RBAC))
    assert "system:serviceaccount" not in str(answer.detail)
    assert [vars(record)["error"] for record in caplog.records] == [RBAC]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("skyverntasks \"t\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: No.", "No."),
        ('admission webhook "w.example.com" denied the request: not\non Mondays', "not\non Mondays"),
        ("refused in some other way", "refused in some other way"),
    ],
)
def test_refusal_by_a_policy_has_the_words_of_the_policy(message: str, words: str) -> None:
    answer = from_cluster(Forbidden(403, "Forbidden", message))
    assert isinstance(answer, InvalidRequestError)
    assert answer.details == [{"type": "value_error", "loc": ["body"], "msg": words, "input": None}]


def test_refusal_without_causes_concerns_the_body() -> None:
    answer = from_cluster(Invalid(422, "Invalid", "admission says no"))
    assert isinstance(answer, InvalidRequestError)
    assert answer.details == [{"type": "value_error", "loc": ["body"], "msg": "admission says no", "input": None}]


@pytest.mark.parametrize("value", ["x" * 10_000, {"a": "x" * 10_000}, ["x"] * 10_000])
def test_error_does_not_repeat_a_large_value(value: object) -> None:
    assert len(str(detail("string_type", ["body"], "no", value)["input"])) <= MAX_INPUT_CHARACTERS


def test_unexpected_error_is_answered_with_its_class_only() -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError("with a secret in its text")

    app = Starlette(routes=[Route("/x", PathMethods("/x", {"GET": broken}))], exception_handlers=EXCEPTION_HANDLERS)
    answer = TestClient(app, raise_server_exceptions=False).get("/x")
    assert (answer.status_code, answer.json()) == (500, {"error": "Unexpected error: ZeroDivisionError"})
