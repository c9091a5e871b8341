"""Turn the rule that fits a page into the actions of a reply."""

from dataclasses import dataclass
from typing import Any

from tests.model.outline import CHECKABLE, FILLABLE, TYPED, Node, Outline
from tests.model.prompt import Prompt
from tests.model.script import Command, Rule, Script, When

Action = dict[str, Any]


class MissingError(Exception):
    """The page or the payload lacks what a step of the script needs; the message says what."""


@dataclass(frozen=True)
class Reply:
    """The actions for a page and the rule they come from."""

    rule: str
    actions: list[Action]


def action(kind: str, reason: str, **fields: Any) -> Action:
    """Return an action with the fields that the reply's schema gives its type."""
    return {"type": kind, **fields, "reason": reason}


def holds(when: When, prompt: Prompt) -> bool:
    """Return whether a page shows everything that `when` asks for."""
    text = prompt.outline.text().lower()
    return (
        (when.heading is None or any(when.heading.lower() in heading.lower() for heading in prompt.outline.headings()))
        and all(words.lower() in text for words in when.text)
        and not any(words.lower() in text for words in when.missing)
        and (when.url is None or when.url.lower() in prompt.url.lower())
        and (when.control is None or prompt.outline.find(when.control) is not None)
    )


def find_rule(script: Script, prompt: Prompt) -> Rule | None:
    """Return the first rule that fits the page."""
    return next((rule for rule in script.rules if holds(rule.when, prompt)), None)


def answer(script: Script, prompt: Prompt) -> Reply:
    """Return what the script does on the page; where it cannot go on, it terminates with the reason."""
    rule = find_rule(script, prompt)
    if rule is None:
        headings = ", ".join(repr(heading) for heading in prompt.outline.headings()) or "no heading"
        return Reply("none", [action("terminate", f"the script has no rule for this page ({headings})")])
    actions: list[Action] = []
    for command in rule.do:
        try:
            actions += _perform(command, rule.name, prompt)
        except MissingError as error:
            if not command.optional:
                return Reply(rule.name, [action("terminate", str(error))])
    return Reply(rule.name, actions)


def resolve(expression: str, payload: Any) -> list[str]:
    """Return the values of an expression: a literal text, or "$.path" (with "|" between alternatives).

    Raises MissingError when the payload has none of the paths.
    """
    if not expression.startswith("$."):
        return [expression]
    for path in (part.strip() for part in expression.split("|")):
        value = payload
        for key in path.removeprefix("$.").split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and value != "":
            return [str(item) for item in value] if isinstance(value, list) else [str(value)]
    raise MissingError(f"missing information: {expression.split('|', maxsplit=1)[0].strip().removeprefix('$.')}")


def _one(expression: str, payload: Any) -> str:
    return ", ".join(resolve(expression, payload))


def _perform(command: Command, rule: str, prompt: Prompt) -> list[Action]:
    verb, why = command.verb, f"scripted: {rule}"
    if verb == "complete":
        return [action("complete", str(command.complete))]
    if verb == "terminate":
        return [action("terminate", str(command.terminate))]
    if verb == "wait":
        return [action("wait", why, seconds=command.wait)]
    if verb == "press":
        return [action("press_key", why, id=None, text=command.press)]
    if verb == "scroll":
        return [action("scroll", why, id=None, text=command.scroll)]
    if verb == "go_to":
        return [action("go_to", why, text=_one(str(command.go_to), prompt.payload))]
    labels = resolve(getattr(command, verb), prompt.payload)
    steps = (_on_control(command, verb, why, label, prompt) for label in labels)
    return [step for step in steps if step is not None]


def _on_control(command: Command, verb: str, why: str, label: str, prompt: Prompt) -> Action | None:
    node = _control(prompt.outline, verb, label)
    if verb == "click":
        return action("click", why, id=node.id)
    if verb in {"check", "uncheck"}:
        wanted = verb == "check"
        done = node.checked == wanted and not command.again
        return None if done else action("check", why, id=node.id, checked=wanted)
    value = _one(str(command.value), prompt.payload)
    if node.value == value and not command.again:
        return None
    kind = {"fill": "input_text", "select": "select_option", "upload": "upload_file"}[verb]
    return action(kind, why, id=node.id, text=value)


def _control(outline: Outline, verb: str, label: str) -> Node:
    roles = {
        "fill": FILLABLE | TYPED,
        "select": frozenset({"combobox", "listbox", "select"}),
        "check": CHECKABLE,
        "uncheck": CHECKABLE,
        "upload": frozenset({"file"}),
    }.get(verb)
    node = outline.find(label, roles)
    if node is None:
        raise MissingError(f"the page has no control labeled {label!r} to {verb}")
    return node
