"""Carrying out an action: its outcome and what else the page did, as one result."""

from collections.abc import Callable
from typing import Final

from selenium.common.exceptions import TimeoutException, WebDriverException

from skyvern_runner.browser.element_id import PAGE
from skyvern_runner.browser.navigate import await_tab, page_problem
from skyvern_runner.browser.session import Browser, lost_is_an_error
from skyvern_runner.errors import ActionFailedError, DialogWaitsError, FileSourceError, PageLoadError, first_line
from skyvern_runner.input.interaction import Interaction
from skyvern_runner.input.outcome import ActionResult, Outcome

_MAX_NEW: Final = 5
"""Most new controls that a message names."""


def carry_out(interaction: Interaction, run: Callable[[Interaction], Outcome]) -> ActionResult:
    """Run an action. Raises BrowserLostError; every other error, and a dialog that comes up, becomes the result."""
    browser = interaction.browser
    try:
        return _finished(interaction, run(interaction))
    except DialogWaitsError as dialog:
        return _interrupted(interaction, dialog)
    except (ActionFailedError, PageLoadError, FileSourceError) as error:
        return _failed(interaction, str(error))
    except TimeoutException:
        _stop_loading(browser)
        return _failed(interaction, f"the page did not load within {browser.options.page_seconds:g} s")
    except WebDriverException as error:
        return _failed(interaction, f"the browser refused the action: {first_line(error)}")


def _interrupted(interaction: Interaction, dialog: DialogWaitsError) -> ActionResult:
    """What else the page did shows only once the dialog is answered; nothing more can be done until then."""
    browser, url = interaction.browser, interaction.url
    notes = [str(dialog) if interaction.acted else f"not done, since {dialog}", *browser.notes]
    browser.notes.clear()
    return ActionResult(interaction.acted, "; ".join(notes), True, url, url)


def _failed(interaction: Interaction, message: str) -> ActionResult:
    browser, before = interaction.browser, interaction.url
    try:
        url = str(browser.call(PAGE, "pageState")["url"])
    except (WebDriverException, DialogWaitsError):
        url = before  # the page does not answer; the next look shows what is wrong with it
    notes = [message, *browser.notes]
    browser.notes.clear()
    return ActionResult(False, "; ".join(notes), url != before, before, url)


def _stop_loading(browser: Browser) -> None:
    """Give up a navigation that does not end."""
    with lost_is_an_error():
        browser.driver.execute_cdp_cmd("Page.stopLoading", {})
    browser.call(PAGE, "forget")


def _finished(interaction: Interaction, outcome: Outcome) -> ActionResult:
    browser, before, effect = interaction.browser, interaction.url, outcome.effect
    notes = [outcome.message]
    tab = browser.adopt_tab()
    if tab:
        await_tab(browser)
    whole = effect.frame == PAGE
    page = {"url": effect.url, "token": effect.token} if whole and not tab else browser.call(PAGE, "pageState")
    changed = page["token"] != interaction.token
    if changed and "status" not in page:
        page = browser.call(PAGE, "pageState")
    if tab:
        notes.append(f"{tab}: {page['url']}")
    elif page["url"] != before:
        notes.append(f"the page is now {page['url']}")
    problem = page_problem(page, page["url"]) if changed else None
    if problem:
        notes.append(str(problem))
    notes += browser.notes
    browser.notes.clear()
    notes += [f"the page says {text!r}" for text in effect.messages]
    appeared = tuple(f'[{key}] {role} "{name}"' for key, role, name in effect.fresh)
    if appeared:
        rest = f" and {len(appeared) - _MAX_NEW} more" if len(appeared) > _MAX_NEW else ""
        notes.append(f"new: {', '.join(appeared[:_MAX_NEW])}{rest}")
    moved = page["url"].split("#")[0] != before.split("#", maxsplit=1)[0]
    return ActionResult(
        ok=outcome.ok and problem is None,
        message="; ".join(notes),
        changed_page=changed or moved,
        url_before=before,
        url_after=page["url"],
        new_elements=appeared,
    )
