"""The language model: chat completions of an OpenAI-compatible server, with retries within a deadline."""

import importlib
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from skyvern_crds.backoff import full_jitter
from skyvern_crds.runner_contract import ENV_MODEL, ENV_MODEL_API_KEY, ENV_MODEL_BASE_URL, ModelSettings
from skyvern_crds.urls import is_http_url
from skyvern_runner.errors import ModelError, ModelErrorKind
from skyvern_runner.model.ask import Completion, Usage
from skyvern_runner.model.prompt import Message, schema_in_words
from skyvern_runner.model.reply_format import ReplyFormat
from skyvern_runner.stop import StopFlag
from skyvern_runner.text import well_formed

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

_MAX_DETAIL: Final = 300


@dataclass(frozen=True)
class RetryPolicy:
    """How long to keep asking the model, in seconds."""

    request_seconds: float = 120.0
    """For one request."""
    deadline_seconds: float = 240.0
    """For one question with all its retries."""
    connect_deadline_seconds: float = 30.0
    """For one question as long as there is no connection at all."""
    first_delay: float = 0.5
    """Longest pause before the first retry; it doubles with each further one."""
    max_delay: float = 20.0
    """Longest pause, unless the server asks for more."""

    def within(self, seconds: float) -> "RetryPolicy":
        """The same policy with at most ``seconds`` for one question."""
        return replace(
            self,
            deadline_seconds=seconds,
            request_seconds=min(seconds, self.request_seconds),
            connect_deadline_seconds=min(seconds, self.connect_deadline_seconds),
        )


