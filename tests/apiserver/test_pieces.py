"""The facade's pure pieces: keys, records, pages, ranges, errors."""

import base64
import json
import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from skyvern_apiserver.app import PathMethods
from skyvern_apiserver.artifacts import byte_range
from skyvern_apiserver.auth import KeyRing, clean, read_secret
from skyvern_apiserver.cache import TaskIndex, TaskRecord, read_task
from skyvern_apiserver.errors import EXCEPTION_HANDLERS, MAX_INPUT_CHARACTERS, InvalidRequestError, detail, from_cluster
from skyvern_apiserver.logs import JsonFormatter
from skyvern_apiserver.tasks import ListQuery, select
from skyvern_crds.client import Change, ChangeType, ClusterError, Forbidden, Invalid, TooManyRequests, Unavailable
from skyvern_crds.vocabulary import Phase


def task(name: str, created: str, **more: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "a",
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "creationTimestamp": created,
        "managedFields": [{"manager": "somebody", "fieldsV1": {}}],
    }
    return {"metadata": metadata | more.pop("metadata", {}), "spec": {"url": "https://example.com"}, **more}


def secret(name: str, **data: str) -> dict[str, Any]:
    encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "namespace": "release"}, "data": encoded}


@pytest.mark.parametrize(
    "written", ["abc", " abc ", '"abc"', "'abc'", "Bearer abc", 'bearer "abc"', '"Bearer abc"', "  Bearer   abc"]
)
def test_key_is_cleaned_of_callers_habits(written: str) -> None:
    assert clean(written) == "abc"


def test_secret_is_read_without_its_key() -> None:
    key = read_secret(secret("alice", key="s3cret\n", organization_id="o_1", namespace="team"))
    assert (key.secret, key.organization, key.namespace, key.active) == ("alice", "o_1", "team", True)
    assert b"s3cret" not in repr(key).encode()


def test_secret_without_details_is_for_its_own_namespace() -> None:
    key = read_secret(secret("alice", key="s3cret"))
    assert (key.organization, key.namespace, key.active) == ("alice", "release", True)


@pytest.mark.parametrize(
    ("data", "remedy"), [({}, "field 'key'"), ({"key": "x", "organization_id": "no label!"}, "label value")]
)
def test_secret_that_holds_no_key_is_named_with_the_remedy(data: dict[str, str], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        read_secret(secret("alice", **data))


def test_active_secret_wins_over_an_invalid_one_with_the_same_key() -> None:
    ring = KeyRing(lambda namespace: True)
    for name, state in (("new", "active"), ("old", "invalid")):
        key = read_secret(secret(name, key="same", state=state))
        ring.changed(Change(ChangeType.ADDED, "release", name, None, key, 1))
    assert [known.secret for known in ring.known()] == ["new"]


def test_first_by_name_wins_between_active_secrets_with_the_same_key() -> None:
    ring = KeyRing(lambda namespace: True)
    for name in ("b", "a", "c"):
        ring.changed(Change(ChangeType.ADDED, "release", name, None, read_secret(secret(name, key="same")), 1))
    assert [known.secret for known in ring.known()] == ["a"]


def test_record_keeps_what_answers_need_and_nothing_else() -> None:
    record = read_task(
        task(
            "t",
            "2026-01-01T00:00:00Z",
            metadata={"labels": {"skyvern.io/organization": "o_1", "other": "x"}, "annotations": {"note": "x" * 9999}},
            status={
                "phase": "running",
                "podName": "p",
                "podUID": "u",
                "conditions": [
                    {
                        "type": "Succeeded",
                        "status": "Unknown",
                        "reason": "Running",
                        "message": "long",
                        "lastTransitionTime": "2026-01-01T00:00:05.5Z",
                    }
                ],
            },
        )
    )
    assert (record.phase, record.pod_name, record.pod_uid) == (Phase.RUNNING, "p", "u")
    assert record.modified_at == "2026-01-01T00:00:05.5"
    kept = record.object()
    assert set(kept["metadata"]) == {"name", "namespace", "uid", "creationTimestamp", "labels", "annotations"}
    assert kept["metadata"]["labels"] == {"skyvern.io/organization": "o_1"}
    assert len(record.packed) < 400


@pytest.mark.parametrize(("value", "asked"), [(None, False), ("false", False), ("true", True), ("", True)])
def test_cancel_annotation_is_read_as_the_operator_reads_it(value: str | None, asked: bool) -> None:
    annotations = {} if value is None else {"skyvern.io/cancel": value}
    record = read_task(task("t", "2026-01-01T00:00:00Z", metadata={"annotations": annotations}))
    assert record.cancel_requested is asked


def records(*tasks: dict[str, Any]) -> list[TaskRecord]:
    return [read_task(each) for each in tasks]


def test_index_orders_by_creation_then_name() -> None:
    index = TaskIndex()
    made = records(
        task("tsk-2", "2026-01-01T00:00:00Z"),
        task("tsk-3", "2026-01-01T00:00:00Z"),
        task("tsk-1", "2026-01-01T00:00:01Z"),
    )
    for record in made:
        index.changed(Change(ChangeType.ADDED, "a", record.name, None, record, 1))
    assert [record.name for record in index.newest_first("a")] == ["tsk-1", "tsk-3", "tsk-2"]
    changed = read_task(task("tsk-3", "2026-01-01T00:00:00Z", status={"phase": "running"}))
    index.changed(Change(ChangeType.MODIFIED, "a", "tsk-3", made[1], changed, 2))
    index.changed(Change(ChangeType.DELETED, "a", "tsk-1", made[2], None, 3))
    assert [(record.name, record.phase) for record in index.newest_first("a")] == [
        ("tsk-3", Phase.RUNNING),
        ("tsk-2", Phase.CREATED),
    ]
    assert list(index.newest_first("b")) == []
    assert index.count() == 2


def test_page_is_cut_after_filters_and_order() -> None:
    made = records(
        task("c", "2026-01-03T00:00:00Z", status={"phase": "running", "finishedAt": "2026-01-03T00:00:00Z"}),
        task("b", "2026-01-02T00:00:00Z", status={"phase": "queued", "queuedAt": "2026-01-09T00:00:00Z"}),
        task("a", "2026-01-01T00:00:00Z", status={"phase": "running", "startedAt": "2026-01-08T00:00:00.5Z"}),
    )

    def names(**query: Any) -> str:
        return "".join(record.name for record in select(iter(made), ListQuery(**query)))

    assert names() == "cba"
    assert names(order="asc") == "abc"
    assert names(page=2, page_size=2) == "a"
    assert names(page=3, page_size=2) == ""
    assert names(task_status=["running"]) == "ca"
    assert names(task_status=["running", "queued"], page_size=1) == "c"
    assert names(sort="modified_at") == "bac"
    assert names(sort="modified_at", order="asc") == "cab"
    assert names(workflow_run_id="wr_1") == ""
    assert names(application="x") == ""


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", (0, 10, 206)),
        ("bytes=0-", (0, 100, 206)),
        ("bytes=-10", (90, 100, 206)),
        ("bytes=-1000", (0, 100, 206)),
        ("bytes=99-200", (99, 100, 206)),
        ("bytes=100-", (0, 0, 416)),
        ("bytes=-0", (0, 0, 416)),
        ("bytes=9-0", (0, 100, 200)),
        ("bytes=-", (0, 100, 200)),
        ("bytes=0-1,5-6", (0, 100, 200)),
        ("lines=0-1", (0, 100, 200)),
        ("bytes=" + "9" * 5000 + "-", (0, 100, 200)),
    ],
)
def test_range_header_is_read_as_http_says(header: str, expected: tuple[int, int, int]) -> None:
    assert byte_range(header, 100) == expected


