"""The messages to the model: what never changes first, then the task, then the history, and the page last."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from skyvern_crds import wire
from skyvern_runner.browser.invisible import visible
from skyvern_runner.model.rules import ACT_RULES, CHECK_RULES, EXTRACT_RULES
from skyvern_runner.task.task import Task

Message = dict[str, str]
"""A chat message: role and content."""

HISTORY_LINES: Final = 60
"""Newest lines of history that the model is shown."""
MAX_LINE: Final = 300
"""Characters of a line of history."""

_FENCE: Final = re.compile(r"<(\s*/?\s*page\b)", re.IGNORECASE)


@dataclass(frozen=True)
class PageView:
    """The page as the prompt shows it."""

    url: str
    """Address."""
    title: str
    """Title."""
    outline: str
    """Outline."""
    text: str = ""
    """The whole visible text, where the question needs it."""
    situation: tuple[str, ...] = ()
    """Beside the page: other tabs, keys that are held down."""


@dataclass(frozen=True)
class Memory:
    """What the model knows beside the page and the history."""

    notes: tuple[str, ...] = ()
    """Its notes."""
    read: tuple[str, ...] = ()
    """Texts of the page that its last actions read."""
    remarks: tuple[str, ...] = ()
    """The runner's own remarks, such as a loop that it sees."""


NO_MEMORY: Final = Memory()


def next_actions_messages(
    task: Task, history: Sequence[str], view: PageView, *, memory: Memory = NO_MEMORY, today: date
) -> list[Message]:
    """Ask for the next actions."""
    tail = "\n".join(memory.remarks)
    return [
        _system(ACT_RULES),
        _user(task_section(task, today)),
        _user(
            _join(
                _history_section(history),
                _notes_section(memory.notes),
                _read_section(memory.read),
                _page_section(view),
                tail and f"# Note\n{tail}",
            )
        ),
    ]


def completion_messages(
    task: Task, history: Sequence[str], view: PageView, claim: str, *, notes: Sequence[str] = (), today: date
) -> list[Message]:
    """Ask whether the goal is reached. ``claim`` is the reason that the agent gave."""
    claimed = f"# The agent's claim\n{_line(claim)}" if claim else ""
    return [
        _system(CHECK_RULES),
        _user(task_section(task, today)),
        _user(_join(_history_section(history), _notes_section(notes), claimed, _page_section(view))),
    ]


def extraction_messages(task: Task, view: PageView, *, notes: Sequence[str] = (), today: date) -> list[Message]:
    """Ask for the information that the task wants."""
    wanted = f"# Wanted\n{task.extraction_goal or 'Whatever the schema describes.'}"
    schema = ""
    if task.schema is not None:
        schema = f"# Schema or example of the result\n{wire.dumps(task.schema)}"
    return [
        _system(EXTRACT_RULES),
        _user(_join(wanted, schema, _payload_section(task), _codes_section(task), f"Today is {today.isoformat()}.")),
        _user(_join(_notes_section(notes), _page_section(view))),
    ]


def correction(reply: str | None, problem: str) -> list[Message]:
    """Messages that ask once more: the refused reply, and what is wrong with it."""
    answer = [{"role": "assistant", "content": reply}] if reply else []
    return [*answer, _user(f"That answer cannot be used: {problem}. Answer again, with the whole JSON object.")]


def schema_in_words(name: str, schema: Mapping[str, Any]) -> str:
    """The schema as text, with the name of the question, for servers without schema support."""
    return (
        f"Answer with one JSON object, {name}, that fits this JSON schema, and with nothing else:\n{wire.dumps(schema)}"
    )


def task_section(task: Task, today: date) -> str:
    """The task as the model reads it; the text is the same at every step."""
    parts = [
        "# Task",
        f"Goal: {task.goal or 'Open the page.'}",
        f"Start address: {task.url}",
    ]
    if task.complete_criterion:
        parts.append(f"Completion criterion: {task.complete_criterion}")
    if task.terminate_criterion:
        parts.append(f"Terminate when: {task.terminate_criterion}")
    if task.extraction_goal:
        parts.append(f"To be extracted at the end (done for you; do not act on it): {task.extraction_goal}")
    sections = [_payload_section(task), _codes_section(task), _secrets_section(task)]
    return _join("\n".join(parts), *sections, f"Today is {today.isoformat()}.")


def clean(text: str) -> str:
    """Text from a page, without invisible characters and without anything that could close its fence."""
    return _FENCE.sub(r"&lt;\1", visible(text))


def _payload_section(task: Task) -> str:
    return f"# Payload (facts for filling in forms)\n{wire.dumps(task.payload)}" if task.payload is not None else ""


def _codes_section(task: Task) -> str:
    if not task.error_codes:
        return ""
    lines = [f"- {code}: {meaning}" for code, meaning in task.error_codes.items()]
    return "\n".join(["# Error codes (report those whose description fits)", *lines])


def _secrets_section(task: Task) -> str:
    lines = [f"- {secret.placeholder} on {', '.join(secret.hosts)}" for secret in task.secrets]
    return "\n".join(["# Secrets (type the placeholder)", *lines]) if lines else ""


def _history_section(history: Sequence[str]) -> str:
    if not history:
        return "# History\nNothing yet."
    dropped = len(history) - HISTORY_LINES
    lines = [f"... {dropped} earlier lines"] if dropped > 0 else []
    lines += [_line(entry) for entry in history[-HISTORY_LINES:]]
    return "\n".join(["# History", *lines])


def _notes_section(notes: Sequence[str]) -> str:
    lines = [f"- {' '.join(clean(note).split())}" for note in notes]
    return "\n".join(["# Notes (the agent's own, of what it saw before)", *lines]) if lines else ""


def _read_section(texts: Sequence[str]) -> str:
    fenced = [f"<page-text>\n{clean(text)}\n</page-text>" for text in texts]
    return "\n".join(["# Read by your last actions", *fenced]) if fenced else ""


def _page_section(view: PageView) -> str:
    head = f"# Page\nURL: {_line(view.url)}\nTitle: {wire.dumps(_line(view.title))}"
    head = "\n".join([head, *(_line(line) for line in view.situation)])
    text = f"\n# Text of the page\n<page-text>\n{clean(view.text)}\n</page-text>" if view.text else ""
    return f"{head}\n<page>\n{clean(view.outline)}\n</page>{text}"


def _line(text: str) -> str:
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= MAX_LINE else f"{flat[: MAX_LINE - 1]}…"


def _join(*sections: str) -> str:
    return "\n\n".join(section for section in sections if section)


def _system(content: str) -> Message:
    return {"role": "system", "content": content}


def _user(content: str) -> Message:
    return {"role": "user", "content": content}
