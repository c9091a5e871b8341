"""Tasks over REST, from the caller to the object in the cluster and back."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import datetime

import httpx2
import pytest

from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks.retry_webhook import retry_webhook
from skyvern_apiserver.wire.cluster_errors import from_cluster
from skyvern_crds.client import SKYVERNTASKS, Invalid
from skyvern_crds.rest.response import StepResponse, TaskResponse
from tests.apiserver.calls import REQUEST, STEPS, create, phase_of
from tests.apiserver.cluster import Tenants, api_key
from tests.apiserver.conftest import Caller
from tests.waiting import eventually, until

pytestmark = pytest.mark.contract


async def test_create_answers_exactly_the_id(alice: httpx2.AsyncClient) -> None:
    answer = await alice.post("/api/v1/tasks", json=REQUEST)
    assert answer.status_code == 200
    assert list(answer.json()) == ["task_id"]
    assert re.fullmatch(r"tsk_\d{10,20}", answer.json()["task_id"])


async def test_created_task_is_an_object_in_the_keys_namespace(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    task_id = await create(alice, webhook_callback_url="https://example.com/hook", application="careers")
    task = tenants.task(tenants.a, task_id.replace("_", "-"))
    assert task["metadata"]["labels"] == {
        "skyvern.io/api-key-secret": "alice",
        "skyvern.io/organization": "o_alice",
    }
    assert task["spec"]["url"] == REQUEST["url"]
    assert task["spec"]["navigationGoal"] == REQUEST["navigation_goal"]
    assert task["spec"]["navigationPayload"] == REQUEST["navigation_payload"]
    assert task["spec"]["webhookCallbackUrl"] == "https://example.com/hook"


async def test_created_task_is_read_back_at_once(alice: httpx2.AsyncClient) -> None:
    task_id = await create(alice)
    answer = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert answer["task_id"] == task_id
    assert answer["status"] == "created"
    assert {key: answer["request"][key] for key in REQUEST} == REQUEST
    assert answer["extracted_information"] is None


async def test_response_has_exactly_the_keys_of_its_model(alice: httpx2.AsyncClient) -> None:
    answer = (await alice.get(f"/api/v1/tasks/{await create(alice)}")).json()
    TaskResponse.model_validate_json(json.dumps(answer))
    assert list(answer) == list(TaskResponse.model_fields)


async def test_step_limit_in_the_header_is_stored_and_answered(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    for given, expected in (("7", 7), ("0", 25), ("-1", 1), ("9999999999", 1000)):
        answer = await alice.post("/api/v1/tasks", json=REQUEST, headers={"x-max-steps-override": given})
        task_id = answer.json()["task_id"]
        assert tenants.task(tenants.a, task_id.replace("_", "-"))["spec"].get("maxSteps", 25) == expected
        assert (await alice.get(f"/api/v1/tasks/{task_id}")).json()["max_steps_per_run"] == expected


async def test_url_without_scheme_is_https(alice: httpx2.AsyncClient) -> None:
    task_id = await create(alice, url="jobs.example.com/apply")
    answer = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert answer["request"]["url"] == "https://jobs.example.com/apply"


@pytest.mark.parametrize("form", ["/api/v1/tasks", "/api/v1/tasks/"])
async def test_paths_work_with_and_without_a_slash(alice: httpx2.AsyncClient, form: str) -> None:
    answer = await alice.post(form, json=REQUEST)
    assert answer.status_code == 200
    task = f"/api/v1/tasks/{answer.json()['task_id']}"
    end = "/" if form.endswith("/") else ""
    assert (await alice.get(form)).status_code == 200
    assert (await alice.get(f"{task}{end}")).status_code == 200
    assert (await alice.get(f"{task}/steps{end}")).status_code == 200
    assert (await alice.post(f"{task}/cancel{end}")).status_code == 200


async def test_status_of_the_object_shows_in_the_answer(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task_id = await create(alice)
    name = task_id.replace("_", "-")
    tenants.status(
        tenants.a,
        name,
        {
            "phase": "failed",
            "startedAt": "2026-08-29T15:38:18.123456Z",
            "finishedAt": "2026-08-29T15:39:00Z",
            "failureReason": "Max steps per task (7) exceeded",
            "stepCount": 2,
            "steps": STEPS,
            "extractedInformation": {"successful": True},
            "errors": [{"errorCode": "no_form", "reasoning": "There is no form", "confidenceFloat": 0.5}],
        },
    )
    await until(lambda: phase_of(services, tenants.a, name) == "failed")
    answer = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert answer["status"] == "failed"
    assert answer["failure_reason"] == "Max steps per task (7) exceeded"
    assert answer["started_at"] == "2026-08-29T15:38:18.123456"
    assert answer["finished_at"] == "2026-08-29T15:39:00.000000"
    assert answer["extracted_information"] == {"successful": True}
    assert answer["errors"] == [{"error_code": "no_form", "reasoning": "There is no form", "confidence_float": 0.5}]
    TaskResponse.model_validate_json(json.dumps(answer))


async def test_steps_ascend_and_have_no_nulls(alice: httpx2.AsyncClient, tenants: Tenants, services: Services) -> None:
    task_id = await create(alice)
    name = task_id.replace("_", "-")
    tenants.status(tenants.a, name, {"phase": "running", "steps": STEPS})
    await until(lambda: phase_of(services, tenants.a, name) == "running")
    steps = (await alice.get(f"/api/v1/tasks/{task_id}/steps")).json()
    assert [(step["order"], step["retry_index"]) for step in steps] == [(0, 0), (1, 0), (1, 1)]
    assert all(value is not None for step in steps for value in step.values())
    assert steps[0]["organization_id"] == "o_alice"
    assert steps[0]["task_id"] == task_id
    assert steps[0]["input_token_count"] == 900
    for step in steps:
        StepResponse.model_validate_json(json.dumps(step))


async def test_task_made_with_kubectl_is_read_by_its_name(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    name = f"by-hand-{tenants.release}"
    task = {
        "apiVersion": "skyvern.io/v1",
        "kind": "SkyvernTask",
        "metadata": {"name": name, "namespace": tenants.a},
        "spec": {"url": "https://example.com"},
    }
    tenants.plane.run_kubectl("create", "--filename=-", input=json.dumps(task))
    answer = await alice.get(f"/api/v1/tasks/{name}")
    assert answer.status_code == 200
    assert answer.json()["task_id"] == name


async def test_cancel_sets_the_annotation(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    task_id = await create(alice)
    assert (await alice.post(f"/api/v1/tasks/{task_id}/cancel")).content == b"null"
    task = tenants.task(tenants.a, task_id.replace("_", "-"))
    assert task["metadata"]["annotations"]["skyvern.io/cancel"] == "true"


async def test_cancel_and_retry_show_as_changes(alice: httpx2.AsyncClient) -> None:
    task_id = await create(alice, webhook_callback_url="https://example.com/hook")
    created = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert datetime.strptime(created["created_at"], "%Y-%m-%dT%H:%M:%S.%f").microsecond > 0

    async def ask_again() -> str:
        assert (await alice.post(f"/api/v1/tasks/{task_id}/retry_webhook")).status_code == 200
        return str((await alice.get(f"/api/v1/tasks/{task_id}")).json()["modified_at"])

    # The API server keeps the times of changes in whole seconds, so the change of the next second is the first to show.
    await eventually(ask_again, lambda modified: modified > created["modified_at"], what="a later modified_at")


async def test_one_of_many_concurrent_cancels_is_accepted(alice: httpx2.AsyncClient) -> None:
    task_id = await create(alice)
    answers = await asyncio.gather(*(alice.post(f"/api/v1/tasks/{task_id}/cancel") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


async def test_retry_webhook_sets_a_new_value_each_time(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    task_id = await create(alice, webhook_callback_url="https://example.com/hook")
    values = []
    for _ in range(2):
        answer = await alice.post(f"/api/v1/tasks/{task_id}/retry_webhook")
        assert answer.json()["task_id"] == task_id
        task = tenants.task(tenants.a, task_id.replace("_", "-"))
        values.append(task["metadata"]["annotations"]["skyvern.io/retry-webhook"])
    assert values[0] < values[1]


async def test_retry_of_a_task_whose_name_another_has_taken_is_unknown(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task_id = await create(alice, webhook_callback_url="https://example.com/hook")
    record = services.tasks.get(tenants.a, task_id.replace("_", "-"))
    assert record is not None
    with pytest.raises(TaskNotFoundError):
        await retry_webhook(services, replace(record, uid="00000000-0000-0000-0000-000000000000"))


async def test_retry_webhook_without_a_callback_changes_nothing(alice: httpx2.AsyncClient, tenants: Tenants) -> None:
    task_id = await create(alice)
    assert (await alice.post(f"/api/v1/tasks/{task_id}/retry_webhook")).status_code == 200
    annotations = tenants.task(tenants.a, task_id.replace("_", "-"))["metadata"].get("annotations", {})
    assert "skyvern.io/retry-webhook" not in annotations


@pytest.mark.parametrize(
    ("spec", "places"),
    [
        (
            {"url": "https://example.com", "maxSteps": 5000, "errorCodeMapping": {"a": "x" * 2000}},
            [["body", "error_code_mapping", "a"], ["header", "x-max-steps-override"]],
        ),
        ({"url": "ftp://example.com"}, [["body", "url"]]),
        ({}, [["body", "url"]]),
    ],
    ids=["schema", "rule", "required"],
)
async def test_refusals_by_the_api_server_name_the_requests_fields(
    services: Services, tenants: Tenants, spec: dict[str, object], places: list[list[str]]
) -> None:
    metadata = {"name": "wrong", "namespace": tenants.a}
    body = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "metadata": metadata, "spec": spec}
    with pytest.raises(Invalid) as refusal:
        await services.client.create(SKYVERNTASKS, tenants.a, body)
    error = from_cluster(refusal.value)
    assert error.status == 422
    assert isinstance(error.detail, list)
    assert sorted(each["loc"] for each in error.detail) == places
    assert all(each["msg"] for each in error.detail)


async def test_heartbeat_needs_no_key(caller: Caller) -> None:
    for path in ("/api/v1/heartbeat", "/api/v1/heartbeat/"):
        answer = await caller().get(path)
        assert (answer.status_code, answer.text) == (200, "Server is running.")


async def test_browsers_may_call_from_anywhere(caller: Caller) -> None:
    headers = {
        "origin": "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key,content-type",
    }
    answer = await caller().request("OPTIONS", "/api/v1/tasks", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-api-key" in answer.headers["access-control-allow-headers"]


async def test_allowed_origins_can_be_restricted(services: Services) -> None:
    settings = replace(services.settings, allowed_origins=("https://app.example.com",))
    transport = httpx2.ASGITransport(app=public_app(replace(services, settings=settings)))
    async with httpx2.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        for origin, allowed in (("https://app.example.com", True), ("https://evil.example.com", False)):
            answer = await client.get("/api/v1/heartbeat", headers={"origin": origin})
            assert ("access-control-allow-origin" in answer.headers) is allowed


async def test_largest_task_is_accepted_and_read_back(alice: httpx2.AsyncClient) -> None:
    payload = {f"field-{number:05}": number for number in range(9000)}
    task_id = await create(alice, navigation_payload=payload)
    answer = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert answer["request"]["navigation_payload"] == payload


async def test_new_key_works_and_a_deleted_one_does_not(caller: Caller, tenants: Tenants, services: Services) -> None:
    secret = api_key(tenants, "carol", tenants.a)
    tenants.plane.run_kubectl("create", "--filename=-", input=json.dumps(secret))
    await until(lambda: services.secrets.get(tenants.release, "carol") is not None)
    assert (await caller("carol").get("/api/v1/tasks")).status_code == 200
    tenants.plane.run_kubectl("delete", "secret", "carol", "--namespace", tenants.release)
    await until(lambda: services.secrets.get(tenants.release, "carol") is None)
    assert (await caller("carol").get("/api/v1/tasks")).status_code == 403
