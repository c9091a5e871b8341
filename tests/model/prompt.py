"""Read a chat-completions request: which question it asks, the task's payload, the page it shows."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tests.model.outline import Outline, parse_outline

Kind = Literal["next_actions", "completion_check", "extraction"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class BadRequestError(Exception):
    """The request is not one that this server answers; the message says why."""


@dataclass(frozen=True)
class Prompt:
    """What the scripted server reads from a request."""

    kind: Kind
    schema: dict[str, Any] | None
    strict: bool
    payload: Any
    url: str
    outline: Outline
    page_text: str
    characters: int


def read_prompt(body: Mapping[str, Any]) -> Prompt:
    """Read the request's body. Raises BadRequestError."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequestError("'messages' must be a list with at least one message")
    texts = [message_text(message) for message in messages]
    users = [text for text, message in zip(texts, messages, strict=True) if message.get("role") == "user"]
    if not users:
        raise BadRequestError("'messages' holds no message of the user")
    kind, schema, strict = _question(body.get("response_format"), texts)
    # A correction asked for after a wrong answer may carry no page: the newest one counts.
    pages = [page for text in users for page in re.findall(r"<page>\n?(.*?)</page>", text, re.DOTALL)]
    if not pages:
        raise BadRequestError("no message of the user holds a page between <page> and </page>")
    return Prompt(
        kind=kind,
        schema=schema,
        strict=strict,
        payload=find_payload(users),
        url=_page_url(users),
        outline=parse_outline(pages[-1]),
        page_text="\n".join(re.findall(r"<page-text>\n?(.*?)</page-text>", users[-1], re.DOTALL)),
        characters=sum(len(text) for text in texts),
    )


def message_text(message: Mapping[str, Any]) -> str:
    """Return a message's text; parts that are not text, such as images, are left out."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def _question(response_format: Any, texts: Sequence[str]) -> tuple[Kind, dict[str, Any] | None, bool]:
    form = response_format if isinstance(response_format, Mapping) else {}
    if form.get("type") == "json_schema":
        named = form.get("json_schema") or {}
        for kind in KINDS:
            if named.get("name") == kind:
                return kind, named.get("schema"), named.get("strict") is True
        raise BadRequestError(f"response_format.json_schema.name is {named.get('name')!r}, expected one of {KINDS}")
    # In JSON mode the message holds the schema: "... one JSON object, next_actions, that fits this JSON schema ...".
    for text in reversed(texts):
        asked = re.findall(rf"JSON object,? \W*({'|'.join(KINDS)})\b", text)
        if asked:
            return asked[-1], None, False
    return "next_actions", None, False


def find_payload(texts: Sequence[str]) -> Any:
    """Return the JSON value that follows the word "payload" in the first message that has one, else {}."""
    decoder = json.JSONDecoder()
    for text in texts:
        for word in re.finditer(r"payload", text, re.IGNORECASE):
            start = re.compile(r"[\[{]").search(text, word.end())
            if start is None or start.start() - word.end() > 200:
                continue
            try:
                value, _ = decoder.raw_decode(text, start.start())
            except json.JSONDecodeError:
                continue
            return value
    return {}


def _page_url(texts: Sequence[str]) -> str:
    for text in reversed(texts):
        before = text.split("<page>")[0]
        found = re.findall(r"^\W*(?:current )?url\W*:\W*(\S+)", before, re.IGNORECASE | re.MULTILINE)
        if found:
            return str(found[-1]).strip('"`<>')
    return ""
