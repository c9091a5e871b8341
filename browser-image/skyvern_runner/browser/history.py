"""Going back and forward in a tab's history, and loading a page again."""

from typing import Final, Literal

from selenium.common.exceptions import UnexpectedAlertPresentException

from skyvern_runner.browser.element_id import PAGE
from skyvern_runner.browser.session import Browser, lost_is_an_error
from skyvern_runner.errors import ActionFailedError

Direction = Literal["back", "forward", "reload"]
_STEPS: Final[dict[Direction, int]] = {"back": -1, "forward": 1, "reload": 0}
_BLANK: Final = ("data:,", "about:blank", "chrome://")
"""What a tab shows before its first page."""


def travel(browser: Browser, direction: Direction) -> None:
    """Go one page back or forward, or load this one again. Raises ActionFailedError, DialogWaitsError.

    Selenium's TimeoutException passes: the page did not load in time.
    """
    before = browser.call(PAGE, "pageState")
    place, urls = _history(browser)
    step = _STEPS[direction]
    there = place + step
    if not 0 <= there < len(urls) or (step and urls[there].startswith(_BLANK)):
        raise ActionFailedError(f"there is no page to go {direction} to in this tab")
    driver = browser.driver
    with lost_is_an_error():
        try:
            {"back": driver.back, "forward": driver.forward, "reload": driver.refresh}[direction]()
        except UnexpectedAlertPresentException:
            browser.meet_dialog()
    after = browser.call(PAGE, "pageState")
    if direction == "reload" and after["token"] == before["token"]:
        raise ActionFailedError("the page was not loaded again: it kept its document")
    if step and _history(browser)[0] == place:
        raise ActionFailedError(f"the page did not let the tab go {direction}")


def _history(browser: Browser) -> tuple[int, list[str]]:
    """The place of the page in front in its tab's history, and the addresses there."""
    answer = browser.cdp("Page.getNavigationHistory")
    return int(answer["currentIndex"]), [str(entry["url"]) for entry in answer["entries"]]
