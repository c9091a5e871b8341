"""The scripted server as an ASGI application: the chat completions protocol and the switches for tests."""

import hmac
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.model.chat import Completion, MismatchError, check_shape, compact, reply_object
from tests.model.faults import HTTP_ERRORS, REPLY_FAULTS, Fault, FaultError, FaultPlan, hang, spoil
from tests.model.prompt import BadRequestError, read_prompt
from tests.model.script import DEFAULT_SCRIPT, SCRIPTS, Script, load_script

MODEL = "scripted-1"
API_KEY = "scripted-key"
KEPT_REQUESTS = 1000


@dataclass
class Server:
    """The state of one running scripted server."""

    script: Script
    api_key: str
    plan: FaultPlan = field(default_factory=FaultPlan)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    started: int = field(default_factory=lambda: int(time.time()))


@dataclass(frozen=True)
class ModelName:
    """A model's name taken apart: scripted-1[:script=NAME][:fault=FAULT]."""

    script: str | None
    fault: str | None


class UnknownModelError(Exception):
    """The model's name is not one of this server."""


def read_model(name: object) -> ModelName:
    """Take a model's name apart. Raises UnknownModelError."""
    base, *options = str(name).split(":")
    settings = dict(option.partition("=")[::2] for option in options)
    if base != MODEL or not settings.keys() <= {"script", "fault"}:
        raise UnknownModelError(f"The model `{name}` does not exist; this server has `{MODEL}` only.")
    return ModelName(settings.get("script"), settings.get("fault"))


def create_app(script: Path = DEFAULT_SCRIPT, api_key: str = API_KEY) -> Starlette:
    """Return a new scripted server. Raises ScriptError when the script cannot be read."""
    app = Starlette(
        routes=[
            Route("/", banner),
            Route("/healthz", healthz),
            Route("/v1/models", models),
            Route("/v1/chat/completions", chat_completions, methods=["POST"]),
            Route("/scripted/faults", faults, methods=["GET", "POST"]),
            Route("/scripted/requests", requests),
            Route("/scripted/reset", reset, methods=["POST"]),
        ]
    )
    app.state.server = Server(load_script(script), api_key)
    return app


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


def _error(status: int, message: str, kind: str, code: str | None, headers: dict[str, str] | None = None) -> Response:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return JSONResponse(body, status_code=status, headers=headers)


def _refused_key(request: Request) -> Response | None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if hmac.compare_digest(given.encode(), _server(request).api_key.encode()):
        return None
    shown = f"{given[:4]}..." if given else "none"
    message = f"Incorrect API key provided: {shown}. This is the scripted server."
    return _error(401, message, "invalid_request_error", "invalid_api_key")


async def banner(_request: Request) -> Response:
    """Say what this server is."""
    return PlainTextResponse("Scripted OpenAI-compatible server: answers follow a script, no model is behind them.\n")


async def healthz(_request: Request) -> Response:
    """Say that the server is up."""
    return PlainTextResponse("ok")


async def models(request: Request) -> Response:
    """List the one model."""
    refused = _refused_key(request)
    if refused is not None:
        return refused
    model = {"id": MODEL, "object": "model", "created": _server(request).started, "owned_by": "scripted"}
    return JSONResponse({"object": "list", "data": [model]})


async def chat_completions(request: Request) -> Response:
    """Answer a chat completion, or have the fault that was asked for; keep both for /scripted/requests."""
    server = _server(request)
    refused = _refused_key(request)
    if refused is not None:
        return refused
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return _error(400, f"The body is not JSON: {error}", "invalid_request_error", None)
    if not isinstance(body, dict):
        return _error(400, "The body must be a JSON object.", "invalid_request_error", None)
    record: dict[str, Any] = {"number": next(server.numbers), "body": body, "fault": None, "reply": None}
    server.requests.append(record)
    try:
        return await _answer(server, body, record)
    except UnknownModelError as error:
        return _error(404, str(error), "invalid_request_error", "model_not_found")
    except (BadRequestError, FaultError) as error:
        return _error(400, f"Scripted server: {error}", "invalid_request_error", None)
    except MismatchError as error:
        return _error(500, f"Scripted server: {error}", "server_error", "scripted_answer_mismatch")


async def _answer(server: Server, body: Mapping[str, Any], record: dict[str, Any]) -> Response:
    name = read_model(body.get("model"))
    fault = server.plan.take(str(body["model"]), name.fault)
    record["fault"] = fault.name if fault else None
    if body.get("stream") or body.get("n") not in (None, 1):
        raise BadRequestError("'stream' and 'n' are not supported")
    early = _http_fault(fault, body)
    if early is not None:
        return early
    if fault is not None and fault.name == "hang":
        await hang(fault)
    prompt = read_prompt(body)
    reply = reply_object(_script(server, name), prompt)
    check_shape(reply, prompt)
    record["reply"] = reply
    content: str | None = compact(reply)
    finish, refusal = "stop", None
    if fault is not None and fault.name in REPLY_FAULTS:
        content, finish, refusal = spoil(fault, str(content))
    completion = Completion(
        record["number"], str(body["model"]), int(time.time()), prompt.characters, content, finish, refusal
    )
    return JSONResponse(completion.body())


def _script(server: Server, name: ModelName) -> Script:
    if name.script is None:
        return server.script
    files = {path.stem: path for path in SCRIPTS.glob("*.yaml")}
    if name.script not in files:
        raise UnknownModelError(f"There is no script `{name.script}`; there are {', '.join(sorted(files))}.")
    return load_script(files[name.script])


def _http_fault(fault: Fault | None, body: Mapping[str, Any]) -> Response | None:
    if fault is None:
        return None
    if fault.name == "no-json-schema":
        if (body.get("response_format") or {}).get("type") != "json_schema":
            return None
        message = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
        return _error(400, message, "invalid_request_error", None)
    if fault.status is None:
        return None
    kind, code, message = HTTP_ERRORS[fault.status]
    retry_after = "1" if fault.seconds is None else f"{fault.seconds:g}"
    return _error(fault.status, message, kind, code, {"retry-after": retry_after} if fault.status == 429 else None)


async def faults(request: Request) -> Response:
    """POST {"faults": ["500", null, "hang/5"]} gives the next requests these faults; GET counts those left."""
    plan = _server(request).plan
    if request.method == "POST":
        try:
            plan.queue((await request.json())["faults"])
        except (FaultError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            return _error(400, f"Expected {{'faults': [...]}}: {error}", "invalid_request_error", None)
    return JSONResponse({"waiting": plan.waiting()})


async def requests(request: Request) -> Response:
    """List the newest requests (at most 1000): number, body, fault, and the answer before any fault spoiled it."""
    return JSONResponse(list(_server(request).requests))


async def reset(request: Request) -> Response:
    """Forget requests and faults."""
    server = _server(request)
    server.requests.clear()
    server.plan.clear()
    return JSONResponse({})
