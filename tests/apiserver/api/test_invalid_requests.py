"""Invalid requests, and the answers that callers of the Tasks API know for them."""

from typing import Any

import httpx2
import pytest

from tests.apiserver.calls import REQUEST, create
from tests.apiserver.cluster import Tenants
from tests.apiserver.conftest import Caller

pytestmark = pytest.mark.contract

TASKS = "/api/v1/tasks"


def errors_of(answer: httpx2.Response) -> list[tuple[str, list[str | int]]]:
    """Types and locations in a 422 answer."""
    assert answer.status_code == 422, answer.text
    assert all({"type", "loc", "msg", "input"} <= set(each) for each in answer.json()["detail"])
    return [(each["type"], each["loc"]) for each in answer.json()["detail"]]


async def test_request_without_a_key_is_refused(caller: Caller) -> None:
    answer = await caller().post(TASKS, json=REQUEST)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Invalid credentials"})


async def test_wrong_key_is_refused(caller: Caller) -> None:
    answer = await caller(**{"x-api-key": "no-such-key"}).get(TASKS)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Invalid credentials"})


async def test_inactive_key_is_reported_as_expired(caller: Caller) -> None:
    answer = await caller("gone").get(TASKS)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Your API key has expired.")


async def test_key_for_a_namespace_that_is_not_served_is_refused(caller: Caller) -> None:
    answer = await caller("elsewhere").get(TASKS)
    assert (answer.status_code, answer.json()) == (403, {"detail": "Invalid credentials"})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {key}"},
        {"authorization": "bearer {key}"},
        {"x-api-key": " {key} "},
        {"x-api-key": '"{key}"'},
        {"x-api-key": "Bearer {key}"},
        {"x-api-key": "", "authorization": "Bearer {key}"},
    ],
    ids=str,
)
async def test_key_is_accepted_as_callers_write_it(caller: Caller, tenants: Tenants, headers: dict[str, str]) -> None:
    given = {name: value.format(key=tenants.key("alice")) for name, value in headers.items()}
    assert (await caller(**given).get(TASKS)).status_code == 200


@pytest.mark.parametrize(
    ("body", "place"), [(b'{"url": ', 8), (b"{'url': 1}", 1), (b'{"url":\n  tru}', 14), (b"[NaN]", 1), (b"\xff", 0)]
)
async def test_broken_json_is_reported_with_its_position(alice: httpx2.AsyncClient, body: bytes, place: int) -> None:
    answer = await alice.post(TASKS, content=body)
    [(kind, location)] = errors_of(answer)
    assert (kind, location[0]) == ("json_invalid", "body")
    assert abs(int(location[1]) - place) <= 1
    assert answer.json()["detail"][0]["msg"] == "JSON decode error"


async def test_empty_body_is_reported_as_missing(alice: httpx2.AsyncClient) -> None:
    assert errors_of(await alice.post(TASKS)) == [("missing", ["body"])]


async def test_missing_url_is_reported(alice: httpx2.AsyncClient) -> None:
    assert errors_of(await alice.post(TASKS, json={})) == [("missing", ["body", "url"])]


@pytest.mark.parametrize(
    ("fields", "kind", "location"),
    [
        ({"url": 5}, "string_type", ["url"]),
        ({"url": "ftp://example.com"}, "value_error", ["url"]),
        ({"url": "javascript:alert(1)"}, "value_error", ["url"]),
        ({"url": "https://example.com/" + "x" * 3000}, "value_error", ["url"]),
        ({"webhook_callback_url": "not a url"}, "value_error", ["webhook_callback_url"]),
        ({"navigation_goal": ["a"]}, "string_type", ["navigation_goal"]),
        ({"max_screenshot_scrolls": True}, "int_type", ["max_screenshot_scrolls"]),
        ({"max_screenshot_scrolls": "3"}, "int_type", ["max_screenshot_scrolls"]),
        ({"proxy_location": "MOON"}, "enum", ["proxy_location"]),
        ({"error_code_mapping": {"a": 1}}, "string_type", ["error_code_mapping", "a"]),
        ({"include_extracted_text": 1}, "bool_type", ["include_extracted_text"]),
    ],
    ids=str,
)
async def test_wrong_types_and_values_are_reported_by_field(
    alice: httpx2.AsyncClient, fields: dict[str, Any], kind: str, location: list[str]
) -> None:
    assert errors_of(await alice.post(TASKS, json=REQUEST | fields)) == [(kind, ["body", *location])]


async def test_body_that_is_not_an_object_is_refused(alice: httpx2.AsyncClient) -> None:
    assert errors_of(await alice.post(TASKS, json=[REQUEST])) == [("model_type", ["body"])]


async def test_unknown_keys_are_ignored(alice: httpx2.AsyncClient) -> None:
    assert (await alice.post(TASKS, json=REQUEST | {"no_such_key": 1})).status_code == 200


async def test_all_errors_are_reported_at_once(alice: httpx2.AsyncClient) -> None:
    answer = await alice.post(TASKS, json={"title": 1}, headers={"x-max-steps-override": "ten"})
    assert [location for _, location in errors_of(answer)] == [
        ["header", "x-max-steps-override"],
        ["body", "url"],
        ["body", "title"],
    ]


