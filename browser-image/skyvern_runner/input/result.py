"""Carrying out an action: its outcome and what else the page did, as one result."""

from collections.abc import Callable, Sequence
from typing import Final

from selenium.common.exceptions import TimeoutException, WebDriverException

from skyvern_runner.browser.element_id import PAGE
from skyvern_runner.browser.navigate import await_tab, page_problem
from skyvern_runner.browser.session import Browser, lost_is_an_error
from skyvern_runner.errors import ActionFailedError, DialogWaitsError, FileSourceError, PageLoadError, first_line
from skyvern_runner.input.interaction import Interaction
from skyvern_runner.input.outcome import ActionResult, Effect, Outcome

_STALE: Final = ("gone: ", "changed: ")
"""How refusals begin whose cause is that the page has changed since it was looked at."""
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
    return ActionResult(interaction.acted, "; ".join(notes), True, url_before=url, url_after=url)


def _failed(interaction: Interaction, message: str) -> ActionResult:
    browser, before = interaction.browser, interaction.url
    try:
        url = str(browser.call(PAGE, "pageState")["url"])
    except (WebDriverException, DialogWaitsError):
        url = before  # the page does not answer; the next look shows what is wrong with it
    notes = [message, *_refusals(interaction, message), *browser.notes]
    browser.notes.clear()
    stale = message.startswith(_STALE)
    return ActionResult(False, "; ".join(notes), url != before, stale, before, url)


def _refusals(interaction: Interaction, told: str) -> list[str]:
    """What the policy refused meanwhile, without what is told already."""
    refusals = interaction.browser.way_out.refusals(interaction.mark)
    return [refusal for refusal in refusals if refusal.removeprefix("refused: ") not in told]


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
    problem = page_problem(browser, page, page["url"], interaction.mark) if changed else None
    if problem:
        notes.append(str(problem))
    notes += _refusals(interaction, str(problem))
    notes += browser.notes
    browser.notes.clear()
    notes += _shown(effect)
    appeared = tuple(f'[{key}] {role} "{name}"' for key, role, name in effect.fresh)
    if appeared:
        rest = f" and {len(appeared) - _MAX_NEW} more" if len(appeared) > _MAX_NEW else ""
        notes.append(f"new: {', '.join(appeared[:_MAX_NEW])}{rest}")
    return ActionResult(
        ok=outcome.ok and problem is None,
        message="; ".join(notes),
        changed_page=changed or _place(page["url"]) != _place(before),
        url_before=before,
        url_after=page["url"],
        new_elements=appeared,
        shown=outcome.shown,
    )


def _shown(effect: Effect) -> list[str]:
    """What else changed, the most telling first, since the history cuts long lines."""
    texts = effect.texts
    notes = [*effect.complaints, *(f"the page says {text!r}" for text in effect.messages)]
    if texts.flashed:
        notes.append(f"shown for a moment: {_listed(texts.flashed)}")
    if texts.appeared:
        more = f" and {texts.more} more" if texts.more else ""
        notes.append(f"now shown: {_listed(texts.appeared)}{more}")
    if effect.changes:
        notes.append(f"also changed: {', '.join(effect.changes)}")
    if texts.vanished:
        notes.append(f"no longer shown: {_listed(texts.vanished)}")
    return notes


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _place(url: str) -> str:
    """What of an address makes another page: routes may stand behind the #, other fragments are places in a page."""
    base, _, fragment = url.partition("#")
    return f"{base}#{fragment}" if fragment.startswith(("/", "!")) else base