class FormatMode(StrEnum):
    """Response formats, tried in order until the server accepts one."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"
    TEXT = "text"


class ChatModel:
    """A chat-completions server. The openai library is loaded on first use, or by :meth:`preload` in a thread."""

    def __init__(self, settings: ModelSettings, stop: StopFlag, policy: RetryPolicy | None = None) -> None:
        self._settings = settings
        self._stop = stop
        self._policy = policy or RetryPolicy()
        self._mode = FormatMode.SCHEMA
        self._loader: threading.Thread | None = None
        self._client: OpenAI | None = None

    def preload(self) -> None:
        """Load the library in the background, which takes half a second."""
        try:
            self.check()
        except ModelError:
            return
        self._loader = threading.Thread(target=self._load, daemon=True)
        self._loader.start()

    def check(self) -> None:
        """Raises ModelError if the settings cannot work."""
        if not self._settings.api_key:
            raise ModelError(
                ModelErrorKind.NO_KEY,
                f"no API key for the language model: set {ENV_MODEL_API_KEY} (in a cluster: the key 'api-key' of the "
                "Secret with the model's settings; for a server that needs no key, any value)",
            )
        if self._settings.base_url and not is_http_url(self._settings.base_url):
            raise ModelError(
                ModelErrorKind.OTHER,
                f"{ENV_MODEL_BASE_URL} is {self._settings.base_url!r}, which is not the address of a model server: "
                "give one such as https://models.example.com/v1",
            )

    def complete(self, messages: Sequence[Message], form: ReplyFormat) -> Completion:
        """Ask once, retrying errors that may pass. Raises ModelError."""
        self.check()
        with self._stop.interruptible():
            client = self._connect()
        attempts = _Attempts(self._policy, self._where())
        while True:
            try:
                with self._stop.interruptible():
                    return self._request(client, messages, form, attempts.request_seconds())
            except _errors().APIStatusError as error:
                if not self._fall_back(error):
                    self._stop.sleep(attempts.after_status(error))
            except _errors().APIConnectionError as error:
                self._stop.sleep(attempts.after_connection(error))

    def _connect(self) -> "OpenAI":
        if self._loader is not None:
            self._loader.join()
        return self._client or self._load()

    def _load(self) -> "OpenAI":
        """The client. Making one loads certificates and modules, so it is done ahead of the first question."""
        client: OpenAI = _errors().OpenAI(
            api_key=self._settings.api_key, base_url=self._settings.base_url, max_retries=0
        )
        _ = client.chat.completions
        self._client = client
        return client

    def _request(self, client: "OpenAI", messages: Sequence[Message], form: ReplyFormat, seconds: float) -> Completion:
        body: dict[str, Any] = {"model": self._settings.model, "messages": list(messages)}
        if self._mode is FormatMode.SCHEMA:
            schema = {"name": form.name, "schema": dict(form.schema), "strict": form.strict}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        else:
            words = schema_in_words(form.name, form.schema)
            body["messages"] = [*messages[:-1], {**messages[-1], "content": f"{messages[-1]['content']}\n\n{words}"}]
            if self._mode is FormatMode.OBJECT:
                body["response_format"] = {"type": "json_object"}
        return _completion(client.chat.completions.create(**body, timeout=seconds))

    def _fall_back(self, error: "APIStatusError") -> bool:
        """Whether the refusal is about the response format, and another format is left to try."""
        if error.status_code not in {400, 422} or error.code == "context_length_exceeded":
            return False
        # Servers word this refusal in many ways, so any refusal of a request with a schema counts.
        about_form = self._mode is FormatMode.SCHEMA or "response_format" in _detail(error)
        if about_form and self._mode is not FormatMode.TEXT:
            self._mode = FormatMode.OBJECT if self._mode is FormatMode.SCHEMA else FormatMode.TEXT
            return True
        return False

    def _where(self) -> str:
        return f"{self._settings.model} at {self._settings.base_url or 'the default address'}"


class _Attempts:
    """The retries of one question: pauses, deadlines, and the error once they are used up."""

    def __init__(self, policy: RetryPolicy, where: str) -> None:
        self._policy = policy
        self._where = where
        self._begin = time.monotonic()
        self._count = 0

    def request_seconds(self) -> float:
        """Timeout of the next request."""
        left = self._policy.deadline_seconds - (time.monotonic() - self._begin)
        return max(1.0, min(self._policy.request_seconds, left))

    def after_status(self, error: "APIStatusError") -> float:
        """Seconds to wait after an HTTP error. Raises ModelError if waiting would not help or would take too long."""
        status, detail = error.status_code, _detail(error)
        if status in {401, 403}:
            raise ModelError(
                ModelErrorKind.WRONG_KEY,
                f"the model server refuses the API key (HTTP {status}, {self._where}): {detail}; "
                f"check {ENV_MODEL_API_KEY} and that the key may use this model",
            )
        if status == 429 and error.code != "insufficient_quota":
            return self._pause(ModelErrorKind.RATE_LIMITED, f"HTTP 429: {detail}", _retry_after(error))
        if status == 429:
            raise ModelError(
                ModelErrorKind.RATE_LIMITED,
                f"the model server refuses the account (HTTP 429, {self._where}): {detail}; check its quota",
            )
        if status in {408, 409} or status >= 500:
            return self._pause(ModelErrorKind.UNREACHABLE, f"HTTP {status}: {detail}", _retry_after(error))
        remedy = f"check {ENV_MODEL} and {ENV_MODEL_BASE_URL}" if status == 404 else "check the model's settings"
        raise ModelError(
            ModelErrorKind.OTHER,
            f"the model server refuses the request (HTTP {status}, {self._where}): {detail}; {remedy}",
        )

    def after_connection(self, error: Exception) -> float:
        """Seconds to wait after a timeout or a failed connection. Raises ModelError if it took too long."""
        if isinstance(error, _errors().APITimeoutError):
            return self._pause(ModelErrorKind.TIMEOUT, f"no answer within {self._policy.request_seconds:g} s")
        cause = error.__cause__ or error
        return self._pause(ModelErrorKind.UNREACHABLE, str(cause) or type(cause).__name__)

    def _pause(self, kind: ModelErrorKind, detail: str, asked: float | None = None) -> float:
        self._count += 1
        policy = self._policy
        if asked is None:
            delay = full_jitter(self._count, first=policy.first_delay, longest=policy.max_delay)
        else:
            delay = max(asked, 0.05)
        unanswered = kind is ModelErrorKind.UNREACHABLE and not detail.startswith("HTTP")
        deadline = policy.connect_deadline_seconds if unanswered else policy.deadline_seconds
        if time.monotonic() - self._begin + delay > deadline:
            raise ModelError(kind, f"{_WORDS[kind]} ({self._where}), {self._count} tries: {detail}; {_REMEDIES[kind]}")
        return delay


_WORDS: Final = {
    ModelErrorKind.RATE_LIMITED: "the model server keeps limiting requests",
    ModelErrorKind.UNREACHABLE: "the model server cannot be reached or fails",
    ModelErrorKind.TIMEOUT: "the model server does not answer in time",
}
_REMEDIES: Final = {
    ModelErrorKind.RATE_LIMITED: "run fewer tasks at once, or raise the account's limits",
    ModelErrorKind.UNREACHABLE: f"check {ENV_MODEL_BASE_URL} and the network",
    ModelErrorKind.TIMEOUT: "try again, or choose a faster model",
}


def _errors() -> Any:
    """The openai module, loaded if it is not yet."""
    return importlib.import_module("openai")


def _completion(response: Any) -> Completion:
    """Normalize the server's response; compatible servers leave things out."""
    usage = _usage(getattr(response, "usage", None))
    choices = getattr(response, "choices", None)
    if not choices:
        return Completion(None, usage, "the answer was empty: answer with one JSON object")
    message = choices[0].message
    text = message.content if message else None
    refusal = getattr(message, "refusal", None)
    reason = choices[0].finish_reason
    problem = None
    if refusal:
        problem = f"the model refused: {str(refusal)[:_MAX_DETAIL]}"
    elif reason == "length":
        problem = "the answer was cut off at the length limit: answer with fewer actions and shorter words"
    elif reason == "content_filter":
        problem = "the server's content filter withheld the answer"
    return Completion(text and well_formed(text), usage, problem and well_formed(problem))


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        input_tokens=int(getattr(usage, "prompt_tokens", 0) or 0),
        output_tokens=int(getattr(usage, "completion_tokens", 0) or 0),
        cached_tokens=int(getattr(details, "cached_tokens", 0) or 0),
    )


def _detail(error: "APIStatusError") -> str:
    body = error.body
    message = body.get("message") if isinstance(body, Mapping) else None
    return str(message or error.message)[:_MAX_DETAIL]


def _retry_after(error: "APIStatusError") -> float | None:
    headers = error.response.headers
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(str(headers[name])) * scale
        except (KeyError, ValueError):
            continue
    return None
