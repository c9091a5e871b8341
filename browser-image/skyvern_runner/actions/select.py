"""Choosing an option: of a native select, of an open list, of a combobox that opens one."""

from collections.abc import Mapping
from typing import Any

from skyvern_runner.browser.element_id import ElementId, Frame
from skyvern_runner.browser.session import Browser
from skyvern_runner.input import effect as fx
from skyvern_runner.input.effect import ActionFailedError, Effect, Target, answered
from skyvern_runner.input.keys import clear, insert


def select_option(
    browser: Browser, documents: Mapping[Frame, str], element: ElementId, wanted: str
) -> tuple[bool, str, Effect]:
    """Choose ``wanted`` by label, value or index. Raises ActionFailedError that lists close options."""
    if not wanted.strip():
        raise ActionFailedError("select_option needs the label of the option as its text")
    target = fx.aim(browser, element, documents)
    if target.tag == "select":
        chosen = answered(browser.call(target.id.frame, "pickNative", target.id.own, wanted))
        effect = fx.settle(browser, target)
        shown = str((effect.state or {}).get("value", chosen["chosen"]))
        ok = bool(chosen["held"]) and (effect.state is None or chosen["chosen"] in shown)
        if not ok:
            return False, f"{target.label} holds {shown!r} instead of {chosen['chosen']!r}", effect
        return True, f"selected {chosen['chosen']!r} in {target.label}", effect
    return _custom(browser, documents, target, wanted)


def _custom(browser: Browser, documents: Mapping[Frame, str], target: Target, wanted: str) -> tuple[bool, str, Effect]:
    state = target.state or {}
    found = _find(browser, target, wanted, ())
    effect = None
    if found is None and state.get("expanded") != "true":
        fx.click_at(browser, target.x, target.y)
        effect = fx.settle(browser, target)
        found = _find(browser, target, wanted, effect.fresh)
    if found is None or "id" not in found:
        typed = _type_to_filter(browser, target, wanted)
        found = typed or found
    if found is None:
        raise ActionFailedError(f"{target.label} showed no options; look at the page and click the wanted one")
    answered(found)
    option = fx.aim(browser, ElementId(target.id.frame, str(found["id"])), {})
    fx.click_at(browser, option.x, option.y)
    effect = fx.settle(browser, target)
    label = str(found["label"])
    after = effect.state
    shown = str((after or {}).get("value", ""))
    if after is None or label.lower() in shown.lower() or shown.lower() in label.lower():
        return True, f"selected {label!r} in {target.label}", effect
    return True, f"clicked the option {label!r}; {target.label} shows {shown!r}", effect


def _find(
    browser: Browser, target: Target, wanted: str, fresh: tuple[tuple[ElementId, str, str], ...]
) -> dict[str, Any] | None:
    """The option, an answer with an error that lists the options, or None when there are none to be seen."""
    own = [key.own for key, _, _ in fresh]
    answer: dict[str, Any] = browser.call(target.id.frame, "findOption", target.id.own, wanted, own)
    return None if answer.get("none") else answer


def _type_to_filter(browser: Browser, target: Target, wanted: str) -> dict[str, Any] | None:
    """Many comboboxes show their options only for what is typed."""
    field = browser.call(target.id.frame, "enter", target.id.own)
    if "error" in field:
        return None
    browser.call(target.id.frame, "arm")
    if not field["empty"]:
        clear(browser)
    insert(browser, wanted)
    effect = fx.settle(browser, target)
    return _find(browser, target, wanted, effect.fresh)