@pytest.mark.parametrize("value", ["ten", "1.5", ""])
async def test_invalid_step_limit_is_reported(alice: httpx2.AsyncClient, value: str) -> None:
    answer = await alice.post(TASKS, json=REQUEST, headers={"x-max-steps-override": value})
    assert errors_of(answer) == [("int_parsing", ["header", "x-max-steps-override"])]


async def test_filters_that_exclude_each_other_are_refused(alice: httpx2.AsyncClient) -> None:
    answer = await alice.get(f"{TASKS}?only_standalone_tasks=true&workflow_run_id=wr_1")
    assert answer.status_code == 400
    assert answer.json() == {"detail": "only_standalone_tasks and workflow_run_id cannot be used together"}
    assert (await alice.get(f"{TASKS}?workflow_run_id=wr_1")).json() == []


async def test_body_of_two_mebibytes_is_too_large(alice: httpx2.AsyncClient) -> None:
    answer = await alice.post(TASKS, json=REQUEST | {"navigation_payload": "x" * (2 * 1024 * 1024)})
    assert answer.status_code == 413
    assert "1048576 bytes" in answer.json()["detail"]


async def test_body_of_unknown_length_is_cut_off(alice: httpx2.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(3):
            yield b" " * (512 * 1024)

    assert (await alice.post(TASKS, content=endless())).status_code == 413


async def test_task_too_large_for_an_object_is_refused_with_the_remedy(alice: httpx2.AsyncClient) -> None:
    answer = await alice.post(TASKS, json=REQUEST | {"navigation_payload": "x" * 200_000})
    assert errors_of(answer) == [("value_error", ["body"])]
    assert "shorten navigation_payload" in answer.json()["detail"][0]["msg"]
    assert "navigationPayload" not in answer.json()["detail"][0]["msg"]
    assert answer.json()["detail"][0]["input"].startswith('{"url":')
    assert len(answer.content) < 2000


async def test_deep_json_is_refused(alice: httpx2.AsyncClient) -> None:
    for depth in (70, 10_000):
        answer = await alice.post(TASKS, content=b'{"url": ' + b"[" * depth + b"]" * depth + b"}")
        assert errors_of(answer) == [("json_depth", ["body"])]


async def test_numbers_beyond_a_double_are_refused(alice: httpx2.AsyncClient) -> None:
    answer = await alice.post(TASKS, content=b'{"url": "x.com", "navigation_payload": {"n": 1e999}}')
    assert errors_of(answer) == [("finite_number", ["body"])]


@pytest.mark.parametrize(
    ("query", "kind", "name"),
    [
        ("page=0", "greater_than_equal", "page"),
        ("page=x", "int_parsing", "page"),
        ("page_size=0", "greater_than_equal", "page_size"),
        ("task_status=SUCCESS", "enum", "task_status"),
        ("task_status=running&task_status=nope", "enum", "task_status"),
        ("sort=name", "literal_error", "sort"),
        ("order=up", "literal_error", "order"),
    ],
)
async def test_invalid_query_is_reported(alice: httpx2.AsyncClient, query: str, kind: str, name: str) -> None:
    [(found, location)] = errors_of(await alice.get(f"{TASKS}?{query}"))
    assert (found, location[:2]) == (kind, ["query", name])


@pytest.mark.parametrize("task_id", ["tsk_1", "tsk_x", "unknown", "UPPER", "a%2Fb", "..", "ü", "x" * 300])
async def test_unknown_task_is_not_found(alice: httpx2.AsyncClient, task_id: str) -> None:
    answer = await alice.get(f"{TASKS}/{task_id}")
    assert answer.status_code == 404
    if task_id.startswith("tsk_"):
        assert answer.json() == {"detail": f"Task not found {task_id}"}
        assert (await alice.post(f"{TASKS}/{task_id}/cancel")).json() == {"detail": f"Task not found {task_id}"}
        assert (await alice.post(f"{TASKS}/{task_id}/retry_webhook")).status_code == 404
        assert (await alice.get(f"{TASKS}/{task_id}/steps")).json() == []


async def test_object_name_is_not_a_second_id(alice: httpx2.AsyncClient) -> None:
    task_id = await create(alice)
    assert (await alice.get(f"{TASKS}/{task_id.replace('_', '-')}")).status_code == 404


async def test_cancel_twice_is_refused(alice: httpx2.AsyncClient) -> None:
    task_id = await create(alice)
    first = await alice.post(f"{TASKS}/{task_id}/cancel")
    assert (first.status_code, first.content) == (200, b"null")
    second = await alice.post(f"{TASKS}/{task_id}/cancel")
    text = f"Invalid task status transition to canceled for {task_id} because task is already canceled"
    assert (second.status_code, second.json()) == (400, {"detail": text})


async def test_cancel_of_an_ended_task_is_refused(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    task_id = await create(alice)
    tenants.status(tenants.a, task_id.replace("_", "-"), {"phase": "completed"})
    answer = await alice.post(f"{TASKS}/{task_id}/cancel")
    text = f"Invalid task status transition from completed to canceled for {task_id}"
    assert (answer.status_code, answer.json()) == (400, {"detail": text})


async def test_unknown_path_is_404_and_wrong_method_is_405(alice: httpx2.AsyncClient) -> None:
    unknown = await alice.get("/api/v1/nothing")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    wrong = await alice.delete(TASKS)
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_task_for_a_full_namespace_is_answered_with_retry_after(caller: Caller) -> None:
    answer = await caller("full").post(TASKS, json=REQUEST)
    assert answer.status_code == 429, answer.text
    assert "quota" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
