"""The mapping between the Tasks API and objects: callers' expectations, one table a topic."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from skyvern_crds.ids import TASK_PREFIX, name_of, new_id, task_id_of
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.request import ADDITIONS, TaskRequest
from skyvern_crds.rest.response import encode_steps, step_responses, task_response
from skyvern_crds.rest.webhook import webhook_body
from skyvern_crds.spec import MAX_SPEC_BYTES
from skyvern_crds.stored import read_task
from skyvern_crds.urls import normalize_url
from skyvern_crds.vocabulary import ANNOTATION_REQUEST, LABEL_ORGANIZATION

LINKS = ArtifactLinks("https://tasks.example.com/", b"key", now=1_000_000)
MINIMAL = {"url": "https://jobs.example.com/apply"}
SECRET = {"name": "password", "secret_key_ref": {"name": "login", "key": "password"}, "hosts": ["e.com"]}


def answer(obj: dict[str, Any], links: ArtifactLinks | None) -> dict[str, Any]:
    """The answer for an object as a caller reads it."""
    value: dict[str, Any] = json.loads(task_response(read_task(obj), links).encode())
    return value


def steps_of(obj: dict[str, Any]) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = json.loads(encode_steps(step_responses(read_task(obj))))
    return value


def an_object(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "tsk-296295711174591590",
            "namespace": "team-a",
            "uid": "0b1c",
            "creationTimestamp": "2026-11-01T10:00:00Z",
            **meta,
        },
        "spec": {"url": "https://jobs.example.com/apply", **(spec or {})},
        **({"status": status} if status else {}),
    }


@pytest.mark.parametrize(
    ("name", "task_id"), [("tsk-123", "tsk_123"), ("apply-for-job", "apply-for-job"), ("tsk-abc", "tsk-abc")]
)
def test_ids_and_names_map_both_ways(name: str, task_id: str) -> None:
    assert task_id_of(name) == task_id
    assert name_of(task_id) == name


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        (" jobs.example.com ", "https://jobs.example.com/"),
        ("HTTP://a.example", "http://a.example/"),
        ("a.example:8080?q=1", "https://a.example:8080?q=1"),
        ("www.www.a.example/x", "https://www.a.example/x"),
        ("www.example", "https://www.example/"),
    ],
)
def test_url_without_scheme_is_https(given: str, stored: str) -> None:
    assert normalize_url(given) == stored


@pytest.mark.parametrize("url", ["ftp://a.example", "javascript://x", "https://", "https://a b", "a" * 2080])
def test_url_that_cannot_be_opened_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(ValueError, match="Invalid URL"):
        normalize_url(url)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({**MINIMAL, "navigation_goal": 5}, "navigation_goal"),
        ({**MINIMAL, "navigation_payload": True}, "navigation_payload"),
        ({**MINIMAL, "proxy_location": "MOON"}, "proxy_location"),
        ({**MINIMAL, "max_screenshot_scrolls": True}, "max_screenshot_scrolls"),
        ({**MINIMAL, "error_code_mapping": {"a": 1}}, "error_code_mapping"),
        ({**MINIMAL, "browser_session_id": "pbs_1"}, "browser_session_id"),
        ({**MINIMAL, "webhook_callback_url": "file:///etc/passwd"}, "webhook_callback_url"),
        ({**MINIMAL, "priority": 1001}, "priority"),
        ({**MINIMAL, "suspend": "yes"}, "suspend"),
        ({**MINIMAL, "start_deadline_seconds": 9}, "start_deadline_seconds"),
        ({**MINIMAL, "active_deadline_seconds": 86401}, "active_deadline_seconds"),
        ({**MINIMAL, "ttl_seconds_after_finished": -1}, "ttl_seconds_after_finished"),
        ({**MINIMAL, "profile": "Large"}, "profile"),
        ({**MINIMAL, "navigation_payload_from": "login"}, "navigation_payload_from"),
        ({**MINIMAL, "secrets": [SECRET | {"hosts": []}]}, "secrets"),
        ({**MINIMAL, "secrets": [SECRET | {"value": "1"}]}, "secrets"),
    ],
)
def test_wrong_bodies_are_refused_by_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        TaskRequest.model_validate_json(json.dumps(body))
    assert refusal.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize(
    "field",
    [
        "webhook_callback_url",
        "totp_verification_url",
        "totp_identifier",
        "proxy_location",
        "browser_session_id",
        "browser_address",
    ],
)
def test_empty_text_of_a_form_is_an_absent_value(field: str) -> None:
    request = TaskRequest.model_validate_json(json.dumps({**MINIMAL, field: ""}))
    assert getattr(request, field) is None


@pytest.mark.parametrize("country", ["AU", "BR", "CA", "IT", "KR", "MX", "NL", "PH", "SA", "TR"])
def test_later_proxy_locations_are_accepted(country: str) -> None:
    request = TaskRequest.model_validate_json(json.dumps({**MINIMAL, "proxy_location": f"RESIDENTIAL_{country}"}))
    assert request.to_spec().wire()["proxyLocation"] == f"RESIDENTIAL_{country}"


def test_creation_has_the_microseconds_that_the_id_holds() -> None:
    made = datetime(2026, 11, 1, 9, 59, 59, 123456, UTC)
    nanoseconds = int(made.timestamp()) * 10**9 + 123_456_789
    name = name_of(new_id(TASK_PREFIX, now_ns=nanoseconds))
    assert answer(an_object(name=name), None)["created_at"] == "2026-11-01T09:59:59.123456"
    for other in ("tsk-7", "by-hand", f"tsk-{'9' * 30}", "tsk-" + str(2**63 - 1)):
        assert answer(an_object(name=other), None)["created_at"] == "2026-11-01T10:00:00.000000"


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        ([{"time": "2026-11-01T10:00:07Z"}, {"time": "2026-11-01T10:00:05Z"}], "2026-11-01T10:00:07.000000"),
        ([{"time": "soon"}, 7, {}], "2026-11-01T10:00:00.000000"),
        ({"time": "2026-11-01T10:00:07Z"}, "2026-11-01T10:00:00.000000"),
    ],
)
def test_every_write_to_the_object_counts_as_a_change(managed: object, expected: str) -> None:
    assert answer(an_object(managedFields=managed), None)["modified_at"] == expected


def test_item_of_a_list_has_what_clients_with_a_flat_model_require() -> None:
    obj = an_object(labels={LABEL_ORGANIZATION: "o_1"})
    item = json.loads(task_response(read_task(obj), LINKS, in_list=True).encode())
    assert (item["url"], item["organization_id"]) == (MINIMAL["url"], "o_1")
    assert set(item) == {*answer(obj, LINKS), "url", "organization_id"}
    assert json.loads(task_response(read_task(an_object()), LINKS, in_list=True).encode())["organization_id"] == ""


@pytest.mark.parametrize(("state", "failure"), [("Delivered", ""), ("Failed", "500"), ("Pending", "500")])
def test_delivered_webhook_has_an_empty_failure(state: str, failure: str) -> None:
    webhook = {"state": state, "attempts": 1, "lastError": "500"}
    assert (
        answer(an_object(status={"phase": "completed", "webhook": webhook}), None)["webhook_failure_reason"] == failure
    )


def test_unknown_keys_are_ignored() -> None:
    assert TaskRequest.model_validate({**MINIMAL, "not_a_field": 1}).url == MINIMAL["url"]


BEYOND: dict[str, Any] = {
    "priority": -5,
    "suspend": True,
    "start_deadline_seconds": 60,
    "active_deadline_seconds": 3600,
    "ttl_seconds_after_finished": 0,
    "profile": "large",
    "navigation_payload_from": {"secret_key_ref": {"name": "facts", "key": "json"}},
    "secrets": [SECRET],
}


def test_fields_beyond_the_tasks_api_become_those_of_the_spec_and_are_echoed_where_given() -> None:
    request = TaskRequest.model_validate_json(json.dumps(MINIMAL | BEYOND))
    spec = request.to_spec().wire()
    assert set(BEYOND) == set(ADDITIONS)
    assert {name: spec[to_camel(name)] for name in ADDITIONS[:6]} == {name: BEYOND[name] for name in ADDITIONS[:6]}
    assert spec["navigationPayloadFrom"] == {"secretKeyRef": {"name": "facts", "key": "json"}}
    reference = {"secretKeyRef": SECRET["secret_key_ref"]}
    assert spec["secrets"] == [{"name": "password", "hosts": ["e.com"]} | reference]
    obj = an_object()
    obj["spec"] = spec
    echo = answer(obj, None)["request"]
    assert {name: echo[name] for name in ADDITIONS} == BEYOND
    assert list(request.secret_references()) == [
        (["navigation_payload_from", "secret_key_ref", "name"], "facts"),
        (["secrets", 0, "secret_key_ref", "name"], "login"),
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"secrets": [SECRET, SECRET]}, "secrets must have distinct names: rename one"),
        ({"navigation_payload": "x", "navigation_payload_from": BEYOND["navigation_payload_from"]}, "not both"),
    ],
)
def test_fields_that_exclude_each_other_are_refused_with_the_remedy(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TaskRequest.model_validate_json(json.dumps(MINIMAL | fields))


def test_request_becomes_a_spec_field_by_field() -> None:
    request = TaskRequest.model_validate_json(
        json.dumps(
            {
                **MINIMAL,
                "navigation_payload": {"name": "Chris", "middle": None},
                "model": {"model_name": "m"},
                "proxy_location": "RESIDENTIAL",
            }
        )
    )
    wire = request.to_spec(max_steps=7).wire()
    assert wire["navigationPayload"] == {"name": "Chris", "middle": None}
    assert wire["model"] == {"modelName": "m"}
    assert wire["maxSteps"] == 7
    assert wire["proxyLocation"] == "RESIDENTIAL"


def test_payload_too_large_for_the_pod_is_refused_with_the_remedy() -> None:
    request = TaskRequest.model_validate({**MINIMAL, "navigation_payload": "x" * MAX_SPEC_BYTES})
    with pytest.raises(ValidationError, match="navigationPayloadFrom"):
        request.to_spec()


def test_new_task_answers_with_every_key() -> None:
    response = answer(an_object(), LINKS)
    assert list(response)[:12] == [
        "request",
        "task_id",
        "status",
        "created_at",
        "modified_at",
        "extracted_information",
        "action_screenshot_urls",
        "screenshot_url",
        "recording_url",
        "failure_reason",
        "errors",
        "max_steps_per_run",
    ]
    assert response["task_id"] == "tsk_296295711174591590"
    assert response["status"] == "created"
    assert response["created_at"] == "2026-11-01T10:00:00.000000"
    assert response["errors"] == []
    assert response["screenshot_url"] is None
    assert set(response["request"]) == set(TaskRequest.model_fields) - set(ADDITIONS)


def test_request_fields_without_a_place_in_the_spec_are_echoed() -> None:
    request = TaskRequest.model_validate({**MINIMAL, "application": "hr", "include_extracted_text": False})
    obj = an_object(annotations={ANNOTATION_REQUEST: json.dumps(request.extras())})
    echo = answer(obj, None)["request"]
    assert echo["application"] == "hr"
    assert echo["include_extracted_text"] is False


def test_screenshots_are_linked_newest_first_and_the_final_one_stands_out() -> None:
    shots = [f"steps/0{n}-0/screenshot-1.jpg" for n in range(5)]
    artifacts = [{"name": n, "contentType": "image/jpeg", "size": 1, "sha256": "0"} for n in shots]
    artifacts.append({"name": "final.png", "contentType": "image/png", "size": 1, "sha256": "0"})
    response = answer(an_object(status={"artifacts": artifacts}), LINKS)
    prefix = "https://tasks.example.com/api/v1/artifacts/team-a/tsk-296295711174591590/0b1c/"
    assert response["screenshot_url"].startswith(f"{prefix}final.png?expires=")
    assert [url.split("?")[0] for url in response["action_screenshot_urls"]] == [
        prefix + name for name in reversed(shots[2:])
    ]


def test_times_are_naive_utc_with_microseconds() -> None:
    response = answer(an_object(status={"finishedAt": "2026-11-01T12:00:00.250000+01:00"}), None)
    assert response["finished_at"] == "2026-11-01T11:00:00.250000"
    assert response["modified_at"] == response["finished_at"]


def test_steps_are_sorted_and_drop_nulls() -> None:
    times = {"createdAt": "2026-11-01T10:00:01Z", "modifiedAt": "2026-11-01T10:00:02Z", "status": "completed"}
    steps = [
        {"stepId": "stp_2", "order": 1, **times},
        {"stepId": "stp_1", "order": 0, "retryIndex": 1, **times},
        {"stepId": "stp_0", "order": 0, "inputTokenCount": 12, **times},
    ]
    records = steps_of(an_object(status={"steps": steps}))
    assert [record["step_id"] for record in records] == ["stp_0", "stp_1", "stp_2"]
    assert records[0]["input_token_count"] == 12
    assert "organization_id" not in records[0]
    labeled = steps_of(an_object(status={"steps": steps}, labels={LABEL_ORGANIZATION: "o_1"}))
    assert labeled[0]["organization_id"] == "o_1"


def test_webhook_carries_the_answer_without_the_request() -> None:
    obj = an_object(status={"phase": "completed", "extractedInformation": {"name": "Zoë", "none": None}})
    body = webhook_body(read_task(obj), LINKS)
    expected = answer(obj, LINKS)
    del expected["request"]
    assert json.loads(body) == expected | {"action_screenshot_urls": [], "webhook_failure_reason": ""}
    assert "Zoë".encode() in body
