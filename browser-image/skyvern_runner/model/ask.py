"""Asking the model: a question, a check of its reply, and one more try with the complaint."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from skyvern_runner.errors import ModelError, ModelErrorKind, ReplyError
from skyvern_runner.model.prompt import Message, correction
from skyvern_runner.model.reply_format import ReplyFormat

T = TypeVar("T")
_TRIES: Final = 2
_MAX_DETAIL: Final = 300


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counted them; zero if it does not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True)
class Completion:
    """One reply of the server."""

    text: str | None
    usage: Usage
    problem: str | None = None
    """Why the reply is incomplete: cut off, filtered or refused."""


@dataclass(frozen=True)
class Exchange:
    """One request and its reply, for the record."""

    kind: str
    """Name of the request's format."""
    messages: tuple[Message, ...]
    reply: str | None
    usage: Usage
    seconds: float
    """Duration, including retries."""
    problem: str | None = None
    """Why the reply could not be used."""


class Model(Protocol):
    """Completes chats."""

    def check(self) -> None:
        """Raises ModelError if the settings cannot work, before anything is asked."""

    def complete(self, messages: Sequence[Message], form: ReplyFormat) -> Completion:
        """Complete a chat. Raises ModelError."""


@dataclass(frozen=True)
class Question(Generic[T]):
    """Something to ask the model, and how to read its reply."""

    messages: Sequence[Message]
    form: ReplyFormat
    parse: Callable[[str | None], T] = field(repr=False)
    """Reads the reply. Raises ReplyError with a message for the model."""


def ask(model: Model, question: Question[T], log: list[Exchange]) -> T:
    """Ask, and ask once more with the complaint if the reply cannot be used.

    Appends each exchange to ``log``. Raises ModelError, of kind NONSENSE if neither reply is usable.
    """
    messages = list(question.messages)
    problem = ""
    for _ in range(_TRIES):
        begin = time.monotonic()
        completion = model.complete(messages, question.form)
        seconds = time.monotonic() - begin
        try:
            if completion.problem:
                raise ReplyError(completion.problem)
            value = question.parse(completion.text)
        except ReplyError as error:
            problem = str(error)
        else:
            log.append(_exchange(question, messages, completion, seconds, None))
            return value
        log.append(_exchange(question, messages, completion, seconds, problem))
        messages = [*question.messages, *correction(completion.text, problem)]
    raise ModelError(
        ModelErrorKind.NONSENSE,
        f"the model's answers cannot be used: {problem[:_MAX_DETAIL]}; try again, or choose another model",
    )


def _exchange(
    question: Question[T], messages: Sequence[Message], completion: Completion, seconds: float, problem: str | None
) -> Exchange:
    return Exchange(
        kind=question.form.name,
        messages=tuple(messages),
        reply=completion.text,
        usage=completion.usage,
        seconds=seconds,
        problem=problem,
    )
