"""Typing into fields, and checking that the field took it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from skyvern_runner.actions.base import AnyText, ElementAction
from skyvern_runner.actions.fields.slider import set_slider
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.outcome import Effect, Outcome, Target
from skyvern_runner.input.read_back import holds

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

_SLOW_LIMIT: Final = 200
"""Longest text that is typed key by key when inserting it at once did not work."""
_FORMATS: Final = {
    "date": "write the date as YYYY-MM-DD",
    "time": "write the time as HH:MM",
    "month": "write the month as YYYY-MM",
    "week": "write the week as YYYY-Www",
    "datetime-local": "write date and time as YYYY-MM-DDTHH:MM",
    "color": "write the color as #rrggbb",
    "range": "give a number within min and max",
}
"""Input types with an editor of the browser: their value is set by script, with events."""


class InputText(ElementAction):
    """Replace what a field holds."""

    RULE: ClassVar = (
        "id, text. Replaces what the field holds, or with append = true adds to it; an empty text clears it. Sets"
        " sliders too."
    )
    RARE: ClassVar = ("append",)
    INDEPENDENT: ClassVar = True

    type: Literal["input_text"] = "input_text"
    text: AnyText
    """What to type; empty to clear the field."""
    append: bool = False
    """Whether to add to what the field holds."""

    @property
    def argument(self) -> str:
        """What to type."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Insert the text, else type it key by key, else set the value by script, until the field holds it."""
        text = "\n".join(self.text.splitlines()) if "\r" in self.text else self.text
        target = interaction.aim(self.id, typing=True)
        if target.tag == "select":
            raise ActionFailedError(f"{target.label} is a list: use select_option")
        if self.append and target.type in _FORMATS:
            raise ActionFailedError(f"{target.label} holds one value, to which nothing can be added: leave append out")
        if (target.state or {}).get("role") == "slider" and target.tag != "input":
            return set_slider(interaction, target, self.text.strip())
        if target.type in _FORMATS:
            return _set(interaction, target, self.text.strip())
        if target.type in {"checkbox", "radio", "file"}:
            instead = "upload_file" if target.type == "file" else "check"
            raise ActionFailedError(f"{target.label} takes no text: use {instead}")
        if not (target.state or {}).get("focused"):
            interaction.click(target)
        return (_append if self.append else _type)(interaction, target, text)

    def describe(self, label: str) -> str:
        """Also shows whether it is added."""
        return f"{super().describe(label)} added" if self.append else super().describe(label)


def _append(interaction: "Interaction", target: Target, text: str) -> Outcome:
    """Add to what the field holds: in a rich text at its end, elsewhere by typing the whole once more."""
    entered = interaction.ask(target.id, "enter", True)
    held = str(entered["state"]["raw"])
    if not entered["rich"]:
        return _type(interaction, target, held + text)
    field = Target(ElementId(target.id.frame, str(entered["id"])), target.label, token=target.token)
    interaction.keyboard.insert(text)
    effect = interaction.settle(field)
    if effect.state is None:
        return Outcome(True, f"added to {target.label}, which is gone now", effect)
    if holds(held + text, effect.state):
        return Outcome(True, f"added to {target.label}", effect)
    return Outcome(False, f"{target.label} holds {_held(effect)}", effect)


def _type(interaction: "Interaction", target: Target, text: str) -> Outcome:
    effect = None
    field = target
    for fill in _ways(text):
        entered = interaction.ask(field.id, "enter")
        field = Target(ElementId(target.id.frame, str(entered["id"])), target.label, token=target.token)
        limit = int(entered["maximum"])
        if 0 <= limit < len(text):
            raise ActionFailedError(f"{target.label} takes at most {limit} characters")
        if not entered["empty"]:
            interaction.keyboard.delete()
        fill(interaction, field)
        effect = interaction.settle(field)
        if effect.state is None:
            return Outcome(True, f"typed into {target.label}, which is gone now", effect)
        if holds(text, effect.state):
            return Outcome(True, f"typed into {target.label}{_shown(text, effect.state)}", effect)
    return Outcome(False, f"{target.label} holds {_held(effect)}", effect or interaction.settle(target))


def _ways(text: str) -> list[Callable[["Interaction", Target], None]]:
    """Ways to enter a text, in the order to try them."""

    def at_once(interaction: "Interaction", _target: Target) -> None:
        interaction.keyboard.insert(text)

    def key_by_key(interaction: "Interaction", _target: Target) -> None:
        interaction.keyboard.type(text)

    def by_value(interaction: "Interaction", target: Target) -> None:
        interaction.ask(target.id, "setValue", text)

    return [at_once, key_by_key, by_value] if len(text) <= _SLOW_LIMIT else [at_once, by_value]


def _held(effect: Effect | None) -> str:
    state = (effect.state if effect else None) or {}
    held = "something else" if state.get("secret") else repr(state.get("raw", "")[:80])
    strayed = (
        f" (typing moved the focus to {effect.strayed}, where nothing was typed)" if effect and effect.strayed else ""
    )
    return f"{held} instead{strayed}"


def _shown(text: str, state: Mapping[str, Any]) -> str:
    raw = str(state["raw"])
    notes = f", it shows {raw!r}" if raw.split() != text.split() else ""
    return f"{notes}, which the page marks as invalid" if state.get("invalid") else notes


def _set(interaction: "Interaction", target: Target, value: str) -> Outcome:
    interaction.ask(target.id, "setValue", value)
    effect = interaction.settle(target)
    if effect.state is None:
        return Outcome(True, f"set {target.label}, which is gone now", effect)
    held = str(effect.state["raw"])
    if _same_value(target.type, held, value):
        return Outcome(True, f"set {target.label} to {held!r}", effect)
    return Outcome(False, f"{target.label} holds {held!r} instead of {value!r}; {_FORMATS[target.type]}", effect)


def _same_value(kind: str, held: str, value: str) -> bool:
    if held.lower() == value.lower():
        return True
    return (kind == "range" and _number(held) == _number(value)) or (kind == "time" and held.startswith(value))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
