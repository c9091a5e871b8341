"""The chat completions protocol, its errors, and faults on demand."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from starlette.testclient import TestClient

from tests.model.app import API_KEY, create_app
from tests.model.conftest import ABOUT_PAGE, DONE_PAGE, body
from tests.site.serving import serve

PATH = "/v1/chat/completions"


@pytest.fixture
def url() -> Iterator[str]:
    with serve(create_app()) as address:
        yield address


def with_fault(client: TestClient, fault: str, page: str = ABOUT_PAGE) -> dict[str, Any]:
    answer = client.post(PATH, json=body(page, model=f"scripted-1:fault={fault}"))
    assert answer.status_code == 200, answer.text
    choice: dict[str, Any] = answer.json()["choices"][0]
    return choice


def test_answer_has_the_whole_envelope_and_counts_tokens(client: TestClient) -> None:
    request = body(ABOUT_PAGE)
    answer = client.post(PATH, json=request).json()
    characters = sum(len(message["content"]) for message in request["messages"])
    content = answer["choices"][0]["message"]["content"]
    assert answer["object"] == "chat.completion"
    assert answer["id"] == "chatcmpl-scripted-1"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] == -(-characters // 4)
    assert answer["usage"]["completion_tokens"] == -(-len(content) // 4)


def test_models_health_and_banner_say_that_it_is_scripted(client: TestClient) -> None:
    assert client.get("/v1/models").json()["data"][0]["id"] == "scripted-1"
    assert client.get("/healthz").text == "ok"
    assert client.get("/").text.startswith("Scripted ")


@pytest.mark.parametrize("key", ["Bearer wrong-key", ""])
def test_wrong_key_is_refused(client: TestClient, key: str) -> None:
    answer = client.post(PATH, json=body(ABOUT_PAGE), headers={"authorization": key})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"model": "gpt-x"}, 404, "does not exist"),
        ({"model": "scripted-1:script=none"}, 404, "There is no script"),
        ({"model": "scripted-1:fault=flood"}, 400, "unknown fault 'flood'"),
        ({"messages": []}, 400, "at least one message"),
        ({"messages": [{"role": "user", "content": "hello"}]}, 400, "no message of the user holds a page"),
        ({"stream": True}, 400, "'stream' and 'n' are not supported"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "poem"}}}, 400, "'poem'"),
    ],
)
def test_wrong_request_is_refused_with_the_reason(
    client: TestClient, change: dict[str, Any], status: int, message: str
) -> None:
    answer = client.post(PATH, json=body(ABOUT_PAGE) | change)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]


def test_body_that_is_not_json_is_refused(client: TestClient) -> None:
    assert client.post(PATH, content=b"{").status_code == 400
    assert client.post(PATH, content=b"[]").status_code == 400


def test_rate_limit_passes_after_one_answer(client: TestClient) -> None:
    request = body(ABOUT_PAGE, model="scripted-1:fault=429/0.5")
    first = client.post(PATH, json=request)
    assert first.status_code == 429
    assert first.headers["retry-after"] == "0.5"
    assert client.post(PATH, json=request).status_code == 200


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_http_fault_of_the_model_name_lasts(client: TestClient, status: int) -> None:
    request = body(ABOUT_PAGE, model=f"scripted-1:fault={status}")
    assert [client.post(PATH, json=request).status_code for _ in range(3)] == [status] * 3


def test_fault_can_be_limited_to_some_answers(client: TestClient) -> None:
    request = body(ABOUT_PAGE, model="scripted-1:fault=500*2")
    assert [client.post(PATH, json=request).status_code for _ in range(3)] == [500, 500, 200]


@pytest.mark.parametrize("fault", ["malformed", "truncated", "fenced", "prose"])
def test_spoiled_content_is_not_json(client: TestClient, fault: str) -> None:
    choice = with_fault(client, fault)
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice["message"]["content"])
    assert choice["finish_reason"] == ("length" if fault == "truncated" else "stop")


def test_fenced_answer_contains_the_right_one(client: TestClient) -> None:
    content = with_fault(client, "fenced")["message"]["content"]
    assert json.loads(content.split("```json")[1].split("```")[0])["actions"]


def test_well_formed_answers_can_be_made_wrong(client: TestClient) -> None:
    assert json.loads(with_fault(client, "empty-actions")["message"]["content"])["actions"] == []
    actions = json.loads(with_fault(client, "unknown-ids")["message"]["content"])["actions"]
    assert {action["id"] for action in actions} == {"zz9"}
    assert "actions" not in json.loads(with_fault(client, "wrong-shape")["message"]["content"])


def test_refusal_has_no_content(client: TestClient) -> None:
    message = with_fault(client, "refusal")["message"]
    assert message["content"] is None
    assert message["refusal"]


def test_without_json_schema_only_json_mode_is_answered(client: TestClient) -> None:
    request = body(ABOUT_PAGE, model="scripted-1:fault=no-json-schema")
    refused = client.post(PATH, json=request)
    assert refused.status_code == 400
    assert "'json_schema' is not supported" in refused.json()["error"]["message"]
    assert client.post(PATH, json=request | {"response_format": {"type": "json_object"}}).status_code == 200


def test_sequence_of_faults_is_used_up_in_order(client: TestClient) -> None:
    assert client.post("/scripted/faults", json={"faults": ["500", None, "429"]}).json() == {"waiting": 3}
    assert [client.post(PATH, json=body(ABOUT_PAGE)).status_code for _ in range(4)] == [500, 200, 429, 200]
    assert client.get("/scripted/faults").json() == {"waiting": 0}
    assert client.post("/scripted/faults", json={"faults": ["flood"]}).status_code == 400


def test_requests_are_listed_with_their_fault_until_reset(client: TestClient) -> None:
    client.post(PATH, json=body(ABOUT_PAGE, model="scripted-1:fault=500"))
    client.post(PATH, json=body(DONE_PAGE))
    first, second = client.get("/scripted/requests").json()
    assert (first["fault"], first["reply"]) == ("500", None)
    assert second["body"]["messages"] == body(DONE_PAGE)["messages"]
    assert second["reply"]["actions"][0]["type"] == "complete"
    client.post("/scripted/reset")
    assert client.get("/scripted/requests").json() == []


def test_openai_client_reads_answers_and_errors(url: str) -> None:
    with OpenAI(api_key=API_KEY, base_url=f"{url}/v1", max_retries=1, timeout=10) as client:
        answer = client.chat.completions.create(**body(DONE_PAGE))
        assert json.loads(answer.choices[0].message.content or "")["actions"][0]["type"] == "complete"
        assert answer.usage is not None
        assert answer.usage.total_tokens > 0
        # The client's own retry obeys Retry-After and gets the answer that follows.
        retried = client.chat.completions.create(**body(DONE_PAGE, model="scripted-1:fault=429/0.01"))
        assert retried.choices[0].finish_reason == "stop"
        with pytest.raises(openai.BadRequestError, match="unknown fault"):
            client.chat.completions.create(**body(DONE_PAGE, model="scripted-1:fault=flood"))
    with (
        OpenAI(api_key="wrong-key", base_url=f"{url}/v1", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError, match="Incorrect API key provided: wron"),
    ):
        stranger.models.list()


def test_hanging_answer_outlasts_the_clients_timeout(url: str) -> None:
    with OpenAI(api_key=API_KEY, base_url=f"{url}/v1", max_retries=0, timeout=0.3) as client:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(**body(DONE_PAGE, model="scripted-1:fault=hang/20"))
        answer = client.chat.completions.create(**body(DONE_PAGE, model="scripted-1:fault=hang/0.01"), timeout=10)
        assert answer.choices[0].finish_reason == "stop"
