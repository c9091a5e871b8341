"""Carrying out one action of the model and reading its effect back."""

import base64
import time
from collections.abc import Callable, Mapping
from typing import Final

from selenium.common.exceptions import TimeoutException, WebDriverException

from skyvern_runner.actions.action import Action, ActionType
from skyvern_runner.actions.select import select_option
from skyvern_runner.actions.text import input_text
from skyvern_runner.browser.element_id import PAGE, ElementId, Frame
from skyvern_runner.browser.navigate import open_page
from skyvern_runner.browser.session import Browser
from skyvern_runner.browser.upload_source import UploadSources, load_file, pieces
from skyvern_runner.errors import FileSourceError, PageLoadError, first_line
from skyvern_runner.input import effect as fx
from skyvern_runner.input.effect import ActionFailedError, ActionResult, Effect, Target, answered
from skyvern_runner.input.keys import find_key, press
from skyvern_runner.perceive.look import Snapshot

MAX_WAIT_SECONDS: Final = 30.0

Outcome = tuple[bool, str, Effect]
"""Whether it worked, the message, what was seen afterwards."""


def act(browser: Browser, snapshot: Snapshot, action: Action, uploads: UploadSources) -> ActionResult:
    """Carry out one action on the page that ``snapshot`` shows. Raises only BrowserLostError."""
    documents = snapshot.documents
    url = snapshot.url
    browser.notes.clear()
    try:
        ok, message, effect = _ACTIONS[action.type](browser, documents, action, uploads)
        return fx.finish(browser, message, effect, ok=ok, url_before=url, documents=documents)
    except ActionFailedError as error:
        return _failed(browser, str(error), url)
    except (PageLoadError, FileSourceError, ValueError) as error:
        return _failed(browser, str(error), url)
    except TimeoutException as error:
        return _failed(browser, str(fx.loading(browser, error)), url)
    except WebDriverException as error:
        return _failed(browser, f"the browser refused the action: {first_line(error)}", url)


def _failed(browser: Browser, message: str, url_before: str) -> ActionResult:
    try:
        url = str(browser.call(PAGE, "pageState")["url"])
    except WebDriverException:
        url = url_before  # a page that does not answer; the next look says what is wrong with it
    notes = [message, *browser.notes]
    browser.notes.clear()
    return ActionResult(False, "; ".join(notes), url != url_before, url_before, url)


