"""A task created over REST: the same pod and verdict, and a webhook that its creator can verify."""

import json
import re
from typing import Any

import pytest

from skyvern_crds.client import JsonObject
from skyvern_crds.rest.webhook import HEADER_SIGNATURE, HEADER_TIMESTAMP, SignatureStyle, sign
from tests.e2e.cluster_fixture import System, outcome
from tests.e2e.manifests import NEVER_DONE, SITE

pytestmark = pytest.mark.node

WEBHOOK_SECONDS = 20.0


async def notified(system: System, name: str) -> JsonObject:
    """The task once its webhook has been delivered or abandoned."""
    await system.ended(name)
    return await system.until(
        name, lambda status: status["webhook"]["state"] != "Pending", "done with its webhook", WEBHOOK_SECONDS
    )


def assert_signed(delivery: dict[str, Any], key: str) -> None:
    timestamp = int(delivery["headers"][HEADER_TIMESTAMP])
    expected = sign(SignatureStyle.V0, key.encode(), timestamp, delivery["body"].encode())
    assert delivery["headers"][HEADER_SIGNATURE] == expected


async def test_task_made_over_rest_completes_with_the_sites_reference(system: System, by_rest: dict[str, str]) -> None:
    name = by_rest["hooked"]
    task = await system.ended(name)
    assert outcome(task) == ("completed", "Completed"), system.story(task)
    answer = (await system.api.get(f"/api/v1/tasks/{name.replace('-', '_')}")).raise_for_status().json()
    application = await system.application_of("Rest Hooked")
    assert re.fullmatch(r"tsk_\d+", answer["task_id"])
    assert (answer["status"], answer["failure_reason"]) == ("completed", None)
    assert answer["extracted_information"]["reference"] == application["reference"]


async def test_steps_come_in_order_with_token_counts(system: System, by_rest: dict[str, str]) -> None:
    await system.ended(by_rest["hooked"])
    address = f"/api/v1/tasks/{by_rest['hooked'].replace('-', '_')}/steps"
    steps = (await system.api.get(address)).raise_for_status().json()
    assert [step["order"] for step in steps] == sorted(step["order"] for step in steps)
    assert len([step for step in steps if step["input_token_count"] and step["output_token_count"]]) >= 3


async def test_webhook_comes_exactly_once_and_is_signed_with_the_api_key(
    system: System, by_rest: dict[str, str], hook: str
) -> None:
    task = await notified(system, by_rest["hooked"])
    deliveries = await system.hooks(f"{hook}-once")
    assert [delivery["answered"] for delivery in deliveries] == [200]
    assert_signed(deliveries[0], system.api_key)
    assert (task["status"]["webhook"]["state"], task["status"]["webhook"]["attempts"]) == ("Delivered", 1)


async def test_webhook_says_what_get_says_without_the_request(
    system: System, by_rest: dict[str, str], hook: str
) -> None:
    await notified(system, by_rest["hooked"])
    body = json.loads((await system.hooks(f"{hook}-once"))[0]["body"])
    answer = (await system.api.get(f"/api/v1/tasks/{body['task_id']}")).raise_for_status().json()
    # Links are signed again each time, and the delivery itself is a modification.
    changing = {"request", "modified_at", "screenshot_url", "action_screenshot_urls"}
    assert {key: value for key, value in body.items() if key not in changing} == {
        key: value for key, value in answer.items() if key not in changing
    }
    assert "request" not in body
    assert body["screenshot_url"].startswith(f"{system.release.public_url}/api/v1/artifacts/{system.namespace}/")


async def test_webhook_that_is_refused_twice_comes_a_third_time(
    system: System, by_rest: dict[str, str], hook: str
) -> None:
    task = await notified(system, by_rest["refused"])
    deliveries = await system.hooks(f"{hook}-refused")
    assert [delivery["answered"] for delivery in deliveries] == [503, 503, 200]
    for delivery in deliveries:
        assert_signed(delivery, system.api_key)
        assert json.loads(delivery["body"])["task_id"] == by_rest["refused"].replace("-", "_")
    webhook = task["status"]["webhook"]
    assert (webhook["state"], webhook["attempts"], webhook["lastStatusCode"]) == ("Delivered", 3, 200)


async def test_canceling_a_running_task_twice_is_refused_the_second_time(system: System) -> None:
    body = {"url": f"{SITE}/gallery", "navigation_goal": "Wait.", "model": {"model_name": NEVER_DONE}}
    task_id = (await system.api.post("/api/v1/tasks", json=body)).raise_for_status().json()["task_id"]
    name = task_id.replace("_", "-")
    await system.at_work(name)
    first = await system.api.post(f"/api/v1/tasks/{task_id}/cancel")
    assert first.status_code == 200, first.text
    second = await system.api.post(f"/api/v1/tasks/{task_id}/cancel")
    assert second.status_code == 400
    detail = f"Invalid task status transition to canceled for {task_id} because task is already canceled"
    assert second.json()["detail"] == detail
    assert outcome(await system.ended(name, 30)) == ("canceled", "Canceled")
    again = await system.api.post(f"/api/v1/tasks/{task_id}/cancel")
    assert (again.status_code, again.json()["detail"]) == (400, detail)


async def test_task_made_with_kubectl_is_read_over_rest_by_its_name(system: System, by_kubectl: dict[str, str]) -> None:
    answer = (await system.api.get(f"/api/v1/tasks/{by_kubectl['whole']}")).raise_for_status().json()
    assert answer["task_id"] == by_kubectl["whole"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [({"x-api-key": ""}, "Invalid credentials"), ({"x-api-key": "not-the-key"}, "Invalid credentials")],
)
async def test_request_without_a_valid_key_is_refused(system: System, headers: dict[str, str], text: str) -> None:
    answer = await system.api.get("/api/v1/tasks", headers=headers)
    assert answer.status_code == 403
    assert text in answer.json()["detail"]
