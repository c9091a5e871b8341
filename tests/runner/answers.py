"""A chat-completions server that gives a test's answers in order, and repeats the last one of each kind."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.site.serving import serve


def act(*actions: dict[str, Any], thought: str = "as planned") -> dict[str, Any]:
    """An answer to ``next_actions``."""
    blank = {"id": None, "text": None, "checked": None, "seconds": None, "reason": "as planned"}
    return {"thought": thought, "actions": [blank | action for action in actions], "errors": []}


@dataclass
class Answers:
    """The answers by kind of question, and what was asked."""

    by_kind: dict[str, Sequence[Any]]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """Kinds of the questions, in order."""
        return [body["response_format"]["json_schema"]["name"] for body in self.asked]

    def prompt(self, number: int) -> str:
        """Text of all messages of a question."""
        return "\n".join(message["content"] for message in self.asked[number]["messages"])

    @property
    def settings(self) -> dict[str, str]:
        """Environment of a runner that asks here."""
        return {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": f"{self.url}/v1", "SKYVERN_MODEL": "planned"}

    async def answer(self, request: Request) -> Response:
        """One completion."""
        body = await request.json()
        self.asked.append(body)
        kind = self.kinds[-1]
        answers = self.by_kind[kind]
        answer = answers[min(self.kinds.count(kind), len(answers)) - 1]
        message = {"role": "assistant", "content": json.dumps(answer), "refusal": None}
        return JSONResponse(
            {
                "id": f"chatcmpl-{len(self.asked)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            }
        )


@contextmanager
def answering(**by_kind: Sequence[Any]) -> Iterator[Answers]:
    """Serve the answers, such as ``next_actions=[act(...)]``, until the block ends."""
    answers = Answers(by_kind)
    with serve(Starlette(routes=[Route("/v1/chat/completions", answers.answer, methods=["POST"])])) as url:
        answers.url = url
        yield answers