def test_empty_file_has_no_range() -> None:
    assert byte_range("bytes=0-", 0) == (0, 0, 416)


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (TooManyRequests(429, "TooManyRequests", "slow", 7.0), 429, "7"),
        (TooManyRequests(429, "TooManyRequests", "slow"), 429, "5"),
        (Unavailable(0, "Unreachable", "no route"), 503, "5"),
        (Unavailable(500, "InternalError", "boom", 3.2), 503, "3"),
        (ClusterError(401, "Unauthorized", "who"), 503, "5"),
        (Forbidden(403, "Forbidden", 'tasks "x" is forbidden: exceeded quota: q'), 429, "5"),
        (Forbidden(403, "Forbidden", "denied by the policy 'no-mondays'"), 403, None),
    ],
)
def test_refusal_of_the_cluster_has_its_answer(error: ClusterError, status: int, retry_after: str | None) -> None:
    answer = from_cluster(error)
    assert (answer.status, answer.headers.get("Retry-After")) == (status, retry_after)


def test_refusal_without_causes_is_of_the_body() -> None:
    answer = from_cluster(Invalid(422, "Invalid", "admission says no"))
    assert isinstance(answer, InvalidRequestError)
    assert answer.details == [{"type": "value_error", "loc": ["body"], "msg": "admission says no", "input": None}]


@pytest.mark.parametrize("value", ["x" * 10_000, {"a": "x" * 10_000}, ["x"] * 10_000])
def test_error_does_not_repeat_a_large_value(value: object) -> None:
    assert len(str(detail("string_type", ["body"], "no", value)["input"])) <= MAX_INPUT_CHARACTERS


def test_unexpected_error_is_told_by_its_class_only() -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError("with a secret in its text")

    app = Starlette(routes=[Route("/x", PathMethods("/x", {"GET": broken}))], exception_handlers=EXCEPTION_HANDLERS)
    answer = TestClient(app, raise_server_exceptions=False).get("/x")
    assert (answer.status_code, answer.json()) == (500, {"error": "Unexpected error: ZeroDivisionError"})


def test_log_line_is_one_line_whatever_a_caller_sends() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "request", None, None)
    record.__dict__["path"] = path = "/api/v1/\n\u2028\x85tasks"
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["path"] == path
