"""The exception for each answer of the API server."""

import email.utils
import json
import time

import pytest

from skyvern_crds.client import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Resource,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from skyvern_crds.client.errors import error_from_response, parse_retry_after


def body(reason: str, **details: object) -> bytes:
    return json.dumps({"kind": "Status", "reason": reason, "message": "the words", "details": details}).encode()


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "BadRequest", Invalid),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (405, "MethodNotAllowed", ClusterError),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Gone),
        (413, "RequestEntityTooLarge", Invalid),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", TooManyRequests),
        (500, "InternalError", Unavailable),
        (503, "ServiceUnavailable", Unavailable),
        (504, "Timeout", Unavailable),
    ],
)
def test_each_status_has_its_exception(status: int, reason: str, kind: type[ClusterError]) -> None:
    error = error_from_response(status, "phrase", body(reason, name="x"), None)
    assert type(error) is kind
    assert (error.status, error.reason, error.message, error.details) == (status, reason, "the words", {"name": "x"})
    assert str(error) == f"the words ({status} {reason})"


def test_body_that_is_no_status_is_quoted() -> None:
    error = error_from_response(502, "Bad Gateway", b"<html>no", None)
    assert (type(error), error.reason, error.message) == (Unavailable, "Bad Gateway", "<html>no")
    assert error_from_response(503, None, b"", None).message == "no message"


def test_time_to_wait_is_taken_from_the_header_and_else_from_the_body() -> None:
    answer = body("TooManyRequests", retryAfterSeconds=3)
    assert error_from_response(429, "", answer, "9").retry_after == 9
    assert error_from_response(429, "", answer, None).retry_after == 3
    assert error_from_response(429, "", body("TooManyRequests"), "soon").retry_after is None


def test_time_to_wait_may_be_a_date() -> None:
    wait = parse_retry_after(email.utils.formatdate(time.time() + 60, usegmt=True))
    assert wait is not None
    assert 55 < wait <= 60
    assert parse_retry_after("Mon, 01 Jan 2024 00:00:00 GMT") == 0


def test_paths_name_group_namespace_and_subresource() -> None:
    tasks = Resource("skyvern.io", "v1", "skyverntasks")
    assert tasks.path(None) == "/apis/skyvern.io/v1/skyverntasks"
    assert tasks.path("a", "b", "status") == "/apis/skyvern.io/v1/namespaces/a/skyverntasks/b/status"
    assert Resource("", "v1", "pods").path("a") == "/api/v1/namespaces/a/pods"
    assert Resource("", "v1", "nodes", namespaced=False).path(None, "n") == "/api/v1/nodes/n"


def test_names_cannot_leave_their_place_in_a_path() -> None:
    assert Resource("", "v1", "pods").path("a", "../secrets/x?y") == "/api/v1/namespaces/a/pods/..%2Fsecrets%2Fx%3Fy"


def test_name_without_its_namespace_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs a namespace"):
        Resource("", "v1", "pods").path(None, "a")
    with pytest.raises(ValueError, match="no namespaces"):
        Resource("", "v1", "nodes", namespaced=False).path("a")
