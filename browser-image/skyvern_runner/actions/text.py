"""Typing into fields, and checking that the field took it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from skyvern_runner.browser.element_id import ElementId, Frame
from skyvern_runner.browser.session import Browser
from skyvern_runner.input import effect as fx
from skyvern_runner.input.effect import ActionFailedError, Effect, Target, answered
from skyvern_runner.input.keys import clear, insert, type_slowly

_SET_TYPES: Final = frozenset({"date", "time", "month", "week", "datetime-local", "color", "range"})
"""Input types whose editor is the browser's own; their value is set, with events."""
_SLOW_LIMIT: Final = 200
"""Characters up to which a text is typed key by key when typing it at once did not work."""


def input_text(
    browser: Browser, documents: Mapping[Frame, str], element: ElementId, text: str
) -> tuple[bool, str, Effect]:
    """Replace what the field holds by ``text``: typed, else key by key, else set. Raises ActionFailedError."""
    target = fx.aim(browser, element, documents, typing=True)
    if target.tag == "select":
        raise ActionFailedError(f"{target.label} is a list: use select_option")
    if target.type in _SET_TYPES:
        return _set(browser, target, text)
    if target.type in {"checkbox", "radio", "file"}:
        raise ActionFailedError(
            f"{target.label} takes no text: use {'upload_file' if target.type == 'file' else 'check'}"
        )
    if not (target.state or {}).get("focused"):
        fx.click_at(browser, target.x, target.y)
    effect = None
    for fill in _ways(text):
        field = answered(browser.call(target.id.frame, "enter", target.id.own))
        limit = int(field["maximum"])
        if 0 <= limit < len(text):
            raise ActionFailedError(f"{target.label} takes at most {limit} characters")
        if not field["empty"]:
            clear(browser)
        fill(browser, target)
        effect = fx.settle(
            browser, Target(ElementId(target.id.frame, str(field["id"])), target.label, token=target.token)
        )
        if effect.state is None:
            return True, f"typed into {target.label}, which is gone now", effect
        if same_text(text, effect.state):
            return True, f"typed into {target.label}{_shown(text, effect.state)}", effect
    held = (
        "something else"
        if effect and (effect.state or {}).get("secret")
        else repr((effect.state or {}).get("raw", "")[:80])
        if effect
        else ""
    )
    return False, f"{target.label} holds {held} instead", effect or fx.settle(browser, target)


def _ways(text: str) -> list[Callable[[Browser, Target], None]]:
    """Ways to put a text in, in the order in which they are tried."""

    def at_once(browser: Browser, _target: Target) -> None:
        insert(browser, text)

    def key_by_key(browser: Browser, _target: Target) -> None:
        type_slowly(browser, text)

    def by_value(browser: Browser, target: Target) -> None:
        answered(browser.call(target.id.frame, "setValue", target.id.own, text))

    return [at_once, key_by_key, by_value] if len(text) <= _SLOW_LIMIT else [at_once, by_value]


def same_text(text: str, state: Mapping[str, Any]) -> bool:
    """Whether the field holds the text, as it is or as a mask formats it."""
    raw = str(state["raw"])
    if _plain(raw) == _plain(text):
        return True
    wanted, held = _letters(text), _letters(raw)
    if not wanted or state.get("secret"):
        return False
    # A mask may add its own digits in front, as a country code.
    return wanted == held or (wanted.isdigit() and held.endswith(wanted) and len(held) - len(wanted) <= 3)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _shown(text: str, state: Mapping[str, Any]) -> str:
    raw = str(state["raw"])
    notes = f", it shows {raw!r}" if _plain(raw) != _plain(text) else ""
    return f"{notes}, which the page marks as invalid" if state.get("invalid") else notes


def _set(browser: Browser, target: Target, text: str) -> tuple[bool, str, Effect]:
    value = text.strip()
    answered(browser.call(target.id.frame, "setValue", target.id.own, value))
    effect = fx.settle(browser, target)
    if effect.state is None:
        return True, f"set {target.label}, which is gone now", effect
    held = str(effect.state["raw"])
    if held.lower() == value.lower() or (target.type == "range" and _number(held) == _number(value)):
        return True, f"set {target.label} to {held!r}", effect
    if target.type == "time" and held.startswith(value):
        return True, f"set {target.label} to {held!r}", effect
    return False, f"{target.label} holds {held!r} instead of {value!r}; {_FORMATS[target.type]}", effect


_FORMATS: Final = {
    "date": "write the date as YYYY-MM-DD",
    "time": "write the time as HH:MM",
    "month": "write the month as YYYY-MM",
    "week": "write the week as YYYY-Www",
    "datetime-local": "write date and time as YYYY-MM-DDTHH:MM",
    "color": "write the color as #rrggbb",
    "range": "give a number within min and max",
}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
