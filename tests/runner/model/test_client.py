"""The client of the language model, against the scripted server over sockets."""

import json
import socket
import threading
import time
from datetime import date

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skyvern_crds.runner_contract import ModelSettings
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ModelError, ModelErrorKind, Stopped
from skyvern_runner.model import prompt
from skyvern_runner.model.ask import Exchange, Question, ask
from skyvern_runner.model.client import ChatModel, RetryPolicy
from skyvern_runner.model.next_actions import CheckedReply, next_actions_format, parse_next_actions
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Task
from tests.model.app import API_KEY, MODEL
from tests.runner.conftest import ScriptedModel
from tests.site.serving import serve

pytestmark = pytest.mark.socket

PAGE = 'heading "Check your answers" level=1\n[7] button "Send application"'
LABELS = {ElementId.parse("7"): 'button "Send application"'}
QUICK = RetryPolicy(request_seconds=1.0, deadline_seconds=1.5, connect_deadline_seconds=0.3, first_delay=0.05)
TASK = Task(url="http://site/", goal="Apply", payload={"name": "Chris"})


def question() -> Question[CheckedReply]:
    view = prompt.PageView("http://site/review", "Review", PAGE)
    messages = prompt.next_actions_messages(TASK, [], view, today=date(2027, 1, 1))
    return Question(messages, next_actions_format(), lambda text: parse_next_actions(text, LABELS, {}))


def model(server: ScriptedModel, name: str = MODEL, key: str | None = API_KEY) -> ChatModel:
    settings = ModelSettings(api_key=key, base_url=server.base_url, model=name)
    return ChatModel(settings, StopFlag(), QUICK)


def failure(chat: ChatModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(chat, question(), [])
    return caught.value


def test_answer_is_read_with_its_tokens(scripted: ScriptedModel) -> None:
    log: list[Exchange] = []
    reply = ask(model(scripted), question(), log)
    assert [(action.type, str(action.element)) for action in reply.actions] == [("click", "7")]
    assert len(log) == 1
    assert log[0].usage.input_tokens > 0
    assert log[0].usage.output_tokens > 0
    form = scripted.requests[0]["response_format"]
    assert form["json_schema"]["name"] == "next_actions"
    assert form["json_schema"]["strict"] is True


def test_lone_surrogate_of_the_server_is_replaced() -> None:
    async def answer(_request: Request) -> Response:
        message = {"role": "assistant", "content": "I say \ud83d and \U0001f600"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "any", "choices": [choice]}
        return Response(json.dumps(body), media_type="application/json")

    with serve(Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])) as url:
        chat = ChatModel(ModelSettings(api_key="any", base_url=f"{url}/v1", model="any"), StopFlag(), QUICK)
        completion = chat.complete(question().messages, question().form)
    assert completion.text == "I say \ufffd and \U0001f600"


def test_library_loads_in_the_background(scripted: ScriptedModel) -> None:
    chat = model(scripted)
    chat.preload()
    assert ask(chat, question(), []).actions


def test_no_key_is_named_before_anything_is_sent(scripted: ScriptedModel) -> None:
    error = failure(model(scripted, key=None))
    assert error.kind is ModelErrorKind.NO_KEY
    assert "OPENAI_API_KEY" in str(error)
    assert scripted.requests == []


def test_wrong_key_is_not_tried_again(scripted: ScriptedModel) -> None:
    begin = time.monotonic()
    error = failure(model(scripted, key="sk-wrong-and-secret"))
    assert error.kind is ModelErrorKind.WRONG_KEY
    assert "401" in str(error)
    assert "OPENAI_API_KEY" in str(error)
    assert "wrong-and-secret" not in str(error)
    assert time.monotonic() - begin < 2


def test_unknown_model_is_named(scripted: ScriptedModel) -> None:
    error = failure(model(scripted, name="no-such-model"))
    assert error.kind is ModelErrorKind.OTHER
    assert "no-such-model" in str(error)


