"""Dialogs of a page: which kind they are, and which of them wait for the model.

The question whether to leave a page with unsaved changes is not among them: chromedriver answers it with yes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from selenium.common.exceptions import ElementNotInteractableException, NoAlertPresentException
from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_runner.browser.invisible import visible
from skyvern_runner.errors import DialogWaitsError

MARK: Final = "\u2063"
"""The page script puts this invisible character in front of the text: WebDriver does not tell the kinds apart."""
_MAX_TEXT: Final = 300


class DialogKind(StrEnum):
    """What a dialog asks for."""

    ALERT = "alert"
    """Nothing: it tells something."""
    CONFIRM = "confirm"
    """A decision."""
    PROMPT = "prompt"
    """A text."""


_BY_MARKS: Final = (None, DialogKind.ALERT, DialogKind.CONFIRM, DialogKind.PROMPT)


@dataclass(frozen=True)
class Dialog:
    """A dialog that is open."""

    kind: DialogKind
    text: str


def open_dialog(driver: WebDriver) -> Dialog | None:
    """The dialog that the tab in front shows, if there is one."""
    try:
        alert = driver.switch_to.alert
        raw = alert.text or ""
        marks = len(raw) - len(raw.lstrip(MARK))
        kind = _BY_MARKS[marks] if marks < len(_BY_MARKS) else None
        text = " ".join(visible(raw).split())[:_MAX_TEXT]
        if kind is None:
            kind = _unmarked(driver)
    except NoAlertPresentException:
        return None
    return Dialog(kind, text)


def meet_dialog(driver: WebDriver) -> str | None:
    """Close a dialog that asks nothing of the task, and return what it said. Raises DialogWaitsError for others."""
    dialog = open_dialog(driver)
    if dialog is None:
        return None
    if dialog.kind is not DialogKind.ALERT:
        raise DialogWaitsError(dialog.kind, dialog.text)
    close_dialog(driver, accept=True)
    return f"a dialog said {dialog.text!r} and was accepted"


def close_dialog(driver: WebDriver, *, accept: bool, text: str | None = None) -> bool:
    """Answer the open dialog with OK, or Cancel. Returns whether there was one."""
    try:
        alert = driver.switch_to.alert
        if accept and text is not None:
            alert.send_keys(text)
        if accept:
            alert.accept()
        else:
            alert.dismiss()
    except NoAlertPresentException:
        return False
    return True


def _unmarked(driver: WebDriver) -> DialogKind:
    """Of a window that has just opened, before the page script was in it: perhaps only an alert, perhaps a question."""
    try:
        driver.switch_to.alert.send_keys("")
    except ElementNotInteractableException:
        return DialogKind.CONFIRM
    return DialogKind.PROMPT