def _click(browser: Browser, documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    target = fx.aim(browser, _element(action), documents)
    if target.tag == "select":
        raise ActionFailedError(f"{target.label} is a list: use select_option")
    if target.type == "file":
        raise ActionFailedError(f"{target.label} takes a file: use upload_file")
    fx.click_at(browser, target.x, target.y)
    effect = fx.settle(browser, target)
    return True, f"clicked {target.label}{_difference(target, effect)}", effect


def _difference(target: Target, effect: Effect) -> str:
    """How the clicked control changed; that nothing did is worth saying too."""
    if effect.token != target.token:
        return ""
    before, after = target.state or {}, effect.state
    if after is None:
        return ", which is gone now"
    for key, words in (
        ("checked", {"true": "is on", "false": "is off"}),
        ("expanded", {"true": "is open", "false": "is closed"}),
    ):
        if before.get(key) != after.get(key):
            return f", which {words.get(str(after.get(key)), 'changed')} now"
    return "" if effect.mutations else ", nothing on the page changed"


def _check(browser: Browser, documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    wanted = "true" if action.checked is not False else "false"
    word = "checked" if wanted == "true" else "unchecked"
    target = fx.aim(browser, _element(action), documents)
    state = target.state or {}
    if state.get("checked") is None:
        raise ActionFailedError(f"{target.label} can be neither checked nor unchecked: use click")
    if state["checked"] == wanted:
        return True, f"{target.label} was {word} already", fx.settle(browser, target)
    if wanted == "false" and state["role"] == "radio":
        raise ActionFailedError(f"{target.label} cannot be unchecked: choose another one of its group")
    fx.click_at(browser, target.x, target.y)
    effect = fx.settle(browser, target)
    if effect.state is not None and effect.state.get("checked") != wanted:
        answered(browser.call(target.id.frame, "press", target.id.own))
        effect = fx.settle(browser, target)
    if effect.state is None:
        return True, f"clicked {target.label}, which is gone now", effect
    if effect.state.get("checked") != wanted:
        return False, f"{target.label} did not become {word}: the page put it back", effect
    return True, f"{word} {target.label}", effect


def _element(action: Action) -> ElementId:
    if action.id is None:
        raise ActionFailedError(f"{action.type} needs the id of an element")
    return action.id


def _select(browser: Browser, documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    return select_option(browser, documents, _element(action), action.text or "")


def _input(browser: Browser, documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    return input_text(browser, documents, _element(action), action.text or "")


def _upload(browser: Browser, documents: Mapping[Frame, str], action: Action, uploads: UploadSources) -> Outcome:
    file = load_file(action.text or "", uploads)
    element = _element(action)
    frame, own = element
    known = answered(browser.call(frame, "fileTarget", own))
    target = Target(element)
    if not known["known"]:
        # The page opens a file chooser by script; the click makes it name its input, no chooser appears.
        target = fx.aim(browser, element, documents)
        fx.click_at(browser, target.x, target.y)
        fx.settle(browser, target)
    for piece in pieces(file.data):
        browser.call(frame, "filePiece", base64.b64encode(piece).decode())
    held = answered(browser.call(frame, "filePlace", own, file.name, file.content_type))
    effect = fx.settle(browser, target if target.token else None)
    ok = file.name in held["held"] and held["size"] == len(file.data)
    return ok, f"uploaded {file.name} ({len(file.data)} bytes); the field holds {', '.join(held['held'])}", effect


def _press(browser: Browser, documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    key, modifiers = find_key(action.text or "")
    target = None
    if action.id:
        target = fx.aim(browser, action.id, documents, force=True)
        answered(browser.call(target.id.frame, "focus", target.id.own))
    else:
        browser.call(PAGE, "arm")
    press(browser, key, modifiers)
    effect = fx.settle(browser, target)
    on = f" in {target.label}" if target else ""
    quiet = "" if effect.mutations or effect.token != documents.get(PAGE) else ", nothing on the page changed"
    return True, f"pressed {action.text}{on}{quiet}", effect


def _scroll(browser: Browser, _documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    frame, own = action.id or (PAGE, None)
    direction = (action.text or "down").strip().lower()
    if direction not in {"up", "down", "top", "bottom"}:
        raise ActionFailedError(f"cannot scroll {direction!r}: use up, down, top or bottom")
    moved = answered(browser.call(frame, "scrollBy", own, direction))
    effect = fx.settle(browser)
    if not moved["moved"]:
        return False, f"nothing to scroll: the {'top' if direction in {'up', 'top'} else 'end'} is reached", effect
    return True, f"scrolled {direction} by {moved['moved']} px, {moved['below']:.1f} screens below", effect


def _wait(browser: Browser, _documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    seconds = min(max(action.seconds or 1.0, 0.0), MAX_WAIT_SECONDS)
    browser.call(PAGE, "arm")
    time.sleep(seconds)
    return True, f"waited {seconds:g} s", fx.settle(browser)


def _go_to(browser: Browser, _documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    open_page(browser, action.text or "")
    return True, f"opened {action.text}", fx.settle(browser)


def _nothing(_browser: Browser, _documents: Mapping[Frame, str], action: Action, _uploads: UploadSources) -> Outcome:
    raise ActionFailedError(f"{action.type} is not an action on the page")


_ACTIONS: Final[Mapping[ActionType, Callable[[Browser, Mapping[Frame, str], Action, UploadSources], Outcome]]] = {
    ActionType.CLICK: _click,
    ActionType.INPUT_TEXT: _input,
    ActionType.SELECT_OPTION: _select,
    ActionType.CHECK: _check,
    ActionType.UPLOAD_FILE: _upload,
    ActionType.PRESS_KEY: _press,
    ActionType.SCROLL: _scroll,
    ActionType.WAIT: _wait,
    ActionType.GO_TO: _go_to,
    ActionType.COMPLETE: _nothing,
    ActionType.TERMINATE: _nothing,
}
