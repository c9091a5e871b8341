"""One chat completion: from a request's body to the answer's envelope."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from tests.model.extraction import extract
from tests.model.prompt import Prompt
from tests.model.rules import answer, find_rule
from tests.model.script import Script

# The usual rule of thumb for English text; the server has no tokenizer and says so.
CHARACTERS_PER_TOKEN = 4


class MismatchError(Exception):
    """The script's answer does not fit the schema that the request sent; the message names the place."""


def reply_object(script: Script, prompt: Prompt) -> dict[str, Any]:
    """Return the answer to the prompt's question as an object."""
    if prompt.kind == "completion_check":
        rule = find_rule(script, prompt)
        achieved = rule is not None and any(command.verb == "complete" for command in rule.do)
        return {"achieved": achieved, "reason": f"scripted: the page is {rule.name if rule else 'not in the script'}"}
    if prompt.kind == "extraction":
        return extract(script, prompt)
    reply = answer(script, prompt)
    return {"thought": f"scripted: {reply.rule}", "actions": reply.actions, "errors": []}


def check_shape(reply: Mapping[str, Any], prompt: Prompt) -> None:
    """Validate an answer against the request's own schema. Raises MismatchError.

    A schema that is not strict is advice to a real server: there a null may say that the page does not tell.
    """
    if prompt.schema is None:
        return
    try:
        errors = list(jsonschema_rs.validator_for(prompt.schema).iter_errors(reply))
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise MismatchError(f"the request's {prompt.kind} schema is not a JSON schema: {error}") from error
    if not prompt.strict:
        errors = [error for error in errors if error.instance is not None]
    if errors:
        places = "; ".join(f"/{'/'.join(str(part) for part in e.instance_path)}: {e.message}" for e in errors[:5])
        raise MismatchError(f"the scripted answer does not fit the {prompt.kind} schema of the request: {places}")


@dataclass(frozen=True)
class Completion:
    """What an answer's envelope says."""

    number: int
    model: str
    created: int
    prompt_characters: int
    content: str | None
    finish_reason: str
    refusal: str | None

    def body(self) -> dict[str, Any]:
        """Return the envelope as the chat completions protocol has it."""
        read = tokens(self.prompt_characters)
        written = tokens(len(self.content or self.refusal or ""))
        return {
            "id": f"chatcmpl-scripted-{self.number}",
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": self.content, "refusal": self.refusal},
                    "logprobs": None,
                    "finish_reason": self.finish_reason,
                }
            ],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": written,
                "total_tokens": read + written,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
            "system_fingerprint": "scripted",
        }


def tokens(characters: int) -> int:
    """Return the approximate number of tokens of a text: characters / 4, rounded up."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def compact(reply: Mapping[str, Any]) -> str:
    """Return an answer as the text of a message."""
    return json.dumps(reply, ensure_ascii=False)
