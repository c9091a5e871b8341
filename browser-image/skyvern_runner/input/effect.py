"""What every action does around its own work: aim before, wait for quiet after, and say what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from selenium.common.exceptions import TimeoutException, WebDriverException

from skyvern_runner.browser.element_id import PAGE, SEPARATOR, ElementId, Frame
from skyvern_runner.browser.navigate import page_problem
from skyvern_runner.browser.session import Browser, lost_is_an_error

SETTLE_MS: Final = 1000
"""Longest wait for a page to become quiet after an action."""
_ATTEMPTS: Final = 4


class ActionFailedError(Exception):
    """The action cannot be done; the message is the result's."""


@dataclass(frozen=True)
class ActionResult:
    """What an action did, read back from the page."""

    ok: bool
    """Whether the intended effect was seen."""
    message: str
    """The effect, or the cause of the failure, in one line."""
    changed_page: bool = False
    """Another document or tab is in front, or the address changed: look again before the next action."""
    url_before: str = ""
    url_after: str = ""
    new_elements: tuple[str, ...] = ()
    """Controls that appeared, as ``[id] role "name"``."""


@dataclass(frozen=True)
class Target:
    """An element that an action aims at."""

    id: ElementId
    label: str = ""
    tag: str = ""
    type: str = ""
    token: str = ""
    x: float = 0.0
    y: float = 0.0
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Effect:
    """What was seen after an action."""

    url: str
    token: str
    mutations: int
    fresh: tuple[tuple[ElementId, str, str], ...]
    """Controls that appeared: id, role, name."""
    messages: tuple[str, ...]
    """Alerts and status lines that appeared."""
    frame: Frame
    """The document that was watched."""
    state: Mapping[str, Any] | None
    """State of the target afterwards; None when it is gone."""


def answered(answer: Any) -> Any:
    """The answer of the page script. Raises ActionFailedError with the error that it holds."""
    if isinstance(answer, dict) and "error" in answer:
        raise ActionFailedError(str(answer["error"]))
    return answer


def aim(browser: Browser, element: ElementId, documents: Mapping[Frame, str], **options: object) -> Target:
    """Find the element, bring it into view and test what a click there would hit. Raises ActionFailedError."""
    frame = element.frame
    if frame and frame not in documents:
        raise ActionFailedError(f"not found: no element has the id {element}")
    if frame in documents:
        options["seen"] = documents[frame]
    options["prefix"] = "".join(f"{each}{SEPARATOR}" for each in frame)
    answer = answered(browser.call(frame, "aim", element.own, options))
    x, y = offset(browser, frame)
    return Target(
        element,
        answer["label"],
        answer["tag"],
        answer["type"],
        answer["token"],
        answer["x"] + x,
        answer["y"] + y,
        answer["state"],
    )


def offset(browser: Browser, frame: Frame) -> tuple[float, float]:
    """Where the content of a document begins in the page."""
    x = y = 0.0
    for depth in range(len(frame)):
        box = answered(browser.call(frame[:depth], "frameBox", frame[depth]))
        x, y = x + box["x"], y + box["y"]
    return x, y


def click_at(browser: Browser, x: float, y: float, count: int = 1) -> None:
    """Move the pointer there and click with the left button."""
    browser.cdp("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="none")
    for kind in ("mousePressed", "mouseReleased"):
        browser.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)


def settle(browser: Browser, target: Target | None = None, most: int = SETTLE_MS) -> Effect:
    """Wait until the page is quiet, at most ``most`` ms and a page load, and read back what happened."""
    frame, own = (target.id.frame, target.id.own) if target else (PAGE, None)
    for attempt in range(_ATTEMPTS):
        try:
            answer = browser.call(frame, "settle", own, {"most": most})
        except WebDriverException:
            # The document, or the frame, was replaced while the call waited in it.
            if attempt == _ATTEMPTS - 1:
                raise
            frame, own = PAGE, None
            continue
        same = target is None or answer["token"] == target.token
        fresh = tuple((ElementId(frame, key), role, name) for key, role, name in answer["fresh"])
        return Effect(
            answer["url"],
            answer["token"],
            answer["mutations"],
            fresh if same else (),
            tuple(answer["messages"]) if same else (),
            frame,
            answer["state"] if same else None,
        )
    raise AssertionError("unreachable")


def finish(
    browser: Browser, message: str, effect: Effect, *, ok: bool, url_before: str, documents: Mapping[Frame, str]
) -> ActionResult:
    """The result: the action's own message and what else the page did."""
    notes = [message]
    tab = browser.adopt_tab()
    whole = not effect.frame
    page = {"url": effect.url, "token": effect.token} if whole and not tab else browser.call(PAGE, "pageState")
    changed = page["token"] != documents.get(PAGE)
    if changed and "status" not in page:
        page = browser.call(PAGE, "pageState")
    if tab:
        notes.append(f"{tab}: {page['url']}")
    elif page["url"] != url_before:
        notes.append(f"the page is now {page['url']}")
    problem = page_problem(page, page["url"]) if changed else None
    if problem:
        notes.append(str(problem))
    notes += browser.notes
    browser.notes.clear()
    notes += [f"the page says {text!r}" for text in effect.messages]
    described = tuple(f'[{key}] {role} "{name}"' for key, role, name in effect.fresh)
    if described:
        rest = f" and {len(described) - 5} more" if len(described) > 5 else ""
        notes.append(f"new: {', '.join(described[:5])}{rest}")
    moved = page["url"].split("#")[0] != url_before.split("#", maxsplit=1)[0]
    ok = ok and problem is None
    return ActionResult(ok, "; ".join(notes), changed or moved, url_before, page["url"], described)


def loading(browser: Browser, error: TimeoutException) -> ActionFailedError:
    """The message for an action whose navigation does not end; the load is given up."""
    with lost_is_an_error():
        browser.driver.execute_cdp_cmd("Page.stopLoading", {})
    browser.call(PAGE, "forget")
    return ActionFailedError(f"the page did not load within {browser.options.page_seconds:g} s")