def test_unreachable_server_is_named_within_its_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = ModelSettings(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", model="m")
    error = failure(ChatModel(settings, StopFlag(), QUICK))
    assert error.kind is ModelErrorKind.UNREACHABLE
    assert f"127.0.0.1:{port}" in str(error)
    assert "OPENAI_BASE_URL" in str(error)


@pytest.mark.parametrize("base_url", ["models.example.com", "http://[::1", "ftp://models.example.com/v1"])
def test_invalid_server_address_is_named(base_url: str) -> None:
    chat = ChatModel(ModelSettings(api_key="k", base_url=base_url, model="m"), StopFlag(), QUICK)
    chat.preload()
    error = failure(chat)
    assert error.kind is ModelErrorKind.OTHER
    assert f"OPENAI_BASE_URL is {base_url!r}" in str(error)


@pytest.mark.parametrize("fault", ["429/0.1", "500", "503"])
def test_passing_fault_is_retried(scripted: ScriptedModel, fault: str) -> None:
    scripted.faults(fault, fault)
    assert ask(model(scripted), question(), []).actions
    assert len(scripted.requests) == 3


def test_retry_after_is_honored(scripted: ScriptedModel) -> None:
    scripted.faults("429/1")
    begin = time.monotonic()
    assert ask(model(scripted), question(), []).actions
    assert time.monotonic() - begin >= 1.0


def test_rate_limit_longer_than_the_deadline_is_named_at_once(scripted: ScriptedModel) -> None:
    scripted.faults("429/60")
    begin = time.monotonic()
    error = failure(model(scripted))
    assert error.kind is ModelErrorKind.RATE_LIMITED
    assert "429" in str(error)
    assert time.monotonic() - begin < 2


def test_server_that_keeps_failing_is_named(scripted: ScriptedModel) -> None:
    error = failure(model(scripted, name=f"{MODEL}:fault=500"))
    assert error.kind is ModelErrorKind.UNREACHABLE
    assert "HTTP 500" in str(error)


def test_server_that_hangs_is_given_up(scripted: ScriptedModel) -> None:
    error = failure(model(scripted, name=f"{MODEL}:fault=hang"))
    assert error.kind is ModelErrorKind.TIMEOUT
    assert "1 s" in str(error)


def test_server_without_schemas_is_asked_in_json_mode_from_then_on(scripted: ScriptedModel) -> None:
    chat = model(scripted, name=f"{MODEL}:fault=no-json-schema")
    assert ask(chat, question(), []).actions
    assert ask(chat, question(), []).actions
    forms = [request["response_format"]["type"] for request in scripted.requests]
    assert forms == ["json_schema", "json_object", "json_object"]
    assert "additionalProperties" in json.dumps(scripted.requests[1]["messages"][-1])


def test_fenced_answer_costs_no_second_question(scripted: ScriptedModel) -> None:
    scripted.faults("fenced")
    assert ask(model(scripted), question(), []).actions
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("prose", "no JSON"),
        ("truncated", "cut off"),
        ("wrong-shape", "no list 'actions'"),
        ("empty-actions", "empty"),
        ("unknown-ids", r"no element [zz9]"),
        ("refusal", "refused"),
    ],
)
def test_unusable_answer_is_asked_for_once_more_with_the_complaint(
    scripted: ScriptedModel, fault: str, complaint: str
) -> None:
    scripted.faults(fault)
    log: list[Exchange] = []
    reply = ask(model(scripted), question(), log)
    assert [str(action.element) for action in reply.actions] == ["7"]
    assert [exchange.problem is None for exchange in log] == [False, True]
    assert complaint in scripted.requests[1]["messages"][-1]["content"]


def test_nonsense_twice_is_named(scripted: ScriptedModel) -> None:
    scripted.faults("prose", "prose")
    log: list[Exchange] = []
    with pytest.raises(ModelError) as caught:
        ask(model(scripted), question(), log)
    assert caught.value.kind is ModelErrorKind.NONSENSE
    assert len(log) == 2
    assert len(scripted.requests) == 2


def test_request_to_stop_ends_the_pause_between_retries(scripted: ScriptedModel) -> None:
    stop = StopFlag()
    settings = ModelSettings(api_key=API_KEY, base_url=scripted.base_url, model=f"{MODEL}:fault=500")
    chat = ChatModel(settings, stop, RetryPolicy(first_delay=0.1, deadline_seconds=60))
    asked = threading.Event()

    def request_stop() -> None:
        while not scripted.requests:
            asked.wait(0.01)
        stop.request()

    thread = threading.Thread(target=request_stop)
    thread.start()
    with pytest.raises(Stopped):
        chat.complete(question().messages, question().form)
    thread.join()
